//! Frames, and what they prove.

use std::net::Ipv4Addr;

use muster_sim::lan_responder::Responder;
use muster_wire::frame::LinkType;
use muster_wire::lan::{Announced, build, decode};

use super::*;

const ANNA: Mac = Mac([0xb8, 0x27, 0xeb, 0, 0, 1]);
const BEN: Mac = Mac([0xb8, 0x27, 0xeb, 0, 0, 2]);
const ROUTER: Mac = Mac([0xb8, 0x27, 0xeb, 0, 0, 9]);
const HUB: Mac = Mac([2, 0, 0, 0, 0, 0x77]);

fn link() -> Link {
    let addresses = [("10.0.0.1", 24), ("fe80::1", 64)];
    Link {
        index: 2,
        name: "eth0".to_owned(),
        mac: Some(HUB),
        addresses: addresses.iter().map(|(ip, n)| (ip.parse().unwrap(), *n)).collect(),
        gateways: Vec::new(),
        ranges: Vec::new(),
        unswept: Vec::new(),
        deaf: None,
    }
}

/// A network on which frames come one after the other.
struct Room {
    book: Book,
    link: Link,
    own: BTreeSet<Mac>,
    now: Duration,
}

impl Room {
    fn new() -> Self {
        let own = [HUB].into();
        Self { book: Book::default(), link: link(), own, now: Duration::from_secs(5) }
    }

    fn hears(&mut self, frame: &LanFrame) -> Vec<String> {
        let scene = Scene { link: &self.link, own: &self.own, now: self.now };
        judge(frame, &mut self.book, scene).iter().map(brief).collect()
    }

    fn hears_bytes(&mut self, bytes: &[u8]) -> Vec<String> {
        let frame = decode(LinkType::ETHERNET, bytes).unwrap().unwrap();
        self.hears(&frame)
    }
}

fn brief(it: &Finding) -> String {
    let name = |mac: &Mac| match *mac {
        ANNA => "anna".to_owned(),
        ROUTER => "router".to_owned(),
        other => other.to_string(),
    };
    match it {
        Finding::Here(mac) => format!("{} is here", name(mac)),
        Finding::At(mac, ip) => format!("{} at {ip}", name(mac)),
        Finding::Detail(mac, kind, value) => format!("{} {} {value}", name(mac), kind.word()),
    }
}

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn arp(source: Mac, sender: (Mac, Ipv4Addr)) -> Vec<u8> {
    let mut frame = build::arp_reply(sender, (HUB, ip(1))).to_vec();
    frame[6..12].copy_from_slice(&source.0);
    frame
}

#[test]
fn who_speaks_is_here() {
    let mut room = Room::new();
    let answer = room.hears_bytes(&arp(ANNA, (ANNA, ip(7))));
    assert_eq!(answer, ["anna is here", "anna at 10.0.0.7", "anna ipv4 10.0.0.7"]);
    let again = room.hears_bytes(&arp(ANNA, (ANNA, ip(7))));
    assert_eq!(again, ["anna is here", "anna at 10.0.0.7"], "details are told once");
    assert_eq!(room.hears_bytes(&build::arp_probe(ANNA, ip(8))), ["anna is here"]);
    let gratuitous = room.hears_bytes(&build::arp_announcement((ANNA, ip(8))));
    assert_eq!(gratuitous, ["anna is here", "anna at 10.0.0.8", "anna ipv4 10.0.0.8"]);
}

#[test]
fn own_frames_and_other_networks_tell_nothing() {
    let mut room = Room::new();
    assert!(room.hears_bytes(&arp(HUB, (HUB, ip(1)))).is_empty());
    assert!(room.hears_bytes(&arp(HUB, (ANNA, ip(7)))).is_empty());
    let mut tagged = decode(LinkType::ETHERNET, &arp(ANNA, (ANNA, ip(7)))).unwrap().unwrap();
    tagged.vlan = vec![7];
    assert!(room.hears(&tagged).is_empty());
    let elsewhere = arp(ANNA, (ANNA, Ipv4Addr::new(192, 168, 9, 9)));
    assert_eq!(room.hears_bytes(&elsewhere), ["anna is here"], "no address of this link");
    assert_eq!(room.hears_bytes(&arp(ANNA, (ANNA, ip(1)))), ["anna is here"], "that is ours");
}

