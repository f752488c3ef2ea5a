//! The real program on a real Bluetooth stack, in one boot: a hub that asks the kernel listens with one
//! adapter, a hub that asks bluetoothd with another. Each has a tag around that stays, while the adapters
//! hang, are switched off and pulled out, and bluetoothd is killed: that makes *unknown*, and never *left*.

use serde_json::Value;

use super::machine::Machine;

/// A hub, its adapter and the tag that is near.
struct House {
    name: &'static str,
    way: &'static str,
    adapter: &'static str,
    socket: &'static str,
    port: u16,
    tag: &'static str,
    rssi: i64,
}

const KERNELS: House = House {
    name: "kernel",
    way: "auto",
    adapter: "hci0",
    socket: "/run/radio.sock",
    port: 8_081,
    tag: "c0:11:22:33:44:01",
    rssi: -47,
};
const DAEMONS: House = House {
    name: "daemon",
    way: "dbus",
    adapter: "hci1",
    socket: "/run/second.sock",
    port: 8_082,
    tag: "c0:11:22:33:44:02",
    rssi: -71,
};
const BOTH: [House; 2] = [KERNELS, DAEMONS];

#[test]
fn outages_of_the_radio_make_unknown_and_never_left_by_either_way() {
    let mut machine = Machine::boot();
    let second = "radio --socket /run/second.sock serve --address 02:00:00:00:00:02";
    machine.start(second, &[]);
    machine.wait("second adapter", |it| it.adapters() == ["hci0", "hci1"]);
    for house in &BOTH {
        let path = format!("/org/bluez/{}", house.adapter);
        machine.wait("power", |it| it.property(&path, "Adapter1", "Powered") == "b true");
        // Without data that is sent again with every report: only its signal tells of it.
        let tag = format!("advertiser {} rssi={} interval=400", house.tag, house.rssi);
        house.radio(&mut machine, &tag);
        house.is_scanned(&mut machine);
        // Somebody whom nobody knows, who goes by another address with each advertisement.
        let stranger =
            format!("advertiser {STRANGER} irk={} restless=yes interval=2000", "07".repeat(16));
        house.radio(&mut machine, &stranger);
        house.serve(&mut machine);
    }
    all_are(&mut machine, "present");
    another_program_looks_and_stops(&mut machine);
    controllers_hang(&mut machine);
    adapters_are_pulled_out(&mut machine);
    switched_off(&mut machine);
    bluetoothd_is_killed(&mut machine);

    // With working radios the same silence is a departure.
    for house in &BOTH {
        house.radio(&mut machine, &format!("remove {}", house.tag));
    }
    all_are(&mut machine, "away");
    for house in &BOTH {
        machine
            .wait("departure that is stored", |it| house.changes(it).contains(&"left".to_owned()));
        let mut kinds = house.changes(&mut machine);
        assert_eq!(kinds.pop().as_deref(), Some("left"), "{}: {kinds:?}", house.name);
        let outages = if house.way == "auto" { 3 } else { 4 };
        assert_eq!(kinds, ["unknown", "known"].repeat(outages), "{}", house.name);
        let device = house.device(&mut machine).unwrap();
        let stays = house.items(&mut machine, &format!("/api/v1/stays?device={}", device["id"]));
        assert_eq!((stays.len(), &stays[0]["ended"]), (1, &"left".into()), "{stays:?}");
        house.has_no_child(&mut machine);
        // Of the stranger there is a number, and no device for any of the addresses.
        assert_eq!(house.items(&mut machine, "/api/v1/devices").len(), 1);
        let heard = house.items(&mut machine, "/api/v1/monitors");
        assert!(heard.iter().any(|it| it["strangers"].as_u64() > Some(1)), "{heard:?}");
    }
}

