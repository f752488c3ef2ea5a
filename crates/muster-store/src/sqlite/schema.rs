//! Which shape the tables have, and how an older one is brought up to date.
//!
//! The table `schema` keeps its shape for ever, so that any Muster can say that a store is too new
//! for it.

use std::path::Path;

use muster_core::directory::Directory;
use muster_core::identity::{PersonId, PlaceId};
use muster_core::ports::StoreError;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::sum::Sum;
use super::{by_row, fault, statement};
use crate::directory::Numbers;
use crate::disk::unavailable;
use crate::judged::Meta;
use crate::record::{Fields, Record, Sheet, broken};

/// The statements that lead from each schema to the next; the first makes it.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_first.sql"),
    include_str!("../../migrations/sqlite/0002_assumed.sql"),
    NUMBERS,
    WINNERS,
    include_str!("../../migrations/sqlite/0005_received.sql"),
    include_str!("../../migrations/sqlite/0006_far_monitors.sql"),
];
const NUMBERS: &str = include_str!("../../migrations/sqlite/0003_numbers.sql");
const WINNERS: &str = include_str!("../../migrations/sqlite/0004_winners.sql");

/// Makes the tables in an empty file, or brings those of an older Muster up to date: all or
/// nothing.
pub(super) async fn migrate(
    conn: &mut SqliteConnection,
    migrations: &[&'static str],
    path: &Path,
) -> Result<(), StoreError> {
    let explain = |cause| fault::explain(cause, path);
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(explain)?;
    let found = if is_empty(&mut tx).await.map_err(explain)? {
        0
    } else {
        version(&mut tx, migrations.len(), path).await?
    };
    let to_do = migrations.get(found..).unwrap_or(&[]);
    for sql in to_do {
        sqlx::raw_sql(AssertSqlSafe(*sql)).execute(&mut *tx).await.map_err(explain)?;
    }
    if to_do.contains(&NUMBERS) {
        begin_numbers(&mut tx).await.map_err(explain)?;
    }
    if to_do.contains(&WINNERS) {
        by_row::pack(&mut tx).await.map_err(explain)?;
    }
    if !to_do.is_empty() {
        sign(&mut tx, migrations.len()).await.map_err(explain)?;
    }
    if found == 0 {
        statement::put(&mut tx, &[Meta::default()]).await.map_err(explain)?;
    }
    tx.commit().await.map_err(explain)
}

/// Makes or drops what is there by choice, in a transaction that is open.
pub(super) async fn redefine(
    conn: &mut SqliteConnection,
    sql: &'static str,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(&mut *conn).await?;
    sign(conn, MIGRATIONS.len()).await
}

/// Writes down which shape the tables have.
async fn sign(conn: &mut SqliteConnection, version: usize) -> Result<(), sqlx::Error> {
    let version = i64::try_from(version).unwrap_or(i64::MAX);
    let fingerprint = fingerprint(conn).await?;
    statement::put(conn, &[SchemaRow { version, fingerprint }]).await
}

/// Refuses what is no store, a newer one, an older one, and one whose tables were meddled with.
pub(super) async fn check(conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let known = MIGRATIONS.len();
    let found = version(conn, known, path).await?;
    if found < known {
        let what = format!("it has the older schema {found}: start `muster serve` once");
        return Err(unavailable(what, "the schema is older than this program".into()));
    }
    Ok(())
}

async fn version(
    conn: &mut SqliteConnection,
    known: usize,
    path: &Path,
) -> Result<usize, StoreError> {
    let explain = |cause| fault::explain(cause, path);
    let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'schema'";
    let there: i64 = sqlx::query_scalar(sql).fetch_one(&mut *conn).await.map_err(explain)?;
    let rows: Vec<SchemaRow> = if there == 0 {
        Vec::new()
    } else {
        statement::find(conn, "", SqliteArguments::default()).await.map_err(explain)?
    };
    let Some(row) = rows.first() else {
        return Err(fault::damaged("it is no store of muster", "there is no schema".into()));
    };
    let newest = i64::try_from(known).unwrap_or(i64::MAX);
    if row.version > newest {
        return Err(StoreError::Newer { found: row.version, known: newest });
    }
    if row.fingerprint != fingerprint(conn).await.map_err(explain)? {
        return Err(explain(broken("sqlite_master")));
    }
    usize::try_from(row.version).map_err(|_| explain(broken(SchemaRow::TABLE)))
}

async fn is_empty(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT count(*) FROM sqlite_master";
    let things: i64 = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(things == 0)
}

/// A sum over all definitions.
async fn fingerprint(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_master \
               WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name";
    let mut sum = Sum::of("sqlite_master");
    for row in sqlx::query(sql).fetch_all(conn).await? {
        for column in 0..4 {
            match row.try_get::<Option<&str>, _>(column)? {
                Some(text) => sum.bytes(text.as_bytes()),
                None => sum.nothing(),
            }
        }
    }
    Ok(sum.value())
}

/// Begins to remember the highest numbers, in a store that was written without them: above every
/// number that anything in it speaks of.
async fn begin_numbers(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let (person, place): (u32, u32) = sqlx::query_as(HIGHEST).fetch_one(&mut *conn).await?;
    let (person, place) = (PersonId(person), PlaceId(place).max(Directory::FIRST_SITE));
    statement::put(conn, &[Numbers { person, place }]).await
}

#[derive(Clone, Copy, Debug)]
struct SchemaRow {
    version: i64,
    fingerprint: i64,
}

impl Record for SchemaRow {
    const TABLE: &'static str = "schema";
    const COLUMNS: &'static [&'static str] = &["id", "version", "fingerprint"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(1);
        row.int(self.version);
        row.int(self.fingerprint);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        row.int()?;
        Ok(Self { version: row.int()?, fingerprint: row.int()? })
    }
}

