//! Far monitors: which there are and how they are; who may be let in, and who no longer.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use muster_core::directory::Edit;
use muster_core::fact::UnknownSource;
use muster_core::snapshot::{MonitorView, Snapshot};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{List, Routes, Stamp, Versioned, edit, places, value, versioned};
use crate::app::App;
use crate::extract::{Expected, Named, Sent};
use crate::host::NoHost;
use crate::hub::InviteWish;
use crate::problem::Problem;

pub(crate) fn add(routes: Routes) -> Routes {
    routes
        .get("/api/v1/fleet", list)
        .post("/api/v1/fleet", invite)
        .delete("/api/v1/fleet/{name}", revoke)
}

/// A far monitor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FarMonitor {
    /// Its name.
    monitor: String,
    /// `invited` (nobody has used its code yet), `silent` (it was let in and never gave a sign of life),
    /// `alive`, `late` (no sign of life for 150 s), `down` (for 5 minutes) or `revoked`.
    state: &'static str,
    /// Where it stands.
    place: String,
    /// When it was let in.
    enrolled: Option<Stamp>,
    /// Since when it no longer is.
    revoked: Option<Stamp>,
    /// The sources that it may tell of; null: all.
    sources: Option<Vec<&'static str>>,
    /// The kinds of identity that it may tell of; null: all.
    kinds: Option<Vec<String>>,
    /// Until when a code that lets it in, or in anew, is good.
    code_until: Option<Stamp>,
    /// Its last sign of life, on the hub's clock.
    last: Option<Stamp>,
    /// How it was then.
    health: Option<Health>,
}

/// How a far monitor was when it was last heard of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// The version of its program.
    version: String,
    /// How long its program ran, in seconds.
    uptime_seconds: u64,
    /// Its own clock less the hub's, in milliseconds; null: not known.
    clock_ahead_ms: Option<i64>,
    /// Whether its machine says that somebody keeps its clock right.
    clock_synchronised: bool,
    /// How many facts waited in its spool.
    backlog: u64,
    /// When the oldest of them was noticed.
    backlog_since: Option<Stamp>,
    /// How many facts its spool has thinned away, ever.
    thinned: u64,
    /// How many it has dropped, ever.
    dropped: u64,
    /// How many facts its sources told since its program was started.
    facts: u64,
    /// How much listening they told, all channels together, in seconds.
    listened_seconds: u64,
    /// Whether its facts are made up.
    simulated: bool,
    /// What went wrong last, in plain words.
    last_error: Option<String>,
}

impl FarMonitor {
    fn of(snapshot: &Snapshot, it: &MonitorView) -> Self {
        let enrolment = it.enrolment.as_ref();
        let sources = enrolment.and_then(|it| it.sources.as_ref());
        let kinds = enrolment.and_then(|it| it.kinds.as_ref());
        Self {
            monitor: it.monitor.to_string(),
            state: state(it),
            place: snapshot.place_name(it.place).to_owned(),
            enrolled: enrolment.map(|it| Stamp(it.at)),
            revoked: enrolment.and_then(|it| it.revoked).map(Stamp),
            sources: sources.map(|it| it.iter().map(|it| it.word()).collect()),
            kinds: kinds.map(|it| it.iter().map(ToString::to_string).collect()),
            code_until: None,
            last: it.row.as_ref().map(|it| Stamp(it.at)),
            health: it.row.as_ref().map(|row| Health {
                version: row.health.version.to_string(),
                uptime_seconds: row.health.uptime.as_secs(),
                clock_ahead_ms: row.health.clock_ahead.map(|it| it / 1_000),
                clock_synchronised: row.health.synchronised,
                backlog: row.health.spooled,
                backlog_since: row.oldest_unsent.map(Stamp),
                thinned: row.health.thinned,
                dropped: row.health.dropped,
                facts: row.health.facts,
                listened_seconds: row.health.listened.as_secs(),
                simulated: row.health.simulated,
                last_error: row.health.last_error.as_deref().map(str::to_owned),
            }),
        }
    }
}

/// The word for one that has a code, and has not shown it.
pub(crate) const INVITED: &str = "invited";

