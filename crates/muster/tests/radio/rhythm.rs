//! Adapters that listen for 10 s of every 60 s, one asked by the kernel and one by bluetoothd, in one boot:
//! they really rest, what they claim to have heard leaves the rests out, and the rests make nobody unknown
//! and send nobody away. Whoever leaves is missed all the same.

use jiff::Timestamp;
use serde_json::Value;

use super::machine::Machine;

/// A hub with an adapter and a tag that is near.
struct House {
    way: &'static str,
    adapter: &'static str,
    socket: &'static str,
    port: u16,
    tag: &'static str,
    /// How the channel says what it does.
    says: &'static str,
}

const BOTH: [House; 2] = [
    House {
        way: "management",
        adapter: "hci0",
        socket: "/run/radio.sock",
        port: 8_081,
        tag: "c0:11:22:33:44:01",
        says: "by the kernel's management socket, for 10 s of every 60 s",
    },
    House {
        way: "dbus",
        adapter: "hci1",
        socket: "/run/second.sock",
        port: 8_082,
        tag: "c0:11:22:33:44:02",
        says: "by bluetoothd, for 10 s of every 60 s",
    },
];

#[test]
fn adapters_that_rest_know_who_is_there() {
    let mut machine = Machine::boot();
    let second = "radio --socket /run/second.sock serve --address 02:00:00:00:00:02";
    machine.start(second, &[]);
    machine.wait("second adapter", |it| it.adapters() == ["hci0", "hci1"]);
    for house in &BOTH {
        let path = format!("/org/bluez/{}", house.adapter);
        machine.wait("power", |it| it.property(&path, "Adapter1", "Powered") == "b true");
        house.radio(&mut machine, &format!("advertiser {} interval=400", house.tag));
        house.serve(&mut machine);
    }
    for house in &BOTH {
        machine.wait("arrival", |it| house.is(it, "present"));
        machine.wait("rest", |it| house.radio(it, "state").starts_with("scan=off"));
        machine.wait("next window", |it| house.radio(it, "state").starts_with("scan=active"));
    }
    for count in 2..=5 {
        for house in &BOTH {
            let what = format!("{count} windows of {}", house.adapter);
            machine.wait(&what, |it| house.coverage(it).len() >= count);
        }
    }
    for house in &BOTH {
        house.has_rested(&mut machine);
        assert_eq!(house.changes(&mut machine), [""; 0], "{}", house.adapter);
        house.radio(&mut machine, &format!("remove {}", house.tag));
    }
    for house in &BOTH {
        machine.wait("departure", |it| house.is(it, "away"));
        machine.wait("its record", |it| !house.changes(it).is_empty());
        assert_eq!(house.changes(&mut machine), ["left"], "{}", house.adapter);
    }
}

impl House {
    fn radio(&self, machine: &mut Machine, request: &str) -> String {
        machine.succeeds(&format!("radio --socket {} tell '{request}'", self.socket))
    }

    fn serve(&self, machine: &mut Machine) {
        let Self { way, adapter, port, .. } = self;
        machine.succeeds(&format!(
            "MUSTER_DATA=/tmp/{way} MUSTER__SOURCES__LAN__ENABLED=false \
             MUSTER__SOURCES__BLE__WAY={way} MUSTER__SOURCES__BLE__ADAPTERS='[\"{adapter}\"]' \
             MUSTER__SOURCES__BLE__SCAN=\"10s in 60s\" MUSTER__PRESENCE__UNKNOWN_AFTER=30s \
             MUSTER__PRESENCE__BLE__AWAY_AFTER=30s MUSTER__PRESENCE__BLE__MISSES=2 \
             {} serve --listen 127.0.0.1:{port} > /tmp/{way}.log 2>&1 &",
            env!("CARGO_BIN_EXE_muster")
        ));
        let log = format!("cat /tmp/{way}.log");
        machine.wait(self.says, |it| it.run(&log).text.contains(self.says));
    }

    fn is(&self, machine: &mut Machine, presence: &str) -> bool {
        let identity = Value::from(format!("ble:{}", self.tag));
        let has = |it: &Value| it["identities"].as_array().is_some_and(|it| it.contains(&identity));
        let devices = self.items(machine, "devices");
        devices.iter().any(|it| has(it) && it["presence"] == presence)
    }

    /// When it could hear, as it is stored: the last span reaches on to where the hub knows more.
    fn coverage(&self, machine: &mut Machine) -> Vec<(Timestamp, Timestamp)> {
        let monitors = self.items(machine, "monitors");
        let Some(monitor) = monitors.iter().find(|it| it["channel"] == self.adapter) else {
            return Vec::new();
        };
        let time = |it: &Value| it.as_str().unwrap().parse().unwrap();
        let spans = monitor["coverage"].as_array().unwrap().iter();
        spans.map(|it| (time(&it["from"]), time(&it["to"]))).collect()
    }

    /// It did not hear half of the time between the beginnings of its windows.
    fn has_rested(&self, machine: &mut Machine) {
        let spans = self.coverage(machine);
        let (last, whole) = spans.split_last().unwrap();
        let heard: f64 = whole.iter().map(|(from, to)| (*to - *from).total("s").unwrap()).sum();
        let time = (last.0 - whole[0].0).total("s").unwrap();
        assert!(heard > 0.0 && heard * 2.0 < time, "{heard} s of {time} s: {spans:?}");
    }

    /// What happened to the tag behind its arrival: changes by their kinds.
    fn changes(&self, machine: &mut Machine) -> Vec<String> {
        let items = self.items(machine, "changes?limit=1000");
        let tags = items.iter().filter(|it| it["subject"].as_str().unwrap().starts_with("device:"));
        let kinds = tags.map(|it| it["kind"].as_str().unwrap().to_owned());
        kinds.filter(|it| !["discovered", "arrived"].contains(&it.as_str())).collect()
    }

    fn items(&self, machine: &mut Machine, path: &str) -> Vec<Value> {
        let get = format!("curl -s http://127.0.0.1:{}/api/v1/{path}", self.port);
        let answer: Value = serde_json::from_str(&machine.run(&get).text).unwrap_or_default();
        answer["items"].as_array().cloned().unwrap_or_default()
    }
}
