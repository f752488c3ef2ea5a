//! A process that is killed in the middle of commits leaves a journal that is a prefix.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use muster_core::ports::Store as _;
use muster_core::time::Time;
use muster_store::Access;
use muster_store::conformance::{self, Model, Scene};
use muster_store::sqlite::Sqlite;

use super::child;
use crate::open;

#[tokio::test]
async fn killed_in_the_middle_of_commits() {
    if let Some(folder) = child::told() {
        return write_until_killed(&folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut luck = Scene::new(7);
    let mut answered = 0;
    for _ in 0..12 {
        let mut child =
            child::start("support::crash::killed_in_the_middle_of_commits", folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..=luck.below(12) {
            let line = lines.find(|it| it.as_ref().unwrap().starts_with(COMMITTED)).unwrap();
            let number = line.unwrap().strip_prefix(COMMITTED).unwrap().parse().unwrap();
            answered = answered.max(number);
        }
        let read = Sqlite::open(&folder.path().join("muster.db"), Access::ReadOnly).await.unwrap();
        let seen = read.restore(Time::MAX).await.unwrap().frontier;
        assert!(seen >= Time::from_micros(answered), "{seen:?} {answered}");
        let refused = open(folder.path()).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "the store is not available: already in use by another muster (pid {})",
                child.id()
            )
        );
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some(number) = line.strip_prefix(COMMITTED) {
                answered = answered.max(number.parse().unwrap());
            }
        }
        drop(read);
        is_a_prefix(folder.path(), answered).await;
    }
}

/// What is stored is everything up to some commit, and no answered one is missing.
async fn is_a_prefix(folder: &Path, answered: i64) {
    let look = Sqlite::open(&folder.join("muster.db"), Access::ReadOnly).await.unwrap();
    let seen = look.restore(Time::MAX).await.unwrap().frontier.micros();
    assert!(seen >= answered, "{seen} {answered}");
    look.close().await.unwrap();
    let store = open(folder).await.unwrap();
    let stored = store.restore(Time::MAX).await.unwrap().frontier.micros();
    assert!(stored >= answered, "{stored} {answered}");
    let mut scene = Scene::new(SEED);
    let mut model = Model::default();
    for number in 1..=stored {
        let mut batch = scene.batch();
        batch.frontier = Time::from_micros(number);
        model.commit(&batch);
    }
    conformance::agrees(&store, &model).await.unwrap();
    store.verify().await.unwrap();
    store.close().await.unwrap();
}

/// Writes one batch after the other, the frontier being its number, and says which are answered.
async fn write_until_killed(folder: &Path) {
    let store = open(folder).await.unwrap();
    let mut number = store.restore(Time::MAX).await.unwrap().frontier.micros();
    let mut scene = Scene::new(SEED);
    (0..number).for_each(|_| drop(scene.batch()));
    loop {
        number += 1;
        let mut batch = scene.batch();
        batch.frontier = Time::from_micros(number);
        store.commit(&batch).await.unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "{COMMITTED}{number}").unwrap();
        out.flush().unwrap();
    }
}

const SEED: u64 = 3;
const COMMITTED: &str = "committed ";
