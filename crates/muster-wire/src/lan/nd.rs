//! IPv6 neighbour discovery (RFC 4861): solicitations and advertisements.

use std::net::Ipv6Addr;

use muster_core::identity::Mac;

use crate::bytes::Bytes;
use crate::frame::DecodeError;

/// One neighbour discovery message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nd {
    /// Which.
    pub kind: NdKind,
    /// Sender of the packet; unspecified while it has no address yet.
    pub source: Ipv6Addr,
    /// Who is asked for or advertised; absent in router messages.
    pub target: Option<Ipv6Addr>,
    /// Source link-layer address of a question, target link-layer address of an advertisement.
    pub link_address: Option<Mac>,
    /// The advertiser is a router.
    pub router: bool,
    /// It answers a solicitation.
    pub solicited: bool,
    /// It replaces what neighbours know; proxies leave it off (RFC 4861, 7.2.8).
    pub overrides: bool,
}

/// The messages that tell who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdKind {
    /// A host looks for routers.
    RouterSolicitation,
    /// A router tells of itself.
    RouterAdvertisement,
    /// Somebody asks for a neighbour.
    NeighbourSolicitation,
    /// A neighbour tells its address.
    NeighbourAdvertisement,
}

impl NdKind {
    /// `rs`, `ra`, `ns` or `na`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RouterSolicitation => "rs",
            Self::RouterAdvertisement => "ra",
            Self::NeighbourSolicitation => "ns",
            Self::NeighbourAdvertisement => "na",
        }
    }
}

impl Nd {
    /// Whether it asks if anybody has `target`, before its sender takes it (RFC 4862, 5.4).
    pub fn is_duplicate_address_probe(&self) -> bool {
        self.kind == NdKind::NeighbourSolicitation && self.source.is_unspecified()
    }

    /// The address that the message says belongs to the link-layer address.
    pub fn ip(&self) -> Option<Ipv6Addr> {
        match self.kind {
            NdKind::NeighbourAdvertisement => self.target,
            NdKind::RouterSolicitation
            | NdKind::RouterAdvertisement
            | NdKind::NeighbourSolicitation => Some(self.source),
        }
    }
}

pub(super) const fn kind(icmp_type: u8) -> Option<NdKind> {
    match icmp_type {
        133 => Some(NdKind::RouterSolicitation),
        134 => Some(NdKind::RouterAdvertisement),
        135 => Some(NdKind::NeighbourSolicitation),
        136 => Some(NdKind::NeighbourAdvertisement),
        _ => None,
    }
}

pub(super) fn parse(kind: NdKind, bytes: &[u8], source: Ipv6Addr) -> Result<Nd, DecodeError> {
    read(kind, bytes, source).ok_or(DecodeError::new("nd", "it ends inside a field or an option"))
}

fn read(kind: NdKind, bytes: &[u8], source: Ipv6Addr) -> Option<Nd> {
    let mut at = Bytes::new(bytes);
    at.skip(4)?;
    let flags = at.u32()?;
    let target = match kind {
        NdKind::RouterSolicitation => None,
        NdKind::RouterAdvertisement => {
            at.skip(8)?;
            None
        }
        NdKind::NeighbourSolicitation | NdKind::NeighbourAdvertisement => {
            Some(Ipv6Addr::from(at.array::<16>()?))
        }
    };
    let is_na = kind == NdKind::NeighbourAdvertisement;
    let flag = |bit: u32| is_na && flags & (1 << bit) != 0;
    let mut message = Nd {
        kind,
        source,
        target,
        link_address: None,
        router: flag(31) || kind == NdKind::RouterAdvertisement,
        solicited: flag(30),
        overrides: flag(29),
    };
    let wanted = if is_na { TARGET_LINK_ADDRESS } else { SOURCE_LINK_ADDRESS };
    while !at.is_empty() {
        let [kind, eights] = at.array()?;
        let mut value = Bytes::new(at.take((usize::from(eights) * 8).checked_sub(2)?)?);
        if kind == wanted && eights == 1 {
            message.link_address = message.link_address.or(value.mac());
        }
    }
    Some(message)
}

const SOURCE_LINK_ADDRESS: u8 = 1;
const TARGET_LINK_ADDRESS: u8 = 2;