/// The word for how a far monitor is.
pub(crate) fn state(it: &MonitorView) -> &'static str {
    if it.enrolment.as_ref().is_some_and(|it| it.revoked.is_some()) {
        return "revoked";
    }
    it.row.as_ref().map_or("silent", |it| it.liveness.word())
}

/// A far monitor that shall be let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMonitor {
    /// What it is called from then on: 1 to 64 letters, digits, `_`, `.` and `-`. A name that is there
    /// gets another token.
    monitor: String,
    /// Where it stands: a place's name. Without it: where it stood, or the first site.
    place: Option<String>,
    /// The sources that it may tell of; without them: all.
    sources: Option<Vec<String>>,
    /// The kinds of identity that it may tell of, as in `mac` or `ble`; without them: all.
    kinds: Option<Vec<String>>,
    /// By which name or address it reaches this machine. Without it: the address of the machine's
    /// default route.
    address: Option<String>,
}

/// What to type on the far monitor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invited {
    /// Its name.
    monitor: String,
    /// The command, with a code that is good once.
    line: String,
    /// Until when it is good.
    until: Stamp,
}

/// All far monitors, by name: also those that were shut out, and those that were invited.
#[utoipa::path(get, path = "/api/v1/fleet", tag = "monitors",
    responses((status = 200, body = List<FarMonitor>)))]
pub(crate) async fn list(State(app): State<App>) -> Versioned<List<FarMonitor>> {
    let snapshot = app.snapshot();
    let of = |it: &MonitorView| (it.monitor.to_string(), FarMonitor::of(&snapshot, it));
    let mut all: BTreeMap<String, FarMonitor> = snapshot.monitors.iter().map(of).collect();
    for (name, it) in app.hub.invitations() {
        let place = it.place.unwrap_or_else(|| snapshot.directory.site_of_monitor(&name));
        let view = MonitorView { monitor: name.as_str().into(), place, enrolment: None, row: None };
        let one = || FarMonitor { state: INVITED, ..FarMonitor::of(&snapshot, &view) };
        all.entry(name.clone()).or_insert_with(one).code_until = Some(Stamp(it.until));
    }
    let items = all.into_values().collect();
    versioned(snapshot.directory.version, List { items, next: None })
}

/// Let a far monitor in: the line to type on it.
#[utoipa::path(post, path = "/api/v1/fleet", tag = "monitors", request_body = NewMonitor,
    responses((status = 201, body = Invited)))]
pub(crate) async fn invite(
    State(app): State<App>,
    Sent(new): Sent<NewMonitor>,
) -> Result<(StatusCode, axum::Json<Invited>), Problem> {
    let place = new.place.map(|it| places::named(&app.snapshot(), &it)).transpose()?;
    let source =
        |it: &String| it.parse().map_err(|it: UnknownSource| Problem::wrong(it.to_string()));
    let sources = new.sources.map(|it| it.iter().map(source).collect::<Result<_, _>>());
    let sources = sources.transpose()?;
    let kinds = new.kinds.map(|it| it.into_iter().map(Into::into).collect());
    let monitor = new.monitor;
    let host = |it: String| it.parse().map_err(|it: NoHost| Problem::wrong(it.to_string()));
    let address = new.address.map(host).transpose()?;
    let wish = InviteWish { monitor: monitor.clone(), place, sources, kinds, address };
    let it = app.hub.invite(wish).await?;
    let invited = Invited { monitor, line: it.line, until: Stamp(it.until) };
    Ok((StatusCode::CREATED, axum::Json(invited)))
}

/// Shut a far monitor out, at once: what it sends is refused from now on. What it told remains.
#[utoipa::path(delete, path = "/api/v1/fleet/{name}", tag = "monitors",
    params(("name" = String, Path, description = "the far monitor's name")),
    responses((status = 204)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    Named(monitor): Named<String>,
    Expected(expect): Expected,
) -> Result<StatusCode, Problem> {
    let revoke = Edit::Revoke { monitor: monitor.clone(), at: app.hub.now().wall };
    let current = |it: &Snapshot| {
        let found = it.monitors.iter().find(|it| *it.monitor == *monitor)?;
        value(FarMonitor::of(it, found))
    };
    edit(&app, revoke, expect, current).await?;
    Ok(StatusCode::NO_CONTENT)
}