#[test]
fn an_extender_gives_names_not_presence() {
    let mut room = Room::new();
    let found = room.hears_bytes(&arp(ROUTER, (ANNA, ip(7))));
    assert_eq!(found, ["router is here".to_owned(), format!("router proxy_for mac:{ANNA}")]);
}

#[test]
fn a_proxy_is_here_and_those_it_answers_for_are_not() {
    let mut room = Room::new();
    room.hears_bytes(&arp(ANNA, (ANNA, ip(7))));
    room.hears_bytes(&arp(ROUTER, (ROUTER, ip(9))));
    let found = room.hears_bytes(&arp(ROUTER, (ROUTER, ip(7))));
    assert_eq!(found, ["router is here"], "it may have got that address");
    let both = room.hears_bytes(&arp(ROUTER, (ROUTER, ip(9))));
    let for_anna = format!("router proxy_for mac:{ANNA}");
    assert_eq!(both, ["router is here", "router at 10.0.0.9", &for_anna]);
    for last in 20..22 {
        room.hears_bytes(&arp(ROUTER, (ROUTER, ip(last))));
    }
    let many = room.hears_bytes(&arp(ROUTER, (ROUTER, ip(30))));
    assert_eq!(many, ["router is here"], "one of many addresses is not its own");
}

#[test]
fn who_is_given_anothers_address_is_no_proxy() {
    let mut room = Room::new();
    room.hears_bytes(&arp(ANNA, (ANNA, ip(7))));
    room.hears_bytes(&arp(BEN, (BEN, ip(8))));
    let found = room.hears_bytes(&build::arp_announcement((BEN, ip(7))));
    assert_eq!(found, [format!("{BEN} is here")]);
    let again = room.hears_bytes(&arp(BEN, (BEN, ip(7))));
    assert_eq!(again, [format!("{BEN} is here")]);
    let request = Dhcp {
        from_client: true,
        message_type: Some(3),
        client: Some(BEN),
        client_ip: Ipv4Addr::UNSPECIFIED,
        your_ip: Ipv4Addr::UNSPECIFIED,
        requested_ip: Some(ip(7)),
        host_name: None,
        full_name: None,
        vendor_class: None,
    };
    room.hears(&LanFrame {
        source: Some(BEN),
        destination: None,
        vlan: Vec::new(),
        body: LanBody::Dhcp(request),
    });
    let own = room.hears_bytes(&arp(BEN, (BEN, ip(7))));
    assert_eq!(own.last(), Some(&format!("{BEN} ipv4 10.0.0.7")), "{own:?}");
}

#[test]
fn a_device_that_comes_up_tells_its_name() {
    let mut room = Room::new();
    let mut lan = Responder::new(1, Ipv4Addr::new(10, 0, 0, 0), 1, None);
    lan.greet(Duration::ZERO);
    let mac = lan.hosts()[0].mac;
    let all: Vec<String> = std::iter::from_fn(|| lan.poll_frame(Duration::ZERO))
        .flat_map(|frame| room.hears_bytes(&frame))
        .collect();
    for told in [
        format!("{mac} is here"),
        format!("{mac} hostname host-0"),
        format!("{mac} vendor_class muster-lab"),
        format!("{mac} ipv4 10.0.0.10"),
        format!("{mac} ipv6 {}", lan.hosts()[0].v6),
    ] {
        assert!(all.contains(&told), "{told}: {all:?}");
    }
}

#[test]
fn a_relayed_or_answered_dhcp_message_is_no_sighting_of_the_client() {
    let mut room = Room::new();
    let dhcp = |from_client, message_type| Dhcp {
        from_client,
        message_type: Some(message_type),
        client: Some(ANNA),
        client_ip: Ipv4Addr::UNSPECIFIED,
        your_ip: ip(7),
        requested_ip: None,
        host_name: Some("annas-phone".to_owned()),
        full_name: None,
        vendor_class: None,
    };
    let frame = |body| LanFrame {
        source: Some(ROUTER),
        destination: None,
        vlan: Vec::new(),
        body: LanBody::Dhcp(body),
    };
    let relayed = room.hears(&frame(dhcp(true, 3)));
    assert_eq!(relayed, ["router is here", "anna hostname annas-phone"]);
    let acknowledged = room.hears(&frame(dhcp(false, 5)));
    assert_eq!(acknowledged, ["router is here", "anna ipv4 10.0.0.7"]);
}

