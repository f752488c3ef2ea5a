//! The reports over readings: which there are, what columns they have, and what they make of what a
//! store counted.
//!
//! A report is fed with winners of the hours, or with readings, a piece of time after the other, and
//! gives a table in the end. It knows devices and monitors by number, so that months fit in memory.
//! **Invariant:** the pieces may be cut anywhere between two hours, and the table is the same.

use std::time::Duration;

use jiff::tz::TimeZone;
use muster_core::batch::{HOUR, Reading};
use muster_core::reading::WinnerHour;
use muster_core::span::Span;
use muster_core::stay::Stay;
use muster_core::time::Time;

use crate::table::{Column, Table};

mod scope;
pub use scope::{Device, Monitor, Scope};

mod hourly;

mod times;

mod monitors;

mod devices;

mod overlap;

mod gaps;

mod signals;

mod nearest;

mod recent;

mod occupancy;

/// A report on its way.
pub trait Fold {
    /// Takes winners of some hours: all of an hour at once, hours in order.
    fn hours(&mut self, _scope: &Scope, _hours: &[WinnerHour]) {}

    /// Takes readings, or winners, of some hours: all of an interval at once, intervals in order.
    fn readings(&mut self, _scope: &Scope, _readings: &[Reading]) {}

    /// Takes stays of people that share an instant with the window.
    fn stays(&mut self, _scope: &Scope, _stays: &[Stay]) {}

    /// Whether there are more rows than anybody reads, so that it is better to ask for less.
    fn is_full(&self) -> bool {
        false
    }

    /// What came of it.
    fn table(&mut self, scope: &Scope) -> Table;
}

/// Which report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Report {
    /// Devices and readings by hour and monitor.
    Hourly,
    /// What each monitor heard, and how it is.
    Monitors,
    /// When each device was heard, how often, and where best.
    Devices,
    /// Devices that several monitors heard in one interval, and who won.
    Overlap,
    /// How many monitors and devices there were in each interval.
    Gaps,
    /// Devices and readings by day.
    Days,
    /// The hours with the most devices.
    Busiest,
    /// Devices and readings by the hour of the day.
    Pattern,
    /// How many readings there are of each class of signals.
    Signals,
    /// How strongly each monitor heard each device.
    Nearest,
    /// Devices that were heard for the first time.
    New,
    /// Devices that were not heard for days.
    Unseen,
    /// Devices that are there most of the time.
    Regulars,
    /// The last readings.
    Recent,
    /// People by hour and site.
    Occupancy,
}

/// What a report is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Winners, counted by the hour.
    Hours,
    /// Every winner.
    Winners,
    /// Every listener's readings.
    Readings,
    /// Nothing but first and last sightings.
    Sightings,
    /// Stays of people.
    Stays,
}

