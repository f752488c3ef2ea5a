//! Keeps memory bounded: facts and stays that are old enough live in the store alone.
//!
//! Judgement begins at a *floor*. A stay that was going on there is carried: it begins at its
//! recorded start and goes on from its last evidence before the floor. **Invariant:** what was
//! recorded does not change because memory ends.

use std::time::Duration;

use crate::batch::HOUR;
use crate::fact::SIGHTING;
use crate::identity::{DeviceId, PersonId, PlaceId};
use crate::judge::{Carry, Judged, judge};
use crate::span::SpanSet;
use crate::stay::Ended;
use crate::time::Time;

use super::Engine;
use super::device::{DeviceState, Recorded, first_after};

impl Engine {
    /// Forgets what is older than the policy's memory, an hour at a time.
    pub(super) fn trim(&mut self) {
        let oldest = self.devices.iter().filter_map(|(_, it)| it.open()).map(|it| it.stay.last);
        let needed = oldest.min().map_or(Time::MAX, |it| self.before_evidence(it));
        let needed = needed.max((self.frontier - self.policy.lateness).floor(HOUR));
        let since = Self::since(&self.policy, self.frontier).min(needed);
        if since < self.book.since + HOUR {
            return;
        }
        let people: Vec<PersonId> = self.people.keys().copied().collect();
        self.floor = since + self.policy.lead;
        let devices: Vec<DeviceId> = self.devices.ids().collect();
        for id in devices {
            self.rebase(id);
        }
        for id in people {
            self.rebase_person(id);
        }
        self.book.forget_before(since);
        // What comes late may lead back to where one was met.
        let bound = self.frontier - self.policy.lateness;
        self.told_conflicts.retain(|(_, _, at)| *at >= bound);
    }

    /// Finds where judgement of a device begins, and with which stays going on.
    pub(super) fn rebase(&mut self, id: DeviceId) {
        let floor = self.floor;
        let Some(mut state) = self.devices.take(id) else { return };
        state.settled = state.settled.filter(|it| *it >= floor);
        let mut assumed = std::mem::take(&mut state.carries);
        assumed.retain(|it| it.stay.ended == Ended::Assumed);
        let sites = assumed.iter().map(|it| it.stay.site);
        let mut sites: Vec<PlaceId> =
            sites.chain(state.stays.iter().map(|it| it.stay.site)).collect();
        sites.sort_unstable();
        sites.dedup();
        state.waits = false;
        for site in sites {
            let early = |it: &Recorded| it.stay.site == site && it.stay.from < floor;
            let stay = state.stays.iter().rfind(|it| early(it)).map(|it| it.judged.clone());
            let before = assumed.iter().find(|it| it.stay.site == site).map(|it| it.stay.clone());
            let Some(stay) = stay.or(before) else { continue };
            let at = self.evidence_at_floor(id, &stay);
            // Beyond the lateness bound nobody can tell any more: it is assumed to have ended.
            let lost = self.before_evidence(at) < self.frontier - self.policy.lateness;
            let known = lost || at >= floor - self.policy.lead + self.policy.decisive_within;
            let over =
                (lost && stay.ended != Ended::Open) || moved_before(&stay, &state.stays, floor);
            if known && !over {
                state.carries.push(Carry { at, stay: cut_at(&stay, at) });
            } else if stay.ended == Ended::Assumed {
                let mut carry = Carry { at: floor, stay };
                // Who came after it has said all that can be said of its end.
                let next = first_after(&self.lines(id), site, floor);
                carry.stay.to_latest = carry.stay.to_latest.or(next);
                state.carries.push(carry);
                state.stays.retain(|it| !early(it));
                continue;
            } else if stay.ended == Ended::Open {
                self.deepen(Some(self.before_evidence(at)));
                state.waits = true;
            }
            let kept = state.waits || state.carries.iter().any(|it| it.stay.site == site);
            let carried = kept.then_some(stay.from);
            state.stays.retain(|it| !early(it) || Some(it.stay.from) == carried);
        }
        self.measure_carries(id, &mut state);
        self.devices.put(id, state);
    }

    /// The last evidence of a stay at or before the floor.
    fn evidence_at_floor(&self, id: DeviceId, stay: &Judged) -> Time {
        let mut heard = SpanSet::new();
        for line in self.lines(id).iter().filter(|it| it.site == stay.site) {
            heard.union(line.heard.spans());
        }
        let spans = heard.spans().iter().take_while(|it| it.from <= self.floor);
        let last = spans.last().map(|it| (it.to - SIGHTING).min(self.floor));
        last.filter(|it| *it >= stay.from).map_or(stay.last, |it| it.min(stay.last))
    }

    /// Splits the uncovered time of carried stays into what lies before the carry and after it.
    fn measure_carries(&self, id: DeviceId, state: &mut DeviceState) {
        if state.carries.is_empty() {
            return;
        }
        let lines = self.lines(id);
        let again = judge(&lines, &state.carries, self.floor, &self.policy, self.frontier);
        for carry in &mut state.carries {
            let same =
                |site: PlaceId, from: Time| site == carry.stay.site && from == carry.stay.from;
            let total = state.stays.iter().find(|it| same(it.stay.site, it.stay.from));
            let after = again.stays.iter().find(|it| same(it.site, it.from));
            let total = total.map(|it| it.judged.uncovered_time()).unwrap_or_default();
            let after = after.map(Judged::uncovered_time).unwrap_or_default();
            carry.stay.uncovered_before = total.saturating_sub(after);
        }
    }

    /// Finds which of a person's stays were going on at the floor, and lets go of earlier ones.
    pub(super) fn rebase_person(&mut self, id: PersonId) {
        let floor = self.floor;
        let Some(mut state) = self.people.remove(&id) else { return };
        let mut stays = std::mem::take(&mut state.stays);
        stays.sort_by_key(|it| it.from);
        state.records.clear();
        for stay in stays.iter().filter(|it| it.from < floor) {
            state.records.insert(stay.site, (stay.clone(), Duration::ZERO));
        }
        let recorded = &state.records;
        stays.retain(|it| {
            it.from >= floor || recorded.get(&it.site).is_some_and(|(last, _)| last.id == it.id)
        });
        state.stays = stays;
        self.people.insert(id, state);
        let again = self.verdict_of(id).stays;
        let Some(state) = self.people.get_mut(&id) else { return };
        for (record, before) in state.records.values_mut() {
            let same = again.iter().find(|it| it.site == record.site && it.from == record.from);
            let after = same.map(Judged::uncovered_time).unwrap_or_default();
            *before = record.uncovered.saturating_sub(after);
        }
    }
}

/// Whether a stay ended by an arrival elsewhere before a time.
fn moved_before(stay: &Judged, all: &[Recorded], floor: Time) -> bool {
    let elsewhere = all.iter().filter(|it| it.stay.site != stay.site && it.stay.from >= stay.last);
    let arrived = elsewhere.map(|it| it.stay.from).min();
    stay.ended == Ended::Moved && arrived.is_none_or(|it| it < floor)
}

/// A stay as it was going on at one of its evidence times.
fn cut_at(stay: &Judged, at: Time) -> Judged {
    Judged::begun(stay.site, stay.from, at, stay.after_gap)
}
