//! Goes on where a store ends: nobody arrives or leaves because of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::batch::Restored;
use crate::book::Book;
use crate::change::{Change, ChangeKind};
use crate::identity::{DeviceId, IdentityId, ListenerId, PersonId};
use crate::judge::Judged;
use crate::policy::Policy;
use crate::stay::{Stay, Subject};
use crate::time::{Now, Time};

use super::device::Recorded;
use super::devices::Devices;
use super::listeners::ListenerState;
use super::person::PersonState;
use super::record::About;
use super::{Engine, Outbox};

/// An engine that goes on where the store ends; `resumed` is known when it had been going on.
pub(super) fn engine(
    policy: Policy,
    restored: Restored,
    now: Now,
    resumed: Option<Time>,
) -> Engine {
    // A frontier ahead of the clock was dated by a wrong one, and so were the facts up to it.
    let ahead = restored.frontier > now.wall + policy.future;
    let frontier = if ahead { now.wall } else { restored.frontier };
    let book = Book::restore(&restored, frontier + policy.future, &policy);
    let floor = restored.since + policy.lead;
    let mut engine = Engine {
        policy,
        book,
        directory: restored.directory,
        devices: Devices::default(),
        people: BTreeMap::new(),
        listeners: BTreeMap::new(),
        floor,
        resumed: resumed.unwrap_or(Time::MIN),
        now: Now { mono: now.mono, wall: frontier },
        frontier,
        urgent: BTreeSet::new(),
        lazy: BTreeSet::new(),
        due: BTreeSet::new(),
        unsettled: BTreeSet::new(),
        timers: BTreeSet::new(),
        voters: BTreeSet::new(),
        parked: Vec::new(),
        deeper: None,
        starts: None,
        told_conflicts: BTreeSet::new(),
        outbox: Outbox::default(),
        last_stay: restored.last_stay.0,
        last_change: restored.last_change,
    };
    let (known, wrong): (Vec<Stay>, Vec<Stay>) =
        restored.stays.into_iter().partition(|it| it.from <= frontier);
    for stay in wrong {
        let about = About {
            subject: stay.subject,
            source: None,
            owner: None,
            settled: None,
            unknown: false,
        };
        engine.drop_stay(&about, &stay, &[]);
    }
    engine.recall_listeners();
    engine.recall(known, &restored.states);
    // Without a pause there was nobody who did not listen.
    if resumed.is_none() && now.wall > frontier {
        engine.resumed = now.wall;
    }
    engine.handle_timeout(now);
    engine
}

impl Engine {
    /// Who had been found dark when the hub ended: nothing is told of it again.
    fn recall_listeners(&mut self) {
        let ids: Vec<ListenerId> = self.book.listeners().map(|(id, _)| id).collect();
        for id in ids {
            let dark = self.dark_at(id).is_none_or(|it| it <= self.frontier);
            self.listeners.insert(id, ListenerState { dark });
        }
    }

    /// Takes back the recorded stays and judges them again, as of the recorded frontier.
    fn recall(&mut self, stays: Vec<Stay>, states: &[Change]) {
        let ids: Vec<IdentityId> = self.book.entries().map(|(id, _)| id).collect();
        for id in ids {
            self.devices.of(self.directory.device_of(id));
        }
        for person in self.directory.people.keys() {
            self.people.entry(*person).or_default();
        }
        // Of somebody who was removed nothing is judged any more.
        let is_known = |it: &Stay| match it.subject {
            Subject::Device(id) => self.knows(id),
            Subject::Person(id) => self.directory.people.contains_key(&id),
        };
        let mut stays: Vec<Stay> = stays.into_iter().filter(is_known).collect();
        stays.sort_by_key(|it| (it.from, it.site));
        for stay in stays {
            match stay.subject {
                Subject::Device(id) => {
                    let judged = Judged::recorded(&stay);
                    self.devices.of(id).stays.push(Recorded { stay, judged });
                }
                Subject::Person(id) => {
                    let state: &mut PersonState = self.people.entry(id).or_default();
                    state.stays.push(stay);
                }
            }
        }
        for change in states.iter().filter(|it| it.kind == ChangeKind::Unknown) {
            match change.subject {
                Some(Subject::Device(id)) if self.knows(id) => {
                    self.devices.of(id).unknown = Some(change.at);
                }
                Some(Subject::Person(id)) => {
                    self.people.entry(id).or_default().unknown = Some(change.at);
                }
                Some(Subject::Device(_)) | None => {}
            }
        }
        let devices: Vec<DeviceId> = self.devices.ids().collect();
        for id in devices {
            self.rebase(id);
            if let Some(state) = self.devices.get_mut(id) {
                state.rejudge_from(Time::MIN);
                self.urgent.insert(id);
            }
        }
        while let Some(id) = self.urgent.pop_first() {
            self.judge_device(id);
        }
        let people: Vec<PersonId> = self.directory.people.keys().copied().collect();
        for id in people {
            self.rebase_person(id);
        }
        self.voters.extend(self.directory.people.keys());
        self.settle();
        // A conflict was told by whoever met it first, in the commit that stored it.
        self.outbox.changes.retain(|it| it.kind != ChangeKind::Conflict);
    }
}
