//! What a device says when it comes up: it asks for its address, announces it and its name.

use std::net::Ipv4Addr;

use muster_core::identity::Mac;
use muster_wire::lan::build;

use super::Host;

/// A DHCP request, an ARP announcement, an unsolicited neighbour advertisement, an mDNS answer.
pub(super) fn frames(host: &Host) -> Vec<Vec<u8>> {
    let nobody = (Mac([0; 6]), std::net::Ipv6Addr::UNSPECIFIED);
    vec![
        dhcp_request(host),
        build::arp_announcement((host.mac, host.v4)).to_vec(),
        build::neighbour_advertisement((host.mac, host.v6), nobody, false),
        mdns_announcement(host),
    ]
}

/// RFC 2131, 4.3.2: a client that remembers its address.
fn dhcp_request(host: &Host) -> Vec<u8> {
    let mut message = vec![1, 1, 6, 0, 0x4d, 0x75, 0x73, 0x74];
    message.resize(28, 0);
    message.extend(host.mac.0);
    message.resize(236, 0);
    message.extend([99, 130, 83, 99, 53, 1, 3, 50, 4]);
    message.extend(host.v4.octets());
    option(&mut message, 12, host.name.as_bytes());
    option(&mut message, 60, b"muster-lab");
    message.push(255);
    let udp = udp(68, 67, &message);
    ipv4(host.mac, build::BROADCAST, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, &udp)
}

/// RFC 6762, 8.3: the address record of the host's own name.
fn mdns_announcement(host: &Host) -> Vec<u8> {
    let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    for label in [host.name.as_bytes(), b"local"] {
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend(label);
    }
    message.extend([0, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4]);
    message.extend(host.v4.octets());
    let udp = udp(5353, 5353, &message);
    let group = (Mac([1, 0, 0x5e, 0, 0, 0xfb]), Ipv4Addr::new(224, 0, 0, 251));
    ipv4(host.mac, group.0, host.v4, group.1, &udp)
}

fn option(message: &mut Vec<u8>, code: u8, value: &[u8]) {
    message.push(code);
    message.push(u8::try_from(value.len()).unwrap_or(0));
    message.extend(value);
}

/// A checksum of zero means that there is none (RFC 768).
fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap_or(u16::MAX);
    let mut out = [from, to, length, 0].map(u16::to_be_bytes).concat();
    out.extend(payload);
    out
}

fn ipv4(from: Mac, to: Mac, source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 20).unwrap_or(u16::MAX);
    let mut header = vec![0x45, 0];
    header.extend(length.to_be_bytes());
    header.extend([0, 0, 0, 0, 255, 17, 0, 0]);
    header.extend(source.octets());
    header.extend(destination.octets());
    let sum = checksum(&header).to_be_bytes();
    if let Some(field) = header.get_mut(10..12) {
        field.copy_from_slice(&sum);
    }
    let mut frame = [to.0, from.0].concat();
    frame.extend([0x08, 0x00]);
    frame.extend(header);
    frame.extend(payload);
    frame
}

fn checksum(header: &[u8]) -> u16 {
    let (words, _) = header.as_chunks::<2>();
    let mut sum: u32 = words.iter().map(|it| u32::from(u16::from_be_bytes(*it))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}
