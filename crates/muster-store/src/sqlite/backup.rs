//! Copies out. Nothing is called a backup before it was read to its last row.

use std::io;
use std::path::Path;

use futures_util::TryStreamExt as _;
use muster_core::ports::StoreError;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::{fault, files, schema, statement, views};
use crate::disk;
use crate::record::Record;
use crate::session::Session as _;
use crate::tables::{self, PerTable};

/// Copies the store that `conn` reads into a new file, while others go on writing.
pub(super) async fn backup(
    conn: &mut SqliteConnection,
    from: &Path,
    to: &Path,
) -> Result<(), StoreError> {
    disk::refuse_existing(to)?;
    let explain = |cause| disk::explain_file(cause, to);
    // What the engine leaves beside a file lies in there as well, and goes with it.
    let room = disk::room_beside(to).map_err(explain)?;
    let copy = room.path().join("copy");
    disk::create(&copy).map_err(explain)?;
    copy_out(conn, from, &copy).await?;
    disk::finish_new(&copy, to).await
}

/// Reads everything: the structure of all pages, and the sum of every row; how many rows that were.
pub(super) async fn verify(conn: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    let (mut part, mut all) = (0, 0);
    while let Some(rows) = verify_part(conn, part).await? {
        part += 1;
        all += rows;
    }
    Ok(all)
}

/// Reads one part of everything; how many rows that were, none if there is no part with this number.
pub(super) async fn verify_part(
    conn: &mut SqliteConnection,
    part: usize,
) -> Result<Option<u64>, sqlx::Error> {
    let Some(before) = part.checked_sub(1) else {
        structure(conn).await?;
        return Ok(Some(0));
    };
    match tables::NAMES.get(before) {
        Some(table) => {
            let mut checked = Checked { conn, rows: 0 };
            tables::one(table, &mut checked).await?;
            return Ok(Some(checked.rows));
        }
        None if before == tables::NAMES.len() => views::check(conn).await?,
        None => return Ok(None),
    }
    Ok(Some(0))
}

/// Reads every row of a table, so that every sum is checked.
pub(super) struct Checked<'a> {
    pub(super) conn: &'a mut SqliteConnection,
    /// How many.
    pub(super) rows: u64,
}

impl PerTable for Checked<'_> {
    type Error = sqlx::Error;

    async fn table<R: Record + 'static>(&mut self) -> Result<(), sqlx::Error> {
        let mut rows = self.conn.stream::<R>();
        while rows.try_next().await?.is_some() {
            self.rows += 1;
        }
        Ok(())
    }
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
    statement::run(conn, "VACUUM INTO ?1", values).await.map_err(|it| {
        // The store itself is only read.
        if fault::is_full(&it) {
            disk::explain_file(io::ErrorKind::StorageFull.into(), unfinished)
        } else {
            fault::explain(it, unfinished)
        }
    })?;
    verify_file(unfinished, from).await.map(drop)
}

/// Reads everything in a file that lies still, how many rows; damage is told of `origin`.
pub(super) async fn verify_file(path: &Path, origin: &Path) -> Result<u64, StoreError> {
    let explain = |cause| fault::explain(cause, origin);
    let mut conn = files::lone_reader(path).await.map_err(explain)?;
    schema::check(&mut conn, origin).await?;
    let rows = verify(&mut conn).await.map_err(explain)?;
    conn.close().await.map_err(explain)?;
    Ok(rows)
}
