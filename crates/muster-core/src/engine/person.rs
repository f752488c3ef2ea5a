//! One person in the engine: their holds, their stays, and what is believed of them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::change::{Change, ChangeKind};
use crate::directory::Directory;
use crate::identity::{DeviceId, PersonId, PlaceId};
use crate::people::{Hold, judge_person};
use crate::snapshot::Presence;
use crate::stay::{Ended, Stay, Subject};
use crate::time::Time;

use super::Engine;
use super::record::About;

/// What the engine keeps of a person between judgements.
#[derive(Debug, Default)]
pub(super) struct PersonState {
    /// Stays at hand, by start.
    pub(super) stays: Vec<Stay>,
    /// At each site the last stay that began before the floor, and its uncovered time up to there.
    pub(super) records: BTreeMap<PlaceId, (Stay, Duration)>,
    /// Since when they have been told to be unknown.
    pub(super) unknown: Option<Time>,
}

impl PersonState {
    pub(super) fn open(&self) -> Option<&Stay> {
        self.stays.iter().filter(|it| it.ended == Ended::Open).max_by_key(|it| it.last)
    }
}

impl Engine {
    pub(super) fn judge_person(&mut self, id: PersonId) {
        let state = self.people.remove(&id).unwrap_or_default();
        let overrides = self.directory.overrides.get(&id).cloned().unwrap_or_default();
        let known = self.directory.people.contains_key(&id);
        self.people.insert(id, state);
        let (holds, begin) = self.holds_at_hand(id);
        let holds = if known { holds } else { Vec::new() };
        let judged = judge_person(holds, &overrides, begin, self.frontier);
        let mut state = self.people.remove(&id).unwrap_or_default();
        let (old, settled): (Vec<Stay>, Vec<Stay>) = std::mem::take(&mut state.stays)
            .into_iter()
            .partition(|it| it.from >= self.floor || judged.iter().any(|new| new.from == it.from));
        let about = About {
            subject: Subject::Person(id),
            source: self.media_of(id).first().copied(),
            owner: None,
            settled: settled.iter().map(|it| it.last).max(),
        };
        let stays = self.record(&about, old, &judged);
        state.stays = settled;
        state.stays.extend(stays);
        if known {
            self.people.insert(id, state);
            self.restand_person(id);
        }
    }

    /// Everything that holds a person, as far as it is judged: from the floor on, or from the start
    /// of a stay that was going on there.
    /// With them the time from which on what was set by hand counts.
    pub(super) fn holds_at_hand(&self, id: PersonId) -> (Vec<Hold>, Time) {
        let all = self.holds(id);
        let Some(state) = self.people.get(&id) else { return (all, self.floor) };
        let mut holds = Vec::with_capacity(all.len());
        let mut going_on: BTreeMap<PlaceId, Time> = BTreeMap::new();
        for (site, (record, before)) in &state.records {
            let crosses = |it: &Hold| {
                let span = it.stay.hold();
                it.stay.site == *site && span.from < self.floor && span.to > self.floor
            };
            let open = record.ended == Ended::Open || record.last >= self.floor;
            if open || all.iter().any(crosses) {
                going_on.insert(*site, record.from);
                holds.push(Hold::of_record(record, *before, self.floor));
            }
        }
        let begin = |site: PlaceId| going_on.get(&site).copied().unwrap_or(self.floor);
        holds.extend(all.into_iter().filter_map(|it| {
            let from = begin(it.stay.site);
            it.since(from)
        }));
        (holds, begin(Directory::FIRST_SITE))
    }

    /// Everything that holds a person.
    fn holds(&self, id: PersonId) -> Vec<Hold> {
        let mut holds = Vec::new();
        for (device, entry) in &self.directory.devices {
            let owned = entry.owners.iter().any(|it| it.person == Some(id));
            let Some(state) = self.devices.get(*device).filter(|_| owned && entry.is_carried())
            else {
                continue;
            };
            for it in &state.stays {
                holds.extend(Hold::of_device(entry, id, &it.judged));
            }
        }
        holds
    }

    /// The carried devices that a person owns.
    pub(super) fn carried_by(&self, id: PersonId) -> impl Iterator<Item = DeviceId> + '_ {
        let all = self.directory.devices.iter();
        all.filter(move |(_, it)| it.owner() == Some(id) && it.is_carried()).map(|(id, _)| *id)
    }

    /// The media on which a carried device of theirs is present.
    pub(super) fn media_of(&self, id: PersonId) -> Vec<crate::fact::SourceKind> {
        let states = self.carried_by(id).filter_map(|it| self.devices.get(it));
        let open = states.filter(|it| it.open().is_some());
        let mut media: Vec<_> = open.filter_map(|it| it.source).collect();
        media.sort_unstable();
        media.dedup();
        media
    }

    /// Whether somebody's presence is in force by hand at the moment.
    pub(super) fn set_by_hand(&self, id: PersonId) -> Option<&crate::directory::Override> {
        let last = self.directory.overrides.get(&id)?.last()?;
        let stays = self.people.get(&id).map(|it| it.stays.as_slice()).unwrap_or_default();
        let contradicted = if last.home {
            stays.iter().any(|it| it.ended != Ended::Open && it.last >= last.at)
        } else {
            stays.iter().any(|it| it.from > last.at)
        };
        let running = last.at <= self.frontier && self.frontier < last.until;
        (running && !contradicted).then_some(last)
    }

    /// Finds out whether a present person is unknown, and tells it if that is new.
    fn restand_person(&mut self, id: PersonId) {
        let Some(state) = self.people.get(&id) else { return };
        let open = state.open().cloned();
        let presences: Vec<_> = self
            .carried_by(id)
            .filter_map(|it| self.devices.get(it))
            .filter(|it| it.open().is_some())
            .map(|it| (Self::presence_of(it), it.unknown))
            .collect();
        let by_hand = self.set_by_hand(id).is_some();
        let present = by_hand || presences.iter().any(|it| it.0 == Presence::Present);
        let since = presences.iter().filter_map(|it| it.1).max();
        let unknown = open.as_ref().filter(|_| !present).and(since);
        let was = state.unknown;
        let source = self.media_of(id).first().copied();
        let Some(state) = self.people.get_mut(&id) else { return };
        state.unknown = unknown;
        let Some(open) = open else { return };
        if was.is_some() == unknown.is_some() {
            return;
        }
        let (kind, at) = match unknown {
            Some(at) => (ChangeKind::Unknown, at),
            None => (ChangeKind::Known, self.frontier),
        };
        let mut change = Change::new(kind, at, self.frontier);
        change.subject = Some(Subject::Person(id));
        change.site = Some(open.site);
        change.stay = Some(open.id);
        change.source = source;
        if unknown.is_some() {
            change.reason = "nobody who knows is listening".into();
        }
        self.tell(change);
    }

    /// What is believed of a person.
    pub(super) fn presence_of_person(state: &PersonState) -> Presence {
        match (state.open(), state.unknown) {
            (Some(_), Some(_)) => Presence::Unknown,
            (Some(_), None) => Presence::Present,
            (None, _) => Presence::Away,
        }
    }
}
