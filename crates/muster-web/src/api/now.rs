//! Who is here, in one answer.

use axum::Json;
use axum::extract::State;
use muster_core::directory::Mark;
use muster_core::snapshot::{Presence, Snapshot};
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

/// How many present devices belong to nobody and may be somebody's who visits: neither marked as
/// the building's or ignored, nor said to be of a kind that stays where it is.
pub(crate) fn guests(snapshot: &Snapshot) -> usize {
    let here = snapshot.devices.iter().filter(|it| it.standing.presence == Presence::Present);
    let strangers = here.filter(|it| it.owner.is_none() && it.mark == Mark::Normal);
    let visits = |kind: muster_core::directory::DeviceKind| {
        kind.is_carried() || kind == muster_core::directory::DeviceKind::Other
    };
    strangers.filter(|it| visits(snapshot.directory.device(it.id).kind)).count()
}
