//! Damaged requests, at the door of the pages and at that of the commands: each gets an answer, none
//! breaks anything, and what the interface refuses is said as a problem.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Uri};
use http_body_util::BodyExt as _;
use muster_core::snapshot::Presence;
use muster_sim::damage::damage;
use muster_web::{Guard, Hub, router};
use tower::ServiceExt as _;

#[cfg(test)]
mod support;

use support::House;
use support::ask::door;

/// Method, address and body.
const CORPUS: [&str; 20] = [
    "GET /api/v1/now ",
    "GET /api/v1/devices?present=true&limit=20&after=3 ",
    "GET /api/v1/devices/1 ",
    "GET /api/v1/why/person:anna?at=2026-11-18T10:00:00Z ",
    "GET /api/v1/why/mac:b8:27:eb:01:02:03 ",
    "GET /api/v1/changes?after=0&limit=100 ",
    "GET /api/v1/stays?of=devices&from=2026-11-18T10:00:00Z&to=2026-11-18T12:00:00Z&place=here&limit=9 ",
    "GET /api/v1/monitors?hours=24 ",
    "GET /why/anna?at=2026-11-18T10:00 ",
    "GET /devices?all=1 ",
    "GET /assets/live.js ",
    "POST /api/v1/people {\"name\":\"ben\",\"display\":\"Ben\"}",
    "PATCH /api/v1/people/anna {\"display\":\"Anna\"}",
    "PUT /api/v1/people/anna/override {\"presence\":\"present\",\"for_s\":3600,\"note\":\"x\"}",
    "PATCH /api/v1/devices/1 {\"name\":\"tv\",\"kind\":\"tv\",\"mark\":\"ignored\",\"carried\":true}",
    "POST /api/v1/devices/1/merge {\"into\":2}",
    "POST /api/v1/places {\"name\":\"attic\",\"parent\":1}",
    "POST /people name=carla&display=Carla",
    "POST /devices/1 name=tv&kind=tv&mark=none&owner=anna",
    "POST /theme theme=dark&back=%2Fdevices",
];

#[tokio::test]
async fn seeded_damage() {
    let house = House::small().await;
    house.hear(4, Presence::Present);
    let hub: Arc<dyn Hub> = Arc::<House>::clone(&house);
    let doors = [door(&house), router(hub, Guard::Socket)];
    let corpus: Vec<Vec<u8>> = CORPUS.iter().map(|it| it.as_bytes().to_vec()).collect();
    let mut requests = Vec::new();
    damage(7, 4_000, &corpus, |_, bytes| requests.push(bytes.to_vec()));
    let (mut taken, mut refused) = (0, 0);
    for (number, bytes) in requests.iter().enumerate() {
        match ask(&doors[number % 2], bytes).await {
            Some(status) if status < 400 => taken += 1,
            Some(_) => refused += 1,
            None => {}
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
}

/// The status; none for what is no request at all.
async fn ask(door: &Router, bytes: &[u8]) -> Option<u16> {
    let mut parts = bytes.splitn(3, |it| *it == b' ');
    let method = parts.next()?;
    let uri = Uri::try_from(parts.next()?).ok()?;
    let body = parts.next().unwrap_or_default().to_vec();
    let path = uri.path().to_owned();
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "localhost:8080")
        .header("origin", "http://localhost:8080")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", if path.starts_with("/api/") { json } else { form })
        .body(Body::from(body))
        .ok()?;
    let answer = door.clone().oneshot(request).await.expect("routers do not fail");
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").map(|it| it.as_bytes().to_vec());
    let shown = String::from_utf8_lossy(bytes);
    assert!(status < 500, "{status}: {shown}");
    // A stream goes on as long as somebody listens.
    if kind.as_deref() != Some(b"text/event-stream") {
        answer.into_body().collect().await.expect("a whole answer");
    }
    if status >= 400 && path.starts_with("/api/") {
        assert_eq!(kind.as_deref(), Some(&b"application/problem+json"[..]), "{status}: {shown}");
    }
    Some(status)
}
