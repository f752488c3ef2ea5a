//! Whether the network behind a link lives: who must prove it, and since when it was proved without
//! a break.
//!
//! A carrier proves the cable to the next box. With a switch between the hub and everybody else it
//! stays when the access point or the router loses power, and then all are silent who never left.
//! So silence counts only while the network is proved:
//!
//! - **A default route leads over the link: its gateway proves the network**, by any frame of its
//!   own and by each answer to the hub, which asks it when it has been quiet for [`QUIET`]. The
//!   gateway alone: others may hang on the same switch as the hub and answer through any outage,
//!   and one that leaves must not have been the last proof. A link that once had a gateway is held
//!   to it when the route goes, for an outage outlasts the lease of an address.
//! - **No such route, and the hub has an address of its own: the carrier proves it.** The hub is the
//!   router or the access point then, or nobody is, as on a cable between two machines; a network
//!   from which the last one leaves has nobody left who could answer.
//! - **Neither: nothing proves it.** An interface that got no address is no part of a network.
//!
//! **Invariant:** the proved span never reaches over a time in which the gateway was heard neither
//! before nor after within [`Rhythm::join`], nor over a change of the network: another station
//! behind the gateway's address, or other IPv4 prefixes on the link. After a change nobody's silence
//! tells anything until one of those is heard who were there before it: until then this may be
//! another house that numbers its rooms alike.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use muster_config::lan::{LanSettings, Network};
use muster_core::identity::Mac;

use super::links::Link;
use super::sweep::Ask;

/// The proofs of one network.
#[derive(Debug)]
pub(super) struct Life {
    rhythm: Rhythm,
    gateways: Vec<IpAddr>,
    /// Those of them that may be spoken to, the next first.
    asked: Vec<IpAddr>,
    /// Which stations had a gateway's address, and when last; [`MOST_FACES`] at most.
    faces: Vec<Face>,
    prefixes: BTreeSet<(IpAddr, u8)>,
    has_address: bool,
    /// The unbroken chain of proofs.
    proved: Option<(Duration, Duration)>,
    /// The kernel has asked a gateway in vain since the last proof.
    failed: bool,
    /// Who was there before the network changed, until one of them is heard.
    missed: BTreeSet<Mac>,
    missed_since: Duration,
    /// The last proof, or when waiting for one began.
    waits_since: Duration,
    next_ask: Duration,
}

/// A station that had a gateway's address.
#[derive(Clone, Copy, Debug)]
struct Face {
    ip: IpAddr,
    mac: Mac,
    last: Duration,
}

/// How often the gateway can prove itself, by the way in which it is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    /// Two proofs so far apart prove the time between them.
    pub(super) join: Duration,
    /// How far beyond the last proof the next is taken for granted.
    pub(super) grace: Duration,
}

impl Rhythm {
    /// Frames of our own are answered at once.
    pub(super) const FRAMES: Self = Self { join: Duration::from_secs(30), grace: Duration::ZERO };
    /// The kernel asks a neighbour again only when its entry is no longer fresh: 45 s after it
    /// answered, 5 s after the next poke, and up to three times.
    pub(super) const POKES: Self =
        Self { join: Duration::from_secs(75), grace: Duration::from_secs(30) };
}

impl Life {
    /// Of a link that nobody has listened to yet.
    pub(super) fn new(rhythm: Rhythm, link: &Link, settings: &LanSettings, now: Duration) -> Self {
        let mut life = Self {
            rhythm,
            gateways: Vec::new(),
            asked: Vec::new(),
            faces: Vec::new(),
            prefixes: BTreeSet::new(),
            has_address: false,
            proved: None,
            failed: false,
            missed: BTreeSet::new(),
            missed_since: now,
            waits_since: now,
            next_ask: now,
        };
        life.set_link(link, settings, now, |_, _| BTreeSet::new());
        life
    }

