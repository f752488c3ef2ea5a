//! What the interface answers to those who only ask.

use muster_core::directory::{Directory, Edit};
use muster_core::identity::DeviceId;
use muster_core::snapshot::Presence;
use muster_core::stay::{Ended, Stay, StayId, Subject};
use serde_json::json;
use std::time::Duration;

#[cfg(test)]
mod support;

use support::ask::{door, get, send};
use support::{House, noon};

#[tokio::test]
async fn every_answer_has_its_shape() {
    let house = House::small().await;
    house.hear(4, Presence::Present);
    house.lose_the_sink();
    house.shelf().keep(Stay {
        id: StayId(1),
        subject: Subject::Device(DeviceId(1)),
        site: Directory::FIRST_SITE,
        from: noon() - Duration::from_hours(4),
        last: noon() - Duration::from_hours(2),
        ended: Ended::Assumed,
        to_latest: Some(noon() - Duration::from_hours(1)),
        uncovered: Duration::from_mins(30),
        after_gap: false,
        revision: 1,
    });
    let door = door(&house);
    for (name, path) in [
        ("now", "/api/v1/now"),
        ("people", "/api/v1/people"),
        ("devices", "/api/v1/devices"),
        ("places", "/api/v1/places"),
        ("monitors", "/api/v1/monitors?hours=2"),
        ("sinks", "/api/v1/sinks"),
        ("why", "/api/v1/why/anna"),
        ("changes", "/api/v1/changes"),
        ("stays", "/api/v1/stays?of=devices"),
        ("problem", "/api/v1/people/ana"),
    ] {
        let answer = get(&door, path).await;
        insta::assert_json_snapshot!(name, answer.json());
    }
}

#[tokio::test]
async fn what_a_device_calls_itself_counts_last() {
    let house = House::empty();
    let first = house.meet("b8:27:eb:00:00:01", Some("phone"), true);
    for claimed in ["1", "10.0.0.1", "b8:27:eb:00:00:01", "mac:b8:27:eb:00:00:01"] {
        house.meet(&format!("b8:27:eb:00:01:{:02x}", claimed.len()), Some(claimed), true);
    }
    let door = door(&house);
    let why = async |text: &str| get(&door, &format!("/api/v1/why/{text}")).await;
    for text in [first.to_string().as_str(), "b8:27:eb:00:00:01", "mac:b8:27:eb:00:00:01"] {
        let answer = why(text).await.json();
        assert_eq!(answer["subject"], format!("device:{first}"), "{text}");
        assert_eq!(answer["self_named"], false, "{text}");
    }
    assert_eq!(why("10.0.0.1").await.status, 404);
    let by_itself = why("PHONE").await.json();
    assert_eq!(by_itself["subject"], format!("device:{first}"));
    assert_eq!(by_itself["self_named"], true);
}

#[tokio::test]
async fn whatever_the_list_calls_a_device_it_can_be_asked_for_by() {
    let house = House::empty();
    let apple = house.meet("00:03:93:20:00:02", None, true);
    house.told(Edit::AddPerson { name: "anna".into(), display: "Anna".into() }).await;
    let door = door(&house);
    let why = async |text: &str| get(&door, &format!("/api/v1/why/{text}")).await;
    let label = get(&door, &format!("/api/v1/devices/{apple}")).await.json()["label"].clone();
    let typed = label.as_str().unwrap().replace(' ', "%20");
    let found = why(&typed).await.json();
    assert_eq!(found["subject"], format!("device:{apple}"), "{typed}");
    assert_eq!(found["self_named"], false, "by its address, not by what it says");
    let near = why(&typed.replace("02", "03")).await.json()["near"].clone();
    assert_eq!(near, json!([label]));
    // Another address with the same end and maker: both are named by what tells them apart.
    let other = house.meet("00:05:02:20:00:02", None, true);
    let both = why(&typed).await;
    let numbers = json!([format!("device:{apple}"), format!("device:{other}")]);
    assert_eq!((both.status.as_u16(), &both.json()["near"]), (409, &numbers));
    assert_eq!(why(&typed.replace("02", "03")).await.json()["near"], numbers);
    // A person is one person, whatever their names.
    assert_eq!(why("annna").await.json()["near"], json!(["anna"]));
    let people = get(&door, "/api/v1/people/annna").await;
    assert_eq!(people.json()["near"], json!(["anna"]));
}

#[tokio::test]
async fn what_is_too_long_or_not_there_is_said() {
    let door = door(&House::empty());
    let long = "x".repeat(2 << 20);
    let kind = [("content-type", "application/json"), ("content-length", "2097152")];
    let refused = send(&door, "POST", "/api/v1/people", &kind, &long).await;
    assert_eq!(refused.status, 413);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.json()["status"], 413);
    let missing = get(&door, "/assets/..%2fCargo.toml").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text.contains("no such file"), "{}", missing.text);
}

