//! Which signal stands for an interval, and what an hour of them comes to.
//!
//! Of one listener the best signal of an interval is kept: the strongest (any over none), then the
//! earliest. Of all listeners together one reading wins for an identity: the strongest, then the
//! earliest, then that of the monitor whose name comes first in bytes, then by source and channel. So
//! a monitor's reading is the best of its listeners', and each device counts once, where it was heard
//! best.
//!
//! **Invariant:** both are the least of a total order, so merging is commutative, associative and
//! idempotent: any order, delay, repetition or batching gives the same rows. An hour is counted anew
//! from its winners and never added to.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::batch::{HOUR, Reading};
use crate::fact::Listener;
use crate::identity::{IdentityId, ListenerId};
use crate::time::Time;

/// Whether of two readings of one identity, interval and listener the new one is kept.
#[must_use]
pub fn is_better(new: &Reading, old: &Reading) -> bool {
    strength(new) < strength(old)
}

/// Keeps the best reading of each (interval, length, identity, listener), in that order.
pub fn keep_best(readings: &mut Vec<Reading>) {
    let key = |it: &Reading| (it.interval, it.length, it.identity, it.listener);
    readings.sort_unstable_by_key(|it| (key(it), strength(it)));
    readings.dedup_by_key(|it| key(it));
}

/// Keeps the winner of each (interval, length, identity), in that order.
pub fn keep_winners(readings: &mut Vec<Reading>, names: &Names) {
    let key = |it: &Reading| (it.interval, it.length, it.identity);
    readings.sort_unstable_by_key(|it| (key(it), strength(it), names.place(it.listener)));
    readings.dedup_by_key(|it| key(it));
}

/// The order of listeners by their names, which settles a tie whatever numbers they were given.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeMap<ListenerId, usize>);

impl Names {
    /// Of all listeners.
    #[must_use]
    pub fn of(listeners: &[(ListenerId, Listener)]) -> Self {
        let mut all: Vec<_> = listeners.iter().collect();
        all.sort_by_key(|(id, listener)| (listener, *id));
        Self(all.into_iter().zip(0..).map(|((id, _), place)| (*id, place)).collect())
    }

    /// A listener without a name comes last.
    fn place(&self, id: ListenerId) -> (usize, ListenerId) {
        (self.0.get(&id).copied().unwrap_or(usize::MAX), id)
    }
}

/// What one listener won of one identity in the intervals of one length that begin in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WinnerHour {
    /// The hour's start.
    pub hour: Time,
    /// The length of its intervals.
    pub length: Duration,
    /// Of whom.
    pub identity: IdentityId,
    /// Who won.
    pub listener: ListenerId,
    /// How many intervals.
    pub readings: u32,
    /// When it was heard best in the first of them.
    pub first: Time,
    /// When in the last.
    pub last: Time,
    /// Their signals; none where the medium has none.
    pub signals: Option<Signals>,
}

/// Signals, summed up so that they can be summed up further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signals {
    /// How many.
    pub count: u32,
    /// Their sum, dBm: divided by their number it is their mean.
    pub sum: i64,
    /// The strongest, dBm.
    pub best: i8,
    /// The weakest, dBm.
    pub worst: i8,
}

impl Signals {
    /// One signal, dBm.
    #[must_use]
    pub fn of(rssi: i8) -> Self {
        Self { count: 1, sum: rssi.into(), best: rssi, worst: rssi }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            sum: self.sum.saturating_add(other.sum),
            best: self.best.max(other.best),
            worst: self.worst.min(other.worst),
        }
    }

    /// Of two that may be missing.
    #[must_use]
    pub fn both(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        }
    }
}

/// Counts winners by hour, length, identity and listener, in that order.
#[must_use]
pub fn hours(winners: &[Reading]) -> Vec<WinnerHour> {
    let mut all: BTreeMap<_, WinnerHour> = BTreeMap::new();
    for it in winners {
        let hour = it.interval.floor(HOUR);
        let key = (hour, it.length, it.identity, it.listener);
        let one = WinnerHour {
            hour,
            length: it.length,
            identity: it.identity,
            listener: it.listener,
            readings: 1,
            first: it.at,
            last: it.at,
            signals: it.rssi.map(Signals::of),
        };
        all.entry(key).and_modify(|sum| *sum = sum.and(&one)).or_insert(one);
    }
    all.into_values().collect()
}

impl WinnerHour {
    fn and(&self, other: &Self) -> Self {
        Self {
            readings: self.readings.saturating_add(other.readings),
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            signals: Signals::both(self.signals, other.signals),
            ..*self
        }
    }
}

fn strength(it: &Reading) -> (Reverse<Option<i8>>, Time) {
    (Reverse(it.rssi), it.at)
}

#[cfg(test)]
mod tests;
