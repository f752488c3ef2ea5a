//! What may be asked of the rows.

use std::collections::BTreeMap;

use muster_core::batch::{
    CoverageHour, DetailRow, HOUR, HeardHour, History, ProbeHour, Reading, Restored,
};
use muster_core::change::Change;
use muster_core::directory::Directory;
use muster_core::identity::{IdentityId, PlaceId};
use muster_core::ports::{ReadingQuery, ReadingsOf, StayQuery, StaysOf};
use muster_core::reading::{self, WinnerHour};
use muster_core::span::Span;
use muster_core::stay::{Ended, Stay, Subject};
use muster_core::time::Time;

use super::Tables;

impl Tables {
    pub(super) fn restore(&self, since: Time) -> Restored {
        let mut newest: BTreeMap<(Subject, PlaceId), &Stay> = BTreeMap::new();
        for it in self.stays.values().filter(|it| it.from < since) {
            let newest = newest.entry((it.subject, it.site)).or_insert(it);
            if newest.from < it.from {
                *newest = it;
            }
        }
        let kept = |it: &&Stay| {
            let last = newest.get(&(it.subject, it.site)).is_some_and(|last| last.id == it.id);
            let told = match it.subject {
                Subject::Device(_) => it.ended == Ended::Assumed,
                Subject::Person(id) => {
                    self.directory.people.contains_key(&id) && it.site == Directory::FIRST_SITE
                }
            };
            it.ended == Ended::Open || it.last >= since || (last && told)
        };
        Restored {
            since,
            directory: self.directory.clone(),
            identities: self.identities.iter().map(|(id, it)| (*id, it.clone())).collect(),
            listeners: self.listeners.iter().map(|(id, it)| (*id, it.clone())).collect(),
            seen: self.seen.values().copied().collect(),
            details: self
                .details
                .iter()
                .map(|((identity, kind, value), at)| DetailRow {
                    identity: *identity,
                    kind: *kind,
                    value: value.clone(),
                    at: *at,
                })
                .collect(),
            facts: self.history(&[], Span::new(since, Time::MAX)),
            stays: self.stays.values().filter(kept).cloned().collect(),
            states: self.last.values().cloned().collect(),
            last_stay: self.last_stay,
            last_change: self.last_change,
            received: self.received.values().cloned().collect(),
            monitors: self.monitors.values().cloned().collect(),
            frontier: self.frontier,
        }
    }

    pub(super) fn history(&self, identities: &[IdentityId], window: Span) -> History {
        let of = |it: IdentityId| identities.is_empty() || identities.contains(&it);
        let within = |at: Time| {
            let hour = Span::new(at.floor(HOUR), at.floor(HOUR) + HOUR);
            hour.intersect(window).is_some()
        };
        let heard = self.heard.iter().filter(|((id, _, hour), _)| of(*id) && within(*hour));
        let probes = self.probes.iter().filter(|((id, _, hour), _)| of(*id) && within(*hour));
        let levels = self.levels.iter().filter(|it| of(it.identity) && within(it.at));
        History {
            heard: heard
                .map(|((identity, listener, hour), spans)| HeardHour {
                    hour: *hour,
                    identity: *identity,
                    listener: *listener,
                    spans: spans.clone(),
                })
                .collect(),
            coverage: self.coverage_of(window),
            probes: probes
                .map(|((identity, listener, hour), outcomes)| ProbeHour {
                    hour: *hour,
                    identity: *identity,
                    listener: *listener,
                    outcomes: outcomes.clone(),
                })
                .collect(),
            levels: levels.copied().collect(),
        }
    }

    /// Coverage by hour and listener.
    pub(super) fn coverage_of(&self, window: Span) -> Vec<CoverageHour> {
        let rows = self.coverage.iter().map(|((listener, hour), spans)| CoverageHour {
            hour: *hour,
            listener: *listener,
            spans: spans.clone(),
        });
        let within = |it: &CoverageHour| Span::new(it.hour, it.hour + HOUR).intersect(window);
        let mut found: Vec<CoverageHour> = rows.filter(|it| within(it).is_some()).collect();
        found.sort_by_key(|it| (it.hour, it.listener));
        found
    }

    pub(super) fn readings_of(&self, query: &ReadingQuery) -> Vec<Reading> {
        let all: &mut dyn Iterator<Item = &Reading> = match query.of {
            ReadingsOf::Listeners => &mut self.readings.values(),
            ReadingsOf::Winners => &mut self.winners.values(),
        };
        let of = |it: IdentityId| query.identities.is_empty() || query.identities.contains(&it);
        all.filter(|it| query.window.contains(it.interval) && of(it.identity)).copied().collect()
    }

    pub(super) fn winner_hours(&self, window: Span) -> Vec<WinnerHour> {
        let begins = |it: &&Reading| window.contains(it.interval.floor(HOUR));
        let won: Vec<Reading> = self.winners.values().filter(begins).copied().collect();
        reading::hours(&won)
    }

    pub(super) fn changes_after(&self, after: u64, limit: u32) -> Vec<Change> {
        let later = self.changes.range(after.saturating_add(1)..);
        later.take(limit as usize).map(|(_, it)| it.clone()).collect()
    }

    pub(super) fn changes_within(
        &self,
        window: Span,
        subject: Option<Subject>,
        limit: u32,
    ) -> Vec<Change> {
        let mut found: Vec<Change> = self
            .changes
            .values()
            .filter(|it| window.contains(it.decided))
            .filter(|it| subject.is_none() || it.subject == subject)
            .cloned()
            .collect();
        found.sort_by_key(|it| (it.decided, it.id));
        found.into_iter().rev().take(limit as usize).collect()
    }

    pub(super) fn stays_of(&self, query: &StayQuery) -> Vec<Stay> {
        let of = |it: Subject| match query.of {
            StaysOf::People => matches!(it, Subject::Person(_)),
            StaysOf::Devices => matches!(it, Subject::Device(_)),
            StaysOf::Both => true,
        };
        let mut found: Vec<Stay> = self
            .stays
            .values()
            .filter(|it| !query.window.is_empty() && it.from < query.window.to)
            .filter(|it| it.ended == Ended::Open || it.last >= query.window.from)
            .filter(|it| query.subject.is_none_or(|subject| it.subject == subject))
            .filter(|it| query.site.is_none_or(|site| it.site == site))
            .filter(|it| of(it.subject))
            .cloned()
            .collect();
        found.sort_by_key(|it| (it.from, it.id));
        found.truncate(query.limit as usize);
        found
    }
}
