//! Receivers at a real broker: they come, hear, die, lie and talk too much.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

mod common;

#[path = "../../../tests/peers/mosquitto.rs"]
mod mosquitto;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::{Home, Hub};
use mosquitto::Mosquitto;
use serde_json::{Value, json};

const TAG: &str = "ble:c4:64:e3:01:02:03";
const KITCHEN: &str = "espresense/devices/c464e3010203/kitchen";
const STATUS: &str = "espresense/rooms/kitchen/status";
const HEARD: &str = r#"{"mac":"c464e3010203","id":"c464e3010203","rssi@1m":-65,"rssi":-61.50,"rxAdj":0,"rssiVar":1.20,"distance":0.78,"var":0.05,"int":1013}"#;

#[test]
fn a_receiver_comes_hears_a_tag_and_dies_and_nobody_leaves() {
    let broker = Mosquitto::open();
    let home = home(&broker, "");
    let hub = home.serve();
    broker.retain(STATUS, "online");
    let receiver = broker.repeat(KITCHEN, HEARD, STATUS);
    let anna = |hub: &Hub| hub.get("/api/v1/people/anna").json()["presence"].clone();
    hub.until("arrival", |hub| (anna(hub) == "present").then_some(()));
    let kitchen = channel(&hub, "kitchen").unwrap();
    assert_eq!((&kitchen["source"], &kitchen["channel"]), (&json!("mqtt"), &json!("espresense")));
    assert_eq!(kitchen["hears"], true, "{kitchen}");

    drop(receiver);
    hub.until("its last will", |hub| {
        let it = channel(hub, "kitchen")?;
        (it["cannot"][0]["why"] == "the receiver is offline").then_some(())
    });
    hub.until("doubt", |hub| (anna(hub) == "unknown").then_some(()));
    let changes = hub.changes();
    assert!(!changes.iter().any(|it| it.starts_with("left")), "{changes:?}");
}

#[test]
fn a_broker_that_comes_back_is_heard_again() {
    let mut broker = Mosquitto::open();
    let home = home(&broker, "");
    let hub = home.serve();
    heard(&hub, &broker);
    broker.kill();
    hub.until("the loss", |hub| {
        let all = hub.get("/api/v1/monitors").json()["items"].clone();
        let all = all.as_array()?.clone();
        let what = format!("use the MQTT broker at {}", broker.address);
        let is_lost = |it: &Value| it["hears"] == false && it["cannot"][0]["what"] == *what;
        (all.len() == 2 && all.iter().all(is_lost)).then_some(())
    });
    broker.start();
    heard(&hub, &broker);
}

#[test]
fn a_broker_that_hangs_is_noticed() {
    let broker = Mosquitto::open();
    let home = home(&broker, "keep_alive = \"5s\"\n");
    let hub = home.serve();
    heard(&hub, &broker);
    broker.freeze();
    let why = hub.until("the silence", why_not);
    assert_eq!(why, "it does not answer");
}

#[test]
fn another_hub_of_the_same_name_is_said() {
    let broker = Mosquitto::open();
    let (first, second) = (home(&broker, ""), home(&broker, ""));
    let hub = first.serve();
    heard(&hub, &broker);
    let _other = second.serve();
    let why = hub.until("the other", why_not);
    assert!(why.ends_with("under the same name (sources.mqtt.client_id)"), "{why}");
}

#[test]
fn what_the_broker_had_kept_is_no_evidence() {
    let broker = Mosquitto::open();
    broker.retain("espresense/devices/c464e3010204/attic", &HEARD.replace("0203", "0204"));
    broker.retain("espresense/rooms/attic/telemetry", r#"{"adverts":7}"#);
    broker.retain("espresense/rooms/cellar/status", "online");
    broker.retain("espresense/rooms/garden/status", "offline");
    broker.retain("espresense/rooms/hub/status", "online");
    broker.retain("espresense/rooms/x\u{202e}/status", "perhaps");
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(60_000));
    broker.retain("espresense/devices/long/attic", &long);
    let home = home(&broker, "");
    let hub = home.serve();
    heard(&hub, &broker);
    let devices = hub.get("/api/v1/devices").json();
    let devices = devices["items"].as_array().unwrap();
    assert_eq!(devices.len(), 1, "{devices:?}");
    assert!(channel(&hub, "attic").is_none());
    for (name, why) in [
        ("cellar", "nothing has come from it yet, only what the broker had kept"),
        ("garden", "the receiver is offline"),
    ] {
        let it = channel(&hub, name).unwrap();
        assert_eq!((&it["hears"], &it["cannot"][0]["why"]), (&json!(false), &json!(why)), "{it}");
    }
    let own = channel(&hub, "hub").unwrap();
    let cannot: Vec<_> = own["cannot"].as_array().unwrap().iter().map(|it| &it["what"]).collect();
    assert_eq!(cannot, ["take a receiver called hub", "read everything"], "{own}");
}

