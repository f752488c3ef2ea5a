//! What a report asks of the store, a piece of time after the other, and how those that it is about are
//! called. What it makes of the answers is `muster_report`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muster_core::batch::HOUR;
use muster_core::directory::Directory;
use muster_core::fact::Listener;
use muster_core::identity::{DeviceId, ListenerId, PlaceId};
use muster_core::ports::{ReadingQuery, ReadingsOf, StayQuery, StaysOf, Store, StoreError};
use muster_core::reading::{Names, WinnerHour, hours};
use muster_core::snapshot::Snapshot;
use muster_core::span::{Span, SpanSet};
use muster_core::stay::Subject;
use muster_core::time::Time;
use muster_report::Table;
use muster_report::reports::{Device, Fold, MOST_ROWS, Monitor, Needs, Report, Scope};

use crate::api::{people, places};
use crate::app::App;
use crate::coverage;
use crate::problem::Problem;
use crate::subject;

/// A report that somebody asks for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) report: Report,
    /// From when; none: as long as the report is about by itself.
    pub(crate) from: Option<Time>,
    /// To when; none: now.
    pub(crate) to: Option<Time>,
    pub(crate) monitor: Option<String>,
    pub(crate) place: Option<String>,
    pub(crate) person: Option<String>,
    pub(crate) days: u32,
    pub(crate) limit: usize,
}

impl Wanted {
    /// Not heard for more than so many days, where nobody says how many.
    pub(crate) const DAYS: u32 = 7;
    /// So many rows, where nobody says how many.
    pub(crate) const LIMIT: usize = 10;
}

/// The report's table, and the time that it is about.
pub(crate) async fn table(app: &App, wanted: &Wanted) -> Result<(Table, Span), Problem> {
    let snapshot = app.snapshot();
    let scope = scope(app, &snapshot, wanted).await?;
    let store = app.hub.store();
    if wanted.report.least_rows(&scope) > MOST_ROWS as u128 {
        return Err(too_many_rows());
    }
    let mut fold = wanted.report.begin();
    match wanted.report.needs() {
        Needs::Hours => by_hours(&*store, &scope, &mut *fold).await?,
        Needs::Winners => by_readings(&*store, &scope, ReadingsOf::Winners, &mut *fold).await?,
        Needs::Readings => by_readings(&*store, &scope, ReadingsOf::Listeners, &mut *fold).await?,
        Needs::Sightings => {}
        Needs::Stays => by_stays(&*store, &snapshot, wanted, &scope, &mut *fold).await?,
    }
    Ok((fold.table(&scope), scope.window))
}

/// Hours that lie in the window as a whole are read as they were counted; of those that it cuts the
/// winners are.
async fn by_hours(
    store: &dyn Store,
    scope: &Scope,
    fold: &mut (dyn Fold + Send),
) -> Result<(), Problem> {
    let (from, to) = (scope.window.from, scope.window.to);
    let begin = if from.floor(HOUR) == from { from } else { from.floor(HOUR) + HOUR };
    let end = to.floor(HOUR);
    if begin > end {
        fold.hours(scope, &counted(store, scope, scope.window).await?);
        return Ok(());
    }
    if from < begin {
        fold.hours(scope, &counted(store, scope, Span::new(from, begin)).await?);
    }
    for window in pieces(Span::new(begin, end), DAY) {
        let (stored, identities) = (store.winner_hours(window).await?, scope.parts());
        let parts = if identities.is_empty() {
            Vec::new()
        } else {
            let query = ReadingQuery { window, identities, of: ReadingsOf::Winners };
            store.readings(&query).await?
        };
        fold.hours(scope, &scope.counted(stored, parts));
        refuse_full(&*fold)?;
    }
    if end < to {
        fold.hours(scope, &counted(store, scope, Span::new(end, to)).await?);
    }
    Ok(())
}

/// The winners of a window that cuts hours, counted.
async fn counted(
    store: &dyn Store,
    scope: &Scope,
    window: Span,
) -> Result<Vec<WinnerHour>, StoreError> {
    let query = ReadingQuery { window, identities: Vec::new(), of: ReadingsOf::Winners };
    Ok(hours(&scope.winners(store.readings(&query).await?)))
}

