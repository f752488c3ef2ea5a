//! Publishes the picture of now, and the interest that goes with it, to whoever looks.
//!
//! Decides only how often. **Invariant:** the picture is published before the id of the change
//! that is in it, and never takes more than a tenth of the loop's time.

use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::SourceKind;
use muster_core::ports::Clock;
use muster_core::snapshot::{Interest, Snapshot};
use muster_core::step::Step;
use muster_core::time::Now;
use tokio::sync::watch;

use crate::runtime::CLOCK_NOT_SET;

/// The publishing end.
#[derive(Debug)]
pub(crate) struct Picture {
    clock: Arc<dyn Clock>,
    simulated: bool,
    /// Whether nothing is stored until the machine's clock is set.
    pub(crate) waits_for_clock: bool,
    snapshot: watch::Sender<Arc<Snapshot>>,
    committed: watch::Sender<u64>,
    wanted: Vec<Wanted>,
    /// No sooner than this on the monotonic clock, unless something was stored.
    not_before: Duration,
    /// When a picture that had to wait is shown.
    due: Option<Duration>,
}

#[derive(Debug)]
struct Wanted {
    monitor: Box<str>,
    source: SourceKind,
    to: watch::Sender<Arc<[Interest]>>,
}

impl Picture {
    /// A picture that shows nothing yet.
    pub(crate) fn new(clock: Arc<dyn Clock>, simulated: bool) -> Self {
        Self {
            clock,
            simulated,
            waits_for_clock: false,
            snapshot: watch::Sender::default(),
            committed: watch::Sender::default(),
            wanted: Vec::new(),
            not_before: Duration::ZERO,
            due: None,
        }
    }

    /// Where the picture can be seen.
    pub(crate) fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.subscribe()
    }

    /// Where the id of the last stored change is told; again when only the picture changed.
    pub(crate) fn committed(&self) -> watch::Receiver<u64> {
        self.committed.subscribe()
    }

    /// For whoever shows something beside the picture: tells it again, with the same id.
    pub(crate) fn announcer(&self) -> watch::Sender<u64> {
        self.committed.clone()
    }

    /// Where a source learns whom to look for.
    pub(crate) fn interest(
        &mut self,
        monitor: &str,
        source: SourceKind,
    ) -> watch::Receiver<Arc<[Interest]>> {
        let (to, interest) = watch::channel(Arc::from([]));
        self.wanted.push(Wanted { monitor: monitor.into(), source, to });
        interest
    }

    /// Shows what is new, at once or as soon as the last picture is old enough.
    pub(crate) fn refresh(&mut self, step: &Step, now: Now) {
        if now.mono >= self.not_before {
            self.publish(step, now);
        } else {
            self.due = Some(self.not_before);
        }
    }

    /// Shows what is new, at once.
    pub(crate) fn publish(&mut self, step: &Step, now: Now) {
        let mut new = step.snapshot(now);
        new.simulated |= self.simulated;
        if self.waits_for_clock {
            new.degraded.get_or_insert_with(|| CLOCK_NOT_SET.into());
        }
        let last_change = new.last_change;
        let changed = self.snapshot.send_if_modified(|old| {
            let changed = !same(old, &new);
            *old = Arc::new(new);
            changed
        });
        if changed || *self.committed.borrow() != last_change {
            self.committed.send_replace(last_change);
        }
        for Wanted { monitor, source, to } in &self.wanted {
            let wanted = step.interest(monitor, *source, now);
            to.send_if_modified(|old| {
                let changed = **old != *wanted;
                if changed {
                    *old = wanted.into();
                }
                changed
            });
        }
        let took = self.clock.now().since(now);
        self.not_before = now.mono + PACE.max(took * SHARE);
        self.due = None;
    }

    /// When a picture that had to wait must be shown, on the monotonic clock.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.due
    }
}

/// Whether two pictures show the same but for when they were taken.
fn same(old: &Snapshot, new: &Snapshot) -> bool {
    let Snapshot {
        at: _,
        last_change,
        simulated,
        degraded,
        directory,
        people,
        devices,
        listeners,
        monitors,
    } = new;
    *last_change == old.last_change
        && *simulated == old.simulated
        && *degraded == old.degraded
        && *people == old.people
        && *devices == old.devices
        && *listeners == old.listeners
        && *monitors == old.monitors
        && *directory == old.directory
}

/// Nobody reads faster; a change that was stored does not wait for it.
const PACE: Duration = Duration::from_millis(100);
/// The loop keeps nine parts of its time for facts.
const SHARE: u32 = 10;
