//! A store of maps and loops: what the real ones are compared with. Slow and plain on purpose.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use muster_core::batch::{
    Batch, CoverageHour, DetailRow, HOUR, HeardHour, History, LevelRow, MonitorRow, ProbeHour,
    Reading, ReceivedRanges, Restored, Seen,
};
use muster_core::change::{Change, ChangeKind};
use muster_core::directory::Directory;
use muster_core::fact::Listener;
use muster_core::identity::{Identity, IdentityId, ListenerId};
use muster_core::ports::{Before, ReadingQuery, StayQuery, StaysOf};
use muster_core::reading::WinnerHour;
use muster_core::span::Span;
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;
use muster_core::uplink::BootId;

use readings::Readings;

mod readings;

/// What a store should hold.
#[derive(Clone, Debug, Default)]
pub struct Model {
    identities: BTreeMap<IdentityId, Identity>,
    listeners: BTreeMap<ListenerId, Listener>,
    seen: BTreeMap<IdentityId, Seen>,
    details: Vec<DetailRow>,
    heard: BTreeMap<(Time, IdentityId, ListenerId), HeardHour>,
    coverage: BTreeMap<(Time, ListenerId), CoverageHour>,
    probes: BTreeMap<(Time, IdentityId, ListenerId), ProbeHour>,
    levels: BTreeSet<LevelRow>,
    received: BTreeMap<(Box<str>, BootId), ReceivedRanges>,
    monitors: BTreeMap<Box<str>, MonitorRow>,
    readings: Readings,
    stays: BTreeMap<StayId, Stay>,
    directory: Directory,
    journal: Vec<Change>,
    last: BTreeMap<Subject, Change>,
    last_stay: StayId,
    last_change: u64,
    frontier: Time,
}

impl Model {
    /// Takes a batch; the id of the last change.
    pub fn commit(&mut self, batch: &Batch) -> u64 {
        self.identities.extend(batch.identities.iter().cloned());
        self.listeners.extend(batch.listeners.iter().cloned());
        for new in &batch.seen {
            let it = self.seen.entry(new.identity).or_insert(*new);
            it.first = it.first.min(new.first);
            it.last = it.last.max(new.last);
        }
        self.heard
            .extend(batch.heard.iter().map(|it| ((it.hour, it.identity, it.listener), it.clone())));
        self.coverage.extend(batch.coverage.iter().map(|it| ((it.hour, it.listener), it.clone())));
        self.probes.extend(
            batch.probes.iter().map(|it| ((it.hour, it.identity, it.listener), it.clone())),
        );
        self.levels.extend(batch.levels.iter().copied());
        for it in &batch.unreceived {
            self.received.remove(it);
        }
        self.monitors.extend(batch.monitors.iter().map(|it| (it.monitor.clone(), it.clone())));
        for it in &batch.received {
            self.received.insert((it.monitor.clone(), it.boot), it.clone());
        }
        for it in &batch.details {
            self.details.retain(|row| row.identity != it.identity);
        }
        self.details.extend(batch.details.iter().cloned());
        let listeners = &self.listeners;
        self.readings.take(&batch.readings, |id| listeners.get(&id));
        for it in &batch.stays {
            self.last_stay = self.last_stay.max(it.id);
            self.stays.insert(it.id, it.clone());
        }
        for id in &batch.gone {
            self.last_stay = self.last_stay.max(*id);
            self.stays.remove(id);
        }
        if let Some(it) = &batch.directory {
            self.directory = it.clone();
        }
        for change in &batch.changes {
            self.last_change += 1;
            let change = Change { id: self.last_change, ..change.clone() };
            if let Some(subject) = change.subject.filter(|_| change.kind.bears_state()) {
                self.last.insert(subject, change.clone());
            }
            self.journal.push(change);
        }
        self.frontier = batch.frontier;
        self.last_change
    }

