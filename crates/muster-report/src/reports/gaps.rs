//! `gaps`: how many monitors listened, how many heard somebody, and how many devices there were in each
//! interval. An interval without any is a row too: that is what is looked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muster_core::batch::Reading;
use muster_core::span::{Span, SpanSet};
use muster_core::time::Time;

use super::scope::{heard, intervals};
use super::{Fold, Scope};
use crate::table::{Cell, Column, Holds, Table};

#[derive(Debug, Default)]
pub(super) struct Gaps(BTreeMap<(Time, Duration), (usize, usize)>);

impl Fold for Gaps {
    fn readings(&mut self, scope: &Scope, readings: &[Reading]) {
        for interval in intervals(readings) {
            let Some(first) = interval.first() else { continue };
            let heard = heard(scope, interval);
            let monitors: BTreeSet<usize> =
                heard.values().flat_map(|it| it.keys().copied()).collect();
            self.0.insert((first.interval, first.length), (monitors.len(), heard.len()));
        }
    }

    fn table(&mut self, scope: &Scope) -> Table {
        let mut table = Table::new(&COLUMNS);
        let mut from = scope.window.from.floor(scope.interval);
        if from < scope.window.from {
            from = from + scope.interval;
        }
        // Where somebody was heard in an interval of another length, that is the row.
        let heard = self.0.keys().map(|(at, length)| Span::new(*at, *at + *length));
        let heard: SpanSet = heard.collect();
        while from < scope.window.to {
            let interval = Span::new(from, from + scope.interval);
            if heard.clip(interval).measure().is_zero() {
                self.0.insert((from, scope.interval), (0, 0));
            }
            from = from + scope.interval;
        }
        for ((at, length), (monitors, devices)) in &self.0 {
            let span = Span::new(*at, *at + *length);
            let shares = (0..scope.monitors.len()).filter_map(|it| scope.covered(it, span));
            let shares: Vec<f64> = shares.collect();
            let all = f64::from(u32::try_from(scope.monitors.len()).unwrap_or(u32::MAX));
            let covered = (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / all);
            table.push(vec![
                Cell::Time(*at),
                Cell::count(shares.len()),
                Cell::count(*monitors),
                Cell::count(*devices),
                Cell::share(covered),
            ]);
        }
        table
    }
}

pub(super) const COLUMNS: [Column; 5] = [
    Column::new("interval").holding(Holds::Time),
    Column::new("listening").holding(Holds::Whole),
    Column::new("monitors").holding(Holds::Whole),
    Column::new("devices").holding(Holds::Whole),
    Column::new("covered").holding(Holds::Share),
];
