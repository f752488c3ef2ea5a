//! From a frame to what it proves: whose presence, and what else it tells about whom.
//!
//! Only the station that put a frame on the link is there for certain. What it says about another
//! (proxy ARP, sleep proxies, range extenders, relays) gives names, never presence.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use muster_core::fact::DetailKind;
use muster_core::identity::Mac;
use muster_wire::lan::{Arp, Dhcp, LanBody, LanFrame, Mdns, Nd, NdKind};

use super::book::{Book, Claim};
use super::links::Link;

/// What a frame proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The station is there.
    Here(Mac),
    /// The station has this address, and itself said so.
    At(Mac, IpAddr),
    /// Something about a station, present or not.
    Detail(Mac, DetailKind, String),
}

/// What the judge knows besides the frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    pub(super) link: &'a Link,
    /// Link-layer addresses of this machine, on all its links.
    pub(super) own: &'a BTreeSet<Mac>,
    pub(super) now: Duration,
}

/// Judges one frame; nothing is found in this machine's own ones.
pub(super) fn judge(frame: &LanFrame, book: &mut Book, scene: Scene<'_>) -> Vec<Finding> {
    let Some(speaker) = frame.source.filter(|it| it.is_station()) else { return Vec::new() };
    if scene.own.contains(&speaker) || !frame.vlan.is_empty() {
        return Vec::new();
    }
    let mut judge = Judge { speaker, book, scene, found: vec![Finding::Here(speaker)] };
    match &frame.body {
        LanBody::Arp(it) => judge.arp(it),
        LanBody::Dhcp(it) => judge.dhcp(it),
        LanBody::Dhcp6(it) if it.from_client => {
            judge.name(speaker, it.name.as_deref());
            judge.detail(speaker, DetailKind::VendorClass, it.vendor_class.as_deref());
        }
        LanBody::Dhcp6(_) => {}
        LanBody::Mdns(it) => judge.mdns(it),
        LanBody::Nd(it) => judge.nd(it),
    }
    let mut found = judge.found;
    found.retain(|it| !scene.own.contains(&it.about()));
    found
}

/// Judges what the neighbour table confirmed: `mac` answered for `ip`.
pub(super) fn judge_entry(mac: Mac, ip: IpAddr, book: &mut Book, scene: Scene<'_>) -> Vec<Finding> {
    if scene.own.contains(&mac) {
        return Vec::new();
    }
    let mut judge = Judge { speaker: mac, book, scene, found: vec![Finding::Here(mac)] };
    judge.claim(ip);
    judge.found
}

impl Finding {
    fn about(&self) -> Mac {
        match self {
            Self::Here(mac) | Self::At(mac, _) | Self::Detail(mac, ..) => *mac,
        }
    }
}

struct Judge<'a> {
    speaker: Mac,
    book: &'a mut Book,
    scene: Scene<'a>,
    found: Vec<Finding>,
}

impl Judge<'_> {
    fn arp(&mut self, arp: &Arp) {
        match (arp.sender_mac, arp.sender_ip) {
            (Some(mac), _) if mac != self.speaker => self.speaks_for(mac),
            // An unspecified address is a probe: its sender is there and has no address yet.
            (Some(_), Some(ip)) if !ip.is_unspecified() => self.claim(ip.into()),
            _ => {}
        }
    }

    fn dhcp(&mut self, dhcp: &Dhcp) {
        let Some(client) = dhcp.client.filter(|it| it.is_station()) else { return };
        if dhcp.from_client {
            self.name(client, dhcp.name());
            self.detail(client, DetailKind::VendorClass, dhcp.vendor_class.as_deref());
            let asked = dhcp.requested_ip.filter(|_| dhcp.message_type == Some(DHCP_REQUEST));
            if let Some(ip) = asked.filter(|_| client == self.speaker) {
                self.book.lease(client, ip.into(), self.scene.now);
            }
            if client == self.speaker && !dhcp.client_ip.is_unspecified() {
                self.claim(dhcp.client_ip.into());
            }
        } else if dhcp.message_type == Some(DHCP_ACK) && !dhcp.your_ip.is_unspecified() {
            self.book.lease(client, dhcp.your_ip.into(), self.scene.now);
            self.address(client, dhcp.your_ip.into());
        }
    }

    fn mdns(&mut self, mdns: &Mdns) {
        let owns_sender = self.scene.link.reaches(mdns.sender)
            && self.book.owner(mdns.sender).is_none_or(|it| it == self.speaker);
        if owns_sender {
            self.claim(mdns.sender);
        }
        if !mdns.response {
            return;
        }
        let mut named = BTreeSet::new();
        for record in mdns.announced.iter().filter(|it| !it.goodbye) {
            let own = (record.own && owns_sender).then_some(self.speaker);
            let Some(owner) = own.or_else(|| self.book.owner(record.address)) else { continue };
            if owner != self.speaker {
                self.speaks_for(owner);
            }
            if named.insert(owner) {
                self.name(owner, Some(&record.name));
            }
        }
    }

    fn nd(&mut self, nd: &Nd) {
        if let Some(mac) = nd.link_address.filter(|it| *it != self.speaker && it.is_station()) {
            self.speaks_for(mac);
            return;
        }
        let Some(ip) = nd.ip().map(IpAddr::from).filter(|it| !it.is_unspecified()) else { return };
        // A proxy leaves the override flag off (RFC 4861, 7.2.8): the address may be another's.
        let proxied = nd.kind == NdKind::NeighbourAdvertisement && !nd.overrides;
        match self.book.owner(ip) {
            Some(owner) if owner != self.speaker && proxied => self.speaks_for(owner),
            _ if proxied => {}
            _ => self.claim(ip),
        }
    }

    /// The speaker says that it has `ip`.
    fn claim(&mut self, ip: IpAddr) {
        let usable = !ip.is_unspecified() && !ip.is_multicast() && !ip.is_loopback();
        if !usable || !self.scene.link.reaches(ip) || self.scene.link.owns(ip) {
            return;
        }
        match self.book.claim(self.speaker, ip, self.scene.now) {
            Claim::Own => {
                self.found.push(Finding::At(self.speaker, ip));
                self.address(self.speaker, ip);
            }
            Claim::Contested | Claim::Unclear => {}
        }
        for owner in self.book.speaks_for(self.speaker, ip, self.scene.now) {
            self.speaks_for(owner);
        }
    }

    fn speaks_for(&mut self, other: Mac) {
        if other.is_station() {
            let other = format!("mac:{other}");
            self.detail(self.speaker, DetailKind::ProxyFor, Some(&other));
        }
    }

    fn address(&mut self, mac: Mac, ip: IpAddr) {
        let kind = if ip.is_ipv4() { DetailKind::Ipv4 } else { DetailKind::Ipv6 };
        self.detail(mac, kind, Some(&ip.to_string()));
    }

    fn name(&mut self, mac: Mac, name: Option<&str>) {
        self.detail(mac, DetailKind::Hostname, name);
    }

    fn detail(&mut self, mac: Mac, kind: DetailKind, value: Option<&str>) {
        let Some(value) = value.filter(|it| !it.is_empty()) else { return };
        if self.book.is_news_that(mac, kind, value, self.scene.now) {
            self.found.push(Finding::Detail(mac, kind, value.to_owned()));
        }
    }
}

/// RFC 2132, 9.6.
const DHCP_REQUEST: u8 = 3;
const DHCP_ACK: u8 = 5;

#[cfg(test)]
mod tests;
