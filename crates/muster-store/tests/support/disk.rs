//! A real full disk, which needs root. (A limit on the number of pages stands for it without: see
//! the tests of the adapter itself.)

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use muster_core::ports::{Store as _, StoreError};
use muster_store::conformance::{self, Model, Scene};

use crate::open;

#[tokio::test]
async fn a_full_disk_takes_nothing_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let _mounted = Mounted::tmpfs(folder.path(), None);
    let store = open(folder.path()).await.unwrap();
    let mut scene = Scene::new(4);
    let mut model = Model::default();
    let ballast = folder.path().join("ballast");
    for kib in [400, 200, 100] {
        fs::write(&ballast, vec![0; kib * 1024]).unwrap();
        let refused = loop {
            let batch = scene.batch();
            match store.commit(&batch).await {
                Ok(last) => assert_eq!(last, model.commit(&batch)),
                Err(it) => break (batch, it),
            }
        };
        let (batch, wrong) = refused;
        let StoreError::Unavailable { what, .. } = &wrong else { panic!("{wrong:?}") };
        assert!(what.contains("disk"), "{what}");
        conformance::agrees(&store, &model).await.unwrap();
        store.commit(&batch).await.unwrap_err();
        fs::remove_file(&ballast).unwrap();
        assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch));
        conformance::agrees(&store, &model).await.unwrap();
    }
    store.verify().await.unwrap();
    store.close().await.unwrap();
}

/// A small disk over a folder, gone when dropped.
pub(super) struct Mounted(PathBuf);

impl Mounted {
    /// One MiB. With the name of a file: one that holds only that, and cannot be written.
    pub(super) fn tmpfs(folder: &Path, kept: Option<&str>) -> Self {
        let kept = kept.map(|name| (folder.join(name), fs::read(folder.join(name)).unwrap()));
        let small = mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], folder);
        assert!(small, "only root can mount a small disk for this test");
        let mounted = Self(folder.to_owned());
        if let Some((file, bytes)) = kept {
            fs::write(file, bytes).unwrap();
            assert!(mount(&["-o", "remount,ro"], folder));
        }
        mounted
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn mount(options: &[&str], folder: &Path) -> bool {
    let done = Command::new("mount").args(options).arg(folder).output();
    done.is_ok_and(|it| it.status.success())
}
