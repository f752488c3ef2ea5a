//! `days`, `busiest` and `pattern`: devices and readings of all monitors by day, by hour, and by the hour
//! of the day. Means are taken over the time in which a monitor listened, not over all time: readings are
//! divided by it, and of devices, which do not grow with it, each hour counts by its share.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use muster_core::batch::HOUR;
use muster_core::identity::DeviceId;
use muster_core::reading::WinnerHour;
use muster_core::span::Span;
use muster_core::time::Time;

use super::{Fold, Scope};
use crate::table::{Cell, Column, Holds, Table};

/// Devices and readings by time.
#[derive(Debug)]
pub(super) struct Times {
    by: By,
    hours: BTreeMap<Time, (usize, u64)>,
    days: BTreeMap<Date, Day>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Day,
    Hour,
    Clock,
}

#[derive(Debug, Default)]
struct Day {
    devices: BTreeSet<DeviceId>,
    readings: u64,
}

impl Times {
    pub(super) fn days() -> Self {
        Self::by(By::Day)
    }

    pub(super) fn busiest() -> Self {
        Self::by(By::Hour)
    }

    pub(super) fn pattern() -> Self {
        Self::by(By::Clock)
    }

    fn by(by: By) -> Self {
        Self { by, hours: BTreeMap::new(), days: BTreeMap::new() }
    }

    fn by_day(&self, scope: &Scope) -> Table {
        let mut table = Table::new(&DAYS);
        let any = scope.any();
        let mut day = date(scope, scope.window.from);
        while let Some(span) = span_of(scope, day).filter(|it| it.from < scope.window.to) {
            let heard = self.days.get(&day);
            let covered = scope.share(&any, span);
            if heard.is_some() || covered.is_some() {
                let is_new = |device: &DeviceId| {
                    let first = scope.devices.get(device).and_then(|it| it.first_seen);
                    first.is_some_and(|it| span.contains(it))
                };
                let newcomers =
                    heard.map_or(0, |it| it.devices.iter().filter(|it| is_new(it)).count());
                table.push(vec![
                    Cell::Text(day.to_string()),
                    Cell::count(heard.map_or(0, |it| it.devices.len())),
                    Cell::count(newcomers),
                    Cell::number(heard.map_or(0, |it| it.readings)),
                    Cell::share(covered),
                ]);
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        table
    }

    fn by_hour(&self, scope: &Scope) -> Table {
        let mut table = Table::new(&BUSIEST);
        let any = scope.any();
        let mut all: Vec<_> = self.hours.iter().collect();
        all.sort_by_key(|(hour, (devices, readings))| (Reverse((*devices, *readings)), **hour));
        for (hour, (devices, readings)) in all.into_iter().take(scope.limit) {
            let covered = scope.share(&any, Span::new(*hour, *hour + HOUR));
            table.push(vec![
                Cell::Time(*hour),
                Cell::count(*devices),
                Cell::number(*readings),
                Cell::share(covered),
            ]);
        }
        table
    }

    fn by_clock(&self, scope: &Scope) -> Table {
        let mut sums = [Clock::default(); 24];
        let any = scope.any();
        let mut hour = scope.window.from.floor(HOUR);
        while hour < scope.window.to {
            let at = hour.timestamp().to_zoned(scope.zone.clone()).hour();
            let span = Span::new(hour, hour + HOUR);
            let length = span.intersect(scope.window).map_or(0.0, hours_of);
            if let Some(sum) = usize::try_from(at).ok().and_then(|it| sums.get_mut(it)) {
                let (devices, readings) = self.hours.get(&hour).copied().unwrap_or_default();
                let covered = scope.share(&any, span).unwrap_or_default() * length;
                sum.devices += f64::from(u32::try_from(devices).unwrap_or(u32::MAX)) * covered;
                sum.readings += f64::from(u32::try_from(readings).unwrap_or(u32::MAX));
                sum.covered += covered;
                sum.all += length;
            }
            hour = hour + HOUR;
        }
        let mut table = Table::new(&PATTERN);
        for (at, sum) in sums.iter().enumerate().filter(|(_, it)| it.covered > 0.0) {
            table.push(vec![
                Cell::Text(format!("{at:02}:00")),
                Cell::Decimal(sum.devices / sum.covered),
                Cell::Decimal(sum.readings / sum.covered),
                Cell::Share(sum.covered / sum.all),
            ]);
        }
        table
    }
}

/// Sums over the same hour of all days; times in hours, devices weighted by them.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    devices: f64,
    readings: f64,
    covered: f64,
    all: f64,
}

impl Fold for Times {
    fn hours(&mut self, scope: &Scope, hours: &[WinnerHour]) {
        for of_one in hours.chunk_by(|a, b| a.hour == b.hour) {
            let Some(hour) = of_one.first().map(|it| it.hour) else { continue };
            let wanted = of_one.iter().filter_map(|it| {
                scope.of(it.identity, it.listener).map(|(device, _)| (device, it.readings))
            });
            let (mut devices, mut readings) = (Vec::new(), 0_u64);
            for (device, count) in wanted {
                devices.push(device);
                readings += u64::from(count);
            }
            devices.sort_unstable();
            devices.dedup();
            if devices.is_empty() {
                continue;
            }
            self.hours.insert(hour, (devices.len(), readings));
            if self.by == By::Day {
                // An hour that begins before the time asked for counts from then on.
                let day = date(scope, hour.max(scope.window.from));
                let day = self.days.entry(day).or_default();
                day.devices.extend(devices);
                day.readings += readings;
            }
        }
    }

    fn table(&mut self, scope: &Scope) -> Table {
        match self.by {
            By::Day => self.by_day(scope),
            By::Hour => self.by_hour(scope),
            By::Clock => self.by_clock(scope),
        }
    }
}

fn hours_of(span: Span) -> f64 {
    span.length().as_secs_f64() / HOUR.as_secs_f64()
}

fn date(scope: &Scope, at: Time) -> Date {
    at.timestamp().to_zoned(scope.zone.clone()).date()
}

/// A day in the zone: of 23, 24 or 25 hours.
fn span_of(scope: &Scope, day: Date) -> Option<Span> {
    let begin = |it: Date| it.to_zoned(scope.zone.clone()).ok().map(|it| it.timestamp().into());
    Some(Span::new(begin(day)?, begin(day.tomorrow().ok()?)?))
}

pub(super) const DAYS: [Column; 5] = [
    Column::new("day"),
    Column::new("devices").holding(Holds::Whole),
    Column::new("new").holding(Holds::Whole),
    Column::new("readings").holding(Holds::Whole),
    Column::new("covered").holding(Holds::Share),
];
pub(super) const BUSIEST: [Column; 4] = [
    Column::new("hour").holding(Holds::Time),
    Column::new("devices").holding(Holds::Whole),
    Column::new("readings").holding(Holds::Whole),
    Column::new("covered").holding(Holds::Share),
];
pub(super) const PATTERN: [Column; 4] = [
    Column::new("hour"),
    Column::new("devices").holding(Holds::Decimal),
    Column::new("readings").holding(Holds::Decimal),
    Column::new("covered").holding(Holds::Share),
];
