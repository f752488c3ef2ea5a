//! Every way in which the local network source goes blind, on a real network: coverage ends within
//! 30 s, by the times in the facts themselves, and nobody is called silent meanwhile.

use nix::sys::signal::Signal;

use super::facts::{self, assert_blind, new_coverage, now, probe, sighting, wants};
use super::network::{Bed, Process, Rights};

/// The watched end of a network whose default route leads to the first of five devices.
fn behind_a_router(test: &str, rights: Rights) -> (Bed, Process, Process) {
    let bed = Bed::new(test);
    bed.hurry();
    bed.ip_at_hub(&["route", "add", "default", "via", "10.77.0.10"]);
    let devices = bed.devices("5", &[]);
    let mut source = bed.source(rights, &[]);
    source.tell(&wants(&[1, 2]));
    source.wait_for("va0 coverage ");
    (bed, devices, source)
}

#[test]
fn an_outage_behind_the_next_box_covers_nothing_and_silences_nobody() {
    an_outage("or", Rights::NetRaw);
}

#[test]
fn without_rights_too_an_outage_covers_nothing_and_silences_nobody() {
    an_outage("on", Rights::None);
}

fn an_outage(name: &str, rights: Rights) {
    let (_bed, mut devices, mut source) = behind_a_router(name, rights);
    let fault = now();
    // The access point loses power: the cable to the switch stays, and so does device 4 on it.
    devices.tell("off 0 1 2 3");
    devices.wait_for("ok");
    source.wait_for("va0 channel hears=false");
    source.wait_for("the network behind the link may be down: no answer from 10.77.0.10");
    let between = now();
    source.tell("want");
    source.tell(&wants(&[1, 2]));
    source.wait_for(&probe(2, "NoEvidence"));
    devices.tell("on 0 1 2 3");
    devices.wait_for("ok");
    source.wait_for("va0 channel hears=true");
    new_coverage(&mut source, between);
    assert_blind(&source, fault, between);
    assert!(!source.said().iter().any(|it| it.contains("Silent")), "{:?}", source.said());
}

#[test]
fn behind_a_living_gateway_silence_is_silence() {
    for rights in [Rights::NetRaw, Rights::None] {
        let name = if rights == Rights::None { "gn" } else { "gr" };
        let (_bed, mut devices, mut source) = behind_a_router(name, rights);
        devices.tell("off 2");
        devices.wait_for("ok");
        source.tell("want");
        source.tell(&wants(&[2]));
        source.wait_for(&probe(2, "Silent"));
    }
}

#[test]
fn another_gateway_is_another_network_until_somebody_known_is_heard() {
    let (bed, mut devices, mut source) = behind_a_router("swap", Rights::NetRaw);
    // The gateway is heard after the others were.
    let met = now();
    new_coverage(&mut source, met);
    devices.tell("off 0 1 2 3 4");
    devices.wait_for("ok");
    let fault = now();
    // The same addresses, but the gateway's is another station's.
    bed.stranger("10.77.0.10");
    source.wait_for("the network changed: nobody who was here before has been heard since");
    let between = now();
    devices.tell("on 3");
    devices.wait_for("ok");
    source.wait_for("va0 channel hears=true");
    new_coverage(&mut source, between);
    assert_blind(&source, fault, between);
}

#[test]
fn who_may_not_ask_covers_nothing() {
    let bed = Bed::new("mute");
    let mut devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::NetRaw, &["no-active", "no-poke"]);
    source.wait_for("va0 channel hears=false");
    source.wait_for("nobody may be asked, so nobody's silence tells anything");
    devices.tell("hello");
    source.wait_for(&sighting(4));
    assert_eq!(facts::coverage(&source), []);
}

#[test]
fn a_table_that_nobody_pokes_is_not_coverage() {
    let bed = Bed::new("idle");
    let _devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::None, &["no-poke"]);
    source.wait_for("cannot hear anything reliably now: nobody keeps the neighbour table fresh");
    // Somebody else's traffic still shows who is there.
    let (mac, ip) = facts::HOSTS[2];
    for (what, state) in [("add", "stale"), ("change", "reachable")] {
        bed.ip_at_hub(&["neigh", what, ip, "dev", "va0", "nud", state, "lladdr", mac]);
    }
    source.wait_for(&sighting(2));
    assert_eq!(facts::coverage(&source), []);
}

#[test]
fn an_interface_without_address_is_not_covered() {
    for (rights, why) in [
        (Rights::None, "nobody can be poked"),
        (Rights::NetRaw, "the interface has neither an address nor a gateway"),
    ] {
        let bed = Bed::new(if rights == Rights::None { "nn" } else { "nr" });
        let _devices = bed.devices("5", &[]);
        let mut source = bed.source(rights, &[]);
        source.wait_for("va0 coverage ");
        let fault = now();
        bed.ip_at_hub(&["addr", "flush", "dev", "va0"]);
        source.wait_for(&format!("cannot hear anything reliably now: {why}"));
        let between = now();
        bed.ip_at_hub(&["addr", "add", "10.77.0.1/24", "dev", "va0"]);
        source.wait_for("va0 channel hears=true");
        new_coverage(&mut source, between);
        assert_blind(&source, fault, between);
    }
}

