//! Times as people type them: RFC 3339, `HH:MM`, dates, and relative to now.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time as Clock};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, SpanRelativeTo, ToSpan};
use muster_core::time::Time;

use crate::failure::{Exit, Failure};

/// What a time is read against.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    /// Now.
    pub(crate) now: Time,
    /// Where the clock on the wall hangs.
    pub(crate) zone: TimeZone,
}

/// Which instant is meant where a text leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// A past time: `23:00` is the last one, a date is its start.
    From,
    /// The end of a past span: `23:00` is the last one, a date is its end, inclusive.
    To,
    /// A time to come: `18:00` is the next one, a date is its end.
    Until,
}

impl Reader {
    /// Reads a text; what is wrong with it is usage.
    pub(crate) fn read(&self, text: &str, meant: Meant) -> Result<Time, Failure> {
        self.find(text.trim(), meant).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("this is not a time: {text}")).hint(
                "write 2026-11-21T08:30:00Z, \"2026-11-21 08:30\", 2026-11-21, 08:30, today, \
                 yesterday, -2h or +30m",
            )
        })
    }

    fn find(&self, text: &str, meant: Meant) -> Option<Time> {
        let today = self.now.timestamp().to_zoned(self.zone.clone()).date();
        match text {
            "now" => return Some(self.now),
            "today" => return self.day(today, meant),
            "yesterday" => return self.day(today.yesterday().ok()?, meant),
            "tomorrow" => return self.day(today.tomorrow().ok()?, meant),
            _ => {}
        }
        if let Some(length) = text.strip_prefix('-') {
            return Some(self.now - length_of(length)?);
        }
        if let Some(length) = text.strip_prefix('+') {
            return Some(self.now + length_of(length)?);
        }
        if let Ok(instant) = text.parse::<Time>() {
            return Some(instant);
        }
        if let Some(clock) = clock_of(text) {
            return self.o_clock(today, clock, meant);
        }
        // A date alone reads as a date and time too: it has to be asked first.
        if let (true, Ok(day)) = (text.len() == DATE, text.parse::<Date>()) {
            return self.day(day, meant);
        }
        self.civil(text.parse::<DateTime>().ok()?)
    }

    /// The start of a day, or its end.
    fn day(&self, day: Date, meant: Meant) -> Option<Time> {
        match meant {
            Meant::From => self.civil(day.to_datetime(Clock::midnight())),
            Meant::To | Meant::Until => {
                self.civil(day.tomorrow().ok()?.to_datetime(Clock::midnight()))
            }
        }
    }

    /// The last or next time that the clock showed this.
    fn o_clock(&self, today: Date, clock: Clock, meant: Meant) -> Option<Time> {
        let at = self.civil(today.to_datetime(clock))?;
        match meant {
            Meant::From | Meant::To if at > self.now => {
                self.civil(today.checked_sub(1.day()).ok()?.to_datetime(clock))
            }
            Meant::Until if at <= self.now => {
                self.civil(today.checked_add(1.day()).ok()?.to_datetime(clock))
            }
            Meant::From | Meant::To | Meant::Until => Some(at),
        }
    }

    fn civil(&self, at: DateTime) -> Option<Time> {
        Some(at.to_zoned(self.zone.clone()).ok()?.timestamp().into())
    }
}

fn length_of(text: &str) -> Option<Duration> {
    let span = text.parse::<jiff::Span>().ok()?;
    let length: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length).ok()
}

fn clock_of(text: &str) -> Option<Clock> {
    let shaped = text.len() >= 4 && text.bytes().all(|it| it.is_ascii_digit() || it == b':');
    let (hour, rest) = text.split_once(':').filter(|_| shaped)?;
    let (minute, second) = rest.split_once(':').unwrap_or((rest, "0"));
    if hour.is_empty() || minute.len() != 2 {
        return None;
    }
    Clock::new(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?, 0).ok()
}

/// The length of a date: `2026-11-21`.
const DATE: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, meant: Meant) -> String {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        Reader { now, zone }
            .find(text, meant)
            .map_or_else(|| "none".to_owned(), |it| it.to_string())
    }

    #[test]
    fn what_people_type() {
        use Meant::{From, To, Until};
        for (text, meant, instant) in [
            ("2026-11-21T08:30:00Z", From, "2026-11-21T08:30:00Z"),
            ("2026-11-21T08:30:00+01:00", From, "2026-11-21T07:30:00Z"),
            ("2026-11-21 08:30", From, "2026-11-21T07:30:00Z"),
            ("2026-11-21T08:30", From, "2026-11-21T07:30:00Z"),
            ("08:30", From, "2026-11-21T07:30:00Z"),
            ("8:30", From, "2026-11-21T07:30:00Z"),
            ("23:00", From, "2026-11-20T22:00:00Z"),
            ("23:00:30", To, "2026-11-20T22:00:30Z"),
            ("18:00", Until, "2026-11-21T17:00:00Z"),
            ("08:00", Until, "2026-11-22T07:00:00Z"),
            ("2026-11-20", From, "2026-11-19T23:00:00Z"),
            ("2026-11-20", To, "2026-11-20T23:00:00Z"),
            ("today", From, "2026-11-20T23:00:00Z"),
            ("yesterday", To, "2026-11-20T23:00:00Z"),
            ("now", From, "2026-11-21T12:00:00Z"),
            ("-2h", From, "2026-11-21T10:00:00Z"),
            ("-1d", From, "2026-11-20T12:00:00Z"),
            ("-1h30m", From, "2026-11-21T10:30:00Z"),
            ("+30m", Until, "2026-11-21T12:30:00Z"),
        ] {
            assert_eq!(read(text, meant), instant, "{text}");
        }
    }

    #[test]
    fn a_day_may_have_25_hours() {
        assert_eq!(read("2026-10-25", Meant::From), "2026-10-24T22:00:00Z");
        assert_eq!(read("2026-10-25", Meant::To), "2026-10-25T23:00:00Z");
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "-",
            "--2h",
            "25:00",
            "8",
            "08:3",
            "2026-13-01",
            "soon",
            "-2",
            "12:00:00:00",
            "-9999999999d",
        ] {
            assert_eq!(read(text, Meant::From), "none", "{text}");
        }
    }
}