    /// The kernel describes the link so; `company` tells who was heard between two times.
    pub(super) fn set_link(
        &mut self,
        link: &Link,
        settings: &LanSettings,
        now: Duration,
        company: impl Fn(Duration, Duration) -> BTreeSet<Mac>,
    ) {
        if !link.gateways.is_empty() && link.gateways != self.gateways {
            let stays = link.gateways.iter().any(|it| self.gateways.contains(it));
            let before = std::mem::replace(&mut self.gateways, link.gateways.clone());
            let may = |it: &&IpAddr| !settings.excludes(**it);
            self.asked = self.gateways.iter().filter(may).copied().collect();
            self.next_ask = now;
            if before.is_empty() {
                self.proved = None;
                self.waits_since = now;
            } else if !stays {
                self.changed(now, &company);
            }
        }
        let prefixes: BTreeSet<_> = link.prefixes_v4().map(|it| (it.base(), it.prefix())).collect();
        self.has_address = !prefixes.is_empty() || link.has_global_v6();
        // Without an address, for example between two leases, it is still the same network.
        if !prefixes.is_empty() && prefixes != self.prefixes {
            if !self.prefixes.is_empty() {
                self.changed(now, &company);
            }
            self.prefixes = prefixes;
        }
    }

    /// A station put a frame on the link, or answered the kernel, and says that it has `claims`.
    pub(super) fn heard(
        &mut self,
        mac: Mac,
        claims: Option<IpAddr>,
        at: Duration,
        company: impl Fn(Duration, Duration) -> BTreeSet<Mac>,
    ) {
        if self.missed.contains(&mac)
            || (!self.missed.is_empty() && self.missed_since + FORGET <= at)
        {
            self.missed.clear();
            self.proved = self.by_carrier().then_some((at, at));
        }
        let join = self.rhythm.join;
        let mut proves = false;
        for face in self.faces.iter_mut().filter(|it| it.mac == mac && it.last + join >= at) {
            face.last = at.max(face.last);
            proves = true;
        }
        if let Some(ip) = claims.filter(|it| self.gateways.contains(it)) {
            let faces = self.faces.iter().filter(|it| it.ip == ip);
            let newest = faces.max_by_key(|it| it.last).map(|it| it.mac);
            let known = self.face(ip, mac).is_some_and(|it| it.last + join >= at);
            if self.show(ip, mac, at) {
                proves = true;
                if !known && newest.is_some_and(|it| it != mac) {
                    self.changed(at, &company);
                }
            }
        }
        if proves {
            self.failed = false;
            self.waits_since = self.waits_since.max(at);
            self.proved = match self.proved {
                Some((since, until)) if until + join >= at => Some((since, until.max(at))),
                Some(_) | None => Some((at, at)),
            };
        }
    }

    fn face(&mut self, ip: IpAddr, mac: Mac) -> Option<&mut Face> {
        self.faces.iter_mut().find(|it| (it.ip, it.mac) == (ip, mac))
    }

    /// Notes that a station has a gateway's address; not one of a crowd that takes it in turns,
    /// which is no gateway.
    fn show(&mut self, ip: IpAddr, mac: Mac, at: Duration) -> bool {
        self.faces.retain(|it| it.last + FORGET >= at);
        if let Some(face) = self.face(ip, mac) {
            face.last = at.max(face.last);
            return true;
        }
        let face = Face { ip, mac, last: at };
        if self.faces.len() < MOST_FACES {
            self.faces.push(face);
            return true;
        }
        let oldest = self.faces.iter_mut().min_by_key(|it| it.last);
        let Some(stale) = oldest.filter(|it| it.last + CROWD < at) else { return false };
        *stale = face;
        true
    }

    /// The kernel gave up asking for `ip` at `at`.
    pub(super) fn failed(&mut self, ip: IpAddr, at: Duration) {
        self.failed |= self.gateways.contains(&ip) && self.waits_since < at;
    }

    /// The question that is due: the hub asks the gateway itself, so that a quiet network is proved.
    pub(super) fn poll_ask(&mut self, now: Duration) -> Option<Ask> {
        if self.ready_at()? > now {
            return None;
        }
        self.next_ask = now + ASK_AGAIN;
        let ip = *self.asked.first()?;
        self.asked.rotate_left(1);
        // After two questions in vain everybody is asked: the gateway may be another station now.
        let fresh = |it: &&Face| it.ip == ip && it.last + QUIET + ASK_AGAIN * 2 > now;
        let to = self.faces.iter().filter(fresh).max_by_key(|it| it.last).map(|it| it.mac);
        Some(Ask { ip, to })
    }

