//! The one who writes: a batch in one transaction, numbered inside it.
//!
//! **An error means: not stored.** An error while the transaction is being ended, or a caller who
//! stopped waiting, leaves open whether it took place. So the meta row counts commits, and the
//! attempt is remembered until one is acknowledged: when the same changes come again and the count shows
//! that they are in the journal already, their rows are written again (which changes nothing) and
//! the changes are not.

use std::path::{Path, PathBuf};

use muster_core::batch::Batch;
use muster_core::change::Change;
use muster_core::time::Time;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::{files, statement};
use crate::judged::{CursorRow, Meta};
use crate::record::Record;
use crate::write::{meta, write};

/// The connection that writes, and what it must remember.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    /// Missing after a failure, and while it is in use: whoever is dropped in the middle takes the
    /// connection along, and with it the open transaction.
    conn: Option<SqliteConnection>,
    attempt: Option<Attempt>,
    /// Whether readings are kept as plain rows as well.
    pub(super) plain: bool,
}

/// A commit of which it is not known whether it took place.
#[derive(Debug)]
struct Attempt {
    commits: i64,
    frontier: Time,
    changes: Vec<Change>,
}

impl Writer {
    pub(super) fn new(path: &Path, conn: SqliteConnection, plain: bool) -> Self {
        Self { path: path.to_owned(), conn: Some(conn), attempt: None, plain }
    }

    /// Writes a batch, and cursors along with it; the id of the last change. Whoever acknowledges
    /// it calls [`Writer::answered`].
    pub(super) async fn commit(
        &mut self,
        batch: &Batch,
        cursors: &[CursorRow],
    ) -> Result<u64, sqlx::Error> {
        let mut conn = self.connection().await?;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        let found = meta(&mut *tx).await?;
        let told = self.attempt.as_ref().is_some_and(|it| it.is(batch, found));
        self.attempt = Some(Attempt {
            commits: if told { found.commits - 1 } else { found.commits },
            frontier: batch.frontier,
            changes: batch.changes.clone(),
        });
        let written = async {
            statement::put(&mut tx, cursors).await?;
            write(&mut *tx, batch, found, told, self.plain).await
        };
        let written = match written.await {
            Ok(it) => it,
            Err(cause) => {
                // It was never asked to end, so it has not taken place.
                if tx.rollback().await.is_ok() {
                    self.conn = Some(conn);
                }
                return Err(cause);
            }
        };
        if let Err(cause) = tx.commit().await {
            drop(conn);
            return self.took_place(batch).await.ok_or(cause);
        }
        self.conn = Some(conn);
        Ok(written.last_change)
    }

    /// The last commit was acknowledged: the same changes once more are others.
    pub(super) fn answered(&mut self) {
        self.attempt = None;
    }

    /// Whether a connection is open; without one, the next writing makes one.
    pub(super) const fn is_connected(&self) -> bool {
        self.conn.is_some()
    }

    /// Does something small in a transaction of its own.
    pub(super) async fn write<R: Record>(&mut self, rows: &[R]) -> Result<(), sqlx::Error> {
        let mut conn = self.connection().await?;
        statement::put(&mut conn, rows).await?;
        self.conn = Some(conn);
        Ok(())
    }

    /// Runs one statement in a transaction of its own; how many rows it touched.
    pub(super) async fn run(
        &mut self,
        sql: &'static str,
        values: SqliteArguments,
    ) -> Result<u64, sqlx::Error> {
        let mut conn = self.connection().await?;
        let touched = statement::run(&mut conn, sql, values).await?;
        self.conn = Some(conn);
        Ok(touched)
    }

