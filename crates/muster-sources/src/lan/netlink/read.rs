//! From the kernel's messages to what they tell: links, addresses, gateways, neighbours.
//!
//! Total: a message that is not understood tells nothing.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel's vocabulary grows; words not known here are left alone"
)]

use std::net::IpAddr;
use std::time::Duration;

use muster_core::identity::Mac;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::link::{
    InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage,
};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Entry, LinkEntry, State, Told};

/// What a message tells: a route with several hops tells of several gateways.
pub(super) fn translate(message: &RouteNetlinkMessage) -> Vec<Told> {
    let one = match message {
        // A bridge tells of its ports in messages of its own; the link itself stays as it is.
        RouteNetlinkMessage::NewLink(it) | RouteNetlinkMessage::DelLink(it)
            if it.header.interface_family == AddressFamily::Bridge =>
        {
            None
        }
        RouteNetlinkMessage::NewRoute(it) => {
            return gateways(it).into_iter().map(|(link, ip)| Told::Gateway(link, ip)).collect();
        }
        RouteNetlinkMessage::DelRoute(it) => {
            return gateways(it)
                .into_iter()
                .map(|(link, ip)| Told::GatewayGone(link, ip))
                .collect();
        }
        RouteNetlinkMessage::NewLink(it) => link(it).map(Told::Link),
        RouteNetlinkMessage::DelLink(it) => Some(Told::LinkGone(it.header.index)),
        RouteNetlinkMessage::NewAddress(it) => {
            address(it).map(|(ip, prefix)| Told::Address(it.header.index, ip, prefix))
        }
        RouteNetlinkMessage::DelAddress(it) => {
            address(it).map(|(ip, prefix)| Told::AddressGone(it.header.index, ip, prefix))
        }
        RouteNetlinkMessage::NewNeighbour(it) => neighbour(it).map(Told::Neighbour),
        _ => None,
    };
    one.into_iter().collect()
}

fn link(message: &LinkMessage) -> Option<LinkEntry> {
    let flags = message.header.flags;
    let mut entry = LinkEntry {
        index: message.header.index,
        name: String::new(),
        mac: None,
        ethernet: message.header.link_layer_type == LinkLayerType::Ether,
        loopback: flags.contains(LinkFlags::Loopback),
        broadcast: flags.contains(LinkFlags::Broadcast) && !flags.contains(LinkFlags::Noarp),
        up: flags.contains(LinkFlags::Up),
        running: flags.contains(LinkFlags::Running) && flags.contains(LinkFlags::LowerUp),
        controlled: flags.contains(LinkFlags::Port),
        kind: None,
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => entry.name.clone_from(name),
            LinkAttribute::Address(bytes) => {
                entry.mac = bytes.as_slice().try_into().ok().map(Mac);
            }
            LinkAttribute::Controller(index) => entry.controlled = *index != 0,
            LinkAttribute::LinkInfo(info) => {
                entry.kind = info.iter().find_map(|it| match it {
                    LinkInfo::Kind(kind) => Some(word(kind)),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    (!entry.name.is_empty()).then_some(entry)
}

fn word(kind: &InfoKind) -> String {
    kind.to_string()
}

fn address(message: &AddressMessage) -> Option<(IpAddr, u8)> {
    // On a point-to-point link the address attribute is the peer's, the local one is ours.
    let mut found = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => found = Some(*ip),
            AddressAttribute::Address(ip) => found = found.or(Some(*ip)),
            _ => {}
        }
    }
    found.map(|ip| (ip, message.header.prefix_len))
}

/// Where a default route leads: each gateway with the link that it is on.
fn gateways(message: &RouteMessage) -> Vec<(u32, IpAddr)> {
    let header = &message.header;
    if header.destination_prefix_length != 0 || header.kind != RouteType::Unicast {
        return Vec::new();
    }
    let mut all: Vec<(u32, IpAddr)> = hop(None, &message.attributes).into_iter().collect();
    for attribute in &message.attributes {
        if let RouteAttribute::MultiPath(hops) = attribute {
            all.extend(hops.iter().filter_map(|it| hop(Some(it.interface_index), &it.attributes)));
        }
    }
    all
}

fn hop(link: Option<u32>, attributes: &[RouteAttribute]) -> Option<(u32, IpAddr)> {
    let (mut link, mut gateway) = (link, None);
    for attribute in attributes {
        match attribute {
            RouteAttribute::Oif(index) => link = Some(*index),
            RouteAttribute::Gateway(RouteAddress::Inet(ip))
            | RouteAttribute::Via(RouteVia::Inet(ip)) => gateway = Some((*ip).into()),
            RouteAttribute::Gateway(RouteAddress::Inet6(ip))
            | RouteAttribute::Via(RouteVia::Inet6(ip)) => gateway = Some((*ip).into()),
            _ => {}
        }
    }
    Some((link?, gateway?))
}

fn neighbour(message: &NeighbourMessage) -> Option<Entry> {
    if message.header.flags.contains(NeighbourFlags::Proxy) {
        return None;
    }
    let state = match message.header.state {
        NeighbourState::Incomplete => State::Incomplete,
        NeighbourState::Reachable => State::Reachable,
        NeighbourState::Stale => State::Stale,
        NeighbourState::Delay | NeighbourState::Probe => State::Waiting,
        NeighbourState::Failed => State::Failed,
        NeighbourState::Noarp | NeighbourState::Permanent => State::Fixed,
        _ => return None,
    };
    let (mut ip, mut mac, mut ages) = (None, None, None);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(it)) => ip = Some((*it).into()),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(it)) => ip = Some((*it).into()),
            NeighbourAttribute::LinkLayerAddress(bytes) => {
                mac = bytes.as_slice().try_into().ok().map(Mac).filter(|it| it.is_station());
            }
            NeighbourAttribute::CacheInfo(info) => {
                ages = Some((CLOCK_TICK * info.confirmed, CLOCK_TICK * info.updated));
            }
            _ => {}
        }
    }
    Some(Entry {
        link: message.header.ifindex,
        ip: ip?,
        mac,
        state,
        confirmed_ago: ages.map(|(it, _)| it),
        updated_ago: ages.map(|(_, it)| it),
    })
}

/// The unit of the kernel's ages, `USER_HZ`: 100 a second on every Linux.
const CLOCK_TICK: Duration = Duration::from_millis(10);
