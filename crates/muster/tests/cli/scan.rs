//! `muster scan`: looks, says what it could not hear, and writes only what it was told to.

use std::process::Stdio;
use std::{fs, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::House;

#[test]
fn one_look_around_where_nothing_may_be_watched() {
    // Every interface of the machine is left out: what is there depends on the machine.
    let house = House::empty().with("MUSTER__SOURCES__LAN__INTERFACES", "[\"muster-none\"]");
    let said = house.ask(&["scan", "lan", "--for", "1s", "--format", "json", "--record", "facts"]);
    assert_eq!((said.code, said.out.as_str()), (5, "[]\n"), "{said:?}");
    assert!(said.err.contains("error: there was nothing to listen with"), "{said:?}");
    assert!(house.path().join("facts").exists());
}

#[test]
fn a_look_around_by_radio_says_what_it_listened_with() {
    let house = House::empty().with("MUSTER__SOURCES__BLE__ADAPTERS", "[\"hci4711\"]");
    let said = house.ask(&["scan", "ble", "--for", "1s", "--format", "json"]);
    assert_eq!((said.code, said.out.as_str()), (5, "[]\n"), "{said:?}");
    assert!(said.err.contains("error: there was nothing to listen with"), "{said:?}");
    assert!(said.err.contains("no adapter hci4711"), "{said:?}");
}

#[test]
fn whoever_has_seen_enough_is_shown_what_was_found() {
    let house = House::empty().with("MUSTER__SOURCES__LAN__INTERFACES", "[\"muster-none\"]");
    let mut command = house.command(&["scan", "lan", "--for", "24h", "--format", "json"]);
    let scan = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", scan.id());
    let catches = || {
        let status = fs::read_to_string(&status).unwrap();
        let mask = status.lines().find_map(|it| it.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() & 1 << (Signal::SIGINT as u64 - 1) != 0
    };
    while !catches() {
        thread::yield_now();
    }
    kill(Pid::from_raw(scan.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let said = scan.wait_with_output().unwrap();
    assert_eq!(
        (said.status.code(), said.stdout.as_slice()),
        (Some(5), b"[]\n".as_slice()),
        "{said:?}"
    );
}

#[test]
fn what_cannot_be_meant() {
    let house = House::empty();
    for (args, words) in [
        (["scan", "lan", "--for", "0s"], "a look takes from 1s to 24h: 0s"),
        (["scan", "lan", "--for", "25h"], "a look takes from 1s to 24h: 25h"),
        (["scan", "lan", "--for", "1x"], "that is no length of time, as in 10s"),
        (["scan", "ble", "--for", "0s"], "hint: muster scan ble --for 10s"),
        (["scan", "smoke", "--for", "1s"], "invalid value 'smoke'"),
    ] {
        let said = house.ask(&args);
        assert!(said.code == 2 && said.err.contains(words), "{said:?}");
    }
    house.file("facts", "");
    let said = house.ask(&["scan", "--record", "facts", "--for", "1s"]);
    assert!(said.code == 1 && said.err.contains("cannot write a new file: facts"), "{said:?}");
}
