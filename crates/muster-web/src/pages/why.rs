//! *Why?*: the evidence behind what is, or was, believed.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use muster_core::snapshot::{Evidence, Snapshot};
use muster_core::stay::Subject;
use muster_core::time::Time;
use serde::Deserialize;

use super::show::{self, Clock, medium};
use super::{Frame, refuse};
use crate::api::why::{explain, meant, next};
use crate::app::App;
use crate::extract::{Asked, Named};
use crate::problem::Problem;
use crate::subject::{called, key};
use crate::when::{When, length};

#[derive(Template)]
#[template(path = "why.html")]
struct Page {
    frame: Frame,
    called: String,
    /// The device's own page, or none for a person.
    device: Option<u32>,
    state: show::State,
    last: Option<When>,
    /// The past time that is explained, if it is not now.
    at: Option<When>,
    /// The moment asked about, as a field holds it, and the zone that it is in.
    asked: String,
    zone: String,
    /// A text that means the subject alone.
    key: String,
    rule: String,
    /// Until when it was set by hand.
    until: Option<When>,
    next: Option<String>,
    /// Devices of theirs that say nothing about them, where that is all they have.
    silent: Vec<(u32, String)>,
    evidence: Vec<Line>,
}

impl Page {
    /// Whether any medium has a signal: the local network has none.
    fn signals(&self) -> bool {
        self.evidence.iter().any(|it| it.rssi.is_some())
    }
}

/// One line of evidence.
struct Line {
    label: String,
    device: u32,
    identity: String,
    monitor: String,
    medium: &'static str,
    channel: String,
    last: When,
    rssi: Option<i8>,
    decisive: bool,
    covered: bool,
    silence: String,
    away_after: String,
    misses: u32,
    misses_needed: u32,
}

impl Line {
    fn of(snapshot: &Snapshot, it: &Evidence, clock: &Clock) -> Self {
        Self {
            label: called(snapshot, Subject::Device(it.device)),
            device: it.device.0,
            identity: it.identity.to_string(),
            monitor: it.listener.monitor.to_string(),
            medium: medium(it.listener.source),
            channel: it.listener.channel.to_string(),
            last: clock.when(it.last),
            rssi: it.rssi,
            decisive: it.decisive,
            covered: it.covered,
            silence: length(it.silence),
            away_after: length(it.away_after),
            misses: it.misses,
            misses_needed: it.misses_needed,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct At {
    at: Option<String>,
}

pub(super) async fn page(
    State(app): State<App>,
    headers: HeaderMap,
    Named(text): Named<String>,
    Asked(At { at }): Asked<At>,
) -> Response {
    match answer(&app, &headers, &text, at.as_deref()).await {
        Ok(page) => super::show(&page),
        Err(problem) => refuse(&problem),
    }
}

async fn answer(
    app: &App,
    headers: &HeaderMap,
    text: &str,
    at: Option<&str>,
) -> Result<Page, Problem> {
    let clock = Clock::of(app);
    let at = at.filter(|it| !it.is_empty()).map(|it| moment(it, &clock)).transpose()?;
    let why = explain(app, text, at).await?;
    let snapshot = app.snapshot();
    let name = called(&snapshot, meant(&snapshot, text)?);
    let evidence = why.evidence.iter();
    Ok(Page {
        frame: Frame::new(app, &snapshot, headers, "", format!("Why: {name}")),
        called: name,
        device: match why.subject {
            Subject::Device(id) => Some(id.0),
            Subject::Person(_) => None,
        },
        state: show::State::new(why.standing.presence, why.standing.since, &clock),
        last: why.standing.last.map(|it| clock.when(it)),
        at: at.map(|it| clock.when(it)),
        asked: clock.civil(at.unwrap_or(clock.now)),
        zone: clock.zone_name(),
        key: key(&snapshot.directory, why.subject),
        next: next(&snapshot, &why),
        rule: why.rule,
        until: why.until.map(|it| clock.when(it)),
        silent: silent(&snapshot, why.subject),
        evidence: evidence.map(|it| Line::of(&snapshot, it, &clock)).collect(),
    })
}

/// Devices that a person owns and does not carry, if they carry none.
fn silent(snapshot: &Snapshot, subject: Subject) -> Vec<(u32, String)> {
    let Subject::Person(id) = subject else { return Vec::new() };
    let theirs: Vec<_> = snapshot.devices.iter().filter(|it| it.owner == Some(id)).collect();
    if theirs.iter().any(|it| it.carried) {
        return Vec::new();
    }
    theirs.iter().map(|it| (it.id.0, called(snapshot, Subject::Device(it.id)))).collect()
}

/// A time as scripts write it (RFC 3339), or as a field holds it: by the clock on the hub's wall.
fn moment(text: &str, clock: &Clock) -> Result<Time, Problem> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let civil = text.parse::<jiff::civil::DateTime>();
    let zoned = civil.and_then(|it| it.to_zoned(clock.zone().clone()));
    zoned.map(|it| it.timestamp().into()).map_err(|_| {
        Problem::wrong(format!("not a time: {text}")).hint("write it as in 2026-11-21T09:00")
    })
}
