//! What two Bluetooth receivers hear in the household: things that are carried, things that stay, a
//! neighbour's, and strangers who walk past.
//!
//! **Invariant:** as for the household: facts follow from seed and time alone, and whoever is carried is
//! there when its owner is.

use std::sync::Arc;
use std::time::Duration;

use muster_core::broadcast::Broadcast;
use muster_core::directory::{DeviceKind, Mark};
use muster_core::fact::{Detail, DetailKind, Fact, FactBody, Listener, Sighting, SourceKind};
use muster_core::identity::{Identity, Mac, TextKind};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_wire::bluetooth::address::Address;
use muster_wire::bluetooth::advertisement::{Advertisement, Event, Kind};
use muster_wire::bluetooth::kept;

use super::routine::Routine;
use super::{Household, Thing, cast};
use crate::rng::Rng;

/// The receivers and what is around them.
#[derive(Debug)]
pub struct Radio {
    rng: Rng,
    played: Time,
    /// In the house, and in the garden.
    listeners: [Arc<Listener>; 2],
    things: Vec<Thing>,
    routines: Vec<Routine>,
}

/// A thing that sends.
struct Part {
    thing: Thing,
    /// Its address; its kind follows from the octets.
    address: Address,
    /// What it sends.
    data: Vec<u8>,
    /// How it is heard in the house and in the garden, dBm; none: not at all.
    heard: [Option<i8>; 2],
}

impl Radio {
    /// The monitor in the garden; the other is the household's.
    pub const GARDEN: &'static str = "garden";
    /// The adapter of both.
    pub const ADAPTER: &'static str = "hci0";

    /// Receivers that are played from `start` on, in the household of the same seed.
    #[must_use]
    pub fn new(seed: u64, start: Time) -> Self {
        let rng = Rng::new(seed);
        let residents = cast::residents(usize::MAX);
        let things: Vec<Thing> = parts().into_iter().map(|it| it.thing).collect();
        let routine = |(at, it): (u64, &Thing)| Routine::new(&rng, 500 + at, it, residents);
        let routines = (0..).zip(&things).map(routine).collect();
        let listener = |monitor| Arc::new(Listener::new(monitor, SourceKind::Ble, Self::ADAPTER));
        let listeners = [Household::MONITOR, Self::GARDEN].map(listener);
        Self { rng: rng.fork(600), played: start.floor(TICK), listeners, things, routines }
    }

    /// Everything that can be known again.
    #[must_use]
    pub fn devices(&self) -> &[Thing] {
        &self.things
    }