    /// See [`Store::restore`](muster_core::ports::Store::restore).
    pub fn restore(&self, since: Time) -> Restored {
        let later = |it: &Stay, other: &Stay| {
            let follows = other.from > it.from && other.from < since;
            (it.subject, it.site) == (other.subject, other.site) && follows
        };
        let told = |it: &Stay| match it.subject {
            Subject::Device(_) => it.ended == Ended::Assumed,
            Subject::Person(id) => {
                self.directory.people.contains_key(&id) && it.site == Directory::FIRST_SITE
            }
        };
        let dangling = |it: &Stay| {
            told(it) && it.from < since && !self.stays.values().any(|other| later(it, other))
        };
        let going_on = |it: &&Stay| it.ended == Ended::Open || it.last >= since || dangling(it);
        Restored {
            since,
            directory: self.directory.clone(),
            identities: self.identities.clone().into_iter().collect(),
            listeners: self.listeners.clone().into_iter().collect(),
            seen: self.seen.values().copied().collect(),
            details: self.details.clone(),
            facts: self.history(&[], Span::new(since, Time::MAX)),
            stays: self.stays.values().filter(going_on).cloned().collect(),
            states: self.last.values().cloned().collect(),
            last_stay: self.last_stay,
            last_change: self.last_change,
            received: self.received.values().cloned().collect(),
            monitors: self.monitors.values().cloned().collect(),
            frontier: self.frontier,
        }
    }

    /// See [`Store::history`](muster_core::ports::Store::history).
    pub fn history(&self, identities: &[IdentityId], window: Span) -> History {
        let wanted = |id: IdentityId| identities.is_empty() || identities.contains(&id);
        let within =
            |at: Time| Span::new(at.floor(HOUR), at.floor(HOUR) + HOUR).intersect(window).is_some();
        let heard = self.heard.values().filter(|it| within(it.hour) && wanted(it.identity));
        let probes = self.probes.values().filter(|it| within(it.hour) && wanted(it.identity));
        let levels = self.levels.iter().filter(|it| within(it.at) && wanted(it.identity));
        History {
            heard: heard.cloned().collect(),
            coverage: self.coverage(window),
            probes: probes.cloned().collect(),
            levels: levels.copied().collect(),
        }
    }

    /// See [`Store::coverage`](muster_core::ports::Store::coverage).
    pub fn coverage(&self, window: Span) -> Vec<CoverageHour> {
        let within = |it: &&CoverageHour| Span::new(it.hour, it.hour + HOUR).intersect(window);
        self.coverage.values().filter(|it| within(it).is_some()).cloned().collect()
    }

    /// See [`Store::readings`](muster_core::ports::Store::readings).
    pub fn readings(&self, query: &ReadingQuery) -> Vec<Reading> {
        self.readings.found(query)
    }

    /// See [`Store::winner_hours`](muster_core::ports::Store::winner_hours).
    pub fn winner_hours(&self, window: Span) -> Vec<WinnerHour> {
        self.readings.hours(window)
    }

    /// See [`Store::changes_after`](muster_core::ports::Store::changes_after).
    pub fn changes_after(&self, after: u64, limit: u32) -> Vec<Change> {
        self.journal.iter().filter(|it| it.id > after).take(limit as usize).cloned().collect()
    }

    /// See [`Store::changes_within`](muster_core::ports::Store::changes_within).
    pub fn changes_within(
        &self,
        window: Span,
        subject: Option<Subject>,
        limit: u32,
    ) -> Vec<Change> {
        let mut found = self.journal.clone();
        found.retain(|it| {
            window.contains(it.decided) && (subject.is_none() || it.subject == subject)
        });
        found.sort_by_key(|it| Reverse((it.decided, it.id)));
        found.truncate(limit as usize);
        found
    }

    /// See [`Store::states_at`](muster_core::ports::Store::states_at).
    pub fn states_at(&self, at: Time) -> Vec<Change> {
        let mut found: BTreeMap<Subject, &Change> = BTreeMap::new();
        for change in self.journal.iter().filter(|it| it.kind.bears_state() && it.decided <= at) {
            let Some(subject) = change.subject else { continue };
            if !self.last.contains_key(&subject) {
                continue;
            }
            match found.get(&subject) {
                Some(it) if it.decided > change.decided => {}
                Some(_) | None => {
                    found.insert(subject, change);
                }
            }
        }
        found.into_values().cloned().collect()
    }

