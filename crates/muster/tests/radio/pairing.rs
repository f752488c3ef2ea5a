//! Phones pair inside the window and not outside, wait for a name, and are forgotten where it counts.

use serde_json::Value;

use super::classic::SYNCHRONISED;
use super::machine::Machine;

#[test]
fn a_phone_pairs_inside_the_window_and_not_outside() {
    let mut machine = Machine::boot();
    prepare(&mut machine);
    let before = seen(&mut machine);
    machine.radio(&[
        &format!("phone {ANNA} name=<img src=x>"),
        &format!("phone {BEN} name=Ben"),
        &format!("advertiser {EVE} type=public rssi=-58 irk={EVES_DIGITS} name=Eve"),
    ]);
    start(&mut machine);
    nobody_pairs_outside(&mut machine, &before);
    the_window_lets_in(&mut machine, &before);
    who_paired_is_registered_or_goes(&mut machine);
    the_key_came_along(&mut machine);
    by_hand_it_is_unpaired_too(&mut machine);
    a_hub_that_is_killed_leaves_nothing_open(&mut machine, &before);
    without_bluetoothd_it_is_said(&mut machine);
}

fn prepare(machine: &mut Machine) {
    machine.succeeds("mkdir -p /run/hub");
    machine.succeeds(SYNCHRONISED);
    settings(machine, "5m");
}

fn settings(machine: &mut Machine, grace: &str) {
    let lines = [
        "[sources.lan]",
        "enabled = false",
        // Nobody is heard by questions, so that nothing but their pairing makes a device of them.
        "[sources.classic]",
        "enabled = false",
        "[pairing]",
        "name = \"Knock Knock\"",
        &format!("registration_grace = \"{grace}\""),
    ];
    let lines = lines.map(|it| format!("echo '{it}'; ")).concat();
    machine.succeeds(&format!("{{ {lines} }} > /run/hub/muster.toml"));
}

fn start(machine: &mut Machine) {
    machine.succeeds(&format!(
        "{BINARY} serve --listen 127.0.0.1:8099 {AT} > /run/hub.log 2>&1 < /dev/null & \
         echo $! > /run/hub.pid"
    ));
    machine.wait("hub", |it| pairing(it)["state"] == "closed");
}

fn nobody_pairs_outside(machine: &mut Machine, before: &str) {
    assert_eq!(seen(machine), before);
    // An adapter that nobody can find does not even listen; one that another program made visible
    // refuses, because nobody answers for it.
    assert_ne!(machine.run(&format!("radio tell 'phone {ANNA} pair'")).status, 0);
    set(machine, "Discoverable", "b true");
    machine.radio(&[&format!("phone {ANNA} pair")]);
    machine.wait("refusal", |it| screen(it, ANNA).starts_with("failed"));
    machine.wait("hanging up", |it| state(it, "links") == "none");
    set(machine, "Discoverable", "b false");
    assert_eq!(pairing(machine)["pending"], Value::Array(Vec::new()));
}

fn the_window_lets_in(machine: &mut Machine, before: &str) {
    machine.succeeds(&format!(
        "{BINARY} pair --for 30m {AT} > /run/pair.log 2>&1 < /dev/null & echo $! > /run/pair.pid"
    ));
    machine.wait("window", |it| pairing(it)["state"] == "open");
    let window = pairing(machine)["window"].clone();
    assert_eq!((&window["name"], &window["adapters"][0]), (&"Knock Knock".into(), &"hci0".into()));
    let during = seen(machine);
    assert!(during.starts_with("s \"Knock Knock\" b true u 1800 b true u 1800"), "{during}");
    machine.wait("advertisement", |it| state(it, "advertising") == "connectable");
    machine.radio(&[&format!("advertiser {EVE} pair")]);
    machine.wait("pairing", |it| screen(it, EVE) == "paired");
    for phone in [ANNA, BEN] {
        machine.wait("page scan", |it| {
            it.run(&format!("radio tell 'phone {phone} pair'")).status == 0
        });
        machine.wait("pairing", |it| screen(it, phone) == "paired");
        machine.radio(&[&format!("phone {phone} disconnect")]);
        machine.wait("hanging up", |it| !state(it, "links").contains(phone));
    }
    machine.wait("all", |it| pairing(it)["pending"].as_array().unwrap().len() == 3);
    machine.wait("a number", |it| pending(it, ANNA)["device"].is_u64());
    assert_eq!(pending(machine, ANNA)["name"], "<img src=x>");
    // Ctrl-C closes it.
    machine.succeeds("kill -INT $(cat /run/pair.pid)");
    machine.wait("end", |it| pairing(it)["state"] == "closed");
    machine
        .wait("said", |it| it.run("grep -q 'nobody can pair any more' /run/pair.log").status == 0);
    let said = machine.succeeds("cat /run/pair.log");
    assert!(said.contains("phones see through hci0: Knock Knock"), "{said}");
    assert!(said.contains("Ben: paired"), "{said}");
    assert_eq!(seen(machine), before);
}