/// It was never paired, and there is no bluetoothd that would have to unpair it.
#[test]
fn who_is_heard_by_receivers_is_forgotten_without_a_radio() {
    let broker = Mosquitto::open();
    let home = home(&broker, "");
    let hub = home.serve();
    let _receiver = broker.repeat(
        "espresense/devices/c464e3010209/kitchen",
        &HEARD.replace("010203", "010209"),
        STATUS,
    );
    let path = hub.until("the device", |hub| {
        let all = hub.get("/api/v1/devices").json()["items"].as_array()?.clone();
        let is_it = |it: &&Value| it["identities"].to_string().contains("c4:64:e3:01:02:09");
        Some(format!("/api/v1/devices/{}", all.iter().find(is_it)?["id"]))
    });
    let named = hub.ask("PATCH", &path, Some(&json!({"name": "Bens badge"})));
    assert_eq!(named.status, 200, "{}", named.body);
    let forgotten = hub.ask("DELETE", &path, None);
    assert_eq!(forgotten.status, 204, "{}", forgotten.body);
    assert_eq!(hub.get(&path).json()["name"], "");
}

#[test]
fn a_wrong_password_is_said_with_its_key_and_its_file() {
    let broker = Mosquitto::closed("muster", "right");
    let home = home(&broker, "user = \"muster\"\npassword_file = \"password\"\n");
    let file = home.path().join("password");
    fs::write(&file, "wrong\n").unwrap();
    let hub = home.serve();
    let why = hub.until("refusal", why_not);
    assert_eq!(
        why,
        "it refuses user muster: look at sources.mqtt.user, and at the password in password \
         (sources.mqtt.password_file)"
    );
    // It is tried again, with what is in the file by then.
    fs::write(&file, "right\n").unwrap();
    heard(&hub, &broker);
    let (_, said) = hub.terminate();
    assert!(said.contains("the password in password") && !said.contains("wrong"), "{said}");
}

#[test]
fn an_encrypted_connection_is_checked() {
    let broker = Mosquitto::encrypted();
    let other = Mosquitto::encrypted();
    let ca = |it: &Path| format!("ca_file = \"{}\"\n", it.display());
    let home_of = |file: &Path| home(&broker, &ca(file));
    let home = home_of(&other.certificate());
    let hub = home.serve();
    let why = hub.until("refusal", why_not);
    assert!(why.starts_with("its certificate is not taken"), "{why}");
    assert!(why.ends_with("look at sources.mqtt.ca_file"), "{why}");
    drop(hub);
    let home = home_of(&broker.certificate());
    heard(&home.serve(), &broker);
}

#[test]
fn a_flood_is_dropped_and_the_others_are_heard() {
    let broker = Mosquitto::open();
    let home = home(&broker, "");
    let hub = home.serve();
    heard(&hub, &broker);
    let mut lines = String::new();
    for number in 0..20_000 {
        let id = format!("c0{number:010x}");
        writeln!(lines, r#"{{"mac":"{id}","id":"{id}","rssi":-61}}"#).unwrap();
    }
    broker.publish_lines("espresense/devices/flood/attic", &lines);
    hub.until("the flood to be said", |hub| {
        let attic = channel(hub, "attic")?;
        let cannot = attic["cannot"].as_array()?.clone();
        cannot.iter().any(|it| it["what"] == "take all whom it hears").then_some(())
    });
    heard(&hub, &broker);
    assert_eq!(channel(&hub, "kitchen").unwrap()["hears"], true);
}

/// Waits until the kitchen's receiver has been heard.
#[track_caller]
fn heard(hub: &Hub, broker: &Mosquitto) {
    let _receiver = broker.repeat(KITCHEN, HEARD, STATUS);
    hub.until("the kitchen", |hub| {
        (channel(hub, "kitchen")?["hears"] == true && device(hub).is_some()).then_some(())
    });
}

/// Why the connection to the broker is not there.
fn why_not(hub: &Hub) -> Option<String> {
    let own = channel(hub, "hub")?;
    let why = own["cannot"][0]["why"].as_str()?.to_owned();
    (own["hears"] == false).then_some(why)
}

fn device(hub: &Hub) -> Option<Value> {
    let all = hub.get("/api/v1/devices").json()["items"].as_array()?.clone();
    all.into_iter().find(|it| it["identities"].to_string().contains(TAG))
}

fn channel(hub: &Hub, monitor: &str) -> Option<Value> {
    let all = hub.get("/api/v1/monitors").json()["items"].as_array()?.clone();
    all.into_iter().find(|it| it["monitor"] == *monitor)
}

/// A hub that listens to this broker, with a person who carries the tag.
fn home(broker: &Mosquitto, more: &str) -> Home {
    let home = Home::new();
    let settings = format!(
        "[presence]\nunknown_after = \"30s\"\n[sources.lan]\nenabled = false\n\
         [sources.mqtt]\nenabled = true\nbroker = \"{}\"\n{more}\
         [[people]]\nname = \"anna\"\ndevices = [\"{TAG}\"]\n",
        broker.address
    );
    fs::write(home.path().join("muster.toml"), settings).unwrap();
    home
}
