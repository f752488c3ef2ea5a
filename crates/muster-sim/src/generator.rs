//! Small worlds made of whole seconds: a few devices, sites and listeners, and hours of facts full
//! of the cases that are hard: outages, dozing, passers-by, moves, conflicts, assumed ends.
//!
//! It decides what really happened and what was noticed of it. It refuses to know what anybody
//! concludes: that is for the engine and the reference. **Invariant:** the seed determines a world.

mod delivery;
mod life;

use std::sync::Arc;
use std::time::Duration;

use muster_core::directory::{DeviceKind, Directory, Edit, EditError, Mark, Override};
use muster_core::fact::{Detail, DetailKind, Fact, FactBody, Listener, SourceKind};
use muster_core::identity::{DeviceId, Identity, IdentityId, Mac, PersonId, PlaceId};
use muster_core::policy::{Patience, Policy};
use muster_core::time::Time;

use crate::rng::Rng;

pub use self::delivery::{Delivery, Uplink};

/// A world and everything that was noticed in it.
#[derive(Clone, Debug)]
pub struct World {
    /// What made it.
    pub seed: u64,
    /// The limits by which it is to be judged.
    pub policy: Policy,
    /// The first second.
    pub start: Time,
    /// The second after the last in which anything is noticed.
    pub end: Time,
    /// Identities in the order in which they are introduced.
    pub identities: Vec<Identity>,
    /// Who listens.
    pub listeners: Vec<Arc<Listener>>,
    /// What people say about it, and when.
    pub edits: Vec<(Time, Edit)>,
    /// What was noticed, and when; in order.
    pub noticed: Vec<(Time, Fact)>,
}

impl World {
    /// The world of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let policy = policy(&mut rng);
        Self::made(seed, rng, policy)
    }

    /// The world of a seed, for a hub that keeps so little in memory that hours exhaust it.
    #[must_use]
    pub fn forgetful(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut policy = policy(&mut rng);
        policy.unknown_max = policy.unknown_max.min(Duration::from_hours(1));
        policy.lead = Duration::from_hours(2);
        policy.memory = Duration::from_hours(3);
        Self::made(seed, rng, policy)
    }

    fn made(seed: u64, mut rng: Rng, policy: Policy) -> Self {
        let start = Time::from_secs(1_772_438_400 + rng.within(0, 7200));
        let end = start + Duration::from_secs(rng.within(2, 6).unsigned_abs() * 3600);
        let sites = if rng.percent(50) { 2 } else { 1 };
        let listeners = listeners(&mut rng, sites);
        let devices = devices(&mut rng);
        let identities: Vec<Identity> = devices.iter().flatten().cloned().collect();
        let mut world = Self {
            seed,
            policy,
            start,
            end,
            identities,
            listeners,
            edits: Vec::new(),
            noticed: Vec::new(),
        };
        world.edits = world.edits(&mut rng, &devices);
        let site_of = world.directory(world.start).unwrap_or_default();
        world.noticed = life::live(&world, &devices, &site_of, &mut rng);
        world
    }

    /// The facts alone.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let introduced = self.introduction().into_iter();
        introduced.chain(self.noticed.iter().map(|(_, it)| it.clone())).collect()
    }

    /// One fact for each identity and listener that is no evidence, so that every hub which gets
    /// these first numbers them alike.
    #[must_use]
    pub fn introduction(&self) -> Vec<Fact> {
        let detail = |(index, it): (usize, &Identity)| {
            let listener = self.listeners.get(index % self.listeners.len().max(1))?;
            Some(Fact {
                listener: Arc::clone(listener),
                body: FactBody::Detail(Detail {
                    identity: it.clone(),
                    at: self.start,
                    kind: DetailKind::Hostname,
                    value: format!("thing-{index}").into(),
                }),
            })
        };
        self.identities.iter().enumerate().filter_map(detail).collect()
    }

    /// Identities with the numbers that the introduction gives them.
    #[must_use]
    pub fn numbered(&self) -> Vec<(IdentityId, Identity)> {
        (FIRST_NUMBER..).map(IdentityId).zip(self.identities.iter().cloned()).collect()
    }

    /// The directory as it is after the edits that were made up to a time.
    pub fn directory(&self, at: Time) -> Result<Directory, EditError> {
        let mut directory = Directory::default();
        for (_, edit) in self.edits.iter().filter(|(made, _)| *made <= at) {
            directory.apply(edit.clone())?;
        }
        Ok(directory)
    }

    fn edits(&self, rng: &mut Rng, devices: &[Vec<Identity>]) -> Vec<(Time, Edit)> {
        let mut edits = vec![Edit::AddPlace { name: "cabin".to_owned(), parent: None }];
        let second = PlaceId(Directory::FIRST_SITE.0 + 1);
        for listener in self.listeners.iter().filter(|it| it.monitor.starts_with("cabin")) {
            edits.push(Edit::PlaceMonitor { monitor: listener.monitor.to_string(), place: second });
        }
        let people = 1 + rng.number(2);
        for name in ["anna", "ben"].iter().take(people as usize) {
            edits.push(Edit::AddPerson { name: (*name).to_owned(), display: String::new() });
        }
        let mut number = FIRST_NUMBER;
        let mut later = Vec::new();
        for identities in devices {
            let device = DeviceId(number);
            edits.push(describe(rng, device));
            for from in (number + 1..).take(identities.len() - 1).map(DeviceId) {
                let merge = Edit::Merge { from, into: device };
                if rng.percent(70) {
                    edits.push(merge);
                } else {
                    later.push((self.some_time(rng), merge));
                }
            }
            let mut from = self.start - Duration::from_hours(1);
            for _ in 0..=rng.below(3) {
                let person = rng.percent(85).then(|| PersonId(1 + rng.number(people)));
                let late = rng.within(0, 1800);
                let told = from.max(self.start) + seconds(late);
                later.push((told, Edit::Assign { device, person, from }));
                from = from + seconds(rng.within(1800, 9000));
            }
            number += u32::try_from(identities.len()).unwrap_or(0);
        }
        let mut edits: Vec<_> = edits.into_iter().map(|it| (self.start, it)).collect();
        edits.append(&mut later);
        self.set_by_hand(rng, people, &mut edits);
        edits.retain(|(at, _)| *at < self.end);
        edits.sort_by_key(|(at, _)| *at);
        edits
    }

    fn some_time(&self, rng: &mut Rng) -> Time {
        Time::from_secs(rng.within(self.start.secs(), self.end.secs()))
    }

    fn set_by_hand(&self, rng: &mut Rng, people: u32, edits: &mut Vec<(Time, Edit)>) {
        let mut at = self.start;
        for _ in 0..rng.below(4) {
            at = at + seconds(rng.within(600, 5400));
            let person = PersonId(1 + rng.number(people));
            if at >= self.end {
                return;
            }
            let until = at + seconds(rng.within(300, 7200));
            let set = Override { home: rng.percent(50), at, until, by: "anna".into() };
            edits.push((at, Edit::Override { person, set }));
            if rng.percent(30) {
                at = at + seconds(rng.within(60, 1200));
                edits.push((at, Edit::ClearOverride { person, at }));
            }
        }
    }
}

