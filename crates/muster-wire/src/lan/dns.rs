//! DNS messages (RFC 1035, 4), as far as mDNS needs them: who owns which address record.
//!
//! Read by hand: a library refuses the whole message for one record whose data it cannot parse, and
//! host names on real networks hold what it calls illegal.
//!
//! **Invariant:** compression pointers only ever lead backwards, to before the name they were met
//! in, so every name ends.

use std::net::IpAddr;

use crate::bytes::Bytes;
use crate::text;

/// The head of a message and its address records.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) response: bool,
    pub(super) addresses: Vec<AddressRecord>,
}

/// An A or AAAA record, from any section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AddressRecord {
    pub(super) name: Option<String>,
    pub(super) ttl: u32,
    pub(super) address: IpAddr,
}

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It ends too early.
    Short,
    /// A name that does not end, is too long or points forwards.
    Name,
    /// An address record whose data has another size.
    Address,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Message, Broken> {
    let mut at = Bytes::new(bytes);
    let head: Option<[u16; 6]> = (|| {
        let mut words = [0; 6];
        for word in &mut words {
            *word = at.u16()?;
        }
        Some(words)
    })();
    let [_, flags, questions, answers, authority, additional] = head.ok_or(Broken::Short)?;
    for _ in 0..questions {
        read_name(bytes, &mut at)?;
        at.skip(4).ok_or(Broken::Short)?;
    }
    let records = u32::from(answers) + u32::from(authority) + u32::from(additional);
    let mut addresses = Vec::new();
    for _ in 0..records {
        if let Some(record) = read_record(bytes, &mut at)?
            && addresses.len() < MAX_ADDRESSES
        {
            addresses.push(record);
        }
    }
    Ok(Message { response: flags & 0x8000 != 0, addresses })
}

/// One record; none when it holds no Internet address.
fn read_record<'a>(message: &'a [u8], at: &mut Bytes<'a>) -> Result<Option<AddressRecord>, Broken> {
    let labels = read_name(message, at)?;
    let fields = (|| {
        let (kind, class, ttl, length) = (at.u16()?, at.u16()?, at.u32()?, at.u16()?);
        Some((kind, class, ttl, at.take(length.into())?))
    })();
    let (kind, class, ttl, data) = fields.ok_or(Broken::Short)?;
    // The top bit of the class asks to flush caches (RFC 6762, 10.2).
    let address = match (kind, class & 0x7fff) {
        (A, INTERNET) => <[u8; 4]>::try_from(data).map(IpAddr::from),
        (AAAA, INTERNET) => <[u8; 16]>::try_from(data).map(IpAddr::from),
        _ => return Ok(None),
    };
    let address = address.map_err(|_| Broken::Address)?;
    Ok(Some(AddressRecord { name: text::clean(&labels), ttl, address }))
}

/// A name's labels with dots between them; `at` is left behind the name.
fn read_name<'a>(message: &'a [u8], at: &mut Bytes<'a>) -> Result<Vec<u8>, Broken> {
    let mut name = Vec::new();
    let mut followed: Option<Bytes<'_>> = None;
    let mut limit = message.len().saturating_sub(at.rest().len());
    loop {
        let reader = followed.as_mut().unwrap_or(at);
        let length = reader.u8().ok_or(Broken::Short)?;
        match length {
            0 => return Ok(name),
            1..=63 => {
                let label = reader.take(length.into()).ok_or(Broken::Short)?;
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend_from_slice(label);
                if name.len() > MAX_NAME {
                    return Err(Broken::Name);
                }
            }
            0xc0.. => {
                let low = reader.u8().ok_or(Broken::Short)?;
                let to = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                if to >= limit {
                    return Err(Broken::Name);
                }
                limit = to;
                followed = Some(Bytes::new(message.get(to..).ok_or(Broken::Name)?));
            }
            64..0xc0 => return Err(Broken::Name),
        }
    }
}

/// A name in DNS form outside of a message: no pointers; the final empty label may be missing.
pub(super) fn plain_name(bytes: &[u8]) -> Option<String> {
    let mut at = Bytes::new(bytes);
    let mut name = Vec::new();
    while let Some(length @ 1..=63) = at.u8() {
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(at.take(length.into())?);
        if name.len() > MAX_NAME {
            return None;
        }
    }
    text::clean(&name)
}

const A: u16 = 1;
const AAAA: u16 = 28;
const INTERNET: u16 = 1;
/// RFC 1035, 2.3.4.
const MAX_NAME: usize = 255;
/// Of one message; a host announces a handful.
const MAX_ADDRESSES: usize = 64;
