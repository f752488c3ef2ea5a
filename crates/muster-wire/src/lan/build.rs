//! Frames to send: ARP and neighbour solicitation, and the answers a test's responder gives.
//!
//! Whole Ethernet frames without check sequence and without padding; the driver pads.

use std::net::{Ipv4Addr, Ipv6Addr};

use muster_core::identity::Mac;

use super::arp::Arp;

/// To all stations.
pub const BROADCAST: Mac = Mac([0xff; 6]);

/// An ARP packet in its Ethernet frame.
pub type ArpFrame = [u8; 42];

/// Asks who has `target`: everybody, or only the station `to`.
///
/// With an unspecified sender address it is a probe: neighbours answer it and learn nothing.
pub fn arp_request(sender: (Mac, Ipv4Addr), target: Ipv4Addr, to: Option<Mac>) -> ArpFrame {
    arp(to.unwrap_or(BROADCAST), Arp::REQUEST, sender, (to.unwrap_or(NOBODY), target))
}

/// Asks whether anybody has `target`, without claiming an address (RFC 5227, 2.1.1).
pub fn arp_probe(sender: Mac, target: Ipv4Addr) -> ArpFrame {
    arp_request((sender, Ipv4Addr::UNSPECIFIED), target, None)
}

/// Tells everybody the sender's own address (RFC 5227, 2.3).
pub fn arp_announcement(sender: (Mac, Ipv4Addr)) -> ArpFrame {
    arp_request(sender, sender.1, None)
}

/// Answers `to`.
pub fn arp_reply(sender: (Mac, Ipv4Addr), to: (Mac, Ipv4Addr)) -> ArpFrame {
    arp(to.0, Arp::REPLY, sender, to)
}

fn arp(destination: Mac, op: u16, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> ArpFrame {
    let mut frame = [0; 42];
    let parts: [&[u8]; 9] = [
        &destination.0,
        &sender.0.0,
        &super::link::ARP.to_be_bytes(),
        // Ethernet and IPv4, addresses of 6 and 4 bytes.
        &[0, 1, 8, 0, 6, 4],
        &op.to_be_bytes(),
        &sender.0.0,
        &sender.1.octets(),
        &target.0.0,
        &target.1.octets(),
    ];
    for (to, from) in frame.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    frame
}

/// Asks who has `target`: its solicited-node group, or only the station `to`.
///
/// With an unspecified sender address it is a duplicate address probe (RFC 4862, 5.4.2).
pub fn neighbour_solicitation(
    sender: (Mac, Ipv6Addr),
    target: Ipv6Addr,
    to: Option<Mac>,
) -> Vec<u8> {
    let (group_mac, group) = solicited_node(target);
    let (destination, to_ip) = to.map_or((group_mac, group), |mac| (mac, target));
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    if !sender.1.is_unspecified() {
        message.extend([1, 1]);
        message.extend(sender.0.0);
    }
    icmp6((sender.0, destination), (sender.1, to_ip), message)
}

/// Tells `to` that `sender` has its address; `solicited` when it was asked. To the unspecified
/// address it goes to all nodes.
pub fn neighbour_advertisement(
    sender: (Mac, Ipv6Addr),
    to: (Mac, Ipv6Addr),
    solicited: bool,
) -> Vec<u8> {
    let to_all = to.1.is_unspecified();
    let (destination, to_ip) = if to_all { (ALL_NODES_MAC, ALL_NODES) } else { to };
    let flags = if solicited && !to_all { 0b0110_0000 } else { 0b0010_0000 };
    let mut message = vec![136, 0, 0, 0, flags, 0, 0, 0];
    message.extend(sender.1.octets());
    message.extend([2, 1]);
    message.extend(sender.0.0);
    icmp6((sender.0, destination), (sender.1, to_ip), message)
}

/// The group in which a node hears questions for `ip` (RFC 4291, 2.7.1; RFC 2464, 7).
pub fn solicited_node(ip: Ipv6Addr) -> (Mac, Ipv6Addr) {
    let [.., a, b, c] = ip.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c]);
    (Mac([0x33, 0x33, 0xff, a, b, c]), group)
}

fn icmp6(macs: (Mac, Mac), ips: (Ipv6Addr, Ipv6Addr), mut message: Vec<u8>) -> Vec<u8> {
    let sum = checksum(ips, &message).to_be_bytes();
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum);
    }
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut frame = Vec::with_capacity(54 + message.len());
    frame.extend(macs.1.0);
    frame.extend(macs.0.0);
    frame.extend(super::link::IPV6.to_be_bytes());
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(length);
    frame.extend([NEXT_ICMP6, 255]);
    frame.extend(ips.0.octets());
    frame.extend(ips.1.octets());
    frame.extend(message);
    frame
}

/// The Internet checksum over the pseudo header of IPv6 (RFC 8200, 8.1) and the message, whose own
/// field is zero.
fn checksum((from, to): (Ipv6Addr, Ipv6Addr), message: &[u8]) -> u16 {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    let pseudo = [&from.octets()[..], &to.octets(), &length, &[0, 0, 0, NEXT_ICMP6]].concat();
    // Both parts begin on an even byte: the pseudo header has 40.
    let words = pseudo.chunks(2).chain(message.chunks(2));
    let sum: u64 = words
        .map(|it| match *it {
            [high, low] => u64::from(u16::from_be_bytes([high, low])),
            [high] => u64::from(high) << 8,
            _ => 0,
        })
        .sum();
    let mut folded = sum;
    while folded > 0xffff {
        folded = (folded & 0xffff) + (folded >> 16);
    }
    !u16::try_from(folded).unwrap_or(u16::MAX)
}

const NOBODY: Mac = Mac([0; 6]);
const NEXT_ICMP6: u8 = 58;
const ALL_NODES_MAC: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
