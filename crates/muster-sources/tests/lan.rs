//! The local network source on a real network: the kernel's interfaces, table and packet sockets,
//! and devices that answer from another namespace. Needs root, runs the source without it.

#[path = "../../../tests/peers/network.rs"]
mod network;

#[path = "lan/facts.rs"]
mod facts;

#[path = "lan/blind.rs"]
mod blind;

use std::time::Duration;

use facts::{HOSTS, probe, sighting, time, wants};
use network::{Bed, Rights};

#[test]
fn with_the_one_capability_it_sweeps_asks_and_covers() {
    let bed = Bed::new("cap");
    let mut devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::NetRaw, &[]);
    let status = source.wait_for("va0 channel hears=true");
    assert!(status.contains("arp, dhcp, mdns and neighbour discovery"), "{status}");
    assert!(status.contains("sweep 10.77.0.0/24"), "{status}");
    source.wait_for(&sighting(4));
    for host in 0..4 {
        assert!(source.said().iter().any(|it| it.starts_with(&sighting(host))), "{host}");
    }
    source.wait_for("va0 coverage ");
    devices.tell("off 2");
    devices.wait_for("ok");
    source.tell(&wants(&[1, 2]));
    source.wait_for(&probe(1, "Answered"));
    source.wait_for(&probe(2, "Silent"));
    devices.tell("on 2");
    source.wait_for(&sighting(2));
    source.wait_for("hostname host-2");
    source.wait_for(&format!("mac:{} vendor_class muster-lab", HOSTS[2].0));
}

#[test]
fn without_any_right_it_pokes_and_reads_the_table() {
    let bed = Bed::new("poke");
    bed.hurry();
    let mut devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::None, &[]);
    let status = source.wait_for("va0 channel hears=true");
    assert!(status.contains("poke known devices"), "{status}");
    let hint = source.wait_for("va0 cannot hear frames as they pass");
    assert!(hint.contains("hint: sudo setcap cap_net_raw=ep /"), "{hint}");
    source.wait_for(&sighting(4));
    source.wait_for("va0 coverage ");
    devices.tell("off 3");
    devices.wait_for("ok");
    // Its entry is fresh: that is no evidence of silence until the kernel has asked in vain.
    source.tell(&wants(&[3]));
    source.wait_for(&probe(3, "Silent"));
    devices.tell("on 3");
    source.tell("want");
    source.tell(&wants(&[3, 4]));
    source.wait_until("both answers", |it| it.starts_with(&probe(3, "Answered")));
    assert!(!source.said().iter().any(|it| it.contains(&probe(4, "Silent"))));
}

#[test]
fn an_arrival_is_heard_without_sending_anything() {
    let bed = Bed::new("ear");
    let mut devices = bed.devices("5", &[]);
    devices.tell("off 0 1 2 3 4");
    devices.wait_for("ok");
    let mut source = bed.source(Rights::NetRaw, &["no-active", "no-poke"]);
    source.wait_for("va0 cannot ask anybody");
    devices.tell("on 3");
    let spoke = devices.wait_for("ok ");
    let spoke = time(spoke.strip_prefix("ok ").unwrap());
    let heard = source.wait_for(&sighting(3));
    let heard = time(heard.rsplit(' ').next().unwrap());
    assert!(heard <= spoke + Duration::from_secs(1), "spoke {spoke}, heard {heard}");
    source.wait_for("hostname host-3");
    source.wait_for("ipv4 10.77.0.13");
    assert!(!source.said().iter().any(|it| it.starts_with(&sighting(0))));
}

#[test]
fn who_may_be_on_any_of_two_networks_is_asked_on_both() {
    let bed = Bed::new("two");
    bed.second_network();
    let _devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::NetRaw, &["vx0", "no-sweep"]);
    source.wait_for("va0 channel hears=true");
    // A link-local address does not say on which link it is, and nobody was heard yet.
    source.tell(&format!("want {} fe80::217:88ff:fe20:1", HOSTS[1].0));
    source.wait_for(&probe(1, "Answered"));
}

#[test]
fn a_proxy_gives_names_not_presence() {
    for rights in [Rights::NetRaw, Rights::None] {
        let bed = Bed::new(if rights == Rights::None { "pn" } else { "pr" });
        bed.hurry();
        let mut devices = bed.devices("3", &[]);
        devices.tell("off 1 2");
        devices.wait_for("ok");
        devices.tell("proxy 10.77.0.11");
        devices.wait_for("ok");
        let mut source = bed.source(rights, &[]);
        source.wait_for("va0 channel hears=true");
        source.tell(&wants(&[0, 1, 2]));
        // Its address answers, but it is another station that does.
        let alone = if rights == Rights::NetRaw { "Silent" } else { "Unaskable" };
        source.wait_until("a verdict on host 1", |it| it.starts_with(&probe(1, alone)));
        let proxy = format!("mac:{} proxy_for mac:{}", HOSTS[0].0, HOSTS[1].0);
        if rights == Rights::None {
            source.wait_for(&proxy);
        }
        let absent = |it: &&String| it.contains(HOSTS[1].0) && !it.contains("proxy_for");
        let said: Vec<_> = source.said().iter().filter(absent).collect();
        let wrong = |it: &str| it.contains("sighting") || it.contains("Answered");
        assert!(!said.iter().any(|it| wrong(it)), "{said:?}");
    }
}

#[test]
fn a_scan_finds_all_and_closes() {
    let bed = Bed::new("scan");
    let _devices = bed.devices("100", &[]);
    let mut scan = bed.source(Rights::NetRaw, &["fast", "--scan", "20"]);
    let said = scan.wait_for_end();
    assert!(said.iter().any(|it| it == "closed true"), "{said:?}");
    let found: std::collections::BTreeSet<_> = said
        .iter()
        .filter_map(|it| it.strip_prefix("va0 sighting mac:"))
        .filter_map(|it| it.split(' ').next())
        .collect();
    let hosts = found.iter().filter(|it| it.contains(":20:00:")).count();
    assert_eq!(hosts, 100, "{found:?}");
}
