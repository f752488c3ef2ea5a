//! Takes facts in: refuses what cannot be, merges the rest, and notes who must be judged again.

use crate::change::{Change, ChangeKind};
use crate::fact::{Detail, Fact, FactBody, Outcome, SIGHTING};
use crate::identity::{Identity, IdentityId, ListenerId};
use crate::stay::Subject;
use crate::time::Time;

use super::{Engine, Intake, Refusal};
use crate::book::{Covered, Told};

/// The time that a fact is about.
pub(super) fn time_of(fact: &Fact) -> Time {
    match &fact.body {
        FactBody::Sighting(it) => it.at,
        FactBody::Coverage(it) => it.from,
        FactBody::Probe(it) => it.at,
        FactBody::Level(it) => it.at,
        FactBody::Detail(it) => it.at,
    }
}

impl Engine {
    pub(super) fn take_in(&mut self, facts: Vec<Fact>) -> Intake {
        let mut intake = Intake::default();
        for fact in facts {
            if let Some(why) = self.objection(&fact) {
                intake.refused.push(Refusal { fact, why });
                continue;
            }
            intake.accepted += 1;
            let judged_at_once = matches!(fact.body, FactBody::Detail(_) | FactBody::Level(_));
            if !judged_at_once && time_of(&fact) < self.floor {
                self.park(fact);
            } else {
                self.merge(&fact);
            }
        }
        intake
    }

    /// Why a fact cannot be taken.
    fn objection(&mut self, fact: &Fact) -> Option<String> {
        let (from, to) = match &fact.body {
            FactBody::Coverage(span) if span.is_empty() => {
                return Some("the coverage is empty".to_owned());
            }
            FactBody::Coverage(span) => (span.from, span.to),
            FactBody::Sighting(_)
            | FactBody::Probe(_)
            | FactBody::Level(_)
            | FactBody::Detail(_) => {
                let at = time_of(fact);
                (at, at)
            }
        };
        if to > self.now.wall + self.policy.future {
            return Some(format!(
                "it is {} s ahead of the hub's clock, more than {} s",
                to.since(self.now.wall).as_secs(),
                self.policy.future.as_secs()
            ));
        }
        let detail = matches!(&fact.body, FactBody::Detail(_));
        if from < self.now.wall - self.policy.lateness && !detail {
            return Some(format!(
                "it is older than the lateness bound of {} days",
                self.policy.lateness.as_secs() / 86_400
            ));
        }
        if let Some(Identity::Private(_)) = fact.body.identity() {
            return Some("a private address names nobody until a key resolves it".to_owned());
        }
        match &fact.body {
            FactBody::Detail(Detail { value, .. }) if value.len() > Detail::MAX_VALUE => {
                Some(format!("a detail has at most {} bytes", Detail::MAX_VALUE))
            }
            FactBody::Sighting(_)
            | FactBody::Coverage(_)
            | FactBody::Probe(_)
            | FactBody::Level(_)
            | FactBody::Detail(_) => self.book.admit(fact, self.now, &self.policy),
        }
    }

    fn merge(&mut self, fact: &Fact) {
        let listener = self.book.listener(&fact.listener);
        match &fact.body {
            FactBody::Sighting(it) => self.sight(&it.identity, listener, it.at, it.rssi),
            FactBody::Probe(it) if it.outcome == Outcome::Answered => {
                self.sight(&it.identity, listener, it.at, None);
            }
            FactBody::Probe(it) => {
                let id = self.book.identity(&it.identity);
                if self.book.probe(id, listener, it.at, it.outcome) {
                    self.missed(id, it.at);
                }
            }
            FactBody::Coverage(span) => {
                self.doubt_assumed(listener, span.from);
                if let Some(it) = self.book.cover(listener, *span, &self.policy) {
                    self.covered(listener, &it);
                }
            }
            FactBody::Level(it) => {
                let id = self.book.identity(&it.identity);
                self.book.level(id, listener, it);
            }
            FactBody::Detail(it) => {
                let id = self.book.identity(&it.identity);
                self.book.detail(id, it, &self.policy);
            }
        }
    }

    fn sight(&mut self, identity: &Identity, listener: ListenerId, at: Time, rssi: Option<i8>) {
        let id = self.book.identity(identity);
        let known = self.book.entry(id).is_some_and(|it| it.seen.is_some());
        if self.book.sight(id, listener, at, rssi, &self.policy) == Told::Known {
            return;
        }
        let device = self.directory.device_of(id);
        if !known {
            let mut change = Change::new(ChangeKind::Discovered, at, at);
            change.subject = Some(Subject::Device(device));
            change.source = self.book.heard_by(listener).map(|it| it.listener.source);
            change.reason = identity.to_string().into();
            self.tell(change);
        }
        let state = self.devices.of(device);
        if let Some(first) = state.goes_on(listener, at) {
            if first {
                self.lazy.insert(device);
            }
            return;
        }
        state.rejudge_from(at);
        let small = state
            .tail
            .as_ref()
            .is_some_and(|it| at >= it.last && at.since(it.last) < state.shortest);
        if small {
            self.lazy.insert(device);
        } else {
            self.urgent.insert(device);
        }
    }

    /// A device was asked in vain.
    fn missed(&mut self, id: IdentityId, at: Time) {
        let device = self.directory.device_of(id);
        let state = self.devices.of(device);
        match &state.tail {
            Some(tail) if at >= tail.last && at < tail.due && self.frontier < tail.due => {}
            Some(_) | None => {
                state.rejudge_from(at);
                self.urgent.insert(device);
            }
        }
    }

    /// A listener is known to have heard in a part of time.
    fn covered(&mut self, listener: ListenerId, covered: &Covered) {
        let changed = covered.changed;
        // Somebody may have been judged without it in the meantime.
        let source = self.book.heard_by(listener).map(|it| it.listener.source);
        let dark_after = source.map(|it| self.policy.dark_after(it)).unwrap_or_default();
        let in_order = covered.follows.is_some_and(|it| self.now.wall.since(it) < dark_after);
        let upto = if in_order { changed.to } else { Time::MAX };
        let waiting = self.due.range(..=(upto, crate::identity::DeviceId(u32::MAX)));
        let waiting: Vec<_> = waiting.map(|(_, id)| *id).collect();
        for id in waiting {
            self.retry(id);
        }
        let from = (changed.from - SIGHTING, crate::identity::DeviceId(0));
        let unsettled: Vec<_> = self.unsettled.range(from..).copied().collect();
        for (at, id) in unsettled {
            let before = Time::from_micros(at.micros().saturating_sub(1));
            if let Some(state) = self.devices.get_mut(id) {
                state.rejudge_from(before);
                self.urgent.insert(id);
            }
        }
        if !in_order {
            self.reconsider(listener, changed.from);
        }
        self.listen();
    }

    /// Coverage came late or out of order: everybody whom the listener heard may be judged
    /// otherwise from then on.
    fn reconsider(&mut self, listener: ListenerId, from: Time) {
        let heard = |it: &crate::book::Entry| it.tracks.iter().any(|it| it.listener == listener);
        let ids: Vec<IdentityId> =
            self.book.entries().filter(|(_, it)| heard(it)).map(|(id, _)| id).collect();
        for id in ids {
            let device = self.directory.device_of(id);
            if let Some(state) = self.devices.get_mut(device) {
                state.rejudge_from(from);
                self.urgent.insert(device);
            }
        }
    }
}