async fn by_readings(
    store: &dyn Store,
    scope: &Scope,
    of: ReadingsOf,
    fold: &mut (dyn Fold + Send),
) -> Result<(), Problem> {
    for window in pieces(scope.window, HOUR) {
        let query = ReadingQuery { window, identities: Vec::new(), of };
        let found = store.readings(&query).await?;
        let found = if of == ReadingsOf::Winners { scope.winners(found) } else { found };
        fold.readings(scope, &found);
        refuse_full(&*fold)?;
    }
    Ok(())
}

fn refuse_full(fold: &dyn Fold) -> Result<(), Problem> {
    if fold.is_full() { Err(too_many_rows()) } else { Ok(()) }
}

fn too_many_rows() -> Problem {
    Problem::wrong("there are too many rows to read")
        .hint("ask for a shorter time with from and to")
}

async fn by_stays(
    store: &dyn Store,
    snapshot: &Snapshot,
    wanted: &Wanted,
    scope: &Scope,
    fold: &mut (dyn Fold + Send),
) -> Result<(), Problem> {
    let person = wanted.person.as_deref().map(|it| people::named(snapshot, it)).transpose()?;
    let site = wanted.place.as_deref().map(|it| places::named(snapshot, it)).transpose()?;
    let query = StayQuery {
        window: scope.window,
        subject: person.map(Subject::Person),
        of: StaysOf::People,
        site: site.map(|it| snapshot.directory.site_of(it)),
        limit: MOST_STAYS,
    };
    let stays = store.stays(&query).await?;
    if stays.len() >= MOST_STAYS as usize {
        return Err(Problem::wrong("there are too many stays to count")
            .hint("ask for a shorter time with from and to"));
    }
    fold.stays(scope, &stays);
    Ok(())
}

async fn scope(app: &App, snapshot: &Snapshot, wanted: &Wanted) -> Result<Scope, Problem> {
    let (now, zone) = (app.hub.now().wall, app.hub.zone());
    // Of what is still to come nothing can be said.
    let to = wanted.to.unwrap_or(now).min(now);
    let usual = wanted.report.window(to, &zone);
    let window = Span::new(wanted.from.unwrap_or(usual.from), to);
    if window.is_empty() {
        return Err(Problem::wrong(format!("`to` is not after `from`: {to}")));
    }
    if window.length() > LONGEST {
        return Err(Problem::wrong("no report is about more than ten years"));
    }
    let asked = asked(snapshot, wanted)?;
    let looked_at = |name: &str| wanted.report.compares() || asked.contains(name);
    let mut names: Vec<&str> = snapshot.listeners.iter().map(|it| &*it.listener.monitor).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|it| looked_at(it));
    let all = snapshot.listeners.iter().map(|it| (it.id, it.listener.clone()));
    let all: Vec<(ListenerId, Listener)> = all.collect();
    let place_of = |name: &str| names.binary_search(&name).ok();
    let listeners = snapshot.listeners.iter();
    let listeners = listeners.filter_map(|it| Some((it.id, place_of(&it.listener.monitor)?)));
    let focus = names.iter().enumerate().filter(|(_, it)| asked.contains(**it));
    let has_asked = wanted.monitor.is_some() || wanted.place.is_some();
    let person = wanted.person.as_deref().map(|it| people::named(snapshot, it)).transpose()?;
    let only = person.and_then(|it| snapshot.person(it));
    Ok(Scope {
        window,
        now,
        interval: app.hub.interval(),
        monitors: monitors(app, snapshot, &names, window).await?,
        focus: has_asked.then(|| focus.map(|(place, _)| place).collect()),
        listeners: listeners.collect(),
        names: Names::of(&all),
        groups: snapshot.directory.groups.clone(),
        sites: sites(snapshot, wanted)?,
        devices: devices(snapshot),
        only: only.map(|it| it.devices.iter().copied().collect()),
        days: wanted.days,
        limit: wanted.limit,
        zone,
    })
}

/// The names of the monitors that somebody asks for: all, one, or those at a place.
fn asked(snapshot: &Snapshot, wanted: &Wanted) -> Result<BTreeSet<String>, Problem> {
    let all = snapshot.listeners.iter().map(|it| it.listener.monitor.to_string());
    let mut all: BTreeSet<String> = all.collect();
    if let Some(name) = &wanted.monitor {
        if !all.contains(name) {
            let near = all.into_iter().take(NEAR).collect();
            return Err(Problem::missing("monitor", name).near(near));
        }
        all.retain(|it| it == name);
    }
    if let Some(name) = &wanted.place {
        let directory = &snapshot.directory;
        let place = match (wanted.report, places::named(snapshot, name)?) {
            // People are at sites.
            (Report::Occupancy, place) => directory.site_of(place),
            (_, place) => place,
        };
        all.retain(|it| is_within(directory, place_of_monitor(directory, it), place));
    }
    Ok(all)
}

