//! The engine: facts, edits and time in; stays, changes and the next deadline out.
//!
//! It keeps the facts at hand in a book, asks [`judge`](crate::judge) and
//! [`people`](crate::people) again wherever something new could change their answer, and writes
//! down the difference. It decides nothing by itself.
//!
//! **Invariant:** after all is judged, the stays are what `judge` says of the whole book; a
//! deadline that was handled does not come back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::batch::{Batch, HOUR, Restored};
use crate::change::Change;
use crate::directory::{Directory, Edit, EditError};
use crate::fact::{Fact, Listener};
use crate::identity::{DeviceId, ListenerId, PersonId, PlaceId};
use crate::policy::Policy;
use crate::stay::{Stay, StayId};
use crate::time::{Now, Time};

use crate::book::Book;
use devices::Devices;
use person::PersonState;

mod device;
mod devices;
mod edits;
mod history;
mod intake;
mod listeners;
mod person;
mod record;
mod restore;
#[cfg(test)]
mod tests;
mod trim;
mod view;
mod why;

/// Judges everything.
#[derive(Debug)]
pub struct Engine {
    policy: Policy,
    book: Book,
    directory: Directory,
    devices: Devices,
    people: BTreeMap<PersonId, PersonState>,
    listeners: BTreeMap<ListenerId, listeners::ListenerState>,
    /// Facts before this time are known, but no longer judged.
    floor: Time,
    /// When it went on after a pause; [`Time::MIN`] when there was none.
    resumed: Time,
    now: Now,
    /// The wall time up to which has been judged.
    frontier: Time,
    /// Devices to be judged before anybody is answered.
    urgent: BTreeSet<DeviceId>,
    /// Devices whose stays went on; judged before they are stored.
    lazy: BTreeSet<DeviceId>,
    /// When coverage reaches this time, the device may have left.
    due: BTreeSet<(Time, DeviceId)>,
    /// Coverage that reaches this time may judge the device's last gap otherwise.
    unsettled: BTreeSet<(Time, DeviceId)>,
    /// When civil time alone may change the device.
    timers: BTreeSet<(Time, DeviceId)>,
    /// People to be judged.
    voters: BTreeSet<PersonId>,
    /// Facts older than what is at hand.
    parked: Vec<Fact>,
    /// Something reaches further back than what is at hand: from when on facts are needed.
    deeper: Option<Time>,
    /// What of that is asked for because people's stays began then.
    starts: Option<Time>,
    /// Conflicts that were told: (device, later site, since).
    told_conflicts: BTreeSet<(DeviceId, PlaceId, Time)>,
    outbox: Outbox,
    last_stay: u64,
    last_change: u64,
}

/// What is decided and not stored.
#[derive(Debug, Default)]
struct Outbox {
    stays: BTreeMap<StayId, Stay>,
    gone: BTreeSet<StayId>,
    directory: bool,
    changes: Vec<Change>,
}

/// What became of the facts that were handed in.
#[derive(Debug, Default, PartialEq)]
pub struct Intake {
    /// How many were taken.
    pub accepted: u64,
    /// What was refused, and why.
    pub refused: Vec<Refusal>,
}

/// A fact that was refused.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    /// The fact.
    pub fact: Fact,
    /// Why, in plain words.
    pub why: String,
}

/// When to call `handle_timeout`, on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// [`Now::mono`] at which it is due.
    pub mono: Duration,
    /// What will be decided then.
    pub why: &'static str,
}

/// Why an edit was refused; nothing was changed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EditRefused {
    /// Somebody else edited in the meantime.
    #[error("the directory has changed meanwhile: it is at version {version}")]
    Stale {
        /// The version now.
        version: u64,
    },
    /// It makes no sense.
    #[error(transparent)]
    Wrong(#[from] EditError),
}

impl Engine {
    /// The time from which facts must be at hand.
    #[must_use]
    pub fn since(policy: &Policy, wall: Time) -> Time {
        (wall - policy.memory).floor(HOUR)
    }

    /// Merges facts and judges what they change.
    pub fn handle_facts(&mut self, facts: Vec<Fact>, now: Now) -> Intake {
        self.pass(now);
        let intake = self.take_in(facts);
        self.settle();
        intake
    }

    /// Changes the directory. With `expect` it is refused if that is not its version, and so is what
    /// is dated further ahead than facts may be.
    pub fn handle_edit(
        &mut self,
        edit: Edit,
        expect: Option<u64>,
        now: Now,
    ) -> Result<u64, EditRefused> {
        self.pass(now);
        let version = self.directory.version;
        if expect.is_some_and(|it| it != version) {
            return Err(EditRefused::Stale { version });
        }
        edit.check(now.wall + self.policy.future)?;
        self.edit(edit)?;
        self.settle();
        Ok(self.directory.version)
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Now) {
        self.pass(now);
        self.settle();
    }

