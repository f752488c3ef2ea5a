//! Takes the link's wrapping off a frame: Ethernet with its VLAN tags, Linux cooked, 802.11.
//!
//! Refuses to know what is inside: it hands on an `EtherType` and the bytes behind it.

use muster_core::identity::Mac;

use crate::bytes::Bytes;
use crate::frame::{DecodeError, LinkType};

pub(super) const IPV4: u16 = 0x0800;
pub(super) const ARP: u16 = 0x0806;
pub(super) const IPV6: u16 = 0x86dd;

/// What a link frame carries.
#[derive(Debug)]
pub(super) struct Carried<'a> {
    pub(super) source: Option<Mac>,
    pub(super) destination: Option<Mac>,
    pub(super) vlan: Vec<u16>,
    pub(super) ether_type: u16,
    pub(super) payload: &'a [u8],
}

/// What `bytes` carry; none when that has no `EtherType` or cannot be read (encrypted).
pub(super) fn unwrap(link: LinkType, bytes: &[u8]) -> Result<Option<Carried<'_>>, DecodeError> {
    let (read, name) = match link {
        LinkType::ETHERNET => (ethernet(bytes), "ethernet"),
        LinkType::COOKED => (cooked(bytes), "linux cooked"),
        LinkType::COOKED_2 => (cooked_2(bytes), "linux cooked"),
        LinkType::WIFI => (wifi(bytes, false), "802.11"),
        LinkType::RADIOTAP => (radiotap(bytes)?, "802.11"),
        LinkType(_) => return Ok(None),
    };
    match read {
        Some(Inside::Carried(it)) => Ok(Some(it)),
        Some(Inside::Nothing) => Ok(None),
        None => Err(short(name)),
    }
}

/// What a reader finds; none when the frame ends inside a header.
type Read<'a> = Option<Inside<'a>>;

enum Inside<'a> {
    Carried(Carried<'a>),
    /// No `EtherType`, or nothing that can be read.
    Nothing,
}

fn ethernet(bytes: &[u8]) -> Read<'_> {
    let mut at = Bytes::new(bytes);
    let (destination, source) = (at.mac()?, at.mac()?);
    let carried = at.u16()?;
    behind(Some(source), Some(destination), carried, at)
}

fn cooked(bytes: &[u8]) -> Read<'_> {
    let mut at = Bytes::new(bytes);
    at.skip(4)?;
    let length = at.u16()?;
    let address = at.array::<8>()?;
    let carried = at.u16()?;
    behind(cooked_address(length, address), None, carried, at)
}

fn cooked_2(bytes: &[u8]) -> Read<'_> {
    let mut at = Bytes::new(bytes);
    let carried = at.u16()?;
    at.skip(9)?;
    let length = at.u8()?;
    let address = at.array::<8>()?;
    behind(cooked_address(length.into(), address), None, carried, at)
}

fn cooked_address(length: u16, field: [u8; 8]) -> Option<Mac> {
    field.first_chunk().filter(|_| length == 6).map(|it| Mac(*it))
}

/// Walks VLAN tags and 802.2 LLC with SNAP until an `EtherType` that is neither.
fn behind(
    source: Option<Mac>,
    destination: Option<Mac>,
    mut ether_type: u16,
    mut at: Bytes<'_>,
) -> Read<'_> {
    let mut vlan = Vec::new();
    while matches!(ether_type, 0x8100 | 0x88a8 | 0x9100 | 0x9200) {
        if vlan.len() == MAX_TAGS {
            return Some(Inside::Nothing);
        }
        vlan.push(at.u16()? & 0x0fff);
        ether_type = at.u16()?;
    }
    if ether_type < FIRST_ETHER_TYPE {
        // Only SNAP with the OUI of Ethernet or of bridged Ethernet (802.1H) holds an EtherType.
        let Some([0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8]) = at.array() else {
            return Some(Inside::Nothing);
        };
        ether_type = at.u16()?;
    }
    let payload = at.rest();
    Some(Inside::Carried(Carried { source, destination, vlan, ether_type, payload }))
}

fn radiotap(bytes: &[u8]) -> Result<Read<'_>, DecodeError> {
    let (flags, frame) = radiotap_header(bytes).ok_or(short("radiotap"))?;
    if flags & RADIOTAP_BAD_FCS != 0 {
        return Err(DecodeError::new("802.11", "its check sum was wrong when it was received"));
    }
    // A check sequence behind the frame stays: whatever is inside knows its own length.
    Ok(wifi(frame, flags & RADIOTAP_PADDED != 0))
}

/// The radiotap `flags` field, zero when absent, and the frame behind the header.
fn radiotap_header(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut at = Bytes::new(bytes);
    let [version, _] = at.array()?;
    let length = usize::from(u16::from_le_bytes(at.array()?));
    let (header, frame) = bytes.split_at_checked(length)?;
    if version != 0 {
        return None;
    }
    let mut at = Bytes::new(header);
    at.skip(4)?;
    let present = u32::from_le_bytes(at.array()?);
    let mut more = present;
    while more & (1 << 31) != 0 {
        more = u32::from_le_bytes(at.array()?);
    }
    if present & 0b01 != 0 {
        // The time stamp is aligned to eight bytes from the start of the header.
        let read = header.len() - at.rest().len();
        at.skip(read.next_multiple_of(8) - read + 8)?;
    }
    let flags = if present & 0b10 != 0 { at.u8()? } else { 0 };
    Some((flags, frame))
}

/// An 802.11 frame (IEEE 802.11-2020, 9.2.4): data frames in the clear only.
fn wifi(bytes: &[u8], padded: bool) -> Read<'_> {
    let mut at = Bytes::new(bytes);
    let [control, flags] = at.array()?;
    let is_data = control & 0b1111 == 0b1000;
    let has_body = control & 0b0100_0000 == 0;
    let encrypted = flags & 0b0100_0000 != 0;
    if !is_data || !has_body || encrypted {
        return Some(Inside::Nothing);
    }
    at.skip(2)?;
    let (one, two, three) = (at.mac()?, at.mac()?, at.mac()?);
    at.skip(2)?;
    let (destination, source) = match flags & 0b11 {
        0b00 => (one, two),
        0b01 => (three, two),
        0b10 => (one, three),
        _ => (three, at.mac()?),
    };
    if control & 0b1000_0000 != 0 {
        let [quality, _] = at.array()?;
        let aggregated = quality & 0b1000_0000 != 0;
        if aggregated {
            return Some(Inside::Nothing);
        }
        if flags & 0b1000_0000 != 0 {
            at.skip(4)?;
        }
    }
    if padded {
        let read = bytes.len() - at.rest().len();
        at.skip(read.next_multiple_of(4) - read)?;
    }
    behind(Some(source), Some(destination), 0, at)
}

const fn short(protocol: &'static str) -> DecodeError {
    DecodeError::new(protocol, "it ends inside its header")
}

/// More tags than any network stacks.
const MAX_TAGS: usize = 8;
/// Smaller values are the length of an 802.3 frame (IEEE 802.3-2018, 3.2.6).
const FIRST_ETHER_TYPE: u16 = 0x0600;
const RADIOTAP_PADDED: u8 = 0x20;
const RADIOTAP_BAD_FCS: u8 = 0x40;
