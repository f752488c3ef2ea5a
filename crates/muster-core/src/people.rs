//! Judges one person: from the stays of the devices that they carry, and from what was set by
//! hand, to their own stays.
//!
//! **Invariant:** a pure function of the holds and the overrides; it knows no listener.

use std::time::Duration;

use crate::directory::{Device, Directory, Override};
use crate::identity::{PersonId, PlaceId};
use crate::judge::Judged;
use crate::span::{Span, SpanSet};
use crate::stay::{Ended, Stay};
use crate::time::Time;

/// A time during which something holds a person at a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The stay that holds, cut to the time of ownership.
    pub stay: Judged,
    /// Recorded before the facts at hand: joins with what touches it, and is nothing alone.
    pub recorded: bool,
}

impl Hold {
    /// What a device's stay means to one owner: one hold for each time that they owned it.
    pub fn of_device<'a>(
        device: &'a Device,
        person: PersonId,
        stay: &'a Judged,
    ) -> impl Iterator<Item = Self> + 'a {
        let ends = device.owners.iter().skip(1).map(|it| it.from).chain([Time::MAX]);
        let owned = device.owners.iter().zip(ends);
        owned.filter(move |(it, _)| it.person == Some(person)).filter_map(move |(it, end)| {
            cut(stay, Span::new(it.from, end)).map(|stay| Self { stay, recorded: false })
        })
    }

    /// A stay that was recorded before `floor`, up to there, with its uncovered time up to there.
    #[must_use]
    pub fn of_record(stay: &Stay, uncovered: Duration, floor: Time) -> Self {
        let last = stay.last.min(floor);
        let mut judged = Judged::begun(stay.site, stay.from, last, stay.after_gap);
        judged.uncovered_before = uncovered;
        judged.ended = Ended::Left;
        judged.decided = Some(Time::from_micros(last.micros().saturating_add(1)));
        Self { stay: judged, recorded: true }
    }

    /// As it is known at a time: an end that is still to come is none.
    fn until(mut self, frontier: Time) -> Self {
        if self.stay.decided.is_some_and(|it| it > frontier) && !self.recorded {
            self.stay.ended = Ended::Open;
            self.stay.decided = None;
        }
        self
    }

    /// What of it lies at or after a time.
    #[must_use]
    pub fn since(self, from: Time) -> Option<Self> {
        if self.stay.from >= from {
            return Some(self);
        }
        let recorded = self.recorded;
        cut(&self.stay, Span::new(from, Time::MAX)).map(|stay| Self { stay, recorded })
    }
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Their stays, by start.
    pub stays: Vec<Judged>,
    /// What is set by hand and in force at the frontier.
    pub set: Option<Override>,
}

/// Judges a person. What was set by hand counts from `begin` on; what was set before the `floor` was
/// in force there.
#[must_use]
pub fn judge_person(
    holds: Vec<Hold>,
    overrides: &[Override],
    begin: Time,
    floor: Time,
    frontier: Time,
) -> Verdict {
    let site = Directory::FIRST_SITE;
    let mut holds: Vec<Hold> = holds
        .into_iter()
        .filter(|it| it.stay.from <= frontier)
        .map(|it| it.until(frontier))
        .collect();
    if overrides.is_empty() {
        return Verdict { stays: unite(holds), set: None };
    }
    let by_devices = unite(holds.iter().filter(|it| !it.recorded).cloned().collect());
    let forced: Vec<(&Override, Span)> = overrides
        .iter()
        .map(|it| (it, in_force(it, by_devices.iter().filter(|it| it.site == site), floor)))
        .map(|(it, span)| (it, Span::new(span.from.max(begin), span.to)))
        .filter(|(_, span)| !span.is_empty() && span.from <= frontier)
        .collect();
    for (set, span) in &forced {
        if set.home {
            holds.push(by_hand(site, *span, span.to < set.until, frontier));
        } else {
            holds = holds.into_iter().flat_map(|it| without(it, site, *span)).collect();
        }
    }
    let mut stays = unite(holds);
    stays.retain(|it| it.from <= frontier);
    let set = forced.into_iter().rfind(|(_, span)| span.contains(frontier)).map(|(it, _)| it);
    Verdict { stays, set: set.cloned() }
}

