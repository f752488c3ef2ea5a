//! The whole house put together: routes, and what every request passes on its way.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use muster_core::snapshot::Snapshot;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::guard::{self, Guard};
use crate::hub::Hub;
use crate::problem::Problem;
use crate::{api, assets, pages};

/// Pages and interface over a hub, guarded as its listener needs it.
pub fn router(hub: Arc<dyn Hub>, guard: Guard) -> Router {
    let app = App { hub, guard, streams: Arc::new(Semaphore::new(MAX_STREAMS)) };
    Router::new()
        .merge(api::routes().into_router())
        .merge(pages::router())
        .merge(assets::router())
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_that_way)
        .layer(from_fn_with_state(app.clone(), pages::dress))
        .layer(CatchPanicLayer::custom(broken))
        .layer(RequestBodyLimitLayer::new(guard::MAX_BODY))
        .layer(from_fn(too_long))
        .layer(from_fn_with_state(guard, guard::check))
        .layer(from_fn(guard::harden))
        .with_state(app)
}

/// What every handler gets.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) hub: Arc<dyn Hub>,
    pub(crate) guard: Guard,
    /// Permits for open streams.
    pub(crate) streams: Arc<Semaphore>,
}

impl App {
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.hub.snapshot()
    }
}

async fn nothing_here(request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") {
        let known = "the interface is described at /api/v1/openapi.json";
        return Problem::missing("address", path).hint(known).into_response();
    }
    pages::refuse(&Problem::missing("page", path))
}

async fn not_that_way(request: Request) -> Response {
    let path = request.uri().path();
    // Where a form is sent there is no page to look at.
    if request.method() == Method::GET && !path.starts_with("/api/") {
        return nothing_here(request).await;
    }
    let detail = format!("{} cannot be used at {path}", request.method());
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
    if path.starts_with("/api/") { problem.into_response() } else { pages::refuse(&problem) }
}

/// Says why a body is not even read.
async fn too_long(request: Request, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    let bytes: usize = length.and_then(|it| it.parse().ok()).unwrap_or(0);
    if bytes <= guard::MAX_BODY {
        return next.run(request).await;
    }
    let most = guard::MAX_BODY;
    let detail = format!("a request may carry {most} bytes, this one has: {bytes}");
    let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail);
    let api = request.uri().path().starts_with("/api/");
    if api { problem.into_response() } else { pages::refuse(&problem) }
}

#[expect(clippy::needless_pass_by_value, reason = "the layer gives it away")]
fn broken(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(said, "a request handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something is broken in Muster itself")
        .hint("the log holds the message; please report it")
        .into_response()
}

/// More open streams than any house has screens; each holds one task and one watch.
const MAX_STREAMS: usize = 128;
