//! A local network full of devices, as a machine: frames in, frames out.
//!
//! Every host answers ARP and neighbour solicitation, says hello over DHCP and mDNS when it is
//! switched on, and may doze: overlook requests, answer late, and sleep for minutes. Seeded, so the
//! same frames at the same times give the same answers; it reads no clock.

mod hello;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use muster_core::identity::Mac;
use muster_wire::frame::LinkType;
use muster_wire::lan::{Arp, LanBody, NdKind, build, decode};

use crate::rng::Rng;

/// How hosts doze.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doze {
    /// The share of requests that are overlooked.
    pub ignores: f64,
    /// The shortest time until an answer.
    pub quickest: Duration,
    /// The longest.
    pub slowest: Duration,
    /// Whether hosts also sleep for minutes at a time, deaf to everything.
    pub sleeps: bool,
}

impl Doze {
    /// A phone in somebody's pocket: overlooks 35 % of requests, answers after 50 to 1,500 ms.
    pub const PHONE: Self = Self {
        ignores: 0.35,
        quickest: Duration::from_millis(50),
        slowest: Duration::from_millis(1500),
        sleeps: false,
    };
    /// The same, with sleeps of 5 to 20 minutes and a heavy tail.
    pub const PHONE_AT_NIGHT: Self = Self { sleeps: true, ..Self::PHONE };
}

/// One device.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its link-layer address.
    pub mac: Mac,
    /// Its IPv4 address.
    pub v4: Ipv4Addr,
    /// Its link-local IPv6 address.
    pub v6: Ipv6Addr,
    /// What it calls itself.
    pub name: String,
    /// Whether it is switched on.
    pub on: bool,
    /// Asleep until, or awake until.
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Awake(Duration),
    Asleep(Duration),
}

/// The devices on a link.
#[derive(Debug)]
pub struct Responder {
    hosts: Vec<Host>,
    by_ip: BTreeMap<IpAddr, usize>,
    by_mac: BTreeMap<Mac, usize>,
    doze: Option<Doze>,
    /// Addresses that host 0 answers for beside its own: proxy ARP.
    proxied: BTreeSet<Ipv4Addr>,
    random: Rng,
    waiting: BTreeMap<(Duration, u64), Vec<u8>>,
    sent: u64,
}

impl Responder {
    /// `count` hosts in the range that begins at `base`, from its tenth address on; all are on.
    #[must_use]
    pub fn new(seed: u64, base: Ipv4Addr, count: u16, doze: Option<Doze>) -> Self {
        let mut random = Rng::new(seed);
        let hosts: Vec<Host> = (0..count)
            .map(|n| Host {
                mac: mac(n),
                v4: Ipv4Addr::from(u32::from(base).wrapping_add(FIRST_HOST + u32::from(n))),
                v6: link_local(mac(n)),
                name: format!("host-{n}"),
                on: true,
                phase: Phase::Awake(awake(&mut random)),
            })
            .collect();
        let each = || hosts.iter().enumerate();
        Self {
            by_ip: each().flat_map(|(n, it)| [(it.v4.into(), n), (it.v6.into(), n)]).collect(),
            by_mac: each().map(|(n, it)| (it.mac, n)).collect(),
            doze,
            proxied: BTreeSet::new(),
            random,
            waiting: BTreeMap::new(),
            sent: 0,
            hosts,
        }
    }

    /// The hosts, in order.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Host 0 answers for `ip` from now on, whoever has it.
    pub fn proxy(&mut self, ip: Ipv4Addr) {
        self.proxied.insert(ip);
    }

    /// Switches a host on or off. One that comes up says so; one that goes down just stops.
    pub fn switch(&mut self, host: usize, on: bool, now: Duration) {
        let Some(it) = self.hosts.get_mut(host) else { return };
        let came_up = on && !it.on;
        it.on = on;
        it.phase = Phase::Awake(now + awake(&mut self.random));
        if came_up {
            let frames = hello::frames(it);
            for frame in frames {
                self.queue(now, frame);
            }
        }
    }

    /// All hosts that are on say hello, as after a power cut.
    pub fn greet(&mut self, now: Duration) {
        let hellos: Vec<_> = self.hosts.iter().filter(|it| it.on).flat_map(hello::frames).collect();
        for frame in hellos {
            self.queue(now, frame);
        }
    }

    /// A frame came along the wire.
    pub fn handle_frame(&mut self, frame: &[u8], now: Duration) {
        let Ok(Some(frame)) = decode(LinkType::ETHERNET, frame) else { return };
        let to = frame.destination;
        match frame.body {
            LanBody::Arp(arp) if arp.op == Arp::REQUEST => self.asked_by_arp(&arp, to, now),
            LanBody::Nd(nd) if nd.kind == NdKind::NeighbourSolicitation => {
                let Some(target) = nd.target else { return };
                let Some(host) = self.listener(target.into(), to, now) else { return };
                let asker = nd.link_address.or(frame.source).map(|mac| (mac, nd.source));
                let Some(asker) = asker else { return };
                let answer = build::neighbour_advertisement((host.mac, target), asker, true);
                self.answer(answer, now);
            }
            LanBody::Arp(_)
            | LanBody::Nd(_)
            | LanBody::Dhcp(_)
            | LanBody::Dhcp6(_)
            | LanBody::Mdns(_) => {}
        }
    }

