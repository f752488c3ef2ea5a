//! A phone that hides behind addresses of its own making, from the pairing in which it tells who it is.

use super::agent;
use super::classic::{screen, state};
use super::machine::Machine;

/// It pairs with an adapter that offers itself, and is known again by another address.
pub(super) fn a_phone_is_known_behind_its_addresses(machine: &mut Machine) {
    let phone = format!("advertiser {PHONE}");
    let key = "000102030405060708090A0B0C0D0E0F";
    machine.radio(&[&format!("{phone} type=public rssi=-58 irk={key} name=Eve")]);
    let connect = format!("radio tell '{phone} connect'");
    assert_ne!(machine.run(&connect).status, 0, "nothing offers itself");
    agent::types(machine, "advertise on");
    machine.wait("advertisement", |it| state(it, "advertising") == "connectable");

    machine.start("btmon -w /run/pairing", &[]);
    machine.wait("btmon", |it| it.run("test -s /run/pairing").status == 0);
    let first = address(machine);
    machine.radio(&[&format!("{phone} pair")]);
    machine.wait("question", |it| agent::reads(it, "Accept pairing"));
    agent::types(machine, "yes");
    machine.wait("pairing", |it| screen(it, PHONE) == "paired");
    machine.wait("bond", |it| it.device("hci0", &first, "Paired") == "b true");
    // bluetoothd goes on under the path that it began with, and knows whose it is.
    assert_eq!(machine.device("hci0", &first, "Address"), format!("s \"{PHONE}\""));
    let info = machine.succeeds(&format!("cat /var/lib/bluetooth/*/{PHONE}/info"));
    assert!(info.contains(&format!("[IdentityResolvingKey]\nKey={key}")), "{info}");
    let heard = machine.succeeds("btmon -r /run/pairing");
    let (_, told) =
        heard.split_once("MGMT Event: New Identity Resolvi").expect("the kernel tells it");
    assert!(told.contains(&format!("Random address: {first}")), "{told}");
    assert!(told.contains(&format!("LE Address: {PHONE}")), "{told}");

    machine.radio(&[&format!("{phone} disconnect"), &format!("{phone} rotate")]);
    let second = address(machine);
    assert_ne!(first, second);
    agent::types(machine, "scan le");
    machine.wait("signal", |it| it.device("hci0", &first, "RSSI") == "n -58");
    assert_eq!(machine.device("hci0", &second, "Address"), "", "it is nobody new");
    agent::types(machine, "scan off");

    // It comes back by the key of its links, and is lost when it walks away.
    machine.wait("link", |it| it.run(&connect).status == 0);
    machine.wait("key", |it| state(it, "encrypted").contains(PHONE));
    machine.wait("link", |it| it.device("hci0", &first, "Connected") == "b true");
    machine.radio(&[&format!("{phone} reachable=no")]);
    machine.wait("loss", |it| it.device("hci0", &first, "Connected") == "b false");
    agent::types(machine, "advertise off");
}

/// The address that it goes by.
fn address(machine: &mut Machine) -> String {
    let private = state(machine, "private");
    let its = private.split(',').find_map(|it| it.strip_prefix(PHONE)?.strip_prefix('/'));
    its.expect("it hides").to_owned()
}

const PHONE: &str = "00:1B:DC:00:00:0E";
