//! Copies out while running, and in again.

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use futures_util::future::{join, poll_fn};
use muster_core::ports::{Store as _, StoreError};
use muster_store::Access;
use muster_store::conformance::{self, Model, Scene};
use muster_store::sqlite::{Backup, Over, Sqlite};

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
    restore(&copy, &other).await.unwrap();
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
    let wrong = restore(&copy, &path).await.unwrap_err().to_string();
    assert!(wrong.contains("already in use by another muster"), "{wrong}");
    store.close().await.unwrap();
    let wrong = restore(&copy, &path).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Refused { .. }), "{wrong}");
    let wrong = restore(&nowhere, &path).await.unwrap_err().to_string();
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
async fn only_the_owner_sees_a_backup_and_no_file_of_theirs_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    furnished(folder.path(), 6, 30).await;
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let copy = out.join("copy");
    let mine = ["copy.unfinished", "copy.unfinished-wal", "copy-journal"];
    for name in mine {
        fs::write(out.join(name), "mine").unwrap();
    }
    let store = open(folder.path()).await.unwrap();
    let mut seen = 0;
    let saved = beside(store.backup(&copy), || {
        for file in copies(&out) {
            let mode = |it: &Path| fs::metadata(it).map_or(0, |it| it.permissions().mode());
            let is_open = |it: &Path| mode(it) & 0o077 != 0;
            assert!(!is_open(&file) || !is_open(file.parent().unwrap()), "{}", file.display());
            seen += 1;
        }
    });
    saved.await.unwrap();
    assert!(seen > 0, "nobody looked while it was written");
    for name in mine {
        assert_eq!(fs::read(out.join(name)).unwrap(), b"mine", "{name}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), mine.len() + 1, "nothing is left over");
}

#[tokio::test]
async fn a_copy_that_does_not_come_out_whole_is_the_copys_trouble_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let mut model = furnished(folder.path(), 6, 40).await;
    let store = open(folder.path()).await.unwrap();
    let copy = out.path().join("copy");
    let spoil = || {
        for file in copies(out.path()) {
            let length = fs::metadata(&file).map_or(0, |it| it.len());
            if let Ok(file) = fs::OpenOptions::new().write(true).open(&file) {
                let rest = usize::try_from(length).unwrap().saturating_sub(4096);
                file.write_all_at(&vec![0xa5; rest], 4096).unwrap();
            }
        }
    };
    let wrong = beside(store.backup(&copy), spoil).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Unavailable { .. }), "{wrong}");
    assert!(!copy.exists());
    let batch = Scene::new(9).batch();
    assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch));
    store.backup(&copy).await.unwrap();
}

/// Waits for a future, and does something whenever it lets go of the thread.
async fn beside<F: Future>(future: F, mut work: impl FnMut()) -> F::Output {
    let mut future = Box::pin(future);
    poll_fn(move |context| {
        let polled = future.as_mut().poll(context);
        work();
        polled
    })
    .await
}

/// The files in a folder, and in those in it, that are being written to and have no name yet.
fn copies(folder: &Path) -> Vec<PathBuf> {
    let inside = |it: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(it).into_iter().flatten();
        entries.map_while(Result::ok).map(|it| it.path()).collect()
    };
    let (folders, mut files): (Vec<_>, Vec<_>) =
        inside(folder).into_iter().partition(|it| it.is_dir());
    files.extend(folders.iter().flat_map(|it| inside(it)));
    files.retain(|it| it.extension().is_none_or(|it| it == "unfinished"));
    files.retain(|it| fs::read(it).is_ok_and(|it| it.starts_with(b"SQLite")));
    files
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
        match restore(&copy, &into).await {
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

#[tokio::test]
async fn a_restore_that_was_interrupted_is_ended_by_whoever_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let old = furnished(folder.path(), 6, 4).await;
    let at = |name: &str| folder.path().join(name);
    let store = open(folder.path()).await.unwrap();
    store.backup(&at("copy")).await.unwrap();
    let mut newer = old.clone();
    let batch = Scene::new(7).batch();
    newer.commit(&batch);
    store.commit(&batch).await.unwrap();
    // As a power cut leaves it: the last commit is in the log alone.
    for name in ["muster.db", "muster.db-wal"] {
        fs::copy(at(name), at(&format!("saved-{name}"))).unwrap();
    }
    store.close().await.unwrap();
    for moved in 0..3 {
        for it in ["muster.db", "muster.db-wal"] {
            fs::copy(at(&format!("saved-{it}")), at(it)).unwrap();
        }
        fs::copy(at("copy"), at("muster.restoring")).unwrap();
        let moves = [
            ("muster.db", "muster.before-restore"),
            ("muster.db-wal", "muster.before-restore-wal"),
        ];
        for (from, to) in &moves[..moved] {
            fs::rename(at(from), at(to)).unwrap();
        }
        let again = open(folder.path()).await.unwrap();
        conformance::agrees(&again, &old).await.unwrap();
        again.close().await.unwrap();
        assert!(!at("muster.restoring").exists());
        let kept = Sqlite::open(&at("muster.before-restore"), Access::ReadWrite).await.unwrap();
        conformance::agrees(&kept, &newer).await.unwrap();
        kept.close().await.unwrap();
    }
    fs::remove_file(at("muster.db")).unwrap();
    let wrong = open(folder.path()).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Damaged { .. }), "{wrong}");
    assert!(wrong.to_string().contains("muster.before-restore"), "{wrong}");
    assert!(!at("muster.db").exists(), "no empty store takes its place");
}

async fn restore(copy: &Path, into: &Path) -> Result<(), StoreError> {
    let ready = Backup::open(copy)?.restore(into, Over::Nothing).await?;
    ready.put_in_place().map(drop)
}