    /// Who listens.
    #[must_use]
    pub fn listeners(&self) -> &[Arc<Listener>] {
        &self.listeners
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

    /// What those send who are there at the time up to which it was played.
    pub fn broadcasts(&mut self) -> Vec<Broadcast> {
        let at = self.played;
        let mut all = Vec::new();
        for (part, routine) in parts().into_iter().zip(&mut self.routines) {
            let [Some(strength), _] = part.heard else { continue };
            if !routine.is_there(at) {
                continue;
            }
            let advertisement = Advertisement {
                address: Some(part.address),
                rssi: Some(strength),
                kind: Kind::LowEnergy(Event::CONNECTABLE),
                ..Advertisement::bare(&part.data)
            };
            let [listener, _] = &self.listeners;
            let identities = vec![part.thing.identity];
            all.push(kept::broadcast(&advertisement, identities, listener, at));
        }
        all
    }

    fn tick(&mut self, tick: Span, facts: &mut Vec<Fact>) {
        let number = tick.from.secs().cast_unsigned() / TICK.as_secs();
        for (place, listener) in self.listeners.iter().enumerate() {
            if place == 1 && is_out(tick.from) {
                continue;
            }
            let fact = |body| Fact { listener: Arc::clone(listener), body };
            for (at, (part, routine)) in (0..).zip(parts().into_iter().zip(&mut self.routines)) {
                let Some(strength) = part.heard.get(place).copied().flatten() else { continue };
                if !routine.is_there(tick.from) {
                    continue;
                }
                // Where it lies or walks for a while, and what is in the way at the moment.
                let room = self.rng.fork(1_000 * at + number / 45).within(-12, 4);
                let now = self.rng.fork(1_000_000 + 100 * number + at).within(-4, 4);
                let rssi = i64::from(strength) + room + now;
                let rssi = Some(i8::try_from(rssi.clamp(-99, -30)).unwrap_or(strength));
                let (identity, at) = (part.thing.identity.clone(), tick.from);
                if !part.thing.hostname.is_empty() && number.is_multiple_of(45) {
                    let (identity, value) = (identity.clone(), part.thing.hostname.into());
                    let kind = DetailKind::Hostname;
                    facts.push(fact(FactBody::Detail(Detail { identity, at, kind, value })));
                }
                facts.push(fact(FactBody::Sighting(Sighting { identity, at, rssi })));
            }
            for identity in strangers(number) {
                let (at, rssi) = (tick.from, Some(-88));
                facts.push(fact(FactBody::Sighting(Sighting { identity, at, rssi })));
            }
            facts.push(fact(FactBody::Coverage(tick)));
        }
    }
}

/// The receiver in the garden loses its power for some minutes of every hour.
fn is_out(at: Time) -> bool {
    (600..1_020).contains(&at.secs().rem_euclid(3_600))
}

/// Private addresses of passers-by: each for a quarter of an hour.
fn strangers(number: u64) -> impl Iterator<Item = Identity> {
    let quarter = number / 45;
    (0..3 + quarter % 4).map(move |it| {
        let [.., a, b, c] = (quarter * 8 + it).to_be_bytes();
        Identity::Private(Mac([0x4a, 0x11, 0x22, a, b, c]))
    })
}

/// What is around.
fn parts() -> Vec<Part> {
    carried().into_iter().chain(staying()).collect()
}

/// What people carry.
fn carried() -> [Part; 3] {
    let beacon = text(TextKind::Ibeacon, "e2c56db5-dffb-48d2-b060-d0f5a71096e0-7-21");
    let badge = text(TextKind::Tag, "ATT-USER-5e1f0c2a");
    let watch = Mac([0x24, 0xfc, 0xe5, 0x10, 0x20, 0x30]);
    [
        Part {
            thing: thing(beacon, "Anna's keys", DeviceKind::Tag, Some("anna"), ""),
            address: hidden(1),
            data: [
                &[2, 1, 6, 26, 0xff, 0x4c, 0, 2, 21][..],
                &[0xe2, 0xc5, 0x6d, 0xb5, 0xdf, 0xfb, 0x48, 0xd2],
                &[0xb0, 0x60, 0xd0, 0xf5, 0xa7, 0x10, 0x96, 0xe0, 0, 7, 0, 21, 0xc5],
            ]
            .concat(),
            heard: [Some(-58), None],
        },
        Part {
            thing: thing(badge, "Ben's badge", DeviceKind::Phone, Some("ben"), ""),
            address: hidden(2),
            data: [&[2, 1, 6, 3, 3, 0xf0, 0xff, 20, 0xff, 0xff, 0xff][..], b"ATT-USER-5e1f0c2a"]
                .concat(),
            heard: [Some(-63), Some(-84)],
        },
        Part {
            thing: thing(
                Identity::Ble(watch),
                "Clara's watch",
                DeviceKind::Watch,
                Some("clara"),
                "Galaxy Watch5",
            ),
            address: public(watch),
            data: [&[2, 1, 2, 14, 9][..], b"Galaxy Watch5", &[5, 0xff, 0x75, 0, 1, 0]].concat(),
            heard: [Some(-66), Some(-79)],
        },
    ]
}

/// What stays where it is.
fn staying() -> [Part; 4] {
    let hall = text(TextKind::Eddystone, "edd1ebeac04e5defa017-0123456789ab");
    let television = Mac([0xa8, 0x23, 0xfe, 1, 2, 3]);
    let thermometer = Mac([0xe4, 0xc1, 0x38, 0x1a, 0x2b, 0x3c]);
    let speaker = Mac([0xb8, 0xd5, 0x0b, 0x44, 0x55, 0x66]);
    [
        Part {
            thing: thing(Identity::Ble(television), "", DeviceKind::Media, None, "[LG] webOS TV"),
            address: public(television),
            data: [&[2, 1, 26, 14, 9][..], b"[LG] webOS TV", &[2, 10, 4]].concat(),
            heard: [Some(-51), None],
        },
        Part {
            thing: thing(Identity::Ble(thermometer), "", DeviceKind::Appliance, None, "BADGE-17"),
            address: Address::low_energy(thermometer, true),
            data: [&[2, 1, 6, 9, 9][..], b"BADGE-17", &[8, 0x16, 0xd2, 0xfc, 0x40, 2, 0xc4, 9, 0]]
                .concat(),
            heard: [Some(-71), Some(-60)],
        },
        Part {
            thing: thing(hall, "Hall", DeviceKind::Tag, None, ""),
            address: hidden(3),
            data: [
                &[2, 1, 6, 3, 3, 0xaa, 0xfe, 23, 0x16, 0xaa, 0xfe, 0, 0xee][..],
                &[0xed, 0xd1, 0xeb, 0xea, 0xc0, 0x4e, 0x5d, 0xef, 0xa0, 0x17],
                &[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0, 0],
            ]
            .concat(),
            heard: [Some(-47), None],
        },
        Part {
            thing: thing(Identity::Ble(speaker), "", DeviceKind::Other, None, "JBL Flip 6"),
            address: public(speaker),
            data: [&[2, 1, 6, 11, 9][..], b"JBL Flip 6"].concat(),
            heard: [Some(-86), Some(-74)],
        },
    ]
}

fn text(kind: TextKind, it: &str) -> Identity {
    Identity::Text(kind, it.into())
}

/// A private address.
fn hidden(last: u8) -> Address {
    Address::low_energy(Mac([0x5e, 0xc8, 0x12, 0x34, 0x56, last]), true)
}

fn public(it: Mac) -> Address {
    Address::low_energy(it, false)
}

fn thing(
    identity: Identity,
    name: &'static str,
    kind: DeviceKind,
    owner: Option<&'static str>,
    hostname: &'static str,
) -> Thing {
    let mark = if kind == DeviceKind::Media { Mark::Infrastructure } else { Mark::Normal };
    Thing { identity, name, kind, mark, owner, hostname, host: 0 }
}

/// Facts come in steps of this length.
pub const TICK: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use muster_wire::bluetooth::identify::identify;
    use muster_wire::bluetooth::tag::TagRules;

