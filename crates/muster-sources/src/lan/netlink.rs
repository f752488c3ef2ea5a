//! The kernel's word on links, addresses and neighbours: one netlink socket, dumps and
//! notifications, no rights needed.
//!
//! Knows how to ask and how to read; what an entry means is for `links` and `neighbours`.
//! Dumps are asked one at a time, because the kernel refuses a second one on the same socket.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel's vocabulary grows; words not known here are left alone"
)]

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use muster_core::identity::Mac;
use rtnetlink::packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::link::{
    InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage,
};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{AsyncSocket, SocketAddr, TokioSocket};

/// One thing the kernel told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A link exists, or changed.
    Link(LinkEntry),
    /// A link is gone.
    LinkGone(u32),
    /// A link has an address.
    Address(u32, IpAddr, u8),
    /// A link lost an address.
    AddressGone(u32, IpAddr, u8),
    /// A neighbour entry exists, or changed.
    Neighbour(Entry),
    /// A neighbour entry is gone.
    NeighbourGone(u32, IpAddr),
    /// Everything that a [`Dump`] asked for has been told.
    Complete(Dump),
    /// Notifications were lost: ask for everything again.
    Lost,
}

/// A link as the kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the kernel's own")]
pub(super) struct LinkEntry {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) mac: Option<Mac>,
    pub(super) ethernet: bool,
    pub(super) loopback: bool,
    pub(super) broadcast: bool,
    /// Switched on by the administrator.
    pub(super) up: bool,
    /// There is a carrier.
    pub(super) running: bool,
    /// It belongs to a bridge or bond, which is watched instead.
    pub(super) controlled: bool,
    /// The driver's word for a virtual kind: `veth`, `tun`, `bridge` ...; none for hardware.
    pub(super) kind: Option<String>,
}

/// An entry of the neighbour table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) link: u32,
    pub(super) ip: IpAddr,
    pub(super) mac: Option<Mac>,
    pub(super) state: State,
    /// How long ago the kernel last had proof that the neighbour is there.
    pub(super) confirmed_ago: Option<Duration>,
    /// How long ago the entry last changed.
    pub(super) updated_ago: Option<Duration>,
}

/// What the kernel knows of a neighbour (RFC 4861, 7.3.2, and the kernel's additions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Being asked for; nothing known yet.
    Incomplete,
    /// Confirmed lately.
    Reachable,
    /// Confirmed once, or merely claimed.
    Stale,
    /// In use and about to be asked.
    Waiting,
    /// Asked and did not answer.
    Failed,
    /// Written by hand, or needing no resolution.
    Fixed,
}

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dump {
    Links,
    Addresses,
    Neighbours,
}

