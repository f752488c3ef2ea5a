//! The local network source on a real network: the kernel's interfaces, table and packet sockets,
//! and devices that answer from another namespace. Needs root, runs the source without it.

#[path = "lan/bed.rs"]
mod bed;

use bed::{Bed, Process, Rights};
use nix::sys::signal::Signal;

/// The first hosts of the responder: link-layer address and IPv4 address.
const HOSTS: [(&str, &str); 5] = [
    ("b8:27:eb:20:00:00", "10.77.0.10"),
    ("00:17:88:20:00:01", "10.77.0.11"),
    ("3c:22:fb:20:00:02", "10.77.0.12"),
    ("da:a1:19:20:00:03", "10.77.0.13"),
    ("b8:27:eb:20:00:04", "10.77.0.14"),
];

fn wants(hosts: &[usize]) -> String {
    let one = |n: &usize| format!("{} {}", HOSTS[*n].0, HOSTS[*n].1);
    format!("want {}", hosts.iter().map(one).collect::<Vec<_>>().join("; "))
}

fn sighting(host: usize) -> String {
    format!("va0 sighting mac:{}", HOSTS[host].0)
}

fn probe(host: usize, outcome: &str) -> String {
    format!("va0 probe mac:{} {outcome}", HOSTS[host].0)
}

/// Coverage told so far, as pairs of RFC 3339 times.
fn coverage(source: &Process) -> Vec<(String, String)> {
    let words = source.said().iter().filter_map(|it| it.strip_prefix("va0 coverage "));
    words
        .filter_map(|it| {
            let mut words = it.split(' ').map(str::to_owned);
            Some((words.next()?, words.next()?))
        })
        .collect()
}

/// No span of coverage reaches over the time `at`.
fn assert_not_covered(source: &Process, at: &str) {
    for (from, to) in coverage(source) {
        assert!(to.as_str() <= at || from.as_str() > at, "{from} to {to} covers {at}");
    }
}

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
    source.wait_for(&sighting(3));
    source.wait_for("hostname host-3");
    source.wait_for("ipv4 10.77.0.13");
    source.wait_for("va0 coverage ");
    assert!(!source.said().iter().any(|it| it.starts_with(&sighting(0))));
}

#[test]
fn a_table_that_nobody_pokes_is_not_coverage() {
    let bed = Bed::new("idle");
    let _devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::None, &["no-poke"]);
    source.wait_for("cannot hear anything reliably now: nobody keeps the neighbour table fresh");
    // Somebody else's traffic still shows who is there.
    bed.ip_at_hub(&[
        "neigh",
        "add",
        "10.77.0.12",
        "dev",
        "va0",
        "nud",
        "stale",
        "lladdr",
        HOSTS[2].0,
    ]);
    bed.ip_at_hub(&[
        "neigh",
        "change",
        "10.77.0.12",
        "dev",
        "va0",
        "nud",
        "reachable",
        "lladdr",
        HOSTS[2].0,
    ]);
    source.wait_for(&sighting(2));
    assert_eq!(coverage(&source), []);
}

#[test]
fn an_interface_without_address_cannot_poke_and_is_not_covered() {
    let bed = Bed::new("noip");
    let _devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::None, &[]);
    source.wait_for("va0 coverage ");
    bed.ip_at_hub(&["addr", "flush", "dev", "va0"]);
    source.wait_for("cannot hear anything reliably now: nobody can be poked");
    let between = now();
    bed.ip_at_hub(&["addr", "add", "10.77.0.1/24", "dev", "va0"]);
    source.wait_for("va0 channel hears=true");
    source.wait_until("new coverage", |it| {
        it.strip_prefix("va0 coverage ").is_some_and(|it| it > between.as_str())
    });
    assert_not_covered(&source, &between);
}

#[test]
fn coverage_stops_while_the_link_is_down() {
    let bed = Bed::new("down");
    let _devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::NetRaw, &[]);
    source.wait_for("va0 coverage ");
    bed.ip_at_hub(&["link", "set", "va0", "down"]);
    source.wait_for("va0 channel hears=false");
    source.wait_for("va0 cannot hear anything reliably now: the interface is switched off");
    let between = now();
    bed.ip_at_hub(&["link", "set", "va0", "up"]);
    source.wait_for("va0 channel hears=true");
    source.wait_until("new coverage", |it| {
        it.strip_prefix("va0 coverage ").is_some_and(|it| it > between.as_str())
    });
    assert_not_covered(&source, &between);
}

#[test]
fn coverage_ends_with_the_interface_and_begins_with_the_next() {
    let bed = Bed::new("gone");
    let devices = bed.devices("5", &[]);
    let mut source = bed.source(Rights::NetRaw, &[]);
    source.wait_for("va0 coverage ");
    bed.ip_at_hub(&["link", "del", "va0"]);
    source.wait_for("va0 channel hears=false");
    source.wait_for("va0 cannot watch this interface: there is no such interface");
    let between = now();
    drop(devices);
    bed.plug();
    let _devices = bed.devices("5", &[]);
    source.wait_for("va0 channel hears=true");
    source.wait_for(&sighting(1));
    source.wait_until("new coverage", |it| {
        it.strip_prefix("va0 coverage ").is_some_and(|it| it > between.as_str())
    });
    assert_not_covered(&source, &between);
}

#[test]
fn lost_frames_interrupt_coverage() {
    let bed = Bed::new("lost");
    let mut devices = bed.devices("500", &[]);
    let mut source = bed.source(Rights::NetRaw, &["no-sweep"]);
    source.wait_for("va0 coverage ");
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
    source.wait_until("new coverage", |it| {
        it.strip_prefix("va0 coverage ").is_some_and(|it| it > between.as_str())
    });
    assert_not_covered(&source, &between);
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
        source.wait_for(&probe(2, "Silent"));
        let absent = |it: &String| it.contains(HOSTS[1].0) && !it.contains("proxy_for");
        let said: Vec<_> = source.said().iter().filter(|it| absent(it)).collect();
        assert!(said.iter().all(|it| !it.contains("sighting")), "{said:?}");
        assert!(said.iter().all(|it| !it.contains("Answered")), "{said:?}");
        if rights == Rights::None {
            let proxy = format!("mac:{} proxy_for mac:{}", HOSTS[0].0, HOSTS[1].0);
            assert!(source.said().iter().any(|it| it.contains(&proxy)), "{:?}", source.said());
        }
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

fn now() -> String {
    let done = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.%6NZ"]).output();
    let said = done.expect("coreutils are installed").stdout;
    String::from_utf8_lossy(&said).trim().to_owned()
}
