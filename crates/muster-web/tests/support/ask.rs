//! Asks a house as a client would, without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use muster_web::{Guard, Hub, router};
use serde_json::Value;
use tower::ServiceExt;

use super::House;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// As JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|it| panic!("{it}: {}", self.text))
    }

    /// A header, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }
}

/// The house behind its guard on loopback.
pub(crate) fn door(house: &Arc<House>) -> Router {
    let hub: Arc<dyn Hub> = Arc::<House>::clone(house);
    router(hub, Guard::Loopback { port: 8080 })
}

/// Sends one request; headers and a body are `name: value` lines and the rest.
pub(crate) async fn send(
    door: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let answer = door.clone().oneshot(request).await.expect("routers do not fail");
    let (parts, body) = answer.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer { status: parts.status, headers: parts.headers, text }
}

/// Reads a page or an answer.
pub(crate) async fn get(door: &Router, path: &str) -> Answer {
    send(door, "GET", path, &[], "").await
}

/// Sends JSON.
pub(crate) async fn json(door: &Router, method: &str, path: &str, body: &Value) -> Answer {
    let kind = [("content-type", "application/json")];
    send(door, method, path, &kind, &body.to_string()).await
}

/// Sends a form, as a browser on our own page does.
pub(crate) async fn form(door: &Router, path: &str, body: &str) -> Answer {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
        ("origin", "null"),
    ];
    send(door, "POST", path, &headers, body).await
}
