//! The rows, and how a batch changes them: replaced by key; first and last sightings and readings are
//! merged, for a hub does not remember old ones.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muster_core::batch::{Batch, HOUR, LevelRow, MonitorRow, Reading, ReceivedRanges, Seen};
use muster_core::change::{Change, ChangeKind};
use muster_core::directory::Directory;
use muster_core::fact::{DetailKind, Listener, Outcome};
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId};
use muster_core::ports::Before;
use muster_core::reading::{Names, is_better, keep_winners};
use muster_core::span::Span;
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;
use muster_core::uplink::BootId;

/// Everything that is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Identities by number.
    pub identities: BTreeMap<IdentityId, Identity>,
    /// Listeners by number.
    pub listeners: BTreeMap<ListenerId, Listener>,
    /// First and last sightings.
    pub seen: BTreeMap<IdentityId, Seen>,
    /// Heard spans by identity, listener and hour.
    pub heard: BTreeMap<(IdentityId, ListenerId, Time), Vec<Span>>,
    /// Coverage by listener and hour.
    pub coverage: BTreeMap<(ListenerId, Time), Vec<Span>>,
    /// Probes by identity, listener and hour.
    pub probes: BTreeMap<(IdentityId, ListenerId, Time), Vec<(Time, Outcome)>>,
    /// Levels.
    pub levels: BTreeSet<LevelRow>,
    /// Details by identity, kind and value.
    pub details: BTreeMap<(IdentityId, DetailKind, Box<str>), Time>,
    /// Readings by interval, length, identity and listener.
    pub readings: BTreeMap<(Time, Duration, IdentityId, ListenerId), Reading>,
    /// Winners by interval, length and identity.
    pub winners: BTreeMap<(Time, Duration, IdentityId), Reading>,
    /// Stays by number.
    pub stays: BTreeMap<StayId, Stay>,
    /// The highest number ever given to a stay.
    pub last_stay: StayId,
    /// The directory.
    pub directory: Directory,
    /// The journal by number.
    pub changes: BTreeMap<u64, Change>,
    /// The last state-bearing change of every subject.
    pub last: BTreeMap<Subject, Change>,
    /// The highest number ever given to a change.
    pub last_change: u64,
    /// What was received of monitors.
    pub received: BTreeMap<(Box<str>, BootId), ReceivedRanges>,
    /// The last signs of life of far monitors.
    pub monitors: BTreeMap<Box<str>, MonitorRow>,
    /// Up to when has been judged.
    pub frontier: Time,
}

impl Tables {
    /// Writes a batch; the number of the last change.
    pub(super) fn write(&mut self, batch: &Batch) -> u64 {
        self.identities.extend(batch.identities.iter().cloned());
        self.listeners.extend(batch.listeners.iter().cloned());
        for it in &batch.seen {
            let seen = self.seen.entry(it.identity).or_insert(*it);
            seen.first = seen.first.min(it.first);
            seen.last = seen.last.max(it.last);
        }
        for it in &batch.heard {
            self.heard.insert((it.identity, it.listener, it.hour), it.spans.clone());
        }
        for it in &batch.coverage {
            self.coverage.insert((it.listener, it.hour), it.spans.clone());
        }
        for it in &batch.probes {
            self.probes.insert((it.identity, it.listener, it.hour), it.outcomes.clone());
        }
        self.levels.extend(batch.levels.iter().copied());
        self.details.retain(|it, _| !batch.details.iter().any(|new| new.identity == it.0));
        for it in &batch.details {
            self.details.insert((it.identity, it.kind, it.value.clone()), it.at);
        }
        self.merge(&batch.readings);
        for it in &batch.stays {
            self.last_stay = self.last_stay.max(it.id);
            self.stays.insert(it.id, it.clone());
        }
        for it in &batch.gone {
            self.last_stay = self.last_stay.max(*it);
            self.stays.remove(it);
        }
        if let Some(directory) = &batch.directory {
            self.directory = directory.clone();
        }
        for change in &batch.changes {
            self.last_change += 1;
            let change = Change { id: self.last_change, ..change.clone() };
            if let Some(subject) = change.subject.filter(|_| change.kind.bears_state()) {
                self.last.insert(subject, change.clone());
            }
            self.changes.insert(change.id, change);
        }
        for it in &batch.unreceived {
            self.received.remove(it);
        }
        self.monitors.extend(batch.monitors.iter().map(|it| (it.monitor.clone(), it.clone())));
        for it in &batch.received {
            self.received.insert((it.monitor.clone(), it.boot), it.clone());
        }
        self.frontier = batch.frontier;
        self.last_change
    }

