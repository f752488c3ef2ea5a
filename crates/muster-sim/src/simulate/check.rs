//! What must hold: always, and in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use muster_core::change::{Change, ChangeKind};
use muster_core::engine::Engine;
use muster_core::fact::{DetailKind, Fact, FactBody, Listener, SourceKind};
use muster_core::identity::{Identity, IdentityId, ListenerId, TextKind};
use muster_core::policy::Policy;
use muster_core::span::Span;
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;

use crate::reference::{Case, Rows, Told, rows, stays};
use crate::store::Tables;

/// Compares everything that is stored with what the reference makes of the same facts.
pub fn compare_with_reference(
    tables: &Tables,
    facts: &[Fact],
    policy: &Policy,
    frontier: Time,
) -> Result<(), String> {
    let want = rows(facts, policy.interval);
    let got = by_name(tables);
    differ("heard", &got.heard, &want.heard)?;
    differ("coverage", &got.covered, &want.covered)?;
    differ("probes", &got.probes, &want.probes)?;
    differ("seen", &got.seen, &want.seen)?;
    differ("readings", &got.readings, &want.readings)?;
    differ("winners", &got.winners, &want.winners)?;
    differ("details", &got.details, &want.details)?;
    let identities: Vec<(IdentityId, Identity)> =
        tables.identities.iter().map(|(id, it)| (*id, it.clone())).collect();
    let case =
        Case { facts, policy, directory: &tables.directory, identities: &identities, frontier };
    let want = stays(&case);
    let (_, got) = content(tables);
    match difference(("reference", &want), ("store    ", &got)) {
        Some(what) => Err(format!("stays differ, judged up to {frontier}:{what}")),
        None => Ok(()),
    }
}

/// What two say otherwise, by lines with their names.
pub(super) fn difference(a: (&str, &[Told]), b: (&str, &[Told])) -> Option<String> {
    let only = |(who, all): (&str, &[Told]), other: &[Told]| -> Vec<String> {
        all.iter().filter(|it| !other.contains(it)).map(|it| line(who, it)).collect()
    };
    let lines = [only(a, b.1), only(b, a.1)].concat();
    let same = lines.is_empty() && a.1.len() == b.1.len();
    (!same).then(|| format!("\n    {}", lines.join("\n    ")))
}

/// What an engine has at hand, without what depends on the order of arrival.
pub(super) fn at_hand(engine: &Engine) -> Vec<Told> {
    let mut stays: Vec<Told> = engine.stays().map(told).collect();
    stays.sort();
    stays
}

/// What is stored, without what depends on the order of arrival.
pub(super) fn content(tables: &Tables) -> (Rows, Vec<Told>) {
    let mut stays: Vec<Told> = tables.stays.values().map(told).collect();
    stays.sort();
    (by_name(tables), stays)
}

/// What must hold after every commit.
pub(super) fn always(tables: &Tables) -> Option<String> {
    overlap(tables).or_else(|| journal(tables)).or_else(|| told_again(tables))
}

/// Whether a change is part of the story: not that somebody listens or does not.
pub(super) fn is_told(it: &Change) -> bool {
    !matches!(
        it.kind,
        ChangeKind::Dark | ChangeKind::Covered | ChangeKind::Unknown | ChangeKind::Known
    )
}

/// One line about a change.
pub(super) fn tell(it: &Change) -> String {
    let subject = it.subject.map_or_else(String::new, |it| it.to_string());
    let stay = it.stay.map_or_else(String::new, |it| format!(" stay {}", it.0));
    let site = it.site.map_or_else(String::new, |it| format!(" site {it}"));
    format!("  {} {subject} at {}{site}{stay} {}", it.kind.word(), it.at, it.reason)
}

/// Stays of a subject at a site that overlap.
fn overlap(tables: &Tables) -> Option<String> {
    let mut last: BTreeMap<(Subject, u32), &Stay> = BTreeMap::new();
    let mut all: Vec<&Stay> = tables.stays.values().collect();
    all.sort_by_key(|it| it.from);
    for stay in all {
        if let Some(before) = last.insert((stay.subject, stay.site.0), stay)
            && (before.last >= stay.from || before.ended == Ended::Open)
        {
            return Some(format!("stays overlap: {before:?} and {stay:?}"));
        }
    }
    None
}

/// A conflict that the journal tells of twice.
fn told_again(tables: &Tables) -> Option<String> {
    let mut told = BTreeSet::new();
    let all = tables.changes.values().filter(|it| it.kind == ChangeKind::Conflict);
    let mut again = all.filter(|it| !told.insert((it.subject, it.site, it.at)));
    again.next().map(|it| format!("told twice: {}", tell(it)))
}

