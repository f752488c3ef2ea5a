//! The only notion of time the core accepts: handed in, never looked up.
//!
//! Records are dated with [`Time`], whole microseconds of UTC, which is also what every store
//! keeps. Durations inside a boot are measured on the monotonic half of [`Now`].

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

/// An instant of civil time: microseconds of UTC since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// The earliest representable instant; before every fact.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest representable instant; after every fact.
    pub const MAX: Self = Self(i64::MAX);

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// From whole seconds since the epoch, saturating.
    #[must_use]
    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(MICROS))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The start of the interval of `length` that contains this instant, aligned to the epoch.
    #[must_use]
    pub fn floor(self, length: Duration) -> Self {
        let length = micros(length).max(1);
        Self(self.0.div_euclid(length).saturating_mul(length))
    }

    /// The same instant for people and calendars; clamped to what a calendar can hold.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }
}

impl From<Timestamp> for Time {
    fn from(it: Timestamp) -> Self {
        Self(it.as_microsecond())
    }
}

impl FromStr for Time {
    type Err = jiff::Error;

    /// Reads RFC 3339.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(Self::from)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(micros(by)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(micros(by)))
    }
}

/// One reading of both clocks, taken together by the shell.
///
/// Patience is measured on `mono`, which never steps and counts suspend; records are dated with
/// `wall`, which NTP may step (a board without an RTC boots in the past).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// `CLOCK_BOOTTIME`: time since the machine started, suspend included.
    pub mono: Duration,
    /// Civil time, for people and for the store.
    pub wall: Time,
}

impl Now {
    /// How long after `earlier` this reading was taken; zero if it was not.
    #[must_use]
    pub fn since(&self, earlier: Self) -> Duration {
        self.mono.saturating_sub(earlier.mono)
    }
}

/// A length in whole microseconds, saturating: how records keep it.
#[must_use]
pub fn micros(it: Duration) -> i64 {
    i64::try_from(it.as_micros()).unwrap_or(i64::MAX)
}

const MICROS: i64 = 1_000_000;
