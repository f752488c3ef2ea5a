//! The store in a file, put through every case and every fault.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "the helpers of tests are tests")]

use std::path::Path;

use muster_core::ports::{Store, StoreError};
use muster_core::time::Time;
use muster_store::Access;
use muster_store::conformance::{self, CASES, MADE_UP, Model, Scene};
use muster_store::sqlite::Sqlite;

mod support;

#[path = "server/panels.rs"]
mod panels;

#[tokio::test]
async fn every_case() {
    for (name, case) in CASES {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await.unwrap();
        if let Err(it) = case(&store).await {
            panic!("{name}: {it}");
        }
        store.verify().await.unwrap();
    }
}

#[tokio::test]
async fn every_made_up_case() {
    for (name, case) in MADE_UP {
        for seed in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let store = open(folder.path()).await.unwrap();
            if let Err(it) = case(&store, seed).await {
                panic!("{name}, seed {seed}: {it}");
            }
            store.verify().await.unwrap();
            store.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(11);
    let mut model = Model::default();
    for round in 0..12 {
        let store = open(folder.path()).await.unwrap();
        conformance::agrees(&store, &model).await.unwrap();
        for _ in 0..5 {
            let batch = scene.batch();
            assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch));
        }
        // In good order, or dropped as a panic would.
        if round % 2 == 0 {
            store.close().await.unwrap();
        }
    }
}

async fn open(folder: &Path) -> Result<Sqlite, StoreError> {
    Sqlite::open(&folder.join("muster.db"), Access::ReadWrite).await
}

/// A store with a made-up history, closed, and what is in it.
async fn furnished(folder: &Path, seed: u64, batches: usize) -> Model {
    let store = open(folder).await.unwrap();
    let mut scene = Scene::new(seed);
    let mut model = Model::default();
    for _ in 0..batches {
        let batch = scene.batch();
        model.commit(&batch);
        store.commit(&batch).await.unwrap();
    }
    store.restore(Time::MIN).await.unwrap();
    store.close().await.unwrap();
    model
}
