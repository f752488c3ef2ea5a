//! What really happens in a world, and what its listeners notice of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use muster_core::directory::Directory;
use muster_core::fact::{Fact, FactBody, Listener, Outcome, Probe, Sighting, SourceKind};
use muster_core::identity::{Identity, PlaceId};
use muster_core::span::Span;
use muster_core::time::Time;

use super::{World, seconds};
use crate::rng::Rng;

/// Everything that is noticed, in the order of noticing; coverage behind what falls into it.
pub(super) fn live(
    world: &World,
    devices: &[Vec<Identity>],
    directory: &Directory,
    rng: &mut Rng,
) -> Vec<(Time, Fact)> {
    let length = world.end.secs() - world.start.secs();
    let mut sites: Vec<PlaceId> =
        world.listeners.iter().map(|it| directory.site_of_monitor(&it.monitor)).collect();
    sites.sort_unstable();
    sites.dedup();
    let mut noticed: Vec<(i64, usize, Fact)> = Vec::new();
    let lives: Vec<BTreeMap<PlaceId, Vec<Range<i64>>>> =
        devices.iter().map(|_| wander(&sites, length, rng)).collect();
    for listener in &world.listeners {
        let site = directory.site_of_monitor(&listener.monitor);
        let up = uptime(world, length, rng);
        let mut ear = Ear { world, listener, up: &up, rng: &mut *rng, noticed: &mut noticed };
        for (identities, life) in devices.iter().zip(&lives) {
            for identity in identities.iter().filter(|it| hears(listener, it)) {
                let there = life.get(&site).map_or(&[][..], Vec::as_slice);
                ear.notice(identity, there);
            }
        }
        ear.cover();
    }
    noticed.sort_by_key(|(at, order, _)| (*at, *order));
    noticed.into_iter().map(|(at, _, fact)| (world.start + seconds(at), fact)).collect()
}

fn hears(listener: &Listener, identity: &Identity) -> bool {
    matches!(
        (listener.source, identity),
        (SourceKind::Lan, Identity::Mac(_)) | (SourceKind::Ble, Identity::Ble(_))
    )
}

/// When a device is at which site: visits of minutes to an hour, absences alike, now and then at
/// two sites at once.
fn wander(sites: &[PlaceId], length: i64, rng: &mut Rng) -> BTreeMap<PlaceId, Vec<Range<i64>>> {
    let mut life: BTreeMap<PlaceId, Vec<Range<i64>>> = BTreeMap::new();
    let mut at = rng.within(0, 900);
    while at < length - 600 {
        let Some(site) = rng.pick(sites) else { break };
        let long = if rng.percent(30) { rng.within(1800, 5400) } else { rng.within(60, 1500) };
        let to = (at + long).min(length - 300);
        life.entry(*site).or_default().push(at..to);
        if rng.percent(15)
            && let Some(other) = rng.pick(sites)
        {
            let from = rng.within(at, to);
            life.entry(*other).or_default().push(from..(from + rng.within(60, 1200)).min(to));
        }
        at = to + if rng.percent(50) { rng.within(0, 120) } else { rng.within(120, 4000) };
    }
    life
}

/// When a listener can hear: outages from seconds to longer than `unknown_max`.
fn uptime(world: &World, length: i64, rng: &mut Rng) -> Vec<Range<i64>> {
    let mut up = Vec::new();
    let mut at = if rng.percent(20) { rng.within(0, 1800) } else { 0 };
    let longest = world.policy.unknown_max.as_secs().cast_signed();
    while at < length {
        let to = (at + rng.within(200, 9000)).min(length);
        up.push(at..to);
        at = to
            + match rng.below(5) {
                0 | 1 => rng.within(1, 60),
                2 | 3 => rng.within(60, 900),
                _ => rng.within(longest / 2, longest * 2 + 2),
            };
    }
    up
}

struct Ear<'a> {
    world: &'a World,
    listener: &'a Arc<Listener>,
    up: &'a [Range<i64>],
    rng: &'a mut Rng,
    noticed: &'a mut Vec<(i64, usize, Fact)>,
}

impl Ear<'_> {
    fn notice(&mut self, identity: &Identity, there: &[Range<i64>]) {
        let length = self.world.end.secs() - self.world.start.secs();
        let mut at = self.rng.within(0, 40);
        let mut heard = i64::MIN / 2;
        let mut awake_until = 0;
        let mut asleep_until = 0;
        while at < length {
            let here = there.iter().any(|it| it.contains(&at));
            if at >= asleep_until && at >= awake_until {
                // It wakes for a while, then dozes: sometimes hardly, sometimes long.
                awake_until = at + self.rng.within(20, 900);
                asleep_until = awake_until
                    + match self.rng.below(4) {
                        0 => self.rng.within(60, 900),
                        1 => self.rng.within(20, 120),
                        _ => 0,
                    };
            }
            let awake = at < awake_until;
            if self.up.iter().any(|it| it.contains(&at)) {
                if here && awake {
                    self.sight(identity, at);
                    heard = at;
                } else if at - heard > 20 && self.listener.source == SourceKind::Lan {
                    if self.ask(identity, at, here) {
                        heard = at;
                    }
                } else if self.rng.percent(1) {
                    self.sight(identity, at);
                }
            }
            at += if here && self.rng.percent(60) {
                self.rng.within(3, 29)
            } else {
                self.rng.within(10, 70)
            };
        }
    }

    fn sight(&mut self, identity: &Identity, at: i64) {
        let rssi = (self.listener.source == SourceKind::Ble)
            .then(|| i8::try_from(self.rng.within(-95, -40)).unwrap_or(-70));
        let sighting =
            Sighting { identity: identity.clone(), at: self.world.start + seconds(at), rssi };
        self.push(at, FactBody::Sighting(sighting));
    }

    /// Whether it answered.
    fn ask(&mut self, identity: &Identity, at: i64, here: bool) -> bool {
        let outcome = match (here, self.rng.below(10)) {
            (true, 0..=2) => Outcome::Answered,
            (_, 9) => Outcome::NoEvidence,
            (_, 8) => Outcome::Unaskable,
            (_, _) => Outcome::Silent,
        };
        let time = self.world.start + seconds(at);
        let probe = Probe { identity: identity.clone(), at: time, outcome };
        self.push(at, FactBody::Probe(probe));
        outcome == Outcome::Answered
    }

    fn cover(&mut self) {
        for up in self.up {
            let mut from = up.start;
            while from < up.end {
                let to = (from + self.rng.within(5, 90)).min(up.end);
                let span =
                    Span::new(self.world.start + seconds(from), self.world.start + seconds(to));
                self.push(to, FactBody::Coverage(span));
                from = to;
            }
        }
    }

    fn push(&mut self, at: i64, body: FactBody) {
        let order = match body {
            FactBody::Coverage(_) => 1,
            FactBody::Sighting(_)
            | FactBody::Probe(_)
            | FactBody::Level(_)
            | FactBody::Detail(_) => 0,
        };
        self.noticed.push((at, order, Fact { listener: Arc::clone(self.listener), body }));
    }
}
