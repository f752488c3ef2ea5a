//! Why something is, or was, believed.
#![expect(unused_qualifications, reason = "the route macro qualifies what it is given")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_core::snapshot::{self, Snapshot};
use muster_core::stay::Subject;
use muster_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Routes, Stamp};
use crate::app::App;
use crate::extract::{Asked, Named};
use crate::problem::Problem;
use crate::subject::{self, Found};
use crate::when::length;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/api/v1/why/{subject}", read)
}

/// An explanation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Why {
    /// Of whom: `person:anna`, `device:7`.
    subject: String,
    /// What they are called.
    called: String,
    /// Whether only the device itself, over the network, goes by the name that was asked for.
    self_named: bool,
    /// The time that is explained.
    at: Stamp,
    /// `away`, `arriving`, `present` or `unknown`.
    presence: &'static str,
    /// Since when.
    since: Option<Stamp>,
    /// The last evidence.
    last: Option<Stamp>,
    /// The rule that decided.
    rule: String,
    /// Until when it was set by hand, if it was.
    until: Option<Stamp>,
    /// What would change it next.
    next: Option<String>,
    /// One line for each identity and listener that knows the subject, most recent first.
    evidence: Vec<Evidence>,
}

/// One line of evidence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Evidence {
    /// The device's number.
    device: u32,
    /// What it is called.
    label: String,
    /// The identity that was heard.
    identity: String,
    /// Who heard it.
    monitor: String,
    /// On which medium.
    source: &'static str,
    /// Through which adapter or interface.
    channel: String,
    /// When it was last heard.
    last: Stamp,
    /// How strongly, dBm, where the medium has a signal.
    rssi: Option<i8>,
    /// Whether this listener decides about the departure.
    decisive: bool,
    /// Whether it hears at the moment.
    covered: bool,
    /// Covered silence since the last evidence of the subject, seconds.
    silence_s: u64,
    /// How much of it is needed, seconds.
    away_after_s: u64,
    /// Misses since the last evidence.
    misses: u32,
    /// How many are needed; 0 where there is nothing to ask by, and silence alone decides.
    misses_needed: u32,
    /// Whether a miss is a question without an answer; else it is ten seconds of listening in vain.
    asking: bool,
}

impl Why {
    fn of(snapshot: &Snapshot, why: snapshot::Why) -> Self {
        Self {
            subject: subject::key(&snapshot.directory, why.subject),
            called: subject::called(snapshot, why.subject),
            self_named: false,
            at: Stamp(why.at),
            presence: why.standing.presence.word(),
            since: why.standing.since.map(Stamp),
            last: why.standing.last.map(Stamp),
            next: next(snapshot, &why),
            rule: why.rule,
            until: why.until.map(Stamp),
            evidence: why.evidence.iter().map(|it| Evidence::of(snapshot, it)).collect(),
        }
    }
}

impl Evidence {
    fn of(snapshot: &Snapshot, it: &snapshot::Evidence) -> Self {
        Self {
            device: it.device.0,
            label: subject::called(snapshot, Subject::Device(it.device)),
            identity: it.identity.to_string(),
            monitor: it.listener.monitor.to_string(),
            source: it.listener.source.word(),
            channel: it.listener.channel.to_string(),
            last: Stamp(it.last),
            rssi: it.rssi,
            decisive: it.decisive,
            covered: it.covered,
            silence_s: it.silence.as_secs(),
            away_after_s: it.away_after.as_secs(),
            misses: it.misses,
            misses_needed: it.misses_needed,
            asking: it.asking,
        }
    }
}

/// Which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct At {
    /// A time in the past; now if absent.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) at: Option<Stamp>,
}

/// Why a person or device is believed to be here, away or unknown. Questions about the past are
/// answered one at a time; who has to wait for too long gets 503.
#[utoipa::path(get, path = "/api/v1/why/{subject}", tag = "presence",
    params(("subject" = String, Path, description = "person:NAME, device:NUMBER, or anything \
        that a person or device is called"), At),
    responses((status = 200, body = Why)))]
pub(crate) async fn read(
    State(app): State<App>,
    Named(text): Named<String>,
    Asked(At { at }): Asked<At>,
) -> Result<Json<Why>, Problem> {
    let why = explain(&app, &text, at.map(|it| it.0)).await?;
    let snapshot = app.snapshot();
    let self_named = matches!(subject::find(&snapshot, &text), Found::SelfNamed(_));
    Ok(Json(Why { self_named, ..Why::of(&snapshot, why) }))
}

