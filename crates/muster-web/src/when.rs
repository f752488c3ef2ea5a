//! Times as people read them: at what o'clock, and how long ago.
//!
//! The server writes them in the hub's zone; a script on the page rewrites them in the visitor's.

use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::time;
use jiff::tz::TimeZone;
use muster_core::time::Time;

/// One time on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    /// RFC 3339, for scripts.
    pub(crate) iso: String,
    /// `14:02`, with the date if it is another day.
    pub(crate) clock: String,
    /// The whole of it, with zone.
    pub(crate) full: String,
    /// `12 min ago`.
    pub(crate) ago: String,
}

impl When {
    pub(crate) fn new(at: Time, now: Time, zone: &TimeZone) -> Self {
        let there = at.timestamp().to_zoned(zone.clone());
        let here = now.timestamp().to_zoned(zone.clone());
        let format = if there.date() == here.date() {
            "%H:%M"
        } else if there.year() == here.year() {
            "%-d %b %H:%M"
        } else {
            "%-d %b %Y %H:%M"
        };
        Self {
            iso: at.to_string(),
            clock: there.strftime(format).to_string(),
            full: there.strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
            ago: ago(at, now),
        }
    }
}

/// How long before `now` a time was, in the words that the page's script uses too.
fn ago(at: Time, now: Time) -> String {
    if at > now {
        return format!("in {}", length(at.since(now)));
    }
    match now.since(at) {
        short if short < Duration::from_secs(10) => "just now".to_owned(),
        long => format!("{} ago", length(long)),
    }
}

/// A length in its largest unit: `40 s`, `12 min`, `3 h`, `5 days`.
pub(crate) fn length(it: Duration) -> String {
    let s = it.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min", s / 60),
        3600..172_800 => format!("{} h", s / 3600),
        _ => format!("{} days", s / 86_400),
    }
}

/// The next 04:00 in the zone: when a night is over and an override ends.
pub(crate) fn next_morning(now: Time, zone: &TimeZone) -> Time {
    let here = now.timestamp().to_zoned(zone.clone());
    let day = if here.time() < MORNING { here.date() } else { tomorrow(here.date()) };
    let morning = day.to_datetime(MORNING).to_zoned(zone.clone());
    morning.map_or(now + Duration::from_hours(12), |it| it.timestamp().into())
}

fn tomorrow(day: jiff::civil::Date) -> jiff::civil::Date {
    day.saturating_add(1.day())
}

const MORNING: jiff::civil::Time = time(4, 0, 0, 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let now = Time::from_secs(1_000_000);
        let before = |s| ago(now - Duration::from_secs(s), now);
        assert_eq!(before(3), "just now");
        assert_eq!(before(59), "59 s ago");
        assert_eq!(before(60), "1 min ago");
        assert_eq!(before(3599), "59 min ago");
        assert_eq!(before(7200), "2 h ago");
        assert_eq!(before(3 * 86_400), "3 days ago");
        assert_eq!(ago(now + Duration::from_hours(2), now), "in 2 h");
    }

    #[test]
    fn clocks_name_the_day_only_when_it_is_another() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let at = |text: &str| text.parse::<Time>().unwrap();
        let now = at("2026-11-21T23:30:00Z");
        let clock = |text: &str| When::new(at(text), now, &zone).clock;
        assert_eq!(clock("2026-11-21T23:10:00Z"), "00:10");
        assert_eq!(clock("2026-11-21T22:10:00Z"), "21 Nov 23:10");
        assert_eq!(clock("2025-11-21T22:10:00Z"), "21 Nov 2025 23:10");
    }

    #[test]
    fn a_night_ends_at_four_by_the_local_clock() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let next = |text: &str| next_morning(text.parse().unwrap(), &zone).to_string();
        assert_eq!(next("2026-11-21T20:00:00Z"), "2026-11-22T02:00:00Z");
        assert_eq!(next("2026-11-21T23:00:00Z"), "2026-11-22T02:00:00Z");
        assert_eq!(next("2026-11-22T02:00:00Z"), "2026-11-23T02:00:00Z");
    }
}
