//! A pretend household: people with habits, what they carry, what stays, who visits, and a local
//! network on which all of it is heard now and then.
//!
//! It knows who is really there; its facts say only what an honest LAN monitor would have noticed.
//! **Invariant:** the facts follow from seed, settings and time alone, however the time is cut up
//! into calls.

mod air;
mod cast;
pub mod radio;
mod routine;

use std::sync::Arc;
use std::time::Duration;

use muster_core::directory::{DeviceKind, Mark};
use muster_core::fact::{Detail, DetailKind, Fact, FactBody, Listener, SourceKind};
use muster_core::identity::Identity;
use muster_core::span::{Span, SpanSet};
use muster_core::time::Time;

use self::air::Air;
use self::routine::Routine;
use crate::rng::Rng;

/// Somebody who lives there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Short name, as the directory wants it.
    pub name: &'static str,
    /// What people read.
    pub display: &'static str,
}

/// Something with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Its address.
    pub identity: Identity,
    /// What its owner calls it; empty: nobody named it.
    pub name: &'static str,
    /// What it is.
    pub kind: DeviceKind,
    /// Whether it counts.
    pub mark: Mark,
    /// Whose it is, by short name.
    pub owner: Option<&'static str>,
    /// The name it gives itself.
    pub hostname: &'static str,
    /// The last octet of its address.
    pub host: u8,
}

/// When a thing was really there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Which.
    pub identity: Identity,
    /// Whose.
    pub owner: Option<&'static str>,
    /// When; up to the time that has been played.
    pub there: SpanSet,
}

/// What the household is made of.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many of the people live there, at most four.
    pub people: usize,
    /// Whether there are things that stay.
    pub appliances: bool,
    /// Whether guests come.
    pub guests: bool,
    /// Whether the monitor fails now and then.
    pub outages: bool,
    /// How many seconds lie between two questions to a device that is not heard.
    pub ask_every: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { people: 3, appliances: true, guests: true, outages: true, ask_every: 60 }
    }
}

/// The household.
#[derive(Debug)]
pub struct Household {
    start: Time,
    played: Time,
    listener: Arc<Listener>,
    residents: &'static [Resident],
    things: Vec<Thing>,
    airs: Vec<Air>,
    routines: Vec<Routine>,
    outages: Option<Outages>,
}

impl Household {
    /// The name of its monitor.
    pub const MONITOR: &'static str = "demo";
    /// The channel on which it listens.
    pub const CHANNEL: &'static str = "eth0";

    /// A household that is played from `start` on.
    #[must_use]
    pub fn new(seed: u64, start: Time) -> Self {
        Self::with(seed, start, Settings::default())
    }

    /// The same with other settings.
    #[must_use]
    pub fn with(seed: u64, start: Time, settings: Settings) -> Self {
        let rng = Rng::new(seed);
        let start = start.floor(TICK);
        let residents = cast::residents(settings.people);
        let things = cast::things(&rng, residents, settings);
        let airs = (0..).zip(&things).map(|(at, it)| Air::new(&rng, at, it, settings)).collect();
        let routines =
            (0..).zip(&things).map(|(at, it)| Routine::new(&rng, at, it, residents)).collect();
        let outages = settings.outages.then(|| Outages::new(&rng, start));
        let listener = Arc::new(Listener::new(Self::MONITOR, SourceKind::Lan, Self::CHANNEL));
        Self { start, played: start, listener, residents, things, airs, routines, outages }
    }

    /// Who lives there.
    #[must_use]
    pub fn people(&self) -> &[Resident] {
        self.residents
    }

    /// Everything with an address, guests' phones included.
    #[must_use]
    pub fn devices(&self) -> &[Thing] {
        &self.things
    }

    /// Who was really there, up to the time that has been played.
    #[must_use]
    pub fn truth(&self) -> Vec<Truth> {
        let there = |air: &Air| air.there(self.played);
        let both = self.things.iter().zip(&self.airs);
        both.map(|(thing, air)| Truth {
            identity: thing.identity.clone(),
            owner: thing.owner,
            there: there(air),
        })
        .collect()
    }

    /// What is noticed from where it was left off up to `until`, in order.
    pub fn facts_until(&mut self, until: Time) -> Vec<Fact> {
        let mut facts = Vec::new();
        while self.played + TICK <= until {
            let tick = Span::new(self.played, self.played + TICK);
            self.tick(tick, &mut facts);
            self.played = tick.to;
        }
        facts
    }

    fn tick(&mut self, tick: Span, facts: &mut Vec<Fact>) {
        let up = self.outages.as_mut().is_none_or(|it| it.is_up(tick.from));
        let things = self.things.iter().zip(&mut self.airs).zip(&mut self.routines);
        for ((thing, air), routine) in things {
            let there = routine.is_there(tick.from);
            let came = air.live(tick, there);
            if !up {
                continue;
            }
            let body = |body| Fact { listener: Arc::clone(&self.listener), body };
            if came || tick.from == self.start && there {
                facts.extend(introduce(thing, tick.from).map(body));
            }
            facts.extend(air.notice(thing, tick, there).map(body));
        }
        if up {
            let body = FactBody::Coverage(tick);
            facts.push(Fact { listener: Arc::clone(&self.listener), body });
        }
    }
}

/// What a device says about itself when it joins: address and name (DHCP, mDNS).
fn introduce(thing: &Thing, at: Time) -> impl Iterator<Item = FactBody> {
    let identity = thing.identity.clone();
    let ip = std::net::Ipv4Addr::new(192, 168, 178, thing.host);
    let address = Detail::address(identity.clone(), at, ip.into());
    let name = (!thing.hostname.is_empty()).then(|| Detail {
        identity,
        at,
        kind: DetailKind::Hostname,
        value: thing.hostname.into(),
    });
    std::iter::once(address).chain(name).map(FactBody::Detail)
}

/// When the monitor fails: every few days, for minutes.
#[derive(Debug)]
struct Outages {
    rng: Rng,
    next: Span,
}

impl Outages {
    fn new(rng: &Rng, start: Time) -> Self {
        let mut it = Self { rng: rng.fork(0x0u64.wrapping_sub(1)), next: Span::new(start, start) };
        it.draw();
        it
    }

    fn draw(&mut self) {
        let seconds = |it: i64| Duration::from_secs(it.unsigned_abs());
        let from = self.next.to + seconds(self.rng.within(4 * 3600, 4 * 86_400));
        let long = if self.rng.percent(10) { 14 * 3600 } else { 1800 };
        self.next = Span::new(from, from + seconds(self.rng.within(40, long)));
    }

    fn is_up(&mut self, at: Time) -> bool {
        while self.next.to <= at {
            self.draw();
        }
        !self.next.contains(at)
    }
}

/// Facts come in steps of this length; coverage is told for one at a time.
pub const TICK: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
