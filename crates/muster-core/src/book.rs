//! The merged facts at hand, and which of them are not stored yet.
//!
//! **Invariant:** what is in here does not depend on the order, batching or repetition in which
//! facts came in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::batch::{Batch, DetailRow, HOUR, LevelRow, Reading, Seen};
use crate::fact::{Detail, DetailKind, Level, Listener, Outcome, SIGHTING};
use crate::identity::{Identity, IdentityId, ListenerId};
use crate::policy::Policy;
use crate::span::{Span, SpanSet};
use crate::time::Time;

mod admission;
mod drain;
mod entries;
mod ids;
mod restore;
#[cfg(test)]
mod tests;

pub(crate) use entries::{Entry, Track};

use admission::Newcomers;
use entries::Entries;
use ids::Ids;

/// All facts since [`Book::since`].
#[derive(Debug, Default)]
pub(crate) struct Book {
    ids: Ids,
    entries: Entries,
    listener_ids: BTreeMap<Listener, ListenerId>,
    listeners: Vec<Heard>,
    latest: Option<(Arc<Listener>, ListenerId)>,
    dirty: Dirty,
    /// Facts before this time are not at hand.
    pub(crate) since: Time,
}

/// What is known of one listener.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) listener: Listener,
    pub(crate) coverage: SpanSet,
    /// Coverage with the source's own rhythm filled in.
    pub(crate) bridged: SpanSet,
    newcomers: Newcomers,
}

/// What is not stored yet.
#[derive(Debug, Default)]
struct Dirty {
    identities: BTreeSet<IdentityId>,
    listeners: Vec<ListenerId>,
    seen: Vec<IdentityId>,
    heard: BTreeSet<(Time, IdentityId, ListenerId)>,
    coverage: BTreeSet<(Time, ListenerId)>,
    probes: BTreeSet<(Time, IdentityId, ListenerId)>,
    details: BTreeSet<IdentityId>,
    levels: Vec<LevelRow>,
    readings: BTreeSet<(Time, IdentityId, ListenerId)>,
}

/// What coverage changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Covered {
    /// Where judgements may differ.
    pub(crate) changed: Span,
    /// Up to when the listener was known to have heard, unless some of this lies before that.
    pub(crate) follows: Option<Time>,
}

/// What a sighting changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing: it was known.
    Known,
    /// New evidence.
    News,
}

impl Book {
    pub(crate) fn identity(&mut self, identity: &Identity) -> IdentityId {
        match self.ids.get(identity) {
            Some(id) => id,
            None => self.add_identity(self.entries.next(), identity.clone()),
        }
    }

