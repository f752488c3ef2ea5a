//! `recent`: the last readings, newest first.

use std::cmp::Reverse;

use muster_core::batch::Reading;

use super::{Fold, Scope};
use crate::table::{Cell, Column, Holds, Table};

#[derive(Debug, Default)]
pub(super) struct Recent(Vec<Reading>);

impl Fold for Recent {
    fn readings(&mut self, scope: &Scope, readings: &[Reading]) {
        let wanted = readings.iter().filter(|it| scope.of(it.identity, it.listener).is_some());
        self.0.extend(wanted);
        self.0.sort_by_key(|it| Reverse((it.at, it.identity, it.interval)));
        self.0.truncate(scope.limit);
    }

    fn table(&mut self, scope: &Scope) -> Table {
        let mut table = Table::new(&COLUMNS);
        for it in &self.0 {
            let Some((device, monitor)) = scope.of(it.identity, it.listener) else { continue };
            let mut row = vec![Cell::Time(it.at)];
            row.extend(scope.named(device));
            row.extend(scope.standing(monitor));
            row.extend([Cell::whole(it.rssi), Cell::Time(it.interval)]);
            table.push(row);
        }
        table
    }
}

pub(super) const COLUMNS: [Column; 8] = [
    Column::new("at").holding(Holds::Time),
    Column::new("device").holding(Holds::Whole),
    Column::new("name"),
    Column::optional("person"),
    Column::new("monitor"),
    Column::optional("place"),
    Column::new("rssi").holding(Holds::Whole),
    Column::optional("interval").holding(Holds::Time),
];
