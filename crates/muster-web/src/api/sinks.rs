//! Sinks: where presence is sent as numbers over time, and whether it arrives.

use axum::Json;
use axum::extract::State;
use muster_core::series::{SinkHealth, SinkTrouble};
use serde::Serialize;
use utoipa::ToSchema;

use super::{List, Routes, Stamp};
use crate::app::App;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/api/v1/sinks", list)
}

/// A sink, and how it is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sink {
    /// Its name.
    name: String,
    /// Where it sends.
    target: String,
    /// `starting`, `delivering` or `failing`.
    state: &'static str,
    /// Since when.
    since: Option<Stamp>,
    /// Everything up to here is delivered or was given up.
    delivered_to: Option<Stamp>,
    /// How many samples are due and not delivered.
    waiting: u64,
    /// How many samples were given up since the hub started.
    dropped: u64,
    /// From when to when they would have been; what lies between may have arrived.
    lost: Option<Lost>,
    /// What went wrong last, also when it is over.
    last_error: Option<Trouble>,
}

/// A span of time of which samples were given up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lost {
    /// Its start.
    from: Stamp,
    /// Its end.
    to: Stamp,
}

/// Why nothing was delivered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Trouble {
    /// When it began.
    at: Stamp,
    /// In plain words.
    what: String,
}

impl From<SinkHealth> for Sink {
    fn from(it: SinkHealth) -> Self {
        let trouble = |SinkTrouble { at, what }| Trouble { at: Stamp(at), what };
        Self {
            name: it.name,
            target: it.target,
            state: it.state.word(),
            since: it.since.map(Stamp),
            delivered_to: it.delivered_to.map(Stamp),
            waiting: it.backlog,
            dropped: it.dropped,
            lost: it.lost.map(|it| Lost { from: Stamp(it.from), to: Stamp(it.to) }),
            last_error: it.last_error.map(trouble),
        }
    }
}

/// All sinks; none while no hub runs.
#[utoipa::path(get, path = "/api/v1/sinks", tag = "sinks",
    responses((status = 200, body = List<Sink>)))]
pub(crate) async fn list(State(app): State<App>) -> Json<List<Sink>> {
    let items = app.hub.sinks().into_iter().map(Sink::from).collect();
    Json(List { items, next: None })
}