    /// See [`Store::stays`](muster_core::ports::Store::stays).
    pub fn stays(&self, query: &StayQuery) -> Vec<Stay> {
        let mut found: Vec<Stay> = self.stays.values().cloned().collect();
        found.retain(|it| {
            let of = match query.of {
                StaysOf::People => matches!(it.subject, Subject::Person(_)),
                StaysOf::Devices => matches!(it.subject, Subject::Device(_)),
                StaysOf::Both => true,
            };
            of && (query.subject.is_none() || query.subject == Some(it.subject))
                && (query.site.is_none() || query.site == Some(it.site))
                && !query.window.is_empty()
                && it.from < query.window.to
                && (it.ended == Ended::Open || it.last >= query.window.from)
        });
        found.sort_by_key(|it| (it.from, it.id));
        found.truncate(query.limit as usize);
        found
    }

    /// See [`Store::forget`](muster_core::ports::Store::forget).
    pub fn forget(&mut self, before: Before) -> u64 {
        let rows = self.rows();
        self.readings.forget(before);
        if let Some(limit) = before.facts {
            self.heard.retain(|(hour, ..), _| *hour + HOUR > limit);
            self.coverage.retain(|(hour, _), _| *hour + HOUR > limit);
            self.probes.retain(|(hour, ..), _| *hour + HOUR > limit);
            self.levels.retain(|it| it.at >= limit);
            self.received.retain(|_, it| it.at >= limit);
        }
        if let Some(limit) = before.journal {
            self.stays.retain(|_, it| it.ended == Ended::Open || it.last >= limit);
        }
        if let Some(limit) = before.facts {
            self.forget_identities(limit, before.journal.unwrap_or(Time::MIN));
        }
        if let Some(limit) = before.journal {
            let in_force: BTreeSet<u64> = self.states_at(limit).iter().map(|it| it.id).collect();
            let last: BTreeSet<u64> = self.last.values().map(|it| it.id).collect();
            self.journal.retain(|it| {
                it.decided >= limit || in_force.contains(&it.id) || last.contains(&it.id)
            });
        }
        (rows - self.rows()) as u64
    }

    fn forget_identities(&mut self, facts_before: Time, journal_before: Time) {
        let highest = self.identities.keys().last().copied();
        let mut gone: Vec<IdentityId> = self.identities.keys().copied().collect();
        gone.retain(|id| {
            let device = id.own_device();
            let told = self.details.iter().filter(|it| it.identity == *id).map(|it| it.at);
            let newest = self.seen.get(id).map(|it| it.last).into_iter().chain(told).max();
            let described = self.directory.devices.contains_key(&device)
                || self.directory.groups.iter().any(|(it, of)| it == id || *of == device);
            let stayed = self.stays.values().any(|it| it.subject == Subject::Device(device));
            newest.is_some_and(|it| it < facts_before)
                && !described
                && !stayed
                && Some(*id) != highest
        });
        for id in gone {
            self.identities.remove(&id);
            self.seen.remove(&id);
            self.details.retain(|it| it.identity != id);
            let subject = Subject::Device(id.own_device());
            let over = |it: &Change| it.kind == ChangeKind::Left && it.decided < journal_before;
            if self.last.get(&subject).is_some_and(over) {
                self.last.remove(&subject);
            }
        }
    }

    /// The subjects that ever had a state, some that had none, and the times at which anything was
    /// decided: what is worth asking for.
    pub fn questions(&self) -> (Vec<Subject>, BTreeSet<Time>) {
        let stays = self.stays.values().map(|it| it.subject);
        let subjects: BTreeSet<Subject> =
            self.journal.iter().filter_map(|it| it.subject).chain(stays).collect();
        let times = self.journal.iter().flat_map(|it| [it.decided, it.at]);
        (subjects.into_iter().collect(), times.collect())
    }

    fn rows(&self) -> usize {
        self.identities.len()
            + self.heard.len()
            + self.coverage.len()
            + self.probes.len()
            + self.levels.len()
            + self.received.len()
            + self.readings.rows()
            + self.journal.len()
            + self.stays.len()
    }
}
