//! One frame of a local network, as far as it tells who is there: ARP, DHCP for IPv4 and IPv6, mDNS,
//! neighbour discovery.
//!
//! The parsers say what the frame claims and who sent it; whether that is evidence of presence is
//! for the source to judge. What helps to judge it is kept: the link's source address beside the
//! claimed one, probes told from announcements, names told from the names of others.
//!
//! **Invariant:** [`decode`] returns for any bytes, in time linear in their number. Frames of
//! protocols that tell nothing are `Ok(None)`; a frame of a known protocol that breaks its format is
//! an error, and nothing of it is used.

mod link;

mod arp;

mod ip;

mod dhcp;

mod dhcp6;

mod dns;

mod mdns;

mod nd;

pub mod build;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use muster_core::identity::Mac;

use crate::frame::{DecodeError, LinkType};

pub use arp::Arp;
pub use dhcp::Dhcp;
pub use dhcp6::Dhcp6;
pub use mdns::{Announced, Mdns};
pub use nd::{Nd, NdKind};

/// Reads one frame as captured on a link of type `link`.
pub fn decode(link: LinkType, bytes: &[u8]) -> Result<Option<LanFrame>, DecodeError> {
    let Some(carried) = link::unwrap(link, bytes)? else { return Ok(None) };
    let body = match carried.ether_type {
        link::ARP => arp::parse(carried.payload)?.map(LanBody::Arp),
        link::IPV4 | link::IPV6 => ip::parse(&carried)?,
        _ => None,
    };
    Ok(body.map(|body| LanFrame {
        source: carried.source,
        destination: carried.destination,
        vlan: carried.vlan,
        body,
    }))
}

/// A frame that tells something about who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanFrame {
    /// Whose radio or port put the frame on the link; absent where the capture does not say.
    pub source: Option<Mac>,
    /// To whom.
    pub destination: Option<Mac>,
    /// VLAN numbers of its tags, outermost first.
    pub vlan: Vec<u16>,
    /// What it says.
    pub body: LanBody,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LanBody {
    /// Address resolution for IPv4.
    Arp(Arp),
    /// Dynamic host configuration for IPv4.
    Dhcp(Dhcp),
    /// Dynamic host configuration for IPv6.
    Dhcp6(Dhcp6),
    /// Multicast DNS.
    Mdns(Mdns),
    /// IPv6 neighbour discovery.
    Nd(Nd),
}

impl LanFrame {
    /// The word for its kind: `arp`, `dhcp`, `dhcp6`, `mdns` or `nd`.
    pub const fn kind(&self) -> &'static str {
        match &self.body {
            LanBody::Arp(_) => "arp",
            LanBody::Dhcp(_) => "dhcp",
            LanBody::Dhcp6(_) => "dhcp6",
            LanBody::Mdns(_) => "mdns",
            LanBody::Nd(_) => "nd",
        }
    }

    /// Who speaks or is spoken for: the ARP sender, the DHCP client (in a server's answer too), the
    /// owner of the advertised link-layer address, else the sender of the frame.
    pub fn mac(&self) -> Option<Mac> {
        let claimed = match &self.body {
            LanBody::Arp(it) => return it.sender_mac,
            LanBody::Dhcp(it) => return it.client,
            LanBody::Dhcp6(it) if it.from_client => self.source.or(it.client),
            LanBody::Dhcp6(it) => it.client.or(self.destination),
            LanBody::Mdns(_) => None,
            LanBody::Nd(it) => it.link_address,
        };
        claimed.or(self.source).filter(|it| it.is_station())
    }

    /// The station for which another one speaks: set when the address claimed inside differs from
    /// the one that put the frame on the link (proxy ARP, range extenders, sleep proxies, relays).
    ///
    /// It is no sign that the station itself is there. In a DHCP server's answer it is the client.
    pub fn spoken_for(&self) -> Option<Mac> {
        let claimed = self.mac()?;
        self.source.filter(|it| *it != claimed).map(|_| claimed)
    }

    /// The station that the frame proves to be there: it put the frame on the link.
    ///
    /// A station that somebody speaks for ([`Self::spoken_for`]) is not proven by it.
    pub fn heard(&self) -> Option<Mac> {
        self.source.filter(|it| it.is_station())
    }

    /// The name that [`Self::heard`] gives itself; names told by or for others are left out.
    pub fn own_name(&self) -> Option<&str> {
        let is_own = match &self.body {
            LanBody::Dhcp(it) => it.from_client && self.spoken_for().is_none(),
            LanBody::Dhcp6(it) => it.from_client,
            LanBody::Mdns(it) => return it.own_name(),
            LanBody::Arp(_) | LanBody::Nd(_) => false,
        };
        self.name().filter(|_| is_own)
    }

    /// The word for what it does: `request`, `reply`, `discover`, `ns` ...; a number where the
    /// protocol has no word for it.
    pub fn op(&self) -> String {
        match &self.body {
            LanBody::Arp(it) => arp::op_word(it.op),
            LanBody::Dhcp(it) => it.op_word(),
            LanBody::Dhcp6(it) => dhcp6::op_word(it.message_type),
            LanBody::Mdns(it) => if it.response { "response" } else { "query" }.to_owned(),
            LanBody::Nd(it) => it.kind.word().to_owned(),
        }
    }

    /// Addresses of [`Self::mac`] that the frame tells, each once; a tentative one is not among them.
    pub fn ips(&self) -> Vec<IpAddr> {
        let mut ips = match &self.body {
            LanBody::Arp(it) => it.sender_ip.map(IpAddr::V4).into_iter().collect(),
            LanBody::Dhcp(it) => it.ips().map(IpAddr::V4).collect(),
            LanBody::Dhcp6(it) => it.ips(),
            LanBody::Mdns(it) => it.ips(),
            LanBody::Nd(it) => it.ip().map(IpAddr::V6).into_iter().collect::<Vec<_>>(),
        };
        ips.retain(|it| !it.is_unspecified());
        let mut seen = Vec::with_capacity(ips.len());
        for ip in ips {
            if !seen.contains(&ip) {
                seen.push(ip);
            }
        }
        seen
    }

    /// The host name it tells: bounded, without control characters, without `.local`. Of several
    /// mDNS names the sender's own comes first.
    pub fn name(&self) -> Option<&str> {
        match &self.body {
            LanBody::Dhcp(it) => it.name(),
            LanBody::Dhcp6(it) => it.name.as_deref(),
            LanBody::Mdns(it) => it.name(),
            LanBody::Arp(_) | LanBody::Nd(_) => None,
        }
    }

    /// The vendor class it tells, bounded, without control characters.
    pub fn vendor_class(&self) -> Option<&str> {
        match &self.body {
            LanBody::Dhcp(it) => it.vendor_class.as_deref(),
            LanBody::Dhcp6(it) => it.vendor_class.as_deref(),
            LanBody::Arp(_) | LanBody::Mdns(_) | LanBody::Nd(_) => None,
        }
    }
}
