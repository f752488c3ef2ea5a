//! What must never happen, told as stories: outages, restarts, doubled batches, clocks gone wild.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use muster_core::change::{Change, ChangeKind};
use muster_core::directory::{DeviceKind, Edit};
use muster_core::fact::{
    Detail, DetailKind, Fact, FactBody, Listener, Outcome, Probe, Sighting, SourceKind,
};
use muster_core::identity::{DeviceId, Identity, PersonId};
use muster_core::policy::Policy;
use muster_core::span::Span;
use muster_core::stay::Ended;
use muster_core::time::Time;
use muster_sim::rng::Rng;
use muster_sim::simulate::Hub;
use muster_sim::store::Fault;

/// A house with one listener and one phone that is Anna's.
struct House {
    hub: Hub,
    listener: Arc<Listener>,
    phone: Identity,
}

impl House {
    fn new(source: SourceKind, policy: Policy, start: Time) -> Self {
        let listener = Arc::new(Listener::new("hub", source, ""));
        let text = if source == SourceKind::Ble { "ble" } else { "mac" };
        let phone: Identity = format!("{text}:f0:18:98:01:02:03").parse().unwrap();
        Self { hub: Hub::new(policy, start), listener, phone }
    }

    fn owned(mut self) -> Self {
        let value = "annas-phone".into();
        let identity = self.phone.clone();
        let (at, kind) = (self.wall(), DetailKind::Hostname);
        self.tell(FactBody::Detail(Detail { identity, at, kind, value }));
        let edits = [
            Edit::AddPerson { name: "anna".to_owned(), display: String::new() },
            Edit::EditDevice {
                device: DeviceId(1),
                name: None,
                kind: Some(DeviceKind::Phone),
                mark: None,
                carried: None,
            },
            Edit::Assign { device: DeviceId(1), person: Some(PersonId(1)), from: Time::MIN },
        ];
        for edit in edits {
            self.hub.edit(edit).unwrap();
        }
        self
    }

    fn wall(&self) -> Time {
        self.hub.now().wall
    }

    fn tell(&mut self, body: FactBody) {
        let fact = Fact { listener: Arc::clone(&self.listener), body };
        self.hub.deliver(vec![fact]).unwrap();
    }

    fn seen(&mut self) {
        let sighting = Sighting { identity: self.phone.clone(), at: self.wall(), rssi: None };
        self.tell(FactBody::Sighting(sighting));
    }

    fn silent(&mut self) {
        let probe =
            Probe { identity: self.phone.clone(), at: self.wall(), outcome: Outcome::Silent };
        self.tell(FactBody::Probe(probe));
    }

    fn pass(&mut self, seconds: u64) {
        self.hub.advance(Duration::from_secs(seconds)).unwrap();
    }

    /// Time passes, and the listener hears throughout.
    fn covered(&mut self, seconds: u64) {
        let from = self.wall();
        self.pass(seconds);
        let to = self.wall();
        self.tell(FactBody::Coverage(Span::new(from, to)));
    }

    fn journal(&mut self) -> Vec<Change> {
        self.hub.heal();
        self.hub.flush().unwrap();
        self.hub.tables().changes.into_values().collect()
    }

    fn count(&mut self, kind: ChangeKind) -> usize {
        self.journal().iter().filter(|it| it.kind == kind).count()
    }
}

#[test]
fn whatever_fails_nobody_leaves_who_is_there() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let mut house = House::new(SourceKind::Lan, Policy::default(), start()).owned();
        for _ in 0..200 {
            match rng.below(12) {
                // The source or the whole machine is out, for up to six hours.
                0 => house.pass(rng.within(1, 6 * 3600).unsigned_abs()),
                1 => house.hub.sleep(Duration::from_secs(rng.bits() % 7200)).unwrap(),
                2 => house.hub.crash().unwrap(),
                3 => house.hub.restart().unwrap(),
                4 => house.hub.blink().unwrap(),
                5 => house.hub.fail(&[Fault::Full, Fault::Unheard, Fault::Full]),
                6 => house.hub.step_clock(rng.within(-100, 3600)),
                7 => house.hub.heal(),
                _ => {}
            }
            house.seen();
            house.covered(rng.within(1, 60).unsigned_abs());
        }
        house.seen();
        let journal = house.journal();
        let news = |it: &&Change| {
            matches!(it.kind, ChangeKind::Arrived | ChangeKind::Left | ChangeKind::Moved)
        };
        let news: Vec<_> = journal.iter().filter(news).map(|it| (it.kind, it.subject)).collect();
        assert_eq!(news.len(), 2, "seed {seed}: the device and Anna arrive, no more: {news:?}");
        assert!(news.iter().all(|it| it.0 == ChangeKind::Arrived), "seed {seed}: {news:?}");
    }
}

