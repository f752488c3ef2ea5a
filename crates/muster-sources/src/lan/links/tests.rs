//! Which links are watched, and what is known of them.

use super::*;

fn entry(index: u32, name: &str, kind: Option<&str>) -> LinkEntry {
    LinkEntry {
        index,
        name: name.to_owned(),
        mac: Some(Mac([2, 0, 0, 0, 0, u8::try_from(index).unwrap()])),
        ethernet: true,
        loopback: false,
        broadcast: true,
        up: true,
        running: true,
        controlled: false,
        kind: kind.map(str::to_owned),
    }
}

fn links(entries: &[LinkEntry]) -> Links {
    let mut links = Links::default();
    for it in entries {
        links.apply(&Told::Link(it.clone()));
    }
    links
}

fn settings(text: &str) -> LanSettings {
    let of = |it: &str| it.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    LanSettings {
        interfaces: of(text).into_iter().map(|it| it.try_into().unwrap()).collect(),
        ..LanSettings::default()
    }
}

#[test]
fn hardware_is_taken_and_what_is_virtual_only_by_name() {
    let member = LinkEntry { controlled: true, ..entry(6, "eth1", None) };
    let loopback = LinkEntry { loopback: true, ..entry(1, "lo", None) };
    let serial = LinkEntry { broadcast: false, ..entry(7, "ppp0", None) };
    let all = [
        loopback,
        entry(2, "eth0", None),
        entry(3, "wg0", Some("wireguard")),
        entry(4, "va0", Some("veth")),
        entry(5, "br0", Some("bridge")),
        member,
        serial,
    ];
    let names = |it: &[Link]| it.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    let (watched, others) = links(&all).choose(&settings(""));
    assert_eq!(names(&watched), ["eth0", "br0"]);
    let why: Vec<_> = others.iter().map(|it| format!("{}: {}", it.name, it.why)).collect();
    assert_eq!(
        why,
        [
            "wg0: a tunnel (wireguard)",
            "va0: virtual (veth)",
            "eth1: part of a bridge or bond",
            "ppp0: it has no neighbours to hear (not a broadcast link)",
        ]
    );
    let (watched, others) = links(&all).choose(&settings("va0 eth9"));
    assert_eq!(names(&watched), ["va0"]);
    assert!(others.iter().any(|it| it.name == "eth9" && it.why.contains("no such")));
    let (watched, _) = links(&[entry(5, "docker0", Some("bridge"))]).choose(&settings(""));
    assert_eq!(names(&watched), Vec::<String>::new());
}

#[test]
fn a_link_without_carrier_is_deaf() {
    let down = LinkEntry { running: false, ..entry(2, "eth0", None) };
    let mut links = links(&[down]);
    let deaf = |links: &Links| links.choose(&settings("")).0.first().unwrap().deaf;
    assert_eq!(deaf(&links), Some("the link is down: no carrier"));
    assert!(links.apply(&Told::Link(entry(2, "eth0", None))));
    assert!(!links.apply(&Told::Link(entry(2, "eth0", None))));
    assert_eq!(deaf(&links), None);
    links.apply(&Told::LinkGone(2));
    assert!(links.choose(&settings("")).0.is_empty());
}

#[test]
fn what_went_unheard_goes_with_the_next_description() {
    let mut links = links(&[entry(2, "eth0", None), entry(3, "eth1", None)]);
    let address = |index, ip: &str| Told::Address(index, ip.parse().unwrap(), 24);
    let gateway = |index, ip: &str| Told::Gateway(index, ip.parse().unwrap());
    for told in [
        address(2, "10.0.0.1"),
        address(2, "10.9.0.1"),
        gateway(2, "10.0.0.9"),
        gateway(2, "10.9.0.9"),
        // Of what follows, the end of eth1, of 10.9.0.1 and of its route is lost.
        Told::Lost,
        Told::Link(entry(3, "eth1", None)),
        Told::Begun(Dump::Links),
        Told::Link(entry(2, "eth0", None)),
    ] {
        links.apply(&told);
    }
    assert_eq!(links.choose(&settings("")).0.len(), 2, "the description is not complete");
    assert!(links.apply(&Told::Link(entry(4, "eth2", None))), "it came meanwhile");
    assert!(links.apply(&Told::Complete(Dump::Links)));
    let names: Vec<_> = links.choose(&settings("")).0.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["eth0", "eth2"]);
    links.apply(&Told::Begun(Dump::Addresses));
    links.apply(&address(2, "10.0.0.1"));
    assert!(links.apply(&Told::Complete(Dump::Addresses)));
    links.apply(&Told::Begun(Dump::Gateways));
    links.apply(&gateway(2, "10.0.0.9"));
    assert!(links.apply(&Told::Complete(Dump::Gateways)));
    let eth0 = links.choose(&settings("")).0.remove(0);
    assert_eq!(eth0.addresses, [("10.0.0.1".parse().unwrap(), 24)]);
    assert_eq!(eth0.gateways, ["10.0.0.9".parse::<IpAddr>().unwrap()]);
    links.apply(&Told::Begun(Dump::Links));
    assert!(links.apply(&Told::Complete(Dump::Links)), "none is left");
    assert!(links.choose(&settings("")).0.is_empty());
}

#[test]
fn only_small_private_attached_ranges_are_swept() {
    let mut links = links(&[entry(2, "eth0", None)]);
    for (ip, prefix) in [
        ("192.168.1.7", 24),
        ("10.0.0.1", 16),
        ("172.16.9.1", 22),
        ("172.16.9.2", 22),
        ("9.9.9.9", 24),
        ("10.9.9.9", 32),
        ("fe80::1", 64),
    ] {
        links.apply(&Told::Address(2, ip.parse().unwrap(), prefix));
    }
    let of = |settings: &LanSettings| {
        let link = links.choose(settings).0.remove(0);
        let text = |it: &[Network]| it.iter().map(Network::to_string).collect::<Vec<_>>();
        (text(&link.ranges), link.unswept)
    };
    let (ranges, unswept) = of(&LanSettings::default());
    assert_eq!(ranges, ["172.16.8.0/22", "192.168.1.0/24"]);
    assert_eq!(unswept.len(), 2);
    let fast = LanSettings { fast: true, ..LanSettings::default() };
    assert_eq!(of(&fast).0, ["10.0.0.0/16", "172.16.8.0/22", "192.168.1.0/24"]);
    let ranges = ["10.0.3.0/24", "10.9.0.0/24"].map(|it| it.parse().unwrap()).to_vec();
    let named = LanSettings { ranges, ..LanSettings::default() };
    assert_eq!(of(&named).0, ["10.0.3.0/24"]);
    let link = links.choose(&named).0.remove(0);
    assert_eq!(link.source_v4("10.0.9.9".parse().unwrap()), "10.0.0.1".parse().ok());
    assert_eq!(link.source_v4("10.1.9.9".parse().unwrap()), None);
    assert!(link.reaches("fe80::9".parse().unwrap()));
    assert!(!link.reaches("11.0.0.1".parse().unwrap()));
}