    pub(crate) fn listener(&mut self, listener: &Arc<Listener>) -> ListenerId {
        if let Some((known, id)) = &self.latest
            && Arc::ptr_eq(known, listener)
        {
            return *id;
        }
        let id = match self.listener_ids.get(&**listener) {
            Some(id) => *id,
            None => self.add_listener(Listener::clone(listener)),
        };
        self.latest = Some((Arc::clone(listener), id));
        id
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (IdentityId, &Entry)> {
        self.entries.iter()
    }

    pub(crate) fn entry(&self, id: IdentityId) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(crate) fn listeners(&self) -> impl Iterator<Item = (ListenerId, &Heard)> {
        (1..).map(ListenerId).zip(&self.listeners)
    }

    pub(crate) fn heard_by(&self, id: ListenerId) -> Option<&Heard> {
        self.listeners.get(index(id.0))
    }

    /// Merges one sighting.
    pub(crate) fn sight(
        &mut self,
        id: IdentityId,
        listener: ListenerId,
        at: Time,
        rssi: Option<i8>,
        policy: &Policy,
    ) -> Told {
        let Some(entry) = self.entries.get_mut(id) else { return Told::Known };
        let before = entry.seen.map(|it| it.1);
        if before.is_none_or(|it| it < at) {
            entry.rssi = rssi;
        } else if before == Some(at) {
            entry.rssi = entry.rssi.max(rssi);
        }
        let seen = entry.seen.get_or_insert((at, at));
        *seen = (seen.0.min(at), seen.1.max(at));
        if !std::mem::replace(&mut entry.marked, true) {
            self.dirty.seen.push(id);
        }
        let Some(track) = entry.track(listener) else { return Told::Known };
        let reading = Reading {
            interval: at.floor(policy.interval),
            length: policy.interval,
            identity: id,
            listener,
            rssi,
            at,
        };
        if track.read(reading) {
            self.dirty.readings.insert((reading.interval, id, listener));
        }
        let span = Span::new(at, at + SIGHTING);
        if !track.heard.insert(span) {
            return Told::Known;
        }
        for hour in [at.floor(HOUR), span.to.floor(HOUR)] {
            if track.marked != hour {
                track.marked = hour;
                self.dirty.heard.insert((hour, id, listener));
            }
        }
        Told::News
    }

    /// Merges a probe that was not answered; whether it is new and counts.
    pub(crate) fn probe(
        &mut self,
        id: IdentityId,
        listener: ListenerId,
        at: Time,
        outcome: Outcome,
    ) -> bool {
        let Some(track) = self.track(id, listener) else { return false };
        match track.probes.binary_search(&(at, outcome)) {
            Ok(_) => false,
            Err(place) => {
                track.probes.insert(place, (at, outcome));
                self.dirty.probes.insert((at.floor(HOUR), id, listener));
                matches!(outcome, Outcome::Silent | Outcome::Unaskable)
            }
        }
    }

    /// Merges coverage; where judgements may now differ.
    pub(crate) fn cover(&mut self, id: ListenerId, span: Span, policy: &Policy) -> Option<Covered> {
        let heard = self.listeners.get_mut(index(id.0))?;
        let before = heard.coverage.last();
        let earlier = before.map_or(span, |it| Span::new(span.from, span.to.min(it.to)));
        let is_late = before.is_some() && !heard.coverage.gaps(earlier).is_empty();
        if !heard.coverage.insert(span) {
            return None;
        }
        let mut hour = span.from.floor(HOUR);
        while hour < span.to {
            self.dirty.coverage.insert((hour, id));
            hour = hour + HOUR;
        }
        let cycle = policy.patience(heard.listener.source, false).cycle;
        if is_late {
            heard.bridged = heard.coverage.bridged(cycle);
            let changed = Span::new(span.from - cycle, span.to + cycle);
            return Some(Covered { changed, follows: None });
        }
        let last = before.map_or(span.from, |it| it.to);
        let from = if span.from.since(last) <= cycle { last } else { span.from };
        heard.bridged.insert(Span::new(from, span.to));
        Some(Covered { changed: Span::new(last, span.to), follows: before.map(|it| it.to) })
    }

    /// Merges a detail; whether it changed anything.
    pub(crate) fn detail(&mut self, id: IdentityId, detail: &Detail, policy: &Policy) -> bool {
        let Some(entry) = self.entry_mut(id) else { return false };
        let at = detail.at.floor(policy.interval);
        let row = DetailRow { identity: id, kind: detail.kind, value: detail.value.clone(), at };
        let before = entry.details.clone();
        let many = matches!(detail.kind, DetailKind::Ipv4 | DetailKind::Ipv6);
        match entry.details.iter_mut().find(|it| it.kind == row.kind && it.value == row.value) {
            Some(same) => same.at = same.at.max(at),
            None => entry.details.push(row),
        }
        entry.details.sort_by(|a, b| (a.kind, b.at, &b.value).cmp(&(b.kind, a.at, &a.value)));
        let keep = if many { Batch::MAX_ADDRESSES } else { 1 };
        let mut kept = 0;
        entry.details.retain(|it| {
            it.kind != detail.kind || {
                kept += 1;
                kept <= keep
            }
        });
        let changed = entry.details != before;
        if changed {
            self.dirty.details.insert(id);
        }
        changed
    }

    /// Adds a level; whether it is new.
    pub(crate) fn level(&mut self, id: IdentityId, listener: ListenerId, level: &Level) -> bool {
        let (at, sequence, state) = (level.at, level.sequence, level.state);
        let row = LevelRow { identity: id, listener, at, sequence, state };
        let Some(entry) = self.entry_mut(id) else { return false };
        match entry.levels.binary_search(&row) {
            Ok(_) => false,
            Err(place) => {
                entry.levels.insert(place, row);
                self.dirty.levels.push(row);
                true
            }
        }
    }

    /// Forgets facts before a time that lies on the hour; they stay in the store.
    pub(crate) fn forget_before(&mut self, since: Time) {
        for entry in self.entries.iter_mut() {
            for track in &mut entry.tracks {
                track.heard.forget_before(since);
                let gone = track.probes.partition_point(|it| it.0 < since);
                track.probes.drain(..gone);
            }
            entry.levels.retain(|it| it.at >= since);
        }
        for heard in &mut self.listeners {
            heard.coverage.forget_before(since);
            heard.bridged.forget_before(since);
        }
        self.since = since;
    }

    fn add_identity(&mut self, id: IdentityId, identity: Identity) -> IdentityId {
        self.entries.add(id, identity.clone());
        self.ids.insert(identity, id);
        self.dirty.identities.insert(id);
        id
    }

    fn add_listener(&mut self, listener: Listener) -> ListenerId {
        let id = ListenerId(number(self.listeners.len()));
        self.listener_ids.insert(listener.clone(), id);
        let (coverage, bridged) = (SpanSet::new(), SpanSet::new());
        let newcomers = Newcomers::default();
        self.listeners.push(Heard { listener, coverage, bridged, newcomers });
        self.dirty.listeners.push(id);
        id
    }

    fn entry_mut(&mut self, id: IdentityId) -> Option<&mut Entry> {
        self.entries.get_mut(id)
    }

    fn track(&mut self, id: IdentityId, listener: ListenerId) -> Option<&mut Track> {
        self.entry_mut(id).and_then(|it| it.track(listener))
    }
}

fn index(id: u32) -> usize {
    id as usize - 1
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX - 1) + 1
}
