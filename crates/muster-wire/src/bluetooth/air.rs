//! Link-layer packets of low energy as a sniffer takes them from the air (Core Specification, Vol 6,
//! Part B, 2): those of advertising. Connections are nobody's business here.

use super::address::Address;
use super::advertisement::{Advertisement, Event, Kind};
use crate::bytes::Bytes;
use crate::frame::DecodeError;

/// A packet on an advertising channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Air<'a> {
    /// A broadcast, or the answer to a scanner.
    Advertisement(Advertisement<'a>),
    /// A device asks another: for the rest of what it says, or for a connection.
    Request {
        /// `scan_req`, `connect_ind` or `connect_rsp`.
        word: &'static str,
        /// Who asks, or in `connect_rsp` answers.
        from: Option<Address>,
        /// Whom.
        to: Option<Address>,
        /// How strongly it was heard, dBm.
        rssi: Option<i8>,
        /// Where.
        channel: Option<u8>,
    },
}

/// A packet, and what the receiver knows of its check sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<'a> {
    /// What it says.
    pub air: Air<'a>,
    /// Whether its check sum is right.
    pub is_whole: bool,
}

/// Reads a packet behind the header with channel and signal (`LINKTYPE_BLUETOOTH_LE_LL_WITH_PHDR`).
pub fn with_radio(bytes: &[u8]) -> Result<Option<Heard<'_>>, DecodeError> {
    let mut at = Bytes::new(bytes);
    let head = (|| {
        let (channel, signal) = (at.u8()?, at.i8()?);
        at.skip(6)?;
        Some((channel, signal, at.u16_le()?))
    })();
    let (channel, signal, flags) =
        head.ok_or(DecodeError::new("ble link layer", "it ends inside its radio header"))?;
    if flags & DEWHITENED == 0 {
        return Ok(None);
    }
    let rssi = Some(signal).filter(|_| flags & SIGNAL_VALID != 0);
    let checked = (flags & CRC_CHECKED != 0).then_some(flags & CRC_VALID != 0);
    packet(at.rest(), Radio { rssi, channel: advertising_index(channel) }, checked)
}

/// Reads a packet from its access address to its check sum.
pub fn without_radio(bytes: &[u8]) -> Result<Option<Heard<'_>>, DecodeError> {
    packet(bytes, Radio { rssi: None, channel: None }, None)
}

#[derive(Clone, Copy, Debug)]
struct Radio {
    rssi: Option<i8>,
    channel: Option<u8>,
}

fn packet(
    bytes: &[u8],
    radio: Radio,
    checked: Option<bool>,
) -> Result<Option<Heard<'_>>, DecodeError> {
    let cut = DecodeError::new("ble link layer", "it ends before its parts do");
    let mut at = Bytes::new(bytes);
    if at.u32_le().ok_or(cut)? != ADVERTISING_ACCESS {
        return Ok(None);
    }
    let pdu = at.rest();
    let (Some(head), Some(length)) = (at.u8(), at.u8()) else { return Err(cut) };
    let payload = at.take(length.into()).ok_or(cut)?;
    let sum = at.array::<3>().ok_or(cut)?;
    let covered = pdu.get(..pdu.len() - at.rest().len() - sum.len()).unwrap_or_default();
    let is_whole = checked.unwrap_or_else(|| check_sum(covered) == sum);
    let air = body(head, Bytes::new(payload), radio)?;
    Ok(air.map(|air| Heard { air, is_whole }))
}

