//! Advertisements with what other programs read in them.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks what it looks at")]

use std::collections::BTreeMap;

use muster_core::identity::Mac;
use muster_wire::bluetooth::ad::Field;
use muster_wire::bluetooth::address::Address;
use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::beacon::Beacon;
use muster_wire::bluetooth::decode;
use muster_wire::bluetooth::text::hex;
use muster_wire::bluetooth::uuid::Uuid;
use muster_wire::frame::LinkType;
use serde_json::{Map, Value, json};

use crate::captures::bluetooth;

fn lines(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(bluetooth(name)).unwrap();
    text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

fn octets(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|it| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 16).unwrap()).collect()
}

/// The HCI events of all vectors.
pub(crate) fn events() -> Vec<Vec<u8>> {
    let frames =
        lines("ble_monitor.jsonl").into_iter().filter_map(|it| it["frames"].as_array().cloned());
    frames.flatten().filter_map(|it| it.as_str().map(octets)).collect()
}

#[test]
fn gap_ad_agrees_with_bluetooth_data_tools() {
    let all = lines("gap_ad.jsonl");
    assert_eq!(all.len(), 80);
    for line in all {
        let data = octets(line["adv_hex"].as_str().unwrap());
        for key in ["local_name", "service_uuids", "service_data", "manufacturer_data", "tx_power"]
        {
            assert_eq!(ours(&data)[key], line[key], "{key}: {line}");
        }
    }
}

/// What that library gives: identifiers in full length, the last data of a maker or service, and of
/// the names the first whole one, else the first.
fn ours(data: &[u8]) -> Value {
    let it = Advertisement::bare(data);
    let full = |uuid: Uuid| Uuid::Long(uuid.full()).to_string();
    let (mut services, mut service_data, mut makers) = (Vec::new(), Map::new(), Map::new());
    for field in it.fields() {
        match field {
            Field::Services(all) => services.extend(all.iter().map(full)),
            Field::ServiceData(uuid, data) => {
                service_data.insert(full(uuid), json!(hex(data)));
            }
            Field::Manufacturer(company, data) => {
                makers.insert(company.to_string(), json!(hex(data)));
            }
            _ => {}
        }
    }
    let name = it.name().map(|it| String::from_utf8_lossy(it).into_owned());
    json!({
        "local_name": name,
        "service_uuids": services,
        "service_data": service_data,
        "manufacturer_data": makers,
        "tx_power": it.sent_with(),
    })
}

#[test]
fn hci_events_agree_with_ble_monitor() {
    let mut kinds = BTreeMap::<&str, usize>::new();
    let all = lines("ble_monitor.jsonl");
    assert_eq!(all.len(), 207);
    for case in &all {
        for frame in case["frames"].as_array().unwrap() {
            let bytes = octets(frame.as_str().unwrap());
            let packet = decode(LinkType::HCI, &bytes).unwrap().unwrap();
            let heard: Vec<Advertisement<'_>> = packet.advertisements().collect();
            assert_eq!(heard.len(), 1, "{case}");
            let want = ["sensor_msg", "tracker_msg"].map(|it| &case["expect"][it]);
            for want in want.into_iter().filter(|it| it.is_object()) {
                agree(&heard[0], want, case);
                *kinds.entry("frames").or_default() += 1;
                for kind in ["iBeacon", "AltBeacon", "BTHome V2"] {
                    let is_one = want["firmware"].as_str().is_some_and(|it| it.starts_with(kind));
                    *kinds.entry(kind).or_default() += usize::from(is_one);
                }
            }
        }
    }
    let want = [("AltBeacon", 2), ("BTHome V2", 70), ("frames", 206), ("iBeacon", 1)];
    assert_eq!(kinds, BTreeMap::from(want));
}

fn agree(heard: &Advertisement<'_>, want: &Value, case: &Value) {
    if let Some(mac) = want["mac"].as_str() {
        let address = heard.address.unwrap().mac;
        // Of two the source tells the address that stands in the data, not the sender's.
        let is_sender = !case["source"].as_str().unwrap().contains("sonoff");
        assert_eq!(hex(&address.0).to_uppercase() == mac, is_sender, "{case}");
    }
    if let Some(rssi) = want["rssi"].as_i64() {
        assert_eq!(heard.rssi.map(i64::from), Some(rssi), "{case}");
    }
    let beacons: Vec<Beacon<'_>> = heard.fields().filter_map(Beacon::of).collect();
    if want["uuid"].is_string() {
        let told = beacons.iter().find_map(|it| match it {
            Beacon::Ibeacon { uuid, major, minor, power } => {
                Some(json!([hex(uuid), major, minor, power]))
            }
            Beacon::Altbeacon { organisation, number: [a, b, c, d], power, .. } => {
                let numbers = [[*a, *b], [*c, *d]].map(u16::from_be_bytes);
                Some(json!([hex(organisation), numbers[0], numbers[1], power]))
            }
            _ => None,
        });
        let told = told.unwrap_or_else(|| panic!("no beacon: {case}"));
        for (at, key) in ["uuid", "major", "minor", "measured power"].into_iter().enumerate() {
            assert!(want[key].is_null() || want[key] == told[at], "{key}: {told} {case}");
        }
    }
    let is_bthome = want["firmware"].as_str().is_some_and(|it| it.starts_with("BTHome V2"));
    let bthome =
        beacons.iter().find_map(|it| if let Beacon::Bthome(it) = it { Some(*it) } else { None });
    if is_bthome {
        let it = bthome.unwrap_or_else(|| panic!("no BTHome: {case}"));
        let is_encrypted = want["firmware"].as_str().is_some_and(|it| it.ends_with("(encrypted)"));
        assert_eq!(it.is_encrypted, is_encrypted, "{case}");
        let told: Vec<&str> = it.objects().collect();
        assert_eq!(told.is_empty(), is_encrypted, "{case}");
        for key in ["temperature", "humidity", "battery", "pressure", "voltage", "text"] {
            assert_eq!(
                told.contains(&key),
                want.get(key).is_some() && !is_encrypted,
                "{key} {case}"
            );
        }
    }
}

#[test]
fn resolvable_addresses_are_told_apart() {
    let all = lines("rpa.jsonl");
    assert_eq!(all.len(), 6);
    for line in all {
        let mac: Mac = line["address"].as_str().unwrap().parse().unwrap();
        let kind = Address::low_energy(mac, true).kind.word();
        // One of them is of the other private kind; of those that are resolvable, keys decide.
        let want =
            if line["source"].as_str().unwrap().contains("not an RPA") { "nrpa" } else { "rpa" };
        assert_eq!(kind, want, "{line}");
        assert!(kind == "rpa" || line["resolves"] == json!(false), "{line}");
    }
}
