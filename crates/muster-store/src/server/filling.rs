//! A database on a server that is becoming a store by being copied into.
//!
//! **Invariant:** from before its first row until everything is there and was read back, its schema's
//! number is one that no Muster knows, so nobody opens it. Who copies holds the lease meanwhile.

use std::sync::Arc;

use muster_core::ports::{BoxFuture, StoreError};
use sqlx::Connection as _;
use tokio::sync::Mutex;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::engine::{Connection, Engine};
use super::writer::{Making, Writer};
use super::{PATIENCE, schema, unanswered};
use crate::cells::Row;
use crate::transfer::{self, Blank, Piece};

/// Such a database.
pub(crate) struct Filling<E: Engine> {
    engine: Arc<E>,
    writer: Arc<Mutex<Writer<E>>>,
    /// Keeps the lease as long as this lives.
    keeper: JoinSet<()>,
}

impl<E: Engine> Filling<E> {
    /// Begins one. Refused where anything is; begins anew where an earlier one was not finished.
    pub(crate) async fn begin(engine: E, holder: &str) -> Result<Self, StoreError> {
        let engine = Arc::new(engine);
        let opened = Writer::open(Arc::clone(&engine), holder, Making::Copy);
        let (writer, keeper) = timeout(PATIENCE, opened).await.map_err(unanswered)??;
        Ok(Self { engine, writer, keeper })
    }

    async fn let_go(&mut self) -> Result<(), StoreError> {
        self.keeper.shutdown().await;
        self.writer.lock().await.close().await
    }
}

impl<E: Engine> Blank for Filling<E> {
    fn put<'a>(
        &'a mut self,
        table: &'static str,
        rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut writer = self.writer.lock().await;
            writer.together(async |session| transfer::put(session, table, &rows).await).await
        })
    }

    fn rows(&mut self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut conn = self.engine.reader().await?;
            send(&*self.engine, &mut conn, to).await?;
            conn.close().await.map_err(|it| self.engine.explain(it))
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let mut writer = self.writer.lock().await;
            let finished = writer.together(async |session| schema::finish::<E>(session).await);
            let finished = finished.await;
            drop(writer);
            // It lapses, if not now.
            self.let_go().await.ok();
            finished
        })
    }

    fn abandon(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // It lapses, if not now.
            self.let_go().await.ok();
        })
    }
}

/// Hands on every row of a database, of one moment.
pub(super) async fn send<E: Engine>(
    engine: &E,
    conn: &mut Connection<E>,
    to: Sender<Piece>,
) -> Result<(), StoreError> {
    let explain = |it| engine.explain(it);
    let mut tx = conn.begin_with(E::READ).await.map_err(explain)?;
    transfer::send(&mut *tx, explain, PATIENCE, to).await?;
    tx.commit().await.map_err(explain)
}