#[test]
fn a_sleep_proxy_gives_names_not_presence() {
    let mut room = Room::new();
    room.hears_bytes(&arp(ANNA, (ANNA, ip(7))));
    let record = |name: &str, last, own| Announced {
        name: name.to_owned(),
        address: ip(last).into(),
        own,
        goodbye: false,
    };
    let said = |announced| LanFrame {
        source: Some(ROUTER),
        destination: None,
        vlan: Vec::new(),
        body: LanBody::Mdns(Mdns { response: true, sender: ip(9).into(), announced }),
    };
    let found = room.hears(&said(vec![record("proxy", 9, true), record("annas-mac", 7, false)]));
    assert_eq!(
        found,
        [
            "router is here",
            "router at 10.0.0.9",
            "router ipv4 10.0.0.9",
            "router hostname proxy",
            &format!("router proxy_for mac:{ANNA}"),
            "anna hostname annas-mac",
        ]
    );
    let stranger = room.hears(&said(vec![record("nobody-knows", 99, false)]));
    assert_eq!(stranger, ["router is here", "router at 10.0.0.9"]);
    let withdrawn = Announced { goodbye: true, ..record("gone", 9, true) };
    assert_eq!(room.hears(&said(vec![withdrawn])).len(), 2);
}

#[test]
fn broken_frames_tell_nothing_strange() {
    let mut room = Room::new();
    let mut random = muster_sim::rng::Rng::new(11);
    let mut lan = Responder::new(1, Ipv4Addr::new(10, 0, 0, 0), 8, None);
    lan.greet(Duration::ZERO);
    let good: Vec<_> = std::iter::from_fn(|| lan.poll_frame(Duration::ZERO)).collect();
    let mut judged = 0;
    for _ in 0..20_000 {
        let mut frame = random.pick(&good).unwrap().clone();
        for _ in 0..=random.below(4) {
            let at = random.below(frame.len());
            frame[at] = u8::try_from(random.number(256)).unwrap();
        }
        frame.truncate(random.below(frame.len() * 2).max(1));
        let Ok(Some(frame)) = decode(LinkType::ETHERNET, &frame) else { continue };
        room.now += Duration::from_millis(10);
        let found = room.hears(&frame);
        assert!(found.len() <= 16, "{found:?}");
        judged += found.len();
    }
    assert!(judged > 5_000, "{judged}");
}

#[test]
fn neighbour_discovery() {
    let mut room = Room::new();
    let (anna6, nobody) = ("fe80::a".parse().unwrap(), (Mac([0; 6]), "::".parse().unwrap()));
    let advert = build::neighbour_advertisement((ANNA, anna6), nobody, false);
    let found = room.hears_bytes(&advert);
    assert_eq!(found, ["anna is here", "anna at fe80::a", "anna ipv6 fe80::a"]);
    let nd = |link_address, overrides| LanFrame {
        source: Some(ROUTER),
        destination: None,
        vlan: Vec::new(),
        body: LanBody::Nd(Nd {
            kind: NdKind::NeighbourAdvertisement,
            source: "fe80::9".parse().unwrap(),
            target: Some(anna6),
            link_address,
            router: false,
            solicited: true,
            overrides,
        }),
    };
    let for_anna = ["router is here".to_owned(), format!("router proxy_for mac:{ANNA}")];
    assert_eq!(room.hears(&nd(Some(ROUTER), false)), for_anna);
    assert_eq!(room.hears(&nd(Some(ANNA), true)), ["router is here"], "told already");
    let probe = build::neighbour_solicitation((ANNA, "::".parse().unwrap()), anna6, None);
    assert_eq!(room.hears_bytes(&probe), ["anna is here"]);
}

#[test]
fn an_entry_of_the_table_proves_its_station_only() {
    let mut room = Room::new();
    let scene = Scene { link: &room.link, own: &room.own, now: room.now };
    room.book.recall(ANNA, ip(7).into(), scene.now);
    let mut entry = |last| -> Vec<_> {
        judge_entry(ROUTER, ip(last).into(), &mut room.book, scene).iter().map(brief).collect()
    };
    assert_eq!(entry(7), ["router is here"]);
    let for_anna = format!("router proxy_for mac:{ANNA}");
    let both = ["router is here", "router at 10.0.0.9", "router ipv4 10.0.0.9", &for_anna];
    assert_eq!(entry(9), both);
    assert!(judge_entry(HUB, ip(8).into(), &mut room.book, scene).is_empty());
}
