//! DHCP for IPv6 (RFC 8415), from both sides. Relayed messages are named, not opened: they are not
//! on the client's link.

use std::net::{IpAddr, Ipv6Addr};

use muster_core::identity::Mac;

use super::dns;
use crate::bytes::Bytes;
use crate::frame::DecodeError;
use crate::text;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dhcp6 {
    /// Sent by the client.
    pub from_client: bool,
    /// The message type.
    pub message_type: u8,
    /// The link-layer address in the client's identifier. It names the host, and may be that of
    /// another of its interfaces.
    pub client: Option<Mac>,
    /// Addresses asked for or given.
    pub addresses: Vec<Ipv6Addr>,
    /// The first label of the client's full name (option 39).
    pub name: Option<String>,
    /// The first vendor class (option 16).
    pub vendor_class: Option<String>,
}

impl Dhcp6 {
    pub(super) fn ips(&self) -> Vec<IpAddr> {
        self.addresses.iter().copied().map(IpAddr::V6).collect()
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Dhcp6, DecodeError> {
    let wrong = |what| DecodeError::new("dhcp6", what);
    let mut at = Bytes::new(bytes);
    let kind = at.u8().ok_or(wrong("it is empty"))?;
    let mut message = Dhcp6 {
        from_client: matches!(kind, 1 | 3 | 4 | 5 | 6 | 8 | 9 | 11),
        message_type: kind,
        client: None,
        addresses: Vec::new(),
        name: None,
        vendor_class: None,
    };
    if matches!(kind, RELAY_FORWARD | RELAY_REPLY) {
        return Ok(message);
    }
    at.skip(3).ok_or(wrong("it ends inside its header"))?;
    options(&mut message, at, 0).ok_or(wrong("it ends inside an option"))?;
    Ok(message)
}

fn options(message: &mut Dhcp6, mut at: Bytes<'_>, depth: u8) -> Option<()> {
    while !at.is_empty() {
        let (code, length) = (at.u16()?, at.u16()?);
        let mut value = Bytes::new(at.take(length.into())?);
        match code {
            1 => message.client = identifier(value),
            // An association of addresses holds options of its own behind 12 or 4 bytes.
            3 | 4 if depth == 0 => {
                value.skip(if code == 3 { 12 } else { 4 })?;
                options(message, value, 1)?;
            }
            5 if message.addresses.len() < MAX_ADDRESSES => {
                message.addresses.push(Ipv6Addr::from(value.array::<16>()?));
            }
            16 => message.vendor_class = vendor_class(value),
            39 => message.name = name(value),
            _ => {}
        }
    }
    Some(())
}

/// A client identifier (RFC 8415, 11): with a link-layer address and a time, or with the former.
fn identifier(mut at: Bytes<'_>) -> Option<Mac> {
    let (kind, hardware) = (at.u16()?, at.u16()?);
    match kind {
        1 => at.skip(4)?,
        3 => {}
        _ => return None,
    }
    (hardware == 1 && at.rest().len() == 6).then(|| at.mac()).flatten()
}

fn vendor_class(mut at: Bytes<'_>) -> Option<String> {
    at.skip(4)?;
    let length = at.u16()?;
    at.take(length.into()).and_then(text::clean)
}

fn name(mut at: Bytes<'_>) -> Option<String> {
    at.skip(1)?;
    let full = dns::plain_name(at.rest())?;
    full.split('.').next().filter(|it| !it.is_empty()).map(str::to_owned)
}

pub(super) fn op_word(kind: u8) -> String {
    let word = usize::from(kind).checked_sub(1).and_then(|it| WORDS.get(it));
    word.map_or_else(|| kind.to_string(), |it| (*it).to_owned())
}

const RELAY_FORWARD: u8 = 12;
const RELAY_REPLY: u8 = 13;
/// Of one message; clients ask for one to three.
const MAX_ADDRESSES: usize = 16;
const WORDS: [&str; 13] = [
    "solicit",
    "advertise",
    "request",
    "confirm",
    "renew",
    "rebind",
    "reply",
    "release",
    "decline",
    "reconfigure",
    "information-request",
    "relay-forward",
    "relay-reply",
];