    /// When time alone will change something, if ever.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let device = self.timers.first().map(|(at, _)| (*at, "a device's silence"));
        let listener = self.next_dark().map(|at| (at, "a listener's silence"));
        let set = self.next_expiry().map(|at| (at, "something set by hand ends"));
        let (at, why) = [device, listener, set].into_iter().flatten().min()?;
        Some(Deadline { mono: self.now.mono + at.since(self.now.wall), why })
    }

    /// Whether there is anything to store, and whether it is news that should not wait.
    #[must_use]
    pub fn wants_commit(&self) -> (bool, bool) {
        let it = &self.outbox;
        let news = !it.changes.is_empty() || it.directory;
        let state = !it.stays.is_empty() || !it.gone.is_empty() || !self.lazy.is_empty();
        (news || state || self.book.is_dirty(), news)
    }

    /// Everything that is not stored, for one commit.
    pub fn drain(&mut self) -> Batch {
        self.urgent.append(&mut self.lazy);
        self.settle();
        let outbox = std::mem::take(&mut self.outbox);
        let mut batch = Batch {
            stays: outbox.stays.into_values().collect(),
            gone: outbox.gone.into_iter().collect(),
            directory: outbox.directory.then(|| self.directory.clone()),
            changes: outbox.changes,
            frontier: self.frontier,
            ..Batch::default()
        };
        self.book.drain(&mut batch);
        self.trim();
        batch
    }

    /// Takes note of the journal's last id.
    pub fn handle_committed(&mut self, last_change: u64) {
        self.last_change = last_change;
    }

    /// The wall time up to which has been judged.
    #[must_use]
    pub fn frontier(&self) -> Time {
        self.frontier
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// All listeners that facts ever named.
    pub fn listeners(&self) -> impl Iterator<Item = &Listener> {
        self.book.listeners().map(|(_, it)| &it.listener)
    }

    /// The stays at hand, of all subjects: for comparison with a reference.
    pub fn stays(&self) -> impl Iterator<Item = &Stay> {
        let devices = self.devices.iter().flat_map(|(_, it)| it.stays.iter().map(|it| &it.stay));
        devices.chain(self.people.values().flat_map(|it| it.stays.iter()))
    }

    /// Lets civil time pass up to now.
    fn pass(&mut self, now: Now) {
        self.now = now;
        let before = self.frontier;
        self.frontier = before.max(now.wall);
        while let Some((at, id)) = self.timers.first().copied()
            && at <= self.frontier
        {
            self.timers.remove(&(at, id));
            self.retry(id);
        }
        self.listen();
        let expired =
            |it: &crate::directory::Override| before < it.until && it.until <= self.frontier;
        let all = self.directory.overrides.iter();
        let expired = all.filter(|(_, sets)| sets.iter().any(expired)).map(|(id, _)| *id);
        self.voters.extend(expired.collect::<Vec<_>>());
    }

    /// Judges everything that could have changed.
    fn settle(&mut self) {
        while let Some(id) = self.urgent.pop_first() {
            self.lazy.remove(&id);
            self.judge_device(id);
        }
        while let Some(id) = self.voters.pop_first() {
            self.judge_person(id);
        }
    }

    fn next_expiry(&self) -> Option<Time> {
        let sets = self.directory.overrides.values().flatten();
        sets.map(|it| it.until).filter(|it| *it > self.frontier).min()
    }

    fn next_stay(&mut self) -> StayId {
        self.last_stay += 1;
        StayId(self.last_stay)
    }

    fn tell(&mut self, mut change: Change) {
        change.decided = self.frontier;
        self.outbox.changes.push(change);
    }
}

/// Rebuilds an engine from what a store gives back.
impl Engine {
    /// An engine that goes on where the store ends.
    #[must_use]
    pub fn new(policy: Policy, restored: Restored, now: Now) -> Self {
        restore::engine(policy, restored, now, None)
    }

    /// Goes on with more history at hand; nothing may be waiting to be stored.
    pub fn handle_restored(&mut self, restored: Restored, now: Now) -> Intake {
        let parked = std::mem::take(&mut self.parked);
        let resumed = Some(self.resumed);
        let told = std::mem::take(&mut self.told_conflicts);
        let rejudged = self.deeper != self.starts;
        *self = restore::engine(self.policy.clone(), restored, now, resumed);
        self.told_conflicts.extend(told);
        if rejudged {
            self.reach_starts();
        }
        self.handle_facts(parked, now)
    }
}
