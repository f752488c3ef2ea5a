//! What the interface does for those who change something, and what it refuses.

use muster_core::identity::DeviceId;
use muster_core::stay::Subject;
use muster_core::uplink::{Health, Liveness};
use muster_web::{Guard, Hub as _, router};
use serde_json::{Value, json};
use std::sync::Arc;

#[cfg(test)]
mod support;

use support::House;
use support::ask::{self, door, get, send};

#[tokio::test]
async fn people_come_and_go() {
    let house = House::small().await;
    let door = door(&house);
    let bert = json!({"name": "bert", "display": "Bert"});
    let made = ask::json(&door, "POST", "/api/v1/people", &bert).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/people/bert"));
    let again = ask::json(&door, "POST", "/api/v1/people", &bert).await;
    assert_eq!(again.status, 409);
    let wrong = ask::json(&door, "POST", "/api/v1/people", &json!({"name": "Bert B"})).await;
    assert_eq!(wrong.status, 422);
    let odd = ask::json(&door, "POST", "/api/v1/people", &json!({"name": "c", "age": 3})).await;
    assert_eq!(odd.status, 422);
    assert!(odd.json()["detail"].as_str().unwrap().contains("age"), "{}", odd.text);
    let renamed =
        ask::json(&door, "PATCH", "/api/v1/people/bert", &json!({"display": "Bertram"})).await;
    assert_eq!(renamed.json()["display"], "Bertram");
    assert_eq!(send(&door, "DELETE", "/api/v1/people/bert", &[], "").await.status, 204);
    assert_eq!(get(&door, "/api/v1/people/bert").await.status, 404);
}

#[tokio::test]
async fn presence_set_by_hand_holds_until_it_is_taken_back() {
    let door = door(&House::small().await);
    let path = "/api/v1/people/anna/override";
    let set = ask::json(&door, "PUT", path, &json!({"home": false})).await.json();
    assert_eq!(set["presence"], "away");
    assert_eq!(set["overridden"]["until"], "2026-11-19T04:00:00Z");
    let late = json!({"home": true, "until": "2027-11-19T04:00:00Z"});
    assert_eq!(ask::json(&door, "PUT", path, &late).await.status, 422);
    let cleared = send(&door, "DELETE", path, &[], "").await.json();
    assert_eq!((&cleared["presence"], &cleared["overridden"]), (&json!("present"), &json!(null)));
}

#[tokio::test]
async fn devices_are_described_given_merged_and_taken_apart() {
    let door = door(&House::small().await);
    let change = json!({"name": "Printer", "kind": "printer", "mark": "infrastructure"});
    let changed = ask::json(&door, "PATCH", "/api/v1/devices/2", &change).await.json();
    assert_eq!((&changed["label"], &changed["kind"]), (&json!("Printer"), &json!("printer")));
    let wrong = ask::json(&door, "PATCH", "/api/v1/devices/2", &json!({"kind": "boat"})).await;
    assert_eq!(wrong.status, 422);

    let owner = "/api/v1/devices/3/owner";
    let given = ask::json(&door, "PUT", owner, &json!({"person": "anna"})).await.json();
    assert_eq!((&given["owner"], &given["carried"]), (&json!("anna"), &json!(false)));
    let carried = json!({"carried": true});
    let carried = ask::json(&door, "PATCH", "/api/v1/devices/3", &carried).await.json();
    assert_eq!(carried["carried"], true);
    let by_kind = ask::json(&door, "PATCH", "/api/v1/devices/3", &json!({"carried": null})).await;
    assert_eq!(by_kind.json()["carried"], false);
    let taken = ask::json(&door, "PUT", owner, &json!({"person": null})).await.json();
    assert_eq!(taken["owner"], json!(null));
    let phone = json!({"person": "anna", "kind": "phone"});
    let phone = ask::json(&door, "PUT", owner, &phone).await.json();
    assert_eq!((&phone["kind"], &phone["carried"]), (&json!("phone"), &json!(true)));
    let boat = json!({"person": "anna", "kind": "boat"});
    assert_eq!(ask::json(&door, "PUT", owner, &boat).await.status, 422);
    let nobody = ask::json(&door, "PUT", owner, &json!({"person": "zoe"})).await;
    assert_eq!(nobody.status, 404);

    let merge = "/api/v1/devices/3/merge";
    let merged = ask::json(&door, "POST", merge, &json!({"into": 1})).await.json();
    let both = json!(["mac:b8:27:eb:00:00:01", "mac:02:00:00:00:00:03"]);
    assert_eq!(merged["identities"], both);
    assert_eq!(get(&door, "/api/v1/devices/3").await.status, 404);
    let own = "/api/v1/devices/1/identities/mac:b8:27:eb:00:00:01";
    assert_eq!(send(&door, "DELETE", own, &[], "").await.status, 422);
    let part = "/api/v1/devices/1/identities/mac:02:00:00:00:00:03";
    assert_eq!(send(&door, "DELETE", part, &[], "").await.status, 200);
    assert_eq!(get(&door, "/api/v1/devices/3").await.status, 200);
    let itself = ask::json(&door, "POST", "/api/v1/devices/1/merge", &json!({"into": 1})).await;
    assert_eq!(itself.status, 422);
}

