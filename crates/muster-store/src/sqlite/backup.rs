//! Copies out and in. Nothing is called a backup, and nothing a store, before it was read to its
//! last row.

use std::io;
use std::path::Path;

use muster_core::batch::{CoverageHour, DetailRow, HeardHour, LevelRow, ProbeHour, Reading};
use muster_core::change::Change;
use muster_core::fact::Listener;
use muster_core::identity::{Identity, IdentityId, ListenerId};
use muster_core::ports::StoreError;
use muster_core::stay::Stay;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::files::{self, Lock};
use super::judged::{CursorRow, Meta, StateRow};
use super::rows::{FirstSeen, LastSeen};
use super::{directory, fault, schema, statement};

/// Copies the store that `conn` reads into a new file, while others go on writing.
pub(super) async fn backup(
    conn: &mut SqliteConnection,
    from: &Path,
    to: &Path,
) -> Result<(), StoreError> {
    refuse_existing(to)?;
    let explain_io = |cause| fault::explain_io(cause, to);
    let unfinished = files::unfinished(to);
    files::discard(&unfinished).map_err(explain_io)?;
    // The engine tells a missing folder from nothing else that keeps it from opening a file.
    std::fs::File::create_new(&unfinished).map_err(explain_io)?;
    let copied = copy_out(conn, from, &unfinished).await;
    let named = match copied {
        Ok(()) => {
            refuse_existing(to).and_then(|()| files::finish(&unfinished, to).map_err(explain_io))
        }
        Err(cause) => Err(cause),
    };
    if named.is_err() {
        files::discard(&unfinished).map_err(explain_io)?;
    }
    named
}

/// Makes a store of a backup: verified, under its name only when whole, and never over another.
pub async fn restore(backup: &Path, into: &Path) -> Result<(), StoreError> {
    if !backup.is_file() {
        let cause = io::Error::from(io::ErrorKind::NotFound);
        let what = format!("there is no such backup: {}", backup.display());
        return Err(fault::unavailable(what, cause.into()));
    }
    if std::fs::metadata(files::log_of(backup)).is_ok_and(|it| it.len() > 0) {
        let what = format!(
            "not a backup but a store with unfinished writing beside it: {}",
            backup.display()
        );
        return Err(StoreError::Refused { what });
    }
    let explain_io = |cause| fault::explain_io(cause, into);
    let _lock = Lock::take(into)?;
    refuse_existing(into)?;
    refuse_existing(&files::log_of(into))?;
    let unfinished = files::unfinished(into);
    files::discard(&unfinished).map_err(explain_io)?;
    let made = match tokio::fs::copy(backup, &unfinished).await {
        Ok(_) => verify_file(&unfinished, backup)
            .await
            .and_then(|()| files::finish(&unfinished, into).map_err(explain_io)),
        Err(cause) => Err(explain_io(cause)),
    };
    if made.is_err() {
        files::discard(&unfinished).map_err(explain_io)?;
    }
    made
}

/// Reads everything: the structure of all pages, and the sum of every row.
pub(super) async fn verify(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let found: String =
        sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *conn).await?;
    if found != "ok" {
        return Err(sqlx::Error::Decode(found.into()));
    }
    statement::check::<Meta>(conn).await?;
    statement::check::<(IdentityId, Identity)>(conn).await?;
    statement::check::<(ListenerId, Listener)>(conn).await?;
    statement::check::<FirstSeen>(conn).await?;
    statement::check::<LastSeen>(conn).await?;
    statement::check::<DetailRow>(conn).await?;
    statement::check::<HeardHour>(conn).await?;
    statement::check::<CoverageHour>(conn).await?;
    statement::check::<ProbeHour>(conn).await?;
    statement::check::<LevelRow>(conn).await?;
    statement::check::<Reading>(conn).await?;
    statement::check::<Stay>(conn).await?;
    statement::check::<Change>(conn).await?;
    statement::check::<StateRow>(conn).await?;
    statement::check::<CursorRow>(conn).await?;
    directory::check(conn).await
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
async fn verify_file(path: &Path, origin: &Path) -> Result<(), StoreError> {
    let explain = |cause| fault::explain(cause, origin);
    let mut conn = files::lone_reader(path).await.map_err(explain)?;
    schema::check(&mut conn, origin).await?;
    verify(&mut conn).await.map_err(explain)?;
    conn.close().await.map_err(explain)
}

fn refuse_existing(path: &Path) -> Result<(), StoreError> {
    if std::fs::symlink_metadata(path).is_ok() {
        let what =
            format!("there is such a file already, and it is left alone: {}", path.display());
        return Err(StoreError::Refused { what });
    }
    Ok(())
}
