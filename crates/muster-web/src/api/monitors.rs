//! Monitors: what their channels hear, what they cannot, and when they listened.
#![expect(unused_qualifications, reason = "the route macro qualifies what it is given")]

use std::time::Duration;

use axum::extract::State;
use muster_core::directory::Edit;
use muster_core::fact::Listener;
use muster_core::span::Span;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{List, Routes, Stamp, Versioned, edit, places, value, versioned};
use crate::app::App;
use crate::coverage::{self, Channel};
use crate::extract::{Asked, Expected, Named, Sent};
use crate::problem::Problem;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/api/v1/monitors", list).put("/api/v1/monitors/{name}/place", stand)
}

/// One channel of a monitor's source.
#[expect(clippy::struct_field_names, reason = "the name of the monitor is what readers expect")]
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Monitor {
    /// The monitor's name.
    monitor: String,
    /// `lan`, `ble` ...
    source: &'static str,
    /// The adapter or interface; may be empty.
    channel: String,
    /// Where the monitor stands.
    place: String,
    /// `listens`, `starts`, `dark` (it does not hear), `tells` (it told whom it heard, and never when it
    /// listened) or `revoked` (its monitor was shut out).
    state: &'static str,
    /// When it was last heard of: what it told, or up to when it listened.
    last: Option<Stamp>,
    /// Whether it hears at the moment.
    covered: bool,
    /// Up to when it is known to have heard.
    covered_to: Option<Stamp>,
    /// Whether it hears anything at all, as it says itself.
    hears: bool,
    /// What it hears.
    can: Vec<String>,
    /// What it cannot.
    cannot: Vec<Cannot>,
    /// How often it told that somebody was there within the last minute; null: never since the hub runs.
    reports_per_minute: Option<u32>,
    /// When it last told so.
    last_report: Option<Stamp>,
    /// How many different private addresses that no key resolves it heard in the last five minutes;
    /// null: it never heard any.
    strangers: Option<usize>,
    /// When it could really hear.
    coverage: Vec<Covered>,
}

/// Something that a channel cannot do here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cannot {
    /// What.
    what: String,
    /// Why.
    why: String,
    /// What would help, if something would.
    hint: Option<String>,
}

/// A span of coverage.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Covered {
    /// Its start.
    from: Stamp,
    /// Its end.
    to: Stamp,
}

impl From<Channel> for Monitor {
    fn from(it: Channel) -> Self {
        let spans = it.spans.iter().copied();
        let reported = it.pulse.map(|it| it.last);
        let cannot = it.cannot.iter().cloned();
        Self {
            monitor: it.listener.monitor.to_string(),
            source: it.listener.source.word(),
            channel: it.listener.channel.to_string(),
            state: it.state().word(),
            last: it.covered_to.max(reported).map(Stamp),
            coverage: spans.map(Covered::from).collect(),
            place: it.place,
            covered: it.covered,
            covered_to: it.covered_to.map(Stamp),
            hears: it.hears,
            can: it.can,
            cannot: cannot.map(|it| Cannot { what: it.what, why: it.why, hint: it.hint }).collect(),
            reports_per_minute: it.pulse.map(|it| it.per_minute),
            last_report: reported.map(Stamp),
            strangers: it.strangers,
        }
    }
}

impl From<Span> for Covered {
    fn from(it: Span) -> Self {
        Self { from: Stamp(it.from), to: Stamp(it.to) }
    }
}

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Hours {
    /// So many hours up to now, 1 to 168.
    #[param(minimum = 1, maximum = 168)]
    hours: Option<u64>,
}

impl Hours {
    /// What was asked for, or so many.
    pub(crate) fn or(&self, otherwise: u64) -> Result<u64, Problem> {
        let hours = self.hours.unwrap_or(otherwise);
        let fits = (1..=168).contains(&hours);
        fits.then_some(hours).ok_or_else(|| Problem::wrong(format!("hours is 1 to 168: {hours}")))
    }
}

/// Where a monitor stands.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stand {
    /// A place's name.
    place: String,
}

/// Where a monitor stands now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Standing {
    monitor: String,
    place: String,
}

/// All channels of all monitors, with the coverage of the last 24 hours unless `hours` says otherwise.
#[utoipa::path(get, path = "/api/v1/monitors", tag = "monitors", params(Hours),
    responses((status = 200, body = List<Monitor>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Asked(hours): Asked<Hours>,
) -> Result<Versioned<List<Monitor>>, Problem> {
    let now = app.hub.now().wall;
    let window = Span::new(now - Duration::from_hours(hours.or(24)?), now);
    let channels = coverage::channels(&app, window).await?;
    let items = channels.into_iter().map(Monitor::from).collect();
    Ok(versioned(app.snapshot().directory.version, List { items, next: None }))
}

/// Say where a monitor stands.
#[utoipa::path(put, path = "/api/v1/monitors/{name}/place", tag = "monitors",
    params(("name" = String, Path, description = "the monitor's name")),
    request_body = Stand, responses((status = 200, body = Standing)))]
pub(crate) async fn stand(
    State(app): State<App>,
    Named(monitor): Named<String>,
    Expected(expect): Expected,
    Sent(stand): Sent<Stand>,
) -> Result<Versioned<Standing>, Problem> {
    known(&app, &monitor)?;
    let place = places::named(&app.snapshot(), &stand.place)?;
    let put = Edit::PlaceMonitor { monitor: monitor.clone(), place };
    let done = edit(&app, put, expect, |it| {
        let place = it.directory.monitors.get(monitor.as_str())?;
        value(Standing { monitor: monitor.clone(), place: it.place_name(*place).to_owned() })
    });
    let version = done.await?.version;
    Ok(versioned(version, Standing { monitor: monitor.clone(), place: stand.place }))
}

/// Whether there is such a monitor.
pub(crate) fn known(app: &App, monitor: &str) -> Result<(), Problem> {
    let is_it = |it: &Listener| *it.monitor == *monitor;
    let known = app.snapshot().listeners.iter().any(|it| is_it(&it.listener))
        || app.hub.channels().iter().any(|it| is_it(&it.listener));
    if known { Ok(()) } else { Err(Problem::missing("monitor", monitor)) }
}
