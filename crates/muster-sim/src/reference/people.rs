//! A person's stays: the unions of what their carried devices and what was set by hand hold.

use std::collections::BTreeSet;
use std::time::Duration;

use muster_core::directory::{Directory, Override};
use muster_core::identity::{DeviceId, PersonId, PlaceId};
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
    let mut holds = votes.clone();
    let set = case.directory.overrides.get(&person).map_or(&[][..], Vec::as_slice);
    for (index, it) in set.iter().enumerate() {
        if it.at > case.frontier {
            continue;
        }
        let next = set.get(index + 1).map_or(Time::MAX, |it| it.at);
        let to = override_end(&votes, it, next);
        holds = holds.into_iter().flat_map(|hold| without(hold, it.at, to, it.home)).collect();
        if it.home {
            holds.push(by_hand(it.at, to, case.frontier));
        }
    }
    let sites: BTreeSet<PlaceId> = holds.iter().map(|it| it.site).collect();
    let mut told = Vec::new();
    for site in sites {
        let mut here: Vec<Hold> = holds.iter().filter(|it| it.site == site).cloned().collect();
        here.sort_by_key(|it| (it.from, it.to));
        let mut groups: Vec<Vec<Hold>> = Vec::new();
        for hold in here {
            match groups.last_mut() {
                Some(group) if group.iter().any(|it| it.to >= hold.from) => group.push(hold),
                _ => groups.push(vec![hold]),
            }
        }
        told.extend(groups.iter().map(|it| united(person, it)));
    }
    told
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
    let spans = owners.iter().enumerate().filter(|(_, it)| it.person == Some(person)).map(
        |(index, it)| (it.from, owners.get(index + 1).map_or(Time::MAX, |next| next.from)),
    );
    spans.filter_map(|(from, to)| cut(&whole, from, to)).collect()
}

/// The part of a hold inside [from, to).
fn cut(hold: &Hold, from: Time, to: Time) -> Option<Hold> {
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

fn by_hand(from: Time, to: Time, frontier: Time) -> Hold {
    let open = to > frontier;
    Hold {
        site: Directory::FIRST_SITE,
        from,
        to: if open { Time::MAX } else { to },
        last: to.min(frontier),
        ended: if open { Ended::Open } else { Ended::Left },
        to_latest: None,
        uncovered: Vec::new(),
        after_gap: false,
    }
}

/// When an override ends: expiry, the next one, or the first edge that contradicts it.
fn override_end(votes: &[Hold], set: &Override, next: Time) -> Time {
    let here = votes.iter().filter(|it| it.site == Directory::FIRST_SITE);
    let edges = here.filter_map(|it| {
        if set.home {
            (it.ended != Ended::Open && it.last > set.at).then_some(it.to)
        } else {
            (it.from > set.at).then_some(it.from)
        }
    });
    edges.fold(set.until.min(next), Time::min)
}

fn united(person: PersonId, holds: &[Hold]) -> Told {
    let from = holds.iter().map(|it| it.from).min().unwrap_or_default();
    let last = holds.iter().map(|it| it.last).max().unwrap_or_default();
    let decided = holds.iter().map(|it| it.to).max().unwrap_or_default();
    let ended = holds.iter().filter(|it| it.to == decided).map(|it| it.ended).min();
    let uncovered = (from.secs()..last.secs()).map(Time::from_secs).filter(|s| {
        let here = holds.iter().filter(|it| it.from <= *s && *s < it.to);
        here.clone().count() > 0 && here.clone().all(|it| it.uncovered.contains(s))
    });
    Told {
        subject: Subject::Person(person),
        site: holds.first().map_or(Directory::FIRST_SITE, |it| it.site),
        from,
        last,
        ended: ended.unwrap_or(Ended::Open),
        to_latest: holds.iter().filter_map(|it| it.to_latest).filter(|it| *it > last).max(),
        uncovered: Duration::from_secs(uncovered.count() as u64),
        after_gap: holds.first().is_some_and(|it| it.after_gap),
    }
}
