//! The one who writes to a server: a batch in one transaction, numbered inside it.
//!
//! **An error means: not stored.** An answer can be lost with the connection, and then nobody knows whether
//! the commit took place. So the meta row counts commits, and the attempt is remembered until one is
//! acknowledged: when the same changes come again and the count shows that they are in the journal already,
//! their rows are written again (which changes nothing) and the changes are not.
//!
//! **Whoever writes holds the server's lock, and it ends with the session.** A new session gets it only when
//! the one before is over, so nothing of that can still be under way. Should somebody else have written
//! meanwhile, the count shows it, and this writer writes nothing more.

use std::sync::Arc;

use muster_core::batch::Batch;
use muster_core::change::Change;
use muster_core::ports::StoreError;
use muster_core::time::Time;
use sqlx::Connection as _;

use super::engine::{Connection, Engine};
use super::{PATIENCE, unanswered};
use crate::judged::{CursorRow, Meta};
use crate::record::{Record as _, broken};
use crate::session::{Merge, Session};
use crate::write::{meta, write};

/// The connection that writes, and what it must remember.
#[derive(Debug)]
pub(super) struct Writer<E: Engine> {
    engine: Arc<E>,
    /// Missing after a failure, and while it is in use: whoever is dropped in the middle takes the
    /// connection along, and with it the open transaction.
    conn: Option<Connection<E>>,
    /// What names the session that was made last.
    session: String,
    attempt: Option<Attempt>,
    /// How many commits there were after the last one that is known to have taken place.
    commits: i64,
}

/// A commit of which it is not known whether it took place.
#[derive(Debug)]
struct Attempt {
    commits: i64,
    frontier: Time,
    changes: Vec<Change>,
}

impl<E: Engine> Writer<E> {
    /// Takes the lock, and finds the store as it is.
    pub(super) async fn open(engine: Arc<E>) -> Result<Self, StoreError> {
        let (mut conn, session) = engine.writer(None).await?;
        engine.fits(&mut conn).await?;
        super::schema::migrate(&*engine, &mut conn).await?;
        let found = permitted(&mut conn).await.map_err(|it| engine.explain(it))?;
        Ok(Self { engine, conn: Some(conn), session, attempt: None, commits: found.commits })
    }

    /// Writes a batch, and cursors along with it; the id of the last change.
    pub(super) async fn commit(
        &mut self,
        batch: &Batch,
        cursors: &[CursorRow],
    ) -> Result<u64, StoreError> {
        let done = tokio::time::timeout(PATIENCE, self.try_commit(batch, cursors)).await;
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
        let found = locked_meta(&mut *tx).await.map_err(explain)?;
        let told = self.attempt.as_ref().is_some_and(|it| it.is(batch, found));
        if !self.is_alone(found) {
            return Err(overtaken());
        }
        self.commits = if told { found.commits - 1 } else { found.commits };
        let (frontier, changes) = (batch.frontier, batch.changes.clone());
        self.attempt = Some(Attempt { commits: self.commits, frontier, changes });
        let written = async {
            tx.merge(cursors, Merge::ByKey).await?;
            write(&mut *tx, batch, found, told).await
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
        self.commits = written.commits;
        Ok(written.last_change)
    }

    /// Does something in a transaction of its own, which may happen twice.
    pub(super) async fn together<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Connection<E>) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let engine = Arc::clone(&self.engine);
        let explain = |it| engine.explain(it);
        let mut conn = self.connection().await?;
        let mut tx = conn.begin().await.map_err(explain)?;
        let found = locked_meta(&mut *tx).await.map_err(explain)?;
        if !self.is_alone(found) {
            return Err(overtaken());
        }
        let done = work(&mut *tx).await.map_err(explain)?;
        tx.commit().await.map_err(explain)?;
        self.conn = Some(conn);
        Ok(done)
    }

    /// Lets go of the lock.
    pub(super) async fn close(&mut self) -> Result<(), StoreError> {
        match self.conn.take() {
            Some(conn) => conn.close().await.map_err(|it| self.engine.explain(it)),
            None => Ok(()),
        }
    }

    async fn connection(&mut self) -> Result<Connection<E>, StoreError> {
        // One that broke while nothing was asked of it is no trouble to anybody.
        if let Some(mut conn) = self.conn.take()
            && conn.ping().await.is_ok()
        {
            return Ok(conn);
        }
        let (conn, session) = self.engine.writer(Some(&self.session)).await?;
        self.session = session;
        Ok(conn)
    }

    /// Looks through a fresh connection whether a commit that ended in an error is stored.
    async fn took_place(&mut self, batch: &Batch) -> Option<u64> {
        let mut conn = self.connection().await.ok()?;
        let found = meta(&mut conn).await.ok()?;
        let stored = self.attempt.as_ref().is_some_and(|it| it.is(batch, found));
        self.conn = Some(conn);
        if !stored {
            return None;
        }
        self.attempt = None;
        self.commits = found.commits;
        Some(found.last_change)
    }

    /// Whether all commits in the store are this writer's, or from before it.
    fn is_alone(&self, found: Meta) -> bool {
        let unknown = i64::from(self.attempt.is_some());
        (self.commits..=self.commits + unknown).contains(&found.commits)
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

/// What there is once, and nobody else writes it before the transaction ends.
async fn locked_meta(session: &mut impl Session) -> Result<Meta, sqlx::Error> {
    let rows = session.find("WHERE id = 1 FOR UPDATE", &[]).await?;
    rows.first().copied().ok_or_else(|| broken(Meta::TABLE))
}

/// What there is once, for somebody who may write it.
async fn permitted<S: Session + sqlx::Connection>(conn: &mut S) -> Result<Meta, sqlx::Error>
where
    <S::Database as sqlx::Database>::Connection: Session,
{
    let mut tx = conn.begin().await?;
    // Some servers lock a row for whoever may read it.
    tx.run("UPDATE meta SET commits = commits WHERE id = 1", &[]).await?;
    let found = locked_meta(&mut *tx).await?;
    tx.rollback().await?;
    Ok(found)
}

/// Not ever again: what is in memory no longer goes with what is stored.
fn overtaken() -> StoreError {
    StoreError::Refused {
        what: "another muster has written to this store meanwhile; start this one again".to_owned(),
    }
}
