//! Messages of receivers at an MQTT broker: what is read in the golden ones, and that nothing hostile
//! gets through.

use std::time::Duration;

use muster_core::identity::Identity;
use muster_core::legible::is_legible;
use muster_sim::damage::damage;
use muster_wire::mqtt::{
    Format, Heard, IdKind, MAX_MONITOR, MAX_PAYLOAD, Malformed, Mapping, Pattern, Saying, What,
};
use proptest::prelude::*;

const FILES: [(&str, &str); 5] = [
    ("espresense", include_str!("../data/mqtt/espresense.txt")),
    ("openmqttgateway", include_str!("../data/mqtt/openmqttgateway.txt")),
    ("mqtt_room", include_str!("../data/mqtt/mqtt_room.txt")),
    ("room_assistant", include_str!("../data/mqtt/room_assistant.txt")),
    ("mapping", include_str!("../data/mqtt/mapping.txt")),
];

fn format(name: &str) -> Format {
    match name {
        "espresense" => Format::Espresense,
        "openmqttgateway" => Format::Gateway("home".to_owned()),
        "mqtt_room" => Format::Room("room_presence".to_owned()),
        "room_assistant" => Format::RoomAssistant("room-assistant/entity".to_owned()),
        _ => Format::Mapping(Box::new(Mapping {
            topic: Pattern::parse("scanners/{monitor}/+/devices").unwrap(),
            status: Some(Pattern::parse("scanners/{monitor}/status").unwrap()),
            id: "/address".to_owned(),
            kind: IdKind::RandomAddress,
            rssi: "/radio/rssi".to_owned(),
            time: "/t".to_owned(),
            name: "/n".to_owned(),
            every: Duration::from_secs(1),
        })),
    }
}

/// All messages of a file.
fn messages(name: &str) -> Vec<(&'static str, &'static str)> {
    let (_, text) = FILES.iter().find(|(it, _)| *it == name).unwrap();
    text.lines().map(|it| it.split_once(' ').unwrap()).collect()
}

fn brief(read: Result<Vec<Saying>, Malformed>) -> String {
    let all = match read {
        Ok(all) => all.into_iter().map(|it| format!("{} {}", it.monitor, what(&it.what))),
        Err(why) => return format!("! {why}"),
    };
    all.collect::<Vec<_>>().join("; ")
}

fn what(it: &What) -> String {
    match it {
        What::Online(is_online) => if *is_online { "online" } else { "offline" }.to_owned(),
        What::Works { adverts } => format!("works {}", adverts.unwrap_or(0)),
        What::Heard(Heard { identities, label, name, rssi, at, every }) => {
            let mut words: Vec<String> = identities.iter().map(ToString::to_string).collect();
            words.extend(label.iter().map(|it| format!("label:{it}")));
            words.extend(name.iter().map(|it| format!("{it:?}")));
            words.extend(rssi.map(|it| format!("{it} dBm")));
            words.extend(at.map(|it| format!("at {it}")));
            words.push(format!("/ {} s", every.as_secs()));
            words.join(" ")
        }
    }
}

#[track_caller]
fn check(name: &str, wanted: &[&str]) {
    let format = format(name);
    let found: Vec<String> = messages(name)
        .iter()
        .map(|(topic, payload)| brief(format.read(topic, payload.as_bytes())))
        .collect();
    assert_eq!(found, wanted, "{name}");
}

#[test]
fn espresense() {
    check(
        "espresense",
        &[
            "taverna ble:f6:47:c1:32:41:73 \"Mi Band 3\" -65 dBm / 5 s",
            "kitchen irk:6c86d9b76b3f5a75 \"Anna\" -67 dBm / 5 s",
            "office ibeacon:426c7565-4368-6172-6d42-6561636f6e73-3838-4949 \
             ble:dd:88:00:00:37:77 -81 dBm / 5 s",
            "living-room private:5a:3c:10:f4:a7:e2 -72 dBm / 5 s",
            "living-room ble:a4:c1:38:e1:21:2e \"ATC_E1212E\" -78 dBm / 5 s",
            "living-room private:5a:3c:10:f4:a7:e2 label:anna-phone \"Anna\" -71 dBm / 5 s",
            "living-room -64 dBm / 5 s",
            "kitchen online",
            "kitchen offline",
            "kitchen works 8123",
            "",
        ],
    );
}

#[test]
fn gateways() {
    let beacon = "ibeacon:1de4b189-115e-45f6-b44e-509352269977-0-0";
    check(
        "openmqttgateway",
        &[
            "OpenMQTTGateway private:45:e1:74:12:6e:00 -89 dBm / 0 s",
            "OpenMQTTGateway private:4c:33:a6:60:3c:79 / 0 s",
            &format!("OpenMQTTGateway private:58:78:20:76:bc:24 {beacon} -79 dBm / 0 s"),
            &format!("OpenMQTTGateway private:7b:63:c6:82:dc:57 {beacon} -83 dBm / 0 s"),
            "OpenMQTTGateway ble:c6:c7:52:66:3c:bf -23 dBm / 0 s",
            "OpenMQTTGateway private:54:94:5e:9f:64:c4 -74 dBm / 0 s",
            "OpenMQTTGateway ble:c4:64:e3:01:02:03 tag:ATT-USER-1a2b3c4d \"ATT\" -70 dBm / 0 s",
            "",
            "! nobody is named in it",
            "TheengsGateway online",
            "OpenMQTTGateway offline",
            "OpenMQTTGateway works 0",
            "",
        ],
    );
}

