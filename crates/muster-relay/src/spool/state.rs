//! What a spool keeps besides facts: few rows, of which only those are written that changed.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_core::relay::dates::{Anchor, Dates, MachineId};
use muster_core::relay::spool::{Machine, Spooled, SpooledBoot};
use muster_core::time::micros;
use muster_core::uplink::{BootId, StoreId};
use sqlx::sqlite::SqliteConnection;

/// By which number facts name their boot.
pub(super) type Numbers = BTreeMap<BootId, i64>;

/// Makes the tables in an empty file; the format of what is there.
pub(super) async fn begin(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let format: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *conn).await?;
    if format != 0 {
        return Ok(format);
    }
    sqlx::raw_sql(TABLES).execute(&mut *conn).await?;
    Ok(FORMAT)
}

/// Which key the facts are sealed with; none: they are not sealed, as in the first format.
pub(super) async fn sealed_by(conn: &mut SqliteConnection) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar("SELECT sealed_by FROM meta").fetch_one(conn).await
}

/// Remembers which key the facts are sealed with.
pub(super) async fn put_sealed_by(
    conn: &mut SqliteConnection,
    id: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE meta SET sealed_by = ?1").bind(id).execute(conn).await.map(drop)
}

/// Takes what was there before facts were sealed out of the file and its log, unless that is done.
pub(super) async fn sweep(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let swept: bool = sqlx::query_scalar("SELECT swept FROM meta").fetch_one(&mut *conn).await?;
    if swept {
        return Ok(());
    }
    sqlx::raw_sql(SWEEP).execute(&mut *conn).await?;
    sqlx::query("UPDATE meta SET swept = 1").execute(conn).await.map(drop)
}

/// Whether there are facts.
pub(super) async fn holds_facts(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM fact)").fetch_one(conn).await
}

/// Everything but the facts.
pub(super) async fn read(conn: &mut SqliteConnection) -> Result<(Spooled, Numbers), sqlx::Error> {
    let (store, thinned, dropped): (Option<Vec<u8>>, i64, i64) =
        sqlx::query_as("SELECT store, thinned, dropped FROM meta").fetch_one(&mut *conn).await?;
    let mut spooled = Spooled {
        store: store.map(|it| id(it, "store")).transpose()?.map(StoreId),
        thinned: count(thinned),
        dropped: count(dropped),
        ..Spooled::default()
    };
    let machines: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT id, up FROM machine ORDER BY position")
            .fetch_all(&mut *conn)
            .await?;
    for (bytes, up) in machines {
        let anchors: Vec<(i64, i64, i64, bool)> =
            sqlx::query_as(ANCHORS).bind(&bytes).fetch_all(&mut *conn).await?;
        let anchor = |(mono, offset, error, by_hub)| Anchor {
            mono: length(mono),
            offset,
            error: length(error),
            by_hub,
        };
        let dates = Dates::new(anchors.into_iter().map(anchor).collect());
        let id = MachineId(id(bytes, "id")?);
        spooled.machines.push(Machine { id, dates, up: length(up) });
    }
    let mut numbers = Numbers::new();
    let boots: Vec<BootRow> = sqlx::query_as(BOOTS).fetch_all(&mut *conn).await?;
    for (of, boot, machine, rows, weight, oldest, next, thinned_to) in boots {
        let boot = BootId(id(boot, "id")?);
        numbers.insert(boot, of);
        spooled.boots.push(SpooledBoot {
            id: boot,
            machine: MachineId(id(machine, "machine")?),
            rows: count(rows),
            weight: count(weight),
            oldest: length(oldest),
            next: count(next),
            thinned_to: count(thinned_to),
        });
    }
    Ok((spooled, numbers))
}

/// Makes what is there into this; `before`: what is there, if that is known.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    before: Option<&Spooled>,
    state: &Spooled,
    numbers: &mut Numbers,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE meta SET store = ?1, thinned = ?2, dropped = ?3")
        .bind(state.store.map(|it| it.0.to_be_bytes().to_vec()))
        .bind(number(state.thinned))
        .bind(number(state.dropped))
        .execute(&mut *conn)
        .await?;
    if before.is_none_or(|it| it.machines != state.machines) {
        machines(conn, before, &state.machines).await?;
    }
    let known = |it: &&SpooledBoot| before.is_some_and(|before| before.boots.contains(it));
    for it in state.boots.iter().filter(|it| !known(it)) {
        let of: i64 = sqlx::query_scalar(PUT_BOOT)
            .bind(it.id.0.to_be_bytes().to_vec())
            .bind(it.machine.0.to_be_bytes().to_vec())
            .bind(number(it.rows))
            .bind(number(it.weight))
            .bind(micros(it.oldest))
            .bind(number(it.next))
            .bind(number(it.thinned_to))
            .fetch_one(&mut *conn)
            .await?;
        numbers.insert(it.id, of);
    }
    let gone: Vec<(BootId, i64)> = numbers
        .iter()
        .filter(|(boot, _)| !state.boots.iter().any(|it| it.id == **boot))
        .map(|(boot, of)| (*boot, *of))
        .collect();
    for (boot, of) in gone {
        sqlx::query("DELETE FROM fact WHERE boot = ?1").bind(of).execute(&mut *conn).await?;
        sqlx::query("DELETE FROM boot WHERE number = ?1").bind(of).execute(&mut *conn).await?;
        numbers.remove(&boot);
    }
    Ok(())
}

