//! The only place that asks the machine what time it is.

use std::time::Duration;

use jiff::Timestamp;
use muster_core::ports::Clock;
use muster_core::time::{Now, Time};
use nix::time::{ClockId, clock_gettime};

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    fn now(&self) -> Now {
        let mono = clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from);
        Now { mono, wall: Time::from(Timestamp::now()) }
    }
}

/// Whether somebody keeps the wall clock right (`adjtimex(2)`: not `TIME_ERROR`).
pub(crate) fn is_synchronised() -> bool {
    // SAFETY: `timex` is plain numbers, for which zeros are valid; zero `modes` changes nothing.
    #[expect(unsafe_code, reason = "no safe wrapper of adjtimex(2) among what is linked anyway")]
    let state = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        libc::adjtimex(&raw mut timex)
    };
    (0..libc::TIME_ERROR).contains(&state)
}

/// Both clocks where there is only civil time: in recordings, in the past, in a store that was left.
pub(crate) fn civil(wall: Time) -> Now {
    Now { mono: wall.since(Time::default()), wall }
}

/// How far the wall clock was set between two readings, in microseconds; zero below
/// [`STEP`], where it is only slewed or the readings were not taken at once.
pub(crate) fn stepped(before: Now, after: Now) -> i64 {
    let lived = i64::try_from(after.since(before).as_micros()).unwrap_or(i64::MAX);
    let passed = after.wall.micros().saturating_sub(before.wall.micros());
    let step = passed.saturating_sub(lived);
    if step.unsigned_abs() > STEP.as_micros().try_into().unwrap_or(u64::MAX) { step } else { 0 }
}

/// The least difference that is a step: NTP slews smaller ones away.
pub(crate) const STEP: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono: u64, wall: i64) -> Now {
        Now { mono: Duration::from_secs(mono), wall: Time::from_secs(wall) }
    }

    #[test]
    fn time_goes_on() {
        let one = SystemClock.now();
        let two = SystemClock.now();
        assert!(two.mono >= one.mono);
        assert_eq!(stepped(one, two), 0);
    }

    #[test]
    fn only_steps_are_steps() {
        assert_eq!(stepped(at(10, 100), at(70, 160)), 0);
        assert_eq!(stepped(at(10, 100), at(70, 161)), 0);
        assert_eq!(stepped(at(10, 100), at(70, 190)), 30_000_000);
        assert_eq!(stepped(at(10, 1_000), at(11, 1)), -1_000_000_000);
    }
}