fn describe(rng: &mut Rng, device: DeviceId) -> Edit {
    let kinds = [DeviceKind::Phone, DeviceKind::Phone, DeviceKind::Watch, DeviceKind::Other];
    Edit::EditDevice {
        device,
        name: None,
        kind: rng.pick(&kinds).copied(),
        mark: Some(if rng.percent(10) { Mark::Infrastructure } else { Mark::Normal }),
        carried: Some(rng.percent(40).then_some(true)),
    }
}

/// Every site has one to three listeners; monitors of the second are called after it.
fn listeners(rng: &mut Rng, sites: usize) -> Vec<Arc<Listener>> {
    let mut all = Vec::new();
    for place in ["house", "cabin"].iter().take(sites) {
        let kinds: &[&[(&str, SourceKind, &str)]] = &[
            &[("", SourceKind::Lan, "eth0")],
            &[("", SourceKind::Lan, "eth0"), ("", SourceKind::Ble, "hci0")],
            &[("", SourceKind::Ble, "hci0"), ("-attic", SourceKind::Ble, "hci0")],
            &[
                ("", SourceKind::Lan, "eth0"),
                ("", SourceKind::Ble, "hci0"),
                ("-attic", SourceKind::Ble, "hci0"),
            ],
        ];
        for (suffix, source, channel) in rng.pick(kinds).copied().unwrap_or_default() {
            all.push(Arc::new(Listener::new(&format!("{place}{suffix}"), *source, channel)));
        }
    }
    all
}

/// One to three devices, each with one or two identities on the media.
fn devices(rng: &mut Rng) -> Vec<Vec<Identity>> {
    let count = 1 + rng.below(3);
    (0..count)
        .map(|_| {
            let mut draw = |first| {
                let bits = rng.bits().to_be_bytes();
                Mac([first, bits[1], bits[2], bits[3], bits[4], bits[5]])
            };
            let mut both = vec![Identity::Mac(draw(0xb8)), Identity::Ble(draw(0x7c))];
            if rng.percent(30) {
                both.truncate(1);
            }
            both
        })
        .collect()
}

/// Limits at which hours are enough to meet every rule; the shipped ones now and then.
fn policy(rng: &mut Rng) -> Policy {
    let mut policy = Policy::default();
    if rng.percent(15) {
        return policy;
    }
    let mut patience = |it: &mut Patience, away: (i64, i64), misses: i64| {
        it.away_after = seconds(rng.within(away.0, away.1));
        it.misses = u32::try_from(rng.within(1, misses)).unwrap_or(1);
        it.cycle = seconds(rng.within(5, 40));
    };
    patience(&mut policy.lan_phone, (200, 700), 6);
    patience(&mut policy.lan_other, (60, 200), 4);
    patience(&mut policy.ble, (40, 200), 5);
    patience(&mut policy.classic, (60, 200), 4);
    // The cycle is the source's own, whoever it listens to.
    policy.lan_phone.cycle = policy.lan_other.cycle;
    policy.ble.confirm_for = seconds(rng.within(1, 8));
    policy.decisive_within = seconds(rng.within(60, 600));
    policy.unknown_hold = seconds(rng.within(120, 600));
    policy.unknown_max = seconds(rng.within(600, 2400));
    policy.unknown_after = seconds(rng.within(20, 90));
    policy.conflict_within = seconds(rng.within(30, 300));
    policy
}

fn seconds(it: i64) -> Duration {
    Duration::from_secs(it.unsigned_abs())
}

/// Identities are numbered from here in order of first appearance.
const FIRST_NUMBER: u32 = 1;
