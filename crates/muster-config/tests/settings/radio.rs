//! The keys of what hears Bluetooth.

use std::path::Path;
use std::time::Duration;

use muster_config::ble::{Mode, Rhythm, Way};
use muster_config::classic::Probe;
use muster_config::mqtt::MqttIdKind;
use muster_config::value::Topic;
use muster_config::{Config, Loaded};
use muster_core::fact::SourceKind;
use muster_core::pairing::{Capability, Rules};
use muster_core::policy::Policy;

use super::set;

// config: sources.ble.enabled
// config: sources.ble.adapters
// config: sources.ble.way
// config: sources.ble.scan
// config: sources.ble.mode
// config: sources.ble.recover
#[test]
fn low_energy() {
    let ble = set(&[
        ("sources.ble.enabled", "false"),
        ("sources.ble.adapters", "[\"hci1\"]"),
        ("sources.ble.way", "\"management\""),
        ("sources.ble.scan", "\"10s in 300s\""),
        ("sources.ble.mode", "\"passive\""),
        ("sources.ble.recover", "false"),
    ])
    .sources
    .ble;
    assert_eq!(ble.mode, Mode::Passive);
    assert_eq!(ble.scan, Rhythm::ThirtiethOfFiveMinutes);
    assert!(!ble.enabled && !ble.recover && ble.watches(1) && !ble.watches(0));
    assert_eq!(ble.way, Way::Management);
}

#[test]
fn patience_knows_the_rest_of_adapters() {
    let rested = set(&[("sources.ble.scan", "\"10s in 300s\"")]).policy();
    let standard = Config::default().policy();
    assert_eq!(standard, Policy::default());
    assert_eq!(rested, standard.with_resting_adapters(Duration::from_secs(290)));
    assert_eq!(rested.dark_after(SourceKind::Ble), Duration::from_secs(320));
}

// config: sources.mqtt.enabled
// config: sources.mqtt.broker
// config: sources.mqtt.tls
// config: sources.mqtt.ca_file
// config: sources.mqtt.user
// config: sources.mqtt.password_file
// config: sources.mqtt.client_id
// config: sources.mqtt.keep_alive
// config: sources.mqtt.espresense
// config: sources.mqtt.gateway_topics
// config: sources.mqtt.room_topics
// config: sources.mqtt.room_assistant_topics
// config: sources.mqtt.trusted
// config: sources.mqtt.quiet
#[test]
fn receivers_at_a_broker() {
    let mqtt = set(&[
        ("sources.mqtt.enabled", "true"),
        ("sources.mqtt.broker", "\"broker.local:8883\""),
        ("sources.mqtt.tls", "true"),
        ("sources.mqtt.ca_file", "\"/etc/ca.pem\""),
        ("sources.mqtt.user", "\"muster\""),
        ("sources.mqtt.password_file", "\"/etc/password\""),
        ("sources.mqtt.client_id", "\"upstairs\""),
        ("sources.mqtt.keep_alive", "\"30s\""),
        ("sources.mqtt.espresense", "false"),
        ("sources.mqtt.gateway_topics", "[\"home\", \"garden/ble\"]"),
        ("sources.mqtt.room_topics", "[\"room_presence\"]"),
        ("sources.mqtt.room_assistant_topics", "[\"room-assistant/entity\"]"),
        ("sources.mqtt.trusted", "[\"kitchen\"]"),
        ("sources.mqtt.quiet", "\"10m\""),
    ])
    .sources
    .mqtt;
    assert!(mqtt.enabled && mqtt.is_encrypted() && !mqtt.espresense);
    assert!(!set(&[("sources.mqtt.enabled", "true")]).sources.mqtt.is_encrypted());
    let file = [("sources.mqtt.ca_file", "\"/etc/ca.pem\"")];
    assert!(set(&file).sources.mqtt.is_encrypted());
    assert_eq!(mqtt.broker.as_str(), "broker.local:8883");
    assert_eq!(mqtt.ca_file.unwrap().as_str(), "/etc/ca.pem");
    assert_eq!(mqtt.user.unwrap().as_str(), "muster");
    assert_eq!(mqtt.password_file.unwrap().as_str(), "/etc/password");
    assert_eq!(mqtt.client_id.unwrap().as_str(), "upstairs");
    assert_eq!(mqtt.keep_alive.get(), Duration::from_secs(30));
    let texts = |all: &[Topic]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&mqtt.gateway_topics), ["home", "garden/ble"]);
    assert_eq!(texts(&mqtt.room_topics), ["room_presence"]);
    assert_eq!(texts(&mqtt.room_assistant_topics), ["room-assistant/entity"]);
    assert_eq!(mqtt.trusted.first().unwrap().as_str(), "kitchen");
    assert_eq!(mqtt.quiet.unwrap().get(), Duration::from_mins(10));
}

