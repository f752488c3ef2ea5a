//! Keeps one source running: pulls its reports, passes its facts on, hands it new interest, and
//! opens it again when it failed.
//!
//! Decides only about retrying. **Invariant:** a source that stops hearing is shown as not hearing
//! from that moment; one that cannot work on this machine is said so once and left alone.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use muster_core::broadcast::Broadcast;
use muster_core::fact::{Fact, Listener, SourceKind};
use muster_core::ports::{BoxError, ChannelStatus, Clock, Inability, Report, Source, SourceError};
use muster_core::snapshot::Interest;
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

/// How a source is opened, and whose it is.
pub(crate) struct Plan {
    /// The monitor that it belongs to.
    pub(crate) monitor: Box<str>,
    /// Its medium.
    pub(crate) kind: SourceKind,
    /// What people call it; its medium's word if it has no other name.
    pub(crate) name: &'static str,
    /// Opens it.
    pub(crate) open: Opener,
}

/// Opens a source, as often as it takes.
pub(crate) type Opener = Box<dyn FnMut() -> Result<Box<dyn Source>, SourceError> + Send>;

/// What sources bring, in the words of whoever takes it.
pub(crate) trait Heard: Send + 'static {
    /// What a source noticed.
    fn facts(facts: Vec<Fact>) -> Self;
    /// What was sent by those whom facts are about; none where nobody looks at it.
    fn broadcasts(all: Vec<Broadcast>) -> Option<Self>
    where
        Self: Sized;
}

/// What a supervised source is connected to.
pub(crate) struct Wires<T> {
    /// Where its facts go.
    pub(crate) inputs: mpsc::Sender<T>,
    /// Whom the engine would like it to look for.
    pub(crate) interest: watch::Receiver<Arc<[Interest]>>,
    /// Where what it hears is shown.
    pub(crate) channels: Channels,
    /// The clocks.
    pub(crate) clock: Arc<dyn Clock>,
    /// How long to wait before opening it again.
    pub(crate) backoff: Backoff,
}

/// Runs a source until its recording ends, it turns out unusable, or nobody takes its facts.
pub(crate) async fn supervise<T: Heard>(mut plan: Plan, mut wires: Wires<T>) {
    let (mut tries, mut lost) = (0, false);
    loop {
        let began = wires.clock.now();
        let ended = attempt(&mut plan, &mut wires, &mut lost).await;
        match &ended {
            Ok(End::Finished) => return,
            Ok(End::Closed) => return debug!(source = %plan.name, "nobody takes facts any more"),
            Err(it @ SourceError::Unusable { .. }) => {
                wires.channels.silence(&plan, it);
                return warn!(source = %plan.name, "{}", chain(it));
            }
            Err(it @ SourceError::Lost { .. }) => {
                wires.channels.silence(&plan, it);
                warn!(source = %plan.name, "{}", chain(it));
                lost = true;
            }
        }
        let now = wires.clock.now();
        tries = if now.since(began) >= RECOVERED { 1 } else { tries + 1 };
        let pause = wires.backoff.pause(tries, now.mono.subsec_nanos());
        info!(source = %plan.name, "opening it again in {:.1} s", pause.as_secs_f32());
        tokio::time::sleep(pause).await;
    }
}

enum End {
    Finished,
    Closed,
}

/// `lost`: whether the log tells of a loss, and nothing yet of its end.
async fn attempt<T: Heard>(
    plan: &mut Plan,
    wires: &mut Wires<T>,
    lost: &mut bool,
) -> Result<End, SourceError> {
    let running = AssertUnwindSafe(async {
        let source = (plan.open)()?;
        let owner = (plan.monitor.clone(), plan.name);
        pull(source, &owner, wires, lost).await
    });
    // A source is one room of the house: its panic is its loss, not everybody's.
    running.catch_unwind().await.unwrap_or_else(|_| {
        let cause = BoxError::from("a defect in it, reported above");
        Err(SourceError::Lost { what: format!("the {} source", plan.name), cause })
    })
}

