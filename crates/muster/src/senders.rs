//! The series sinks of this hub: one task each, beside the loop.

use std::sync::Arc;
use std::time::Duration;

use muster_core::ports::{Clock, SeriesSink, Store};
use muster_core::series::SinkHealth;
use muster_core::snapshot::Snapshot;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::dispatch::{self, Wires};

/// A sink, and how it wants to be driven.
pub(crate) struct Sending {
    /// The name under which its cursor is kept.
    pub(crate) name: &'static str,
    /// The sink.
    pub(crate) sink: Box<dyn SeriesSink>,
    /// Its cadence.
    pub(crate) every: Duration,
    /// How far back an outage is made good.
    pub(crate) backfill: Duration,
}

/// What the sinks read.
pub(crate) struct Readings {
    /// Where the journal and the cursors are.
    pub(crate) store: Arc<dyn Store>,
    /// The picture of now.
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The id of the last stored change.
    pub(crate) committed: watch::Receiver<u64>,
    /// The clocks.
    pub(crate) clock: Arc<dyn Clock>,
}

/// The running sinks.
pub(crate) struct Senders {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Senders {
    /// Starts every sink.
    pub(crate) fn start(all: Vec<Sending>, readings: &Readings) -> Self {
        let (stop, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for it in all {
            let mut stopped = stop.subscribe();
            let wires = Wires {
                store: Arc::clone(&readings.store),
                snapshots: readings.snapshots.clone(),
                committed: readings.committed.clone(),
                clock: Arc::clone(&readings.clock),
                health: watch::Sender::new(SinkHealth::default()),
            };
            tasks.spawn(async move {
                let stop = async move { drop(stopped.changed().await) };
                dispatch::series(it.name, it.sink, it.every, it.backfill, wires, stop).await;
            });
        }
        Self { stop, tasks }
    }

    /// Stops every sink and waits until its cursor is stored.
    pub(crate) async fn finish(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}
