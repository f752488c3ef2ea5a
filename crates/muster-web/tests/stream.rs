//! The stream: in order, resumable, and no more than was asked for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt;
use muster_core::snapshot::Presence;
use tower::ServiceExt;

#[cfg(test)]
mod support;

use support::House;
use support::ask::door;

/// A client that reads one event at a time.
struct Client {
    body: BodyDataStream,
    rest: String,
}

impl Client {
    async fn open(door: &Router, last: Option<&str>) -> Self {
        let mut request = Request::builder().uri("/api/v1/stream").header("host", "localhost:8080");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = door.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut client = Self { body: answer.into_body().into_data_stream(), rest: String::new() };
        assert!(client.next().await.unwrap().contains("retry"));
        client
    }

    /// The next event's lines; none when the stream has ended.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.rest = rest;
                return Some(event);
            }
            let chunk = self.body.next().await?.unwrap();
            self.rest.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// Kind and number of the next event.
    async fn brief(&mut self) -> (String, String) {
        let event = self.next().await.unwrap();
        let field = |name: &str| {
            let line = event.lines().find_map(|it| it.strip_prefix(name)).unwrap_or_default();
            line.trim_start_matches(':').trim().to_owned()
        };
        (field("event"), field("id"))
    }
}

fn change(id: u64) -> (String, String) {
    ("change".to_owned(), id.to_string())
}

#[tokio::test]
async fn changes_arrive_as_they_are_stored() {
    let house = House::small().await;
    let door = door(&house);
    let mut client = Client::open(&door, None).await;
    house.hear(4, Presence::Present);
    let event = client.next().await.unwrap();
    assert!(event.contains(r#""kind":"arrived""#), "{event}");
    assert!(event.contains(r#""subject":"device:4""#), "{event}");
    house.hear(4, Presence::Away);
    assert_eq!(client.brief().await, change(2));
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed_once() {
    let house = House::small().await;
    let door = door(&house);
    for _ in 0..250 {
        house.hear(4, Presence::Present);
    }
    let mut client = Client::open(&door, Some("3")).await;
    for id in 4..=250 {
        assert_eq!(client.brief().await, change(id));
    }
    house.hear(4, Presence::Away);
    assert_eq!(client.brief().await, change(251));
}

#[tokio::test]
async fn a_number_from_another_store_begins_anew() {
    let house = House::small().await;
    house.hear(4, Presence::Present);
    let door = door(&house);
    let mut client = Client::open(&door, Some("900")).await;
    assert_eq!(client.brief().await.0, "snapshot");
    house.hear(4, Presence::Away);
    assert_eq!(client.brief().await, change(2));
    let request = Request::builder()
        .uri("/api/v1/stream")
        .header("host", "localhost:8080")
        .header("last-event-id", "soon")
        .body(Body::empty());
    let wrong = door.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn pictures_without_a_change_are_told_once_and_hold_up_no_change() {
    let house = House::small().await;
    let mut client = Client::open(&door(&house), None).await;
    house.nudge();
    assert_eq!(client.brief().await.0, "snapshot");
    for _ in 0..50 {
        house.nudge();
    }
    house.hear(4, Presence::Present);
    assert_eq!(client.brief().await, change(1));
    house.nudge();
    house.nudge();
    assert_eq!(client.brief().await.0, "snapshot");
    house.hear(4, Presence::Away);
    assert_eq!(client.brief().await, change(2));
}

#[tokio::test]
async fn the_stream_ends_with_the_hub_and_streams_are_counted() {
    let house = House::small().await;
    let door = door(&house);
    let mut clients = Vec::new();
    for _ in 0..128 {
        clients.push(Client::open(&door, None).await);
    }
    let full = support::ask::get(&door, "/api/v1/stream").await;
    assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE);
    clients.pop();
    let mut last = Client::open(&door, None).await;
    house.stop();
    assert_eq!(last.next().await, None);
}
