//! How far back facts must be at hand: for what came in, came back or was edited behind the floor.
//!
//! Nothing here judges. It asks for more of what is stored, up to the lateness bound, and the
//! shell hands it over; until then judgement goes on with what there is.

use crate::batch::HOUR;
use crate::directory::Edit;
use crate::fact::{Fact, FactBody, SIGHTING};
use crate::identity::{DeviceId, ListenerId};
use crate::judge::{Carry, Judged};
use crate::stay::Ended;
use crate::time::Time;

use super::{Engine, intake};

impl Engine {
    /// If facts came in that are older than what is at hand, an edit or coverage that came back
    /// reaches further back, or the civil clock was set back: from when on history must be at hand.
    /// The shell restores from the store since then and calls [`Engine::handle_restored`].
    #[must_use]
    pub fn poll_history(&self) -> Option<Time> {
        if self.set_back() {
            return Some(Self::since(&self.policy, self.now.wall));
        }
        let oldest = self.parked.iter().map(intake::time_of).min();
        oldest.map(|it| self.judged_from(it)).into_iter().chain(self.deeper).min()
    }

    /// Whether facts wait for history: they are in no batch yet.
    #[must_use]
    pub fn waits_for_history(&self) -> bool {
        !self.parked.is_empty()
    }

    /// Keeps a fact from before the floor until history is at hand.
    pub(super) fn park(&mut self, fact: Fact) {
        if let FactBody::Coverage(span) = &fact.body {
            let listener = self.book.listener(&fact.listener);
            self.doubt_assumed(listener, span.from);
        }
        self.parked.push(fact);
    }

    /// A listener is about to be known to hear from this time on. What was assumed at its site before
    /// the floor must be judged again, if this may tell when it ended at the latest.
    pub(super) fn doubt_assumed(&mut self, listener: ListenerId, from: Time) {
        let Some(heard) = self.book.heard_by(listener) else { return };
        let before = heard.coverage.spans().iter().rfind(|it| it.from <= from);
        let out = before.is_none_or(|it| from.since(it.to) > self.policy.unknown_max);
        let late = heard.coverage.last().is_some_and(|it| from < it.to);
        if before.is_some_and(|it| it.contains(from)) || !(out || late) {
            return;
        }
        let site = self.directory.site_of_monitor(&heard.listener.monitor);
        let decides = |it: &Carry| {
            let told = it.stay.without.contains(&listener) || it.stay.without.is_empty();
            // Only who had been out for long says that an end which is still open was not later.
            it.stay.site == site && told && (out || it.stay.to_latest.is_some())
        };
        let all = self.devices.iter().flat_map(|(_, it)| &it.carries);
        let doubt = all.filter(|it| decides(it)).filter_map(|it| self.doubted(it, from)).min();
        self.deepen(doubt);
    }

    /// A stay that ended before the floor is judged otherwise now: its owner's must be as well.
    pub(super) fn doubt_ended(&mut self, old: &Judged, new: &[Judged]) {
        let told = |it: &Judged| (it.from, it.site, it.last, it.ended, it.to_latest);
        let ended = old.ended != Ended::Open && old.last < self.floor;
        let in_reach = old.last >= self.frontier - self.policy.lateness;
        if ended && in_reach && !new.iter().any(|it| told(it) == told(old)) {
            self.deepen(Some(self.judged_from(old.last)));
        }
    }

    /// From when on facts are needed to judge an assumed end again, with evidence or coverage at this
    /// time; none: it changes nothing.
    pub(super) fn doubted(&self, carry: &Carry, at: Time) -> Option<Time> {
        let stay = &carry.stay;
        let open = stay.ended == Ended::Assumed && stay.to_latest.is_none_or(|it| it > at);
        let in_reach = stay.last >= self.frontier - self.policy.lateness;
        // As far back that its owner's stay is judged again as well.
        (open && in_reach).then(|| self.judged_from(stay.last))
    }

    /// From when on an edit means something for stays; none: it means nothing for them, or only
    /// for people's own.
    pub(super) fn meant_from(&self, edit: &Edit) -> Option<Time> {
        match edit {
            Edit::Assign { from, .. } => Some(*from),
            Edit::EditDevice { kind, mark, carried, .. } => {
                let judged = kind.is_some() || mark.is_some() || carried.is_some();
                judged.then_some(Time::MIN)
            }
            Edit::Merge { .. } | Edit::Ungroup { .. } | Edit::ForgetDevice { .. } => {
                Some(Time::MIN)
            }
            Edit::PlaceMonitor { monitor, .. } => (!self.is_new(monitor)).then_some(Time::MIN),
            Edit::Enrol(it) => {
                let moves = it.place.is_some() && !self.is_new(&it.monitor);
                moves.then_some(Time::MIN)
            }
            Edit::AddPerson { .. }
            | Edit::AddDevice { .. }
            | Edit::RenamePerson { .. }
            | Edit::RemovePerson { .. }
            | Edit::AddPlace { .. }
            | Edit::RenamePlace { .. }
            | Edit::RemovePlace { .. }
            | Edit::Revoke { .. }
            | Edit::Override { .. }
            | Edit::ClearOverride { .. } => None,
        }
    }

    /// Judgement of these devices must reach back to this time, as far as lateness does.
    pub(super) fn reach_back(&mut self, from: Time, touched: &[DeviceId]) {
        let identities = touched.iter().flat_map(|it| self.directory.identities_of(*it));
        let seen = identities.filter_map(|it| self.book.entry(it)?.seen);
        // Silence that had not ended a stay yet is longer than evidence: the last of it says nothing.
        let first = seen.map(|it| it.0).min();
        let from = first.map(|it| it.max(from)).filter(|it| *it < self.floor);
        let bound = self.frontier - self.policy.lateness;
        self.deepen(from.map(|it| self.judged_from(it.max(bound))));
    }

    /// How long a person's stay that goes on at the floor was uncovered before it is what had been recorded
    /// less what is judged now; what is judged otherwise now than it had been recorded must be judged
    /// from its start, as far as lateness goes.
    pub(super) fn reach_starts(&mut self) {
        let bound = self.frontier - self.policy.lateness;
        let records = self.people.values().flat_map(|it| it.records.values());
        let going_on = records.filter(|(it, _)| it.ended == Ended::Open || it.last >= self.floor);
        let first = going_on.map(|(it, _)| it.from).filter(|it| *it >= bound).min();
        self.starts = first.map(|it| self.judged_from(it));
        self.deepen(self.starts);
    }

    /// Whether a monitor has heard nothing before the facts at hand.
    fn is_new(&self, monitor: &str) -> bool {
        let mut its = self.book.listeners().filter(|(_, it)| &*it.listener.monitor == monitor);
        its.all(|(_, it)| it.coverage.spans().first().is_some_and(|it| it.from > self.floor))
    }

    /// Facts from this time on are needed.
    pub(super) fn deepen(&mut self, from: Option<Time>) {
        self.deeper = self.deeper.into_iter().chain(from).min();
    }

    /// From when on facts must be at hand to judge everything from a time on.
    pub(super) fn judged_from(&self, at: Time) -> Time {
        (at - self.policy.lead).floor(HOUR)
    }

    /// From when on facts must be at hand to judge the silence after this evidence.
    pub(super) fn before_evidence(&self, last: Time) -> Time {
        (last - self.policy.decisive_within - SIGHTING).floor(HOUR)
    }

    /// Whether the civil clock was set back further than facts may be ahead of it: what was dated
    /// by the wrong clock must be left out of judgement.
    fn set_back(&self) -> bool {
        self.now.wall + self.policy.future < self.frontier
    }
}
