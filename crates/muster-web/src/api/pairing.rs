//! Pairing: who may, who did, and who waits for a name.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_core::identity::DeviceId;
use muster_core::pairing::{Bond, PairingView, Trouble, WindowView};
use muster_core::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::devices::numbered;
use super::{Routes, Stamp};
use crate::app::App;
use crate::extract::{Named, Sent};
use crate::guard::Guard;
use crate::hub::PairingWish;
use crate::problem::Problem;

pub(crate) fn add(routes: Routes) -> Routes {
    routes
        .get("/api/v1/pairing", read)
        .post("/api/v1/pairing", open)
        .delete("/api/v1/pairing", close)
        .post("/api/v1/pairing/requests/{number}", answer)
        .delete("/api/v1/devices/{id}", forget)
}

/// Pairing now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pairing {
    /// `away`: nothing can be paired here; `closed`, `opening`, `open`, `closing`: the window.
    state: &'static str,
    /// Why nothing can be paired here.
    away: Option<Why>,
    /// The window, while it is open.
    window: Option<Window>,
    /// Why the last window ended early, or what was not put back.
    trouble: Option<Why>,
    /// Requests that wait for a person.
    requests: Vec<Request>,
    /// Devices that paired and that nobody has registered, oldest first.
    pending: Vec<Waiting>,
    /// What happened lately, newest first.
    recent: Vec<Event>,
    /// Which right is missing to learn the keys of who pairs.
    keyless: Option<Why>,
}

/// Why not, and what would help.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Why {
    /// In plain words.
    why: String,
    /// What to type or change.
    hint: Option<String>,
}

/// An open window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Window {
    /// Under which name phones see the hub.
    name: String,
    /// Through which adapters.
    adapters: Vec<String>,
    /// Who opened it.
    by: String,
    /// When it ends.
    until: Stamp,
    /// How long that is, seconds.
    left_s: u64,
    /// Whether phones see it over low energy too.
    low_energy: bool,
    /// Why not, if they do not.
    low_energy_why: Option<String>,
}

/// A phone that shows a number, and waits for somebody to compare it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Request {
    /// Its number.
    number: u64,
    /// What the phone calls itself.
    name: String,
    /// The address that it asks from.
    address: String,
    /// The six digits that it shows.
    passkey: String,
}

/// A device that paired and has no name yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// The device's number, once it has one.
    device: Option<u32>,
    /// What it calls itself.
    name: String,
    /// Its address.
    address: String,
    /// When it paired.
    since: Stamp,
    /// When it is unpaired.
    until: Stamp,
    /// Why that did not work, if it was tried.
    trouble: Option<String>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// When.
    at: Stamp,
    /// With whom.
    name: String,
    /// What: `paired`, `refused`, `registered` ...
    what: &'static str,
}

impl Pairing {
    fn of(view: PairingView, snapshot: &Snapshot) -> Self {
        let state = match (&view.away, &view.window) {
            (Some(_), _) => "away",
            (None, WindowView::Closed) => "closed",
            (None, WindowView::Opening) => "opening",
            (None, WindowView::Open { .. }) => "open",
            (None, WindowView::Closing) => "closing",
        };
        Self {
            state,
            away: view.away.map(Why::of),
            window: Window::of(view.window),
            trouble: view.trouble.map(Why::of),
            requests: view
                .asked
                .into_iter()
                .map(|it| Request {
                    number: it.number,
                    name: it.name.into(),
                    address: it.device.to_string(),
                    passkey: format!("{:06}", it.passkey),
                })
                .collect(),
            pending: view
                .pending
                .into_iter()
                .map(|it| Waiting {
                    device: device_of(snapshot, &it.bond).map(|it| it.0),
                    address: it.bond.device.to_string(),
                    name: it.bond.name.into(),
                    since: Stamp(it.since),
                    until: Stamp(it.until),
                    trouble: it.trouble.map(Into::into),
                })
                .collect(),
            recent: view
                .told
                .into_iter()
                .map(|it| Event { at: Stamp(it.at), name: it.name.into(), what: it.what.word() })
                .collect(),
            keyless: view.keyless.map(Why::of),
        }
    }
}

impl Why {
    fn of(it: Trouble) -> Self {
        Self { why: it.why.into(), hint: it.hint.map(Into::into) }
    }
}