/// When an override is in force: until it expires or is contradicted, which it was not before
/// the `floor`.
fn in_force<'a>(it: &Override, stays: impl Iterator<Item = &'a Judged>, floor: Time) -> Span {
    let contradicted = if it.home {
        let ended = stays.filter(|stay| stay.last > it.at).filter_map(|stay| stay.decided);
        ended.filter(|decided| *decided > floor).min()
    } else {
        stays.map(|stay| stay.from).filter(|from| *from > it.at && *from >= floor).min()
    };
    Span::new(it.at, contradicted.map_or(it.until, |at| at.min(it.until)))
}

/// The unions of holds that overlap or touch, at each site.
fn unite(mut holds: Vec<Hold>) -> Vec<Judged> {
    holds.sort_by_key(|it| (it.stay.site, it.stay.from, it.stay.last));
    let mut groups: Vec<Vec<Hold>> = Vec::new();
    let mut end = Time::MIN;
    for hold in holds {
        let span = hold.stay.hold();
        match groups.last_mut() {
            Some(group)
                if group.iter().all(|it| it.stay.site == hold.stay.site) && span.from <= end =>
            {
                end = end.max(span.to);
                group.push(hold);
            }
            _ => {
                end = span.to;
                groups.push(vec![hold]);
            }
        }
    }
    let alone = |group: &Vec<Hold>| group.iter().all(|it| it.recorded);
    let mut stays: Vec<_> =
        groups.into_iter().filter(|it| !alone(it)).filter_map(|it| united(&it)).collect();
    stays.sort_by_key(|it| (it.from, it.site));
    stays
}

/// One stay made of all holds in a group.
fn united(group: &[Hold]) -> Option<Judged> {
    let first = group.first()?;
    let decider = group.iter().max_by_key(|it| (it.stay.hold().to, it.stay.last))?;
    let from = first.stay.from;
    let last = group.iter().map(|it| it.stay.last).max()?;
    let mut covered = SpanSet::new();
    for hold in group {
        let span = hold.stay.hold();
        let span = Span::new(span.from, span.to.min(last));
        for part in hold.stay.uncovered.gaps(span).spans() {
            covered.insert(*part);
        }
    }
    let open = decider.stay.ended == Ended::Open;
    let late = group.iter().filter_map(|it| it.stay.to_latest).filter(|it| *it > last).max();
    Some(Judged {
        site: first.stay.site,
        from,
        last,
        ended: decider.stay.ended,
        decided: decider.stay.decided,
        to_latest: late.filter(|_| !open),
        uncovered: covered.gaps(Span::new(from, last)),
        uncovered_before: group
            .iter()
            .find(|it| it.recorded)
            .map_or(first.stay.uncovered_before, |it| it.stay.uncovered_before),
        after_gap: first.stay.after_gap,
        without: if open { Vec::new() } else { decider.stay.without.clone() },
    })
}

fn by_hand(site: PlaceId, span: Span, contradicted: bool, frontier: Time) -> Hold {
    let mut stay = Judged::begun(site, span.from, span.from, false);
    if span.to <= frontier {
        stay.last = if contradicted { span.from } else { span.to };
        stay.ended = Ended::Left;
        stay.decided = Some(span.to);
    }
    Hold { stay, recorded: false }
}

/// What remains of a hold when nothing holds during `away`.
fn without(hold: Hold, site: PlaceId, away: Span) -> Vec<Hold> {
    if hold.stay.site != site {
        return vec![hold];
    }
    let parts = [Span::new(Time::MIN, away.from), Span::new(away.to, Time::MAX)];
    let keep =
        |part: Span| cut(&hold.stay, part).map(|stay| Hold { stay, recorded: hold.recorded });
    parts.into_iter().filter_map(keep).collect()
}

