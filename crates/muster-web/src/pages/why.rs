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
    /// How much, and how that compares with what is needed.
    silence: (String, String),
    /// The same of what was missed; none: nothing is counted.
    missed: Option<(String, String)>,
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
            silence: silence(it),
            missed: missed(it),
        }
    }
}

fn silence(it: &Evidence) -> (String, String) {
    let needed = length(it.away_after);
    (length(it.silence), compared(it.silence >= it.away_after, &needed))
}

fn missed(it: &Evidence) -> Option<(String, String)> {
    let needed = Some(it.misses_needed).filter(|it| *it > 0)?;
    let (one, several) = if it.asking { ("question", "questions") } else { ("moment", "moments") };
    let what = if it.misses == 1 { one } else { several };
    let compared = compared(it.misses >= needed, &needed.to_string());
    Some((format!("{} {what}", it.misses), compared))
}

/// `of 5 min`, or, of as much as is needed or more, `5 min needed`.
fn compared(is_enough: bool, needed: &str) -> String {
    if is_enough { format!("{needed} needed") } else { format!("of {needed}") }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use muster_core::fact::{Listener, SourceKind};
    use muster_core::identity::{DeviceId, Identity, Mac};

    use super::*;

    #[test]
    fn a_count_is_never_more_than_it_is_of() {
        for (asking, seconds, misses, needed, silent, missing) in [
            (true, 60, 1, 5, "1 min of 5 min", Some("1 question of 5")),
            (true, 60, 6, 5, "1 min of 5 min", Some("6 questions 5 needed")),
            (false, 60, 6, 3, "1 min of 5 min", Some("6 moments 3 needed")),
            (false, 300, 3, 3, "5 min 5 min needed", Some("3 moments 3 needed")),
            (true, 7_200, 0, 0, "2 h 5 min needed", None),
        ] {
            let it = Evidence {
                device: DeviceId(1),
                identity: Identity::Ble(Mac([0xc0, 0, 0, 0, 0, 1])),
                listener: Listener::new("attic", SourceKind::Ble, "hci0"),
                last: Time::from_secs(1_795_262_400),
                rssi: None,
                decisive: true,
                covered: true,
                silence: Duration::from_secs(seconds),
                away_after: Duration::from_mins(5),
                misses,
                misses_needed: needed,
                asking,
            };
            let words = |(a, b): (String, String)| format!("{a} {b}");
            assert_eq!(words(silence(&it)), silent);
            assert_eq!(missed(&it).map(words).as_deref(), missing);
        }
    }
}