    fn merge(&mut self, readings: &[Reading]) {
        let listeners: Vec<_> =
            self.listeners.iter().map(|(id, listener)| (*id, listener.clone())).collect();
        let names = Names::of(&listeners);
        for it in readings {
            let key = (it.interval, it.length, it.identity);
            let best = self.readings.entry((key.0, key.1, key.2, it.listener)).or_insert(*it);
            if is_better(it, best) {
                *best = *it;
            }
            let mut rivals = self.winners.get(&key).copied().into_iter().chain([*it]).collect();
            keep_winners(&mut rivals, &names);
            self.winners.extend(rivals.into_iter().map(|winner| (key, winner)));
        }
    }

    /// Deletes what is older; how many rows went.
    pub(super) fn forget(&mut self, before: Before) -> u64 {
        let rows = self.rows();
        let old = |hour: Time| before.facts.is_some_and(|it| hour + HOUR <= it);
        self.heard.retain(|(_, _, hour), _| !old(*hour));
        self.coverage.retain(|(_, hour), _| !old(*hour));
        self.probes.retain(|(_, _, hour), _| !old(*hour));
        if let Some(at) = before.facts {
            self.levels.retain(|it| it.at >= at);
            self.received.retain(|_, it| it.at >= at);
            self.readings.retain(|_, it| it.interval + it.length > at);
        }
        if let Some(at) = before.readings {
            self.winners.retain(|(interval, ..), _| interval.floor(HOUR) + HOUR > at);
        }
        if let Some(at) = before.journal {
            self.stays.retain(|_, it| it.ended == Ended::Open || it.last >= at);
        }
        for id in before.facts.map(|it| self.unspoken_of(it)).unwrap_or_default() {
            self.let_go(id, before.journal);
        }
        if let Some(at) = before.journal {
            let in_force = self.states_at(at);
            let kept: BTreeSet<u64> =
                in_force.iter().chain(self.last.values()).map(|it| it.id).collect();
            self.changes.retain(|id, it| it.decided >= at || kept.contains(id));
        }
        (rows - self.rows()) as u64
    }

    /// Identities of which there was no sign since, and that nothing kept speaks of; never the
    /// highest number, from which the next is counted.
    fn unspoken_of(&self, since: Time) -> Vec<IdentityId> {
        let mut signs: BTreeMap<IdentityId, Time> =
            self.seen.iter().map(|(id, it)| (*id, it.last)).collect();
        for ((id, ..), at) in &self.details {
            let newest = signs.entry(*id).or_insert(*at);
            *newest = (*newest).max(*at);
        }
        let mut named: BTreeSet<DeviceId> = self.directory.devices.keys().copied().collect();
        named.extend(self.directory.groups.keys().map(|it| it.own_device()));
        named.extend(self.directory.groups.values());
        for stay in self.stays.values() {
            if let Subject::Device(device) = stay.subject {
                named.insert(device);
            }
        }
        named.extend(self.identities.last_key_value().map(|(id, _)| id.own_device()));
        let old = self.identities.keys().filter(|id| signs.get(id).is_some_and(|it| *it < since));
        old.filter(|id| !named.contains(&id.own_device())).copied().collect()
    }

    fn let_go(&mut self, id: IdentityId, journal_before: Option<Time>) {
        self.identities.remove(&id);
        self.seen.remove(&id);
        self.details.retain(|(it, ..), _| *it != id);
        let subject = Subject::Device(id.own_device());
        if let Some(last) = self.last.get(&subject)
            && last.kind == ChangeKind::Left
            && journal_before.is_some_and(|it| last.decided < it)
        {
            self.last.remove(&subject);
        }
    }

    /// The last state-bearing change of every subject decided at or before `at`, by subject.
    pub(super) fn states_at(&self, at: Time) -> Vec<Change> {
        let mut last: BTreeMap<Subject, &Change> = BTreeMap::new();
        for change in self.changes.values().filter(|it| it.decided <= at && it.kind.bears_state()) {
            let Some(subject) = change.subject.filter(|it| self.last.contains_key(it)) else {
                continue;
            };
            let held = last.entry(subject).or_insert(change);
            if held.decided <= change.decided {
                *held = change;
            }
        }
        last.into_values().cloned().collect()
    }

    fn rows(&self) -> usize {
        self.identities.len()
            + self.heard.len()
            + self.coverage.len()
            + self.probes.len()
            + self.levels.len()
            + self.received.len()
            + self.readings.len()
            + self.winners.len()
            + self.changes.len()
            + self.stays.len()
    }
}
