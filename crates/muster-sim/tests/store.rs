//! The model store is a store: it passes the cases that every store has to pass.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use muster_sim::store::ModelStore;
use muster_store::conformance::{CASES, MADE_UP};

#[test]
fn the_model_store_passes_every_case() {
    let mut wrong = Vec::new();
    for (name, case) in CASES {
        let outcome = ready(case(&ModelStore::default()));
        wrong.extend(outcome.err().map(|it| format!("{name}: {it}")));
    }
    for (name, case) in MADE_UP {
        for seed in 0..20 {
            let outcome = ready(case(&ModelStore::default(), seed));
            wrong.extend(outcome.err().map(|it| format!("{name}, seed {seed}: {it}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Everything in a model store is ready at once.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(it) => it,
        Poll::Pending => panic!("the model store kept a case waiting"),
    }
}
