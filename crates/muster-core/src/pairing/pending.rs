//! Who paired and was not registered yet, and when patience with them ends.
//!
//! **Invariant:** everybody in here has a time at which they go, and is in here until they are
//! registered or really gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::identity::Mac;
use crate::time::{Now, Time};

use super::{Bond, Pending};

/// Everybody who waits for a name.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(BTreeMap<Mac, One>);

#[derive(Clone, Debug)]
struct One {
    pending: Pending,
    /// When to try to let go of it, on the monotonic clock.
    due: Duration,
    /// Whether it is being unpaired at the moment.
    leaving: bool,
}

impl Waiting {
    /// As many as may wait: a person registers them by hand.
    pub(super) const MOST: usize = 32;

    pub(super) fn has_room(&self) -> bool {
        self.0.len() < Self::MOST
    }

    /// Takes somebody in, for so long.
    pub(super) fn add(&mut self, bond: Bond, since: Time, left: Duration, now: Now) {
        let until = now.wall + left;
        let pending = Pending { bond, since, until, trouble: None };
        let one = One { due: now.mono + left, leaving: false, pending };
        self.0.insert(one.pending.bond.device, one);
    }

    /// Lets go of whoever is registered; who that was.
    pub(super) fn registered(&mut self, known: &BTreeSet<Mac>) -> Vec<Bond> {
        let gone = self.0.extract_if(.., |device, _| known.contains(device));
        gone.map(|(_, it)| it.pending.bond).collect()
    }

    /// Lets go of whoever is not paired any more.
    pub(super) fn keep_only(&mut self, paired: &BTreeSet<Mac>) {
        self.0.retain(|device, _| paired.contains(device));
    }

    pub(super) fn remove(&mut self, device: Mac) -> Option<Bond> {
        self.0.remove(&device).map(|it| it.pending.bond)
    }

    pub(super) fn name(&self, device: Mac) -> Option<&str> {
        self.0.get(&device).map(|it| &*it.pending.bond.name)
    }

    /// Whose time is over and who is not on the way out yet.
    pub(super) fn take_due(&mut self, now: Now) -> Vec<Mac> {
        let due = self.0.iter_mut().filter(|(_, it)| it.due <= now.mono && !it.leaving);
        due.map(|(device, it)| {
            it.leaving = true;
            *device
        })
        .collect()
    }

    /// Somebody is still paired though that should have ended: it is tried again after a while.
    pub(super) fn stays(&mut self, device: Mac, why: &str, now: Now) {
        if let Some(it) = self.0.get_mut(&device) {
            it.leaving = false;
            it.pending.trouble = Some(why.into());
            it.due = it.due.max(now.mono + AGAIN);
        }
    }

    /// Nobody answers any more for those who were on the way out.
    pub(super) fn interrupted(&mut self) {
        for it in self.0.values_mut() {
            it.leaving = false;
        }
    }

    /// When the next one's time is over.
    pub(super) fn due(&self) -> Option<Duration> {
        self.0.values().filter(|it| !it.leaving).map(|it| it.due).min()
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> Vec<Pending> {
        let mut all: Vec<_> = self.0.values().map(|it| it.pending.clone()).collect();
        all.sort_by_key(|it| (it.since, it.bond.device));
        all
    }
}

/// How soon it is tried again to let go of somebody.
const AGAIN: Duration = Duration::from_mins(1);