async fn pull<T: Heard>(
    mut source: Box<dyn Source>,
    owner: &Owner,
    wires: &mut Wires<T>,
    lost: &mut bool,
) -> Result<End, SourceError> {
    let wanted = Arc::clone(&wires.interest.borrow_and_update());
    source.set_interest(&wanted);
    loop {
        let report = tokio::select! {
            report = source.next() => report?,
            Ok(()) = wires.interest.changed() => {
                let wanted = Arc::clone(&wires.interest.borrow_and_update());
                source.set_interest(&wanted);
                continue;
            }
        };
        let hears = match &report {
            Report::Facts(_) | Report::Broadcasts(_) => true,
            Report::Channel(status) => status.hears,
            Report::End => false,
        };
        if hears && std::mem::take(lost) {
            warn!(source = %owner.1, "hears again");
        }
        match report {
            Report::Facts(facts) => {
                if wires.inputs.send(T::facts(facts)).await.is_err() {
                    return Ok(End::Closed);
                }
            }
            Report::Broadcasts(all) => {
                if let Some(it) = T::broadcasts(all)
                    && wires.inputs.send(it).await.is_err()
                {
                    return Ok(End::Closed);
                }
            }
            Report::Channel(status) => wires.channels.set(owner, status),
            Report::End => return Ok(End::Finished),
        }
    }
}

/// What every channel hears and cannot hear, as last reported.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channels(Arc<Shared>);

/// Whose source a channel belongs to, and what that is called: its listener may be another monitor that the
/// source hears of.
type Owner = (Box<str>, &'static str);

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<BTreeMap<Listener, (Owner, ChannelStatus)>>,
    version: watch::Sender<u64>,
}

impl Channels {
    /// All of them, in order.
    pub(crate) fn all(&self) -> Vec<ChannelStatus> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().map(|(_, status)| status.clone()).collect()
    }

    /// All of them, in order, each with what its source is called.
    pub(crate) fn named(&self) -> Vec<(&'static str, ChannelStatus)> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().map(|((_, name), status)| (*name, status.clone())).collect()
    }

    /// Wakes when one of them changed.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }

    fn set(&self, owner: &Owner, status: ChannelStatus) {
        self.update(|known| {
            known.insert(status.listener.clone(), (owner.clone(), status));
        });
    }

    /// Every channel of a source that stopped hears nothing; one that never had any gets one.
    fn silence(&self, plan: &Plan, why: &SourceError) {
        let (SourceError::Lost { what, .. } | SourceError::Unusable { what, .. }) = why;
        let cannot = Inability { what: format!("use {what}"), why: cause(why), hint: None };
        let owner = (plan.monitor.clone(), plan.name);
        self.update(|known| {
            if !known.values().any(|(it, _)| *it == owner) {
                let listener = Listener::new(&plan.monitor, plan.kind, "");
                let (hears, can, cannot) = (false, Vec::new(), Vec::new());
                let status = ChannelStatus { listener: listener.clone(), hears, can, cannot };
                known.insert(listener, (owner.clone(), status));
            }
            for (_, status) in known.values_mut().filter(|(it, _)| *it == owner) {
                status.hears = false;
                status.can.clear();
                status.cannot = vec![cannot.clone()];
            }
        });
    }

    fn update(&self, how: impl FnOnce(&mut BTreeMap<Listener, (Owner, ChannelStatus)>)) {
        how(&mut self.0.known.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.version.send_modify(|it| *it += 1);
    }
}

/// How long to wait before opening a source again: doubled with each failure, and spread, so that
/// sources which failed together do not come back together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// The first pause.
    pub(crate) first: Duration,
    /// The longest pause.
    pub(crate) longest: Duration,
}

impl Backoff {
    /// A cable pulled out and put back takes about a second; a person who repaired something does
    /// not wait longer than half a minute for it to be noticed.
    pub(crate) const STANDARD: Self =
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

    fn pause(self, tries: u32, noise: u32) -> Duration {
        let doublings = tries.saturating_sub(1).min(10);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        let half = whole / 2;
        half + half.mul_f64(f64::from(noise % 1_000) / 1_000.0)
    }
}

fn chain(error: &SourceError) -> String {
    format!("{error}: {}", cause(error))
}

fn cause(error: &SourceError) -> String {
    let mut parts = Vec::new();
    let mut at = std::error::Error::source(error);
    while let Some(it) = at {
        parts.push(it.to_string());
        at = it.source();
    }
    parts.join(": ")
}

/// A source that ran so long had recovered: its next failure is a first one.
const RECOVERED: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