/// What the journal says about who is there, against the stays.
fn journal(tables: &Tables) -> Option<String> {
    let mut open: BTreeSet<StayId> = BTreeSet::new();
    for change in tables.changes.values() {
        let Some(stay) = change.stay else { continue };
        match change.kind {
            ChangeKind::Arrived => {
                open.insert(stay);
            }
            ChangeKind::Left | ChangeKind::Moved => {
                open.remove(&stay);
            }
            ChangeKind::Corrected if !tables.stays.contains_key(&stay) => {
                open.remove(&stay);
            }
            ChangeKind::Corrected
            | ChangeKind::Unknown
            | ChangeKind::Known
            | ChangeKind::Conflict
            | ChangeKind::Discovered
            | ChangeKind::Assigned
            | ChangeKind::Overridden
            | ChangeKind::OverrideEnded
            | ChangeKind::Dark
            | ChangeKind::Covered
            | ChangeKind::Late
            | ChangeKind::Down
            | ChangeKind::Back => {}
        }
    }
    let stored: BTreeSet<StayId> =
        tables.stays.values().filter(|it| it.ended == Ended::Open).map(|it| it.id).collect();
    (open != stored).then(|| format!("the journal leaves open {open:?}, the stays {stored:?}"))
}

fn line(who: &str, it: &Told) -> String {
    let latest = it.to_latest.map_or_else(String::new, |it| format!(", to {it} at the latest"));
    format!(
        "{who} {} site {} {} to {} {}{latest}, uncovered {} s{}",
        it.subject,
        it.site,
        it.from,
        it.last,
        it.ended.word(),
        it.uncovered.as_secs_f64(),
        if it.after_gap { ", after a gap" } else { "" }
    )
}

fn told(it: &Stay) -> Told {
    Told {
        subject: it.subject,
        site: it.site,
        from: it.from,
        last: it.last,
        ended: it.ended,
        to_latest: it.to_latest,
        uncovered: it.uncovered,
        after_gap: it.after_gap,
    }
}

/// The stored rows, with names for numbers.
fn by_name(tables: &Tables) -> Rows {
    let nobody = Identity::Text(TextKind::Name, "unknown number".into());
    let identity =
        |id: &IdentityId| tables.identities.get(id).cloned().unwrap_or_else(|| nobody.clone());
    let nowhere = Listener::new("unknown number", SourceKind::Gpio, "");
    let listener =
        |id: &ListenerId| tables.listeners.get(id).cloned().unwrap_or_else(|| nowhere.clone());
    let mut rows = Rows::default();
    for ((id, by, _), spans) in tables.heard.iter().filter(|(_, spans)| !spans.is_empty()) {
        rows.heard.entry((identity(id), listener(by))).or_default().extend(seconds(spans));
    }
    for ((by, _), spans) in &tables.coverage {
        rows.covered.entry(listener(by)).or_default().extend(seconds(spans));
    }
    for ((id, by, _), outcomes) in &tables.probes {
        rows.probes.entry((identity(id), listener(by))).or_default().extend(outcomes);
    }
    for (id, it) in &tables.seen {
        rows.seen.insert(identity(id), (it.first, it.last));
    }
    for ((interval, _, id, by), it) in &tables.readings {
        rows.readings.insert((identity(id), listener(by), *interval), (it.rssi, it.at));
    }
    for ((interval, _, id), it) in &tables.winners {
        let monitor = listener(&it.listener).monitor;
        rows.winners.insert((identity(id), *interval), (it.rssi, it.at, monitor));
    }
    for ((id, kind, value), at) in &tables.details {
        if !matches!(kind, DetailKind::Ipv4 | DetailKind::Ipv6) {
            rows.details.insert((identity(id), *kind), (*at, value.clone()));
        }
    }
    rows
}

fn seconds(spans: &[Span]) -> impl Iterator<Item = i64> + '_ {
    spans.iter().flat_map(|it| it.from.secs()..it.to.secs())
}

fn differ<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    got: &BTreeMap<K, V>,
    want: &BTreeMap<K, V>,
) -> Result<(), String> {
    let keys: BTreeSet<&K> = got.keys().chain(want.keys()).collect();
    for key in keys {
        let (got, want) = (got.get(key), want.get(key));
        if got != want {
            let (got, want) = (format!("{got:?}"), format!("{want:?}"));
            let same = got.chars().zip(want.chars()).take_while(|(a, b)| a == b).count();
            // From the first difference on, and a little before.
            let text = |it: String| -> String {
                it.chars().skip(same.saturating_sub(30)).take(300).collect()
            };
            return Err(format!(
                "{what} of {key:?} differs:\n    store     {}\n    reference {}",
                text(got),
                text(want)
            ));
        }
    }
    Ok(())
}

/// A sighting that is later than the last one stored of its identity.
pub(super) fn last_seen(tables: &Tables, facts: &[Fact]) -> Option<String> {
    let seen: BTreeMap<&Identity, Time> = tables
        .seen
        .iter()
        .filter_map(|(id, it)| Some((tables.identities.get(id)?, it.last)))
        .collect();
    facts.iter().find_map(|fact| {
        let FactBody::Sighting(it) = &fact.body else { return None };
        let later = seen.get(&it.identity).is_none_or(|last| *last < it.at);
        later.then(|| format!("{} was heard at {}, after its last sighting", it.identity, it.at))
    })
}
