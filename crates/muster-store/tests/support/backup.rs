//! Copies out while running, and in again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use futures_util::future::join;
use muster_core::ports::{Store as _, StoreError};
use muster_store::conformance::{self, Model, Scene};
use muster_store::sqlite::{Access, Sqlite};

use crate::{furnished, open};

#[tokio::test]
async fn a_backup_made_while_running_restores_to_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, other) = (folder.path().join("copy"), folder.path().join("other.db"));
    let store = open(folder.path()).await.unwrap();
    let mut scene = Scene::new(6);
    let mut moments = vec![Model::default()];
    let write = async {
        for _ in 0..60 {
            let batch = scene.batch();
            let mut model = moments.last().unwrap().clone();
            model.commit(&batch);
            store.commit(&batch).await.unwrap();
            moments.push(model);
        }
    };
    let (saved, ()) = join(store.backup(&copy), write).await;
    saved.unwrap();
    muster_store::restore(&copy, &other).await.unwrap();
    let again = Sqlite::open(&other, Access::ReadWrite).await.unwrap();
    let mut matching = 0;
    for model in &moments {
        matching += u32::from(conformance::agrees(&again, model).await.is_ok());
    }
    assert!(matching >= 1, "the copy is of no moment");
    let batch = scene.batch();
    again.commit(&batch).await.unwrap();
    conformance::agrees(&store, moments.last().unwrap()).await.unwrap();
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_is_left_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    furnished(folder.path(), 6, 4).await;
    let copy = folder.path().join("copy");
    let store = open(folder.path()).await.unwrap();
    fs::write(&copy, "mine").unwrap();
    let wrong = store.backup(&copy).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Refused { .. }), "{wrong}");
    assert_eq!(fs::read(&copy).unwrap(), b"mine");
    fs::remove_file(&copy).unwrap();
    let nowhere = folder.path().join("missing").join("copy");
    let wrong = store.backup(&nowhere).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Unavailable { .. }), "{wrong}");
    store.backup(&copy).await.unwrap();
    let wrong = muster_store::restore(&copy, &path).await.unwrap_err().to_string();
    assert!(wrong.contains("already in use by another muster"), "{wrong}");
    store.close().await.unwrap();
    let wrong = muster_store::restore(&copy, &path).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Refused { .. }), "{wrong}");
    let wrong = muster_store::restore(&nowhere, &path).await.unwrap_err().to_string();
    assert!(wrong.contains("there is no such backup"), "{wrong}");
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    for file in [&path, &copy] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(names, ["copy", "muster.db", "muster.lock"]);
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let model = furnished(folder.path(), 6, 30).await;
    let (copy, into) = (folder.path().join("copy"), folder.path().join("into.db"));
    let store = open(folder.path()).await.unwrap();
    store.backup(&copy).await.unwrap();
    let whole = fs::read(&copy).unwrap();
    let mut luck = Scene::new(3);
    let (mut refused, total) = (0, 40);
    for _ in 0..total {
        let mut bytes = whole.clone();
        let at = usize::try_from(luck.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1 << luck.below(8);
        fs::write(&copy, bytes).unwrap();
        match muster_store::restore(&copy, &into).await {
            Ok(()) => {
                let again = Sqlite::open(&into, Access::ReadOnly).await.unwrap();
                conformance::agrees(&again, &model).await.unwrap();
                again.close().await.unwrap();
                fs::remove_file(&into).unwrap();
            }
            Err(StoreError::Damaged { .. }) => {
                assert!(!into.exists());
                refused += 1;
            }
            Err(it) => panic!("byte {at}: {it}"),
        }
    }
    assert!(refused * 8 > total, "{refused} of {total} refused");
}
