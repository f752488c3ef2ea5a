//! The files of a store: the database, its lock, and how connections to it are made.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use muster_core::ports::StoreError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

use super::fault;
use crate::disk::{OWNERS, explain_io, unavailable};

/// Held while a process has a data folder to itself, as it must before it writes a store. The file stays; the lock goes with the process.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the file")] File);

impl Lock {
    /// Takes the lock beside a store, `muster.lock` beside `muster.db`.
    pub fn take(store: &Path) -> Result<Self, StoreError> {
        let explain = |cause| explain_io(cause, store);
        let path = store.with_extension("lock");
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(OWNERS)
            .open(&path)
            .map_err(explain)?;
        // Whoever can open it can hold it, and keep the owner out.
        if file.metadata().map_err(explain)?.permissions().mode() & !OWNERS & 0o777 != 0 {
            file.set_permissions(Permissions::from_mode(OWNERS)).map_err(explain)?;
        }
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(explain)?;
                writeln!(file, "{}", std::process::id()).map_err(explain)?;
                Ok(Self(file))
            }
            Err(TryLockError::Error(cause)) => Err(explain(cause)),
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let found = file.rewind().and_then(|()| file.read_to_string(&mut pid));
                Err(held(&path, found.map_or("", |_| pid.trim())))
            }
        }
    }
}

/// Says who holds a lock, in which the last holder wrote its number.
fn held(path: &Path, pid: &str) -> StoreError {
    let (what, kind) = if pid.is_empty() {
        ("already in use by another muster".to_owned(), io::ErrorKind::WouldBlock)
    } else if Path::new("/proc").join(pid).exists() {
        (format!("already in use by another muster (pid {pid})"), io::ErrorKind::WouldBlock)
    } else {
        let what = format!(
            "held by another program, the muster that used it last (pid {pid}) is gone: {}",
            path.display()
        );
        (what, io::ErrorKind::ResourceBusy)
    };
    unavailable(what, io::Error::from(kind).into())
}

/// The name of the write-ahead log that belongs to a database file.
pub(super) fn log_of(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}

/// The files beside a store that is open: its log, and the index of that.
pub(super) fn beside(path: &Path) -> [PathBuf; 2] {
    [log_of(path), with_suffix(path, "-shm")]
}

/// A name beside `path`, for a file that is not whole yet.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    with_suffix(path, ".unfinished")
}

/// Removes a file that may not be there, and what the engine leaves beside one.
pub(super) fn discard(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match std::fs::remove_file(with_suffix(path, suffix)) {
            Err(it) if it.kind() != io::ErrorKind::NotFound => return Err(it),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// The one connection that writes.
pub(super) async fn writer(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path)
        .pragma("cache_size", WRITER_CACHE)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES.to_string())
        .connect()
        .await
}

/// A connection that makes a new file, without a log beside it.
pub(super) async fn maker(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path)
        .create_if_missing(true)
        .page_size(PAGE_BYTES)
        .journal_mode(SqliteJournalMode::Delete)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
}

/// A connection to a file that nobody else touches: a copy, a backup.
pub(super) async fn lone_reader(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnection::connect_with(&options(path).read_only(true).immutable(true)).await
}

/// A connection that reads beside the others.
pub(super) async fn reader(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path).read_only(true).connect().await
}

/// The connections that read. In a folder where nothing can be written, and nobody else writes,
/// the file is read as it lies.
pub(super) async fn readers(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    let mut options = options(path).read_only(true);
    if let Err(it) = peek(&options).await {
        if !fault::cannot_open(&it) || log_of(path).exists() {
            return Err(it);
        }
        options = options.immutable(true);
        peek(&options).await?;
    }
    Ok(SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .idle_timeout(READER_IDLE)
        .connect_lazy_with(options))
}

async fn peek(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    let mut conn = SqliteConnection::connect_with(options).await?;
    sqlx::query("SELECT count(*) FROM sqlite_master").execute(&mut conn).await?;
    conn.close().await
}

fn options(path: &Path) -> SqliteConnectOptions {
    // A relative name could look like an address to the engine.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false)
        .busy_timeout(BUSY)
        .pragma("cache_size", CACHE)
        .pragma("mmap_size", "0")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Half of what a disk writes at once: a commit touches a few rows on each of a dozen pages, and
/// every touched page is written whole.
const PAGE_BYTES: u32 = 2048;
/// The log is folded into the file every 4 MiB: a household's day is then written about five times.
const CHECKPOINT_PAGES: &str = "2048";
/// What remains of the log after a long import.
pub(super) const LOG_BYTES: u64 = 8 << 20;
/// 2 MiB: a long import changes so many pages in one commit that fewer would go to the log twice.
const WRITER_CACHE: &str = "-2048";
/// 512 KiB for each other connection. The kernel has the pages too, and what the start reads through
/// this cache the process would keep: freed in small pieces, it is not given back.
const CACHE: &str = "-512";
const READERS: u32 = 2;
/// A reader that nobody needs gives its memory back.
const READER_IDLE: Duration = Duration::from_mins(1);
/// Only a copy made from outside, or a reader that folds the log, can be in the way.
const BUSY: Duration = Duration::from_secs(5);
