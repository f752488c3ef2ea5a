//! Three hubs with an adapter each, in one boot. One has bluetoothd connect to who is paired, whose link is
//! older than the hub; one asks for echoes; one asks nobody and looks for who lets itself be found. Each
//! has a phone that is here, and then is not.

use serde_json::Value;

use super::machine::Machine;

/// A hub, its adapter and the phone that is near.
struct House {
    name: &'static str,
    adapter: &'static str,
    socket: &'static str,
    port: u16,
    phone: &'static str,
    settings: &'static str,
    /// What the hub runs as.
    by: &'static str,
}

const CONNECTS: House = House {
    name: "connects",
    adapter: "hci0",
    socket: "/run/radio.sock",
    port: 8_081,
    phone: "00:1A:7D:00:00:0C",
    // No question for its own sake while the story lasts.
    settings: "PROBE=connect EVERY=1h",
    by: UNPRIVILEGED,
};
const ECHOES: House = House {
    name: "echoes",
    adapter: "hci1",
    socket: "/run/second.sock",
    port: 8_082,
    phone: "00:1A:7D:00:00:0D",
    settings: "PROBE=l2ping EVERY=10s DEVICES=[\\\"bt:00:1a:7d:00:00:0d\\\"]",
    by: "",
};
const LOOKS: House = House {
    name: "looks",
    adapter: "hci2",
    socket: "/run/third.sock",
    port: 8_083,
    phone: "00:1A:7D:00:00:0E",
    settings: "PROBE=off INQUIRY=2s EVERY=10s DEVICES=[\\\"bt:00:1a:7d:00:00:0e\\\"]",
    by: UNPRIVILEGED,
};
const ALL: [&House; 3] = [&CONNECTS, &ECHOES, &LOOKS];

#[test]
fn whoever_is_paired_echoes_or_is_found_is_here() {
    let mut machine = Machine::boot();
    pair(&mut machine);
    for (socket, address) in [(ECHOES.socket, "2"), (LOOKS.socket, "3")] {
        let serve = format!("serve --address 02:00:00:00:00:0{address}");
        machine.start(&format!("radio --socket {socket} {serve}"), &[]);
    }
    machine.wait("adapters", |it| it.adapters() == ["hci0", "hci1", "hci2"]);
    for house in ALL {
        let path = format!("/org/bluez/{}", house.adapter);
        machine.wait("power", |it| it.property(&path, "Adapter1", "Powered") == "b true");
        house.radio(&mut machine, "page-timeout 1000");
    }
    ECHOES.phone(&mut machine, "discoverable=no");
    LOOKS.phone(&mut machine, "rssi=-47");
    who_is_asked_answers(&mut machine);

    machine.wait("page scan", |it| {
        it.run(&format!("radio tell 'phone {} connect'", CONNECTS.phone)).status == 0
    });
    machine.wait("link", |it| it.device("hci0", CONNECTS.phone, "Connected") == "b true");
    let pages = CONNECTS.state(&mut machine, "pages");
    for house in ALL {
        house.serve(&mut machine);
    }
    for house in ALL {
        house.is(&mut machine, "present");
    }
    assert_eq!(LOOKS.device(&mut machine).unwrap()["rssi"], -47);
    assert_eq!(CONNECTS.state(&mut machine, "pages"), pages, "a link answers for itself");
    CONNECTS.phone(&mut machine, "disconnect");
    machine.wait("question", |it| CONNECTS.state(it, "pages") != pages);
    // The kernel lets go of a link some seconds after the last echo: none is kept until the next one.
    machine.wait("no link", |it| ECHOES.state(it, "links") == "none");

    CONNECTS.phone(&mut machine, "reachable=no");
    ECHOES.phone(&mut machine, "reachable=no");
    LOOKS.phone(&mut machine, "discoverable=no");
    for house in ALL {
        house.is(&mut machine, "away");
        house.has_no_child(&mut machine);
    }
    let log = machine.succeeds("dmesg");
    for wrong in ["BUG:", "kernel BUG", "Oops", "WARNING:", "list_del"] {
        assert!(!log.contains(wrong), "{log}");
    }
}

/// bluetoothd pairs with a phone, without a hub.
fn pair(machine: &mut Machine) {
    machine.wait("power", |it| it.property("/org/bluez/hci0", "Adapter1", "Powered") == "b true");
    CONNECTS.phone(machine, "name=Car");
    machine.start("bluetoothctl", &["scan on"]);
    machine.wait("phone", |it| !it.device("hci0", CONNECTS.phone, "RSSI").is_empty());
    let path = format!("/org/bluez/hci0/dev_{}", CONNECTS.phone.replace(':', "_"));
    machine.succeeds(&format!("busctl call org.bluez {path} org.bluez.Device1 Pair"));
    machine.wait("bond", |it| it.device("hci0", CONNECTS.phone, "Bonded") == "b true");
    machine.succeeds("pkill -x bluetoothctl");
    CONNECTS.phone(machine, "discoverable=no");
    machine.wait("end of its link", |it| CONNECTS.state(it, "links") == "none");
}

