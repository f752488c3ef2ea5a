//! Who asks on a link: frames of our own, pokes, or nobody. One face for the three.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use muster_config::lan::{LanSettings, Network};
use muster_wire::lan::build;
use socket2::{Domain, Protocol, Socket, Type};

use super::links::Link;
use super::packet::PacketSocket;
use super::poke::Poke;
use super::reach::link_local;
use super::sweep::{Ask, Sweep, Verdict};
use super::walk::{Rounds, Walk};
use super::wants::Want;

/// Who asks on a link.
#[derive(Debug)]
pub(super) enum Asker {
    /// Frames of our own.
    Frames(Sweep),
    /// Empty datagrams, for the kernel to ask.
    Pokes(Poke, Sockets),
    /// Nobody may ask.
    Nobody,
}

impl Asker {
    /// The best that the settings and the rights allow.
    pub(super) fn new(link: &Link, settings: &LanSettings, raw: bool) -> io::Result<Self> {
        let rate = rate(settings);
        Ok(if raw && settings.active && link.mac.is_some() {
            Self::Frames(Sweep::new(rate, frame_walk(link, settings)))
        } else if settings.poke {
            Self::Pokes(Poke::new(rate, poke_walk(link, settings)), Sockets::open(&link.name)?)
        } else {
            Self::Nobody
        })
    }

    /// Whether it asks by frames of its own.
    pub(super) fn sends_frames(&self) -> bool {
        matches!(self, Self::Frames(_))
    }

    /// The link's addresses changed.
    pub(super) fn set_link(&mut self, link: &Link, settings: &LanSettings) {
        match self {
            Self::Frames(it) => it.set_walk(frame_walk(link, settings)),
            Self::Pokes(it, _) => it.set_walk(poke_walk(link, settings)),
            Self::Nobody => {}
        }
    }

    pub(super) fn set_wants(&mut self, wants: Vec<Want>, now: Duration) {
        match self {
            Self::Frames(it) => it.set_wants(wants, now),
            Self::Pokes(it, _) => it.set_wants(wants, now),
            Self::Nobody => {}
        }
    }

    /// Something was lost or broken: open questions prove nothing.
    pub(super) fn spoil(&mut self) {
        match self {
            Self::Frames(it) => it.spoil(),
            Self::Pokes(it, _) => it.spoil(),
            Self::Nobody => {}
        }
    }

    pub(super) fn poll_verdict(&mut self) -> Option<Verdict> {
        match self {
            Self::Frames(it) => it.poll_verdict(),
            Self::Pokes(it, _) => it.poll_verdict(),
            Self::Nobody => None,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Frames(it) => it.poll_timeout(),
            Self::Pokes(it, _) => it.poll_timeout(),
            Self::Nobody => None,
        }
    }

    /// Whether everybody has been asked once; who asks nobody is done at once.
    pub(super) fn is_closed(&self, now: Duration) -> bool {
        match self {
            Self::Frames(it) => it.is_closed(now),
            Self::Pokes(it, _) => it.is_closed(now),
            Self::Nobody => true,
        }
    }

    /// Sends what is due; an error that is not about one address alone comes back.
    pub(super) fn send(
        &mut self,
        link: &Link,
        socket: Option<&PacketSocket>,
        now: Duration,
    ) -> io::Result<()> {
        match (self, socket) {
            (Self::Frames(sweep), Some(socket)) => {
                while let Some(ask) = sweep.poll_ask(now) {
                    if let Err(error) = send_frame(link, socket, ask) {
                        sweep.spoil();
                        return Err(error);
                    }
                }
            }
            (Self::Pokes(poke, sockets), _) => {
                while let Some(ip) = poke.poll_poke(now) {
                    if let Err(error) = sockets.poke(ip, link.index) {
                        poke.not_sent(ip);
                        if is_general(&error) {
                            return Err(error);
                        }
                    }
                }
            }
            (Self::Frames(_) | Self::Nobody, _) => {}
        }
        Ok(())
    }

    /// Sends one question whose answer is not its own business.
    pub(super) fn ask(
        &self,
        link: &Link,
        socket: Option<&PacketSocket>,
        ask: Ask,
    ) -> io::Result<()> {
        match (self, socket) {
            (Self::Frames(_), Some(socket)) => send_frame(link, socket, ask),
            (Self::Pokes(_, sockets), _) => match sockets.poke(ask.ip, link.index) {
                Err(error) if is_general(&error) => Err(error),
                Ok(()) | Err(_) => Ok(()),
            },
            (Self::Frames(_) | Self::Nobody, _) => Ok(()),
        }
    }
}

/// Whether the error would meet every other address too: a firewall, no memory, no link or device.
fn is_general(error: &io::Error) -> bool {
    use io::ErrorKind::{NetworkDown, PermissionDenied};

    matches!(error.kind(), NetworkDown | PermissionDenied)
        || matches!(error.raw_os_error(), Some(libc::ENOBUFS | libc::ENODEV | libc::ENXIO))
}

