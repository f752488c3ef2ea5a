//! `devices` and `regulars`: when each device was heard, how often, and where best; `new` and `unseen`:
//! who came for the first time, and who stays away.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muster_core::identity::DeviceId;
use muster_core::reading::{Signals, WinnerHour};
use muster_core::time::Time;

use super::scope::{class, mean};
use super::{Fold, Scope};
use crate::table::{Cell, Column, Holds, Table};

#[derive(Debug, Default)]
pub(super) struct Devices {
    all: BTreeMap<DeviceId, One>,
    regulars: bool,
}

#[derive(Debug)]
struct One {
    first: Time,
    last: Time,
    readings: u64,
    heard: Duration,
    signals: Option<Signals>,
    monitors: BTreeSet<usize>,
    /// The strongest signal, and the monitor that had it; of equals the one whose name comes first.
    best: (Option<i8>, Reverse<usize>),
}

impl Devices {
    pub(super) fn regulars() -> Self {
        Self { regulars: true, ..Self::default() }
    }
}

impl One {
    fn of(it: &WinnerHour, monitor: usize) -> Self {
        Self {
            first: it.first,
            last: it.last,
            readings: it.readings.into(),
            heard: it.length.saturating_mul(it.readings),
            signals: it.signals,
            monitors: BTreeSet::from([monitor]),
            best: (it.signals.map(|it| it.best), Reverse(monitor)),
        }
    }

    fn add(&mut self, it: &WinnerHour, monitor: usize) {
        self.first = self.first.min(it.first);
        self.last = self.last.max(it.last);
        self.readings += u64::from(it.readings);
        self.heard = self.heard.saturating_add(it.length.saturating_mul(it.readings));
        self.signals = Signals::both(self.signals, it.signals);
        self.monitors.insert(monitor);
        self.best = self.best.max((it.signals.map(|it| it.best), Reverse(monitor)));
    }

    /// The share of the time that was listened in which it was heard: at most all of it, although an
    /// interval counts as a whole.
    fn share(&self, listened: Duration) -> Option<f64> {
        let share = self.heard.as_secs_f64() / listened.as_secs_f64();
        (!listened.is_zero()).then_some(share.min(1.0))
    }
}

impl Fold for Devices {
    fn hours(&mut self, scope: &Scope, hours: &[WinnerHour]) {
        for it in hours {
            let Some((device, monitor)) = scope.of(it.identity, it.listener) else { continue };
            self.all
                .entry(device)
                .and_modify(|one| one.add(it, monitor))
                .or_insert_with(|| One::of(it, monitor));
        }
    }

    fn table(&mut self, scope: &Scope) -> Table {
        let listened = scope.any().clip(scope.window).measure();
        let covered = Cell::share(scope.covered_by_any(scope.window));
        if self.regulars {
            let mut table = Table::new(&REGULARS);
            let shares = self.all.iter().filter_map(|(id, it)| Some((id, it, it.share(listened)?)));
            let mut often: Vec<_> = shares.filter(|it| it.2 > OFTEN).collect();
            often.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(b.0)));
            for (device, it, share) in often {
                let mut row = scope.named(*device).to_vec();
                row.extend([Cell::number(it.readings), Cell::Share(share), covered.clone()]);
                table.push(row);
            }
            return table;
        }
        let mut table = Table::new(&COLUMNS);
        for (device, it) in &self.all {
            let (best, Reverse(monitor)) = it.best;
            let [name, _] = scope.standing(monitor);
            let mut row = scope.named(*device).to_vec();
            row.extend([
                Cell::Time(it.first),
                Cell::Time(it.last),
                Cell::number(it.readings),
                name,
                Cell::whole(best),
                it.signals.map_or(Cell::Empty, mean),
                Cell::text(best.map(class)),
                Cell::count(it.monitors.len()),
                Cell::share(it.share(listened)),
                covered.clone(),
            ]);
            table.push(row);
        }
        table
    }
}

/// Who came for the first time, and who stays away: by first and last sightings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sighted {
    /// First heard in the window.
    New,
    /// Not heard for some days.
    Unseen,
}

impl Fold for Sighted {
    fn table(&mut self, scope: &Scope) -> Table {
        let mut table = Table::new(&SIGHTED);
        let long = DAY * scope.days;
        let mut found: Vec<_> = scope
            .devices
            .iter()
            .filter(|(device, _)| scope.is_wanted(**device))
            .filter_map(|(device, it)| Some((it.first_seen?, it.last_seen?, *device)))
            .filter(|(first, last, _)| match self {
                Self::New => scope.window.contains(*first),
                Self::Unseen => scope.now.since(*last) > long,
            })
            .collect();
        match self {
            Self::New => found.sort(),
            Self::Unseen => found.sort_by_key(|(_, last, device)| (*last, *device)),
        }
        for (first, last, device) in found {
            let days = scope.now.since(last).as_secs() / DAY.as_secs();
            let mut row = scope.named(device).to_vec();
            row.extend([Cell::Time(first), Cell::Time(last), Cell::number(days)]);
            table.push(row);
        }
        table
    }
}

/// More than this share of the time is most of it.
const OFTEN: f64 = 0.8;
const DAY: Duration = Duration::from_hours(24);

pub(super) const COLUMNS: [Column; 13] = [
    Column::new("device").holding(Holds::Whole),
    Column::new("name"),
    Column::new("person"),
    Column::new("first_seen").holding(Holds::Time),
    Column::new("last_seen").holding(Holds::Time),
    Column::new("readings").holding(Holds::Whole),
    Column::new("best_monitor"),
    Column::new("best_rssi").holding(Holds::Whole),
    Column::optional("mean_rssi").holding(Holds::Decimal),
    Column::optional("signal"),
    Column::optional("monitors").holding(Holds::Whole),
    Column::optional("heard").holding(Holds::Share),
    Column::optional("covered").holding(Holds::Share),
];
pub(super) const REGULARS: [Column; 6] = [
    Column::new("device").holding(Holds::Whole),
    Column::new("name"),
    Column::new("person"),
    Column::new("readings").holding(Holds::Whole),
    Column::new("heard").holding(Holds::Share),
    Column::new("covered").holding(Holds::Share),
];
pub(super) const SIGHTED: [Column; 6] = [
    Column::new("device").holding(Holds::Whole),
    Column::new("name"),
    Column::new("person"),
    Column::new("first_seen").holding(Holds::Time),
    Column::new("last_seen").holding(Holds::Time),
    Column::new("days").holding(Holds::Whole),
];
