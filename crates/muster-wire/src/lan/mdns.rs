//! Multicast DNS (RFC 6762): which host names the sender gives itself, and which it holds for others.
//!
//! A name is the sender's own when one of its addresses is the one the packet came from. A record
//! for another address may be a sleep proxy's: it gives a name, not presence.

use std::net::IpAddr;

use super::dns;
use crate::frame::DecodeError;

/// One mDNS message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mdns {
    /// An answer or announcement; else a question, whose records are tentative (probing).
    pub response: bool,
    /// Where the packet came from.
    pub sender: IpAddr,
    /// Host names with their addresses, in order of appearance.
    pub announced: Vec<Announced>,
}

/// One address record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The host name without `.local`.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// The name is the sender's own.
    pub own: bool,
    /// The record is being withdrawn (its time to live is zero).
    pub goodbye: bool,
}

impl Mdns {
    /// The name the message is about: the sender's own, else the first one told; one that is being
    /// withdrawn only if there is no other.
    pub fn name(&self) -> Option<&str> {
        let found = self.announced.iter().min_by_key(|it| (it.goodbye, !it.own));
        found.map(|it| it.name.as_str())
    }

    /// The sender's own name, unless it is being withdrawn.
    pub fn own_name(&self) -> Option<&str> {
        self.announced.iter().find(|it| it.own && !it.goodbye).map(|it| it.name.as_str())
    }

    /// The sender's address, then those announced for its own name.
    pub(super) fn ips(&self) -> Vec<IpAddr> {
        let own = self.announced.iter().filter(|it| it.own && !it.goodbye);
        std::iter::once(self.sender).chain(own.map(|it| it.address)).collect()
    }
}

pub(super) fn parse(bytes: &[u8], sender: IpAddr) -> Result<Mdns, DecodeError> {
    let message = dns::parse(bytes).map_err(|broken| {
        DecodeError::new(
            "mdns",
            match broken {
                dns::Broken::Short => "it ends inside a record",
                dns::Broken::Name => "a name does not end, is too long or points forwards",
                dns::Broken::Address => "an address has the wrong size",
            },
        )
    })?;
    let mut announced: Vec<Announced> = message
        .addresses
        .into_iter()
        .filter_map(|it| {
            let (address, goodbye) = (it.address, it.ttl == 0);
            Some(Announced { name: without_local(it.name?)?, address, own: false, goodbye })
        })
        .collect();
    let own: Vec<String> =
        announced.iter().filter(|it| it.address == sender).map(|it| it.name.clone()).collect();
    for it in &mut announced {
        it.own = own.iter().any(|name| name.eq_ignore_ascii_case(&it.name));
    }
    Ok(Mdns { response: message.response, sender, announced })
}

fn without_local(mut name: String) -> Option<String> {
    if let Some((host, end)) = name.rsplit_once('.')
        && end.eq_ignore_ascii_case("local")
    {
        name.truncate(host.len());
    }
    (!name.is_empty()).then_some(name)
}