    /// Does several things in one transaction.
    pub(super) async fn together<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let mut conn = self.connection().await?;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        let done = work(&mut tx).await?;
        tx.commit().await?;
        self.conn = Some(conn);
        Ok(done)
    }

    /// Folds the log into the file and lets go of it.
    pub(super) async fn close(&mut self) -> Result<(), sqlx::Error> {
        match self.conn.take() {
            Some(conn) => conn.close().await,
            None => Ok(()),
        }
    }

    /// Never closes the connection, which would fold the log: it ends with the process.
    pub(super) fn leave(&mut self) {
        std::mem::forget(self.conn.take());
    }

    async fn connection(&mut self) -> Result<SqliteConnection, sqlx::Error> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => files::writer(&self.path).await,
        }
    }

    /// Looks through a fresh connection whether a commit that ended in an error is stored.
    async fn took_place(&mut self, batch: &Batch) -> Option<u64> {
        let mut conn = files::writer(&self.path).await.ok()?;
        let found = meta(&mut conn).await.ok()?;
        let stored = self.attempt.as_ref().is_some_and(|it| it.is(batch, found));
        self.conn = Some(conn);
        stored.then_some(found.last_change)
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

#[cfg(test)]
mod tests {
    use muster_core::change::ChangeKind;

    use super::super::schema;
    use super::*;

    async fn writer(folder: &Path) -> Writer {
        let path = folder.join("muster.db");
        let mut conn = files::maker(&path).await.unwrap();
        schema::migrate(&mut conn, schema::MIGRATIONS, &path).await.unwrap();
        conn.close().await.unwrap();
        Writer::new(&path, files::writer(&path).await.unwrap(), false)
    }

    fn batch(second: i64) -> Batch {
        let at = Time::from_secs(second);
        let changes = vec![Change::new(ChangeKind::Dark, at, at)];
        Batch { changes, frontier: at, ..Batch::default() }
    }

    async fn journal(writer: &mut Writer) -> Vec<(u64, Time)> {
        let mut conn = writer.connection().await.unwrap();
        let none = SqliteArguments::default();
        let rows: Vec<Change> = statement::find(&mut conn, "ORDER BY id", none).await.unwrap();
        writer.conn = Some(conn);
        rows.iter().map(|it| (it.id, it.at)).collect()
    }

    /// As after an error in the middle of ending the transaction.
    fn unanswered(writer: &mut Writer, batch: &Batch, commits: i64) {
        writer.conn = None;
        writer.attempt =
            Some(Attempt { commits, frontier: batch.frontier, changes: batch.changes.clone() });
    }

    #[tokio::test]
    async fn a_stored_commit_without_an_answer_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path()).await;
        assert_eq!(writer.commit(&batch(1), &[]).await.unwrap(), 1);
        unanswered(&mut writer, &batch(1), 0);
        assert_eq!(writer.took_place(&batch(1)).await, Some(1));
        unanswered(&mut writer, &batch(1), 0);
        assert_eq!(writer.commit(&batch(1), &[]).await.unwrap(), 1);
        writer.answered();
        assert_eq!(journal(&mut writer).await, [(1, Time::from_secs(1))]);
        // The same changes once more, after an answer, are others.
        assert_eq!(writer.commit(&batch(1), &[]).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn one_that_was_not_stored_is_stored_when_it_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path()).await;
        assert_eq!(writer.commit(&batch(1), &[]).await.unwrap(), 1);
        unanswered(&mut writer, &batch(2), 1);
        assert_eq!(writer.took_place(&batch(2)).await, None);
        assert_eq!(writer.commit(&batch(2), &[]).await.unwrap(), 2);
        // Another one in its place is itself.
        unanswered(&mut writer, &batch(2), 1);
        assert_eq!(writer.commit(&batch(3), &[]).await.unwrap(), 3);
        let want = [1_i64, 2, 3].map(|it| (it.unsigned_abs(), Time::from_secs(it)));
        assert_eq!(journal(&mut writer).await, want);
    }

    #[tokio::test]
    async fn a_commit_that_the_engine_turns_down_at_the_end_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path()).await;
        let conn = writer.conn.as_mut().unwrap();
        conn.lock_handle().await.unwrap().set_commit_hook(|| false);
        writer.commit(&batch(1), &[]).await.unwrap_err();
        assert_eq!(journal(&mut writer).await, []);
        assert_eq!(writer.commit(&batch(1), &[]).await.unwrap(), 1);
    }
}
