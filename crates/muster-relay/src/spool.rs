//! The spool: facts on the disk until the hub has them, in one file of a database, sealed with the key
//! beside it.
//!
//! Each write is one durable transaction, done whole or not at all, and safe to do again when its
//! outcome was not heard. **Invariant:** one process at a time has the file open.

mod fault;
mod lock;
mod seal;
mod state;
#[cfg(test)]
mod tests;

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use muster_core::relay::spool::{Entry, ReadWork, SpoolRead, SpoolWork, Spooled};
use muster_core::uplink::BootId;
use muster_wire::batch::{read_fact, write_fact};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, QueryBuilder, Sqlite};

pub use fault::SpoolError;

use fault::explain;
use seal::{BootSeal, Seal};
use state::{Numbers, number};

/// An open spool.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    /// Whose facts they are.
    monitor: Box<str>,
    options: SqliteConnectOptions,
    /// Missing after a failure, and while it is in use: whoever is dropped in the middle takes the
    /// connection along, and with it the open transaction.
    conn: Option<SqliteConnection>,
    seal: Seal,
    /// By which number facts name their boot.
    numbers: Numbers,
    /// What is written besides facts; none: not known, after a write whose outcome was not heard.
    written: Option<Spooled>,
}

impl Spool {
    /// Opens the spool of a monitor, made if there is none; what it holds comes back.
    pub async fn open(path: &Path, monitor: &str) -> Result<(Self, Spooled), SpoolError> {
        let explain_io = |cause| SpoolError::Unavailable {
            what: format!("the spool cannot be opened: {}", path.display()),
            cause: Box::new(cause),
        };
        // Who was where is nobody else's business; the database gives its other files the same rights.
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(OWNERS);
        let file = file.open(path).map_err(explain_io)?;
        file.set_permissions(Permissions::from_mode(OWNERS)).map_err(explain_io)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .locking_mode(SqliteLockingMode::Exclusive)
            .busy_timeout(Duration::ZERO)
            .pragma("journal_size_limit", "1048576")
            .disable_statement_logging();
        let open = async {
            let mut conn = options.connect().await?;
            let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
            let format = state::begin(&mut tx).await?;
            let is_known = (state::OPEN_FORMAT..=state::FORMAT).contains(&format);
            let found = if is_known { Some(state::read(&mut tx).await?) } else { None };
            tx.commit().await?;
            Ok((conn, format, found))
        };
        let (mut conn, format, found) = open.await.map_err(|it| explain(it, path))?;
        let Some((spooled, numbers)) = found else {
            return Err(SpoolError::Newer { found: format, known: state::FORMAT });
        };
        let seal = match lock::lock(&mut conn, format, &numbers, path).await {
            Ok(it) => it,
            Err(error) => {
                // What its log holds is in the file then, for whoever moves that away.
                conn.close().await.ok();
                return Err(error);
            }
        };
        if let Err(cause) = state::sweep(&mut conn).await {
            tracing::warn!(
                "what waited before it was sealed can still be read from the disk: {cause}"
            );
        }
        // Sealed facts weigh more.
        let (spooled, numbers) = match format {
            state::FORMAT => (spooled, numbers),
            _ => state::read(&mut conn).await.map_err(|it| explain(it, path))?,
        };
        let written = Some(spooled.clone());
        let (path, monitor, conn) = (path.to_owned(), monitor.into(), Some(conn));
        Ok((Self { path, monitor, options, conn, seal, numbers, written }, spooled))
    }

    /// Does one piece of work, durably.
    pub async fn write(&mut self, work: &SpoolWork) -> Result<(), SpoolError> {
        let before = self.written.take();
        let mut numbers = self.numbers.clone();
        let mut conn = self.connection().await?;
        let written = write(&mut conn, work, before.as_ref(), &self.seal, &mut numbers).await;
        if let Err(cause) = written {
            return Err(self.failed(conn, cause).await);
        }
        self.conn = Some(conn);
        self.numbers = numbers;
        self.written = Some(work.state.clone());
        Ok(())
    }

