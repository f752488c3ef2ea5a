//! ARP for IPv4 over Ethernet (RFC 826, RFC 5227).

use std::net::Ipv4Addr;

use muster_core::identity::Mac;

use crate::bytes::Bytes;
use crate::frame::DecodeError;

/// One ARP packet. An address is absent where the packet's own sizes say that it is of another kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply; others exist.
    pub op: u16,
    /// Whose address is told.
    pub sender_mac: Option<Mac>,
    /// The address told; unspecified in a probe.
    pub sender_ip: Option<Ipv4Addr>,
    /// Zeros or rubbish in a request.
    pub target_mac: Option<Mac>,
    /// Who is asked for, or answered.
    pub target_ip: Option<Ipv4Addr>,
}

impl Arp {
    /// Operation of a request.
    pub const REQUEST: u16 = 1;
    /// Operation of a reply.
    pub const REPLY: u16 = 2;

    /// Whether it asks if somebody has the address, without claiming it (RFC 5227, 1.1).
    pub fn is_probe(&self) -> bool {
        self.op == Self::REQUEST && self.sender_ip == Some(Ipv4Addr::UNSPECIFIED)
    }

    /// Whether it tells everybody the sender's own address.
    pub fn is_gratuitous(&self) -> bool {
        matches!(self.op, Self::REQUEST | Self::REPLY)
            && self.sender_ip.is_some_and(|it| !it.is_unspecified())
            && self.sender_ip == self.target_ip
    }
}

/// None for ARP over ATM, which has another format under the same number (RFC 2225, 8.2).
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Arp>, DecodeError> {
    if bytes.starts_with(&ATM) {
        return Ok(None);
    }
    read(bytes).map(Some).ok_or(DecodeError::new("arp", "it ends before its addresses do"))
}

fn read(bytes: &[u8]) -> Option<Arp> {
    let mut at = Bytes::new(bytes);
    let (hardware, protocol) = (at.u16()?, at.u16()?);
    let (hardware_length, protocol_length) = (at.u8()?, at.u8()?);
    let op = at.u16()?;
    let mut pair = || Some((at.take(hardware_length.into())?, at.take(protocol_length.into())?));
    let (sender, target) = (pair()?, pair()?);
    // IEEE 802 networks (6) use the same addresses as Ethernet (1).
    let mac = |bytes: &[u8]| {
        let known = matches!(hardware, 1 | 6);
        bytes.try_into().ok().filter(|_| known).map(Mac)
    };
    let ip = |bytes: &[u8]| {
        let octets = <[u8; 4]>::try_from(bytes).ok().filter(|_| protocol == super::link::IPV4);
        octets.map(Ipv4Addr::from)
    };
    Some(Arp {
        op,
        sender_mac: mac(sender.0),
        sender_ip: ip(sender.1),
        target_mac: mac(target.0),
        target_ip: ip(target.1),
    })
}

pub(super) fn op_word(op: u16) -> String {
    match op {
        Arp::REQUEST => "request".to_owned(),
        Arp::REPLY => "reply".to_owned(),
        other => other.to_string(),
    }
}

const ATM: [u8; 2] = [0, 19];
