//! Why a spool did not do something, and what the caller should do about it.

use std::path::Path;

use muster_core::ports::BoxError;
use sqlx::error::DatabaseError as _;
use sqlx::sqlite::SqliteError;

/// Nothing was half-written.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Not now (disk full, in use, read-only): keep the facts and try again.
    #[error("{what}")]
    Unavailable {
        /// What is wrong, in the user's words.
        what: String,
        /// What the library said.
        #[source]
        cause: BoxError,
    },
    /// It was written by a newer Muster: only that can open it.
    #[error("the spool has format {found}, this muster knows {known}")]
    Newer {
        /// The format found.
        found: i64,
        /// The one known here.
        known: i64,
    },
    /// What it holds was sealed with another key than there is: bring that back, or move it away.
    #[error("the spool cannot be read without the key that it was sealed with: {}", key.display())]
    Locked {
        /// Where the key should be.
        key: Box<Path>,
    },
    /// Its content is damaged: move it away.
    #[error("the spool is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
        /// What the library said.
        #[source]
        cause: BoxError,
    },
}

/// What an error of the database means.
pub(super) fn explain(cause: sqlx::Error, path: &Path) -> SpoolError {
    let code = cause.as_database_error().and_then(|it| it.try_downcast_ref::<SqliteError>());
    let code = code.and_then(|it| it.code()?.parse::<u32>().ok()).map(|it| it & 0xff);
    let path = path.display();
    let damaged = |what: String, cause| SpoolError::Damaged { what, cause: Box::new(cause) };
    // Primary result codes: https://www.sqlite.org/rescode.html
    let what = match code {
        Some(SQLITE_CORRUPT | SQLITE_NOTADB) => {
            return damaged(format!("it is no database, or torn: {path}"), cause);
        }
        Some(SQLITE_FULL) => format!("the disk is full: {path}"),
        Some(SQLITE_BUSY | SQLITE_LOCKED) => {
            format!("the spool is in use by another muster: {path}")
        }
        Some(SQLITE_READONLY) => format!("the spool may only be read: {path}"),
        None if matches!(cause, sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound) => {
            return damaged(format!("a row of it cannot be read: {path}"), cause);
        }
        Some(_) | None => format!("the spool is not available: {path}"),
    };
    SpoolError::Unavailable { what, cause: Box::new(cause) }
}

const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_READONLY: u32 = 8;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_FULL: u32 = 13;
const SQLITE_NOTADB: u32 = 26;
