//! Which key a spool is sealed with, and what is done with one of before.
//!
//! **Invariant:** what is sealed with a key that is not there is kept as it is and said, never given up;
//! a spool from before facts were sealed is sealed as a whole or not at all.

use std::collections::BTreeMap;
use std::path::Path;

use muster_core::uplink::BootId;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::fault::{SpoolError, explain};
use super::seal::{self, BootSeal, Seal};
use super::state::{self, Numbers};

/// The key of an open spool, made if it needs one.
pub(super) async fn lock(
    conn: &mut SqliteConnection,
    format: i64,
    numbers: &Numbers,
    path: &Path,
) -> Result<Seal, SpoolError> {
    let fault = |it| explain(it, path);
    let is_open = format == state::OPEN_FORMAT;
    let sealed_by = if is_open { None } else { state::sealed_by(conn).await.map_err(fault)? };
    let file = Seal::beside(path);
    let io = |cause| SpoolError::Unavailable {
        what: format!("the key of the spool cannot be read or made: {}", file.display()),
        cause: Box::new(cause),
    };
    let mut known = Seal::read(&file).map_err(io)?;
    if let Some(of) = &sealed_by {
        if let Some(seal) = known.take_if(|it| it.id() == **of) {
            return Ok(seal);
        }
        if state::holds_facts(conn).await.map_err(fault)? {
            return Err(SpoolError::Locked { key: file.into() });
        }
    }
    let seal = match known {
        Some(it) => it,
        None => Seal::make(&file).map_err(io)?,
    };
    let sealed = async {
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        if is_open {
            sqlx::raw_sql(state::UPGRADE).execute(&mut *tx).await?;
            seal_all(&mut tx, &seal, numbers).await?;
        }
        state::put_sealed_by(&mut tx, &seal.id()).await?;
        tx.commit().await
    };
    sealed.await.map_err(fault)?;
    Ok(seal)
}

/// Seals every fact in its place.
async fn seal_all(
    conn: &mut SqliteConnection,
    seal: &Seal,
    numbers: &Numbers,
) -> Result<(), sqlx::Error> {
    let boots: BTreeMap<i64, BootId> = numbers.iter().map(|(boot, of)| (*of, *boot)).collect();
    for (of, boot) in boots {
        let of_boot: BootSeal = seal.of(boot).ok_or_else(seal::failed)?;
        let mut after = -1_i64;
        loop {
            let some: Vec<(i64, Vec<u8>)> =
                sqlx::query_as(SOME).bind(of).bind(after).fetch_all(&mut *conn).await?;
            let Some((last, _)) = some.last() else { break };
            after = *last;
            for (sequence, body) in some {
                let sealed = of_boot.seal(sequence.unsigned_abs(), &body);
                let put = sqlx::query(PUT).bind(sealed.ok_or_else(seal::failed)?);
                put.bind(of).bind(sequence).execute(&mut *conn).await?;
            }
        }
    }
    Ok(())
}

const SOME: &str = "SELECT sequence, body FROM fact WHERE boot = ?1 AND sequence > ?2
    ORDER BY sequence LIMIT 1000";
const PUT: &str = "UPDATE fact SET body = ?1 WHERE boot = ?2 AND sequence = ?3";
