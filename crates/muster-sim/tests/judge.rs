//! The engine's judgement against the naive reference, on many small worlds, without the hub
//! around it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use muster_core::directory::{DeviceKind, Directory};
use muster_core::fact::{FactBody, Listener, Outcome, SIGHTING};
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId, PersonId};
use muster_core::judge::{Judged, Line, judge};
use muster_core::people::{Hold, judge_person};
use muster_core::span::{Span, SpanSet};
use muster_core::stay::{Ended, Subject};
use muster_core::time::Time;
use muster_sim::generator::World;
use muster_sim::reference::{Case, Told, stays};

#[test]
fn engine_and_reference_agree() {
    let mut met: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..seeds() {
        let world = World::new(seed);
        let length = world.end.since(world.start);
        for part in [3, 5, 8] {
            let frontier = Time::from_secs((world.start + length * part / 8).secs());
            for case in compare(&world, frontier) {
                *met.entry(case).or_default() += 1;
            }
        }
    }
    let often = |case: &str| met.get(case).copied().unwrap_or(0) * 40 / seeds();
    for (case, least) in OFTEN {
        assert!(often(case) >= *least, "too seldom: {case}: {} in 40 worlds, {met:?}", often(case));
    }
}

fn seeds() -> u64 {
    std::env::var("MUSTER_SEEDS").ok().and_then(|it| it.parse().ok()).unwrap_or(40)
}

/// How often each case must come up in forty worlds, so that agreement means something.
const OFTEN: &[(&str, u64)] = &[
    ("open", 80),
    ("left", 400),
    ("moved", 30),
    ("assumed", 5),
    ("left without a listener", 4),
    ("conflict", 10),
    ("uncertain end", 15),
    ("uncovered", 40),
    ("after a gap", 4),
    ("person", 150),
    ("override", 50),
];

/// What was compared, case by case.
fn compare(world: &World, frontier: Time) -> Vec<String> {
    let directory = world.directory(frontier).unwrap();
    let facts: Vec<_> = world
        .noticed
        .iter()
        .filter(|(at, _)| *at <= frontier)
        .map(|(_, fact)| fact.clone())
        .collect();
    let identities = world.numbered();
    let case = Case {
        facts: &facts,
        policy: &world.policy,
        directory: &directory,
        identities: &identities,
        frontier,
    };
    let want = stays(&case);
    let (got, mut met) = judged(&case, world);
    let difference: Vec<_> = want
        .iter()
        .filter(|it| !got.contains(it))
        .map(|it| format!("reference {it:?}"))
        .chain(got.iter().filter(|it| !want.contains(it)).map(|it| format!("engine    {it:?}")))
        .collect();
    assert!(
        difference.is_empty(),
        "seed {} up to {frontier} of {} to {}:\n{}",
        world.seed,
        world.start,
        world.end,
        difference.join("\n")
    );
    for it in &want {
        let cases = [
            (true, it.ended.word()),
            (it.to_latest.is_some(), "uncertain end"),
            (!it.uncovered.is_zero(), "uncovered"),
            (it.after_gap, "after a gap"),
            (matches!(it.subject, Subject::Person(_)), "person"),
        ];
        met.extend(cases.iter().filter(|(met, _)| *met).map(|(_, case)| (*case).to_owned()));
    }
    met
}

