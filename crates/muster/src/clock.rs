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
