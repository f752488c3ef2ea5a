//! The data of one structure, read as its type says.

use super::super::address::Address;
use super::super::uuid::Uuid;
use super::{Ad, AdKind};
use crate::bytes::Bytes;

/// What a structure says. Types whose data is only handed on are [`Field::Other`], and so is data
/// that is too short or too long for its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// Discoverability and what else the device speaks (Supplement, A.1.3).
    Flags(u8),
    /// Services that it offers.
    Services(Uuids<'a>),
    /// Services that it asks for.
    Solicited(Uuids<'a>),
    /// What it calls itself.
    Name {
        /// UTF-8, if the device keeps to the rules.
        text: &'a [u8],
        /// Whether it is all of it.
        is_whole: bool,
    },
    /// How strongly it sends, dBm.
    TxPower(i8),
    /// What it is, in classic Bluetooth (Assigned Numbers, 2.8).
    Class(u32),
    /// The intervals that it would like when connected, in 1.25 ms.
    ConnectionInterval {
        /// The shortest.
        least: u16,
        /// The longest.
        most: u16,
    },
    /// Data of a service.
    ServiceData(Uuid, &'a [u8]),
    /// Whom it is meant for.
    Target {
        /// Addresses, least significant octet first, one behind the other.
        addresses: &'a [[u8; 6]],
        /// Their type.
        is_random: bool,
    },
    /// What it looks like (Assigned Numbers, 2.6).
    Appearance(u16),
    /// How often it advertises, in 0.625 ms.
    AdvertisingInterval(u32),
    /// Its own address, told by another channel than the radio's.
    LeAddress(Address),
    /// Which roles it takes (Supplement, A.1.17).
    LeRole(u8),
    /// A link, its scheme shortened to one code point.
    Uri(&'a [u8]),
    /// Data whose meaning its maker decides, by company identifier.
    Manufacturer(u16, &'a [u8]),
    /// Everything else.
    Other(AdKind, &'a [u8]),
}

/// Identifiers of services, all of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uuids<'a> {
    octets: &'a [u8],
    width: usize,
    /// Whether the device offers no others.
    pub is_whole: bool,
}

impl<'a> Ad<'a> {
    /// The data as its type says.
    #[must_use]
    pub fn field(self) -> Field<'a> {
        self.known().unwrap_or(Field::Other(self.kind, self.data))
    }

    fn known(self) -> Option<Field<'a>> {
        let data = self.data;
        let mut at = Bytes::new(data);
        Some(match self.kind.0 {
            0x01 => Field::Flags(*data.first()?),
            0x02 | 0x03 => Field::Services(self.uuids(2, 0x03)?),
            0x04 | 0x05 => Field::Services(self.uuids(4, 0x05)?),
            0x06 | 0x07 => Field::Services(self.uuids(16, 0x07)?),
            0x08 | 0x09 => Field::Name { text: data, is_whole: self.kind.0 == 0x09 },
            0x0a => Field::TxPower(alone(at.i8(), at)?),
            0x0d => Field::Class(alone(at.u24_le(), at)?),
            0x12 => {
                let (least, most) = (at.u16_le()?, at.u16_le()?);
                alone(Some(Field::ConnectionInterval { least, most }), at)?
            }
            0x14 => Field::Solicited(self.uuids(2, 0x14)?),
            0x15 => Field::Solicited(self.uuids(16, 0x15)?),
            0x1f => Field::Solicited(self.uuids(4, 0x1f)?),
            0x16 => Field::ServiceData(Uuid::of_air(at.take(2)?)?, at.rest()),
            0x20 => Field::ServiceData(Uuid::of_air(at.take(4)?)?, at.rest()),
            0x21 => Field::ServiceData(Uuid::of_air(at.take(16)?)?, at.rest()),
            0x17 | 0x18 => {
                let (addresses, rest) = data.as_chunks();
                let is_random = self.kind.0 == 0x18;
                Field::Target { addresses: rest.is_empty().then_some(addresses)?, is_random }
            }
            0x19 => Field::Appearance(alone(at.u16_le(), at)?),
            0x1a | 0x2f => Field::AdvertisingInterval(interval(data)?),
            0x1b => {
                let (mac, kind) = (at.mac_le()?, at.u8()?);
                Field::LeAddress(alone(Some(Address::low_energy(mac, kind & 1 != 0)), at)?)
            }
            0x1c => Field::LeRole(alone(at.u8(), at)?),
            0x24 => Field::Uri(data),
            0xff => Field::Manufacturer(at.u16_le()?, at.rest()),
            _ => return None,
        })
    }

    fn uuids(self, width: usize, whole: u8) -> Option<Uuids<'a>> {
        // What is left behind the last whole identifier is passed over: it can name nothing.
        let octets = self.data.get(..self.data.len() / width * width)?;
        Some(Uuids { octets, width, is_whole: self.kind.0 == whole })
    }
}

impl<'a> Field<'a> {
    /// What the device calls itself, and whether that is all of it.
    #[must_use]
    pub const fn name(self) -> Option<(&'a [u8], bool)> {
        if let Self::Name { text, is_whole } = self { Some((text, is_whole)) } else { None }
    }

    /// How strongly it says to send, dBm.
    #[must_use]
    pub const fn tx_power(self) -> Option<i8> {
        if let Self::TxPower(dbm) = self { Some(dbm) } else { None }
    }
}

impl<'a> Uuids<'a> {
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Uuid> + 'a {
        self.octets.chunks_exact(self.width).filter_map(Uuid::of_air)
    }
}

/// The value, if nothing stands behind it.
fn alone<T>(value: Option<T>, at: Bytes<'_>) -> Option<T> {
    value.filter(|_| at.is_empty())
}

/// Two octets, or in the long form three or four (Supplement, A.1.15).
fn interval(data: &[u8]) -> Option<u32> {
    let mut octets = [0; 4];
    let known = octets.get_mut(..data.len()).filter(|_| data.len() >= 2)?;
    known.copy_from_slice(data);
    Some(u32::from_le_bytes(octets))
}
