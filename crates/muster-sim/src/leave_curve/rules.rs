//! The rules: what each would have told, and when.

use std::time::Duration;

use muster_core::batch::Restored;
use muster_core::change::ChangeKind;
use muster_core::directory::{DeviceKind, Edit};
use muster_core::engine::Engine;
use muster_core::identity::{DeviceId, IdentityId};
use muster_core::policy::Policy;
use muster_core::span::Span;
use muster_core::stay::Subject;
use muster_core::time::{Now, Time};

use super::trace::{Phone, Score, Trace};
use crate::household::TICK;

/// A rule that waits so long in covered time since the last evidence: nothing that does not know
/// the future errs less with the same delay.
#[must_use]
pub fn best(trace: &Trace, wait: Duration) -> Score {
    let mut told = Vec::new();
    for (phone, from, to) in silences(trace) {
        let mut left = wait;
        let covered = trace.covered.clip(Span::new(from, to));
        for span in covered.spans() {
            if span.length() > left {
                told.push((phone, span.from + left));
                break;
            }
            left -= span.length();
        }
    }
    trace.score(&told)
}

/// A fixed time-out by the clock on the wall.
#[must_use]
pub fn fixed(trace: &Trace, wait: Duration) -> Score {
    let over = silences(trace).filter(|(_, from, to)| *from + wait < *to);
    let told: Vec<_> = over.map(|(phone, from, _)| (phone, from + wait)).collect();
    trace.score(&told)
}

/// The engine with this patience, fed as the facts were noticed.
#[must_use]
pub fn engine(trace: &Trace, away_after: Duration) -> Score {
    let mut policy = Policy::default();
    policy.lan_phone.away_after = away_after;
    let mut now = Now { mono: Duration::ZERO, wall: trace.start };
    let mut engine = Engine::new(policy, Restored::default(), now);
    let mut told = Vec::new();
    let mut numbered: Vec<(DeviceId, &Phone)> = Vec::new();
    let mut next = trace.facts.iter().peekable();
    while now.wall < trace.end {
        now = Now { mono: now.mono + TICK, wall: now.wall + TICK };
        let mut facts = Vec::new();
        while let Some(fact) = next.next_if(|it| noticed(it) <= now.wall) {
            facts.push(fact.clone());
        }
        engine.handle_facts(facts, now);
        if !engine.wants_commit().1 {
            continue;
        }
        let batch = engine.drain();
        for (id, identity) in &batch.identities {
            let IdentityId(number) = *id;
            let phone = trace.phones.iter().find(|it| it.identity == *identity);
            numbered.extend(phone.map(|it| (DeviceId(number), it)));
            if let Err(why) = engine.handle_edit(a_phone(DeviceId(number)), None, now) {
                unreachable!("a device that was just heard of cannot be described: {why}");
            }
        }
        for change in batch.changes.iter().filter(|it| it.kind == ChangeKind::Left) {
            let whose = numbered.iter().find(|it| change.subject == Some(Subject::Device(it.0)));
            told.extend(whose.map(|it| (it.1, now.wall)));
        }
    }
    trace.score(&told)
}

fn a_phone(device: DeviceId) -> Edit {
    let kind = Some(DeviceKind::Phone);
    Edit::EditDevice { device, name: None, kind, mark: None, carried: None }
}

/// When a fact was noticed: coverage at its end.
fn noticed(fact: &muster_core::fact::Fact) -> Time {
    use muster_core::fact::FactBody;
    match &fact.body {
        FactBody::Sighting(it) => it.at,
        FactBody::Probe(it) => it.at,
        FactBody::Coverage(it) => it.to,
        FactBody::Level(it) => it.at,
        FactBody::Detail(it) => it.at,
    }
}

/// From each evidence to the next, and from the last to the end.
fn silences(trace: &Trace) -> impl Iterator<Item = (&Phone, Time, Time)> {
    trace.phones.iter().flat_map(|phone| {
        let next = phone.heard.iter().skip(1).copied().chain([trace.end]);
        phone.heard.iter().zip(next).map(move |(from, to)| (phone, *from, to))
    })
}
