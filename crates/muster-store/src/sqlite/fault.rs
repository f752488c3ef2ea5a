//! What went wrong, as what the caller should do about it.

use std::path::Path;

use muster_core::ports::{BoxError, StoreError};

use crate::disk::{explain_io, folder, unavailable};

/// What an error of the engine underneath means for the store in the file `path`.
pub(super) fn explain(error: sqlx::Error, path: &Path) -> StoreError {
    if let Some(code) = code(&error) {
        // What the engine says itself, without the library's words around it.
        let said = error.as_database_error().map(|it| it.message().to_owned());
        return by_code(code, said.unwrap_or_default().into(), path);
    }
    let shape = matches!(
        error,
        sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::RowNotFound
    );
    if shape {
        damaged("a row has another form than expected", error.into())
    } else if let sqlx::Error::Decode(cause) = error {
        damaged(&cause.to_string(), cause)
    } else if let sqlx::Error::Io(cause) = error {
        explain_io(cause, path)
    } else if matches!(error, sqlx::Error::PoolTimedOut) {
        unavailable("too many are reading at once".to_owned(), error.into())
    } else {
        unavailable("the database engine stopped".to_owned(), error.into())
    }
}

/// Never again, with what helps.
pub(super) fn damaged(what: &str, cause: BoxError) -> StoreError {
    StoreError::Damaged { what: format!("{what}; restore a backup with `muster restore`"), cause }
}

/// Whether the file could not be opened at all, for want of rights.
pub(super) fn cannot_open(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|it| matches!(it & PRIMARY, CANTOPEN | READONLY))
}

/// Whether the disk has no room left.
pub(super) fn is_full(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|it| it & PRIMARY == FULL)
}

fn code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn by_code(code: u32, cause: BoxError, path: &Path) -> StoreError {
    let file = path.display();
    match code & PRIMARY {
        CORRUPT => damaged("its pages contradict each other", cause),
        NOTADB | FORMAT => damaged("the file is no database", cause),
        IO_ERROR if code == SHORT_READ => damaged("the file is shorter than it should be", cause),
        // Our statements are fixed, so tables that they do not fit are not as we made them.
        WRONG => damaged("its tables are not as they should be", cause),
        CONSTRAINT | MISMATCH | TOO_BIG => {
            StoreError::Refused { what: format!("the store does not take this: {cause}") }
        }
        FULL => unavailable("disk full".to_owned(), cause),
        BUSY | LOCKED => unavailable(format!("locked by another program: {file}"), cause),
        READONLY | PERM => {
            unavailable(format!("the folder is read-only: {}", folder(path).display()), cause)
        }
        CANTOPEN => unavailable(format!("the file cannot be opened: {file}"), cause),
        IO_ERROR => unavailable(format!("the disk is full or failing: {file}"), cause),
        _ => unavailable(format!("the database engine cannot go on: {file}"), cause),
    }
}

// Result codes of SQLite, as its documentation numbers them (rescode.html).
const PRIMARY: u32 = 0xff;
const WRONG: u32 = 1;
const PERM: u32 = 3;
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READONLY: u32 = 8;
const IO_ERROR: u32 = 10;
const SHORT_READ: u32 = 522;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const TOO_BIG: u32 = 18;
const CONSTRAINT: u32 = 19;
const MISMATCH: u32 = 20;
const FORMAT: u32 = 24;
const NOTADB: u32 = 26;
