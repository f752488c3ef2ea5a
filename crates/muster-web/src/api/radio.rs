//! What the radio knows of a device: how strongly it was heard, and what it sent last.

use std::time::Duration;

use axum::extract::State;
use muster_core::fact::Listener;
use muster_core::span::Span;
use muster_wire::bluetooth::reasons::Reason;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::monitors::{Covered, Hours};
use super::{List, Routes, Stamp, Versioned, devices, value, versioned};
use crate::app::App;
use crate::extract::{Asked, Named};
use crate::heard::{self, Heard};
use crate::problem::Problem;
use crate::signals::{self, Series};

pub(crate) fn add(routes: Routes) -> Routes {
    routes
        .get("/api/v1/devices/{id}/signal", signal)
        .get("/api/v1/devices/{id}/advertisements", advertisements)
}

/// What one listener heard of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Signal {
    /// The monitor's name.
    monitor: String,
    /// `ble`, `classic` ...
    source: &'static str,
    /// The adapter; may be empty.
    channel: String,
    /// The strongest signal of each interval in which it was heard.
    readings: Vec<Strongest>,
    /// When the listener could really hear.
    coverage: Vec<Covered>,
}

/// The strongest signal of an interval.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Strongest {
    /// The interval's start.
    from: Stamp,
    /// Its end.
    to: Stamp,
    /// dBm.
    rssi: i8,
}

/// What a device sent last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sent {
    /// When it was heard.
    at: Stamp,
    /// By which monitor.
    monitor: String,
    /// `ble`, `classic` ...
    source: &'static str,
    /// The adapter; may be empty.
    channel: String,
    /// What it says, as `muster decode` prints it; a private address is left out.
    #[schema(value_type = Object)]
    says: Value,
    /// What of it names the device, and what does not.
    known_by: Vec<KnownBy>,
}

/// One thing in an advertisement that could name its sender.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KnownBy {
    /// What was sent.
    what: String,
    /// The identity that it is; null: nobody is known again by it.
    identity: Option<String>,
    /// Why, or why not.
    why: String,
}

impl From<Series> for Signal {
    fn from(it: Series) -> Self {
        let Listener { monitor, source, channel } = it.listener;
        let readings = it.readings.into_iter();
        let covered = it.covered.spans().iter();
        Self {
            monitor: monitor.into(),
            source: source.word(),
            channel: channel.into(),
            readings: readings
                .map(|(it, rssi)| Strongest { from: Stamp(it.from), to: Stamp(it.to), rssi })
                .collect(),
            coverage: covered.map(|it| Covered::from(*it)).collect(),
        }
    }
}

impl From<Heard> for Sent {
    fn from(it: Heard) -> Self {
        let mut says = value(&it.says).unwrap_or_default();
        if let Some(says) = says.as_object_mut() {
            // It is nobody's line of a capture.
            says.remove("frame");
        }
        Self {
            at: Stamp(it.at),
            monitor: it.listener.monitor.to_string(),
            source: it.listener.source.word(),
            channel: it.listener.channel.to_string(),
            says,
            known_by: it.reasons.into_iter().map(KnownBy::from).collect(),
        }
    }
}

impl From<Reason> for KnownBy {
    fn from(it: Reason) -> Self {
        let identity = it.identity.map(|it| it.to_string());
        Self { what: it.what, identity, why: it.why }
    }
}

/// How strongly a device was heard, by listener; the last hour unless `hours` says otherwise.
#[utoipa::path(get, path = "/api/v1/devices/{id}/signal", tag = "devices",
    params(("id" = u32, Path, description = "the device's number"), Hours),
    responses((status = 200, body = List<Signal>)))]
pub(crate) async fn signal(
    State(app): State<App>,
    Named(id): Named<u32>,
    Asked(hours): Asked<Hours>,
) -> Result<Versioned<List<Signal>>, Problem> {
    let snapshot = app.snapshot();
    let device = devices::numbered(&snapshot, id)?;
    let now = app.hub.now().wall;
    let window = Span::new(now - Duration::from_hours(hours.or(1)?), now);
    let view: Vec<_> = snapshot.device(device).into_iter().collect();
    let mut all = signals::of(&app, &snapshot, &view, window).await?;
    let items = all.remove(&device).unwrap_or_default().into_iter().map(Signal::from).collect();
    Ok(versioned(snapshot.directory.version, List { items, next: None }))
}

/// What a device sent last, newest first: kept in memory while the hub runs, for devices heard lately.
#[utoipa::path(get, path = "/api/v1/devices/{id}/advertisements", tag = "devices",
    params(("id" = u32, Path, description = "the device's number")),
    responses((status = 200, body = List<Sent>)))]
pub(crate) async fn advertisements(
    State(app): State<App>,
    Named(id): Named<u32>,
) -> Result<Versioned<List<Sent>>, Problem> {
    let snapshot = app.snapshot();
    let device = devices::numbered(&snapshot, id)?;
    let all = snapshot.device(device).map(|it| heard::of(&app, it)).unwrap_or_default();
    let items = all.into_iter().map(Sent::from).collect();
    Ok(versioned(snapshot.directory.version, List { items, next: None }))
}
