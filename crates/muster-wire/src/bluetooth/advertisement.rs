//! One broadcast as it was heard, whichever way it came: in a report of the controller, as an answer
//! to an inquiry, from the management socket or from the air.

use super::ad::{AdStructures, Field};
use super::address::Address;

/// A broadcast as received, before anybody knows whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertisement<'a> {
    /// Who says to have sent it; none when it is anonymous.
    pub address: Option<Address>,
    /// How strongly it was heard, dBm.
    pub rssi: Option<i8>,
    /// How strongly it was sent, dBm, where that is told outside its data.
    pub tx_power: Option<i8>,
    /// The channel that it was heard on: 37 to 39 are those of legacy advertising.
    pub channel: Option<u8>,
    /// What kind of broadcast.
    pub kind: Kind,
    /// What a classic device is (Assigned Numbers, 2.8), where that is told outside its data.
    pub class: Option<u32>,
    /// Whom it is meant for.
    pub target: Option<Address>,
    /// Its advertising data.
    pub data: &'a [u8],
}

impl<'a> Advertisement<'a> {
    /// A broadcast of which nothing is known yet but its data.
    #[must_use]
    pub const fn bare(data: &'a [u8]) -> Self {
        Self {
            address: None,
            rssi: None,
            tx_power: None,
            channel: None,
            kind: Kind::Unknown,
            class: None,
            target: None,
            data,
        }
    }

    /// The structures of its data.
    pub fn structures(&self) -> AdStructures<'a> {
        AdStructures::new(self.data)
    }

    /// The structures of its data, each read as its type says.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        self.structures().fields()
    }

    /// The name that it carries, whole ones before shortened ones.
    #[must_use]
    pub fn name(&self) -> Option<&'a [u8]> {
        let is_something = |(text, _): &(&[u8], bool)| !text.is_empty();
        let names = || self.fields().filter_map(Field::name).filter(is_something);
        names().find(|(_, is_whole)| *is_whole).or_else(|| names().next()).map(|(text, _)| text)
    }

    /// How strongly it was sent, dBm, as its data or its report says.
    #[must_use]
    pub fn sent_with(&self) -> Option<i8> {
        self.fields().find_map(Field::tx_power).or(self.tx_power)
    }
}

/// What kind of broadcast it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing tells.
    Unknown,
    /// Of low energy.
    LowEnergy(Event),
    /// The answer of a classic device to an inquiry.
    Inquiry,
}

impl Kind {
    /// The properties of a low energy advertisement.
    #[must_use]
    pub const fn event(self) -> Option<Event> {
        match self {
            Self::LowEnergy(it) => Some(it),
            Self::Unknown | Self::Inquiry => None,
        }
    }
}

/// The properties of an advertising event, as the controller's extended report gives them (Core
/// Specification, Vol 4, Part E, 7.7.65.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event(pub u16);

impl Event {
    /// Anybody may connect.
    pub const CONNECTABLE: Self = Self(0x13);
    /// One device may connect.
    pub const DIRECTED: Self = Self(0x15);
    /// Has more to say when asked.
    pub const SCANNABLE: Self = Self(0x12);
    /// Only tells.
    pub const BROADCAST: Self = Self(0x10);
    /// The answer to a scanner.
    pub const SCAN_RESPONSE: Self = Self(0x1a);

    /// Whether one can connect; none in the answer to a scanner, which does not tell.
    #[must_use]
    pub const fn is_connectable(self) -> Option<bool> {
        if self.is_scan_response() { None } else { Some(self.0 & 0b1 != 0) }
    }

    /// Whether it has more to say when asked.
    #[must_use]
    pub const fn is_scannable(self) -> bool {
        self.0 & 0b10 != 0
    }

    /// Whether it is meant for one device.
    #[must_use]
    pub const fn is_directed(self) -> bool {
        self.0 & 0b100 != 0
    }

    /// Whether it is the answer to a scanner.
    #[must_use]
    pub const fn is_scan_response(self) -> bool {
        self.0 & 0b1000 != 0
    }

    /// Whether it was sent in the way of Bluetooth 4.
    #[must_use]
    pub const fn is_legacy(self) -> bool {
        self.0 & 0b1_0000 != 0
    }

    /// Whether more of its data follows in another report, or was lost.
    #[must_use]
    pub const fn is_partial(self) -> bool {
        self.0 & 0b110_0000 != 0
    }

    /// `adv_ind`, `adv_direct_ind`, `adv_scan_ind`, `adv_nonconn_ind`, `scan_rsp` or, where it was
    /// not sent in the way of Bluetooth 4, `adv_ext_ind`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        if self.is_scan_response() {
            "scan_rsp"
        } else if !self.is_legacy() {
            "adv_ext_ind"
        } else if self.is_directed() {
            "adv_direct_ind"
        } else if self.0 & 0b1 != 0 {
            "adv_ind"
        } else if self.is_scannable() {
            "adv_scan_ind"
        } else {
            "adv_nonconn_ind"
        }
    }
}
