//! One file, beside it its log and its lock: a store that needs nobody.
//!
//! One connection writes, two read. Everything is durable when a commit has been answered. A store
//! belongs to one process for writing; any number may read it meanwhile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use muster_core::batch::{Batch, CoverageHour, History, Reading, Restored};
use muster_core::change::Change;
use muster_core::identity::IdentityId;
use muster_core::ports::{Before, BoxFuture, ReadingQuery, StayQuery, Store, StoreError};
use muster_core::reading::WinnerHour;
use muster_core::span::Span;
use muster_core::stay::{Stay, Subject};
use muster_core::time::Time;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Connection as _, Sqlite as Engine, Transaction};
use tokio::sync::Mutex;
use tokio::sync::mpsc::Sender;

use commit::Writer;
use ground::Ground;

use crate::cursors::Cursors;
use crate::disk;
use crate::transfer::{self, Piece};
use crate::{Access, Kept, read, readings, tables};

pub use files::Lock;
pub use filling::Filling;
pub use replace::{Backup, Over, Ready, kept};

mod files;

mod ground;

mod schema;

mod commit;

mod forget;

mod views;

mod backup;

mod replace;

mod filling;

mod sum;

mod statement;

mod session;

mod by_row;

mod fault;

/// A store in one `SQLite` file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    readers: SqlitePool,
    /// None when opened to look only.
    writer: Option<Mutex<Writer>>,
    /// What that stands on.
    ground: Option<Ground>,
    cursors: Cursors,
    _lock: Option<Lock>,
}

impl Sqlite {
    /// Opens the store in the file `path`. Needs a tokio runtime.
    pub async fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let explain = |cause| fault::explain(cause, path);
        let (writer, ground, lock) = match access {
            Access::ReadWrite => {
                let lock = Lock::take(path)?;
                let writer = open_writer(path).await?;
                (Some(Mutex::new(writer)), Some(Ground::of(path)?), Some(lock))
            }
            Access::ReadOnly => {
                refuse_missing(path)?;
                (None, None, None)
            }
        };
        let readers = files::readers(path).await.map_err(explain)?;
        let store = Self {
            path: path.to_owned(),
            readers,
            writer,
            ground,
            cursors: Cursors::default(),
            _lock: lock,
        };
        let mut tx = store.reader().await?;
        schema::check(&mut tx, path).await?;
        store.done(tx).await?;
        Ok(store)
    }

    /// Reads every page and every row. Seconds for a large store, beside everything else: rows are
    /// checked whenever they are read, but only this notices rows that damage has taken away.
    pub async fn verify(&self) -> Result<(), StoreError> {
        let mut tx = self.reader().await?;
        backup::verify(&mut tx).await.map_err(|it| self.explain(it))?;
        self.done(tx).await
    }

    /// The same in parts from 0 on, for whoever has to leave room for others: each on a connection of
    /// its own, and nothing is held in between. False: there is no such part.
    pub async fn verify_part(&self, part: usize) -> Result<bool, StoreError> {
        let explain = |it| self.explain(it);
        let mut conn = files::reader(&self.path).await.map_err(explain)?;
        let rows = backup::verify_part(&mut conn, part).await.map_err(explain)?;
        conn.close().await.map_err(explain)?;
        Ok(rows.is_some())
    }

    /// Lets go of the file and of its lock in good order.
    pub async fn close(self) -> Result<(), StoreError> {
        self.let_go().await
    }

    async fn let_go(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        let Some(writer) = &self.writer else { return Ok(()) };
        // What was acknowledged is folded into the file also where nothing more is taken.
        let written = self.write_cursors(writer).await;
        if !self.ground.iter().all(Ground::bears_folding) {
            writer.lock().await.leave();
            return written;
        }
        writer.lock().await.close().await.map_err(|it| self.explain(it))?;
        written
    }

    async fn reader(&self) -> Result<Transaction<'static, Engine>, StoreError> {
        self.ground.iter().try_for_each(Ground::bears_reading)?;
        self.readers.begin().await.map_err(|it| self.explain(it))
    }

    async fn done(&self, tx: Transaction<'static, Engine>) -> Result<(), StoreError> {
        tx.commit().await.map_err(|it| self.explain(it))
    }

    /// Asks in a read transaction, so that every part of an answer is of one moment.
    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let mut tx = self.reader().await?;
        let answer = question(&mut tx).await.map_err(|it| self.explain(it))?;
        self.done(tx).await?;
        Ok(answer)
    }

    async fn write_cursors(&self, writer: &Mutex<Writer>) -> Result<(), StoreError> {
        let mut writer = writer.lock().await;
        let rows = self.cursors.rows();
        let connected = writer.is_connected();
        self.bears_writing(connected)?;
        writer.write(&rows).await.map_err(|it| self.explain(it))?;
        self.bore_writing(connected)?;
        self.cursors.written(&rows);
        Ok(())
    }

    fn writer(&self) -> Result<&Mutex<Writer>, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::Refused {
            what: "the store was opened to look only".to_owned(),
        })
    }

    fn bears_writing(&self, connected: bool) -> Result<(), StoreError> {
        self.ground.iter().try_for_each(|it| it.bears_writing(connected))
    }

    fn bore_writing(&self, connected: bool) -> Result<(), StoreError> {
        self.ground.iter().try_for_each(|it| it.bore_writing(connected))
    }

    fn explain(&self, cause: sqlx::Error) -> StoreError {
        let error = fault::explain(cause, &self.path);
        self.ground.iter().for_each(|it| it.notice(&error));
        error
    }
}