impl Report {
    /// All with their names.
    pub const ALL: [(&'static str, Self); 15] = [
        ("hourly", Self::Hourly),
        ("monitors", Self::Monitors),
        ("devices", Self::Devices),
        ("overlap", Self::Overlap),
        ("gaps", Self::Gaps),
        ("days", Self::Days),
        ("busiest", Self::Busiest),
        ("pattern", Self::Pattern),
        ("signals", Self::Signals),
        ("nearest", Self::Nearest),
        ("new", Self::New),
        ("unseen", Self::Unseen),
        ("regulars", Self::Regulars),
        ("recent", Self::Recent),
        ("occupancy", Self::Occupancy),
    ];

    /// The report with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(it, _)| *it == name).map(|(_, it)| *it)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(it, _)| it)
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Hourly => "Devices by hour and monitor",
            Self::Monitors => "Monitors",
            Self::Devices => "Devices",
            Self::Overlap => "Heard by several monitors",
            Self::Gaps => "Intervals and gaps",
            Self::Days => "Devices by day",
            Self::Busiest => "Busiest hours",
            Self::Pattern => "Hours of the day",
            Self::Signals => "How strong signals are",
            Self::Nearest => "Signals by device and monitor",
            Self::New => "Heard for the first time",
            Self::Unseen => "Not heard for days",
            Self::Regulars => "There most of the time",
            Self::Recent => "Last heard",
            Self::Occupancy => "People by hour",
        }
    }

    /// Its columns, in order; every format has the same.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Hourly => &hourly::COLUMNS,
            Self::Monitors => &monitors::COLUMNS,
            Self::Devices => &devices::COLUMNS,
            Self::Overlap => &overlap::COLUMNS,
            Self::Gaps => &gaps::COLUMNS,
            Self::Days => &times::DAYS,
            Self::Busiest => &times::BUSIEST,
            Self::Pattern => &times::PATTERN,
            Self::Signals => &signals::COLUMNS,
            Self::Nearest => &nearest::COLUMNS,
            Self::New | Self::Unseen => &devices::SIGHTED,
            Self::Regulars => &devices::REGULARS,
            Self::Recent => &recent::COLUMNS,
            Self::Occupancy => &occupancy::COLUMNS,
        }
    }

    /// What it is made from.
    #[must_use]
    pub fn needs(self) -> Needs {
        match self {
            Self::Hourly
            | Self::Monitors
            | Self::Devices
            | Self::Days
            | Self::Busiest
            | Self::Pattern
            | Self::Regulars => Needs::Hours,
            Self::Signals | Self::Recent => Needs::Winners,
            Self::Overlap | Self::Gaps | Self::Nearest => Needs::Readings,
            Self::New | Self::Unseen => Needs::Sightings,
            Self::Occupancy => Needs::Stays,
        }
    }

    /// The time up to `to` that it is about where nobody says when it begins.
    #[must_use]
    pub fn window(self, to: Time, zone: &TimeZone) -> Span {
        let hours = match self {
            Self::New | Self::Regulars => {
                // Up to midnight is the day that ends then.
                let last = to - Duration::from_micros(1);
                let day = last.timestamp().to_zoned(zone.clone()).start_of_day();
                return Span::new(day.map_or(to - DAY, |it| it.timestamp().into()), to);
            }
            Self::Overlap | Self::Gaps => 2,
            Self::Hourly
            | Self::Monitors
            | Self::Devices
            | Self::Signals
            | Self::Nearest
            | Self::Unseen
            | Self::Recent
            | Self::Occupancy => 24,
            Self::Busiest | Self::Pattern => 7 * 24,
            Self::Days => 30 * 24,
        };
        Span::new(to - hours * HOUR, to)
    }

    /// How many rows it has whatever was heard.
    #[must_use]
    pub fn least_rows(self, scope: &Scope) -> u128 {
        match self {
            Self::Gaps => scope.window.length().as_micros() / scope.interval.as_micros().max(1),
            Self::Hourly
            | Self::Monitors
            | Self::Devices
            | Self::Overlap
            | Self::Days
            | Self::Busiest
            | Self::Pattern
            | Self::Signals
            | Self::Nearest
            | Self::New
            | Self::Unseen
            | Self::Regulars
            | Self::Recent
            | Self::Occupancy => 0,
        }
    }

    /// Whether what somebody asks for besides its name means anything in it: `from`, `to`, `monitor`,
    /// `place`, `person`, `days` or `limit`.
    #[must_use]
    pub fn takes(self, what: &str) -> bool {
        let is_sighted = matches!(self, Self::New | Self::Unseen);
        match what {
            "from" | "to" => self != Self::Unseen,
            "monitor" => !is_sighted && self != Self::Occupancy,
            "place" => !is_sighted,
            "days" => self == Self::Unseen,
            "limit" => matches!(self, Self::Busiest | Self::Recent),
            _ => what == "person",
        }
    }

    /// Whether it compares monitors, so that all have to be looked at whichever is asked for.
    #[must_use]
    pub fn compares(self) -> bool {
        matches!(self, Self::Overlap | Self::Nearest)
    }

    /// A new one.
    #[must_use]
    pub fn begin(self) -> Box<dyn Fold + Send> {
        match self {
            Self::Hourly => Box::new(hourly::Hourly::default()),
            Self::Monitors => Box::new(monitors::Monitors::default()),
            Self::Devices => Box::new(devices::Devices::default()),
            Self::Regulars => Box::new(devices::Devices::regulars()),
            Self::New => Box::new(devices::Sighted::New),
            Self::Unseen => Box::new(devices::Sighted::Unseen),
            Self::Overlap => Box::new(overlap::Overlap::default()),
            Self::Gaps => Box::new(gaps::Gaps::default()),
            Self::Days => Box::new(times::Times::days()),
            Self::Busiest => Box::new(times::Times::busiest()),
            Self::Pattern => Box::new(times::Times::pattern()),
            Self::Signals => Box::new(signals::Signals::default()),
            Self::Nearest => Box::new(nearest::Nearest::default()),
            Self::Recent => Box::new(recent::Recent::default()),
            Self::Occupancy => Box::new(occupancy::Occupancy::default()),
        }
    }
}

/// A spreadsheet holds a million rows, and nobody reads a tenth of that.
pub const MOST_ROWS: usize = 100_000;
const DAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_has_its_time() {
        let now: Time = "2026-11-21T10:30:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (name, report) in Report::ALL {
            let hours = report.window(now, &zone).length().as_secs_f64() / 3_600.0;
            let usual = match name {
                "overlap" | "gaps" => 2.0,
                "new" | "regulars" => 11.5,
                "busiest" | "pattern" => 168.0,
                "days" => 720.0,
                _ => 24.0,
            };
            assert!((hours - usual).abs() < 1e-9, "{name}: {hours}");
            assert_eq!(Report::named(name).map(Report::name), Some(name));
        }
        let midnight: Time = "2026-11-20T23:00:00Z".parse().unwrap();
        let day = Report::New.window(midnight, &zone);
        assert_eq!((day.length(), day.to), (DAY, midnight), "the day that ends then");
    }
}