/// Asks the hub about whomever a text means.
pub(crate) async fn explain(
    app: &App,
    text: &str,
    at: Option<Time>,
) -> Result<snapshot::Why, Problem> {
    let snapshot = app.snapshot();
    let subject = meant(&snapshot, text)?;
    if let Some(at) = at {
        recorded(&snapshot, at, app.hub.now().wall)?;
    }
    let why = app.hub.why(subject, at).await?;
    why.ok_or_else(|| Problem::missing("person or device", text))
}

/// Refuses a time of which nothing can be known.
fn recorded(snapshot: &Snapshot, at: Time, now: Time) -> Result<(), Problem> {
    let refused = |what: &str| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, what));
    if at > now {
        return refused("that time is still to come").map_err(|it| it.hint("ask about the past"));
    }
    let first = snapshot.devices.iter().filter_map(|it| it.first_seen).min();
    if first.is_none_or(|first| at < first) {
        return refused("nothing was recorded then")
            .map_err(|it| it.hint("ask about a time after the first device was heard"));
    }
    Ok(())
}

/// What would change a verdict, in words.
pub(crate) fn next(snapshot: &Snapshot, why: &snapshot::Why) -> Option<String> {
    let mut devices: Vec<_> = why.next.iter().map(|it| it.device).collect();
    devices.dedup();
    let told = |device| {
        let missing: Vec<_> = why.next.iter().filter(|it| it.device == device).collect();
        patience(&missing)
    };
    match (devices.as_slice(), why.subject) {
        ([], _) => None,
        ([one], Subject::Device(_)) => Some(format!("it is gone {}", told(*one))),
        ([one], Subject::Person(_)) => {
            let label = subject::called(snapshot, Subject::Device(*one));
            Some(format!("{label} is gone, and they are away, {}", told(*one)))
        }
        (several, _) => {
            let label = |it: &_| subject::called(snapshot, Subject::Device(*it));
            let each = several.iter().map(|it| format!("{} {}", label(it), told(*it)));
            let each: Vec<String> = each.collect();
            Some(format!("they are away once each of these is gone: {}", each.join("; ")))
        }
    }
}

/// `after 26 min more of silence and 2 more questions without an answer`.
fn patience(missing: &[&snapshot::Missing]) -> String {
    let deaf: Vec<String> =
        missing.iter().filter(|it| !it.covered).map(|it| it.listener.to_string()).collect();
    let silence = missing.iter().map(|it| it.silence).max().unwrap_or_default();
    let more = |asking: bool, one: &str, several: &str| {
        let most = missing.iter().filter(|it| it.asking == asking).map(|it| it.misses).max();
        match most.unwrap_or(0) {
            0 => None,
            1 => Some(format!("1 more {one}")),
            n => Some(format!("{n} more {several}")),
        }
    };
    let needs = [
        (!silence.is_zero()).then(|| format!("{} more of silence", length(silence))),
        more(true, "question without an answer", "questions without an answer"),
        more(false, "moment of listening in vain", "moments of listening in vain"),
    ];
    let needs: Vec<String> = needs.into_iter().flatten().collect();
    let after = if needs.is_empty() { "at once".to_owned() } else { needs.join(" and ") };
    let after = if needs.is_empty() { after } else { format!("after {after}") };
    match deaf.as_slice() {
        [] => after,
        [one] => format!("{after}, counted once {one} hears again"),
        _ => format!("{after}, counted once {} hear again", deaf.join(" and ")),
    }
}

/// The one person or device that a text means.
pub(crate) fn meant(snapshot: &Snapshot, text: &str) -> Result<Subject, Problem> {
    match subject::find(snapshot, text) {
        Found::One(subject) | Found::SelfNamed(subject) => Ok(subject),
        Found::Several(all) => {
            let near = all.into_iter().map(|(key, _)| key).collect();
            let detail = format!("several are called so: {text}");
            Err(Problem::new(StatusCode::CONFLICT, detail).hint("name one of them").near(near))
        }
        Found::Nothing(near) => Err(Problem::missing("person or device", text).near(near)),
    }
}