fn send_frame(link: &Link, socket: &PacketSocket, ask: Ask) -> io::Result<()> {
    let Some(mac) = link.mac else { return Ok(()) };
    match ask.ip {
        // Without an address in the same network it is a probe, which is answered all the same.
        IpAddr::V4(ip) => {
            let own = link.source_v4(ip).unwrap_or(Ipv4Addr::UNSPECIFIED);
            socket.send(&build::arp_request((mac, own), ip, ask.to))
        }
        IpAddr::V6(ip) => {
            // Where the kernel speaks no IPv6, the address that it would have had is nobody else's.
            let own = link.source_v6().unwrap_or_else(|| link_local(mac));
            socket.send(&build::neighbour_solicitation((mac, own), ip, ask.to))
        }
    }
}

/// The sockets that pokes go out of, bound to one interface.
#[derive(Debug)]
pub(super) struct Sockets {
    four: UdpSocket,
    six: Option<UdpSocket>,
}

impl Sockets {
    fn open(interface: &str) -> io::Result<Self> {
        let four = udp(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, 0).into(), interface)?;
        // A machine may have IPv6 switched off.
        let six = udp(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, 0).into(), interface).ok();
        Ok(Self { four, six })
    }

    fn poke(&self, ip: IpAddr, link: u32) -> io::Result<()> {
        match ip {
            IpAddr::V4(_) => self.four.send_to(&[], SocketAddr::new(ip, DISCARD))?,
            IpAddr::V6(ip) => {
                let six = self.six.as_ref().ok_or(io::ErrorKind::Unsupported)?;
                let scope = if ip.is_unicast_link_local() { link } else { 0 };
                six.send_to(&[], SocketAddrV6::new(ip, DISCARD, 0, scope))?
            }
        };
        Ok(())
    }
}

fn udp(domain: Domain, local: SocketAddr, interface: &str) -> io::Result<UdpSocket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_nonblocking(true)?;
    socket.bind(&local.into())?;
    Ok(socket.into())
}

fn frame_walk(link: &Link, settings: &LanSettings) -> Walk {
    let addresses: u64 = link.ranges.iter().map(|it| 1_u64 << (32 - it.prefix().min(32))).sum();
    let small = addresses <= SMALL;
    let refresh = Some(settings.refresh.get());
    let rounds = if settings.fast {
        let first = if small { FAST_ROUNDS } else { 1 };
        Rounds { first, later: 1, gap: FAST_GAP, quiet: FAST_QUIET, refresh }
    } else {
        Rounds { first: 2, later: 1, gap: GAP, quiet: GAP, refresh }
    };
    walk(link, settings, rounds)
}

fn poke_walk(link: &Link, settings: &LanSettings) -> Walk {
    let refresh = Some(settings.refresh.get());
    let rounds = Rounds { first: 1, later: 1, gap: GAP, quiet: POKE_QUIET, refresh };
    walk(link, settings, rounds)
}

fn walk(link: &Link, settings: &LanSettings, rounds: Rounds) -> Walk {
    use muster_config::lan::Exclusion;

    let ranges = if settings.sweep { link.ranges.clone() } else { Vec::new() };
    let own = link.addresses.iter().map(|(ip, _)| Network::around(*ip, u8::MAX));
    let excluded = settings.exclude.iter().filter_map(|it| match it {
        Exclusion::Network(it) => Some(*it),
        Exclusion::Interface(_) => None,
    });
    Walk::new(ranges, own.chain(excluded).collect(), rounds)
}

/// Broadcasts a second.
pub(super) fn rate(settings: &LanSettings) -> u32 {
    if settings.fast { FAST_RATE } else { settings.broadcasts_per_second.get() }
}

/// The port of the discard service (RFC 863): nobody minds an empty datagram to it.
const DISCARD: u16 = 9;
/// What a wired network and its smallest devices take without loss.
const FAST_RATE: u32 = 10_000;
/// So many addresses are asked three times within a second.
const SMALL: u64 = 1024;
const FAST_ROUNDS: u32 = 3;
const FAST_GAP: Duration = Duration::from_millis(250);
/// After the last question a wired device has answered; a dozing one gets another round.
const FAST_QUIET: Duration = Duration::from_millis(200);
/// A dozing device answers within 1.5 s.
const GAP: Duration = Duration::from_secs(2);
/// The kernel asks three times, a second apart.
const POKE_QUIET: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_meet_everybody_is_told_from_what_meets_one() {
        for general in [libc::ENODEV, libc::ENXIO, libc::ENETDOWN, libc::ENOBUFS, libc::EPERM] {
            assert!(is_general(&io::Error::from_raw_os_error(general)), "{general}");
        }
        for one in [libc::EHOSTUNREACH, libc::ENETUNREACH, libc::EADDRNOTAVAIL, libc::EINVAL] {
            assert!(!is_general(&io::Error::from_raw_os_error(one)), "{one}");
        }
    }
}
