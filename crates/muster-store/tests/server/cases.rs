//! The cases that every store has to pass, on a server.

use muster_core::batch::Batch;
use muster_core::ports::{Before, StoreError};
use muster_core::time::Time;
use muster_store::conformance::{self, CASES, MADE_UP, Model, Scene};

use super::{Peer, look, open};

#[tokio::test]
async fn every_case() {
    let server = Peer::start();
    for (number, (name, case)) in CASES.iter().enumerate() {
        let database = format!("case_{number}");
        server.make(&database);
        let store = open(&server, &database).await.unwrap();
        if let Err(it) = case(&*store).await {
            panic!("{name}: {it}");
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn every_made_up_case() {
    let server = Peer::start();
    for (number, (name, case)) in MADE_UP.iter().enumerate() {
        for seed in 0..3 {
            let database = format!("case_{number}_{seed}");
            server.make(&database);
            let store = open(&server, &database).await.unwrap();
            if let Err(it) = case(&*store, seed).await {
                panic!("{name}, seed {seed}: {it}");
            }
            store.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let server = Peer::start();
    server.make("home");
    let mut scene = Scene::new(11);
    let mut model = Model::default();
    for _ in 0..5 {
        let store = open(&server, "home").await.unwrap();
        conformance::agrees(&*store, &model).await.unwrap();
        for _ in 0..5 {
            let batch = scene.batch();
            assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch));
        }
        let look = look(&server, "home").await.unwrap();
        conformance::agrees(&*look, &model).await.unwrap();
        for refused in [
            look.commit(&Batch::default()).await.map(drop),
            look.set_cursor("graphite", 1).await,
            look.forget(Before { facts: Some(Time::MAX), ..Before::default() }).await.map(drop),
        ] {
            assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
        }
        look.close().await.unwrap();
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn cursors_are_written_along_with_a_commit_or_when_the_store_is_closed() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    let look = look(&server, "home").await.unwrap();
    store.set_cursor("graphite", 1).await.unwrap();
    assert_eq!(look.cursor("graphite").await.unwrap(), None);
    store.commit(&Batch::default()).await.unwrap();
    assert_eq!(look.cursor("graphite").await.unwrap(), Some(1));
    store.set_cursor("graphite", 2).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(look.cursor("graphite").await.unwrap(), Some(2));
}