// config: sources.mqtt.mappings.topic
// config: sources.mqtt.mappings.status
// config: sources.mqtt.mappings.id
// config: sources.mqtt.mappings.kind
// config: sources.mqtt.mappings.rssi
// config: sources.mqtt.mappings.time
// config: sources.mqtt.mappings.name
// config: sources.mqtt.mappings.every
#[test]
fn receivers_of_another_kind() {
    let text = "[[sources.mqtt.mappings]]\ntopic = \"ble/{monitor}/+\"\n\
                status = \"ble/{monitor}/status\"\nid = \"/mac\"\nkind = \"random_address\"\n\
                rssi = \"/radio/rssi\"\ntime = \"/t\"\nname = \"/n\"\nevery = \"5s\"\n\
                [[sources.mqtt.mappings]]\ntopic = \"x/{monitor}/{id}\"\n";
    let mqtt = Loaded::read(text, Some(Path::new("m.toml")), &[]).unwrap().config.sources.mqtt;
    let [one, two] = mqtt.mappings.as_slice() else { panic!("two mappings") };
    assert_eq!(one.topic.as_str(), "ble/{monitor}/+");
    assert_eq!(one.status.as_ref().unwrap().as_str(), "ble/{monitor}/status");
    assert_eq!(one.kind, MqttIdKind::RandomAddress);
    let pointers = [&one.id, &one.rssi, &one.time, &one.name];
    let pointers = pointers.map(|it| it.as_ref().unwrap().as_str());
    assert_eq!(pointers, ["/mac", "/radio/rssi", "/t", "/n"]);
    assert_eq!(one.every.get(), Duration::from_secs(5));
    assert_eq!((two.kind, two.every.get()), (MqttIdKind::Any, Duration::ZERO));
}

// config: sources.classic.enabled
// config: sources.classic.adapters
// config: sources.classic.devices
// config: sources.classic.probe
// config: sources.classic.every
// config: sources.classic.deadline
// config: sources.classic.air_time
// config: sources.classic.inquiry
#[test]
fn classic_bluetooth() {
    let classic = set(&[
        ("sources.classic.enabled", "false"),
        ("sources.classic.adapters", "[\"hci1\"]"),
        ("sources.classic.devices", "[\"bt:00:1a:7d:00:00:01\"]"),
        ("sources.classic.probe", "\"sdp\""),
        ("sources.classic.every", "\"2m\""),
        ("sources.classic.deadline", "\"6s\""),
        ("sources.classic.air_time", "20"),
        ("sources.classic.inquiry", "\"5s\""),
    ])
    .sources
    .classic;
    assert!(!classic.enabled);
    assert_eq!(classic.adapters.first().unwrap().index(), 1);
    assert_eq!(classic.devices.first().unwrap().identity().to_string(), "bt:00:1a:7d:00:00:01");
    assert_eq!(classic.probe, Probe::Sdp);
    for (text, probe) in [
        ("\"name\"", Probe::Name),
        ("\"l2ping\"", Probe::L2ping),
        ("\"connect\"", Probe::Connect),
        ("\"off\"", Probe::Off),
    ] {
        assert_eq!(set(&[("sources.classic.probe", text)]).sources.classic.probe, probe);
    }
    assert_eq!(
        (classic.every.get(), classic.deadline.get().as_secs()),
        (Duration::from_mins(2), 6)
    );
    assert_eq!((classic.air_time.get(), classic.inquiry.get().as_secs()), (20, 5));
}

// config: pairing.enabled
// config: pairing.name
// config: pairing.window
// config: pairing.compare
// config: pairing.registration_grace
#[test]
fn pairing_becomes_its_rules() {
    let pairing = set(&[
        ("pairing.enabled", "false"),
        ("pairing.name", "\"Knock Knock\""),
        ("pairing.window", "\"5m\""),
        ("pairing.compare", "true"),
        ("pairing.registration_grace", "\"10m\""),
    ])
    .pairing;
    assert!(!pairing.enabled);
    assert_eq!(pairing.window.get(), Duration::from_mins(5));
    let Rules { name, capability, grace } = pairing.rules();
    assert_eq!((&*name, capability), ("Knock Knock", Capability::DisplayYesNo));
    assert_eq!(grace, Duration::from_mins(10));
    let standard = Config::default().pairing.rules();
    assert_eq!(standard.capability, Capability::NoInputNoOutput);
}