    /// Facts in the order of their sequence, and which of them are damaged.
    pub async fn read(&mut self, work: ReadWork) -> Result<SpoolRead, SpoolError> {
        let Some(of) = self.numbers.get(&work.boot).copied() else {
            return Ok(SpoolRead::default());
        };
        let limit = i64::try_from(work.limit).unwrap_or(i64::MAX);
        let select = sqlx::query_as(SELECT).bind(of).bind(number(work.from)).bind(limit);
        let mut conn = self.connection().await?;
        let rows: Result<Vec<(i64, Vec<u8>)>, sqlx::Error> =
            select.fetch(&mut conn).try_collect().await;
        let rows = match rows {
            Ok(it) => it,
            Err(cause) => return Err(self.failed(conn, cause).await),
        };
        self.conn = Some(conn);
        let seal = self.seal.of(work.boot);
        let opened = |sequence, bytes: &[u8]| {
            let bytes = seal.as_ref()?.open(sequence, bytes)?;
            read_fact(&self.monitor, &bytes).ok()
        };
        let mut found = SpoolRead::default();
        for (sequence, bytes) in rows {
            // None is below `from`.
            let sequence = sequence.unsigned_abs();
            match opened(sequence, &bytes) {
                Some(fact) => found.entries.push(Entry { sequence, fact }),
                None => found.damaged.push(sequence),
            }
        }
        Ok(found)
    }

    /// Lets go of the file.
    pub async fn close(mut self) -> Result<(), SpoolError> {
        let conn = self.connection().await?;
        conn.close().await.map_err(|it| explain(it, &self.path))
    }

    async fn connection(&mut self) -> Result<SqliteConnection, SpoolError> {
        match self.conn.take() {
            Some(it) => Ok(it),
            None => self.options.connect().await.map_err(|it| explain(it, &self.path)),
        }
    }

    /// Why it failed; the connection, which may be in the middle of anything, is given up.
    async fn failed(&mut self, conn: SqliteConnection, cause: sqlx::Error) -> SpoolError {
        // What was wrong is told already.
        conn.close().await.ok();
        explain(cause, &self.path)
    }
}

async fn write(
    conn: &mut SqliteConnection,
    work: &SpoolWork,
    before: Option<&Spooled>,
    seal: &Seal,
    numbers: &mut Numbers,
) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    for (boot, run) in &work.removed {
        let Some(of) = numbers.get(boot) else { continue };
        let delete = sqlx::query(DELETE).bind(*of);
        delete.bind(number(run.first)).bind(number(run.last)).execute(&mut *tx).await?;
    }
    state::write(&mut tx, before, &work.state, numbers).await?;
    for entries in work.added.chunks(ROWS) {
        add(&mut tx, entries, seal, numbers).await?;
    }
    tx.commit().await
}

/// Adds facts by one statement: each of them costs two changes of the thread.
async fn add(
    conn: &mut SqliteConnection,
    entries: &[(BootId, Entry)],
    seal: &Seal,
    numbers: &Numbers,
) -> Result<(), sqlx::Error> {
    let mut latest: Option<(BootId, BootSeal)> = None;
    let mut rows = Vec::with_capacity(entries.len());
    for (boot, entry) in entries {
        // Facts of a boot that is let go of in the same breath.
        let Some(of) = numbers.get(boot) else { continue };
        if latest.as_ref().is_none_or(|it| it.0 != *boot) {
            latest = seal.of(*boot).map(|it| (*boot, it));
        }
        let sealed = latest.as_ref();
        let sealed = sealed.and_then(|it| it.1.seal(entry.sequence, &write_fact(&entry.fact)));
        rows.push((*of, number(entry.sequence), sealed.ok_or_else(seal::failed)?));
    }
    if rows.is_empty() {
        return Ok(());
    }
    // One that is as long as most is worth remembering.
    let is_whole = rows.len() == ROWS;
    let mut insert = QueryBuilder::<Sqlite>::new(INSERT);
    insert.push_values(rows, |mut to, (boot, sequence, body)| {
        to.push_bind(boot).push_bind(sequence).push_bind(body);
    });
    insert.build().persistent(is_whole).execute(conn).await.map(drop)
}

const DELETE: &str = "DELETE FROM fact WHERE boot = ?1 AND sequence BETWEEN ?2 AND ?3";
const INSERT: &str = "INSERT OR REPLACE INTO fact (boot, sequence, body) ";
/// Facts of one statement.
const ROWS: usize = 64;
const SELECT: &str =
    "SELECT sequence, body FROM fact WHERE boot = ?1 AND sequence >= ?2 ORDER BY sequence LIMIT ?3";
const OWNERS: u32 = 0o600;