fn judged(case: &Case<'_>, world: &World) -> (Vec<Told>, Vec<String>) {
    let mut met = Vec::new();
    let mut coverage: BTreeMap<&Listener, SpanSet> = BTreeMap::new();
    for fact in case.facts {
        if let FactBody::Coverage(span) = fact.body {
            coverage.entry(&fact.listener).or_default().insert(span);
        }
    }
    let mut all = Vec::new();
    let mut by_device: Vec<(DeviceId, Vec<Judged>)> = Vec::new();
    let mut devices: Vec<DeviceId> =
        case.identities.iter().map(|(id, _)| case.directory.device_of(*id)).collect();
    devices.dedup();
    for device in devices {
        let phone = case.directory.device(device).kind == DeviceKind::Phone;
        let bridged: BTreeMap<&Listener, SpanSet> = coverage
            .iter()
            .map(|(it, set)| (*it, set.bridged(case.policy.patience(it.source, phone).cycle)))
            .collect();
        let empty = SpanSet::new();
        let identities: Vec<&Identity> = case
            .identities
            .iter()
            .filter(|(id, _): &&(IdentityId, Identity)| case.directory.device_of(*id) == device)
            .map(|(_, it)| it)
            .collect();
        let lines: Vec<Line<'_>> = (0..)
            .zip(&world.listeners)
            .map(|(number, listener)| Line {
                listener: ListenerId(number),
                source: listener.source,
                site: case.directory.site_of_monitor(&listener.monitor),
                patience: *case.policy.patience(listener.source, phone),
                heard: Cow::Owned(heard(case, listener, &identities)),
                probes: Cow::Owned(asked(case, listener, &identities)),
                coverage: coverage.get(&**listener).unwrap_or(&empty),
                bridged: bridged.get(&**listener).unwrap_or(&empty),
            })
            .collect();
        let verdict = judge(&lines, &[], Time::MIN, case.policy, case.frontier);
        met.extend(verdict.conflicts.iter().map(|_| "conflict".to_owned()));
        let without = |it: &&Judged| it.ended == Ended::Left && !it.without.is_empty();
        met.extend(verdict.stays.iter().filter(without).map(|_| "left without a listener".into()));
        all.extend(verdict.stays.iter().map(|it| told(Subject::Device(device), it)));
        by_device.push((device, verdict.stays));
    }
    for person in case.directory.people.keys() {
        let holds = holds(case.directory, &by_device, *person);
        let set = case.directory.overrides.get(person).map_or(&[][..], Vec::as_slice);
        met.extend(set.iter().map(|_| "override".to_owned()));
        let stays = judge_person(holds, set, Time::MIN, Time::MIN, case.frontier).stays;
        all.extend(stays.iter().map(|it| told(Subject::Person(*person), it)));
    }
    all.sort();
    (all, met)
}

fn holds(directory: &Directory, stays: &[(DeviceId, Vec<Judged>)], person: PersonId) -> Vec<Hold> {
    let mut holds = Vec::new();
    for (id, stays) in stays {
        let device = directory.device(*id);
        if device.is_carried() {
            for stay in stays {
                holds.extend(Hold::of_device(&device, person, stay));
            }
        }
    }
    holds
}

fn heard(case: &Case<'_>, listener: &Listener, identities: &[&Identity]) -> SpanSet {
    let here = case.facts.iter().filter(|it| *it.listener == *listener);
    here.filter_map(|it| match &it.body {
        FactBody::Sighting(it) if identities.contains(&&it.identity) => Some(it.at),
        FactBody::Probe(it)
            if it.outcome == Outcome::Answered && identities.contains(&&it.identity) =>
        {
            Some(it.at)
        }
        FactBody::Sighting(_)
        | FactBody::Coverage(_)
        | FactBody::Probe(_)
        | FactBody::Level(_)
        | FactBody::Detail(_) => None,
    })
    .map(|at| Span::new(at, at + SIGHTING))
    .collect()
}

fn asked(case: &Case<'_>, listener: &Listener, identities: &[&Identity]) -> Vec<(Time, Outcome)> {
    let here = case.facts.iter().filter(|it| *it.listener == *listener);
    let mut all: Vec<(Time, Outcome, &Identity)> = here
        .filter_map(|it| match &it.body {
            FactBody::Probe(it) if identities.contains(&&it.identity) => {
                Some((it.at, it.outcome, &it.identity))
            }
            FactBody::Probe(_)
            | FactBody::Sighting(_)
            | FactBody::Coverage(_)
            | FactBody::Level(_)
            | FactBody::Detail(_) => None,
        })
        .collect();
    all.sort();
    all.dedup();
    all.into_iter().map(|(at, outcome, _)| (at, outcome)).collect()
}

fn told(subject: Subject, it: &Judged) -> Told {
    Told {
        subject,
        site: it.site,
        from: it.from,
        last: it.last,
        ended: it.ended,
        to_latest: it.to_latest,
        uncovered: it.uncovered_time(),
        after_gap: it.after_gap,
    }
}