#[test]
fn rooms() {
    check(
        "mqtt_room",
        &[
            "bedroom label:123TESTMAC \"test_device\" / 5 s",
            "living_room label:123TESTMAC \"test_device\" / 5 s",
            "bedroom private:60:87:57:4c:9b:c2 -78 dBm / 5 s",
            "",
        ],
    );
}

/// Each message tells all rooms; only the room that measured anew is told of.
#[test]
fn room_assistant() {
    check(
        "room_assistant",
        &[
            "living-room label:some-id -70 dBm at 2021-02-28T14:17:33.141Z / 5 s",
            "living-room ble:c4:64:e3:01:02:03 -70 dBm at 2021-02-28T14:17:33.141Z / 5 s",
            "",
        ],
    );
}

#[test]
fn a_described_format() {
    check(
        "mapping",
        &[
            "attic ble:c4:64:e3:01:02:03 \"Keys\" -64 dBm at 2026-11-22T00:00:00Z / 1 s",
            "attic online",
            "! nobody is named in it",
        ],
    );
}

#[test]
fn what_is_subscribed_to_is_what_is_read() {
    for (name, _) in FILES {
        let filters = format(name).filters();
        for (topic, payload) in messages(name) {
            let is_read = format(name).read(topic, payload.as_bytes()) != Ok(Vec::new());
            let comes = filters.iter().any(|it| matches(it, topic));
            assert!(comes || !is_read, "{topic} is read and never comes");
        }
    }
}

/// Whether a filter takes a topic (MQTT 5.0, 4.7).
fn matches(filter: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    for part in filter.split('/') {
        match (part, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (part, Some(level)) if part == level => {}
            _ => return filter == format!("{topic}/#"),
        }
    }
    levels.next().is_none()
}

/// Whatever comes, what is read is bounded and fit to be shown, and no key is in it.
fn hold(format: &Format, topic: &str, payload: &[u8]) -> bool {
    let Ok(all) = format.read(topic, payload) else { return false };
    for saying in &all {
        assert!(is_legible(&saying.monitor) && saying.monitor.len() <= MAX_MONITOR);
        let What::Heard(heard) = &saying.what else { continue };
        for identity in &heard.identities {
            let text = identity.to_string();
            assert!(text.len() <= Identity::MAX_TEXT + 16 && is_legible(&text), "{text:?}");
            assert_eq!(text.parse::<Identity>().as_ref(), Ok(identity));
            assert!(!["mac", "bt", "name", "entity"].contains(&identity.kind()), "{text}");
        }
        assert!(heard.identities.len() <= 16, "{}", heard.identities.len());
        for text in heard.label.iter().chain(&heard.name) {
            assert!(is_legible(text) && text.len() <= Identity::MAX_TEXT, "{text:?}");
        }
    }
    !all.is_empty()
}

#[test]
fn seeded_damage() {
    let lines: Vec<(Format, Vec<u8>)> = FILES
        .iter()
        .flat_map(|(name, text)| text.lines().map(|it| (format(name), it.as_bytes().to_vec())))
        .collect();
    let corpus: Vec<Vec<u8>> = lines.iter().map(|(_, it)| it.clone()).collect();
    let (mut all, mut read) = (0, 0);
    damage(7, 20_000, &corpus, |which, bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (topic, payload) = text.split_once(' ').unwrap_or((&text, ""));
        all += 1;
        read += u32::from(hold(&lines[which].0, topic, payload.as_bytes()));
    });
    // The damage is not so heavy that nothing is read.
    assert!(read > all / 20, "{read} of {all}");
}

#[test]
fn what_is_long_is_refused() {
    let long = format!(r#"{{"id":"c464e3010203","name":"{}"}}"#, "x".repeat(MAX_PAYLOAD));
    let read = Format::Espresense.read("espresense/devices/a/b", long.as_bytes());
    assert_eq!(read, Err(Malformed::Long));
    let deep = "[".repeat(MAX_PAYLOAD);
    let read = Format::Espresense.read("espresense/devices/a/b", deep.as_bytes());
    assert_eq!(read, Err(Malformed::Json));
    let topic = format!("espresense/rooms/{}/status", "x".repeat(65));
    assert_eq!(Format::Espresense.read(&topic, b"online"), Err(Malformed::Monitor));
}

proptest! {
    #[test]
    fn any_message(which in 0..FILES.len(), topic in ".{0,60}", payload in prop::collection::vec(any::<u8>(), 0..200)) {
        hold(&format(FILES[which].0), &topic, &payload);
    }

    #[test]
    fn any_id(which in 0..FILES.len(), line in 0..3_usize, id in "[a-zA-Z]{0,10}:?[0-9a-fA-F:-]{0,50}|.{0,40}", mac in "[0-9a-f]{10,13}") {
        let (name, _) = FILES[which];
        let messages = messages(name);
        let (topic, _) = messages[line.min(messages.len() - 1)];
        let payload = serde_json::json!({"id": id, "mac": mac, "address": id, "rssi": -60});
        hold(&format(name), topic, payload.to_string().as_bytes());
    }
}
