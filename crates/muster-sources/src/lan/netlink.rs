//! The kernel's word on links, addresses, gateways and neighbours: one netlink socket, dumps and
//! notifications, no rights needed.
//!
//! Knows how to ask (`dumps`) and how to read (`read`); what an entry means is for `links` and
//! `neighbours`.

mod dumps;

mod read;

use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use muster_core::identity::Mac;
use rtnetlink::packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::AddressMessage;
use rtnetlink::packet_route::link::LinkMessage;
use rtnetlink::packet_route::neighbour::NeighbourMessage;
use rtnetlink::packet_route::route::RouteMessage;
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{AsyncSocket, SocketAddr, TokioSocket};

use dumps::Dumps;

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
    /// A default route leads over this link to this gateway.
    Gateway(u32, IpAddr),
    /// Such a route is gone.
    GatewayGone(u32, IpAddr),
    /// From here to [`Told::Complete`] everything that a [`Dump`] asks for is told, and what has
    /// changed meanwhile.
    Begun(Dump),
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
    Gateways,
    Neighbours,
}

/// The socket.
pub(super) struct Netlink {
    socket: TokioSocket,
    dumps: Dumps,
    /// Why the kernel last refused.
    refusal: Option<io::Error>,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Netlink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Netlink").field("dumps", &self.dumps).finish_non_exhaustive()
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
            dumps: Dumps::default(),
            refusal: None,
            buffer: Vec::with_capacity(DATAGRAM),
        };
        it.ask_for_everything();
        Ok(it)
    }

    /// Asks for links, addresses, gateways and neighbours, in this order.
    fn ask_for_everything(&mut self) {
        for dump in [Dump::Links, Dump::Addresses, Dump::Gateways, Dump::Neighbours] {
            self.dumps.want(dump);
        }
        self.send_next();
    }

    /// Asks for everything again, whatever was under way.
    pub(super) fn start_over(&mut self) {
        self.dumps.start_over();
        self.ask_for_everything();
    }

    /// Asks, unless the same question is already waiting.
    pub(super) fn ask(&mut self, dump: Dump) {
        self.dumps.want(dump);
        self.send_next();
    }

    /// Asks again what the kernel refused; an error when it has refused for long.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        if self.dumps.resume() >= MAX_FAILURES {
            return Err(self.refusal.take().unwrap_or_else(|| io::ErrorKind::Other.into()));
        }
        self.send_next();
        Ok(())
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
        let Some((dump, number)) = self.dumps.next() else { return };
        let body = match dump {
            Dump::Links => RouteNetlinkMessage::GetLink(LinkMessage::default()),
            Dump::Addresses => RouteNetlinkMessage::GetAddress(AddressMessage::default()),
            Dump::Gateways => RouteNetlinkMessage::GetRoute(RouteMessage::default()),
            Dump::Neighbours => RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()),
        };
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        header.sequence_number = number;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(body));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        if let Err(error) = self.socket.socket_ref().send_to(&bytes, &SocketAddr::new(0, 0), 0) {
            self.refusal = Some(error);
            self.dumps.fails(number);
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
        let number = header.sequence_number;
        match payload {
            NetlinkPayload::InnerMessage(inner) => {
                out.extend(self.dumps.begins(number).map(Told::Begun));
                out.extend(read::translate(&inner));
            }
            NetlinkPayload::Done(_) => {
                out.extend(self.dumps.begins(number).map(Told::Begun));
                out.extend(self.dumps.ends(number).map(Told::Complete));
                self.send_next();
            }
            NetlinkPayload::Error(refusal) => {
                self.refusal = Some(refusal.to_io());
                self.dumps.fails(number);
            }
            NetlinkPayload::Overrun(_) => out.push(Told::Lost),
            NetlinkPayload::Noop | _ => {}
        }
    }
}

/// Room for the notifications of a network that comes up at once.
const RECEIVE_BUFFER: usize = 1 << 20;
/// The kernel fills dump datagrams up to 32 KiB.
const DATAGRAM: usize = 1 << 16;
const HEADER: usize = 16;
/// `RTNLGRP_LINK`, `_NEIGH`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR`, `_IPV6_ROUTE`.
const GROUPS: [u32; 6] = [1, 3, 5, 7, 9, 11];
/// A minute of refusals, tried at each look: then the socket is of no use.
const MAX_FAILURES: u32 = 15;

#[cfg(test)]
mod tests;