/// The socket.
pub(super) struct Netlink {
    socket: TokioSocket,
    asked: VecDeque<(Dump, u32)>,
    wanted: VecDeque<Dump>,
    sequence: u32,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Netlink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Netlink").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Netlink {
    /// Opens it in the network namespace of the calling thread and asks for everything.
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        let inner = socket.socket_mut();
        inner.set_rx_buf_sz(RECEIVE_BUFFER)?;
        inner.bind_auto()?;
        for group in GROUPS {
            inner.add_membership(group)?;
        }
        let mut it = Self {
            socket,
            asked: VecDeque::new(),
            wanted: VecDeque::new(),
            sequence: 0,
            buffer: Vec::with_capacity(DATAGRAM),
        };
        it.ask_for_everything();
        Ok(it)
    }

    /// Asks for links, addresses and neighbours, in this order.
    fn ask_for_everything(&mut self) {
        for dump in [Dump::Links, Dump::Addresses, Dump::Neighbours] {
            self.ask(dump);
        }
    }

    /// Asks for everything again, whatever was under way.
    pub(super) fn start_over(&mut self) {
        self.asked.clear();
        self.ask_for_everything();
    }

    /// Asks, unless the same question is already waiting.
    pub(super) fn ask(&mut self, dump: Dump) {
        if !self.wanted.contains(&dump) {
            self.wanted.push_back(dump);
        }
        self.send_next();
    }

    /// Appends what the kernel has told to `out`; ready when there was something.
    pub(super) fn poll_told(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<Told>,
    ) -> Poll<io::Result<()>> {
        loop {
            self.buffer.clear();
            match ready!(self.socket.poll_recv(cx, &mut self.buffer)) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    out.push(Told::Lost);
                    return Poll::Ready(Ok(()));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
            let bytes = std::mem::take(&mut self.buffer);
            self.read(&bytes, out);
            self.buffer = bytes;
            if !out.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn send_next(&mut self) {
        if !self.asked.is_empty() {
            return;
        }
        let Some(dump) = self.wanted.pop_front() else { return };
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let body = match dump {
            Dump::Links => RouteNetlinkMessage::GetLink(LinkMessage::default()),
            Dump::Addresses => RouteNetlinkMessage::GetAddress(AddressMessage::default()),
            Dump::Neighbours => RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()),
        };
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(body));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        // A request that the kernel does not take now is asked again at the next look.
        if self.socket.socket_ref().send_to(&bytes, &SocketAddr::new(0, 0), 0).is_ok() {
            self.asked.push_back((dump, self.sequence));
        }
    }

    fn read(&mut self, mut bytes: &[u8], out: &mut Vec<Told>) {
        while let Some(length) = bytes.first_chunk::<4>().map(|it| u32::from_ne_bytes(*it)) {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let Some(one) = bytes.get(..length).filter(|it| it.len() >= HEADER) else { return };
            if let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(one) {
                self.message(message, out);
            }
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        }
    }

    fn message(&mut self, message: NetlinkMessage<RouteNetlinkMessage>, out: &mut Vec<Told>) {
        let (header, payload) = message.into_parts();
        match payload {
            NetlinkPayload::InnerMessage(inner) => out.extend(translate(&inner)),
            NetlinkPayload::Done(_) | NetlinkPayload::Error(_) => {
                let done = payload_is_done(&payload);
                if let Some(at) =
                    self.asked.iter().position(|(_, number)| *number == header.sequence_number)
                    && let Some((dump, _)) = self.asked.remove(at)
                {
                    if done {
                        out.push(Told::Complete(dump));
                    } else {
                        self.wanted.push_back(dump);
                    }
                }
                self.send_next();
            }
            NetlinkPayload::Overrun(_) => out.push(Told::Lost),
            _ => {}
        }
    }
}

fn payload_is_done(payload: &NetlinkPayload<RouteNetlinkMessage>) -> bool {
    matches!(payload, NetlinkPayload::Done(_))
}

fn translate(message: &RouteNetlinkMessage) -> Option<Told> {
    match message {
        RouteNetlinkMessage::NewLink(it) => link(it).map(Told::Link),
        RouteNetlinkMessage::DelLink(it) => Some(Told::LinkGone(it.header.index)),
        RouteNetlinkMessage::NewAddress(it) => {
            address(it).map(|(ip, prefix)| Told::Address(it.header.index, ip, prefix))
        }
        RouteNetlinkMessage::DelAddress(it) => {
            address(it).map(|(ip, prefix)| Told::AddressGone(it.header.index, ip, prefix))
        }
        RouteNetlinkMessage::NewNeighbour(it) => neighbour(it).map(Told::Neighbour),
        RouteNetlinkMessage::DelNeighbour(it) => {
            neighbour(it).map(|it| Told::NeighbourGone(it.link, it.ip))
        }
        _ => None,
    }
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
/// Room for the notifications of a network that comes up at once.
const RECEIVE_BUFFER: usize = 1 << 20;
/// The kernel fills dump datagrams up to 32 KiB.
const DATAGRAM: usize = 1 << 16;
const HEADER: usize = 16;
/// `RTNLGRP_LINK`, `_NEIGH`, `_IPV4_IFADDR`, `_IPV6_IFADDR`.
const GROUPS: [u32; 4] = [1, 3, 5, 9];
