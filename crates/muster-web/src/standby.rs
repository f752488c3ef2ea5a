//! What a hub says while another one leads: that it waits, and for whom. It knows nobody who is here.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::guard::{self, Guard};
use crate::pages;
use crate::problem::Problem;

/// Pages and interface of a hub that waits, guarded as its listener needs it. `leader` is who leads, in words
/// for people, or why nobody knows.
pub fn standby(leader: watch::Receiver<String>, version: &'static str, guard: Guard) -> Router {
    Router::new()
        .route("/healthz", get(move || async move { alive(version) }))
        .fallback(waits)
        .layer(from_fn_with_state(guard, guard::check))
        .layer(from_fn(guard::harden))
        .with_state(leader)
}

/// The process answers.
fn alive(version: &'static str) -> Json<Value> {
    Json(json!({ "status": "standby", "version": version }))
}

async fn waits(State(leader): State<watch::Receiver<String>>, request: Request) -> Response {
    let detail = format!("this hub is the standby: {}", *leader.borrow());
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        .hint("ask the hub that leads; this one goes on when that is gone");
    if guard::wants_page(&request) { pages::bar(&problem) } else { problem.into_response() }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header::ACCEPT;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn asked(path: &str, accept: &str) -> (StatusCode, String) {
        let (_told, leader) = watch::channel("process 7 on attic leads".to_owned());
        let request = Request::get(path).header(ACCEPT, accept).body(Body::empty()).unwrap();
        let rooms = standby(leader, "1.2.3", Guard::Socket);
        let answer = rooms.oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn whoever_asks_is_told_who_leads() {
        let (status, page) = asked("/people", "text/html").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.contains("<h1") && page.contains("process 7 on attic leads"), "{page}");
        let (status, told) = asked("/api/v1/now", "*/*").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(told.contains("\"detail\":\"this hub is the standby: process 7"), "{told}");
        let (status, told) = asked("/healthz", "*/*").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(told, r#"{"status":"standby","version":"1.2.3"}"#);
        assert_eq!(asked("/readyz", "*/*").await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