/// The highest numbers of people and places, in whatever mentions them.
const HIGHEST: &str = "SELECT
    (SELECT coalesce(max(number), 0) FROM (
        SELECT max(id) AS number FROM person
        UNION ALL SELECT max(person) FROM ownership
        UNION ALL SELECT max(person) FROM override
        UNION ALL SELECT max(subject_id) FROM stay WHERE subject = 'person'
        UNION ALL SELECT max(subject_id) FROM journal WHERE subject = 'person'
        UNION ALL SELECT max(subject_id) FROM state WHERE subject = 'person'
        UNION ALL SELECT max(owner) FROM journal)),
    (SELECT coalesce(max(number), 0) FROM (
        SELECT max(id) AS number FROM place
        UNION ALL SELECT max(parent) FROM place
        UNION ALL SELECT max(place) FROM monitor
        UNION ALL SELECT max(site) FROM stay
        UNION ALL SELECT max(site) FROM journal))";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use muster_core::change::{Change, ChangeKind};
    use muster_core::directory::{Person, Place};
    use muster_core::identity::DeviceId;
    use muster_core::stay::{Ended, Stay, StayId, Subject};
    use muster_core::time::Time;

    use super::super::files;
    use super::*;
    use crate::{directory, tables};

    #[test]
    fn who_changes_the_tables_thinks_of_archives() {
        let now = (MIGRATIONS.len(), crate::archive::FORMAT);
        assert_eq!(now, (6, 1), "raise the form of archives if rows say something else now");
    }

    #[tokio::test]
    async fn an_older_schema_is_brought_up_to_date_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let mut conn = files::maker(&path).await.unwrap();
        let first = &MIGRATIONS[..1];
        migrate(&mut conn, first, &path).await.unwrap();
        assert_eq!(version(&mut conn, 1, &path).await.unwrap(), 1);
        migrate(&mut conn, MIGRATIONS, &path).await.unwrap();
        let known = MIGRATIONS.len();
        assert_eq!(version(&mut conn, known, &path).await.unwrap(), known);

        let wrong = ["CREATE TABLE extra (id INTEGER) STRICT; CREATE TABLE extra (id)"];
        migrate(&mut conn, &[MIGRATIONS, &wrong].concat(), &path).await.unwrap_err();
        assert_eq!(version(&mut conn, known, &path).await.unwrap(), known);

        let right = ["CREATE TABLE extra (id INTEGER) STRICT"];
        migrate(&mut conn, &[MIGRATIONS, &right].concat(), &path).await.unwrap();
        migrate(&mut conn, &[MIGRATIONS, &right].concat(), &path).await.unwrap();
        assert_eq!(version(&mut conn, known + 1, &path).await.unwrap(), known + 1);
        let newer = migrate(&mut conn, MIGRATIONS, &path).await.unwrap_err();
        assert!(matches!(newer, StoreError::Newer { .. }), "{newer}");
    }

    #[tokio::test]
    async fn every_table_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let mut conn = files::maker(&path).await.unwrap();
        migrate(&mut conn, MIGRATIONS, &path).await.unwrap();
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema'";
        let there: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap();
        let listed: BTreeSet<&str> = tables::NAMES.iter().copied().collect();
        assert_eq!(listed, there.iter().map(String::as_str).collect());
        assert_eq!(listed.len(), tables::NAMES.len());
    }

    /// What is said of a person, a place, in a store of the first schema: by its directory, a stay,
    /// a change.
    async fn highest(people: [u32; 3], places: [u32; 3]) -> (PersonId, PlaceId) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let mut conn = files::maker(&path).await.unwrap();
        migrate(&mut conn, &MIGRATIONS[..1], &path).await.unwrap();
        let person = |id| (PersonId(id), Person { name: "ben".into(), display: "Ben".into() });
        let place = |id| (PlaceId(id), Place { name: "attic".into(), parent: None });
        statement::put(&mut conn, &[person(people[0])]).await.unwrap();
        statement::put(&mut conn, &[place(places[0])]).await.unwrap();
        let stay = Stay {
            id: StayId(1),
            subject: Subject::Person(PersonId(people[1])),
            site: PlaceId(places[1]),
            from: Time::default(),
            last: Time::default(),
            ended: Ended::Left,
            to_latest: None,
            uncovered: Duration::ZERO,
            after_gap: false,
            revision: 0,
        };
        // A device's number is none of a person.
        let device = Stay { id: StayId(2), subject: Subject::Device(DeviceId(99)), ..stay.clone() };
        statement::put(&mut conn, &[stay, device]).await.unwrap();
        let mut change = Change::new(ChangeKind::Assigned, Time::default(), Time::default());
        change.owner = Some(PersonId(people[2]));
        change.site = Some(PlaceId(places[2]));
        statement::put(&mut conn, &[change]).await.unwrap();
        migrate(&mut conn, MIGRATIONS, &path).await.unwrap();
        let found = directory::read(&mut conn, Some(1)).await.unwrap();
        super::super::backup::verify(&mut conn).await.unwrap();
        (found.last_person, found.last_place)
    }

    #[tokio::test]
    async fn numbers_of_an_older_schema_are_never_given_again() {
        for turn in 0..3 {
            let mut numbers = [3, 4, 5];
            numbers.rotate_left(turn);
            let mut others = [7, 8, 6];
            others.rotate_left(turn);
            assert_eq!(highest(numbers, others).await, (PersonId(5), PlaceId(8)), "{turn}");
        }
    }
}
