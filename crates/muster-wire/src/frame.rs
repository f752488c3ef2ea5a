//! What all frames have in common: the link that they were captured on, and how they break.

/// A capture's link type (`LINKTYPE_` number of the tcpdump registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// Ethernet, 802.3 framing included.
    pub const ETHERNET: Self = Self(1);
    /// 802.11 without any header before it.
    pub const WIFI: Self = Self(105);
    /// Linux cooked.
    pub const COOKED: Self = Self(113);
    /// 802.11 behind a radiotap header.
    pub const RADIOTAP: Self = Self(127);
    /// A Bluetooth HCI packet behind its type (H4).
    pub const HCI: Self = Self(187);
    /// The same behind a direction: 4 bytes, big-endian, 0 sent to the controller, 1 received.
    pub const HCI_DIRECTED: Self = Self(201);
    /// A Bluetooth low energy link-layer packet, from the access address to the check sum.
    pub const BLE: Self = Self(251);
    /// Linux's Bluetooth monitor channel: adapter and opcode in 2 bytes each, big-endian.
    pub const BLUETOOTH_MONITOR: Self = Self(254);
    /// As [`Self::BLE`], behind a header with channel and signal.
    pub const BLE_RADIO: Self = Self(256);
    /// Linux cooked, version 2.
    pub const COOKED_2: Self = Self(276);
}

/// A frame of a known protocol that breaks its format. Drop the frame; the next may be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {protocol} frame: {what}")]
pub struct DecodeError {
    /// Which protocol's format.
    pub protocol: &'static str,
    /// How it is broken.
    pub what: &'static str,
}

impl DecodeError {
    pub(crate) const fn new(protocol: &'static str, what: &'static str) -> Self {
        Self { protocol, what }
    }
}