    /// When [`Self::poll_ask`] has a question.
    pub(super) fn ready_at(&self) -> Option<Duration> {
        let quiet = self.proved.map_or(Duration::ZERO, |it| it.1 + QUIET);
        (!self.asked.is_empty()).then_some(self.next_ask.max(quiet))
    }

    /// From when to when the network is proved, as far as can be said at `now`.
    pub(super) fn proved(&self, now: Duration) -> Option<(Duration, Duration)> {
        let (since, until) = self.believed(now)?;
        let certain = self.by_carrier() || self.failed;
        let taken = if certain { until } else { until + self.rhythm.grace };
        Some((since, taken.min(now)))
    }

    /// Whether an answer at `at` would have reached the hub; none: that is not known yet.
    pub(super) fn could_answer(&self, at: Duration, now: Duration) -> Option<bool> {
        match self.believed(now) {
            Some((since, until)) if since <= at && at <= until => Some(true),
            Some((since, _)) if since > at => Some(false),
            Some(_) | None => (at + self.rhythm.join < now).then_some(false),
        }
    }

    /// Why nobody's silence tells anything, in plain words.
    pub(super) fn trouble(&self, now: Duration) -> Option<String> {
        if !self.missed.is_empty() {
            let why = "the network changed: nobody who was here before has been heard since";
            return Some(why.to_owned());
        }
        let Some(gateway) = self.gateways.first() else {
            let why = "the interface has neither an address nor a gateway to prove the network by";
            return (!self.has_address).then(|| why.to_owned());
        };
        let late = now.saturating_sub(self.waits_since) > self.rhythm.join;
        (late || self.failed)
            .then(|| format!("the network behind the link may be down: no answer from {gateway}"))
    }

    fn believed(&self, now: Duration) -> Option<(Duration, Duration)> {
        if !self.missed.is_empty() || (self.by_carrier() && !self.has_address) {
            return None;
        }
        if self.by_carrier() {
            return Some((self.proved.map_or(Duration::ZERO, |it| it.0), now));
        }
        self.proved
    }

    fn by_carrier(&self) -> bool {
        self.gateways.is_empty()
    }

    fn changed(&mut self, at: Duration, company: impl Fn(Duration, Duration) -> BTreeSet<Mac>) {
        // While those of an earlier network are missed, it is still them who prove the return.
        if self.missed.is_empty() {
            let last = match self.proved {
                Some((_, until)) if !self.by_carrier() => until,
                Some(_) | None => at,
            };
            self.missed = company(last.saturating_sub(COMPANY), last);
            self.missed.retain(|it| !self.faces.iter().any(|face| face.mac == *it));
            self.missed_since = at;
        }
        self.proved = self.by_carrier().then_some((at, at));
        self.waits_since = at;
    }
}

impl Link {
    fn prefixes_v4(&self) -> impl Iterator<Item = Network> {
        // An address that a host gave itself (RFC 3927) is what it has when nobody gave it one.
        let given = |ip: &IpAddr| matches!(ip, IpAddr::V4(it) if !it.is_link_local());
        let all = self.addresses.iter().filter(move |(ip, _)| given(ip));
        all.map(|(ip, prefix)| Network::around(*ip, *prefix))
    }

    fn has_global_v6(&self) -> bool {
        let given = |ip: &IpAddr| matches!(ip, IpAddr::V6(it) if !it.is_unicast_link_local());
        self.addresses.iter().any(|(ip, _)| given(ip))
    }
}

/// A gateway that was heard within this is not asked.
const QUIET: Duration = Duration::from_secs(4);
/// From one question to the next while it does not answer.
const ASK_AGAIN: Duration = Duration::from_secs(4);
/// A gateway's former station is known for so long: that it comes back is a change too. And so long
/// after a change those who were missed are given up, for their stays have been assumed to end.
const FORGET: Duration = Duration::from_hours(24);
/// More than any pair of routers that stand in for each other, of either protocol, has.
const MOST_FACES: usize = 16;
/// When all of so many had it within this time, another is not believed.
const CROWD: Duration = Duration::from_mins(1);
/// Who was heard so long before a change was there when it came.
const COMPANY: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests;