#[tokio::test]
async fn the_description_is_the_published_one() {
    let description = serde_json::to_value(muster_web::openapi()).unwrap();
    insta::assert_json_snapshot!("openapi", description);
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let house = House::empty();
    for n in 1..=25_u8 {
        house.meet(&format!("b8:27:eb:00:00:{n:02x}"), None, n % 2 == 0);
    }
    let door = door(&house);
    let mut seen = Vec::new();
    let mut path = "/api/v1/devices?limit=10".to_owned();
    loop {
        let page = get(&door, &path).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 10);
        seen.extend(items.iter().map(|it| it["id"].as_u64().unwrap()));
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/devices?limit=10&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=25).collect::<Vec<_>>());
    let here = get(&door, "/api/v1/devices?present=true").await.json();
    assert_eq!(here["items"].as_array().unwrap().len(), 12);
    let found = get(&door, "/api/v1/devices?q=00:00:19").await.json();
    assert_eq!(found["items"][0]["id"], 25);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failing_sink_degrades_the_hub_and_leaves_it_ready() {
    let house = House::small().await;
    let door = door(&house);
    assert_eq!(get(&door, "/readyz").await.json()["status"], "ok");
    house.lose_the_sink();
    let ready = get(&door, "/readyz").await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["status"], "degraded");
    assert_eq!(ready.json()["failing"], json!(["graphite"]));
}

#[tokio::test]
async fn nonsense_is_a_problem_with_words() {
    let door = door(&House::small().await);
    for (path, status) in [
        ("/api/v1/devices?limit=0", 400),
        ("/api/v1/devices?limit=many", 400),
        ("/api/v1/devices?after=x", 400),
        ("/api/v1/devices?mark=odd", 400),
        ("/api/v1/devices/99", 404),
        ("/api/v1/devices/x", 400),
        ("/api/v1/monitors?hours=1000", 400),
        ("/api/v1/why/anna?at=yesterday", 400),
        ("/api/v1/stays?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 400),
        ("/api/v1/stays?person=anna&device=1", 400),
        ("/api/v1/stays?of=cats", 400),
        ("/api/v1/nothing", 404),
    ] {
        let answer = get(&door, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{path}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_subject_is_found_by_whatever_it_is_called() {
    let house = House::small().await;
    let door = door(&house);
    for (text, subject) in [
        ("person:anna", "person:anna"),
        ("Anna", "person:anna"),
        ("device:2", "device:2"),
        ("2", "device:2"),
        ("PRINTER", "device:2"),
        ("Anna's%20phone", "device:1"),
        ("192.168.1.3", "device:2"),
        ("b8-27-eb-00-00-02", "device:2"),
        ("mac:b8:27:eb:00:00:02", "device:2"),
    ] {
        let why = get(&door, &format!("/api/v1/why/{text}")).await.json();
        assert_eq!(why["subject"], subject, "{text}");
    }
    let next = get(&door, "/api/v1/why/device:1").await.json()["next"].clone();
    let want = "it is gone after 26 min more of silence and 1 more question without an answer";
    assert_eq!(next, want);
    let deaf = get(&door, "/api/v1/why/device:3").await.json()["next"].clone();
    assert!(deaf.as_str().unwrap().ends_with(", counted once hub/lan/eth0 hears again"), "{deaf}");
    let near = get(&door, "/api/v1/why/prnter").await;
    assert_eq!((near.status.as_u16(), &near.json()["near"]), (404, &json!(["printer"])));
    house.told(support::described(2, Some("Anna"), None)).await;
    let both = get(&door, "/api/v1/why/anna").await;
    let expected = json!(["person:anna", "device:2"]);
    assert_eq!((both.status.as_u16(), &both.json()["near"]), (409, &expected));
}

#[tokio::test]
async fn what_a_query_may_hold_is_said() {
    let door = door(&House::small().await);
    for (path, what) in [
        ("devices?presnt=true", "unknown field `presnt`, expected one of `present`, `mark`"),
        ("people?q=anna", "unknown field `q`, expected `after` or `limit`"),
        ("stays?hours=3", "unknown field `hours`, expected one of `from`, `to`, `person`"),
        ("monitors?limit=3", "unknown field `limit`, expected `hours`"),
        ("why/anna?when=now", "unknown field `when`, expected `at`"),
        ("why/anna?at=noon", "a time is written as in"),
        ("devices?present=maybe", "provided string was not `true` or `false`"),
    ] {
        let refused = get(&door, &format!("/api/v1/{path}")).await;
        let detail = refused.json()["detail"].to_string();
        assert!(refused.status == 400 && detail.contains(what), "{path}: {refused:?}");
        assert!(!detail.contains("deserialize"), "{path}: {detail}");
    }
    let kind = [("content-type", "application/json")];
    let wrong = send(&door, "POST", "/api/v1/people", &kind, "{\"nam\": 1}").await;
    let detail = wrong.json()["detail"].to_string();
    assert!(detail.contains("unknown field `nam`") && !detail.contains("deserialize"), "{detail}");
    // A page takes whatever somebody's link has.
    assert_eq!(get(&door, "/devices?from=mail").await.status, 200);
}

#[tokio::test]
async fn health_follows_the_store() {
    let house = House::small().await;
    let door = door(&house);
    assert_eq!(get(&door, "/readyz").await.status, 200);
    house.degrade(Some("disk full"));
    assert_eq!(get(&door, "/healthz").await.status, 200);
    let ready = get(&door, "/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["degraded"]), (503, &json!("disk full")));
    let now = get(&door, "/api/v1/now").await.json();
    assert_eq!(now["degraded"], "disk full");
    assert_eq!(now["people"][0]["presence"], "present");
    let journal = get(&door, "/api/v1/changes").await;
    assert_eq!(journal.status, 503);
}
