//! `hourly`: devices and readings by hour and monitor. A device counts once an interval, at the monitor
//! that heard it best. An hour in which a monitor listened and heard nobody is a row too.

use std::collections::BTreeMap;

use muster_core::batch::HOUR;
use muster_core::identity::DeviceId;
use muster_core::reading::{Signals, WinnerHour};
use muster_core::span::Span;
use muster_core::time::Time;

use super::scope::strengths;
use super::{Fold, MOST_ROWS, Scope};
use crate::table::{Cell, Column, Holds, Table};

#[derive(Debug, Default)]
pub(super) struct Hourly {
    open: BTreeMap<(Time, usize), Open>,
    done: BTreeMap<(Time, usize), Done>,
}

#[derive(Debug, Default)]
struct Open {
    devices: Vec<DeviceId>,
    rest: Done,
}

#[derive(Clone, Copy, Debug, Default)]
struct Done {
    devices: usize,
    readings: u32,
    signals: Option<Signals>,
}

impl Hourly {
    fn close(&mut self) {
        for (key, mut it) in std::mem::take(&mut self.open) {
            it.devices.sort_unstable();
            it.devices.dedup();
            self.done.insert(key, Done { devices: it.devices.len(), ..it.rest });
        }
    }
}

impl Fold for Hourly {
    fn hours(&mut self, scope: &Scope, hours: &[WinnerHour]) {
        for of_one in hours.chunk_by(|a, b| a.hour == b.hour) {
            for it in of_one {
                let Some((device, monitor)) = scope.of(it.identity, it.listener) else { continue };
                let open = self.open.entry((it.hour, monitor)).or_default();
                open.devices.push(device);
                open.rest.readings = open.rest.readings.saturating_add(it.readings);
                open.rest.signals = Signals::both(open.rest.signals, it.signals);
            }
            self.close();
        }
    }

    fn is_full(&self) -> bool {
        self.done.len() > MOST_ROWS
    }

    fn table(&mut self, scope: &Scope) -> Table {
        let mut table = Table::new(&COLUMNS);
        let mut hour = scope.window.from.floor(HOUR);
        while hour < scope.window.to {
            for monitor in 0..scope.monitors.len() {
                let covered = scope.covered(monitor, Span::new(hour, hour + HOUR));
                let heard = self.done.get(&(hour, monitor)).copied();
                if heard.is_none() && covered.is_none() {
                    continue;
                }
                let heard = heard.unwrap_or_default();
                let mut row = vec![Cell::Time(hour)];
                row.extend(scope.standing(monitor));
                row.push(Cell::Whole(i64::try_from(heard.devices).unwrap_or(i64::MAX)));
                row.push(Cell::Whole(heard.readings.into()));
                row.extend(strengths(heard.signals));
                row.push(Cell::share(covered));
                table.push(row);
            }
            hour = hour + HOUR;
        }
        table
    }
}

pub(super) const COLUMNS: [Column; 9] = [
    Column::new("hour").holding(Holds::Time),
    Column::new("monitor"),
    Column::new("place"),
    Column::new("devices").holding(Holds::Whole),
    Column::new("readings").holding(Holds::Whole),
    Column::optional("mean_rssi").holding(Holds::Decimal),
    Column::optional("best_rssi").holding(Holds::Whole),
    Column::optional("worst_rssi").holding(Holds::Whole),
    Column::new("covered").holding(Holds::Share),
];
