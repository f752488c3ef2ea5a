//! Connections and servers that go away: nothing is lost, and no change is written twice.

use std::sync::Arc;

use muster_core::batch::Batch;
use muster_core::ports::StoreError;
use muster_store::Kept;
use muster_store::conformance::{self, Model, Scene};

use super::{Peer, end_sessions, open};

/// Commits until it is answered, whatever happens meanwhile.
async fn commit(store: &dyn Kept, batch: &Batch) -> u64 {
    loop {
        match store.commit(batch).await {
            Ok(last) => return last,
            Err(StoreError::Unavailable { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_the_middle_of_commits() {
    let mut server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    let mut scene = Scene::new(5);
    let mut model = Model::default();
    for round in 0..6 {
        let batches: Vec<Batch> = (0..40).map(|_| scene.batch()).collect();
        for batch in &batches {
            model.commit(batch);
        }
        let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let writing = tokio::spawn(write(Arc::clone(&store), batches, said));
        for _ in 0..=round * 4 {
            heard.recv().await.unwrap();
        }
        tokio::task::block_in_place(|| server.kill());
        // Somebody was refused, and goes on when the server is there again.
        while heard.recv().await.unwrap() {}
        tokio::task::block_in_place(|| server.start_again());
        writing.await.unwrap();
        conformance::agrees(&*store, &model).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_in_the_middle_of_commits() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    let mut scene = Scene::new(12);
    let mut model = Model::default();
    let batches: Vec<Batch> = (0..60).map(|_| scene.batch()).collect();
    for batch in &batches {
        model.commit(batch);
    }
    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let writing = tokio::spawn(write(Arc::clone(&store), batches, said));
    for _ in 0..7 {
        heard.recv().await.unwrap();
    }
    server.pause();
    // Longer than a lease lasts: somebody is refused, and goes on when the server does.
    while heard.recv().await.unwrap() {}
    let told = store.frontier().await.unwrap_err().to_string();
    assert!(told.contains("cannot be reached"), "{told}");
    server.go_on();
    writing.await.unwrap();
    conformance::agrees(&*store, &model).await.unwrap();
    let done = store.commit(&Batch::default()).await.unwrap();
    assert_eq!(done, model.commit(&Batch::default()));
}

/// Commits everything, each until it is answered, and says of each try whether it was.
async fn write(
    store: Arc<dyn Kept>,
    batches: Vec<Batch>,
    said: tokio::sync::mpsc::UnboundedSender<bool>,
) {
    for batch in &batches {
        loop {
            let is_answered = store.commit(batch).await.is_ok();
            said.send(is_answered).ok();
            if is_answered {
                break;
            }
        }
    }
}

#[tokio::test]
async fn sessions_that_are_ended_again_and_again() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    let mut scene = Scene::new(6);
    let mut model = Model::default();
    for round in 0..30 {
        let batch = scene.batch();
        if round % 3 == 0 {
            end_sessions(&server);
        }
        assert_eq!(commit(&*store, &batch).await, model.commit(&batch));
    }
    conformance::agrees(&*store, &model).await.unwrap();
}

#[tokio::test]
async fn who_stops_waiting_and_tries_again_doubles_nothing() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    let mut scene = Scene::new(2);
    let mut model = Model::default();
    let (mut given_up, mut answered) = (0, 0);
    for round in 0..120 {
        // Every other commit is left alone; how far the rest come is up to the server.
        let patience = if round % 2 == 0 { round / 2 % 12 } else { u32::MAX };
        let batch = scene.batch();
        let last = model.commit(&batch);
        // The session that was left has the lock until the server notices.
        if let Some(done) = give_up(store.commit(&batch), patience).await {
            assert_eq!(done.unwrap(), last);
            answered += 1;
        } else {
            assert_eq!(commit(&*store, &batch).await, last, "patience {patience}");
            given_up += 1;
        }
    }
    assert!(given_up > 5 && answered > 5, "{given_up} given up, {answered} answered");
    conformance::agrees(&*store, &model).await.unwrap();
}

/// Waits for a future until it has put off its answer more than `patience` times.
async fn give_up<F: Future>(future: F, patience: u32) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = patience;
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        std::task::Poll::Ready(it) => std::task::Poll::Ready(Some(it)),
        std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
        std::task::Poll::Pending => {
            left -= 1;
            std::task::Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn who_was_overtaken_writes_nothing_more() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    let mut scene = Scene::new(8);
    let first = scene.batch();
    store.commit(&first).await.unwrap();
    // As if another had come while this one was not there.
    server.say("home", "UPDATE lease SET epoch = epoch + 1, holder = 'another test'");
    let told = store.commit(&scene.batch()).await.unwrap_err();
    assert!(matches!(told, StoreError::Refused { .. }), "{told:?}");
    assert!(told.to_string().contains("another muster leads meanwhile (another test)"), "{told}");
    assert_eq!(store.overtaken().await, "another test");
    assert_eq!(store.frontier().await.unwrap(), first.frontier);
}
