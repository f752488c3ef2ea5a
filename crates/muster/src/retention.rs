//! Forgets what is too old, once an hour.
//!
//! **Invariant:** a wall clock that is set years ahead deletes nothing: age is counted from the
//! clock at start plus the time that has really passed since. One that was far ahead of the store at
//! the start already counts only while somebody keeps it right.

use std::sync::Arc;
use std::time::Duration;

use muster_config::store::StoreSettings;
use muster_config::value::Length;
use muster_core::batch::Restored;
use muster_core::ports::{Before, Clock, Store};
use muster_core::time::{Now, Time};
use tracing::{info, warn};

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// Facts.
    pub(crate) facts: Duration,
    /// Winners; none: for ever.
    pub(crate) readings: Option<Duration>,
    /// Stays and changes; none: for ever.
    pub(crate) journal: Option<Duration>,
}

impl Retention {
    pub(crate) fn of(settings: &StoreSettings) -> Self {
        Self {
            facts: settings.retention_facts.get(),
            readings: settings.readings_kept(),
            journal: settings.retention_journal.map(Length::get),
        }
    }

    /// What is too old at this time.
    pub(crate) fn at(self, now: Time) -> Before {
        Before {
            facts: Some(now - self.facts),
            readings: self.readings.map(|it| now - it),
            journal: self.journal.map(|it| now - it),
        }
    }
}

/// What the wall clock is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Witness {
    /// Up to when the store had been judged at the start.
    pub(crate) stored: Time,
    /// Whether somebody keeps the clock right.
    pub(crate) synchronised: fn() -> bool,
}

/// Runs until dropped.
pub(crate) async fn keep(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    retention: Retention,
    witness: Witness,
) {
    let start = clock.now();
    tokio::time::sleep(AFTER_START).await;
    loop {
        let Some(today) = witness.today(start, clock.now()) else {
            warn!(
                "nothing is forgotten: the clock is far ahead of the store, nobody keeps it right"
            );
            tokio::time::sleep(EVERY).await;
            continue;
        };
        match store.forget(retention.at(today)).await {
            Ok(0) => {}
            Ok(rows) => info!(rows, "forgot what is too old"),
            Err(error) => warn!("what is too old stays for now: {error}"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

impl Witness {
    pub(crate) fn of(restored: &Restored, synchronised: fn() -> bool) -> Self {
        // In a new store there is nothing to lose.
        let is_new = restored.last_change == 0;
        Self { stored: if is_new { Time::MAX } else { restored.frontier }, synchronised }
    }

    /// The time to count age from; none while it could be years ahead.
    fn today(self, start: Now, now: Now) -> Option<Time> {
        let is_near = start.wall <= self.stored + LONGEST_ABSENCE;
        (is_near || (self.synchronised)()).then(|| trusted(start, now))
    }
}

/// The earlier of what the wall clock says and what it would say had nobody set it since `start`.
fn trusted(start: Now, now: Now) -> Time {
    now.wall.min(start.wall + now.since(start))
}

/// Start is a busy time.
const AFTER_START: Duration = Duration::from_mins(10);
/// Between two runs of a hub whose clock nobody keeps right: as long as facts are kept at least.
const LONGEST_ABSENCE: Duration = Duration::from_hours(30 * 24);
const EVERY: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_ahead_ages_nothing() {
        let at = |mono, wall| Now { mono: Duration::from_secs(mono), wall: Time::from_secs(wall) };
        let start = at(100, 1_000_000);
        assert_eq!(trusted(start, at(160, 1_000_060)), Time::from_secs(1_000_060));
        assert_eq!(trusted(start, at(160, 900_000_000)), Time::from_secs(1_000_060));
        assert_eq!(trusted(start, at(160, 500_000)), Time::from_secs(500_000));
    }

    #[test]
    fn a_clock_that_was_ahead_at_the_start_counts_only_while_it_is_kept_right() {
        let day = |it: i64| Time::from_secs(it * 86_400);
        let at = |it: i64| Now { mono: Duration::ZERO, wall: day(it) };
        let witness = |synchronised| Witness { stored: day(20_000), synchronised };
        for (start, unkept) in [(19_000, true), (20_000, true), (20_030, true), (20_031, false)] {
            assert_eq!(witness(|| false).today(at(start), at(start)).is_some(), unkept, "{start}");
            assert_eq!(witness(|| true).today(at(start), at(start)), Some(day(start)));
        }
        // Set right later, it is as early as it says.
        assert_eq!(witness(|| true).today(at(30_000), at(20_001)), Some(day(20_001)));
    }
}
