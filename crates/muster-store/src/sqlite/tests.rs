//! Faults that only the adapter can be put into from inside.

use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::poll_fn;
use sqlx::sqlite::SqliteArguments;

use super::*;
use crate::conformance::{self, Model, Scene};

async fn open(folder: &Path) -> Sqlite {
    Sqlite::open(&folder.join("muster.db"), Access::ReadWrite).await.unwrap()
}

#[tokio::test]
async fn a_full_disk_takes_nothing_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let limit = async |sql| {
        let mut writer = store.writer().unwrap().lock().await;
        writer.run(sql, SqliteArguments::default()).await.unwrap();
    };
    limit("PRAGMA max_page_count = 80").await;
    let mut scene = Scene::new(1);
    let mut model = Model::default();
    let (batch, wrong) = loop {
        let batch = scene.batch();
        match store.commit(&batch).await {
            Ok(last) => assert_eq!(last, model.commit(&batch)),
            Err(it) => break (batch, it),
        }
    };
    assert_eq!(wrong.to_string(), "the store is not available: disk full");
    conformance::agrees(&store, &model).await.unwrap();
    limit("PRAGMA max_page_count = 100000").await;
    assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch));
    conformance::agrees(&store, &model).await.unwrap();
}

#[tokio::test]
async fn plain_rows_of_a_fill_that_was_interrupted_are_let_go_of() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut writer = store.writer().unwrap().lock().await;
    writer.together(async |conn| schema::redefine(conn, views::TABLES).await).await.unwrap();
    drop(writer);
    store.close().await.unwrap();
    let store = open(folder.path()).await;
    assert_eq!(store.keep_plain(false).await.unwrap(), 0);
    let sql = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'plain%'";
    let mut writer = store.writer().unwrap().lock().await;
    let count = writer.together(async |conn| sqlx::query_scalar(sql).fetch_one(conn).await);
    let left: i64 = count.await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn plain_rows_of_another_shape_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut scene = Scene::new(6);
    for _ in 0..30 {
        store.commit(&scene.batch()).await.unwrap();
    }
    store.keep_plain(true).await.unwrap();
    let mut writer = store.writer().unwrap().lock().await;
    let other = "DROP VIEW plain_shape; CREATE VIEW plain_shape AS SELECT 0 AS shape";
    writer.together(async |conn| schema::redefine(conn, other).await).await.unwrap();
    drop(writer);
    store.close().await.unwrap();
    let store = open(folder.path()).await;
    assert!(store.keep_plain(true).await.unwrap() > 0);
    assert_eq!(store.keep_plain(true).await.unwrap(), 0);
    store.verify().await.unwrap();
}

#[tokio::test]
async fn who_stops_waiting_and_tries_again_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut scene = Scene::new(2);
    let mut model = Model::default();
    let (mut given_up, mut answered) = (0, 0);
    for patience in 0..90 {
        let batch = scene.batch();
        let last = model.commit(&batch);
        if let Some(done) = give_up(store.commit(&batch), patience).await {
            assert_eq!(done.unwrap(), last);
            answered += 1;
        } else {
            assert_eq!(store.commit(&batch).await.unwrap(), last, "patience {patience}");
            given_up += 1;
        }
    }
    assert!(given_up > 5 && answered > 5, "{given_up} given up, {answered} answered");
    conformance::agrees(&store, &model).await.unwrap();
}

/// Waits for a future until it has put off its answer more than `patience` times.
async fn give_up<F: Future>(future: F, patience: u32) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = patience;
    poll_fn(move |context: &mut Context<'_>| {
        let polled = Pin::as_mut(&mut future).poll(context);
        match polled {
            Poll::Ready(it) => Poll::Ready(Some(it)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => {
                left -= 1;
                Poll::Pending
            }
        }
    })
    .await
}

#[tokio::test]
async fn cursors_are_written_along_with_a_commit_or_after_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let path = folder.path().join("muster.db");
    let look = Sqlite::open(&path, Access::ReadOnly).await.unwrap();
    store.set_cursor("graphite", 1).await.unwrap();
    assert_eq!(look.cursor("graphite").await.unwrap(), None);
    store.commit(&Batch::default()).await.unwrap();
    assert_eq!(look.cursor("graphite").await.unwrap(), Some(1));
    for value in 2..60 {
        store.set_cursor("graphite", value).await.unwrap();
        assert_eq!(store.cursor("graphite").await.unwrap(), Some(value));
        assert!(look.cursor("graphite").await.unwrap().is_some_and(|it| it > value - 24));
    }
    store.close().await.unwrap();
    assert_eq!(look.cursor("graphite").await.unwrap(), Some(59));
    let again = open(folder.path()).await;
    assert_eq!(again.cursor("graphite").await.unwrap(), Some(59));
}

async fn restored(backup: &Path, into: &Path) -> Result<(), StoreError> {
    Backup::open(backup)?.restore(into, Over::Nothing).await?.put_in_place().map(drop)
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    open(folder.path()).await.close().await.unwrap();
    let mut conn = files::maker(&path).await.unwrap();
    let known = schema::MIGRATIONS.len();
    let extra = ["CREATE TABLE extra (id INTEGER) STRICT"];
    let newer = [schema::MIGRATIONS, &extra].concat();
    schema::migrate(&mut conn, &newer, &path).await.unwrap();
    conn.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    for wrong in [
        restored(&path, &folder.path().join("restored.db")).await,
        Sqlite::open(&path, Access::ReadOnly).await.map(drop),
        Sqlite::open(&path, Access::ReadWrite).await.map(drop),
    ] {
        let wrong = wrong.unwrap_err();
        let want = format!("the store has schema {}, this muster knows up to {known}", known + 1);
        assert_eq!(wrong.to_string(), want);
    }
    assert!(!folder.path().join("restored.db").exists());
    // Only the engine's own count of versions in the header may move, when the mode of its log does.
    let after = std::fs::read(&path).unwrap();
    assert_eq!(before.get(100..), after.get(100..));
}
