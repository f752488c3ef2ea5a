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
