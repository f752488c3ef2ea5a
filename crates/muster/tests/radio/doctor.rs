//! `muster doctor` where it is known what is wrong: a machine with a real kernel and a real bluetoothd, and
//! a controller that can be switched off, pulled out and left alone.

use super::machine::Machine;

#[test]
fn what_is_wrong_with_bluetooth_is_found_on_a_real_stack() {
    let mut machine = Machine::boot();
    let set = "busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered b";
    machine.wait("power", |it| it.property("/org/bluez/hci0", "Adapter1", "Powered") == "b true");
    says(&mut machine, 0, "hci0 is on, bluetoothd 5.");
    // Nobody but root is told less.
    let other = format!("setpriv --reuid 65534 --regid 65534 --clear-groups {}", doctor());
    assert!(machine.succeeds(&other).contains("hci0 is on"));
    let chosen = machine.run(&format!("env MUSTER__SOURCES__CLASSIC__PROBE=l2ping {other}"));
    assert_eq!(chosen.status, 4, "{}", chosen.text);
    assert!(chosen.text.contains("takes CAP_NET_RAW, which is not there"), "{}", chosen.text);

    machine.succeeds(&format!("{set} false"));
    says(&mut machine, 5, "hci0 is off");
    machine.succeeds(&format!("{set} true"));
    says(&mut machine, 0, "hci0 is on");

    let switch = "/sys/class/rfkill/rfkill0/soft";
    machine.succeeds(&format!("echo 1 > {switch}"));
    says(&mut machine, 5, "hci0 is silenced by a switch, by a program: hci0");
    machine.succeeds(&format!("echo 0 > {switch}"));
    machine.wait("power", |it| it.property("/org/bluez/hci0", "Adapter1", "Powered") == "b true");

    machine.radio(&["unplug"]);
    machine.wait("end", |it| it.adapters().is_empty());
    says(&mut machine, 0, "there is no Bluetooth adapter");
    machine.radio(&["plug"]);
    machine.wait("adapter", |it| it.adapters() == ["hci0"]);

    machine.succeeds("pkill -x -STOP bluetoothd");
    says(&mut machine, 5, "bluetoothd does not answer about hci0: not within 5 s");
    machine.succeeds("pkill -x -KILL bluetoothd");
    machine.wait("end", |it| it.run("pgrep -x bluetoothd").status != 0);
    says(&mut machine, 5, "hci0 is there, and bluetoothd does not run");
    assert_ne!(machine.run("pgrep -x bluetoothd").status, 0, "nobody was started");
    machine.succeeds("pkill -x dbus-daemon");
    says(&mut machine, 5, "no system bus to ask bluetoothd over");
}

/// The command, on a machine whose network is none of this test's business.
fn doctor() -> String {
    let muster = env!("CARGO_BIN_EXE_muster");
    format!("env MUSTER__SOURCES__LAN__ENABLED=false {muster} doctor --format csv --data /tmp/data")
}

#[track_caller]
fn says(machine: &mut Machine, status: i32, what: &str) {
    let said = machine.run(&doctor());
    assert!(said.status == status && said.text.contains(what), "{what}: {said:?}");
}
