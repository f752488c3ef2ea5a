//! Whether the hub lives, and whether it can do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_core::series::SinkState;
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use crate::app::App;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/healthz", alive).get("/readyz", ready)
}

/// How the hub is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `degraded`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
    /// Why nothing is being stored, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<String>,
    /// What was found to be damaged in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<String>,
    /// Sinks to which nothing is delivered, by name; the hub does its work without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    failing: Vec<String>,
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "upkeep", responses((status = 200, body = Health)))]
pub(crate) async fn alive(State(app): State<App>) -> Json<Health> {
    Json(Health {
        status: "ok",
        version: app.hub.version(),
        degraded: None,
        damaged: None,
        failing: Vec::new(),
    })
}

/// The store takes commits and answers. A sink that fails and damage in the store make the status
/// `degraded` and leave the hub ready.
#[utoipa::path(get, path = "/readyz", tag = "upkeep",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let degraded = app.snapshot().degraded.as_deref().map(str::to_owned);
    let degraded = match degraded {
        Some(reason) => Some(reason),
        None => {
            app.hub.store().changes_after(u64::MAX >> 1, 1).await.err().map(|it| it.to_string())
        }
    };
    let sinks = app.hub.sinks().into_iter().filter(|it| it.state == SinkState::Failing);
    let failing: Vec<String> = sinks.map(|it| it.name).collect();
    let damaged = app.hub.damage();
    let (code, status) = match degraded {
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "degraded"),
        None if failing.is_empty() && damaged.is_none() => (StatusCode::OK, "ok"),
        None => (StatusCode::OK, "degraded"),
    };
    (code, Json(Health { status, version: app.hub.version(), degraded, damaged, failing }))
}
