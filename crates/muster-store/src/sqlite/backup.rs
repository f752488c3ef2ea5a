//! Copies out. Nothing is called a backup before it was read to its last row.

use std::path::Path;

use muster_core::batch::{
    CoverageHour, DetailRow, HeardHour, LevelRow, MonitorRow, ProbeHour, ReceivedRanges,
};
use muster_core::change::Change;
use muster_core::fact::Listener;
use muster_core::identity::{Identity, IdentityId, ListenerId};
use muster_core::ports::StoreError;
use muster_core::stay::Stay;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::{fault, files, schema, statement};
use crate::directory;
use crate::judged::{CursorRow, Meta, StateRow};
use crate::readings::{Counted, Measured, Won};
use crate::rows::{FirstSeen, LastSeen};

/// Copies the store that `conn` reads into a new file, while others go on writing.
pub(super) async fn backup(
    conn: &mut SqliteConnection,
    from: &Path,
    to: &Path,
) -> Result<(), StoreError> {
    refuse_existing(to)?;
    let explain_io = |cause| fault::explain_io(cause, to);
    // What the engine leaves beside a file lies in there as well, and goes with it.
    let room = files::room_beside(to).map_err(explain_io)?;
    let copy = room.path().join("copy");
    files::create(&copy).map_err(explain_io)?;
    copy_out(conn, from, &copy).await?;
    refuse_existing(to)?;
    files::finish(&copy, to).await.map_err(explain_io)
}

/// Reads everything: the structure of all pages, and the sum of every row.
pub(super) async fn verify(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut part = 0;
    while verify_part(conn, part).await? {
        part += 1;
    }
    Ok(())
}

/// Reads one part of everything; false: there is none with this number.
pub(super) async fn verify_part(
    conn: &mut SqliteConnection,
    part: usize,
) -> Result<bool, sqlx::Error> {
    match part {
        0 => structure(conn).await,
        1 => statement::check::<Meta>(conn).await,
        2 => statement::check::<(IdentityId, Identity)>(conn).await,
        3 => statement::check::<(ListenerId, Listener)>(conn).await,
        4 => statement::check::<FirstSeen>(conn).await,
        5 => statement::check::<LastSeen>(conn).await,
        6 => statement::check::<DetailRow>(conn).await,
        7 => statement::check::<HeardHour>(conn).await,
        8 => statement::check::<CoverageHour>(conn).await,
        9 => statement::check::<ProbeHour>(conn).await,
        10 => statement::check::<LevelRow>(conn).await,
        11 => statement::check::<Measured>(conn).await,
        12 => statement::check::<Won>(conn).await,
        13 => statement::check::<Counted>(conn).await,
        14 => statement::check::<Stay>(conn).await,
        15 => statement::check::<Change>(conn).await,
        16 => statement::check::<StateRow>(conn).await,
        17 => statement::check::<CursorRow>(conn).await,
        18 => statement::check::<ReceivedRanges>(conn).await,
        19 => statement::check::<MonitorRow>(conn).await,
        20 => directory::check(conn).await,
        _ => return Ok(false),
    }?;
    Ok(true)
}

async fn structure(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let found: String =
        sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *conn).await?;
    if found == "ok" { Ok(()) } else { Err(sqlx::Error::Decode(found.into())) }
}

async fn copy_out(
    conn: &mut SqliteConnection,
    from: &Path,
    unfinished: &Path,
) -> Result<(), StoreError> {
    let name = std::path::absolute(unfinished).unwrap_or_else(|_| unfinished.to_owned());
    let name = name.to_str().ok_or_else(|| StoreError::Refused {
        what: format!("the file's name is not text: {}", unfinished.display()),
    })?;
    let values = statement::values(&[], &[name]).map_err(|it| fault::explain(it, from))?;
    statement::run(conn, "VACUUM INTO ?1", values)
        .await
        .map_err(|it| fault::explain(it, unfinished))?;
    verify_file(unfinished, from).await
}

/// Reads everything in a file that lies still; damage is told of `origin`.
pub(super) async fn verify_file(path: &Path, origin: &Path) -> Result<(), StoreError> {
    let explain = |cause| fault::explain(cause, origin);
    let mut conn = files::lone_reader(path).await.map_err(explain)?;
    schema::check(&mut conn, origin).await?;
    verify(&mut conn).await.map_err(explain)?;
    conn.close().await.map_err(explain)
}

pub(super) fn refuse_existing(path: &Path) -> Result<(), StoreError> {
    if std::fs::symlink_metadata(path).is_ok() {
        let what =
            format!("there is such a file already, and it is left alone: {}", path.display());
        return Err(StoreError::Refused { what });
    }
    Ok(())
}
