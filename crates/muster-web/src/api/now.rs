//! Who is here, in one answer.

use axum::Json;
use axum::extract::State;
use muster_core::directory::{DeviceKind, Mark};
use muster_core::snapshot::{DeviceView, Presence, Snapshot};
use serde::Serialize;
use utoipa::ToSchema;

use super::people::Person;
use super::{Routes, Stamp};
use crate::app::App;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/api/v1/now", read)
}

/// A picture of now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Now {
    /// When it was taken.
    at: Stamp,
    /// The last change that is in it.
    last_change: u64,
    /// Whether any of it is simulated.
    simulated: bool,
    /// Why nothing is being stored at the moment, if so.
    degraded: Option<String>,
    /// The program's version.
    version: &'static str,
    /// The sites watched.
    sites: Vec<String>,
    /// Everybody.
    people: Vec<Person>,
    /// How many devices are present, ignored ones aside.
    devices_present: usize,
    /// How many of them belong to nobody and not to the building.
    guests: usize,
}

/// Who is here.
#[utoipa::path(get, path = "/api/v1/now", tag = "presence", responses((status = 200, body = Now)))]
pub(crate) async fn read(State(app): State<App>) -> Json<Now> {
    let snapshot = app.snapshot();
    let sites = snapshot.directory.places.values().filter(|it| it.parent.is_none());
    Json(Now {
        at: Stamp(snapshot.at),
        last_change: snapshot.last_change,
        simulated: snapshot.simulated,
        degraded: snapshot.degraded.as_deref().map(str::to_owned),
        version: app.hub.version(),
        sites: sites.map(|it| it.name.to_string()).collect(),
        people: snapshot.people.iter().map(|it| Person::of(&app, &snapshot, it)).collect(),
        devices_present: devices_present(&snapshot),
        guests: guests(&snapshot),
    })
}

/// How many devices are present, ignored ones aside.
pub(crate) fn devices_present(snapshot: &Snapshot) -> usize {
    let here = snapshot.devices.iter().filter(|it| it.standing.presence == Presence::Present);
    here.filter(|it| it.mark != Mark::Ignored).count()
}

/// How many present devices may be a visitor's.
pub(crate) fn guests(snapshot: &Snapshot) -> usize {
    let here = snapshot.devices.iter().filter(|it| it.standing.presence == Presence::Present);
    here.filter(|it| is_strange(snapshot, it)).count()
}

/// Whether a device may be a visitor's: it belongs to nobody, is neither marked as the building's
/// nor ignored, and nobody said that it is of a kind that stays where it is.
pub(crate) fn is_strange(snapshot: &Snapshot, device: &DeviceView) -> bool {
    let kind = snapshot.directory.devices.get(&device.id).map_or(DeviceKind::Other, |it| it.kind);
    let visits = kind.is_carried() || kind == DeviceKind::Other;
    device.owner.is_none() && device.mark == Mark::Normal && visits
}