    /// The next frame to put on the wire now.
    pub fn poll_frame(&mut self, now: Duration) -> Option<Vec<u8>> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When there will be one.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }

    fn asked_by_arp(&mut self, arp: &Arp, to: Option<Mac>, now: Duration) {
        let (Some(target), Some(asker)) = (arp.target_ip, arp.sender_mac) else { return };
        let back = (asker, arp.sender_ip.unwrap_or(Ipv4Addr::UNSPECIFIED));
        if let Some(mac) = self.listener(target.into(), to, now).map(|it| it.mac) {
            self.answer(build::arp_reply((mac, target), back).to_vec(), now);
        } else if self.proxied.contains(&target)
            && let Some(mac) = self.hosts.first().filter(|it| it.on).map(|it| it.mac)
        {
            self.answer(build::arp_reply((mac, target), back).to_vec(), now);
        }
    }

    /// The host that has `ip`, if the frame reaches it and it notices.
    fn listener(&mut self, ip: IpAddr, to: Option<Mac>, now: Duration) -> Option<Host> {
        let index = *self.by_ip.get(&ip)?;
        let addressed =
            to.is_none_or(|mac| mac.is_multicast() || self.by_mac.get(&mac) == Some(&index));
        let host = self.hosts.get_mut(index).filter(|it| it.on && addressed)?;
        let Some(doze) = self.doze else { return Some(host.clone()) };
        if doze.sleeps && host.asleep(now, &mut self.random) {
            return None;
        }
        (self.random.fraction() >= doze.ignores).then(|| host.clone())
    }

    fn answer(&mut self, frame: Vec<u8>, now: Duration) {
        let wait = self.doze.map_or(Duration::ZERO, |it| {
            it.quickest + (it.slowest.saturating_sub(it.quickest)).mul_f64(self.random.fraction())
        });
        self.queue(now + wait, frame);
    }

    fn queue(&mut self, at: Duration, frame: Vec<u8>) {
        if self.waiting.len() < MAX_WAITING {
            self.sent += 1;
            self.waiting.insert((at, self.sent), frame);
        }
    }
}

impl Host {
    fn asleep(&mut self, now: Duration, random: &mut Rng) -> bool {
        loop {
            match self.phase {
                Phase::Awake(until) if until <= now => {
                    self.phase = Phase::Asleep(until + asleep(random));
                }
                Phase::Asleep(until) if until <= now => {
                    self.phase = Phase::Awake(until + awake(random));
                }
                Phase::Awake(_) => return false,
                Phase::Asleep(_) => return true,
            }
        }
    }
}

/// Hardware of several makers and, each fourth, a phone that made its address up.
fn mac(n: u16) -> Mac {
    let [high, low] = n.to_be_bytes();
    let prefix = match n % 4 {
        0 => [0xb8, 0x27, 0xeb],
        1 => [0x00, 0x17, 0x88],
        2 => [0x3c, 0x22, 0xfb],
        _ => [0xda, 0xa1, 0x19],
    };
    let [a, b, c] = prefix;
    Mac([a, b, c, 0x20, high, low])
}

/// The address made from the link-layer one (RFC 4291, appendix A).
fn link_local(mac: Mac) -> Ipv6Addr {
    let [first, rest @ ..] = mac.0;
    let [second, third, fourth, fifth, sixth] = rest;
    let tail = [first ^ 2, second, third, 0xff, 0xfe, fourth, fifth, sixth];
    let mut octets = [0; 16];
    for (to, from) in octets.iter_mut().zip([0xfe, 0x80, 0, 0, 0, 0, 0, 0].iter().chain(&tail)) {
        *to = *from;
    }
    octets.into()
}

/// One to ten minutes.
fn awake(random: &mut Rng) -> Duration {
    Duration::from_mins(1).mul_f64(1.0 + 9.0 * random.fraction())
}

/// A Pareto distribution from 5 minutes on: half within 8, one in eight beyond 20, at most 3 hours.
fn asleep(random: &mut Rng) -> Duration {
    let tail = (1.0 - random.fraction()).powf(-1.0 / 1.5);
    Duration::from_mins(5).mul_f64(tail.min(36.0))
}

/// Below it there is room for routers and for those who ask.
const FIRST_HOST: u32 = 10;
/// A flood of requests fills no memory.
const MAX_WAITING: usize = 100_000;

#[cfg(test)]
mod tests;
