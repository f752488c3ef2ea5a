//! The rig, shown at once in one boot: what the virtual controller plays is what a real kernel and a
//! real bluetoothd make of it.

#[path = "../../../tests/peers/machine.rs"]
mod machine;

#[path = "machine/agent.rs"]
mod agent;

#[path = "machine/classic.rs"]
mod classic;

#[path = "machine/low_energy.rs"]
mod low_energy;

use machine::Machine;

#[test]
fn a_real_stack_meets_the_neighbourhood_of_a_virtual_controller() {
    let mut machine = Machine::boot();
    let said = machine.run("echo out; echo err >&2; exit 3");
    assert_eq!((said.status, said.text.as_str()), (3, "out\nerr"));
    classic::phones_pair(&mut machine);
    classic::a_paired_phone_comes_back(&mut machine);
    classic::a_phone_walks_away_with_its_link(&mut machine);
    low_energy::a_phone_is_known_behind_its_addresses(&mut machine);
    advertisers_come_change_and_go(&mut machine);
    phones_answer_inquiries_names_and_echoes(&mut machine);
    phones_walk_away(&mut machine);
    a_second_one_hears_what_is_long(&mut machine);
    who_is_gone_is_forgotten(&mut machine);
    a_controller_hangs(&mut machine);
    a_controller_is_pulled_out_and_put_in(&mut machine);
    // Keys outlive that.
    classic::a_paired_phone_comes_back(&mut machine);

    assert!(machine.radio(&["state"]).ends_with("unknown=none"));
    let log = machine.succeeds("dmesg");
    for wrong in ["BUG:", "kernel BUG", "Oops", "WARNING:", "list_del"] {
        assert!(!log.contains(wrong), "{log}");
    }
    assert_eq!(machine.end("exit 42").code(), Some(42));
}

fn advertisers_come_change_and_go(machine: &mut Machine) {
    for (address, kind) in [(PUBLIC, "public"), (STATIC, "random"), (RESOLVABLE, "random")] {
        machine.radio(&[&format!("advertiser {address} type={kind} rssi=-50 interval=300")]);
    }
    let data = "0201060aff4c001005011c2a3b4c";
    machine.radio(&[
        &format!("advertiser {UNRESOLVABLE} rssi=-81 data={data}"),
        &format!("advertiser {LEAVING} name=Leaving"),
    ]);
    machine.start("bluetoothctl", &["scan on"]);
    for (address, kind) in
        [(PUBLIC, PUBLICLY), (STATIC, RANDOM), (RESOLVABLE, RANDOM), (UNRESOLVABLE, RANDOM)]
    {
        machine.wait(address, |it| it.device("hci0", address, "AddressType") == kind);
    }
    assert_eq!(machine.device("hci0", UNRESOLVABLE, "RSSI"), "n -81");
    let apple = machine.device("hci0", UNRESOLVABLE, "ManufacturerData");
    assert_eq!(apple, "a{qv} 1 76 ay 7 16 5 1 28 42 59 76");
    machine.wait("name", |it| it.device("hci0", LEAVING, "Name") == "s \"Leaving\"");

    // A strict filter reports each once per scan; without one every change comes through.
    machine.radio(&["duplicates reported", &format!("advertiser {STATIC} rssi=-77")]);
    machine.wait("new signal", |it| it.device("hci0", STATIC, "RSSI") == "n -77");
    machine.radio(&[&format!("remove {LEAVING}")]);
}

fn phones_answer_inquiries_names_and_echoes(machine: &mut Machine) {
    machine.radio(&[&format!("phone {PHONE} rssi=-55 name=Anna B. phone")]);
    machine.wait("inquiry", |it| it.device("hci0", PHONE, "RSSI") == "n -55");
    assert_eq!(machine.device("hci0", PHONE, "Name"), "s \"Anna B. phone\"");
    assert_eq!(machine.device("hci0", PHONE, "Class"), "u 5898764");

    machine.radio(&[&format!("phone {HIDDEN} discoverable=no name=Hidden")]);
    assert_eq!(machine.succeeds(&format!("timeout 20 hcitool -i hci0 name {HIDDEN}")), "Hidden");
    let pinged = ping(machine, PHONE);
    assert!(pinged.contains("1 sent, 1 received"), "{pinged}");
}