#[test]
fn without_an_own_address_frames_still_ask() {
    let (bed, mut devices, mut source) = behind_a_router("bare", Rights::NetRaw);
    bed.ip_at_hub(&["addr", "flush", "dev", "va0"]);
    devices.tell("off 2");
    devices.wait_for("ok");
    let flushed = now();
    source.tell("want");
    source.tell(&wants(&[1, 2]));
    source.wait_for(&probe(1, "Answered"));
    source.wait_for(&probe(2, "Silent"));
    new_coverage(&mut source, flushed);
}

#[test]
fn coverage_stops_while_the_link_is_down() {
    let bed = Bed::new("down");
    let _devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::NetRaw, &[]);
    source.wait_for("va0 coverage ");
    let fault = now();
    bed.ip_at_hub(&["link", "set", "va0", "down"]);
    source.wait_for("va0 channel hears=false");
    source.wait_for("va0 cannot hear anything reliably now: the interface is switched off");
    let between = now();
    bed.ip_at_hub(&["link", "set", "va0", "up"]);
    source.wait_for("va0 channel hears=true");
    new_coverage(&mut source, between);
    assert_blind(&source, fault, between);
}

#[test]
fn coverage_ends_with_the_interface_and_begins_with_the_next() {
    let bed = Bed::new("gone");
    let devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::NetRaw, &[]);
    source.wait_for("va0 coverage ");
    let fault = now();
    bed.ip_at_hub(&["link", "del", "va0"]);
    source.wait_for("va0 channel hears=false");
    source.wait_for("va0 cannot watch this interface: there is no such interface");
    let between = now();
    drop(devices);
    bed.plug();
    let _devices = bed.devices("5", &[]);
    source.wait_for("va0 channel hears=true");
    source.wait_for(&sighting(1));
    new_coverage(&mut source, between);
    assert_blind(&source, fault, between);
}

#[test]
fn lost_frames_interrupt_coverage() {
    let bed = Bed::new("lost");
    let mut devices = bed.devices("500", &[]);
    let mut source = bed.source(Rights::NetRaw, &["no-sweep"]);
    source.wait_for("va0 coverage ");
    let fault = now();
    source.signal(Signal::SIGSTOP);
    for _ in 0..20 {
        devices.tell("hello");
        devices.wait_for("ok");
    }
    devices.tell("list");
    devices.wait_for("499 on");
    let between = now();
    source.signal(Signal::SIGCONT);
    source.wait_for("va0 channel hears=false");
    source.wait_for("too busy to hear everything");
    source.wait_for("va0 channel hears=true");
    new_coverage(&mut source, between);
    assert_blind(&source, fault, between);
}

#[test]
fn what_could_not_be_sent_is_not_covered() {
    let bed = Bed::new("send");
    let _devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::NetRaw, &[]);
    source.wait_for("va0 coverage ");
    let fault = now();
    // A queue without room: the kernel takes no packet.
    bed.tc_at_hub(&["qdisc", "add", "dev", "va0", "root", "bfifo", "limit", "1"]);
    source.tell(&wants(&[1, 2]));
    source.wait_for("va0 cannot hear anything reliably now: cannot send: No buffer space");
    let between = now();
    bed.tc_at_hub(&["qdisc", "del", "dev", "va0", "root"]);
    source.wait_for("va0 channel hears=true");
    new_coverage(&mut source, between);
    assert_blind(&source, fault, between);
    assert!(!source.said().iter().any(|it| it.contains("Silent")), "{:?}", source.said());
}

#[test]
fn what_the_kernel_told_in_vain_is_asked_for_again() {
    let bed = Bed::new("over");
    let _devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::None, &[]);
    source.wait_for("va0 coverage ");
    let fault = now();
    source.signal(Signal::SIGSTOP);
    bed.flood_of_notifications();
    // Nobody tells the source of this one: there is no room for it.
    bed.ip_at_hub(&["addr", "del", "10.77.0.1/24", "dev", "va0"]);
    let between = now();
    source.signal(Signal::SIGCONT);
    source.wait_for("too busy to hear the kernel: notifications were lost");
    source.wait_for("the interface has neither an address nor a gateway to prove the network by");
    bed.ip_at_hub(&["addr", "add", "10.77.0.1/24", "dev", "va0"]);
    source.wait_for("va0 channel hears=true");
    new_coverage(&mut source, between);
    assert_blind(&source, fault, between);
}