#[tokio::test]
async fn a_merge_is_made_at_once_or_not_at_all() {
    let house = House::small().await;
    let door = door(&house);
    let merge = |from: u32, into: u32, door: &axum::Router| {
        let door = door.clone();
        async move {
            let path = format!("/api/v1/devices/{from}/merge");
            ask::json(&door, "POST", &path, &json!({"into": into})).await
        }
    };
    assert_eq!(merge(3, 1, &door).await.status, 200);
    let before = house.snapshot().directory.version;
    let merged = merge(1, 2, &door).await;
    assert_eq!(merged.json()["identities"].as_array().map(Vec::len), Some(3));
    assert_eq!(house.snapshot().directory.version, before + 1, "one edit, however many parts");
    assert_eq!(get(&door, "/api/v1/people/anna").await.json()["devices"], json!([]));
    let first = "/api/v1/devices/2/identities/mac:b8:27:eb:00:00:01";
    assert_eq!(send(&door, "DELETE", first, &[], "").await.status, 200);
    assert_eq!(get(&door, "/api/v1/people/anna").await.json()["devices"], json!([1]));
    assert_eq!(merge(2, 2, &door).await.status, 422);
}

#[tokio::test]
async fn a_device_is_not_given_from_a_time_to_come() {
    let door = door(&House::small().await);
    let owner = "/api/v1/devices/3/owner";
    let later = json!({"person": "anna", "from": "2027-11-19T04:00:00Z"});
    let refused = ask::json(&door, "PUT", owner, &later).await;
    assert_eq!(refused.status, 422);
    assert!(refused.json()["detail"].as_str().unwrap().contains("2027-11-19"), "{}", refused.text);
    assert_eq!(get(&door, "/api/v1/devices/3").await.json()["owner"], json!(null));
}

#[tokio::test]
async fn places_hold_monitors() {
    let door = door(&House::small().await);
    let kitchen = json!({"name": "kitchen", "parent": "here"});
    let made = ask::json(&door, "POST", "/api/v1/places", &kitchen).await.json();
    assert_eq!((&made["site"], &made["id"]), (&json!("here"), &json!(2)));
    let stand = json!({"place": "kitchen"});
    assert_eq!(ask::json(&door, "PUT", "/api/v1/monitors/hub/place", &stand).await.status, 200);
    assert_eq!(ask::json(&door, "PUT", "/api/v1/monitors/moon/place", &stand).await.status, 404);
    assert_eq!(send(&door, "DELETE", "/api/v1/places/2", &[], "").await.status, 409);
    let renamed = ask::json(&door, "PATCH", "/api/v1/places/2", &json!({"name": "cellar"})).await;
    assert_eq!(renamed.json()["monitors"], json!(["hub"]));
}

