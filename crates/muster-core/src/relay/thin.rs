//! What is kept of many facts when there is no room for all: readings whole, stays nearly so.
//!
//! Of an identity's sightings at a listener within an interval the first, the strongest and the last
//! stay: the best signal is exact, and no silence arises that is as long as the interval. Coverage is
//! united, a detail's newest value stays, probes and levels stay as they are. What stays keeps its
//! number.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::fact::{DetailKind, FactBody, Listener};
use crate::identity::Identity;
use crate::span::{Span, SpanSet};
use crate::time::Time;

use super::spool::Entry;

/// Thins facts of one boot, sorted by sequence; `interval` is the length of the hub's intervals.
#[must_use]
pub fn thin(entries: Vec<Entry>, interval: Duration) -> Vec<Entry> {
    let (stays, coverage) = choose(&entries, interval);
    let mut kept = Vec::new();
    for mut entry in entries {
        if let FactBody::Coverage(_) = entry.fact.body {
            // The united spans stand where the last of them stood, behind all sightings in them.
            let Some(united) = coverage.get(&entry.fact.listener) else { continue };
            if let Some(span) = united.at.get(&entry.sequence) {
                entry.fact.body = FactBody::Coverage(*span);
                kept.push(entry);
            }
        } else if stays.contains(&entry.sequence) {
            kept.push(entry);
        }
    }
    kept
}

type At<'a> = (&'a Arc<Listener>, &'a Identity);

/// The coverage of one listener.
#[derive(Default)]
struct United {
    set: SpanSet,
    told: Vec<(Span, u64)>,
    /// Spans by the sequence under which they are kept.
    at: BTreeMap<u64, Span>,
}

/// The three of an interval: (when, sequence) of the first, the strongest and the last.
struct Three {
    first: (Time, u64),
    strongest: (Option<i8>, Reverse<Time>, u64),
    last: (Time, u64),
}

fn choose(
    entries: &[Entry],
    interval: Duration,
) -> (BTreeSet<u64>, BTreeMap<Arc<Listener>, United>) {
    let mut stays = BTreeSet::new();
    let mut sighted: BTreeMap<(At<'_>, Time), Three> = BTreeMap::new();
    let mut details: BTreeMap<(At<'_>, DetailKind, Option<&str>), (Time, u64)> = BTreeMap::new();
    let mut coverage: BTreeMap<Arc<Listener>, United> = BTreeMap::new();
    for entry in entries {
        let (listener, sequence) = (&entry.fact.listener, entry.sequence);
        match &entry.fact.body {
            FactBody::Sighting(it) => {
                let key = ((listener, &it.identity), it.at.floor(interval));
                let (when, signal) = ((it.at, sequence), (it.rssi, Reverse(it.at), sequence));
                let three = sighted.entry(key).or_insert(Three {
                    first: when,
                    strongest: signal,
                    last: when,
                });
                three.first = three.first.min(when);
                three.strongest = three.strongest.max(signal);
                three.last = three.last.max(when);
            }
            FactBody::Coverage(span) => {
                let united = coverage.entry(Arc::clone(listener)).or_default();
                united.set.insert(*span);
                united.told.push((*span, sequence));
            }
            FactBody::Detail(it) => {
                // Of addresses several are kept, and each is told for itself.
                let many = matches!(it.kind, DetailKind::Ipv4 | DetailKind::Ipv6);
                let key = ((listener, &it.identity), it.kind, many.then_some(&*it.value));
                let newest = details.entry(key).or_insert((it.at, sequence));
                *newest = (*newest).max((it.at, sequence));
            }
            FactBody::Probe(_) | FactBody::Level(_) => {
                stays.insert(sequence);
            }
        }
    }
    for it in sighted.values() {
        stays.extend([it.first.1, it.strongest.2, it.last.1]);
    }
    stays.extend(details.values().map(|it| it.1));
    for united in coverage.values_mut() {
        let mut last = BTreeMap::new();
        for (span, sequence) in &united.told {
            let whole = united.set.overlapping(*span).first().copied().unwrap_or(*span);
            // The highest sequence of those that it unites: `told` is in their order.
            last.insert(whole, *sequence);
        }
        united.at = last.into_iter().map(|(span, sequence)| (sequence, span)).collect();
    }
    (stays, coverage)
}

#[cfg(test)]
mod tests;
