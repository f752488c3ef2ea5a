//! The directory's tables, rewritten and read as one.

use std::collections::BTreeMap;

use muster_core::directory::{
    Device, DeviceKind, Directory, Mark, Override, Ownership, Person, Place,
};
use muster_core::identity::{DeviceId, IdentityId, PersonId, PlaceId};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::record::{Fields, Record, Sheet, broken};
use super::statement;

/// Replaces everything. The version is kept elsewhere.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    directory: &Directory,
) -> Result<(), sqlx::Error> {
    for sql in EMPTY {
        statement::run(conn, sql, SqliteArguments::default()).await?;
    }
    let Directory { people, devices, groups, places, monitors, overrides, .. } = directory;
    let numbers = Numbers { person: directory.last_person, place: directory.last_place };
    statement::put(conn, &[numbers]).await?;
    put(conn, people).await?;
    put(conn, devices).await?;
    put(conn, groups).await?;
    put(conn, places).await?;
    put(conn, monitors).await?;
    let mut manual = Vec::new();
    for (&person, all) in overrides {
        manual.extend(all.iter().cloned().zip(0..).map(|(it, position)| OverrideRow {
            person,
            position,
            it,
        }));
    }
    statement::put(conn, &manual).await?;
    let mut owned = Vec::new();
    for (device, it) in devices {
        owned.extend(it.owners.iter().zip(0..).map(|(&ownership, position)| OwnershipRow {
            device: *device,
            position,
            ownership,
        }));
    }
    statement::put(conn, &owned).await
}

/// The directory that was written last, if there was one.
pub(super) async fn read(
    conn: &mut SqliteConnection,
    version: Option<u64>,
) -> Result<Directory, sqlx::Error> {
    let Some(version) = version else { return Ok(Directory::default()) };
    let mut devices: BTreeMap<DeviceId, Device> = all(conn).await?;
    let in_order = "ORDER BY device, position";
    let owned: Vec<OwnershipRow> =
        statement::find(conn, in_order, SqliteArguments::default()).await?;
    for it in owned {
        let device = devices.get_mut(&it.device).ok_or_else(|| broken(OwnershipRow::TABLE))?;
        device.owners.push(it.ownership);
    }
    let mut overrides: BTreeMap<PersonId, Vec<Override>> = BTreeMap::new();
    let in_order = "ORDER BY person, position";
    let manual: Vec<OverrideRow> =
        statement::find(conn, in_order, SqliteArguments::default()).await?;
    for row in manual {
        overrides.entry(row.person).or_default().push(row.it);
    }
    let numbers: Vec<Numbers> = statement::find(conn, "", SqliteArguments::default()).await?;
    let numbers = numbers.first().ok_or_else(|| broken(Numbers::TABLE))?;
    Ok(Directory {
        version,
        last_person: numbers.person,
        last_place: numbers.place,
        devices,
        people: all(conn).await?,
        groups: all(conn).await?,
        places: all(conn).await?,
        monitors: all(conn).await?,
        overrides,
    })
}

/// Begins to remember the highest numbers, in a store that was written without them: above every
/// number that anything in it speaks of.
pub(super) async fn begin_numbers(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let (person, place): (u32, u32) = sqlx::query_as(HIGHEST).fetch_one(&mut *conn).await?;
    let (person, place) = (PersonId(person), PlaceId(place).max(Directory::FIRST_SITE));
    statement::put(conn, &[Numbers { person, place }]).await
}

async fn put<K: Clone, V: Clone>(
    conn: &mut SqliteConnection,
    entries: &BTreeMap<K, V>,
) -> Result<(), sqlx::Error>
where
    (K, V): Record,
{
    let rows: Vec<(K, V)> = entries.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    statement::put(conn, &rows).await
}

async fn all<K: Ord, V>(conn: &mut SqliteConnection) -> Result<BTreeMap<K, V>, sqlx::Error>
where
    (K, V): Record,
{
    let rows: Vec<(K, V)> = statement::find(conn, "", SqliteArguments::default()).await?;
    Ok(rows.into_iter().collect())
}

impl Record for (PersonId, Person) {
    const TABLE: &'static str = "person";
    const COLUMNS: &'static [&'static str] = &["id", "name", "display"];

    fn write(&self, row: &mut Sheet) {
        row.int(self.0.0);
        row.text(&self.1.name);
        row.text(&self.1.display);
    }

    fn read(row: &mut Fields<'_>) -> Result<Self, sqlx::Error> {
        let id = PersonId(row.small()?);
        Ok((id, Person { name: row.text()?.into(), display: row.text()?.into() }))
    }
}

impl Record for (DeviceId, Device) {
    const TABLE: &'static str = "device";
    const COLUMNS: &'static [&'static str] = &["id", "name", "kind", "mark", "carried"];

    fn write(&self, row: &mut Sheet) {
        row.int(self.0.0);
        row.text(&self.1.name);
        row.text(self.1.kind.word());
        row.text(self.1.mark.word());
        row.maybe(self.1.carried);
    }

    fn read(row: &mut Fields<'_>) -> Result<Self, sqlx::Error> {
        let id = DeviceId(row.small()?);
        let name = row.text()?.into();
        let kind: DeviceKind = row.text()?.parse().map_err(|_| broken(Self::TABLE))?;
        let mark: Mark = row.text()?.parse().map_err(|_| broken(Self::TABLE))?;
        let carried = row.maybe()?.map(|it| it != 0);
        Ok((id, Device { name, kind, mark, carried, owners: Vec::new() }))
    }
}