impl Kept for Sqlite {
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.let_go())
    }

    fn overtaken(&self) -> BoxFuture<'_, String> {
        Box::pin(std::future::pending())
    }

    fn still_leads(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let writer = self.writer()?;
            self.bears_writing(writer.lock().await.is_connected())
        })
    }

    fn rows(&self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut tx = self.reader().await?;
            let explain = |it| fault::explain(it, &self.path);
            transfer::send(&mut *tx, explain, Duration::MAX, to).await?;
            self.done(tx).await
        })
    }

    fn sizes(&self) -> BoxFuture<'_, Result<BTreeMap<&'static str, u64>, StoreError>> {
        Box::pin(self.ask(async |conn| tables::sizes(conn, SIZE).await))
    }

    fn keep_plain(&self, wanted: bool) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let writer = self.writer()?;
            self.bears_writing(writer.lock().await.is_connected())?;
            views::keep(writer, wanted).await.map_err(|it| self.explain(it))
        })
    }
}

impl Store for Sqlite {
    fn commit<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut writer = self.writer()?.lock().await;
            let cursors = self.cursors.rows();
            let connected = writer.is_connected();
            self.bears_writing(connected)?;
            let last = writer.commit(batch, &cursors).await.map_err(|it| self.explain(it))?;
            self.bore_writing(connected)?;
            writer.answered();
            self.cursors.written(&cursors);
            Ok(last)
        })
    }

    fn restore(&self, since: Time) -> BoxFuture<'_, Result<Restored, StoreError>> {
        Box::pin(self.ask(async move |conn| read::restore(conn, since).await))
    }

    fn frontier(&self) -> BoxFuture<'_, Result<Time, StoreError>> {
        Box::pin(self.ask(async |conn| read::frontier(conn).await))
    }

    fn history<'a>(
        &'a self,
        identities: &'a [IdentityId],
        window: Span,
    ) -> BoxFuture<'a, Result<History, StoreError>> {
        Box::pin(self.ask(async move |conn| read::history(conn, identities, window).await))
    }

    fn coverage(&self, window: Span) -> BoxFuture<'_, Result<Vec<CoverageHour>, StoreError>> {
        Box::pin(self.ask(async move |conn| read::coverage(conn, window).await))
    }

    fn readings<'a>(
        &'a self,
        query: &'a ReadingQuery,
    ) -> BoxFuture<'a, Result<Vec<Reading>, StoreError>> {
        Box::pin(self.ask(async move |conn| readings::readings(conn, query).await))
    }

    fn winner_hours(&self, window: Span) -> BoxFuture<'_, Result<Vec<WinnerHour>, StoreError>> {
        Box::pin(self.ask(async move |conn| readings::winner_hours(conn, window).await))
    }

    fn changes_after(
        &self,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(self.ask(async move |conn| read::changes_after(conn, after, limit).await))
    }

    fn changes_within(
        &self,
        window: Span,
        subject: Option<Subject>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(
            self.ask(async move |conn| read::changes_within(conn, window, subject, limit).await),
        )
    }

    fn states_at(&self, at: Time) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(self.ask(async move |conn| read::states_at(conn, at).await))
    }

    fn stays<'a>(&'a self, query: &'a StayQuery) -> BoxFuture<'a, Result<Vec<Stay>, StoreError>> {
        Box::pin(self.ask(async move |conn| read::stays(conn, query).await))
    }

    fn cursor<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<i64>, StoreError>> {
        Box::pin(async move {
            match self.cursors.moved(name) {
                Some(it) => Ok(Some(it)),
                None => self.ask(async move |conn| read::cursor(conn, name).await).await,
            }
        })
    }

    fn set_cursor<'a>(
        &'a self,
        name: &'a str,
        value: i64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let writer = self.writer()?;
            if self.cursors.set(name, value) { self.write_cursors(writer).await } else { Ok(()) }
        })
    }

    fn forget(&self, before: Before) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let writer = self.writer()?;
            self.bears_writing(writer.lock().await.is_connected())?;
            let gone = forget::forget(writer, before).await;
            gone.map_err(|it| self.explain(it))
        })
    }

    fn backup<'a>(&'a self, to: &'a Path) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.ground.iter().try_for_each(Ground::bears_reading)?;
            let mut conn = self.readers.acquire().await.map_err(|it| self.explain(it))?;
            let copied = backup::backup(&mut conn, &self.path, to).await;
            drop(conn);
            let Err(StoreError::Damaged { cause, .. }) = copied else { return copied };
            // The store's own damage, or only the copy's: then the store goes on.
            self.verify().await?;
            Err(disk::unavailable(
                format!("the copy did not come out whole: {}", to.display()),
                cause,
            ))
        })
    }
}

