//! Adapters that listen for 10 s of every 60 s in one boot: two asked by the kernel, actively and passively,
//! and one by bluetoothd. They really rest, what they claim to have heard leaves the rests out, and the rests
//! make nobody unknown and send nobody away. Whoever leaves is missed all the same, also by the adapter that
//! sends nothing.

use jiff::Timestamp;
use serde_json::Value;

use super::machine::Machine;

/// A hub with an adapter and a tag that is near.
struct House {
    way: &'static str,
    mode: &'static str,
    adapter: &'static str,
    socket: &'static str,
    port: u16,
    /// A name alone: no flags that a pattern would find.
    tag: &'static str,
    /// How the channel says what it does.
    says: &'static str,
}

const ALL: [House; 3] = [
    House {
        way: "management",
        mode: "active",
        adapter: "hci0",
        socket: "/run/radio.sock",
        port: 8_081,
        tag: "c0:11:22:33:44:01",
        says: "by the kernel's management socket, for 10 s of every 60 s",
    },
    House {
        way: "auto",
        mode: "passive",
        adapter: "hci2",
        socket: "/run/third.sock",
        port: 8_083,
        tag: "c0:11:22:33:44:03",
        says: "passively, by the kernel's management socket, for 10 s of every 60 s",
    },
    House {
        way: "dbus",
        mode: "active",
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
    for (number, name) in [(2, "second"), (3, "third")] {
        let more =
            format!("radio --socket /run/{name}.sock serve --address 02:00:00:00:00:0{number}");
        machine.start(&more, &[]);
        machine.wait(name, |it| it.adapters().len() == number);
    }
    for house in &ALL {
        let path = format!("/org/bluez/{}", house.adapter);
        machine.wait("power", |it| it.property(&path, "Adapter1", "Powered") == "b true");
        house.radio(&mut machine, &format!("advertiser {} interval=400 name=Keys", house.tag));
        house.serve(&mut machine, "10s in 60s");
        machine.wait(house.says, |it| house.log(it).contains(house.says));
    }
    for house in &ALL {
        machine.wait("arrival", |it| house.is(it, "present"));
        machine.wait("rest", |it| house.radio(it, "state").starts_with("scan=off"));
        let window = format!("scan={} ", house.mode);
        machine.wait("next window", |it| house.radio(it, "state").starts_with(&window));
    }
    for count in 2..=5 {
        for house in &ALL {
            let what = format!("{count} windows of {}", house.adapter);
            machine.wait(&what, |it| house.coverage(it).len() >= count);
        }
    }
    for house in &ALL {
        house.has_rested(&mut machine);
        assert_eq!(house.changes(&mut machine), [""; 0], "{}", house.adapter);
        house.radio(&mut machine, &format!("remove {}", house.tag));
    }
    for house in &ALL {
        machine.wait("departure", |it| house.is(it, "away"));
        machine.wait("its record", |it| !house.changes(it).is_empty());
        assert_eq!(house.changes(&mut machine), ["left"], "{}", house.adapter);
        house.stop(&mut machine);
    }
}

/// The kernel goes on with what was asked of it when nobody is there any more to hear it, and while the
/// adapter is off: a hub that ends takes all of it back.
#[test]
fn a_passive_hub_ends_what_it_began() {
    let mut machine = Machine::boot();
    let [_, passive, _] = &ALL;
    let house = House { adapter: "hci0", socket: "/run/radio.sock", ..*passive };
    house.radio(&mut machine, &format!("advertiser {} interval=400 name=Keys", house.tag));
    house.serve(&mut machine, "continuous");
    machine.wait("arrival", |it| house.is(it, "present"));
    house.radio(&mut machine, "hang");
    machine.wait("doubt", |it| house.is(it, "unknown"));
    machine.wait("word of that", |it| house.log(it).contains("it does not answer"));
    house.radio(&mut machine, "resume");
    machine.wait("return", |it| house.is(it, "present"));
    machine.succeeds("bluetoothctl power off");
    machine.wait("doubt", |it| house.is(it, "unknown"));
    machine.succeeds("bluetoothctl power on");
    machine.wait("return", |it| house.is(it, "present"));
    let twice = ["unknown", "known", "unknown", "known"];
    machine.wait("their record", |it| house.changes(it) == twice);
    house.stop(&mut machine);
    let state = house.radio(&mut machine, "state");
    assert!(state.starts_with("scan=off"), "{state}");
}

impl House {
    fn radio(&self, machine: &mut Machine, request: &str) -> String {
        machine.succeeds(&format!("radio --socket {} tell '{request}'", self.socket))
    }

    fn serve(&self, machine: &mut Machine, scan: &str) {
        let Self { way, mode, adapter, port, .. } = self;
        machine.succeeds(&format!(
            "MUSTER_DATA=/tmp/{way} MUSTER__SOURCES__LAN__ENABLED=false \
             MUSTER__SOURCES__BLE__WAY={way} MUSTER__SOURCES__BLE__ADAPTERS='[\"{adapter}\"]' \
             MUSTER__SOURCES__BLE__SCAN=\"{scan}\" MUSTER__SOURCES__BLE__MODE={mode} MUSTER__PRESENCE__UNKNOWN_AFTER=30s \
             MUSTER__PRESENCE__BLE__AWAY_AFTER=30s MUSTER__PRESENCE__BLE__MISSES=2 \
             {} serve --listen 127.0.0.1:{port} > /tmp/{way}.log 2>&1 & \
             echo $! > /tmp/{way}.pid",
            env!("CARGO_BIN_EXE_muster")
        ));
    }

    fn log(&self, machine: &mut Machine) -> String {
        machine.succeeds(&format!("cat /tmp/{}.log", self.way))
    }

    /// Ends the hub as a service is ended.
    fn stop(&self, machine: &mut Machine) {
        let pid = machine.succeeds(&format!("cat /tmp/{}.pid", self.way));
        machine.succeeds(&format!("kill {pid}"));
        machine.wait("end", |it| it.run(&format!("readlink /proc/{pid}/exe")).status != 0);
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
        let heard: i64 = whole.iter().map(|(from, to)| to.duration_since(*from).as_secs()).sum();
        let time = last.0.duration_since(whole[0].0).as_secs();
        assert!(heard > 0 && heard * 2 < time, "{heard} s of {time} s: {spans:?}");
        let changes = self.items(machine, "changes?limit=1000");
        assert!(!changes.iter().any(|it| it["kind"] == "dark"), "{changes:?}");
        assert!(!changes.is_empty(), "they are stored");
    }

    /// What happened to the tag behind its arrival: changes by their kinds.
    fn changes(&self, machine: &mut Machine) -> Vec<String> {
        let items = self.items(machine, "changes?limit=1000");
        let is_tag =
            |it: &&Value| it["subject"].as_str().is_some_and(|it| it.starts_with("device:"));
        let tags = items.iter().filter(is_tag);
        let kinds = tags.map(|it| it["kind"].as_str().unwrap().to_owned());
        kinds.filter(|it| !["discovered", "arrived"].contains(&it.as_str())).collect()
    }

    fn items(&self, machine: &mut Machine, path: &str) -> Vec<Value> {
        let get = format!("curl -s http://127.0.0.1:{}/api/v1/{path}", self.port);
        let answer: Value = serde_json::from_str(&machine.run(&get).text).unwrap_or_default();
        answer["items"].as_array().cloned().unwrap_or_default()
    }
}
