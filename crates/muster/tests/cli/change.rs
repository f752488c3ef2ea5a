//! Editing without a hub: the store is opened, changed and closed.

use std::time::Duration;

use insta::assert_snapshot;
use muster_core::time::Time;
use serde_json::Value;

use crate::support::{BERTS, House};

#[test]
fn people_devices_and_places() {
    let house = House::of_a_friday();
    assert_snapshot!(house.transcript(&[
        "person add clara --display \"Clara Fall\"",
        "person add clara",
        "person add Clara",
        "person add \"Änna Müller\"",
        "person add 李雷",
        "person rename clara Clara",
        "device name 192.168.1.40 \"The telly\"",
        "device kind \"the telly\" media",
        "device kind 1 toaster",
        "device mark 1 normal",
        "device carried 1 yes",
        "device assign 1 clara --from 2026-11-20",
        "device list clara",
        "device assign 192.168.1.40 CLARA",
        "device kind 1 other",
        "device carried 1 auto",
        "device assign 1 clara",
        "device assign 1 clara --kind tag",
        "device assign 1 Nobody",
        "device assign 1 clara --from 2026-11-20 --kind media",
        "device carried 1 yes",
        "report stays --from 2026-11-20 --to 2026-11-20 --person clara",
        "device assign 1 --nobody",
        "device merge 3 2",
        "device show 2",
        "device split 2 mac:da:a1:19:00:00:01",
        "device list",
        "place add Kitchen --in here",
        "place rename here Home",
        "monitor place hub kitchen",
        "place list",
        "place remove Home",
        "place remove Kitchen",
        "person show \"anna berg\"",
        "person remove clara",
        "person remove clara --yes",
        "person show clara",
    ]));
}

#[test]
fn presence_by_hand() {
    let house = House::of_a_friday();
    let set = house.tell(&["person", "home", "anna", "--until", "+2h", "--format", "json"]);
    let set: Value = serde_json::from_str(&set).expect("a person");
    assert_eq!(set["presence"], "present");
    assert!(set["overridden"]["until"].is_string());
    assert!(house.tell(&["who"]).contains("Anna Berg"));
    let said = house.ask(&["person", "auto", "anna"]);
    assert!(said.code == 0 && said.err.contains("the devices of anna decide"), "{said:?}");
    assert!(!house.tell(&["who"]).contains("Anna Berg"));
    let late = house.ask(&["person", "away", "anna", "--until", "+9d"]);
    assert_eq!(late.code, 2);
    let short = house.tell(&["person", "away", "anna", "--for", "2h", "--format", "json"]);
    let short: Value = serde_json::from_str(&short).expect("a person");
    assert_eq!(short["presence"], "away");
    let until: Time = short["overridden"]["until"].as_str().unwrap_or_default().parse().unwrap();
    let first: Time = set["overridden"]["until"].as_str().unwrap_or_default().parse().unwrap();
    assert!(until.since(first) < Duration::from_mins(10), "two hours as well: {until} {first}");
    assert!(late.err.contains("error: an override lasts up to 7 days from now"), "{late:?}");
}

#[test]
fn nobody_is_given_a_device_in_the_future() {
    let house = House::of_a_friday();
    let later = house.ask(&["device", "assign", "1", "anna", "--from", "2099-01-01"]);
    assert_eq!(later.code, 2);
    assert!(later.err.contains("error: a device can be given"), "{later:?}");
    let show = house.tell(&["device", "show", "1", "--format", "json"]);
    let device: Value = serde_json::from_str(&show).expect("a device");
    assert_ne!(device["owner"], "anna");
}

#[test]
fn json_shows_what_it_became() {
    let house = House::of_a_friday();
    let named = house.tell(&["device", "name", BERTS, "Bert's phone", "--format", "json"]);
    let named: Value = serde_json::from_str(&named).expect("a device");
    assert_eq!((&named["name"], &named["label"]), (&"Bert's phone".into(), &"Bert's phone".into()));
}
