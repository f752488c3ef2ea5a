//! `nearest`: how strongly each monitor heard each device, won or not, and which of them is nearest: the
//! one with the strongest mean.

use std::collections::BTreeMap;

use muster_core::batch::Reading;
use muster_core::identity::DeviceId;
use muster_core::reading;

use super::scope::{heard, intervals, strengths};
use super::{Fold, Scope};
use crate::table::{Cell, Column, Holds, Table};

#[derive(Debug, Default)]
pub(super) struct Nearest(BTreeMap<DeviceId, BTreeMap<usize, (u32, Option<reading::Signals>)>>);

impl Fold for Nearest {
    fn readings(&mut self, scope: &Scope, readings: &[Reading]) {
        for interval in intervals(readings) {
            for (device, monitors) in heard(scope, interval) {
                let sums = self.0.entry(device).or_default();
                for (monitor, it) in monitors {
                    let (count, signals) = sums.entry(monitor).or_default();
                    *count = count.saturating_add(1);
                    *signals = reading::Signals::both(*signals, it.rssi.map(reading::Signals::of));
                }
            }
        }
    }

    fn table(&mut self, scope: &Scope) -> Table {
        let mut table = Table::new(&COLUMNS);
        for (device, sums) in &self.0 {
            let nearest = nearest(sums);
            let asked = sums.iter().filter(|(it, _)| scope.is_asked(**it));
            for (monitor, (count, signals)) in asked {
                let mut row = scope.named(*device).to_vec();
                row.extend(scope.standing(*monitor));
                row.push(Cell::Whole((*count).into()));
                row.extend(strengths(*signals));
                row.push(Cell::Flag(nearest == Some(*monitor)));
                table.push(row);
            }
        }
        table
    }
}

/// The monitor with the strongest mean; of equals the one that comes first.
fn nearest(sums: &BTreeMap<usize, (u32, Option<reading::Signals>)>) -> Option<usize> {
    let with = sums.iter().filter_map(|(monitor, (_, signals))| Some((*monitor, (*signals)?)));
    // Compared as fractions, so that nothing is rounded.
    let stronger = |a: reading::Signals, b: reading::Signals| {
        i128::from(a.sum) * i128::from(b.count) > i128::from(b.sum) * i128::from(a.count)
    };
    with.reduce(|best, it| if stronger(it.1, best.1) { it } else { best }).map(|it| it.0)
}

pub(super) const COLUMNS: [Column; 10] = [
    Column::new("device").holding(Holds::Whole),
    Column::new("name"),
    Column::optional("person"),
    Column::new("monitor"),
    Column::optional("place"),
    Column::new("readings").holding(Holds::Whole),
    Column::new("mean_rssi").holding(Holds::Decimal),
    Column::new("best_rssi").holding(Holds::Whole),
    Column::optional("worst_rssi").holding(Holds::Whole),
    Column::new("nearest").holding(Holds::Flag),
];