/// None for packets that are not told about.
fn body(head: u8, mut at: Bytes<'_>, radio: Radio) -> Result<Option<Air<'_>>, DecodeError> {
    let short = DecodeError::new("ble link layer", "its payload is too short");
    let (from_random, to_random) = (head & 0x40 != 0, head & 0x80 != 0);
    let mut address = |is_random| {
        let mac = at.mac_le().ok_or(short)?;
        Ok(Some(Address::low_energy(mac, is_random)))
    };
    // On the channels of extended advertising the requests have the same forms.
    let (event, target) = match head & 0x0f {
        ADV_IND => (Event::CONNECTABLE, false),
        ADV_DIRECT_IND => (Event::DIRECTED, true),
        ADV_NONCONN_IND => (Event::BROADCAST, false),
        ADV_SCAN_IND => (Event::SCANNABLE, false),
        SCAN_RSP => (Event::SCAN_RESPONSE, false),
        SCAN_REQ | CONNECT_IND => {
            let word = if head & 0x0f == SCAN_REQ { "scan_req" } else { "connect_ind" };
            let (from, to) = (address(from_random)?, address(to_random)?);
            let Radio { rssi, channel } = radio;
            return Ok(Some(Air::Request { word, from, to, rssi, channel }));
        }
        ADV_EXT_IND | CONNECT_RSP => return extended(head, at, radio).ok_or(short).map(Some),
        _ => return Ok(None),
    };
    let from = address(from_random)?;
    let target = if target { address(to_random)? } else { None };
    let advertisement = Advertisement {
        address: from,
        rssi: radio.rssi,
        channel: radio.channel,
        kind: Kind::LowEnergy(event),
        target,
        ..Advertisement::bare(at.rest())
    };
    Ok(Some(Air::Advertisement(advertisement)))
}

/// The common extended advertising payload (Vol 6, Part B, 2.3.4): what its header has depends on
/// the flags in it.
fn extended(head: u8, mut at: Bytes<'_>, radio: Radio) -> Option<Air<'_>> {
    let first = at.u8()?;
    let (length, mode) = (first & 0x3f, first >> 6);
    let mut header = Bytes::new(at.take(length.into())?);
    let flags = if length == 0 { 0 } else { header.u8()? };
    let (mut from, mut target) = (None, None);
    if flags & 0x01 != 0 {
        from = Some(Address::low_energy(header.mac_le()?, head & 0x40 != 0));
    }
    if flags & 0x02 != 0 {
        target = Some(Address::low_energy(header.mac_le()?, head & 0x80 != 0));
    }
    for (bit, count) in [(0x04, 1), (0x08, 2), (0x10, 3), (0x20, 18)] {
        if flags & bit != 0 {
            header.skip(count)?;
        }
    }
    let tx_power = if flags & 0x40 == 0 { None } else { Some(header.i8()?) };
    let Radio { rssi, channel } = radio;
    if head & 0x0f == CONNECT_RSP {
        return Some(Air::Request { word: "connect_rsp", from, to: target, rssi, channel });
    }
    // The mode's bits are the report's: connectable, scannable.
    let directed = if target.is_some() { 0b100 } else { 0 };
    let kind = Kind::LowEnergy(Event(u16::from(mode & 0b11) | directed));
    let advertisement = Advertisement {
        address: from,
        rssi,
        tx_power,
        channel,
        kind,
        target,
        ..Advertisement::bare(at.rest())
    };
    Some(Air::Advertisement(advertisement))
}

/// The channel's index (Vol 6, Part B, 1.4.1) from its place in the band: 2402 MHz is place 0.
const fn advertising_index(place: u8) -> Option<u8> {
    match place {
        0 => Some(37),
        1..=11 => Some(place - 1),
        12 => Some(38),
        13..=38 => Some(place - 2),
        39 => Some(39),
        _ => None,
    }
}

/// The check sum of an advertising packet as it stands behind it (Vol 6, Part B, 3.1.1): 24 bits
/// that begin as 0x555555, taken in bit by bit, least significant first.
pub(super) fn check_sum(pdu: &[u8]) -> [u8; 3] {
    let mut sum: u32 = 0x00aa_aaaa;
    for octet in pdu {
        sum ^= u32::from(*octet);
        for _ in 0..8 {
            let out = sum & 1;
            sum >>= 1;
            if out != 0 {
                sum ^= 0x00da_6000;
            }
        }
    }
    let [a, b, c, _] = sum.to_le_bytes();
    [a, b, c]
}

/// Of every packet on an advertising channel.
const ADVERTISING_ACCESS: u32 = 0x8e89_bed6;
const DEWHITENED: u16 = 0x0001;
const SIGNAL_VALID: u16 = 0x0002;
const CRC_CHECKED: u16 = 0x0400;
const CRC_VALID: u16 = 0x0800;
const ADV_IND: u8 = 0;
const ADV_DIRECT_IND: u8 = 1;
const ADV_NONCONN_IND: u8 = 2;
const SCAN_REQ: u8 = 3;
const SCAN_RSP: u8 = 4;
const CONNECT_IND: u8 = 5;
const ADV_SCAN_IND: u8 = 6;
const ADV_EXT_IND: u8 = 7;
const CONNECT_RSP: u8 = 8;
