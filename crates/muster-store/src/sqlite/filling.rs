//! A file that is becoming a store by being copied into. It has its name when it is whole.

use std::path::{Path, PathBuf};
use std::time::Duration;

use muster_core::ports::{BoxFuture, StoreError};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use tokio::sync::mpsc::Sender;

use super::backup::verify_file;
use super::files::{self, Lock};
use super::{fault, replace, schema, statement};
use crate::cells::Row;
use crate::disk;
use crate::transfer::{self, Blank, Piece};

/// Such a file. Nobody else writes in its folder meanwhile.
#[derive(Debug)]
pub struct Filling {
    path: PathBuf,
    unfinished: PathBuf,
    /// With one transaction that is open; none: everything is written.
    conn: Option<SqliteConnection>,
    _lock: Lock,
}

impl Filling {
    /// Begins one that will be the store `path`. Refused where one is, or was. Begins anew where an earlier
    /// one was not finished. Needs a tokio runtime.
    pub async fn begin(path: &Path) -> Result<Self, StoreError> {
        let lock = Lock::take(path)?;
        replace::refuse_pending(path)?;
        disk::refuse_existing(path)?;
        disk::refuse_existing(&files::log_of(path))?;
        replace::refuse_lost(path)?;
        let unfinished = files::unfinished(path);
        files::discard(&unfinished)
            .and_then(|()| disk::create(&unfinished))
            .map_err(|it| disk::explain_io(it, path))?;
        let begun = async {
            let explain = |it| fault::explain(it, &unfinished);
            let mut conn = files::maker(&unfinished).await.map_err(explain)?;
            schema::migrate(&mut conn, schema::MIGRATIONS, &unfinished).await?;
            say(&mut conn, "BEGIN IMMEDIATE").await.map_err(explain)?;
            transfer::say_of_each(&mut conn, transfer::emptying).await.map_err(explain)?;
            Ok(conn)
        };
        match begun.await {
            Ok(conn) => {
                let conn = Some(conn);
                Ok(Self { path: path.to_owned(), unfinished, conn, _lock: lock })
            }
            Err(error) => {
                // It is discarded by whoever comes next, if not now.
                files::discard(&unfinished).ok();
                Err(error)
            }
        }
    }

    fn explain(&self, cause: sqlx::Error) -> StoreError {
        fault::explain(cause, &self.unfinished)
    }

    fn conn(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let what = || "everything is written already".to_owned();
        self.conn.as_mut().ok_or_else(|| StoreError::Refused { what: what() })
    }
}

impl Blank for Filling {
    fn put<'a>(
        &'a mut self,
        table: &'static str,
        rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let written = transfer::put(self.conn()?, table, &rows).await;
            written.map_err(|it| self.explain(it))
        })
    }

    fn rows(&mut self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some(mut conn) = self.conn.take() {
                say(&mut conn, "COMMIT").await.map_err(|it| self.explain(it))?;
                conn.close().await.map_err(|it| self.explain(it))?;
            }
            let conn = files::lone_reader(&self.unfinished).await;
            let mut conn = conn.map_err(|it| self.explain(it))?;
            transfer::send(&mut conn, |it| self.explain(it), Duration::MAX, to).await?;
            conn.close().await.map_err(|it| self.explain(it))
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let finished = async {
                verify_file(&self.unfinished, &self.unfinished).await?;
                disk::refuse_existing(&self.path)?;
                let finished = disk::finish(&self.unfinished, &self.path).await;
                finished.map_err(|it| disk::explain_io(it, &self.path))
            };
            let finished = finished.await;
            if finished.is_err() {
                files::discard(&self.unfinished).ok();
            }
            finished
        })
    }

    fn abandon(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            drop(self.conn.take());
            // It is discarded by whoever comes next, if not now.
            files::discard(&self.unfinished).ok();
        })
    }
}

async fn say(conn: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    statement::run(conn, sql, SqliteArguments::default()).await.map(drop)
}
