//! Hostile bytes: every parser returns, and what it returns is bounded and fit to be shown.
//!
//! The corpus is fixed (all frames of the captures, and our own), the damage seeded: a failure comes
//! back. A broken frame is an error or nothing; only a panic or an unbounded value fails the test.

use std::net::Ipv6Addr;

use muster_core::identity::Mac;
use muster_core::time::Time;
use muster_sim::damage::damage;
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::capture::Record;
use muster_wire::decoded::Decoded;
use muster_wire::frame::LinkType;
use muster_wire::lan::{self, build};
use proptest::prelude::*;

use crate::captures;

const LINKS: [LinkType; 5] =
    [LinkType::ETHERNET, LinkType::COOKED, LinkType::COOKED_2, LinkType::WIFI, LinkType::RADIOTAP];

/// Frames of every kind, few of each.
fn corpus() -> Vec<(LinkType, Vec<u8>)> {
    let mut frames: Vec<(LinkType, Vec<u8>)> = captures::all()
        .iter()
        .flat_map(|it| captures::records(it).into_iter().take(40))
        .map(|it| (it.link, it.bytes))
        .collect();
    let anna = (Mac([0xb8, 0x27, 0xeb, 1, 2, 3]), Ipv6Addr::LOCALHOST);
    let ask = build::neighbour_solicitation(anna, Ipv6Addr::LOCALHOST, None);
    frames.push((LinkType::ETHERNET, ask));
    let tell = build::neighbour_advertisement(anna, anna, true);
    frames.push((LinkType::ETHERNET, tell));
    frames
}

/// Decodes and looks at everything that comes out.
fn check(link: LinkType, bytes: &[u8]) {
    let Ok(Some(frame)) = lan::decode(link, bytes) else { return };
    for text in [frame.name(), frame.vendor_class()].into_iter().flatten() {
        assert!(!text.is_empty() && text.len() <= 255, "{text:?}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    assert!(frame.ips().len() <= 65 && frame.vlan.len() <= 8);
    let record = Record { number: 1, at: Time::MAX, link, bytes: bytes.to_vec() };
    let json = Decoded::of_record(&record, &TagRules::default())[0].to_json();
    assert!(json.starts_with(r#"{"frame":1,"t":""#) && !json.contains('\n'), "{json}");
}

#[test]
fn every_prefix_of_every_frame() {
    for (link, bytes) in corpus() {
        for length in 0..=bytes.len() {
            check(link, &bytes[..length]);
        }
    }
}

/// One byte at a time, to the values that limits hide behind.
#[test]
fn every_byte_of_a_frame() {
    for (link, bytes) in corpus().into_iter().step_by(7) {
        let mut damaged = bytes.clone();
        for at in 0..bytes.len() {
            for value in [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff] {
                damaged[at] = value;
                check(link, &damaged);
            }
            damaged[at] = bytes[at];
        }
    }
}

#[test]
fn seeded_damage() {
    let corpus = corpus();
    let bytes: Vec<Vec<u8>> = corpus.iter().map(|(_, it)| it.clone()).collect();
    let (mut all, mut decoded) = (0, 0);
    damage(1, 20_000, &bytes, |which, bytes| {
        // Now and then as if it had come from another kind of link.
        let other = bytes.len() % 10 == 0;
        let link = if other { LINKS[bytes.len() % LINKS.len()] } else { corpus[which].0 };
        check(link, bytes);
        all += 1;
        decoded += u32::from(matches!(lan::decode(link, bytes), Ok(Some(_))));
    });
    // The damage is not so heavy that nothing gets behind the headers.
    assert!(decoded > all / 7, "{decoded} of {all}");
}

/// A message as long as any, made of the costliest names that the format allows.
#[test]
fn costly_names_are_cheap() {
    let mut message = vec![0, 0, 0x84, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    for _ in 0..127 {
        message.extend([1, b'a']);
    }
    message.push(0);
    message.extend([0, 1, 0, 1]);
    while message.len() < 65_000 {
        message.extend([0xc0, 12, 0, 1, 0, 1]);
    }
    let mut frame = Vec::new();
    etherparse::PacketBuilder::ethernet2([2; 6], [3; 6])
        .ipv4([10, 0, 0, 1], [224, 0, 0, 251], 255)
        .udp(5353, 5353)
        .write(&mut frame, &message)
        .unwrap();
    let said = lan::decode(LinkType::ETHERNET, &frame).unwrap_err().to_string();
    assert_eq!(said, "malformed mdns frame: it ends inside a record");
}

proptest! {
    #[test]
    fn any_bytes(which in 0..LINKS.len(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(LINKS[which], &bytes);
    }

    /// Arbitrary bytes behind a header that leads to each of the parsers.
    #[test]
    fn any_payload(
        port in prop::sample::select(vec![67_u16, 547, 5353]),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0..4_u8], 0..400),
    ) {
        let mut frame = Vec::new();
        let link = etherparse::PacketBuilder::ethernet2([2; 6], [3; 6]);
        if port == 547 {
            link.ipv6([1; 16], [2; 16], 1).udp(port, port).write(&mut frame, &bytes).unwrap();
        } else {
            link.ipv4([1; 4], [2; 4], 1).udp(port, port).write(&mut frame, &bytes).unwrap();
        }
        check(LinkType::ETHERNET, &frame);
        frame.clear();
        let icmp = etherparse::PacketBuilder::ethernet2([2; 6], [3; 6])
            .ipv6([1; 16], [2; 16], 255)
            .icmpv6_raw(133 + u8::try_from(bytes.len() % 4).unwrap(), 0, [0; 4]);
        icmp.write(&mut frame, &bytes).unwrap();
        check(LinkType::ETHERNET, &frame);
    }
}