#[tokio::test]
async fn a_write_that_expects_another_version_is_told_what_is_current() {
    let door = door(&House::small().await);
    let read = get(&door, "/api/v1/devices/2").await;
    let version = read.header("etag").to_owned();
    let body = r#"{"name":"Mine"}"#;
    let write = |expect: String| {
        let door = door.clone();
        async move {
            let headers = [("content-type", "application/json"), ("if-match", expect.as_str())];
            send(&door, "PATCH", "/api/v1/devices/2", &headers, body).await
        }
    };
    assert_eq!(write(version.clone()).await.status, 200);
    let stale = write(version).await;
    let problem = stale.json();
    assert_eq!(stale.status, 409);
    assert_eq!(problem["current"]["name"], "Mine");
    let current = get(&door, "/api/v1/devices/2").await;
    assert_eq!(format!("\"{}\"", problem["version"]), current.header("etag"));
    assert_eq!(write("17".to_owned()).await.status, 400);
    assert_eq!(write("*".to_owned()).await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_changed_says_why() {
    let house = House::small().await;
    let anna = house.anna();
    house.declare(Subject::Person(anna));
    let door = door(&house);
    let declared = send(&door, "DELETE", "/api/v1/people/anna", &[], "").await;
    assert_eq!(declared.status, 403);
    assert!(declared.text.contains("configuration file"), "{}", declared.text);
    house.declare(Subject::Device(DeviceId(2)));
    let owner = json!({"person": "anna"});
    let given = ask::json(&door, "PUT", "/api/v1/devices/2/owner", &owner).await;
    assert_eq!(given.status, 403);
    assert!(given.text.contains("the configuration file says whose this is"), "{}", given.text);
    house.only_read();
    let read_only = ask::json(&door, "PATCH", "/api/v1/devices/2", &json!({"name": "x"})).await;
    assert_eq!(read_only.status, 403);
    assert!(read_only.json()["hint"].as_str().unwrap().contains("muster serve"));
}

#[tokio::test]
async fn backups_are_made_over_the_socket_only() {
    let house = House::small().await;
    let body = json!({"to": "/backups/today.db"});
    let refused = ask::json(&door(&house), "POST", "/api/v1/backup", &body).await;
    assert_eq!(refused.status, 403);
    let hub: Arc<dyn muster_web::Hub> = Arc::<House>::clone(&house);
    let socket = router(hub, Guard::Socket);
    assert_eq!(ask::json(&socket, "POST", "/api/v1/backup", &body).await.status, 201);
    let relative = ask::json(&socket, "POST", "/api/v1/backup", &json!({"to": "x.db"})).await;
    assert_eq!(relative.status, 400);
    assert_eq!(house.shelf().backups(), ["/backups/today.db"]);
}

#[tokio::test]
async fn strangers_and_floods_are_kept_out() {
    let house = House::small().await;
    let door = door(&house);
    let add = r#"{"name":"eve"}"#;
    let json = ("content-type", "application/json");
    for headers in [
        &[json, ("host", "evil.example:8080")][..],
        &[json, ("origin", "http://evil.example")],
        &[json, ("sec-fetch-site", "cross-site")],
        &[json, ("sec-fetch-site", "same-site")],
    ] {
        let answer = send(&door, "POST", "/api/v1/people", headers, add).await;
        assert!(matches!(answer.status.as_u16(), 403 | 421), "{headers:?}: {}", answer.status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    let rebound = send(&door, "GET", "/api/v1/now", &[("host", "evil.example:8080")], "").await;
    assert_eq!(rebound.status, 421);
    assert!(!rebound.text.contains("Anna"));
    let flood = format!(r#"{{"name":"{}"}}"#, "x".repeat(70_000));
    let answer = send(&door, "POST", "/api/v1/people", &[json], &flood).await;
    assert_eq!(answer.status, 413);
    let plain = send(&door, "POST", "/api/v1/people", &[("content-type", "text/plain")], add).await;
    assert_eq!(plain.status, 415);
    assert_eq!(
        send(&door, "GET", "/api/v1/people", &[], "").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn reading_changes_nothing() {
    let house = House::small().await;
    let door = door(&house);
    let before = get(&door, "/api/v1/people").await;
    for path in
        ["/", "/people", "/people/anna/remove", "/devices/1/merge?into=2", "/theme?theme=dark"]
    {
        get(&door, path).await;
    }
    let after = get(&door, "/api/v1/people").await;
    assert_eq!((before.text, before.headers), (after.text, after.headers));
}

#[tokio::test]
async fn a_far_monitor_is_let_in_and_shut_out() {
    let house = House::small().await;
    let door = door(&house);
    let wish = json!({
        "monitor": "attic", "place": "here", "sources": ["ble"], "kinds": ["ble", "irk"],
        "address": "hub.example.org",
    });
    let invited = ask::json(&door, "POST", "/api/v1/fleet", &wish).await;
    assert_eq!(invited.status, 201, "{}", invited.text);
    assert!(invited.json()["line"].as_str().unwrap().starts_with("muster monitor --hub https://"));
    let waits = get(&door, "/api/v1/fleet").await.json()["items"][0].clone();
    assert_eq!((&waits["monitor"], &waits["state"]), (&json!("attic"), &json!("invited")));
    assert!(waits["code_until"].is_string() && waits["enrolled"].is_null(), "{waits}");
    let page = get(&door, "/monitors").await.text;
    assert!(page.contains("invited") && page.contains("the line for it is good until"), "{page}");
    assert!(!page.contains("Shut out attic"), "there is nobody to shut out: {page}");
    for (wrong, status, why) in [
        (json!({"monitor": "the attic"}), 422, "1 to 64 of a-z"),
        (json!({"monitor": "attic", "place": "moon"}), 404, "no such place"),
        (json!({"monitor": "attic", "sources": ["nose"]}), 400, "source is one of lan, ble"),
        (json!({"monitor": "attic", "kinds": ["phone"]}), 422, "kind of identity is one of mac"),
        (json!({"monitor": "attic", "address": "$(reboot)"}), 400, "a name or an address"),
    ] {
        let refused = ask::json(&door, "POST", "/api/v1/fleet", &wrong).await;
        assert_eq!(refused.status, status, "{wrong}: {}", refused.text);
        assert!(refused.text.contains(why), "{wrong}: {}", refused.text);
    }
    let health = Health {
        version: "0.1.0".into(),
        clock_ahead: Some(-1_234_567),
        spooled: 7,
        last_error: Some("<b>no adapter</b>".into()),
        simulated: true,
        ..Health::default()
    };
    house.far("attic", Some((Liveness::Late, health)));
    house.far("cellar", None);
    let all = get(&door, "/api/v1/fleet").await.json();
    let (attic, cellar) = (&all["items"][0], &all["items"][1]);
    assert_eq!((&attic["state"], &cellar["state"]), (&json!("late"), &json!("silent")));
    assert_eq!(attic["health"]["clock_ahead_ms"], -1_234);
    assert_eq!(attic["health"]["backlog"], 7);
    let page = get(&door, "/monitors").await.text;
    for shown in ["1234 ms behind", "7 facts", "simulated", "not heard of yet", "&#60;b&#62;no"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let gone = send(&door, "DELETE", "/api/v1/fleet/attic", &[], "").await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(send(&door, "DELETE", "/api/v1/fleet/moon", &[], "").await.status, 404);

    // On the page: the line is shown once, and what was refused is still there.
    let shown = ask::form(&door, "/monitors", "monitor=shed").await;
    assert!(shown.status == 200 && shown.text.contains("--enrol shed"), "{}", shown.text);
    assert!(!get(&door, "/monitors").await.text.contains("--enrol"));
    let refused = ask::form(&door, "/monitors", "monitor=the+shed").await;
    assert!(
        refused.status == 422 && refused.text.contains("value=\"the shed\""),
        "{}",
        refused.text
    );
    assert_eq!(ask::form(&door, "/fleet/revoke", "monitor=cellar").await.status, 303);
    assert_eq!(ask::form(&door, "/fleet/revoke", "monitor=moon").await.status, 404);
}

#[tokio::test]
async fn a_channel_says_whether_it_counts() {
    let house = House::small().await;
    let door = door(&house);
    house.far("attic", Some((Liveness::Alive, Health::default())));
    house.far("cellar", None);
    house.ear("attic", Some(house.now().wall));
    house.ear("cellar", None);
    let states = async |of: &str| {
        let all = get(&door, "/api/v1/monitors").await.json();
        let its = |it: &&Value| it["monitor"] == of;
        all["items"].as_array().unwrap().iter().find(its).unwrap()["state"].clone()
    };
    assert_eq!((states("attic").await, states("cellar").await), ("listens".into(), "tells".into()));
    let page = get(&door, "/monitors").await.text;
    assert!(
        page.contains("tells whom it hears") && page.contains("said nothing of when"),
        "{page}"
    );
    assert!(!page.contains("has not listened yet"), "{page}");
    let gone = send(&door, "DELETE", "/api/v1/fleet/attic", &[], "").await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    let attic = get(&door, "/api/v1/fleet").await.json()["items"][0].clone();
    assert_eq!((&attic["state"], attic["last"].is_string()), (&json!("revoked"), true));
    assert_eq!(states("attic").await, "revoked");
    let page = get(&door, "/monitors").await.text;
    let channel = page.split("<article").find(|it| it.contains("attic · ")).unwrap();
    assert!(channel.contains("revoked") && !channel.contains("listening<"), "{channel}");
}
