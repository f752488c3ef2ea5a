//! `signals`: how many readings and devices there are of each class of signals.

use std::collections::BTreeSet;

use muster_core::batch::Reading;
use muster_core::identity::DeviceId;

use super::scope::CLASSES;
use super::{Fold, Scope};
use crate::table::{Cell, Column, Holds, Table};

#[derive(Debug, Default)]
pub(super) struct Signals([(u32, BTreeSet<DeviceId>); CLASSES.len()]);

impl Fold for Signals {
    fn readings(&mut self, scope: &Scope, readings: &[Reading]) {
        for it in readings {
            let Some((device, _)) = scope.of(it.identity, it.listener) else { continue };
            let Some(rssi) = it.rssi else { continue };
            let of_it = CLASSES.iter().zip(&mut self.0).find(|((least, _), _)| rssi >= *least);
            if let Some((_, (count, devices))) = of_it {
                *count = count.saturating_add(1);
                devices.insert(device);
            }
        }
    }

    fn table(&mut self, _: &Scope) -> Table {
        let mut table = Table::new(&COLUMNS);
        let all: f64 = self.0.iter().map(|(count, _)| f64::from(*count)).sum();
        if all <= 0.0 {
            return table;
        }
        for ((least, word), (count, devices)) in CLASSES.iter().zip(&self.0) {
            table.push(vec![
                Cell::Text((*word).to_owned()),
                Cell::whole(Some(*least).filter(|it| *it > i8::MIN)),
                Cell::Whole((*count).into()),
                Cell::count(devices.len()),
                Cell::Share(f64::from(*count) / all),
            ]);
        }
        table
    }
}

pub(super) const COLUMNS: [Column; 5] = [
    Column::new("signal"),
    Column::new("from_rssi").holding(Holds::Whole),
    Column::new("readings").holding(Holds::Whole),
    Column::new("devices").holding(Holds::Whole),
    Column::new("share").holding(Holds::Share),
];
