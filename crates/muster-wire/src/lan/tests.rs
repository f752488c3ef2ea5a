//! Frames and what they tell, by protocol.

mod links;

mod names;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::PacketBuilder;

use super::*;

const ANNA: Mac = Mac([0xb8, 0x27, 0xeb, 1, 2, 3]);
const BORIS: Mac = Mac([0x7c, 0x2f, 0x80, 0xa1, 0xb2, 0xc3]);
const ANNA_4: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 20);
const BORIS_4: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 30);
const ANNA_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0x12ab, 0xcdef);
const BORIS_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x30);

fn ethernet(bytes: &[u8]) -> Result<Option<LanFrame>, DecodeError> {
    decode(LinkType::ETHERNET, bytes)
}

fn good(bytes: &[u8]) -> LanFrame {
    ethernet(bytes).unwrap().unwrap()
}

/// A datagram from Anna to everybody.
fn udp4(source: Ipv4Addr, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let packet = PacketBuilder::ethernet2(ANNA.0, [0xff; 6])
        .ipv4(source.octets(), [255; 4], 64)
        .udp(ports.0, ports.1);
    let mut out = Vec::new();
    packet.write(&mut out, payload).unwrap();
    out
}

fn udp6(source: Ipv6Addr, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let all = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let packet = PacketBuilder::ethernet2(ANNA.0, [0x33, 0x33, 0, 0, 0, 1])
        .ipv6(source.octets(), all.octets(), 1)
        .udp(ports.0, ports.1);
    let mut out = Vec::new();
    packet.write(&mut out, payload).unwrap();
    out
}

/// A frame in one line, for tables.
fn brief(frame: &LanFrame) -> String {
    let mac = frame.mac().map_or("-".to_owned(), |it| it.to_string());
    let ips: Vec<String> = frame.ips().iter().map(ToString::to_string).collect();
    format!("{} {} {mac} [{}]", frame.kind(), frame.op(), ips.join(" "))
}

/// An ARP frame and what is to be seen in it.
struct Case {
    frame: build::ArpFrame,
    brief: &'static str,
    probe: bool,
    gratuitous: bool,
    spoken_for: Option<Mac>,
}

#[test]
fn arp_frames() {
    let from_boris = |mut frame: build::ArpFrame| {
        frame[6..12].copy_from_slice(&BORIS.0);
        frame
    };
    let anna = (ANNA, ANNA_4);
    let asked = build::arp_request(anna, BORIS_4, None);
    let plain =
        |frame, brief| Case { frame, brief, probe: false, gratuitous: false, spoken_for: None };
    let request = "arp request b8:27:eb:01:02:03 [192.168.1.20]";
    for case in [
        plain(asked, request),
        plain(build::arp_request(anna, BORIS_4, Some(BORIS)), request),
        plain(
            build::arp_reply((BORIS, BORIS_4), anna),
            "arp reply 7c:2f:80:a1:b2:c3 [192.168.1.30]",
        ),
        Case {
            probe: true,
            ..plain(build::arp_probe(ANNA, BORIS_4), "arp request b8:27:eb:01:02:03 []")
        },
        Case { gratuitous: true, ..plain(build::arp_announcement(anna), request) },
        Case {
            gratuitous: true,
            spoken_for: Some(ANNA),
            ..plain(
                from_boris(build::arp_reply(anna, (ANNA, ANNA_4))),
                "arp reply b8:27:eb:01:02:03 [192.168.1.20]",
            )
        },
    ] {
        let frame = good(&case.frame);
        let LanBody::Arp(arp) = &frame.body else { panic!("{}", frame.kind()) };
        assert_eq!(brief(&frame), case.brief);
        assert_eq!(arp.is_probe(), case.probe, "{}", case.brief);
        assert_eq!(arp.is_gratuitous(), case.gratuitous, "{}", case.brief);
        assert_eq!(frame.spoken_for(), case.spoken_for, "{}", case.brief);
    }
    let unicast = good(&build::arp_request(anna, BORIS_4, Some(BORIS)));
    assert_eq!(unicast.destination, Some(BORIS));
    assert_eq!(good(&asked).destination, Some(build::BROADCAST));
}

#[test]
fn neighbour_discovery() {
    let anna = (ANNA, ANNA_6);
    let nobody = (ANNA, Ipv6Addr::UNSPECIFIED);
    let to_boris = (BORIS, BORIS_6);
    for (frame, want, flags) in [
        (
            build::neighbour_solicitation(anna, BORIS_6, None),
            "nd ns b8:27:eb:01:02:03 [fe80::12ab:cdef]",
            [false, false, false],
        ),
        (
            build::neighbour_solicitation(anna, BORIS_6, Some(BORIS)),
            "nd ns b8:27:eb:01:02:03 [fe80::12ab:cdef]",
            [false, false, false],
        ),
        (
            build::neighbour_solicitation(nobody, ANNA_6, None),
            "nd ns b8:27:eb:01:02:03 []",
            [true, false, false],
        ),
        (
            build::neighbour_advertisement(anna, to_boris, true),
            "nd na b8:27:eb:01:02:03 [fe80::12ab:cdef]",
            [false, true, true],
        ),
        (
            build::neighbour_advertisement(anna, nobody, false),
            "nd na b8:27:eb:01:02:03 [fe80::12ab:cdef]",
            [false, false, true],
        ),
    ] {
        let decoded = good(&frame);
        let LanBody::Nd(nd) = &decoded.body else { panic!("{}", decoded.kind()) };
        assert_eq!(brief(&decoded), want);
        let found = [nd.is_duplicate_address_probe(), nd.solicited, nd.overrides];
        assert_eq!(found, flags, "{want}");
        assert_eq!(decoded.spoken_for(), None);
    }
    let (mac, ip) = build::solicited_node(ANNA_6);
    assert_eq!(
        (mac.to_string(), ip.to_string()),
        ("33:33:ff:ab:cd:ef".into(), "ff02::1:ffab:cdef".into())
    );
    assert_eq!(good(&build::neighbour_solicitation(anna, ANNA_6, None)).destination, Some(mac));
}

