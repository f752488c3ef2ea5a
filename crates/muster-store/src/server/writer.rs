//! The one who writes to a server: a batch in one transaction, numbered inside it.
//!
//! **An error means: not stored.** An answer can be lost with the connection, and then nobody knows whether
//! the commit took place. So the meta row counts commits, and the attempt is remembered until one is
//! acknowledged: when the same changes come again and the count shows that they are in the journal already,
//! their rows are written again (which changes nothing) and the changes are not.
//!
//! **Every transaction locks the row of the lease first** ([`super::lease`]). Whoever looks behind that lock
//! whether a commit took place finds it over: it held the lock, or it was never asked to end. Whoever finds
//! another epoch there was overtaken, and writes nothing more.

use std::sync::Arc;
use std::time::Duration;

use muster_core::batch::Batch;
use muster_core::change::Change;
use muster_core::ports::StoreError;
use muster_core::time::Time;
use sqlx::Connection as _;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::engine::{Connection, Engine};
use super::lease::{self, Lease};
use super::{PATIENCE, unanswered, views};
use crate::judged::{CursorRow, Meta};
use crate::session::{Merge, Session};
use crate::write::{meta, write};

/// The connection that writes, and what it must remember.
#[derive(Debug)]
pub(super) struct Writer<E: Engine> {
    engine: Arc<E>,
    /// Missing after a failure, and while it is in use: whoever is dropped in the middle takes the
    /// connection along, and with it the open transaction.
    conn: Option<Connection<E>>,
    /// That of the lease as this one took it.
    epoch: i64,
    attempt: Option<Attempt>,
    /// Whether readings are kept as plain rows as well.
    pub(super) plain: bool,
    /// Who has taken the lease meanwhile.
    overtaken: watch::Sender<Option<String>>,
}

/// A commit of which it is not known whether it took place.
#[derive(Debug)]
struct Attempt {
    commits: i64,
    frontier: Time,
    changes: Vec<Change>,
}

/// What becomes of a database that somebody writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Making {
    /// It is a store, or becomes an empty one.
    Store,
    /// One is copied into it.
    Copy,
}

impl<E: Engine> Writer<E> {
    /// Takes the lease in the name of `holder`, and keeps it as long as the keeper lives that comes along.
    pub(super) async fn open(
        engine: Arc<E>,
        holder: &str,
        making: Making,
    ) -> Result<(Arc<Mutex<Self>>, JoinSet<()>), StoreError> {
        let mut conn = engine.writer().await?;
        engine.fits(&mut conn).await?;
        super::schema::prepare(&*engine, &mut conn, making).await?;
        let epoch = lease::take(&*engine, &mut conn, holder).await?;
        let (overtaken, _) = watch::channel(None);
        let told = overtaken.clone();
        let writer = Self { engine, conn: None, epoch, attempt: None, plain: false, overtaken };
        let engine = Arc::clone(&writer.engine);
        let writer = Arc::new(Mutex::new(writer));
        let mut keeper = JoinSet::new();
        keeper.spawn(lease::keep(Arc::clone(&engine), epoch, Arc::clone(&writer), told));
        let ready = async {
            super::schema::migrate(&*engine, &mut conn, making, epoch).await?;
            let explain = |it| engine.explain(it);
            permitted(&mut conn).await.map_err(explain)?;
            views::are_there::<E>(&mut conn).await.map_err(explain)
        };
        let plain = match ready.await {
            Ok(it) => it,
            Err(error) => {
                keeper.shutdown().await;
                // The next try must not find it held by this one; without an answer it lapses.
                lease::release(&mut conn, epoch).await.ok();
                return Err(error);
            }
        };
        let mut opened = writer.lock().await;
        (opened.conn, opened.plain) = (Some(conn), plain);
        drop(opened);
        Ok((writer, keeper))
    }

    /// Tells when somebody else has taken the lease, and who.
    pub(super) fn overtaken(&self) -> watch::Receiver<Option<String>> {
        self.overtaken.subscribe()
    }

    /// Says a word, or the server would end the session; one that does not answer in time is given up.
    pub(super) async fn keep_alive(&mut self, within: Duration) {
        if let Some(mut conn) = self.conn.take()
            && timeout(within, conn.ping()).await.is_ok_and(|it| it.is_ok())
        {
            self.conn = Some(conn);
        }
    }

    /// Writes a batch, and cursors along with it; the id of the last change.
    pub(super) async fn commit(
        &mut self,
        batch: &Batch,
        cursors: &[CursorRow],
    ) -> Result<u64, StoreError> {
        let done = timeout(PATIENCE, self.try_commit(batch, cursors)).await;
        done.unwrap_or_else(|late| Err(unanswered(late)))
    }