/// The row of a boot: number, id, machine, rows, weight, oldest, next, `thinned_to`.
type BootRow = (i64, Vec<u8>, Vec<u8>, i64, i64, i64, i64, i64);

/// How long the last machine is up changes with every write; what is known of the others seldom.
async fn machines(
    conn: &mut SqliteConnection,
    before: Option<&Spooled>,
    machines: &[Machine],
) -> Result<(), sqlx::Error> {
    let same = |it: &Machine, other: &Machine| it.id == other.id && it.dates == other.dates;
    let only_up = before.is_some_and(|it| {
        let pairs = it.machines.iter().zip(machines);
        it.machines.len() == machines.len() && pairs.into_iter().all(|(a, b)| same(a, b))
    });
    if !only_up {
        sqlx::raw_sql("DELETE FROM anchor; DELETE FROM machine;").execute(&mut *conn).await?;
    }
    for (position, it) in (0_i64..).zip(machines) {
        let id = it.id.0.to_be_bytes().to_vec();
        let put = sqlx::query(PUT_MACHINE).bind(&id).bind(position).bind(micros(it.up));
        put.execute(&mut *conn).await?;
        for anchor in it.dates.anchors().iter().filter(|_| !only_up) {
            sqlx::query(PUT_ANCHOR)
                .bind(&id)
                .bind(micros(anchor.mono))
                .bind(anchor.offset)
                .bind(micros(anchor.error))
                .bind(anchor.by_hub)
                .execute(&mut *conn)
                .await?;
        }
    }
    Ok(())
}

pub(super) fn number(it: u64) -> i64 {
    i64::try_from(it).unwrap_or(i64::MAX)
}

fn count(it: i64) -> u64 {
    u64::try_from(it).unwrap_or(0)
}

fn length(it: i64) -> Duration {
    Duration::from_micros(count(it))
}

fn id(bytes: Vec<u8>, column: &str) -> Result<u128, sqlx::Error> {
    let wrong = || sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: "a number of 16 bytes has another length".into(),
    };
    <[u8; 16]>::try_from(bytes).map(u128::from_be_bytes).map_err(|_| wrong())
}

/// The format that is read and written here.
pub(super) const FORMAT: i64 = 2;
/// The format whose facts were not sealed.
pub(super) const OPEN_FORMAT: i64 = 1;
/// What makes the one of the other, facts aside.
pub(super) const UPGRADE: &str = "
ALTER TABLE meta ADD COLUMN sealed_by BLOB;
ALTER TABLE meta ADD COLUMN swept INTEGER NOT NULL DEFAULT 0;
UPDATE boot SET weight = weight + 20 * facts;
PRAGMA user_version = 2;
";
/// Leaves nothing of what the file held before in it or in its log.
const SWEEP: &str = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);";
/// Lengths and times are microseconds, weights bytes. `swept`: nothing of the time before facts were
/// sealed is left in the file.
const TABLES: &str = "
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    store BLOB,
    thinned INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    sealed_by BLOB,
    swept INTEGER NOT NULL
) STRICT;
INSERT INTO meta (id, thinned, dropped, swept) VALUES (1, 0, 0, 1);
CREATE TABLE machine (
    id BLOB PRIMARY KEY,
    position INTEGER NOT NULL,
    up INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE anchor (
    machine BLOB NOT NULL,
    mono INTEGER NOT NULL,
    wall_ahead INTEGER NOT NULL,
    error INTEGER NOT NULL,
    by_hub INTEGER NOT NULL,
    PRIMARY KEY (machine, mono)
) STRICT, WITHOUT ROWID;
CREATE TABLE boot (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    machine BLOB NOT NULL,
    facts INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    next INTEGER NOT NULL,
    thinned_to INTEGER NOT NULL
) STRICT;
CREATE TABLE fact (
    boot INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (boot, sequence)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
";
const ANCHORS: &str =
    "SELECT mono, wall_ahead, error, by_hub FROM anchor WHERE machine = ?1 ORDER BY mono";
const BOOTS: &str = "SELECT number, id, machine, facts, weight, oldest, next, thinned_to
    FROM boot ORDER BY number";
const PUT_MACHINE: &str = "INSERT INTO machine (id, position, up) VALUES (?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE SET position = excluded.position, up = excluded.up";
const PUT_ANCHOR: &str = "INSERT OR REPLACE INTO anchor (machine, mono, wall_ahead, error, by_hub)
    VALUES (?1, ?2, ?3, ?4, ?5)";
const PUT_BOOT: &str = "INSERT INTO boot (id, machine, facts, weight, oldest, next, thinned_to)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (id) DO UPDATE SET facts = excluded.facts, weight = excluded.weight,
        oldest = excluded.oldest, next = excluded.next, thinned_to = excluded.thinned_to
    RETURNING number";
