//! DHCP for IPv4 (RFC 2131, RFC 2132), from both sides.
//!
//! Read by hand: a library that parses every option refuses the whole message for one that is
//! broken or unknown, and of a message only five options matter here.

use std::net::Ipv4Addr;

use muster_core::identity::Mac;

use super::dns;
use crate::bytes::Bytes;
use crate::frame::DecodeError;
use crate::text;

/// One DHCP or BOOTP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dhcp {
    /// Sent by the client; what a server says of names and addresses is its own idea.
    pub from_client: bool,
    /// Option 53; absent in BOOTP.
    pub message_type: Option<u8>,
    /// The client's hardware address, `chaddr`.
    pub client: Option<Mac>,
    /// The address that the client really uses, `ciaddr`; unspecified when none.
    pub client_ip: Ipv4Addr,
    /// The address that the server gives, `yiaddr`; unspecified when none.
    pub your_ip: Ipv4Addr,
    /// Option 50: the address that the client would like.
    pub requested_ip: Option<Ipv4Addr>,
    /// Option 12.
    pub host_name: Option<String>,
    /// Option 81: the fully qualified name, when the client tells one.
    pub full_name: Option<String>,
    /// Option 60.
    pub vendor_class: Option<String>,
}

impl Dhcp {
    /// The host name, else the first label of the full one.
    pub fn name(&self) -> Option<&str> {
        let first = |it: &'_ str| !it.is_empty();
        self.host_name.as_deref().or_else(|| {
            let full = self.full_name.as_deref()?;
            full.split('.').next().filter(|it| first(it))
        })
    }

    /// Addresses in use, given or asked for.
    pub(super) fn ips(&self) -> impl Iterator<Item = Ipv4Addr> {
        [self.client_ip, self.your_ip].into_iter().chain(self.requested_ip)
    }

    /// The message type's word, its number where it has none, `bootp` without one.
    pub fn op_word(&self) -> String {
        let Some(number) = self.message_type else { return "bootp".to_owned() };
        let word = usize::from(number).checked_sub(1).and_then(|it| WORDS.get(it));
        word.map_or_else(|| number.to_string(), |it| (*it).to_owned())
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Dhcp, DecodeError> {
    let wrong = |what| DecodeError::new("dhcp", what);
    let mut at = Bytes::new(bytes);
    let mut message = fixed(&mut at).ok_or(wrong("it ends inside its fixed fields"))?;
    let (server_name, file) = (at.take(64), at.take(128));
    let (Some(server_name), Some(file)) = (server_name, file) else {
        return Err(wrong("it ends inside its fixed fields"));
    };
    if at.array() == Some(COOKIE) {
        let overloaded = options(&mut message, at).ok_or(wrong("it ends inside an option"))?;
        let more = [(0b01, file), (0b10, server_name)];
        for (_, area) in more.into_iter().filter(|(bit, _)| overloaded & bit != 0) {
            let read = options(&mut message, Bytes::new(area));
            read.ok_or(wrong("an option ends outside its field"))?;
        }
    }
    Ok(message)
}

fn fixed(at: &mut Bytes<'_>) -> Option<Dhcp> {
    let [op, hardware, length, _] = at.array()?;
    at.skip(8)?;
    let client_ip = Ipv4Addr::from(at.array::<4>()?);
    let your_ip = Ipv4Addr::from(at.array::<4>()?);
    at.skip(8)?;
    let client = at.mac()?;
    at.skip(10)?;
    Some(Dhcp {
        from_client: op == 1,
        message_type: None,
        client: (matches!(hardware, 1 | 6) && length == 6).then_some(client),
        client_ip,
        your_ip,
        requested_ip: None,
        host_name: None,
        full_name: None,
        vendor_class: None,
    })
}

/// Reads options until the end mark or the end of the bytes; returns the value of option 52, which
/// says where there are more. `None`: an option says that it is longer than what is left.
fn options(message: &mut Dhcp, mut at: Bytes<'_>) -> Option<u8> {
    let mut overloaded = 0;
    while let Some(code) = at.u8() {
        match code {
            PAD => continue,
            END => break,
            _ => {}
        }
        let length = at.u8()?;
        let value = at.take(length.into())?;
        match code {
            12 => message.host_name = text::clean(value),
            50 => message.requested_ip = <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from),
            52 => overloaded = value.first().copied().unwrap_or(0),
            53 => message.message_type = value.first().copied(),
            60 => message.vendor_class = text::clean(value),
            81 => message.full_name = full_name(value),
            _ => {}
        }
    }
    Some(overloaded)
}

/// Option 81 (RFC 4702): flags, two obsolete bytes, the name as text or in DNS form.
fn full_name(value: &[u8]) -> Option<String> {
    let (&flags, name) = (value.first()?, value.get(3..)?);
    if flags & ENCODED != 0 { dns::plain_name(name) } else { text::clean(name) }
}

const COOKIE: [u8; 4] = [99, 130, 83, 99];
const PAD: u8 = 0;
const END: u8 = 255;
const ENCODED: u8 = 0b100;
const WORDS: [&str; 8] =
    ["discover", "offer", "request", "decline", "ack", "nak", "release", "inform"];
