//! `occupancy`: how many people were at each site in each hour, and how many at a time in the mean, by
//! their stays. One that lasts counts up to its last evidence: what nobody heard is not claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muster_core::batch::HOUR;
use muster_core::identity::PlaceId;
use muster_core::span::{Span, SpanSet};
use muster_core::stay::{Stay, Subject};
use muster_core::time::Time;

use super::{Fold, Scope};
use crate::table::{Cell, Column, Holds, Table};

#[derive(Debug, Default)]
pub(super) struct Occupancy(BTreeMap<(Time, PlaceId), (BTreeSet<Subject>, Duration)>);

impl Fold for Occupancy {
    fn stays(&mut self, scope: &Scope, stays: &[Stay]) {
        for stay in stays {
            let whole = Span::new(stay.from, stay.last.max(stay.from + INSTANT));
            let Some(within) = whole.intersect(scope.window) else { continue };
            let mut hour = within.from.floor(HOUR);
            while hour < within.to {
                let part = within.intersect(Span::new(hour, hour + HOUR));
                let (people, sum) = self.0.entry((hour, stay.site)).or_default();
                people.insert(stay.subject);
                *sum += part.map_or(Duration::ZERO, Span::length);
                hour = hour + HOUR;
            }
        }
    }

    fn table(&mut self, scope: &Scope) -> Table {
        let mut table = Table::new(&COLUMNS);
        let mut covered: BTreeMap<PlaceId, SpanSet> = BTreeMap::new();
        for it in &scope.monitors {
            covered.entry(it.site).or_default().union(it.covered.spans());
        }
        let mut hour = scope.window.from.floor(HOUR);
        while hour < scope.window.to {
            for (site, name) in &scope.sites {
                let span = Span::new(hour, hour + HOUR);
                let share = covered.get(site).and_then(|it| scope.share(it, span));
                let found = self.0.get(&(hour, *site));
                if found.is_none() && share.is_none() {
                    continue;
                }
                let length = span.intersect(scope.window).map_or(HOUR, Span::length);
                let mean = found.map_or(0.0, |it| it.1.as_secs_f64() / length.as_secs_f64());
                table.push(vec![
                    Cell::Time(hour),
                    Cell::Text(name.clone()),
                    Cell::count(found.map_or(0, |it| it.0.len())),
                    Cell::Decimal(mean),
                    Cell::share(share),
                ]);
            }
            hour = hour + HOUR;
        }
        table
    }
}

/// A stay of one sign is one too.
const INSTANT: Duration = Duration::from_micros(1);

pub(super) const COLUMNS: [Column; 5] = [
    Column::new("hour").holding(Holds::Time),
    Column::new("place"),
    Column::new("people").holding(Holds::Whole),
    Column::new("mean").holding(Holds::Decimal),
    Column::new("covered").holding(Holds::Share),
];
