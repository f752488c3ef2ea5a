//! Readings as the schemas before the fourth kept them, one a row: read once, to be packed.

use muster_core::batch::Reading;
use muster_core::identity::{IdentityId, ListenerId};
use sqlx::sqlite::SqliteConnection;

use super::statement::{find, run, values};
use crate::readings;
use crate::record::{Fields, Record, Sheet};
use crate::rows::{duration, micros};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row(pub(super) Reading);

impl Record for Row {
    const TABLE: &'static str = "reading";
    const COLUMNS: &'static [&'static str] =
        &["interval_at", "identity", "listener", "length", "rssi", "at"];
    const KEY: usize = 3;

    fn write(&self, row: &mut impl Sheet) {
        row.time(self.0.interval);
        row.int(self.0.identity.0);
        row.int(self.0.listener.0);
        row.int(micros(self.0.length));
        row.maybe(self.0.rssi);
        row.time(self.0.at);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        Ok(Self(Reading {
            interval: row.time()?,
            identity: IdentityId(row.small()?),
            listener: ListenerId(row.small()?),
            length: duration(row.int()?)?,
            rssi: row.maybe_small()?,
            at: row.time()?,
        }))
    }
}

/// Packs all of them, and lets go of their table.
pub(super) async fn pack(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut after: Option<Reading> = None;
    loop {
        let piece: Vec<Row> = match after {
            None => find(conn, FIRST, values(&[ROWS], &[])?).await?,
            Some(it) => {
                let key = [it.interval.micros(), it.identity.0.into(), it.listener.0.into(), ROWS];
                find(conn, NEXT, values(&key, &[])?).await?
            }
        };
        let packed: Vec<Reading> = piece.iter().map(|it| it.0).collect();
        readings::write(conn, &packed, false).await?;
        after = packed.last().copied();
        if after.is_none() {
            break;
        }
    }
    run(conn, "DROP TABLE reading", values(&[], &[])?).await.map(drop)
}

const FIRST: &str = "ORDER BY interval_at, identity, listener LIMIT ?1";
const NEXT: &str = "WHERE (interval_at, identity, listener) > (?1, ?2, ?3)
    ORDER BY interval_at, identity, listener LIMIT ?4";
/// A few megabytes at a time.
const ROWS: i64 = 50_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use muster_core::batch::HOUR;
    use muster_core::fact::{Listener, SourceKind};
    use muster_core::ports::{ReadingQuery, ReadingsOf};
    use muster_core::reading::{Names, hours, keep_winners};
    use muster_core::span::Span;
    use muster_core::time::Time;

    use super::super::statement::put;
    use super::super::{files, schema};
    use super::*;

    #[tokio::test]
    async fn readings_of_the_third_schema_come_along() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let mut conn = files::maker(&path).await.unwrap();
        schema::migrate(&mut conn, &schema::MIGRATIONS[..3], &path).await.unwrap();
        let listeners: Vec<_> = (1..)
            .zip(["kitchen", "attic", "garage"])
            .map(|(id, name)| (ListenerId(id), Listener::new(name, SourceKind::Mqtt, "")))
            .collect();
        put(&mut conn, &listeners).await.unwrap();
        let noon = Time::from_secs(1_795_262_400);
        let length = Duration::from_mins(5);
        let one = |number: u32| {
            let interval = noon + (number / 900) * length;
            let (identity, listener) = (IdentityId(number % 300), ListenerId(1 + number / 300 % 3));
            let rssi = i8::try_from(number % 7).ok().filter(|it| *it > 0).map(|it| it - 90);
            Row(Reading { interval, length, identity, listener, rssi, at: interval })
        };
        // More than one piece.
        let old: Vec<Row> = (0..60_000).map(one).collect();
        put(&mut conn, &old).await.unwrap();
        schema::migrate(&mut conn, schema::MIGRATIONS, &path).await.unwrap();

        let mut want: Vec<Reading> = old.iter().map(|it| it.0).collect();
        want.sort_by_key(|it| (it.interval, it.identity, it.listener));
        let window = Span::new(Time::MIN, Time::MAX);
        let mut query = ReadingQuery { window, identities: Vec::new(), of: ReadingsOf::Listeners };
        assert!(readings::readings(&mut conn, &query).await.unwrap() == want);
        keep_winners(&mut want, &Names::of(&listeners));
        query.of = ReadingsOf::Winners;
        assert!(readings::readings(&mut conn, &query).await.unwrap() == want);
        let counted = readings::winner_hours(&mut conn, window).await.unwrap();
        assert!(counted == hours(&want));
        assert_eq!(counted.last().map(|it| it.hour), Some(noon + 5 * HOUR));
        let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'reading'";
        let left: i64 = sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
        assert_eq!(left, 0);
    }
}