/// Whoever lacks the right to echo is told.
fn who_is_asked_answers(machine: &mut Machine) {
    let car = CONNECTS.scan(machine, UNPRIVILEGED);
    assert!(car.contains("bt:00:1a:7d:00:00:0c,Car,,,answered,"), "{car}");
    machine.wait("end of its link", |it| CONNECTS.state(it, "links") == "none");
    let anna = ECHOES.scan(machine, "");
    assert!(anna.contains("bt:00:1a:7d:00:00:0d,") && anna.contains(",answered,"), "{anna}");
    let refused = ECHOES.scan(machine, UNPRIVILEGED);
    let why = "hci1 cannot ask anybody: an echo takes the right to send it (CAP_NET_RAW)";
    assert!(refused.contains(why) && refused.contains("hint: sudo setcap"), "{refused}");
}

impl House {
    fn radio(&self, machine: &mut Machine, request: &str) -> String {
        machine.succeeds(&format!("radio --socket {} tell '{request}'", self.socket))
    }

    fn phone(&self, machine: &mut Machine, what: &str) {
        self.radio(machine, &format!("phone {} {what}", self.phone));
    }

    /// What the controller says of one thing that it does.
    fn state(&self, machine: &mut Machine, key: &str) -> String {
        let state = self.radio(machine, "state");
        let value = state.split(' ').find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
        value.unwrap().to_owned()
    }

    fn settings(&self) -> String {
        let own = self.settings.split(' ').fold(String::new(), |all, it| all + " " + PREFIX + it);
        format!(
            "MUSTER_DATA=/tmp/{} MUSTER__SOURCES__LAN__ENABLED=false \
             MUSTER__SOURCES__BLE__ENABLED=false MUSTER__PRESENCE__UNKNOWN_AFTER=30s \
             MUSTER__PRESENCE__UNKNOWN_HOLD=1m MUSTER__PRESENCE__CLASSIC__AWAY_AFTER=30s \
             MUSTER__PRESENCE__CLASSIC__MISSES=2 {PREFIX}ADAPTERS='[\"{}\"]'{own}",
            self.name, self.adapter
        )
    }

    /// A look around, by whoever; what it said.
    fn scan(&self, machine: &mut Machine, by: &str) -> String {
        let settings = self.settings() + " " + PREFIX + "INQUIRY=1s";
        machine.run(&format!("{settings} {by} {MUSTER} scan classic --single --format csv")).text
    }

    fn serve(&self, machine: &mut Machine) {
        let Self { name, port, by, .. } = self;
        machine.succeeds(&format!(
            "install -d -o 65534 /tmp/{name}; {} {by} {MUSTER} serve --listen 127.0.0.1:{port} \
             > /tmp/{name}.log 2>&1 & echo $! > /tmp/{name}.pid",
            self.settings()
        ));
    }

    #[track_caller]
    fn is(&self, machine: &mut Machine, presence: &str) {
        let what = format!("{presence} device of {}", self.name);
        machine.wait(&what, |it| self.device(it).is_some_and(|it| it["presence"] == presence));
    }

    fn device(&self, machine: &mut Machine) -> Option<Value> {
        let said = machine.run(&format!("curl -s http://127.0.0.1:{}/api/v1/devices", self.port));
        let answer: Value = serde_json::from_str(&said.text).unwrap_or_default();
        let identity = Value::from(format!("bt:{}", self.phone.to_lowercase()));
        let mut devices = answer["items"].as_array().cloned().unwrap_or_default().into_iter();
        devices.find(|it| it["identities"].as_array().unwrap().contains(&identity))
    }

    /// It has none now, and never waited for one.
    #[track_caller]
    fn has_no_child(&self, machine: &mut Machine) {
        let name = self.name;
        let said = machine.run(&format!("ps -o pid= --ppid $(cat /tmp/{name}.pid)"));
        assert_eq!(said.text, "", "children of the hub");
        let waited = format!("cut -d' ' -f11 /proc/$(cat /tmp/{name}.pid)/stat");
        assert_eq!(machine.succeeds(&waited), "0");
    }
}

const MUSTER: &str = env!("CARGO_BIN_EXE_muster");
const PREFIX: &str = "MUSTER__SOURCES__CLASSIC__";
const UNPRIVILEGED: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
                            --bounding-set=-all --no-new-privs";
