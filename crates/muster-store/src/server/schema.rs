//! Which shape the tables on a server have, and how an older one is brought up to date.
//!
//! The table `schema` keeps its shape for ever, so that any Muster can say that a store is too new for it.
//! It and the lease are made first, and it says 0 until all other tables are there, because not every
//! server makes tables within a transaction: whoever finds an older version goes on where another was
//! interrupted.

use muster_core::ports::StoreError;
use sqlx::Connection as _;

use super::engine::{Connection, Engine};
use super::lease;
use super::survey::Holds;
use super::writer::Making;
use crate::directory::Tables as _;
use crate::record::{Fields, Record, Sheet};
use crate::session::{Session, Value};
use crate::tables::NAMES;
use crate::transfer;

/// Makes what has to be there before anybody can write: the lease, and then the schema's version. Refuses a
/// database of others, and a newer store; for a copy, any store.
pub(super) async fn prepare<E: Engine>(
    engine: &E,
    conn: &mut Connection<E>,
    making: Making,
) -> Result<(), StoreError> {
    let explain = |it| engine.explain(it);
    let ours = tables(conn, E::OUR_TABLES).await.map_err(explain)?;
    if ours < FIRST {
        // One of the two is there if the making was interrupted, or was done before there was a lease.
        let all = tables(conn, E::ALL_TABLES).await.map_err(explain)?;
        if (ours == 0 || making == Making::Copy) && all > ours {
            let what =
                "the database holds tables that are not muster's; give it a database of its own";
            return Err(StoreError::Refused { what: what.to_owned() });
        }
        E::script(conn, MAKE).await.map_err(explain)?;
        E::script(conn, E::LEASE).await.map_err(explain)?;
    }
    match making {
        Making::Store => version(engine, conn).await.map(drop),
        Making::Copy => refuse_store(engine, conn).await,
    }?;
    lease::begin(conn).await.map_err(explain)
}

/// Brings the tables up to date: of an older Muster, or of an empty database. For a copy they are made, are
/// empty, and nobody knows them before [`finish`].
pub(super) async fn migrate<E: Engine>(
    engine: &E,
    conn: &mut Connection<E>,
    making: Making,
    epoch: i64,
) -> Result<(), StoreError> {
    match making {
        Making::Store => update(engine, conn).await,
        Making::Copy => {
            make_anew(engine, conn, epoch).await?;
            empty(engine, conn, epoch).await
        }
    }
}

async fn update<E: Engine>(engine: &E, conn: &mut Connection<E>) -> Result<(), StoreError> {
    let explain = |it| engine.explain(it);
    let found = version(engine, conn).await?;
    for (sql, number) in E::MIGRATIONS.iter().zip(1_i64..).filter(|(_, number)| *number > found) {
        // Where tables are made within a transaction they are there together with the version, or not.
        let mut tx = conn.begin().await.map_err(explain)?;
        E::script(&mut tx, sql).await.map_err(explain)?;
        tx.replace(&[Version(number)]).await.map_err(explain)?;
        tx.commit().await.map_err(explain)?;
    }
    Ok(())
}

/// Makes the tables of a copy, in place of what an earlier one left that was not finished.
async fn make_anew<E: Engine>(
    engine: &E,
    conn: &mut Connection<E>,
    epoch: i64,
) -> Result<(), StoreError> {
    let explain = |it| engine.explain(it);
    let mut tx = conn.begin().await.map_err(explain)?;
    lease::lead(engine, &mut tx, epoch).await?;
    refuse_store(engine, &mut tx).await?;
    tx.replace(&[Version(UNFINISHED)]).await.map_err(explain)?;
    // Not every server drops and makes tables within a transaction. Where the first of them ends it, and
    // with it the lock, whose lease it is has to be asked before each.
    if tables(&mut *tx, E::ALL_TABLES).await.map_err(explain)? > FIRST {
        for table in NAMES {
            lease::lead(engine, &mut tx, epoch).await?;
            tx.run(&unmaking(table), &[]).await.map_err(explain)?;
        }
    }
    for sql in E::MIGRATIONS {
        lease::lead(engine, &mut tx, epoch).await?;
        E::script(&mut tx, sql).await.map_err(explain)?;
    }
    // The keeper had to wait for this one.
    lease::renew::<E>(&mut tx, epoch).await.map_err(explain)?;
    tx.commit().await.map_err(explain)
}

