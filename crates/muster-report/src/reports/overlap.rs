//! `overlap`: devices that several monitors heard in one interval, how strongly each did, and who won.

use muster_core::batch::Reading;

use super::scope::{heard, intervals, winner};
use super::{Fold, MOST_ROWS, Scope};
use crate::table::{Cell, Column, Holds, Table};

#[derive(Debug, Default)]
pub(super) struct Overlap(Vec<Vec<Cell>>);

impl Fold for Overlap {
    fn readings(&mut self, scope: &Scope, readings: &[Reading]) {
        for interval in intervals(readings) {
            for (device, monitors) in heard(scope, interval) {
                let asked = monitors.keys().any(|it| scope.is_asked(*it));
                if monitors.len() < 2 || !asked {
                    continue;
                }
                let best = winner(&monitors);
                for (monitor, it) in &monitors {
                    let mut row = vec![Cell::Time(it.interval)];
                    row.extend(scope.named(device));
                    row.extend(scope.standing(*monitor));
                    row.push(Cell::whole(it.rssi));
                    row.push(Cell::Flag(best == Some(*monitor)));
                    self.0.push(row);
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        self.0.len() > MOST_ROWS
    }

    fn table(&mut self, _: &Scope) -> Table {
        Table { columns: COLUMNS.to_vec(), rows: std::mem::take(&mut self.0) }
    }
}

pub(super) const COLUMNS: [Column; 8] = [
    Column::new("interval").holding(Holds::Time),
    Column::new("device").holding(Holds::Whole),
    Column::optional("name"),
    Column::optional("person"),
    Column::new("monitor"),
    Column::optional("place"),
    Column::new("rssi").holding(Holds::Whole),
    Column::new("winner").holding(Holds::Flag),
];