/// What is built is what a library that shares no code with us finds sound.
#[test]
fn built_frames_are_sound_to_others() {
    for frame in [
        build::neighbour_solicitation((ANNA, ANNA_6), BORIS_6, None),
        build::neighbour_solicitation((ANNA, ANNA_6), BORIS_6, Some(BORIS)),
        build::neighbour_solicitation((ANNA, Ipv6Addr::UNSPECIFIED), ANNA_6, None),
        build::neighbour_advertisement((ANNA, ANNA_6), (BORIS, BORIS_6), true),
    ] {
        let packet = etherparse::SlicedPacket::from_ethernet(&frame).unwrap();
        let Some(etherparse::NetSlice::Ipv6(ip)) = packet.net else { panic!("no IPv6") };
        let Some(etherparse::TransportSlice::Icmpv6(icmp)) = packet.transport else {
            panic!("no ICMPv6")
        };
        assert!(icmp.is_checksum_valid(ip.header().source(), ip.header().destination()));
        assert_eq!(ip.header().hop_limit(), 255);
    }
    let frame = build::arp_reply((BORIS, BORIS_4), (ANNA, ANNA_4));
    let packet = etherparse::SlicedPacket::from_ethernet(&frame).unwrap();
    let Some(etherparse::NetSlice::Arp(arp)) = packet.net else { panic!("no ARP") };
    assert_eq!(arp.operation(), etherparse::ArpOperation::REPLY);
    assert_eq!(
        (arp.sender_hw_addr(), arp.sender_protocol_addr()),
        (&BORIS.0[..], &BORIS_4.octets()[..])
    );
    assert_eq!(
        (arp.target_hw_addr(), arp.target_protocol_addr()),
        (&ANNA.0[..], &ANNA_4.octets()[..])
    );
}

#[test]
fn router_messages() {
    let icmp = |kind: u8, body: &[u8]| {
        let mut out = Vec::new();
        let builder = PacketBuilder::ethernet2(BORIS.0, [0x33, 0x33, 0, 0, 0, 1])
            .ipv6(ANNA_6.octets(), BORIS_6.octets(), 255)
            .icmpv6_raw(kind, 0, [0x40, 0xc0, 0, 0]);
        builder.write(&mut out, body).unwrap();
        out
    };
    let option = [&[1, 1][..], &ANNA.0].concat();
    let advertisement = good(&icmp(134, &[&[0; 8][..], &option].concat()));
    assert_eq!(brief(&advertisement), "nd ra b8:27:eb:01:02:03 [fe80::12ab:cdef]");
    assert_eq!(advertisement.spoken_for(), Some(ANNA));
    let LanBody::Nd(nd) = &advertisement.body else { panic!("{}", advertisement.kind()) };
    assert!(nd.router && !nd.solicited && !nd.overrides);
    assert_eq!(brief(&good(&icmp(133, &[]))), "nd rs 7c:2f:80:a1:b2:c3 [fe80::12ab:cdef]");
    // Echo is another protocol; an option of length zero would never end.
    assert_eq!(ethernet(&icmp(128, &[])), Ok(None));
    let cut = |what| Err(DecodeError::new("nd", what));
    assert_eq!(ethernet(&icmp(133, &[1, 0, 0, 0])), cut("it ends inside a field or an option"));
    assert_eq!(ethernet(&icmp(134, &[0; 4])), cut("it ends inside a field or an option"));
}

#[test]
fn broken_frames_say_why() {
    let request = build::arp_request((ANNA, ANNA_4), BORIS_4, None);
    let solicitation = build::neighbour_solicitation((ANNA, ANNA_6), BORIS_6, None);
    let changed = |at: usize, to: u8| {
        let mut frame = solicitation.clone();
        frame[at] = to;
        frame
    };
    for (frame, want) in [
        (&request[..13], "malformed ethernet frame: it ends inside its header"),
        (&request[..41], "malformed arp frame: it ends before its addresses do"),
        (&solicitation[..50], "malformed ipv6 frame: its header cannot be read"),
        (&solicitation[..80], "malformed nd frame: it is cut off"),
        (&changed(21, 64), "malformed nd frame: its hop limit is not 255"),
        (&changed(60, 1), "malformed nd frame: its check sum is wrong"),
        (&changed(14, 0x45), "malformed ipv6 frame: its version is another"),
    ] {
        assert_eq!(ethernet(frame).unwrap_err().to_string(), want);
    }
}

#[test]
fn other_protocols_tell_nothing() {
    let mut unknown = build::arp_request((ANNA, ANNA_4), BORIS_4, None);
    unknown[12] = 0x86;
    assert_eq!(ethernet(&unknown), Ok(None));
    assert_eq!(ethernet(&udp4(ANNA_4, (53, 40000), b"")), Ok(None));
    assert_eq!(ethernet(&udp6(ANNA_6, (67, 68), b"")), Ok(None));
    assert_eq!(decode(LinkType(147), &unknown), Ok(None));
    // A later fragment has no ports.
    let mut fragment = udp4(ANNA_4, (68, 67), b"");
    fragment[20..22].copy_from_slice(&[0x20, 0x10]);
    assert_eq!(ethernet(&fragment), Ok(None));
}
