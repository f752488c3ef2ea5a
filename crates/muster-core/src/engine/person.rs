//! One person in the engine: their holds, their stays, and what is believed of them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::change::{Change, ChangeKind};
use crate::directory::{Directory, Override};
use crate::identity::{DeviceId, PersonId, PlaceId};
use crate::judge::Judged;
use crate::people::{Hold, Verdict, judge_person};
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
    /// What is set by hand and in force.
    pub(super) set: Option<Override>,
}

impl PersonState {
    pub(super) fn open(&self) -> Option<&Stay> {
        self.stays.iter().filter(|it| it.ended == Ended::Open).max_by_key(|it| it.last)
    }
}

impl Engine {
    pub(super) fn judge_person(&mut self, id: PersonId) {
        if !self.directory.people.contains_key(&id) {
            self.let_go(id);
            return;
        }
        let verdict = self.verdict_of(id);
        self.doubt_record(id, &verdict.stays);
        if self.waits_for_more(id, &verdict.stays) {
            return;
        }
        let judged = verdict.stays;
        let mut state = self.people.remove(&id).unwrap_or_default();
        let goes_on =
            |it: &Stay| judged.iter().any(|new| (new.site, new.from) == (it.site, it.from));
        let (old, settled): (Vec<Stay>, Vec<Stay>) = std::mem::take(&mut state.stays)
            .into_iter()
            .partition(|it| it.from >= self.floor || goes_on(it));
        let about = About {
            subject: Subject::Person(id),
            source: self.media_of(id).first().copied(),
            owner: None,
            settled: settled.iter().map(|it| it.last).max(),
            unknown: state.unknown.is_some(),
        };
        let stays = self.record(&about, old, &judged);
        state.stays = settled;
        state.stays.extend(stays);
        state.set = verdict.set;
        self.people.insert(id, state);
        self.restand_person(id);
    }

    /// Whether an edit moved what had been going on at the floor, or what had ended before it goes on after
    /// all, and history that tells since when is on its way: until then they stay what they were.
    fn waits_for_more(&self, id: PersonId, judged: &[Judged]) -> bool {
        let stays = self.people.get(&id).map_or(&[][..], |it| &it.stays);
        let early = || stays.iter().filter(|it| it.from < self.floor);
        let is_told =
            |it: &Stay| judged.iter().any(|new| (new.from, new.site) == (it.from, it.site));
        let is_cut = judged.iter().any(|it| it.from == self.floor);
        // Going on at the floor, and not any more; or over, and not any more; or up to the floor only.
        let is_moved = early().any(|it| is_told(it) == (it.last < self.floor));
        let is_guessed = judged.iter().any(|it| it.last == self.floor && it.from < self.floor);
        (is_cut || is_moved || is_guessed) && self.poll_history().is_some()
    }

    /// What went on at the floor and does not go on any more ended with evidence before the floor, which
    /// its record does not tell: history since it began does.
    fn doubt_record(&mut self, id: PersonId, judged: &[Judged]) {
        let Some(state) = self.people.get(&id) else { return };
        let bound = self.frontier - self.policy.lateness;
        let is_guessed = |(it, _): &&(Stay, Duration)| {
            let ends =
                |new: &Judged| (new.site, new.from, new.last) == (it.site, it.from, self.floor);
            it.last > self.floor && it.from >= bound && judged.iter().any(ends)
        };
        let first = state.records.values().filter(is_guessed).map(|(it, _)| it.from).min();
        self.deepen(first.map(|it| self.judged_from(it)));
    }

    /// Somebody was removed: what is recorded of them stays, and what was going on ends there.
    fn let_go(&mut self, id: PersonId) {
        let Some(state) = self.people.remove(&id) else { return };
        let (subject, source) = (Subject::Person(id), None);
        let about = About { subject, source, owner: None, settled: None, unknown: false };
        for stay in state.stays.into_iter().filter(|it| it.ended == Ended::Open) {
            let mut judged = Judged::recorded(&stay);
            judged.ended = Ended::Left;
            judged.decided = Some(self.frontier);
            self.record(&about, vec![stay], &[judged]);
        }
    }

    /// What the devices and what was set by hand say of a person now, as far as they are judged: from
    /// the floor on, or from the start of a stay that was going on there.
    pub(super) fn verdict_of(&self, id: PersonId) -> Verdict {
        let all = self.holds(id);
        let nothing = BTreeMap::new();
        let records = self.people.get(&id).map_or(&nothing, |it| &it.records);
        let mut holds = Vec::with_capacity(all.len());
        let mut going_on: BTreeMap<PlaceId, Time> = BTreeMap::new();
        for (site, (record, before)) in records {
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
        let last = records.get(&Directory::FIRST_SITE).map(|(it, _)| it.from);
        let begin = begin(Directory::FIRST_SITE);
        // Nothing had contradicted before the floor what was set before it, if no stay ended
        // meanwhile, or began.
        let in_force = |it: &&Override| {
            let there = going_on.get(&Directory::FIRST_SITE).is_some_and(|from| *from <= it.at);
            let absent = last.is_none_or(|from| from <= it.at);
            let home = it.home && there;
            let away = !it.home && absent && it.until > begin;
            it.at >= self.floor || home || away
        };
        let sets = self.directory.overrides.get(&id).into_iter().flatten();
        let sets: Vec<Override> = sets.filter(in_force).cloned().collect();
        judge_person(holds, &sets, begin, self.floor, self.frontier)
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

    /// What is set by hand and in force at the moment.
    pub(super) fn set_by_hand(&self, id: PersonId) -> Option<&Override> {
        self.people.get(&id)?.set.as_ref()
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