/// The part of a stay inside a window; its last evidence is cut with it. Of a stay that has ended
/// nothing is left after its last evidence.
fn cut(stay: &Judged, window: Span) -> Option<Judged> {
    let hold = stay.hold().intersect(window)?;
    if stay.ended != Ended::Open && stay.last < window.from {
        return None;
    }
    let mut part = stay.clone();
    part.from = hold.from;
    part.last = stay.last.clamp(hold.from, hold.to);
    if hold.from > stay.from {
        part.after_gap = false;
        part.uncovered_before = Duration::ZERO;
    }
    part.uncovered = stay.uncovered.clip(hold);
    if window.to < stay.hold().to {
        part.ended = Ended::Left;
        part.decided = Some(window.to);
        part.to_latest = None;
        part.without = Vec::new();
    }
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: i64) -> Time {
        Time::from_secs(s)
    }

    fn hold(from: i64, last: i64, decided: Option<i64>) -> Hold {
        let mut stay = Judged::begun(Directory::FIRST_SITE, t(from), t(last), false);
        if let Some(decided) = decided {
            stay.ended = Ended::Left;
            stay.decided = Some(t(decided));
        }
        Hold { stay, recorded: false }
    }

    fn set(home: bool, at: i64, until: i64) -> Override {
        Override { home, at: t(at), until: t(until), by: "anna".into() }
    }

    #[track_caller]
    fn check(holds: Vec<Hold>, overrides: &[Override], frontier: i64, want: &[(i64, i64, Ended)]) {
        let got: Vec<_> = judge_person(holds, overrides, Time::MIN, Time::MIN, t(frontier))
            .stays
            .iter()
            .map(|it| (it.from.secs(), it.last.secs(), it.ended))
            .collect();
        assert_eq!(got, want);
    }

    #[test]
    fn holds_that_touch_are_one_stay() {
        use Ended::{Left, Open};
        check(vec![hold(0, 50, Some(100)), hold(100, 200, None)], &[], 300, &[(0, 200, Open)]);
        check(
            vec![hold(0, 50, Some(100)), hold(101, 200, Some(260))],
            &[],
            300,
            &[(0, 50, Left), (101, 200, Left)],
        );
        check(vec![hold(0, 90, Some(95)), hold(10, 20, Some(120))], &[], 300, &[(0, 90, Left)]);
    }

    #[test]
    fn what_is_set_by_hand_wins_until_contradicted() {
        use Ended::{Left, Open};
        let home = [set(true, 1000, 2000)];
        check(vec![], &home, 1500, &[(1000, 1000, Open)]);
        check(vec![], &home, 2000, &[(1000, 2000, Left)]);
        let came_and_went = || vec![hold(1100, 1200, Some(1300))];
        check(came_and_went(), &home, 1500, &[(1000, 1200, Left)]);
        let away = [set(false, 1000, 2000)];
        check(vec![hold(500, 1400, None)], &away, 1500, &[(500, 1000, Left)]);
        check(vec![hold(500, 2400, None)], &away, 2500, &[(500, 1000, Left), (2000, 2400, Open)]);
        let second = vec![hold(500, 1050, Some(1100)), hold(1200, 1400, None)];
        check(second, &away, 1500, &[(500, 1000, Left), (1200, 1400, Open)]);
    }

    #[test]
    fn a_record_alone_is_nothing() {
        let stay = Stay {
            id: crate::stay::StayId(1),
            subject: crate::stay::Subject::Person(PersonId(1)),
            site: Directory::FIRST_SITE,
            from: t(0),
            last: t(90),
            ended: Ended::Open,
            to_latest: None,
            uncovered: Duration::ZERO,
            after_gap: false,
            revision: 0,
        };
        let record = || Hold::of_record(&stay, Duration::ZERO, t(80));
        check(vec![record()], &[], 300, &[]);
        check(vec![record(), hold(70, 200, None)], &[], 300, &[(0, 200, Ended::Open)]);
    }
}