/// Takes out what the making of the tables put in.
async fn empty<E: Engine>(
    engine: &E,
    conn: &mut Connection<E>,
    epoch: i64,
) -> Result<(), StoreError> {
    let explain = |it| engine.explain(it);
    let mut tx = conn.begin().await.map_err(explain)?;
    lease::lead(engine, &mut tx, epoch).await?;
    transfer::say_of_each(&mut *tx, transfer::emptying).await.map_err(explain)?;
    lease::renew::<E>(&mut tx, epoch).await.map_err(explain)?;
    tx.commit().await.map_err(explain)
}

fn unmaking(table: &str) -> String {
    format!("DROP TABLE IF EXISTS \"{table}\" CASCADE")
}

/// What was copied into a database becomes a store.
pub(super) async fn finish<E: Engine>(session: &mut impl Session) -> Result<(), sqlx::Error> {
    session.replace(&[Version(newest::<E>())]).await
}

/// Refuses everything but an empty database, and one into which a copy was not finished.
async fn refuse_store<E: Engine>(engine: &E, conn: &mut Connection<E>) -> Result<(), StoreError> {
    let explain = |it| engine.explain(it);
    let found = stored_version(conn).await.map_err(explain)?;
    let is_empty = found == 0 && tables(conn, E::ALL_TABLES).await.map_err(explain)? == FIRST;
    if is_empty || found == UNFINISHED {
        return Ok(());
    }
    let what = "there is a store already in the database, and it is left alone; give an empty one";
    Err(StoreError::Refused { what: what.to_owned() })
}

/// Refuses what is no store, a newer one and an older one.
pub(super) async fn check<E: Engine>(
    engine: &E,
    conn: &mut Connection<E>,
) -> Result<(), StoreError> {
    let ours = tables(conn, E::OUR_TABLES).await.map_err(|it| engine.explain(it))?;
    let found = if ours == 0 { 0 } else { version(engine, conn).await? };
    if found == newest::<E>() {
        return Ok(());
    }
    let what = if found == 0 {
        "there is no store in the database yet: start `muster serve` once".to_owned()
    } else {
        format!("it has the older schema {found}: start `muster serve` once")
    };
    Err(StoreError::Unavailable { what, cause: "the schema is older than this program".into() })
}

/// What is in a database.
pub(super) async fn holds<E: Engine>(
    engine: &E,
    conn: &mut Connection<E>,
) -> Result<Holds, StoreError> {
    let explain = |it| engine.explain(it);
    let ours = tables(conn, E::OUR_TABLES).await.map_err(explain)?;
    let all = tables(conn, E::ALL_TABLES).await.map_err(explain)?;
    if ours < FIRST {
        return Ok(if all > ours { Holds::Others } else { Holds::Nothing });
    }
    match stored_version(conn).await {
        Ok(UNFINISHED) => Ok(Holds::Interrupted),
        Ok(found) => Ok(Holds::Store(found, newest::<E>())),
        // The server is there, and does not answer that.
        Err(sqlx::Error::Database(_)) => Ok(Holds::Unreadable),
        Err(error) => Err(explain(error)),
    }
}

async fn version<E: Engine>(engine: &E, conn: &mut Connection<E>) -> Result<i64, StoreError> {
    let found = stored_version(conn).await.map_err(|it| engine.explain(it))?;
    if found == UNFINISHED {
        let what = "it holds what a `muster store move` or `muster restore` into it had copied when that \
                    was interrupted: type that once more, or give another database";
        return Err(StoreError::Refused { what: what.to_owned() });
    }
    if found > newest::<E>() {
        return Err(StoreError::Newer { found, known: newest::<E>() });
    }
    Ok(found)
}

async fn stored_version(session: &mut impl Session) -> Result<i64, sqlx::Error> {
    let rows: Vec<Version> = session.find("", &[]).await?;
    Ok(rows.first().map_or(0, |it| it.0))
}

fn newest<E: Engine>() -> i64 {
    i64::try_from(E::MIGRATIONS.len()).unwrap_or(i64::MAX)
}

async fn tables(session: &mut impl Session, sql: &'static str) -> Result<i64, sqlx::Error> {
    Ok(session.numbers(sql, &[] as &[Value<'_>]).await?.into_iter().flatten().next().unwrap_or(0))
}

#[derive(Clone, Copy, Debug)]
struct Version(i64);

impl Record for Version {
    const TABLE: &'static str = "schema";
    const COLUMNS: &'static [&'static str] = &["id", "version"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(1);
        row.int(self.0);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        row.int()?;
        row.int().map(Self)
    }
}

/// Said instead of a version until a copy is whole: so high that older Musters take it for a newer store.
const UNFINISHED: i64 = 1_000_000;
/// The tables that are made first.
const FIRST: i64 = 2;
const MAKE: &str =
    "CREATE TABLE IF NOT EXISTS \"schema\" (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)";