fn phones_walk_away(machine: &mut Machine) {
    machine.radio(&[&format!("phone {PHONE} reachable=no"), "page-timeout 700"]);
    // Paging the absent and closing the socket is what some kernels fall over.
    let pinged = ping(machine, PHONE);
    assert!(pinged.contains("Host is down"), "{pinged}");
    assert_eq!(machine.run(&format!("timeout 20 hcitool -i hci0 name {PHONE}")).text, "");
    machine.radio(&[&format!("phone {PHONE} reachable=yes")]);
    assert!(ping(machine, PHONE).contains("1 received"));
}

fn a_controller_hangs(machine: &mut Machine) {
    let name = format!("timeout 10 hcitool -i hci0 name {HIDDEN}");
    machine.radio(&["hang"]);
    assert_ne!(machine.run(&format!("timeout 3 hcitool -i hci0 name {HIDDEN}")).text, "Hidden");
    machine.wait("time-out", |it| it.run("dmesg").text.contains("tx timeout"));
    // Who was linked is lost meanwhile; bluetoothd hears of it with the first word afterwards.
    assert_eq!(machine.device("hci0", classic::ANNA, "Connected"), "b true");
    machine.radio(&["resume"]);
    machine.wait("loss", |it| it.device("hci0", classic::ANNA, "Connected") == "b false");
    machine.wait("name", |it| it.run(&name).text == "Hidden");
    assert!(ping(machine, PHONE).contains("1 received"));

    // As after a switch that somebody tries.
    let set = "busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered b";
    machine.succeeds(&format!("{set} false"));
    machine.succeeds(&format!("{set} true"));
    assert!(ping(machine, PHONE).contains("1 received"));
    classic::a_paired_phone_comes_back(machine);
}

/// What `l2ping` says of one echo.
fn ping(machine: &mut Machine, address: &str) -> String {
    machine.run(&format!("timeout 10 l2ping -i hci0 -c 1 {address}")).text
}

fn a_second_one_hears_what_is_long(machine: &mut Machine) {
    let serve = "radio --socket /run/second.sock serve --address 02:00:00:00:00:02 --extended";
    machine.start(serve, &[]);
    machine.wait("adapter", |it| it.adapters() == ["hci0", "hci1"]);
    let data = format!("0201063d09{}", "5a".repeat(60));
    let request = format!("advertiser {STATIC} rssi=-42 data={data}");
    machine.succeeds(&format!("radio --socket /run/second.sock tell '{request}'"));
    machine.start("bluetoothctl", &["select 02:00:00:00:00:02", "scan le"]);
    let name = format!("s \"{}\"", "Z".repeat(60));
    machine.wait("long name", |it| it.device("hci1", STATIC, "Name") == name);
    assert_eq!(machine.device("hci1", STATIC, "RSSI"), "n -42");
}

fn who_is_gone_is_forgotten(machine: &mut Machine) {
    machine.wait("end", |it| it.device("hci0", LEAVING, "Address").is_empty());
    assert_eq!(machine.device("hci0", PUBLIC, "AddressType"), PUBLICLY);
}

fn a_controller_is_pulled_out_and_put_in(machine: &mut Machine) {
    machine.radio(&["unplug"]);
    machine.wait("end", |it| it.adapters() == ["hci1"]);
    machine.radio(&["plug"]);
    machine.wait("adapter", |it| it.adapters() == ["hci0", "hci1"]);
    machine.wait("power", |it| it.property("/org/bluez/hci0", "Adapter1", "Powered") == "b true");
    assert!(ping(machine, PHONE).contains("1 received"));
}

/// One of every kind of address (volume 6, part B, section 1.3).
const PUBLIC: &str = "00:1B:DC:00:00:01";
const STATIC: &str = "C0:11:22:33:44:55";
const RESOLVABLE: &str = "4A:11:22:33:44:55";
const UNRESOLVABLE: &str = "0A:11:22:33:44:55";
const LEAVING: &str = "C0:11:22:33:44:66";
const PHONE: &str = "00:1A:7D:00:00:01";
const HIDDEN: &str = "00:1A:7D:00:00:02";
/// How `busctl` writes what bluetoothd says of them.
const PUBLICLY: &str = "s \"public\"";
const RANDOM: &str = "s \"random\"";