#[test]
fn an_outage_is_no_departure_however_long_until_it_is_assumed() {
    let mut house = House::new(SourceKind::Lan, Policy::default(), start()).owned();
    house.seen();
    house.covered(60);
    house.pass(11 * 3600 + 3500);
    assert_eq!(house.count(ChangeKind::Left), 0);
    house.pass(3600);
    let journal = house.journal();
    let left: Vec<_> = journal.iter().filter(|it| it.kind == ChangeKind::Left).collect();
    assert_eq!(left.len(), 2, "the device and Anna");
    assert!(left.iter().all(|it| &*it.reason == "assumed" && it.at == start()), "{left:?}");
    house.seen();
    let arrivals = house.journal().into_iter().filter(|it| it.kind == ChangeKind::Arrived);
    let quiet: Vec<bool> = arrivals.map(|it| it.quiet).collect();
    assert_eq!(quiet, [false, false, true, true], "an arrival after a gap is no news");
}

#[test]
fn covered_silence_and_misses_make_a_departure_dated_to_the_last_evidence() {
    let mut house = House::new(SourceKind::Lan, Policy::default(), start()).owned();
    house.seen();
    for _ in 0..29 {
        house.covered(60);
        house.silent();
    }
    assert_eq!(house.count(ChangeKind::Left), 0, "patience is not at its end");
    house.covered(60);
    let journal = house.journal();
    let left: Vec<_> = journal.iter().filter(|it| it.kind == ChangeKind::Left).collect();
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|it| it.at == start() && it.reason.is_empty()), "{left:?}");
}

#[test]
fn a_doubled_batch_confirms_nobody() {
    let mut house = House::new(SourceKind::Ble, Policy::default(), start());
    for _ in 0..5 {
        let at = start();
        let sighting = Sighting { identity: house.phone.clone(), at, rssi: Some(-60) };
        house.tell(FactBody::Sighting(sighting));
        house.pass(1);
    }
    assert_eq!(house.count(ChangeKind::Arrived), 0);
    house.seen();
    assert_eq!(house.count(ChangeKind::Arrived), 1, "another sighting does");
}

#[test]
fn a_clock_that_starts_in_1970_costs_nobody_their_presence() {
    let mut house = House::new(SourceKind::Lan, Policy::default(), Time::from_secs(60)).owned();
    for _ in 0..10 {
        house.seen();
        house.covered(30);
    }
    house.hub.step_clock(start().secs());
    for _ in 0..10 {
        house.seen();
        house.covered(30);
    }
    present_and_quiet(&mut house);
}

#[test]
fn a_clock_that_visits_the_future_costs_nobody_their_presence() {
    let years = 5 * 365 * 86_400;
    let mut house = House::new(SourceKind::Lan, Policy::default(), start()).owned();
    for steps in [years, -years, 0] {
        for _ in 0..10 {
            house.seen();
            house.covered(30);
        }
        house.hub.step_clock(steps);
    }
    present_and_quiet(&mut house);
    house.hub.restart().unwrap();
    house.seen();
    present_and_quiet(&mut house);
    let tables = house.hub.tables();
    let open: Vec<_> = tables.stays.values().filter(|it| it.ended == Ended::Open).collect();
    assert!(open.iter().all(|it| it.from == start()), "the old stays go on: {open:?}");
}

/// What a clock an hour ahead had dated does not come true when that hour comes.
#[test]
fn what_a_wrong_clock_dated_ahead_does_not_come_alive_later() {
    let mut house = House::new(SourceKind::Lan, Policy::default(), start()).owned();
    house.seen();
    house.covered(30);
    house.hub.step_clock(3600);
    for _ in 0..10 {
        house.seen();
        house.covered(30);
    }
    house.hub.flush().unwrap();
    house.hub.step_clock(-3600);
    house.covered(60);
    house.hub.flush().unwrap();
    for _ in 0..40 {
        house.silent();
        house.covered(60);
    }
    let left = house.count(ChangeKind::Left);
    let (until, second) = (start() + Duration::from_hours(2), Duration::from_secs(1));
    while house.wall() < until {
        house.covered(600);
        house.hub.restart().unwrap();
    }
    let tables = house.hub.tables();
    let open: Vec<_> = tables.stays.values().filter(|it| it.ended == Ended::Open).collect();
    assert!(open.is_empty(), "they left, and a restart brings nobody back: {open:?}");
    assert!(left > 0, "they had left by silence");
    let heard = tables.heard.values().flatten();
    let ahead = heard.filter(|it| it.from > start() + Duration::from_mins(30));
    assert_eq!(ahead.count(), 0, "nothing heard is dated to the hour ahead");
    assert!(house.wall() >= until - second);
}

/// Everybody is there, and nobody was told so twice.
#[track_caller]
fn present_and_quiet(house: &mut House) {
    let journal = house.journal();
    let loud = journal.iter().filter(|it| it.kind == ChangeKind::Arrived && !it.quiet);
    assert_eq!(loud.count(), 2, "the device and Anna arrive once");
    let left = journal.iter().filter(|it| it.kind == ChangeKind::Left);
    let told: Vec<_> = left.filter(|it| it.reason.is_empty() && !it.quiet).collect();
    assert!(told.is_empty(), "nobody left by silence: {told:?}");
    let tables = house.hub.tables();
    let open = tables.stays.values().filter(|it| it.ended == Ended::Open).count();
    assert_eq!(open, 2, "{:?}", tables.stays);
}

fn start() -> Time {
    "2026-03-02T08:00:00Z".parse().unwrap()
}
