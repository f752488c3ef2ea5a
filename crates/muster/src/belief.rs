//! Which time it is, as far as the loop believes the machine.
//!
//! Time does not go back. A clock that is behind what is stored was set back or never set: unless
//! somebody keeps it right (then it was ahead before), the loop goes on counting from what is
//! stored, so that nothing recorded is unmade by a wrong clock.

use std::time::Duration;

use muster_core::fact::Fact;
use muster_core::time::{Now, Time};
use tracing::warn;

use crate::hold::shifted;

/// What is believed instead of the wall clock.
#[derive(Debug, Default)]
pub(crate) struct Belief {
    /// From when on it is not believed: the boot-time clock then, and what it should have shown.
    since: Option<(Duration, Time)>,
}

impl Belief {
    /// The time to go by, when the machine says `raw` and everything up to `known` has been judged;
    /// `ahead` is how far a clock may lag behind that.
    pub(crate) fn time(
        &mut self,
        raw: Now,
        known: Time,
        ahead: Duration,
        synchronised: fn() -> bool,
    ) -> Now {
        if raw.wall + ahead >= known || synchronised() {
            if self.since.take().is_some() {
                warn!("the machine's clock is believed again: {}", raw.wall);
            }
            return raw;
        }
        let (mono, wall) = *self.since.get_or_insert_with(|| {
            warn!("the machine's clock is not believed: it shows {}, before {known}", raw.wall);
            (raw.mono, known)
        });
        Now { mono: raw.mono, wall: wall + raw.mono.saturating_sub(mono) }
    }

    /// Whether the machine's clock is behind what is stored, and nobody keeps it right.
    pub(crate) fn doubts(&self) -> bool {
        self.since.is_some()
    }

    /// Facts with the dates that are believed: `now` when the machine says `raw`.
    pub(crate) fn dated(facts: Vec<Fact>, raw: Now, now: Now) -> Vec<Fact> {
        let by = now.wall.micros().saturating_sub(raw.wall.micros());
        if by == 0 {
            return facts;
        }
        facts.into_iter().map(|it| shifted(it, by)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono: u64, wall: i64) -> Now {
        Now { mono: Duration::from_secs(mono), wall: Time::from_secs(wall) }
    }

    #[test]
    fn time_goes_on_from_what_is_stored_until_the_clock_is_right() {
        let mut belief = Belief::default();
        let (known, ahead) = (Time::from_secs(10_000), Duration::from_mins(2));
        let unset = || false;
        assert_eq!(belief.time(at(5, 9_900), known, ahead, unset), at(5, 9_900), "near enough");
        assert!(!belief.doubts());
        assert_eq!(belief.time(at(10, 0), known, ahead, unset), at(10, 10_000));
        assert_eq!(belief.time(at(40, 30), known, ahead, unset), at(40, 10_030));
        assert_eq!(belief.time(at(50, 7_000), known, ahead, unset), at(50, 10_040), "not enough");
        assert!(belief.doubts());
        assert_eq!(belief.time(at(60, 50_000), known, ahead, unset), at(60, 50_000));
        assert!(!belief.doubts());
        assert_eq!(belief.time(at(70, 0), known, ahead, || true), at(70, 0), "that one is kept");
    }
}