    async fn try_commit(
        &mut self,
        batch: &Batch,
        cursors: &[CursorRow],
    ) -> Result<u64, StoreError> {
        let engine = Arc::clone(&self.engine);
        let explain = |it| engine.explain(it);
        let mut conn = self.connection().await?;
        let mut tx = conn.begin().await.map_err(explain)?;
        let held = lease::locked(&mut *tx).await.map_err(explain)?;
        self.still_leads(held)?;
        let found = meta(&mut *tx).await.map_err(explain)?;
        let told = self.attempt.as_ref().is_some_and(|it| it.is(batch, found));
        let commits = if told { found.commits - 1 } else { found.commits };
        let (frontier, changes) = (batch.frontier, batch.changes.clone());
        self.attempt = Some(Attempt { commits, frontier, changes });
        let written = async {
            tx.merge(cursors, Merge::ByKey).await?;
            let written = write(&mut *tx, batch, found, told, self.plain).await?;
            // The keeper had to wait for this one.
            lease::renew::<E>(&mut tx, self.epoch).await?;
            Ok(written)
        };
        let written = match written.await {
            Ok(it) => it,
            Err(cause) => {
                // It was never asked to end, so it has not taken place.
                if tx.rollback().await.is_ok() {
                    self.conn = Some(conn);
                }
                return Err(engine.explain(cause));
            }
        };
        if let Err(cause) = tx.commit().await {
            drop(conn);
            return self.took_place(batch).await.ok_or_else(|| engine.explain(cause));
        }
        self.conn = Some(conn);
        self.attempt = None;
        Ok(written.last_change)
    }

    /// Does something in a transaction of its own, which may happen twice.
    pub(super) async fn together<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Connection<E>) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let done = timeout(PATIENCE, self.try_together(work)).await;
        done.unwrap_or_else(|late| Err(unanswered(late)))
    }

    async fn try_together<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Connection<E>) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let engine = Arc::clone(&self.engine);
        let explain = |it| engine.explain(it);
        let mut conn = self.connection().await?;
        let mut tx = conn.begin().await.map_err(explain)?;
        let held = lease::locked(&mut *tx).await.map_err(explain)?;
        self.still_leads(held)?;
        let done = work(&mut *tx).await.map_err(explain)?;
        tx.commit().await.map_err(explain)?;
        self.conn = Some(conn);
        Ok(done)
    }

    /// Lets go of the lease.
    pub(super) async fn close(&mut self) -> Result<(), StoreError> {
        let engine = Arc::clone(&self.engine);
        let done = async {
            let mut conn = self.connection().await?;
            let released = lease::release(&mut conn, self.epoch).await;
            released.map_err(|it| engine.explain(it))?;
            conn.close().await.map_err(|it| engine.explain(it))
        };
        timeout(PATIENCE, done).await.unwrap_or_else(|late| Err(unanswered(late)))
    }

    async fn connection(&mut self) -> Result<Connection<E>, StoreError> {
        // One that broke while nothing was asked of it is no trouble to anybody.
        if let Some(mut conn) = self.conn.take()
            && conn.ping().await.is_ok()
        {
            return Ok(conn);
        }
        self.engine.writer().await
    }

    /// Looks through a fresh connection, behind the lock, whether a commit that ended in an error is stored.
    async fn took_place(&mut self, batch: &Batch) -> Option<u64> {
        let mut conn = self.connection().await.ok()?;
        let mut tx = conn.begin().await.ok()?;
        lease::locked(&mut *tx).await.ok()?;
        let found = meta(&mut *tx).await.ok()?;
        tx.rollback().await.ok()?;
        let stored = self.attempt.as_ref().is_some_and(|it| it.is(batch, found));
        self.conn = Some(conn);
        if !stored {
            return None;
        }
        self.attempt = None;
        Some(found.last_change)
    }

    fn still_leads(&self, found: Lease) -> Result<(), StoreError> {
        if found.epoch == self.epoch {
            return Ok(());
        }
        let error = lease::lost(&found.holder);
        self.overtaken.send_replace(Some(found.holder));
        Err(error)
    }
}

impl Attempt {
    /// Whether it was for this batch and is the last commit in the store.
    fn is(&self, batch: &Batch, found: Meta) -> bool {
        found.commits == self.commits + 1
            && batch.frontier == self.frontier
            && batch.changes == self.changes
    }
}

/// Whether this user may write; some servers lock a row for whoever may read it.
async fn permitted(session: &mut impl Session) -> Result<(), sqlx::Error> {
    session.run("UPDATE meta SET commits = commits WHERE id = 1", &[]).await.map(drop)
}
