//! `monitors`: what each monitor heard best, and how it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muster_core::identity::DeviceId;
use muster_core::reading::{Signals, WinnerHour};
use muster_core::time::Time;

use super::scope::strengths;
use super::{Fold, Monitor, Scope};
use crate::table::{Cell, Column, Holds, Table};

#[derive(Debug, Default)]
pub(super) struct Monitors(BTreeMap<usize, One>);

#[derive(Debug, Default)]
struct One {
    devices: BTreeSet<DeviceId>,
    readings: u64,
    last: Option<Time>,
    signals: Option<Signals>,
}

impl Fold for Monitors {
    fn hours(&mut self, scope: &Scope, hours: &[WinnerHour]) {
        for it in hours {
            let Some((device, monitor)) = scope.of(it.identity, it.listener) else { continue };
            let one = self.0.entry(monitor).or_default();
            one.devices.insert(device);
            one.readings += u64::from(it.readings);
            one.last = one.last.max(Some(it.last));
            one.signals = Signals::both(one.signals, it.signals);
        }
    }

    fn table(&mut self, scope: &Scope) -> Table {
        let mut table = Table::new(&COLUMNS);
        let nothing = One::default();
        for (place, monitor) in scope.monitors.iter().enumerate() {
            let one = self.0.get(&place).unwrap_or(&nothing);
            let last = one.last.max(monitor.heard_to);
            let mut row = scope.standing(place).to_vec();
            row.push(Cell::Text(health(monitor, last, scope.now).to_owned()));
            row.push(Cell::time(last));
            row.push(Cell::count(one.devices.len()));
            row.push(Cell::number(one.readings));
            row.extend(strengths(one.signals));
            row.push(Cell::share(scope.covered(place, scope.window)));
            table.push(row);
        }
        table
    }
}

/// How a monitor is, by the alarm classes that BLE Monitor's queries have.
fn health(monitor: &Monitor, last: Option<Time>, now: Time) -> &'static str {
    if monitor.hears {
        return "hears";
    }
    match last.map(|it| now.since(it)) {
        Some(it) if it <= WARNING => "silent",
        Some(it) if it <= ALERT => "warning",
        Some(_) | None => "alert",
    }
}

const WARNING: Duration = Duration::from_hours(1);
const ALERT: Duration = Duration::from_hours(24);

pub(super) const COLUMNS: [Column; 10] = [
    Column::new("monitor"),
    Column::new("place"),
    Column::new("health"),
    Column::new("last_seen").holding(Holds::Time),
    Column::new("devices").holding(Holds::Whole),
    Column::new("readings").holding(Holds::Whole),
    Column::optional("mean_rssi").holding(Holds::Decimal),
    Column::optional("best_rssi").holding(Holds::Whole),
    Column::optional("worst_rssi").holding(Holds::Whole),
    Column::new("covered").holding(Holds::Share),
];
