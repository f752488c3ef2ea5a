//! Readings and winners of the model: every rule once more, one comparison after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_core::batch::{HOUR, Reading};
use muster_core::fact::Listener;
use muster_core::identity::{IdentityId, ListenerId};
use muster_core::ports::{Before, ReadingQuery, ReadingsOf};
use muster_core::reading::{Signals, WinnerHour};
use muster_core::span::Span;
use muster_core::time::Time;

/// What is kept of signals.
#[derive(Clone, Debug, Default)]
pub(super) struct Readings {
    of_listeners: BTreeMap<(Time, Duration, IdentityId, ListenerId), Reading>,
    winners: BTreeMap<(Time, Duration, IdentityId), Reading>,
}

impl Readings {
    /// Takes readings by listeners that are called so.
    pub(super) fn take<'a>(
        &mut self,
        readings: &[Reading],
        name: impl Fn(ListenerId) -> Option<&'a Listener>,
    ) {
        for new in readings {
            let (at, length, identity) = (new.interval, new.length, new.identity);
            let best =
                self.of_listeners.entry((at, length, identity, new.listener)).or_insert(*new);
            if by_signal(new, best) == Some(true) {
                *best = *new;
            }
            let winner = self.winners.entry((at, length, identity)).or_insert(*new);
            let wins = by_signal(new, winner).unwrap_or_else(|| {
                match (name(new.listener), name(winner.listener)) {
                    (Some(new), Some(old)) if new.monitor != old.monitor => {
                        new.monitor.as_bytes() < old.monitor.as_bytes()
                    }
                    (Some(new), Some(old)) if new.source != old.source => new.source < old.source,
                    (Some(new), Some(old)) if new.channel != old.channel => {
                        new.channel < old.channel
                    }
                    (Some(_), None) => true,
                    (None, Some(_)) => false,
                    (Some(_), Some(_)) | (None, None) => new.listener < winner.listener,
                }
            });
            if wins {
                *winner = *new;
            }
        }
    }

    pub(super) fn found(&self, query: &ReadingQuery) -> Vec<Reading> {
        let mut found: Vec<Reading> = match query.of {
            ReadingsOf::Listeners => self.of_listeners.values().copied().collect(),
            ReadingsOf::Winners => self.winners.values().copied().collect(),
        };
        found.retain(|it| {
            query.window.contains(it.interval)
                && (query.identities.is_empty() || query.identities.contains(&it.identity))
        });
        found
    }

    /// Counted from the winners, one by one.
    pub(super) fn hours(&self, window: Span) -> Vec<WinnerHour> {
        let mut counted: Vec<WinnerHour> = Vec::new();
        for it in self.winners.values().filter(|it| window.contains(it.interval.floor(HOUR))) {
            let hour = it.interval.floor(HOUR);
            let known = counted.iter_mut().find(|one| {
                (one.hour, one.length) == (hour, it.length)
                    && (one.identity, one.listener) == (it.identity, it.listener)
            });
            match known {
                None => counted.push(WinnerHour {
                    hour,
                    length: it.length,
                    identity: it.identity,
                    listener: it.listener,
                    readings: 1,
                    first: it.at,
                    last: it.at,
                    signals: it.rssi.map(Signals::of),
                }),
                Some(one) => {
                    one.readings += 1;
                    one.first = one.first.min(it.at);
                    one.last = one.last.max(it.at);
                    match (&mut one.signals, it.rssi) {
                        (_, None) => {}
                        (none @ None, Some(rssi)) => *none = Some(Signals::of(rssi)),
                        (Some(sum), Some(rssi)) => {
                            sum.count += 1;
                            sum.sum += i64::from(rssi);
                            sum.best = sum.best.max(rssi);
                            sum.worst = sum.worst.min(rssi);
                        }
                    }
                }
            }
        }
        counted.sort_by_key(|it| (it.hour, it.length, it.identity, it.listener));
        counted
    }

    pub(super) fn forget(&mut self, before: Before) {
        if let Some(limit) = before.facts {
            self.of_listeners.retain(|_, it| it.interval + it.length > limit);
        }
        if let Some(limit) = before.readings {
            self.winners.retain(|_, it| it.interval.floor(HOUR) + HOUR > limit);
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.of_listeners.len() + self.winners.len()
    }
}

/// Whether a reading is better by its signal and time; none: they are alike.
fn by_signal(new: &Reading, old: &Reading) -> Option<bool> {
    match (new.rssi, old.rssi) {
        (Some(_), None) => Some(true),
        (None, Some(_)) => Some(false),
        (Some(new), Some(old)) if new != old => Some(new > old),
        _ if new.at != old.at => Some(new.at < old.at),
        _ => None,
    }
}