/// The writing connection to a store that is whole: a new one gets its name only when its tables
/// are in it, so an empty file is never one of ours.
async fn open_writer(path: &Path) -> Result<Writer, StoreError> {
    let explain = |cause| fault::explain(cause, path);
    replace::put_in_place(path)?;
    if !path.exists() {
        replace::refuse_lost(path)?;
        if files::log_of(path).exists() {
            let what = format!("its log is there, the store is not: {}", path.display());
            return Err(fault::damaged(&what, "the file is missing".into()));
        }
        let explain_io = |cause| disk::explain_io(cause, path);
        let unfinished = files::unfinished(path);
        files::discard(&unfinished).and_then(|()| disk::create(&unfinished)).map_err(explain_io)?;
        let mut conn = files::maker(&unfinished).await.map_err(explain)?;
        schema::migrate(&mut conn, schema::MIGRATIONS, path).await?;
        conn.close().await.map_err(explain)?;
        disk::finish(&unfinished, path).await.map_err(explain_io)?;
    }
    refuse_missing(path)?;
    let mut conn = files::writer(path).await.map_err(explain)?;
    schema::migrate(&mut conn, schema::MIGRATIONS, path).await?;
    let plain = views::are_there(&mut conn).await.map_err(explain)?;
    Ok(Writer::new(path, conn, plain))
}

fn refuse_missing(path: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(path) {
        Ok(it) if it.len() == 0 => Err(fault::damaged("the file is empty", "no bytes".into())),
        Ok(_) => Ok(()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            let what = format!("there is no store yet: {}", path.display());
            Err(disk::unavailable(what, cause.into()))
        }
        Err(cause) => Err(disk::explain_io(cause, path)),
    }
}

/// The bytes of a table and of each of its indexes (`SQLite`'s dbstat.html).
const SIZE: &str = "SELECT (SELECT pgsize FROM dbstat WHERE name = it.name AND aggregate = 1)
    FROM sqlite_master AS it WHERE it.tbl_name = ?1 AND it.rootpage > 0";

#[cfg(test)]
mod tests;