fn who_paired_is_registered_or_goes(machine: &mut Machine) {
    for (phone, name) in [(ANNA, "Annas phone"), (EVE, "Eves phone")] {
        let id = pending(machine, phone)["device"].clone();
        machine.succeeds(&format!("{BINARY} device name {id} '{name}' {AT}"));
        machine.wait("registration", |it| pending(it, phone).is_null());
    }
    // Ben is still pending after a restart, of a hub that has less patience.
    machine.succeeds("kill -TERM $(cat /run/hub.pid)");
    machine.wait("end", |it| it.run("kill -0 $(cat /run/hub.pid)").status != 0);
    settings(machine, "30s");
    start(machine);
    assert_eq!(pending(machine, BEN)["name"], "Ben");
    machine.wait("expiry", |it| pending(it, BEN).is_null());
    // It is gone where it counts, and Anna's is not.
    machine.wait("unpairing", |it| it.device("hci0", BEN, "Paired") != "b true");
    assert_eq!(machine.device("hci0", ANNA, "Paired"), "b true");
    let kept = machine.succeeds("ls /var/lib/bluetooth/*/");
    assert!(kept.contains(ANNA) && !kept.contains(BEN), "{kept}");
    let devices = machine.succeeds(&format!("{BINARY} device list --format json {AT}"));
    let devices: Vec<Value> = serde_json::from_str(&devices).unwrap();
    let named = |address: &str| {
        let identity = Value::from(format!("bt:{}", address.to_lowercase()));
        let mut all = devices.iter();
        all.any(|it| it["identities"].as_array().unwrap().contains(&identity))
    };
    assert!(named(ANNA) && !named(BEN), "{devices:?}");
    // What it shares with nobody any more lets it in nowhere.
    let recent = pairing(machine)["recent"].to_string();
    assert!(recent.contains("not registered in time, unpaired"), "{recent}");
}

