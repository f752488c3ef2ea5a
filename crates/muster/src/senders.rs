//! The series sinks of this hub: one task each, beside the loop.

use std::sync::Arc;

use muster_core::ports::{Clock, Store};
use muster_core::series::SinkHealth;
use muster_core::snapshot::Snapshot;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::dispatch::{self, Sending, Wires};

/// What the sinks read.
pub(crate) struct Readings {
    /// Where the journal and the cursors are.
    pub(crate) store: Arc<dyn Store>,
    /// The picture of now.
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The id of the last stored change.
    pub(crate) committed: watch::Receiver<u64>,
    /// Where it is told that a sink begins or ends to get through.
    pub(crate) announcer: watch::Sender<u64>,
    /// The clocks.
    pub(crate) clock: Arc<dyn Clock>,
}

/// The running sinks.
pub(crate) struct Senders {
    stop: watch::Sender<bool>,
    health: Vec<watch::Receiver<SinkHealth>>,
    tasks: JoinSet<()>,
}

impl Senders {
    /// Starts every sink.
    pub(crate) fn start(all: Vec<Sending>, readings: &Readings) -> Self {
        let (stop, _) = watch::channel(false);
        let (mut tasks, mut shown) = (JoinSet::new(), Vec::new());
        for it in all {
            let mut stopped = stop.subscribe();
            let named = SinkHealth {
                name: it.name.to_owned(),
                target: it.target.clone(),
                ..SinkHealth::default()
            };
            let (health, seen) = watch::channel(named);
            tasks.spawn(announce(seen.clone(), readings.announcer.clone()));
            shown.push(seen);
            let wires = Wires {
                store: Arc::clone(&readings.store),
                snapshots: readings.snapshots.clone(),
                committed: readings.committed.clone(),
                clock: Arc::clone(&readings.clock),
                health,
            };
            tasks.spawn(async move {
                let stop = async move { drop(stopped.changed().await) };
                dispatch::series(it, wires, stop).await;
            });
        }
        Self { stop, health: shown, tasks }
    }

    /// How each of them is doing.
    pub(crate) fn health(&self) -> Vec<watch::Receiver<SinkHealth>> {
        self.health.clone()
    }

    /// Stops every sink and waits until its cursor is stored.
    pub(crate) async fn finish(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Runs as long as the sink does.
async fn announce(mut health: watch::Receiver<SinkHealth>, announcer: watch::Sender<u64>) {
    let mut told = health.borrow_and_update().state;
    while health.changed().await.is_ok() {
        let state = health.borrow_and_update().state;
        if state != told {
            told = state;
            announcer.send_modify(|_| {});
        }
    }
}
