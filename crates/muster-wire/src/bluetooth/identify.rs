//! Which identities an advertisement gives: who may be known by it again.
//!
//! Rotating addresses, contact numbers and ephemeral identifiers give none: the device gives them up
//! while it is there. Whether a private address is somebody's is for whoever has keys.

use std::fmt::Write as _;

use muster_core::identity::{Identity, Mac, TextKind};
use muster_core::legible::is_legible;

use super::address::AddressKind;
use super::advertisement::Advertisement;
use super::beacon::{Beacon, Eddystone};
use super::tag::{Candidate, TagRules};
use super::text::hex;
use super::uuid::write_full;

/// An identity, not yet written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id<'a> {
    /// An address that stays with its device.
    Address(AddressKind, Mac),
    /// An iBeacon: whose, group and number.
    Ibeacon([u8; 16], u16, u16),
    /// An `AltBeacon`: whose, group and number.
    Altbeacon([u8; 16], u16, u16),
    /// An Eddystone beacon: whose, and which.
    Eddystone([u8; 10], [u8; 6]),
    /// A text that the rules take.
    Tag(Candidate<'a>),
    /// The name, whole. Many devices may have the same.
    Name(&'a str),
}

/// Calls `each` with every identity that an advertisement gives: the address first.
pub fn identify<'a>(
    advertisement: &Advertisement<'a>,
    rules: &TagRules,
    each: &mut dyn FnMut(Id<'a>),
) {
    if let Some(address) = advertisement.address.filter(|it| !it.kind.rotates()) {
        each(Id::Address(address.kind, address.mac));
    }
    for field in advertisement.fields() {
        let whole_name = field.name().filter(|(_, is_whole)| *is_whole);
        if let Some(name) = whole_name.and_then(|(text, _)| readable(text)) {
            each(Id::Name(name));
        }
        if let Some(id) = Beacon::of(field).and_then(of_beacon) {
            each(id);
            continue;
        }
        for candidate in Candidate::of(field).filter(|it| rules.takes(it)) {
            each(Id::Tag(candidate));
        }
    }
}

pub(super) fn of_beacon(beacon: Beacon<'_>) -> Option<Id<'_>> {
    match beacon {
        Beacon::Ibeacon { uuid, major, minor, .. } => Some(Id::Ibeacon(uuid, major, minor)),
        Beacon::Altbeacon { organisation, number: [a, b, c, d], .. } => {
            let (major, minor) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            Some(Id::Altbeacon(organisation, major, minor))
        }
        Beacon::Eddystone(Eddystone::Uid { namespace, instance, .. }) => {
            Some(Id::Eddystone(namespace, instance))
        }
        Beacon::Eddystone(_)
        | Beacon::Exposure { .. }
        | Beacon::Apple(_)
        | Beacon::Microsoft(_)
        | Beacon::Bthome(_) => None,
    }
}

fn readable(text: &[u8]) -> Option<&str> {
    let padding = text.iter().rev().take_while(|it| **it == 0).count();
    let text = std::str::from_utf8(text.get(..text.len() - padding)?).ok()?;
    (text.len() <= Identity::MAX_TEXT && is_legible(text)).then_some(text)
}

impl Id<'_> {
    /// The identity in the form that facts have.
    #[must_use]
    pub fn to_identity(self) -> Option<Identity> {
        let text = |kind, it: &str| Some(Identity::Text(kind, it.into()));
        match self {
            Self::Address(AddressKind::Classic, mac) => Some(Identity::Bt(mac)),
            Self::Address(_, mac) => Some(Identity::Ble(mac)),
            Self::Ibeacon(uuid, major, minor) => {
                text(TextKind::Ibeacon, &numbered(&uuid, major, minor)?)
            }
            Self::Altbeacon(uuid, major, minor) => {
                text(TextKind::Altbeacon, &numbered(&uuid, major, minor)?)
            }
            Self::Eddystone(namespace, instance) => {
                let it = format!("{}-{}", hex(&namespace), hex(&instance));
                text(TextKind::Eddystone, &it)
            }
            Self::Tag(it) => text(TextKind::Tag, it.text()?),
            Self::Name(it) => text(TextKind::Name, it),
        }
    }
}

fn numbered(uuid: &[u8; 16], major: u16, minor: u16) -> Option<String> {
    let mut it = String::with_capacity(48);
    write_full(&mut it, uuid).ok()?;
    write!(it, "-{major}-{minor}").ok()?;
    Some(it)
}
