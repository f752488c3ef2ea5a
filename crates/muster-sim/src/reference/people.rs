//! A person's stays: the unions of what their carried devices and what was set by hand hold.

use std::time::Duration;

use muster_core::directory::{Directory, Override};
use muster_core::identity::{PersonId, PlaceId};
use muster_core::stay::{Ended, Subject};
use muster_core::time::Time;

use super::{Case, Judged, Told};

/// A span in which something says that the person is there.
#[derive(Clone, Debug)]
struct Hold {
    site: PlaceId,
    from: Time,
    /// When its end was decided; [`Time::MAX`]: it has not ended.
    to: Time,
    /// Its last evidence.
    last: Time,
    ended: Ended,
    to_latest: Option<Time>,
    uncovered: Vec<Time>,
    after_gap: bool,
}

/// The stays of all people.
pub(super) fn stays(case: &Case<'_>, devices: &[Judged]) -> Vec<Told> {
    let people = case.directory.people.keys();
    people.flat_map(|person| stays_of(case, devices, *person)).collect()
}

fn stays_of(case: &Case<'_>, devices: &[Judged], person: PersonId) -> Vec<Told> {
    let votes: Vec<Hold> =
        devices.iter().flat_map(|it| votes(case.directory, person, it)).collect();
    let by_devices: Vec<Hold> = unions(&votes)
        .iter()
        .filter(|it| it.first().is_some_and(|it| it.site == Directory::FIRST_SITE))
        .map(|it| united(it))
        .collect();
    let mut holds = votes;
    let set = case.directory.overrides.get(&person).map_or(&[][..], Vec::as_slice);
    for it in set.iter().filter(|it| it.at <= case.frontier) {
        let to = override_end(&by_devices, it);
        if to <= it.at {
            continue;
        }
        holds = holds.into_iter().flat_map(|hold| without(hold, it.at, to, it.home)).collect();
        if it.home {
            holds.push(by_hand(it, to, case.frontier));
        }
    }
    let stays = unions(&holds).into_iter().map(|it| united(&it));
    stays.filter(|it| it.from <= case.frontier).map(|it| told(person, &it)).collect()
}

/// Holds that overlap or touch, together; site by site.
fn unions(holds: &[Hold]) -> Vec<Vec<Hold>> {
    let mut groups: Vec<Vec<Hold>> = Vec::new();
    let mut sorted = holds.to_vec();
    sorted.sort_by_key(|it| (it.site, it.from, it.last));
    for hold in sorted {
        let touches = |it: &Hold| it.site == hold.site && it.to >= hold.from;
        match groups.last_mut() {
            Some(group) if group.iter().any(touches) => group.push(hold),
            _ => groups.push(vec![hold]),
        }
    }
    groups
}

/// What a device's stay says of a person: the parts in which the device was theirs.
fn votes(directory: &Directory, person: PersonId, stay: &Judged) -> Vec<Hold> {
    let Subject::Device(id) = stay.told.subject else { return Vec::new() };
    if !directory.device(id).is_carried() {
        return Vec::new();
    }
    let whole = Hold {
        site: stay.told.site,
        from: stay.told.from,
        to: stay.decided.unwrap_or(Time::MAX),
        last: stay.told.last,
        ended: stay.told.ended,
        to_latest: stay.told.to_latest,
        uncovered: stay.uncovered.clone(),
        after_gap: stay.told.after_gap,
    };
    let owners = directory.device(id).owners;
    let spans =
        owners.iter().enumerate().filter(|(_, it)| it.person == Some(person)).map(|(index, it)| {
            (it.from, owners.get(index + 1).map_or(Time::MAX, |next| next.from))
        });
    spans.filter_map(|(from, to)| cut(&whole, from, to)).collect()
}

/// The part of a hold inside [from, to). The silence at the end of one that has ended is nobody's.
fn cut(hold: &Hold, from: Time, to: Time) -> Option<Hold> {
    if hold.ended != Ended::Open && hold.last < from {
        return None;
    }
    let mut part = hold.clone();
    if from > part.from {
        part.from = from;
        part.after_gap = false;
    }
    if to < part.to {
        part.to = to;
        part.ended = Ended::Left;
        part.to_latest = None;
    }
    part.last = part.last.min(to).max(part.from);
    (part.from < part.to).then_some(part)
}

/// What is left of a hold where the person was said to be away; all of it, if *home* was said.
fn without(hold: Hold, from: Time, to: Time, home: bool) -> Vec<Hold> {
    if home || hold.site != Directory::FIRST_SITE {
        return vec![hold];
    }
    cut(&hold, Time::MIN, from).into_iter().chain(cut(&hold, to, Time::MAX)).collect()
}

/// *Home* as it was set by hand: nobody saw the person, so the last evidence is the word itself,
/// until it has run out.
fn by_hand(set: &Override, to: Time, frontier: Time) -> Hold {
    let open = to > frontier;
    let ran_out = !open && to == set.until;
    Hold {
        site: Directory::FIRST_SITE,
        from: set.at,
        to: if open { Time::MAX } else { to },
        last: if ran_out { to } else { set.at },
        ended: if open { Ended::Open } else { Ended::Left },
        to_latest: None,
        uncovered: Vec::new(),
        after_gap: false,
    }
}

/// When an override ends: expiry, the next one, or the first edge that contradicts it.
fn override_end(by_devices: &[Hold], set: &Override) -> Time {
    let edges = by_devices.iter().filter_map(|it| {
        if set.home {
            (it.ended != Ended::Open && it.last > set.at).then_some(it.to)
        } else {
            (it.from > set.at).then_some(it.from)
        }
    });
    edges.fold(set.until, Time::min)
}

/// One hold made of all that touch.
fn united(holds: &[Hold]) -> Hold {
    let from = holds.iter().map(|it| it.from).min().unwrap_or_default();
    let last = holds.iter().map(|it| it.last).max().unwrap_or_default();
    let decider = holds.iter().max_by_key(|it| (it.to, it.last, it.from));
    let ended = decider.map_or(Ended::Open, |it| it.ended);
    let uncovered = (from.secs()..last.secs()).map(Time::from_secs).filter(|s| {
        let mut here = holds.iter().filter(|it| it.from <= *s && *s < it.to);
        here.all(|it| it.uncovered.contains(s))
    });
    let to_latest = holds.iter().filter_map(|it| it.to_latest).filter(|it| *it > last).max();
    Hold {
        site: holds.first().map_or(Directory::FIRST_SITE, |it| it.site),
        from,
        to: decider.map_or(Time::MAX, |it| it.to),
        last,
        ended,
        to_latest: to_latest.filter(|_| ended != Ended::Open),
        uncovered: uncovered.collect(),
        after_gap: holds.first().is_some_and(|it| it.after_gap),
    }
}

fn told(person: PersonId, stay: &Hold) -> Told {
    Told {
        subject: Subject::Person(person),
        site: stay.site,
        from: stay.from,
        last: stay.last,
        ended: stay.ended,
        to_latest: stay.to_latest,
        uncovered: Duration::from_secs(stay.uncovered.len() as u64),
        after_gap: stay.after_gap,
    }
}
