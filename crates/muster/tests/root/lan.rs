//! The whole way on a real network: devices are switched off and on, the cable is cut, the hub is
//! ended and killed. At each step the page, the interface, `muster who` and Graphite say the same.

use muster_core::time::Time;
use serde_json::{Value, json};

use crate::common::Hub;
use crate::house::{House, device, inside, moves, now, time};
use crate::is_nobody_special;
use crate::network::{Bed, NOBODY};

#[test]
fn all_that_is_told_agrees_while_devices_the_cable_and_the_hub_come_and_go() {
    let bed = Bed::new("hub");
    inside(&bed, || {
        let mut house = House::new(&bed);
        let hub = house.serve();
        is_nobody_special(&hub, NOBODY);
        give_devices(&house, &hub);
        goes_and_comes(&mut house, &hub);
        let hub = restarted(&mut house, hub, |hub| assert!(hub.terminate().0.success()));
        let hub = restarted(&mut house, hub, Hub::kill);
        the_cable_is_cut(&house, &hub);
        house.graphite_tells_the_journal(&hub);
    });
}

/// Anna gets her watch by command, Ben his by the interface.
fn give_devices(house: &House<'_>, hub: &Hub) {
    for ip in [ANNAS, BENS] {
        hub.until(ip, |hub| device(hub, ip));
    }
    house.tell(&["person", "add", "anna"]);
    house.tell(&["device", "assign", ANNAS, "anna", "--kind", "watch"]);
    assert_eq!(hub.ask("POST", "/api/v1/people", Some(&json!({"name": "ben"}))).status, 201);
    let bens = format!("/api/v1/devices/{}", device(hub, BENS).unwrap()["id"]);
    let owner = json!({"person": "ben"});
    assert_eq!(hub.ask("PUT", &format!("{bens}/owner"), Some(&owner)).status, 200);
    let carried = json!({"carried": true});
    assert_eq!(hub.ask("PATCH", &bens, Some(&carried)).status, 200);
}

/// Anna's watch is switched off, and on again.
fn goes_and_comes(house: &mut House<'_>, hub: &Hub) {
    let before = heard_again(house, hub, ANNAS);
    house.agrees(hub, ["present", "present"]);
    let off = house.switch(1, "off");
    house.agrees(hub, ["away", "present"]);
    let watch = device(hub, ANNAS).unwrap();
    let (last, number) = (time(&watch["last_seen"]), &watch["id"]);
    assert!(before <= last && last < off, "heard {before}, last {last}, off {off}");
    let annas = stays(hub, "person=anna");
    assert_eq!(annas.len(), 1, "{annas:?}");
    let (hers, its) = (&annas[0], &stays(hub, &format!("device={number}"))[0]);
    for stay in [hers, its] {
        assert_eq!((&stay["ended"], time(&stay["to"])), (&json!("left"), last), "{stay}");
    }

    let on = house.switch(1, "on");
    house.agrees(hub, ["present", "present"]);
    let annas = stays(hub, "person=anna");
    assert_eq!((annas.len(), &annas[0]), (2, hers), "{annas:?}");
    let from = time(&annas[1]["from"]);
    assert!(on <= from && annas[1]["to"].is_null(), "on {on}: {}", annas[1]);
    let report =
        house.tell(&["report", "stays", "--hours", "1", "--person", "anna", "--format", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    for (row, stay) in report.as_array().unwrap().iter().zip(&annas) {
        for column in ["who", "place", "from", "to", "ended"] {
            assert_eq!(row[column], stay[column], "{row}, {stay}");
        }
    }
    assert_eq!(report.as_array().unwrap().len(), 2, "{report}");
}

/// The hub ends and begins again: nobody arrives or leaves because of it.
fn restarted(house: &mut House<'_>, hub: Hub, end: impl FnOnce(Hub)) -> Hub {
    let told = moves(&hub);
    end(hub);
    house.is_missed();
    let hub = house.serve();
    for ip in [ANNAS, BENS] {
        heard_again(house, &hub, ip);
    }
    house.agrees(&hub, ["present", "present"]);
    assert_eq!(moves(&hub), told);
    hub
}

/// Nobody can be heard for a while: that makes unknown, and never left.
fn the_cable_is_cut(house: &House<'_>, hub: &Hub) {
    let told = moves(hub).len();
    let since = || {
        let all = moves(hub).split_off(told).into_iter();
        all.map(|(kind, ..)| kind).collect::<Vec<_>>()
    };
    house.bed.ip_at_hub(&["link", "set", "va0", "down"]);
    house.agrees(hub, ["unknown", "unknown"]);
    // Of both, and of what they carry.
    assert_eq!(since(), ["unknown"; 4]);
    house.bed.ip_at_hub(&["link", "set", "va0", "up"]);
    house.agrees(hub, ["present", "present"]);
    assert_eq!(since(), [["unknown"; 4], ["known"; 4]].concat());
}

/// All devices that are on say hello until the hub has heard this one anew: when that was.
fn heard_again(house: &mut House<'_>, hub: &Hub, ip: &str) -> Time {
    let asked = time(&now(hub)["at"]);
    hub.until(&format!("new evidence of {ip}"), |hub| {
        house.devices.tell("hello");
        house.devices.wait_for("ok ");
        let last = time(&device(hub, ip)?["last_seen"]);
        (last > asked).then_some(last)
    })
}

fn stays(hub: &Hub, of: &str) -> Vec<Value> {
    hub.get(&format!("/api/v1/stays?{of}")).json()["items"].as_array().unwrap().clone()
}

/// The responder's devices 1 and 2.
const ANNAS: &str = "10.77.0.11";
const BENS: &str = "10.77.0.12";
