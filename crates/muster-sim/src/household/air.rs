//! What is heard of a thing that is there: chatter while it is awake, answers when it is asked,
//! nothing while it sleeps.

use std::time::Duration;

use muster_core::directory::DeviceKind;
use muster_core::fact::{FactBody, Outcome, Probe, Sighting};
use muster_core::span::{Span, SpanSet};
use muster_core::time::Time;

use super::{Settings, TICK, Thing};
use crate::rng::Rng;

/// One thing on the network.
#[derive(Debug)]
pub(super) struct Air {
    rng: Rng,
    sleeper: Option<Sleeper>,
    ask_every: Duration,
    /// When it is asked next.
    ask: Time,
    heard: Option<Time>,
    there_since: Option<Time>,
    there: SpanSet,
}

/// How a thing sleeps.
#[derive(Debug)]
struct Sleeper {
    rng: Rng,
    /// Mean length of being awake, in seconds.
    awake: f64,
    awake_until: Time,
    asleep_until: Time,
}

impl Air {
    pub(super) fn new(rng: &Rng, number: u64, thing: &Thing, settings: Settings) -> Self {
        let awake = match thing.kind {
            DeviceKind::Phone => Some(420.0),
            DeviceKind::Other | DeviceKind::Watch => Some(300.0),
            DeviceKind::Tag
            | DeviceKind::Laptop
            | DeviceKind::Tablet
            | DeviceKind::Computer
            | DeviceKind::Media
            | DeviceKind::Printer
            | DeviceKind::Appliance
            | DeviceKind::Network => None,
        };
        let sleeper = awake.map(|awake| Sleeper {
            rng: rng.fork(400 + number),
            awake,
            awake_until: Time::MIN,
            asleep_until: Time::MIN,
        });
        Self {
            rng: rng.fork(300 + number),
            sleeper,
            ask_every: Duration::from_secs(settings.ask_every.unsigned_abs()),
            ask: Time::MIN,
            heard: None,
            there_since: None,
            there: SpanSet::new(),
        }
    }

    /// Notes whether it is there; whether it has just come.
    pub(super) fn live(&mut self, tick: Span, there: bool) -> bool {
        match (self.there_since, there) {
            (None, true) => {
                self.there_since = Some(tick.from);
                // Whoever comes in is awake.
                if let Some(it) = &mut self.sleeper {
                    it.wake(tick.from);
                }
                true
            }
            (Some(since), false) => {
                self.there.insert(Span::new(since, tick.from));
                self.there_since = None;
                false
            }
            (_, _) => false,
        }
    }

    /// When it was there, up to a time.
    pub(super) fn there(&self, until: Time) -> SpanSet {
        let mut all = self.there.clone();
        if let Some(since) = self.there_since {
            all.insert(Span::new(since, until));
        }
        all
    }

    /// What is noticed of it in a tick.
    pub(super) fn notice(
        &mut self,
        thing: &Thing,
        tick: Span,
        there: bool,
    ) -> impl Iterator<Item = FactBody> + use<> {
        let at = tick.from + Duration::from_secs(self.rng.bits() % TICK.as_secs());
        let awake = there && self.sleeper.as_mut().is_none_or(|it| it.is_awake(tick.from));
        let came = self.there_since == Some(tick.from);
        let mut found = None;
        if awake && (came || self.rng.percent(CHATTER)) {
            self.heard = Some(at);
            let identity = thing.identity.clone();
            found = Some(FactBody::Sighting(Sighting { identity, at, rssi: None }));
        } else if let Some(heard) = self.heard
            && self.is_due(heard, tick)
        {
            let outcome = if awake { Outcome::Answered } else { Outcome::Silent };
            if awake {
                self.heard = Some(at);
            }
            let identity = thing.identity.clone();
            found = Some(FactBody::Probe(Probe { identity, at, outcome }));
        }
        found.into_iter()
    }

    /// Whether it is asked in this tick: some time after it was heard, and less and less often.
    fn is_due(&mut self, heard: Time, tick: Span) -> bool {
        let silence = tick.from.since(heard);
        let due = silence >= self.ask_every && self.ask <= tick.from;
        if due {
            let patient = silence > Duration::from_hours(2);
            let pause = self.ask_every.mul_f64(if patient { 10.0 } else { 1.0 });
            self.ask = tick.from + pause;
        }
        due
    }
}

impl Sleeper {
    fn wake(&mut self, at: Time) {
        let long = -self.awake * (1.0 - self.rng.fraction()).ln();
        self.awake_until = at + Duration::from_secs_f64(long.clamp(20.0, 7200.0));
        self.asleep_until = self.awake_until + self.doze();
    }

    /// Five to twenty minutes, and one time in twelve a tail that reaches hours (Pareto).
    fn doze(&mut self) -> Duration {
        let minutes = if self.rng.percent(8) {
            20.0 * (1.0 - self.rng.fraction()).powf(-0.55)
        } else {
            5.0 + 15.0 * self.rng.fraction()
        };
        Duration::from_secs_f64(minutes.min(240.0) * 60.0)
    }

    fn is_awake(&mut self, at: Time) -> bool {
        while at >= self.asleep_until {
            let from = if self.asleep_until == Time::MIN { at } else { self.asleep_until };
            self.wake(from);
        }
        at < self.awake_until
    }
}

/// The chance, in percent, that an awake device says something by itself in a tick.
const CHATTER: u32 = 25;