fn place_of_monitor(directory: &Directory, monitor: &str) -> PlaceId {
    let told = directory.monitors.get(monitor).copied();
    told.unwrap_or_else(|| directory.site_of_monitor(monitor))
}

/// Whether a place is another, or in it.
fn is_within(directory: &Directory, place: PlaceId, other: PlaceId) -> bool {
    let mut at = Some(place);
    for _ in 0..=directory.places.len() {
        match at {
            Some(it) if it == other => return true,
            Some(it) => at = directory.places.get(&it).and_then(|it| it.parent),
            None => return false,
        }
    }
    false
}

async fn monitors(
    app: &App,
    snapshot: &Snapshot,
    names: &[&str],
    window: Span,
) -> Result<Vec<Monitor>, StoreError> {
    let directory = &snapshot.directory;
    let mut past = coverage::by_listener(app.hub.store().coverage(window).await?);
    let mut all: Vec<Monitor> = names
        .iter()
        .map(|name| {
            let place = place_of_monitor(directory, name);
            Monitor {
                name: (*name).to_owned(),
                place: snapshot.place_name(place).to_owned(),
                site: directory.site_of(place),
                hears: false,
                heard_to: None,
                covered: SpanSet::new(),
            }
        })
        .collect();
    for view in &snapshot.listeners {
        let place = names.binary_search(&&*view.listener.monitor).ok();
        let Some(monitor) = place.and_then(|it| all.get_mut(it)) else { continue };
        let mut spans = past.remove(&view.id).unwrap_or_default();
        if let Some(to) = view.covered_to {
            coverage::extend(&mut spans, to);
        }
        monitor.covered.union(spans.clip(window).spans());
        monitor.hears |= view.covered;
        monitor.heard_to = monitor.heard_to.max(view.covered_to);
    }
    Ok(all)
}

fn sites(snapshot: &Snapshot, wanted: &Wanted) -> Result<BTreeMap<PlaceId, String>, Problem> {
    let only = wanted.place.as_deref().map(|it| places::named(snapshot, it)).transpose()?;
    let only = only.map(|it| snapshot.directory.site_of(it));
    let sites = snapshot.directory.places.iter().filter(|(_, it)| it.parent.is_none());
    let sites = sites.filter(|(id, _)| only.is_none_or(|it| it == **id));
    Ok(sites.map(|(id, it)| (*id, it.name.to_string())).collect())
}

fn devices(snapshot: &Snapshot) -> BTreeMap<DeviceId, Device> {
    let known = snapshot.devices.iter().map(|it| {
        let owner = it.owner.and_then(|id| snapshot.directory.people.get(&id));
        let device = Device {
            name: subject::called(snapshot, Subject::Device(it.id)),
            person: owner.map(|it| it.name.to_string()),
            first_seen: it.first_seen,
            last_seen: it.last_seen,
        };
        (it.id, device)
    });
    known.collect()
}

/// A span in pieces that end at whole multiples of a length.
fn pieces(span: Span, length: Duration) -> impl Iterator<Item = Span> {
    let mut from = span.from;
    std::iter::from_fn(move || {
        let to = (from.floor(length) + length).min(span.to);
        let piece = Span::new(from, to);
        from = to;
        (!piece.is_empty()).then_some(piece)
    })
}

const DAY: Duration = Duration::from_hours(24);
/// Of what was asked for and is not there, so many others are named.
const NEAR: usize = 10;
/// Ten years, in hours a table that a machine of any size can hold.
const LONGEST: Duration = Duration::from_hours(87_672);
/// A hundred people who come and go ten times a day, for three years.
const MOST_STAYS: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole() {
        let at = |minute: u32| Time::from_secs(1_795_262_400) + minute * Duration::from_mins(1);
        let cut = |from, to| -> Vec<Span> { pieces(Span::new(at(from), at(to)), HOUR).collect() };
        assert_eq!(
            cut(30, 150),
            [(30, 60), (60, 120), (120, 150)].map(|(a, b)| Span::new(at(a), at(b)))
        );
        assert_eq!(cut(60, 120), [Span::new(at(60), at(120))]);
        assert_eq!(cut(5, 5), []);
    }
}