/// Both hear again by themselves, the kernel's hub by asking again, bluetoothd's by switching the adapter
/// off and on: it was asked to end a discovery while the controller hung, and the kernel waits for that end.
fn controllers_hang(machine: &mut Machine) {
    for house in &BOTH {
        house.radio(machine, "hang");
    }
    all_are(machine, "unknown");
    for house in &BOTH {
        house.radio(machine, "resume");
    }
    KERNELS.is(machine, "present");
    all_are(machine, "present");
    let said = machine.succeeds("cat /tmp/daemon.log");
    for why in ["it does not answer", "it did not answer, and is being switched off and on"] {
        let told = format!("ble hci1 cannot hear advertisements: {why}");
        assert!(said.contains(&told), "{said}");
    }
}

fn adapters_are_pulled_out(machine: &mut Machine) {
    for house in &BOTH {
        house.radio(machine, "unplug");
    }
    all_are(machine, "unknown");
    for house in &BOTH {
        house.radio(machine, "plug");
    }
    all_are(machine, "present");
}

fn switched_off(machine: &mut Machine) {
    for house in &BOTH {
        house.switch(machine, "false");
    }
    all_are(machine, "unknown");
    for house in &BOTH {
        let said = machine.succeeds(&format!("cat /tmp/{}.log", house.name));
        assert!(said.contains("it is switched off"), "{said}");
    }
    for house in &BOTH {
        house.switch(machine, "true");
    }
    all_are(machine, "present");
}

/// The kernel's hub hears on; the other one hears again once there is a bluetoothd.
fn bluetoothd_is_killed(machine: &mut Machine) {
    machine.succeeds("kill -KILL $(pidof bluetoothd)");
    DAEMONS.is(machine, "unknown");
    KERNELS.is(machine, "present");
    machine.start("/usr/libexec/bluetooth/bluetoothd --nodetach", &[]);
    all_are(machine, "present");
}

/// A discovery of somebody else on the same adapters comes and goes, and nobody goes with it.
fn another_program_looks_and_stops(machine: &mut Machine) {
    let before = BOTH.each_ref().map(|it| it.last_seen(machine));
    machine.run("timeout 12 bluetoothctl --timeout 8 scan on");
    for (house, before) in BOTH.iter().zip(before) {
        machine.wait("new evidence", |it| house.last_seen(it) > before);
    }
}

#[track_caller]
fn all_are(machine: &mut Machine, presence: &str) {
    for house in &BOTH {
        house.is(machine, presence);
        house.has_no_child(machine);
    }
}

impl House {
    fn radio(&self, machine: &mut Machine, request: &str) {
        machine.succeeds(&format!("radio --socket {} tell '{request}'", self.socket));
    }

    /// Switches the adapter, as people do.
    fn switch(&self, machine: &mut Machine, to: &str) {
        let path = format!("/org/bluez/{}", self.adapter);
        let set = format!("busctl set-property org.bluez {path} org.bluez.Adapter1 Powered b {to}");
        machine.wait(to, |it| it.run(&set).status == 0);
    }

    /// The command shows the tag with the strength at which it is heard.
    fn is_scanned(&self, machine: &mut Machine) {
        let said = machine.succeeds(&format!(
            "{} {MUSTER} scan ble --single --format json 2> /tmp/scan.log",
            self.settings()
        ));
        let rows: Value = serde_json::from_str(&said).unwrap_or_else(|it| panic!("{it}: {said}"));
        let rows = rows.as_array().unwrap();
        let row = rows.iter().find(|it| it["address"] == self.tag);
        let row = row.unwrap_or_else(|| panic!("{}", machine.run("cat /tmp/scan.log").text));
        assert_eq!(
            (&row["kind"], row["rssi"].as_i64()),
            (&"random_static".into(), Some(self.rssi))
        );
        assert_eq!((&row["channel"], rows.len()), (&self.adapter.into(), 1), "{rows:?}");
    }