    use super::*;

    fn start() -> Time {
        "2026-03-02T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_sent_gives_the_identity_that_is_sighted() {
        for part in parts() {
            let it =
                Advertisement { address: Some(part.address), ..Advertisement::bare(&part.data) };
            assert!(!it.structures().is_cut(), "{}", part.thing.identity);
            let mut ids = Vec::new();
            identify(&it, &TagRules::default(), &mut |id| ids.extend(id.to_identity()));
            ids.retain(|it| !matches!(it, Identity::Text(TextKind::Name, _)));
            assert_eq!(ids, [part.thing.identity]);
        }
    }

    #[test]
    fn carried_things_are_heard_when_their_owner_is_there_and_time_may_be_cut_up() {
        let until = start() + Duration::from_hours(48);
        let mut household = Household::new(7, start());
        household.facts_until(until);
        let truth = household.truth();
        let mut radio = Radio::new(7, start());
        let whole = radio.facts_until(until);
        let keys = radio.devices().first().unwrap().clone();
        let phone = truth.iter().find(|it| it.owner == keys.owner).unwrap();
        let heard =
            |it: &&Fact| matches!(&it.body, FactBody::Sighting(it) if it.identity == keys.identity);
        let times: Vec<Time> = whole
            .iter()
            .filter(heard)
            .filter_map(|it| match &it.body {
                FactBody::Sighting(it) => Some(it.at),
                FactBody::Coverage(_)
                | FactBody::Probe(_)
                | FactBody::Level(_)
                | FactBody::Detail(_) => None,
            })
            .collect();
        assert!(times.len() > 2_000, "{}", times.len());
        assert!(times.iter().all(|it| phone.there.contains(*it)));
        let mut again = Radio::new(7, start());
        let mut parts = again.facts_until(start() + Duration::from_secs(12_345));
        parts.extend(again.facts_until(until));
        assert!(whole == parts, "facts differ");
        assert!(!again.broadcasts().is_empty());
    }
}