/// Nobody copied a file: the kernel told the key, and it makes one device of all that she is heard as.
fn the_key_came_along(machine: &mut Machine) {
    let eve = machine.succeeds(&format!("{BINARY} device show 'Eves phone' --format json {AT}"));
    let eve: Value = serde_json::from_str(&eve).unwrap();
    let address = EVE.to_lowercase();
    let names = [format!("bt:{address}"), format!("ble:{address}"), EVES_KEY.to_owned()];
    let mut identities: Vec<&str> =
        eve["identities"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    identities.sort_unstable();
    let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    assert_eq!(identities, wanted);
    she_is_followed_behind_other_addresses(machine);
    let file = EVES_KEY.replace(':', "/");
    assert!(machine.succeeds(&format!("cat /run/hub/data/secrets/{file}")).contains(EVES_DIGITS));
    machine.succeeds(&format!("{BINARY} device forget 'Eves phone' --yes {AT}"));
    assert_ne!(machine.run(&format!("test -e /run/hub/data/secrets/{file}")).status, 0);
    assert!(!machine.succeeds("ls /var/lib/bluetooth/*/").contains(EVE));
    assert_eq!(machine.run(&format!("{BINARY} device show {EVES_KEY} {AT}")).status, 3);
}

fn she_is_followed_behind_other_addresses(machine: &mut Machine) {
    let devices = |machine: &mut Machine| -> Vec<Value> {
        let all = machine.succeeds(&format!("{BINARY} device list --format json {AT}"));
        serde_json::from_str(&all).unwrap()
    };
    let before = devices(machine).len();
    for _ in 0..2 {
        let was = state(machine, "private");
        machine.radio(&[&format!("advertiser {EVE} rotate")]);
        assert_ne!(state(machine, "private"), was);
        let rotated = machine.succeeds("date --utc +%FT%T.%6NZ");
        machine.wait("sign of her under the new address", |it| {
            let all = devices(it);
            let eve = all.iter().find(|it| it["name"] == "Eves phone").unwrap();
            eve["last_seen"].as_str().unwrap() > rotated.as_str()
        });
    }
    assert_eq!(devices(machine).len(), before, "no address of hers is a device");
    let stays = format!("{BINARY} report stays --of devices --format json {AT}");
    let stays: Vec<Value> = serde_json::from_str(&machine.succeeds(&stays)).unwrap();
    let hers = stays.iter().filter(|it| it["who"] == "Eves phone");
    assert_eq!(hers.count(), 1, "she was here all the time: {stays:?}");
}

fn by_hand_it_is_unpaired_too(machine: &mut Machine) {
    machine.succeeds(&format!("{BINARY} device forget 'Annas phone' --yes {AT}"));
    assert_ne!(machine.device("hci0", ANNA, "Paired"), "b true");
    assert!(!machine.succeeds("ls /var/lib/bluetooth/*/").contains(ANNA));
    let said = machine.run(&format!("{BINARY} device show 'Annas phone' {AT}"));
    assert_eq!(said.status, 3, "{}", said.text);
}

fn a_hub_that_is_killed_leaves_nothing_open(machine: &mut Machine, before: &str) {
    machine.succeeds(&format!("curl -sf -X POST {JSON} -d '{{\"seconds\":3600}}' {API}/pairing"));
    machine.wait("window", |it| pairing(it)["state"] == "open");
    machine.succeeds("kill -KILL $(cat /run/hub.pid)");
    // bluetoothd lets nobody in for a program that is gone; the rest the next start puts back.
    start(machine);
    machine.wait("putting back", |it| seen(it) == before);
    assert_eq!(machine.run("ls /run/hub/data/pairing.json").status, 2);
}

fn without_bluetoothd_it_is_said(machine: &mut Machine) {
    machine.succeeds("kill $(pidof bluetoothd)");
    machine.wait("word", |it| pairing(it)["state"] == "away");
    let said = machine.run(&format!("{BINARY} pair {AT}"));
    assert_eq!(said.status, 5, "{}", said.text);
    assert!(said.text.contains("hint: systemctl start bluetooth"), "{}", said.text);
    machine.succeeds("/usr/libexec/bluetooth/bluetoothd -n > /run/again.log 2>&1 < /dev/null &");
    machine.wait("return", |it| pairing(it)["state"] == "closed");
}

/// How the adapter is seen: name, discoverable and for how long, pairable and for how long.
fn seen(machine: &mut Machine) -> String {
    let properties =
        ["Alias", "Discoverable", "DiscoverableTimeout", "Pairable", "PairableTimeout"];
    let all = properties.map(|it| machine.property("/org/bluez/hci0", "Adapter1", it));
    all.join(" ")
}

fn set(machine: &mut Machine, property: &str, value: &str) {
    let set = "busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1";
    machine.succeeds(&format!("{set} {property} {value}"));
}

fn pairing(machine: &mut Machine) -> Value {
    let said = machine.run(&format!("curl -s {API}/pairing"));
    serde_json::from_str(&said.text).unwrap_or(Value::Null)
}

/// A device that waits for a name; null if it does not.
fn pending(machine: &mut Machine, address: &str) -> Value {
    let all = pairing(machine)["pending"].as_array().cloned().unwrap_or_default();
    let is_it = |it: &Value| it["address"] == address.to_lowercase();
    all.into_iter().find(is_it).unwrap_or(Value::Null)
}

/// What the controller says of one thing that it does.
fn state(machine: &mut Machine, key: &str) -> String {
    let state = machine.radio(&["state"]);
    let value = state.split(' ').find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
    value.unwrap().to_owned()
}

/// What a phone shows of its last pairing; nothing if it has not paired.
fn screen(machine: &mut Machine, phone: &str) -> String {
    let screens = state(machine, "screens");
    let its = screens.split(',').find_map(|it| it.strip_prefix(phone)?.strip_prefix('/'));
    its.unwrap_or_default().to_owned()
}

const BINARY: &str = env!("CARGO_BIN_EXE_muster");
const AT: &str = "--data /run/hub/data --config /run/hub/muster.toml";
const API: &str = "--unix-socket /run/hub/data/muster.sock http://localhost/api/v1";
const JSON: &str = "-H 'Content-Type: application/json'";
const ANNA: &str = "00:1A:7D:00:00:0A";
const BEN: &str = "00:1A:7D:00:00:0B";
const EVE: &str = "00:1B:DC:00:00:0E";
const EVES_DIGITS: &str = "000102030405060708090a0b0c0d0e0f";
const EVES_KEY: &str = "irk:be45cb2605bf36be";