    fn settings(&self) -> String {
        format!(
            "MUSTER_DATA=/tmp/{} MUSTER__SOURCES__LAN__ENABLED=false \
             MUSTER__SOURCES__BLE__WAY={} MUSTER__SOURCES__BLE__ADAPTERS='[\"{}\"]' \
             MUSTER__PRESENCE__UNKNOWN_AFTER=30s MUSTER__PRESENCE__BLE__AWAY_AFTER=1m",
            self.name, self.way, self.adapter
        )
    }

    /// Starts the hub, which gives up the right by which it got to the kernel.
    fn serve(&self, machine: &mut Machine) {
        let Self { name, port, .. } = self;
        machine.succeeds(&format!(
            "{} {MUSTER} serve --listen 127.0.0.1:{port} > /tmp/{name}.log 2>&1 & \
             echo $! > /tmp/{name}.pid",
            self.settings()
        ));
        let by = if self.way == "auto" { "the kernel" } else { "bluetoothd" };
        let hears = format!("ble {} hears: advertisements of low energy, by {by}", self.adapter);
        machine.wait(&hears, |it| it.run(&format!("cat /tmp/{name}.log")).text.contains(&hears));
        let rights = machine.succeeds(&format!("grep CapPrm /proc/$(cat /tmp/{name}.pid)/status"));
        assert_eq!(rights.split_whitespace().last(), Some("0000000000002000"), "CAP_NET_RAW alone");
    }

    #[track_caller]
    fn is(&self, machine: &mut Machine, presence: &str) {
        let what = format!("{presence} device of {}", self.name);
        machine.wait(&what, |it| self.device(it).is_some_and(|it| it["presence"] == presence));
    }

    fn last_seen(&self, machine: &mut Machine) -> String {
        self.device(machine).unwrap()["last_seen"].as_str().unwrap().to_owned()
    }

    fn device(&self, machine: &mut Machine) -> Option<Value> {
        let identity = format!("ble:{}", self.tag);
        let devices = self.items(machine, "/api/v1/devices");
        let has =
            |it: &Value| it["identities"].as_array().unwrap().contains(&identity.as_str().into());
        devices.into_iter().find(has)
    }

    /// What happened to the tag behind its arrival: changes by their kinds.
    fn changes(&self, machine: &mut Machine) -> Vec<String> {
        let items = self.items(machine, "/api/v1/changes?limit=1000");
        let is_device =
            |it: &&Value| it["subject"].as_str().is_some_and(|it| it.starts_with("device:"));
        let tags = items.iter().filter(is_device);
        let kinds = tags.map(|it| it["kind"].as_str().unwrap().to_owned());
        kinds.filter(|it| !["discovered", "arrived"].contains(&it.as_str())).collect()
    }

    fn items(&self, machine: &mut Machine, path: &str) -> Vec<Value> {
        let host = format!("127.0.0.1:{}", self.port);
        let said = machine.run(&format!(
            "exec 3<> /dev/tcp/127.0.0.1/{}; printf \"GET {path} HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n\" >&3; cat <&3",
            self.port
        ));
        let body = said.text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        answer["items"].as_array().cloned().unwrap_or_default()
    }

    /// It has none now, and never waited for one: the eleventh number of its line in `/proc` counts the
    /// page faults of children that ended.
    #[track_caller]
    fn has_no_child(&self, machine: &mut Machine) {
        let name = self.name;
        let said = machine.run(&format!("ps -o pid= --ppid $(cat /tmp/{name}.pid)"));
        assert_eq!(said.text, "", "children of the hub");
        let line = machine.succeeds(&format!("cat /proc/$(cat /tmp/{name}.pid)/stat"));
        let behind_name = line.rsplit_once(')').unwrap().1;
        assert_eq!(behind_name.split_whitespace().nth(8), Some("0"), "{line}");
    }
}

const STRANGER: &str = "c0:11:22:33:44:99";
const MUSTER: &str = env!("CARGO_BIN_EXE_muster");
