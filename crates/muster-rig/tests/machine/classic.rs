//! Phones that pair on BR/EDR: taken by whoever answers for the adapter, refused by whoever does not.

use super::agent;
use super::machine::Machine;

/// From an adapter that pairs with nobody to one that knows two phones.
pub(super) fn phones_pair(machine: &mut Machine) {
    machine.radio(&[
        &format!("phone {ANNA} pairs=numeric-comparison name=Anna"),
        &format!("phone {BEN} pairs=numeric-comparison name=Ben"),
        &format!("phone {CAR} name=Car"),
    ]);
    assert_ne!(machine.run(&format!("radio tell 'phone {ANNA} pair'")).status, 0, "no page scan");
    discoverable(machine, true);
    // Nobody answers for the adapter.
    machine.radio(&[&format!("phone {ANNA} pair")]);
    machine.wait("refusal", |it| screen(it, ANNA) == "failed-18");
    machine.wait("hanging up", |it| state(it, "links") == "none");

    agent::begin(machine, "DisplayYesNo");
    machine.wait("agent", |it| it.property("/org/bluez/hci0", "Adapter1", "Pairable") == "b true");
    let number = compares(machine, ANNA);
    agent::types(machine, "yes");
    machine.wait("pairing", |it| screen(it, ANNA) == "paired");
    machine.wait("bond", |it| it.device("hci0", ANNA, "Paired") == "b true");
    assert_eq!(state(machine, "encrypted"), ANNA);
    let info = machine.succeeds(&format!("cat /var/lib/bluetooth/*/{ANNA}/info"));
    // Authenticated, by numbers that were compared.
    assert!(info.contains("[LinkKey]") && info.contains("Type=5"), "{info}");

    assert_ne!(compares(machine, BEN), number);
    agent::types(machine, "no");
    machine.wait("refusal", |it| screen(it, BEN) == "failed-05");
    assert_eq!(machine.device("hci0", BEN, "Paired"), "b false");

    // The host begins: nothing to compare with a car, and nobody is asked.
    agent::types(machine, "scan on");
    machine.wait("car", |it| it.device("hci0", CAR, "RSSI") == "n -60");
    agent::types(machine, "scan off");
    agent::types(machine, &format!("pair {CAR}"));
    machine.wait("bond", |it| it.device("hci0", CAR, "Paired") == "b true");
    assert_eq!(screen(machine, CAR), "paired");
    discoverable(machine, false);
}

/// One who paired comes back without anybody being asked, also to an adapter that nobody can find.
pub(super) fn a_paired_phone_comes_back(machine: &mut Machine) {
    if state(machine, "links").contains(ANNA) {
        machine.radio(&[&format!("phone {ANNA} disconnect")]);
    }
    machine.wait("end", |it| it.device("hci0", ANNA, "Connected") == "b false");
    machine
        .wait("page scan", |it| it.run(&format!("radio tell 'phone {ANNA} connect'")).status == 0);
    machine.wait("key", |it| state(it, "encrypted").contains(ANNA));
    machine.wait("link", |it| it.device("hci0", ANNA, "Connected") == "b true");
}

/// Its link times out, and bluetoothd says so.
pub(super) fn a_phone_walks_away_with_its_link(machine: &mut Machine) {
    machine.start("btmon -w /run/loss", &[]);
    machine.wait("btmon", |it| it.run("test -s /run/loss").status == 0);
    machine.radio(&[&format!("phone {ANNA} reachable=no")]);
    machine.wait("loss", |it| it.device("hci0", ANNA, "Connected") == "b false");
    let heard = machine.succeeds("btmon -r /run/loss");
    assert!(heard.contains("Reason: Connection Timeout (0x08)"), "{heard}");
    machine.radio(&[&format!("phone {ANNA} reachable=yes")]);
    a_paired_phone_comes_back(machine);
}

/// Has a phone begin to pair, up to the number that it and bluetoothd's agent show.
fn compares(machine: &mut Machine, phone: &str) -> String {
    machine.radio(&[&format!("phone {phone} pair")]);
    machine.wait("number", |it| screen(it, phone).len() == 6);
    let number = screen(machine, phone);
    machine.wait("question", |it| agent::reads(it, &format!("Confirm passkey {number}")));
    number
}

fn discoverable(machine: &mut Machine, is: bool) {
    let set = "busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Discoverable b";
    machine.succeeds(&format!("{set} {is}"));
}

/// What the controller says of one thing that it does.
pub(super) fn state(machine: &mut Machine, key: &str) -> String {
    let state = machine.radio(&["state"]);
    let value = state.split(' ').find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
    value.expect("the controller tells it").to_owned()
}

/// What a phone shows of its last pairing; nothing if it has not paired.
pub(super) fn screen(machine: &mut Machine, phone: &str) -> String {
    let screens = state(machine, "screens");
    let its = screens.split(',').find_map(|it| it.strip_prefix(phone)?.strip_prefix('/'));
    its.unwrap_or_default().to_owned()
}

pub(super) const ANNA: &str = "00:1A:7D:00:00:0A";
const BEN: &str = "00:1A:7D:00:00:0B";
const CAR: &str = "00:1A:7D:00:00:0C";