#[derive(Clone, Copy, Debug)]
struct OwnershipRow {
    device: DeviceId,
    position: u32,
    ownership: Ownership,
}

impl Record for OwnershipRow {
    const TABLE: &'static str = "ownership";
    const COLUMNS: &'static [&'static str] = &["device", "position", "from_at", "person"];

    fn write(&self, row: &mut Sheet) {
        row.int(self.device.0);
        row.int(self.position);
        row.time(self.ownership.from);
        row.maybe(self.ownership.person.map(|it| it.0));
    }

    fn read(row: &mut Fields<'_>) -> Result<Self, sqlx::Error> {
        let (device, position) = (DeviceId(row.small()?), row.small()?);
        let from = row.time()?;
        let person = row.maybe_small()?.map(PersonId);
        Ok(Self { device, position, ownership: Ownership { from, person } })
    }
}

impl Record for (IdentityId, DeviceId) {
    const TABLE: &'static str = "grouping";
    const COLUMNS: &'static [&'static str] = &["identity", "device"];

    fn write(&self, row: &mut Sheet) {
        row.int(self.0.0);
        row.int(self.1.0);
    }

    fn read(row: &mut Fields<'_>) -> Result<Self, sqlx::Error> {
        Ok((IdentityId(row.small()?), DeviceId(row.small()?)))
    }
}

impl Record for (PlaceId, Place) {
    const TABLE: &'static str = "place";
    const COLUMNS: &'static [&'static str] = &["id", "name", "parent"];

    fn write(&self, row: &mut Sheet) {
        row.int(self.0.0);
        row.text(&self.1.name);
        row.maybe(self.1.parent.map(|it| it.0));
    }

    fn read(row: &mut Fields<'_>) -> Result<Self, sqlx::Error> {
        let id = PlaceId(row.small()?);
        let name = row.text()?.into();
        Ok((id, Place { name, parent: row.maybe_small()?.map(PlaceId) }))
    }
}

impl Record for (Box<str>, PlaceId) {
    const TABLE: &'static str = "monitor";
    const COLUMNS: &'static [&'static str] = &["name", "place"];

    fn write(&self, row: &mut Sheet) {
        row.text(&self.0);
        row.int(self.1.0);
    }

    fn read(row: &mut Fields<'_>) -> Result<Self, sqlx::Error> {
        Ok((row.text()?.into(), PlaceId(row.small()?)))
    }
}

#[derive(Clone, Debug)]
struct OverrideRow {
    person: PersonId,
    position: u32,
    it: Override,
}

impl Record for OverrideRow {
    const TABLE: &'static str = "override";
    const COLUMNS: &'static [&'static str] =
        &["person", "position", "home", "at", "until_at", "by_whom"];

    fn write(&self, row: &mut Sheet) {
        row.int(self.person.0);
        row.int(self.position);
        row.int(self.it.home);
        row.time(self.it.at);
        row.time(self.it.until);
        row.text(&self.it.by);
    }

    fn read(row: &mut Fields<'_>) -> Result<Self, sqlx::Error> {
        let (person, position) = (PersonId(row.small()?), row.small()?);
        let (home, at, until) = (row.flag()?, row.time()?, row.time()?);
        Ok(Self { person, position, it: Override { home, at, until, by: row.text()?.into() } })
    }
}

/// The highest numbers ever given.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    person: PersonId,
    place: PlaceId,
}

impl Record for Numbers {
    const TABLE: &'static str = "numbers";
    const COLUMNS: &'static [&'static str] = &["id", "person", "place"];

    fn write(&self, row: &mut Sheet) {
        row.int(1);
        row.int(self.person.0);
        row.int(self.place.0);
    }

    fn read(row: &mut Fields<'_>) -> Result<Self, sqlx::Error> {
        row.int()?;
        Ok(Self { person: PersonId(row.small()?), place: PlaceId(row.small()?) })
    }
}

/// Reads every row, so that every sum is checked.
pub(super) async fn check(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    statement::check::<(PersonId, Person)>(conn).await?;
    statement::check::<(DeviceId, Device)>(conn).await?;
    statement::check::<OwnershipRow>(conn).await?;
    statement::check::<(IdentityId, DeviceId)>(conn).await?;
    statement::check::<(PlaceId, Place)>(conn).await?;
    statement::check::<(Box<str>, PlaceId)>(conn).await?;
    statement::check::<Numbers>(conn).await?;
    statement::check::<OverrideRow>(conn).await
}

const EMPTY: [&str; 7] = [
    "DELETE FROM person",
    "DELETE FROM device",
    "DELETE FROM ownership",
    "DELETE FROM grouping",
    "DELETE FROM place",
    "DELETE FROM monitor",
    "DELETE FROM override",
];

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
