//! From an IP packet to what tells who is there: the ports of DHCP and mDNS, and ICMP for IPv6.

use std::net::IpAddr;

use etherparse::{Icmpv6Slice, IpNumber, LaxIpSlice, LaxIpv6Slice, UdpSlice};

use super::link::{Carried, IPV4};
use super::{LanBody, dhcp, dhcp6, mdns, nd};
use crate::frame::DecodeError;

pub(super) fn parse(carried: &Carried<'_>) -> Result<Option<LanBody>, DecodeError> {
    let protocol = if carried.ether_type == IPV4 { "ipv4" } else { "ipv6" };
    let wrong = DecodeError::new(protocol, "its header cannot be read");
    let (packet, _) = LaxIpSlice::from_slice(carried.payload).map_err(|_| wrong)?;
    if packet.ipv4().is_some() != (carried.ether_type == IPV4) {
        return Err(DecodeError::new(protocol, "its version is another"));
    }
    let payload = packet.payload();
    if payload.fragmented && !is_first_fragment(&packet) {
        return Ok(None);
    }
    match payload.ip_number {
        IpNumber::UDP => udp(payload.payload, packet.source_addr()),
        IpNumber::IPV6_ICMP => icmp6(&packet),
        _ => Ok(None),
    }
}

/// The first fragment of IPv4 holds the ports and the options that matter. Discovery in IPv6 is
/// never fragmented (RFC 6980).
fn is_first_fragment(packet: &LaxIpSlice<'_>) -> bool {
    packet.ipv4().is_some_and(|it| it.header().fragments_offset().value() == 0)
}

fn udp(bytes: &[u8], source: IpAddr) -> Result<Option<LanBody>, DecodeError> {
    // Of a protocol that nobody knows yet: the ports are missing.
    let Ok(udp) = UdpSlice::from_slice_lax(bytes) else { return Ok(None) };
    let ports = (udp.source_port(), udp.destination_port());
    let has = |port: u16| ports.0 == port || ports.1 == port;
    let body = match source {
        IpAddr::V4(_) if has(67) || has(68) => LanBody::Dhcp(dhcp::parse(udp.payload())?),
        IpAddr::V6(_) if has(546) || has(547) => LanBody::Dhcp6(dhcp6::parse(udp.payload())?),
        IpAddr::V4(_) | IpAddr::V6(_) if has(5353) => {
            LanBody::Mdns(mdns::parse(udp.payload(), source)?)
        }
        IpAddr::V4(_) | IpAddr::V6(_) => return Ok(None),
    };
    Ok(Some(body))
}

fn icmp6(packet: &LaxIpSlice<'_>) -> Result<Option<LanBody>, DecodeError> {
    let Some(header) = packet.ipv6().map(LaxIpv6Slice::header) else { return Ok(None) };
    let payload = packet.payload();
    let Some(kind) = payload.payload.first().copied().and_then(nd::kind) else { return Ok(None) };
    let wrong = |what| Err(DecodeError::new("nd", what));
    // RFC 4861, 6.1 and 7.1: whatever comes from behind a router is not to be believed.
    if header.hop_limit() != 255 {
        return wrong("its hop limit is not 255");
    }
    if payload.incomplete {
        return wrong("it is cut off");
    }
    let Ok(icmp) = Icmpv6Slice::from_slice(payload.payload) else {
        return wrong("it is too short");
    };
    if !icmp.is_checksum_valid(header.source(), header.destination()) {
        return wrong("its check sum is wrong");
    }
    nd::parse(kind, payload.payload, header.source_addr()).map(|it| Some(LanBody::Nd(it)))
}
