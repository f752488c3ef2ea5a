//! When a thing is at home: its owner's habits, day by day.

use std::time::Duration;

use muster_core::directory::DeviceKind;
use muster_core::span::{Span, SpanSet};
use muster_core::time::Time;

use super::{Resident, Thing};
use crate::rng::Rng;

/// When one thing is there.
#[derive(Debug)]
pub(super) struct Routine {
    habit: Habit,
    /// What the owner's days are drawn from: all of their things share it.
    owner: Rng,
    /// What is the thing's own.
    own: Rng,
    day: i64,
    there: SpanSet,
}

#[derive(Clone, Copy, Debug)]
enum Habit {
    /// Always.
    Stays,
    /// With its owner.
    Carried,
    /// With its owner, and then only while used.
    Used,
    /// With a guest.
    Visits,
}

impl Routine {
    pub(super) fn new(rng: &Rng, number: u64, thing: &Thing, residents: &[Resident]) -> Self {
        let owner = residents.iter().position(|it| Some(it.name) == thing.owner);
        let habit = match (thing.owner, thing.kind) {
            (Some(_), DeviceKind::Laptop | DeviceKind::Tablet) => Habit::Used,
            (Some(_), _) => Habit::Carried,
            (None, DeviceKind::Other) => Habit::Visits,
            (None, _) => Habit::Stays,
        };
        Self {
            habit,
            owner: rng.fork(100 + owner.map_or(50 + number, |it| it as u64)),
            own: rng.fork(200 + number),
            day: i64::MIN,
            there: SpanSet::new(),
        }
    }

    /// Whether it is there.
    pub(super) fn is_there(&mut self, at: Time) -> bool {
        let day = at.secs().div_euclid(DAY);
        if day != self.day {
            self.day = day;
            self.there = self.plan(day);
        }
        self.there.contains(at)
    }

    fn plan(&self, day: i64) -> SpanSet {
        let number = day.cast_unsigned();
        let mut owner = self.owner.fork(number);
        let mut own = self.own.fork(number);
        match self.habit {
            Habit::Stays => at_home(day, &[]),
            Habit::Carried => at_home(day, &absences(&mut owner, day)),
            Habit::Used => {
                let home = at_home(day, &absences(&mut owner, day));
                home.intersect(&sessions(&mut own, day))
            }
            Habit::Visits => visits(&mut own, day),
        }
    }
}

/// The day without these absences, in seconds of the day.
fn at_home(day: i64, absences: &[(i64, i64)]) -> SpanSet {
    let out: SpanSet = absences.iter().map(|(from, to)| span(day, *from, *to)).collect();
    out.gaps(span(day, 0, DAY))
}

/// Work on weekdays, errands and evenings out.
fn absences(rng: &mut Rng, day: i64) -> Vec<(i64, i64)> {
    // 1970-01-01 was a Thursday.
    let weekend = matches!((day + 3).rem_euclid(7), 5 | 6);
    let mut out = Vec::new();
    if !weekend && rng.percent(85) {
        let from = rng.within(7 * HOUR, 9 * HOUR);
        out.push((from, rng.within(16 * HOUR, 19 * HOUR)));
    } else {
        let from = rng.within(9 * HOUR, 14 * HOUR);
        out.push((from, from + rng.within(HOUR / 3, 5 * HOUR)));
    }
    if rng.percent(30) {
        let from = rng.within(19 * HOUR + HOUR / 4, 20 * HOUR);
        out.push((from, from + rng.within(HOUR, 7 * HOUR / 2)));
    } else if rng.percent(40) {
        let from = rng.within(19 * HOUR + HOUR / 4, 21 * HOUR);
        out.push((from, from + rng.within(HOUR / 10, HOUR)));
    }
    out
}

/// When a laptop or tablet is open.
fn sessions(rng: &mut Rng, day: i64) -> SpanSet {
    let count = 1 + rng.below(4);
    (0..count)
        .map(|_| {
            let from = rng.within(8 * HOUR, 22 * HOUR);
            span(day, from, (from + rng.within(HOUR / 4, 3 * HOUR)).min(DAY))
        })
        .collect()
}

fn visits(rng: &mut Rng, day: i64) -> SpanSet {
    if !rng.percent(25) {
        return SpanSet::new();
    }
    let from = rng.within(14 * HOUR, 20 * HOUR);
    [span(day, from, from + rng.within(HOUR, 4 * HOUR))].into_iter().collect()
}

fn span(day: i64, from: i64, to: i64) -> Span {
    let start = Time::from_secs(day * DAY);
    let at = |seconds: i64| start + Duration::from_secs(seconds.unsigned_abs());
    Span::new(at(from), at(to))
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
