//! Files that were damaged: the answer is right or says so, and nothing panics.

use std::fs;
use std::path::Path;

use muster_core::batch::Batch;
use muster_core::ports::{Store as _, StoreError};
use muster_core::time::Time;
use muster_store::Access;
use muster_store::conformance::{self, Broken, Model, Scene};
use muster_store::sqlite::Sqlite;

use crate::{furnished, open};

#[tokio::test]
async fn a_flipped_bit_is_noticed_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let model = furnished(folder.path(), 5, 12).await;
    let whole = fs::read(folder.path().join("muster.db")).unwrap();
    let mut luck = Scene::new(1);
    let header = (0..100_u64).step_by(2).map(|at| (at + at / 2 % 2, at % 7));
    let pages = whole.len() as u64 / 2048;
    let heads: Vec<_> =
        (0..pages).map(|page| (page * 2048 + luck.below(12), luck.below(8))).collect();
    let anywhere: Vec<_> =
        (0..70).map(|_| (luck.below(whole.len() as u64), luck.below(8))).collect();
    let (mut noticed, mut total) = (0, 0);
    for (at, bit) in header.chain(heads).chain(anywhere) {
        let mut bytes = whole.clone();
        bytes[usize::try_from(at).unwrap()] ^= 1 << bit;
        let place = format!("bit {bit} of byte {at}");
        noticed += u32::from(looks(&bytes, &model, &place).await == Look::Noticed);
        total += 1;
    }
    // Free space and padding are most of so small a file.
    assert!(noticed * 5 > total, "{noticed} of {total} noticed");
}

#[tokio::test]
async fn a_truncated_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let model = furnished(folder.path(), 5, 12).await;
    let whole = fs::read(folder.path().join("muster.db")).unwrap();
    for left in [0, 1, 15, 99, 100, 512, 2047, 2048, 2049, whole.len() / 2, whole.len() - 2048] {
        let place = format!("{left} bytes left");
        assert_eq!(looks(&whole[..left], &model, &place).await, Look::Noticed, "{place}");
    }
}

#[tokio::test]
async fn what_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = furnished(folder.path(), 5, 3).await;
    let whole = fs::read(folder.path().join("muster.db")).unwrap();
    let mut headless = whole.clone();
    headless[..16].fill(b'x');
    let text = "Dear diary, today nobody was here.\n".repeat(200).into_bytes();
    for (bytes, place) in [(text, "text"), (vec![0; 8192], "zeros"), (headless, "no header")] {
        assert_eq!(looks(&bytes, &model, place).await, Look::Noticed, "{place}");
    }
}

#[tokio::test]
async fn a_log_without_its_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("muster.db-wal"), "left behind").unwrap();
    let wrong = open(folder.path()).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Damaged { .. }), "{wrong}");
    assert!(!folder.path().join("muster.db").exists());
}

#[tokio::test]
async fn a_damaged_log_counts_up_to_the_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let mut scene = Scene::new(12);
    let mut moments = vec![Model::default()];
    for number in 1..=8 {
        let batch = Batch { frontier: Time::from_micros(number), ..scene.batch() };
        let mut model = moments.last().unwrap().clone();
        model.commit(&batch);
        store.commit(&batch).await.unwrap();
        moments.push(model);
    }
    // As they lie after a power cut: nobody has folded the log.
    let [file, log] =
        ["muster.db", "muster.db-wal"].map(|it| fs::read(folder.path().join(it)).unwrap());
    let mut luck = Scene::new(13);
    let mut shorter = 0;
    for _ in 0..40 {
        let other = tempfile::tempdir().unwrap();
        let mut log = log.clone();
        let at = usize::try_from(luck.below(log.len() as u64)).unwrap();
        log[at] ^= 1 << luck.below(8);
        fs::write(other.path().join("muster.db"), &file).unwrap();
        fs::write(other.path().join("muster.db-wal"), log).unwrap();
        let store = open(other.path()).await.unwrap();
        let stored = store.restore(Time::MAX).await.unwrap().frontier.micros();
        shorter += u32::from(stored < 8);
        let model = &moments[usize::try_from(stored).unwrap()];
        conformance::agrees(&store, model).await.unwrap();
        store.verify().await.unwrap();
    }
    assert!(shorter > 20, "{shorter} of 40");
}

#[derive(Debug, PartialEq, Eq)]
enum Look {
    Noticed,
    Harmless,
}

/// Puts the bytes where a store would be and asks it everything.
async fn looks(bytes: &[u8], model: &Model, place: &str) -> Look {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("muster.db"), bytes).unwrap();
    writes(folder.path(), place).await;
    fs::write(folder.path().join("muster.db"), bytes).unwrap();
    let path = folder.path().join("muster.db");
    let store = match Sqlite::open(&path, Access::ReadOnly).await {
        Ok(it) => it,
        Err(StoreError::Damaged { .. }) => return Look::Noticed,
        Err(it) => panic!("{place}: {it}"),
    };
    let verified = store.verify().await;
    if let Err(it) = &verified {
        assert!(matches!(it, StoreError::Damaged { .. }), "{place}: {it:?}");
    }
    let look = match conformance::agrees(&store, model).await {
        Ok(()) => Look::Harmless,
        Err(Broken::Failed(StoreError::Damaged { .. })) => Look::Noticed,
        Err(Broken::Failed(it)) => panic!("{place}: {it}"),
        // Rows may be hidden by a damaged page, which only reading all pages can tell.
        Err(Broken::Differs { .. }) if verified.is_err() => Look::Noticed,
        Err(it @ Broken::Differs { .. }) => panic!("{place}: {it}"),
    };
    store.close().await.unwrap();
    look
}

/// Whoever goes on writing gets an answer too.
async fn writes(folder: &Path, place: &str) {
    match open(folder).await {
        Ok(store) => {
            let batch = Scene::new(99).batch();
            if let Err(it) = store.commit(&batch).await {
                assert!(!matches!(it, StoreError::Newer { .. }), "{place}: {it}");
            }
            drop(store.restore(Time::MIN).await);
            drop(store.close().await);
        }
        Err(it) => assert!(!matches!(it, StoreError::Newer { .. }), "{place}: {it}"),
    }
    for suffix in ["muster.db-wal", "muster.db-shm", "muster.db-journal"] {
        drop(fs::remove_file(folder.join(suffix)));
    }
}
