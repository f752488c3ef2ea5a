//! Files taken away, or damaged, while the store is open: nothing is acknowledged that will not be
//! found again.

use std::fs;
use std::path::Path;

use muster_core::batch::Batch;
use muster_core::ports::{Before, Store as _, StoreError};
use muster_core::time::Time;
use muster_store::conformance::{self, Model, Scene};
use muster_store::sqlite::Sqlite;

use crate::{furnished, open};

#[tokio::test]
async fn without_its_folder_nothing_is_taken_until_it_is_back() {
    let parent = tempfile::tempdir().unwrap();
    let [folder, elsewhere] = ["data", "elsewhere"].map(|it| parent.path().join(it));
    fs::create_dir(&folder).unwrap();
    let store = open(&folder).await.unwrap();
    let mut scene = Scene::new(21);
    let mut model = Model::default();
    let first = scene.batch();
    assert_eq!(store.commit(&first).await.unwrap(), model.commit(&first));
    let second = scene.batch();

    fs::rename(&folder, &elsewhere).unwrap();
    refuses(&store, &second, "is gone").await;
    store.restore(Time::MIN).await.unwrap_err();
    fs::create_dir(&folder).unwrap();
    refuses(&store, &second, "is gone").await;
    // Another store in its place is not written to either.
    open(&folder).await.unwrap().close().await.unwrap();
    refuses(&store, &second, "has another in its place").await;
    fs::remove_dir_all(&folder).unwrap();

    fs::rename(&elsewhere, &folder).unwrap();
    assert_eq!(store.commit(&second).await.unwrap(), model.commit(&second));
    conformance::agrees(&store, &model).await.unwrap();
    store.close().await.unwrap();
    conformance::agrees(&open(&folder).await.unwrap(), &model).await.unwrap();
}

#[tokio::test]
async fn each_file_that_is_removed_is_missed() {
    for name in ["muster.db", "muster.db-wal", "muster.db-shm"] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await.unwrap();
        let mut scene = Scene::new(22);
        let mut model = Model::default();
        for _ in 0..3 {
            let batch = scene.batch();
            assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch));
        }
        fs::remove_file(folder.path().join(name)).unwrap();
        refuses(&store, &scene.batch(), &format!("{name} is gone")).await;
        store.close().await.unwrap_err();
        if name != "muster.db" {
            // What was acknowledged goes from the open log into the file when the store is closed.
            conformance::agrees(&open(folder.path()).await.unwrap(), &model).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_that_is_cut_short_where_it_lies_is_missed() {
    for part in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await.unwrap();
        let mut scene = Scene::new(24);
        let mut moments = vec![Model::default()];
        for _ in 0..6 {
            let (batch, mut model) = (scene.batch(), moments.last().unwrap().clone());
            assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch));
            moments.push(model);
        }
        let log = folder.path().join("muster.db-wal");
        let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length * part / 4).unwrap();
        for _ in 0..2 {
            refuses(&store, &scene.batch(), "muster.db-wal is shorter than it was").await;
        }
        store.close().await.unwrap_err();
        // What is left of it is a moment that there was. (A copy: this process has it open still.)
        let left = tempfile::tempdir().unwrap();
        for name in ["muster.db", "muster.db-wal"] {
            fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
        }
        let again = open(left.path()).await.unwrap();
        again.verify().await.unwrap();
        let mut matching = 0;
        for model in &moments {
            matching += u32::from(conformance::agrees(&again, model).await.is_ok());
        }
        assert_eq!(matching, 1, "{part} of 4 parts left");
    }
}

#[tokio::test]
async fn a_log_that_folds_itself_again_and_again_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let mut scene = Scene::new(25);
    let mut model = Model::default();
    for round in 0..200 {
        let batch = scene.batch();
        assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch), "round {round}");
        if round % 50 == 0 {
            store.forget(NOTHING).await.unwrap();
        }
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_store_that_met_damage_takes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    furnished(folder.path(), 23, 40).await;
    let store = open(folder.path()).await.unwrap();
    let path = folder.path().join("muster.db");
    store.commit(&Batch::default()).await.unwrap();
    damage(&path);
    let read = store.restore(Time::MIN).await.unwrap_err();
    assert!(matches!(read, StoreError::Damaged { .. }), "{read:?}");
    for refused in
        [store.commit(&Batch::default()).await.map(drop), store.forget(NOTHING).await.map(drop)]
    {
        let StoreError::Damaged { what, .. } = refused.unwrap_err() else { panic!("not damaged") };
        assert!(what.contains("muster restore"), "{what}");
    }
}

/// Writes over all pages but the first ones, as a failing disk does.
fn damage(path: &Path) {
    use std::os::unix::fs::FileExt as _;
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    file.write_all_at(&vec![0xa5; length - 4096], 4096).unwrap();
}

async fn refuses(store: &Sqlite, batch: &Batch, words: &str) {
    for refused in [store.commit(batch).await.map(drop), store.forget(NOTHING).await.map(drop)] {
        let StoreError::Unavailable { what, .. } = refused.unwrap_err() else { panic!("{words}") };
        assert!(what.contains(words) && what.contains("stop muster"), "{what}");
    }
}

/// Takes no row, but asks the file.
const NOTHING: Before = Before { facts: Some(Time::MIN), readings: None, journal: None };
