//! Who may open a store, and what others are told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use muster_core::batch::Batch;
use muster_core::ports::{Before, Store as _, StoreError};
use muster_core::time::Time;
use muster_store::Access;
use muster_store::conformance::{self, Model, Scene};
use muster_store::sqlite::Sqlite;

use crate::{furnished, open};

#[tokio::test]
async fn one_writes_and_others_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    let writer = open(folder.path()).await.unwrap();
    let told = open(folder.path()).await.unwrap_err().to_string();
    let pid = std::process::id();
    assert_eq!(
        told,
        format!("the store is not available: already in use by another muster (pid {pid})")
    );
    let reader = Sqlite::open(&path, Access::ReadOnly).await.unwrap();
    let mut model = Model::default();
    let mut scene = Scene::new(2);
    for _ in 0..5 {
        let batch = scene.batch();
        model.commit(&batch);
        writer.commit(&batch).await.unwrap();
        conformance::agrees(&reader, &model).await.unwrap();
    }
    for refused in [
        reader.commit(&Batch::default()).await.map(drop),
        reader.set_cursor("graphite", 1).await,
        reader.forget(Before { facts: Some(Time::MAX), ..Before::default() }).await.map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    }
    writer.close().await.unwrap();
    let writer = open(folder.path()).await.unwrap();
    conformance::agrees(&writer, &model).await.unwrap();
}

#[tokio::test]
async fn others_cannot_hold_the_lock_and_whoever_does_is_not_mistaken() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("muster.lock");
    // As it may lie there: anybody's to open, by a process that is gone.
    fs::write(&lock, format!("{}\n", u32::MAX)).unwrap();
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
    let other = fs::File::open(&lock).unwrap();
    other.lock_shared().unwrap();
    let told = open(folder.path()).await.unwrap_err().to_string();
    assert!(told.contains("held by another program") && told.contains("is gone"), "{told}");
    other.unlock().unwrap();
    for _ in 0..2 {
        open(folder.path()).await.unwrap().close().await.unwrap();
        assert_eq!(fs::metadata(&lock).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&lock).unwrap();
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    // Nobody, not even root, makes files here.
    let locked = Path::new("/sys/kernel");
    for (folder, access, words) in [
        (missing.as_path(), Access::ReadWrite, "there is no such folder: "),
        (locked, Access::ReadWrite, "the folder is read-only: /sys/kernel"),
        (missing.as_path(), Access::ReadOnly, "there is no store yet: "),
        (locked, Access::ReadOnly, "there is no store yet: /sys/kernel/muster.db"),
    ] {
        let wrong = Sqlite::open(&folder.join("muster.db"), access).await.unwrap_err();
        let StoreError::Unavailable { what, .. } = &wrong else { panic!("{wrong:?}") };
        assert!(what.starts_with(words), "{what}");
    }
}

#[tokio::test]
async fn a_store_in_a_read_only_folder_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let model = furnished(folder.path(), 8, 5).await;
    let _mounted = super::disk::Mounted::tmpfs(folder.path(), Some("muster.db"));
    let store = Sqlite::open(&folder.path().join("muster.db"), Access::ReadOnly).await.unwrap();
    conformance::agrees(&store, &model).await.unwrap();
    store.close().await.unwrap();
    let refused = open(folder.path()).await.unwrap_err().to_string();
    assert!(refused.contains("the folder is read-only: "), "{refused}");
}