impl Window {
    fn of(it: WindowView) -> Option<Self> {
        let WindowView::Open { name, adapters, by, until, left, low_energy } = it else {
            return None;
        };
        Some(Self {
            name: name.into(),
            adapters: adapters.into_iter().map(Into::into).collect(),
            by: by.into(),
            until: Stamp(until),
            left_s: left.as_secs(),
            low_energy: low_energy.is_ok(),
            low_energy_why: low_energy.err().map(Into::into),
        })
    }
}

/// The device that a pairing is with.
pub(crate) fn device_of(snapshot: &Snapshot, bond: &Bond) -> Option<DeviceId> {
    let names = bond.identities();
    let is_it = |it: &&muster_core::snapshot::DeviceView| {
        it.identities.iter().any(|(_, mine)| names.contains(mine))
    };
    snapshot.devices.iter().find(is_it).map(|it| it.id)
}

/// How long phones may pair.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWindow {
    /// How long, 10 to 3600; as configured if absent.
    #[schema(minimum = 10, maximum = 3600)]
    seconds: Option<u64>,
}

/// What somebody who compared the numbers says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// Whether they are the same.
    accept: bool,
}

/// Pairing now.
#[utoipa::path(get, path = "/api/v1/pairing", tag = "pairing",
    responses((status = 200, body = Pairing)))]
pub(crate) async fn read(State(app): State<App>) -> Json<Pairing> {
    now(&app)
}

/// Let phones pair for a while. A window that is open already ends then.
#[utoipa::path(post, path = "/api/v1/pairing", tag = "pairing", request_body = NewWindow,
    responses((status = 202, body = Pairing)))]
pub(crate) async fn open(
    State(app): State<App>,
    Sent(new): Sent<NewWindow>,
) -> Result<(StatusCode, Json<Pairing>), Problem> {
    let by = if app.guard == Guard::Socket { "a command" } else { "the page" };
    let length = match new.seconds {
        None => app.hub.pairing_length(),
        Some(seconds) if SECONDS.contains(&seconds) => Duration::from_secs(seconds),
        Some(seconds) => {
            let detail = format!("a window is open for 10 to 3600 seconds: {seconds}");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
    };
    app.hub.pair(PairingWish::Open { length, by }).await?;
    Ok((StatusCode::ACCEPTED, now(&app)))
}

/// Let nobody pair any more.
#[utoipa::path(delete, path = "/api/v1/pairing", tag = "pairing",
    responses((status = 200, body = Pairing)))]
pub(crate) async fn close(State(app): State<App>) -> Result<Json<Pairing>, Problem> {
    app.hub.pair(PairingWish::Close).await?;
    Ok(now(&app))
}

/// Answer a phone that shows a number.
#[utoipa::path(post, path = "/api/v1/pairing/requests/{number}", tag = "pairing",
    params(("number" = u64, Path, description = "the request's number")),
    request_body = Decision, responses((status = 200, body = Pairing)))]
pub(crate) async fn answer(
    State(app): State<App>,
    Named(number): Named<u64>,
    Sent(Decision { accept }): Sent<Decision>,
) -> Result<Json<Pairing>, Problem> {
    app.hub.pair(PairingWish::Answer { number, accept }).await?;
    Ok(now(&app))
}

/// Forget a device: it is unpaired, its keys are removed, and it is nobody's and has no name from now
/// on. Answered with success when all of that is so; while it is still paired nothing of it is
/// forgotten.
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = u32, Path, description = "the device's number")),
    responses((status = 204)))]
pub(crate) async fn forget(
    State(app): State<App>,
    Named(id): Named<u32>,
) -> Result<StatusCode, Problem> {
    forget_device(&app, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn forget_device(app: &App, id: u32) -> Result<(), Problem> {
    let device = numbered(&app.snapshot(), id)?;
    super::devices::givable(app, &app.snapshot(), id)?;
    app.hub.pair(PairingWish::Forget(device)).await.map_err(Problem::from)
}

fn now(app: &App) -> Json<Pairing> {
    Json(Pairing::of(app.hub.pairing(), &app.snapshot()))
}

const SECONDS: std::ops::RangeInclusive<u64> = 10..=3_600;
