//! Stories of the engine: what was heard, and what the journal then says.

mod interest;
mod memory;
mod pseudonyms;
mod resting;

use std::sync::Arc;
use std::time::Duration;

use crate::batch::{Batch, History, Restored};
use crate::change::{Change, ChangeKind};
use crate::directory::{DeviceKind, Edit};
use crate::engine::Engine;
use crate::fact::{Fact, FactBody, Listener, Outcome, Probe, Sighting, SourceKind};
use crate::identity::{DeviceId, Identity, Mac, PersonId, PlaceId};
use crate::policy::Policy;
use crate::series::Series;
use crate::snapshot::Presence;
use crate::span::Span;
use crate::stay::{Ended, StayId, Subject};
use crate::time::{Now, Time};

/// A house with one listener and one device.
struct House {
    engine: Engine,
    listener: Arc<Listener>,
    told: Vec<String>,
}

const START: i64 = 1_800_000_000;

fn now(s: i64) -> Now {
    Now { mono: Duration::from_secs(s.unsigned_abs()), wall: Time::from_secs(START + s) }
}

fn device() -> Identity {
    Identity::Mac(Mac([0xb8, 0x27, 0xeb, 1, 2, 3]))
}

impl House {
    fn new() -> Self {
        let restored = Restored {
            since: Engine::since(&Policy::default(), now(0).wall),
            frontier: now(0).wall,
            ..Restored::default()
        };
        let engine = Engine::new(Policy::default(), restored, now(0));
        let listener = Arc::new(Listener::new("hub", SourceKind::Lan, "eth0"));
        Self { engine, listener, told: Vec::new() }
    }

    fn tell(&mut self, at: i64, body: FactBody) -> &mut Self {
        let fact = Fact { listener: Arc::clone(&self.listener), body };
        let intake = self.engine.handle_facts(vec![fact], now(at));
        assert_eq!(intake.refused, []);
        self
    }

    fn seen(&mut self, at: i64) -> &mut Self {
        let sighting = Sighting { identity: device(), at: now(at).wall, rssi: None };
        self.tell(at, FactBody::Sighting(sighting))
    }

    fn silent(&mut self, at: i64) -> &mut Self {
        let probe = Probe { identity: device(), at: now(at).wall, outcome: Outcome::Silent };
        self.tell(at, FactBody::Probe(probe))
    }

    fn covered(&mut self, from: i64, to: i64) -> &mut Self {
        for at in (from..to).step_by(10) {
            let span = Span::new(now(at).wall, now((at + 10).min(to)).wall);
            self.tell((at + 10).min(to), FactBody::Coverage(span));
        }
        self
    }

    fn wait(&mut self, at: i64) -> &mut Self {
        while let Some(deadline) = self.engine.poll_timeout()
            && deadline.mono <= now(at).mono
        {
            let due = i64::try_from(deadline.mono.as_secs()).unwrap() + 1;
            self.engine.handle_timeout(now(due.min(at)));
            assert_ne!(self.engine.poll_timeout(), Some(deadline), "no progress");
        }
        self.engine.handle_timeout(now(at));
        self
    }

    /// What was told of devices and people since the last time.
    fn told(&mut self) -> Vec<String> {
        let batch = self.drain();
        let changes = batch.changes.into_iter().filter(|it| it.subject.is_some());
        self.told.extend(changes.map(|it| {
            let who = it.subject.map(|it| it.to_string()).unwrap_or_default();
            let at = it.at.secs() - START;
            let reason = if it.kind.bears_state() { it.reason } else { "".into() };
            format!("{who} {} {at} {reason}", it.kind.word()).trim().to_owned()
        }));
        std::mem::take(&mut self.told)
    }

    fn drain(&mut self) -> Batch {
        self.engine.drain()
    }
}

/// Some receivers listen for 10 s of 65.
#[test]
fn what_a_slow_receiver_hears_each_minute_arrives() {
    let mut house = House::new();
    house.listener = Arc::new(Listener::new("attic", SourceKind::Mqtt, "openmqttgateway"));
    house.seen(60).covered(60, 125).seen(125);
    assert_eq!(house.told(), ["device:1 discovered 60", "device:1 arrived 60"]);
}

#[test]
fn a_device_arrives_and_leaves_dated_to_its_evidence() {
    let mut house = House::new();
    house.covered(0, 60).seen(60).covered(60, 90).seen(95);
    assert_eq!(house.told(), ["device:1 discovered 60", "device:1 arrived 60"]);
    for at in (120..=240).step_by(30) {
        house.covered(at - 30, at).silent(at);
    }
    house.covered(240, 394);
    assert_eq!(house.told(), Vec::<String>::new(), "not silent for five minutes");
    house.covered(394, 400);
    assert_eq!(house.told(), ["device:1 left 95"]);
}

#[test]
fn silence_without_misses_is_not_enough() {
    let mut house = House::new();
    house.seen(0).covered(0, 1000).silent(900).covered(1000, 1100);
    assert_eq!(house.told(), ["device:1 discovered 0", "device:1 arrived 0"]);
}

/// An adapter may fail before it ever told that it hears.
#[test]
fn a_source_that_never_told_that_it_hears_makes_unknown_too() {
    let mut house = House::new();
    house.seen(60).wait(119);
    assert_eq!(house.told(), ["device:1 discovered 60", "device:1 arrived 60"]);
    house.wait(200);
    assert_eq!(house.told(), ["device:1 unknown 60 hub/lan/eth0 does not hear"]);
    house.covered(200, 210);
    assert_eq!(house.told(), ["device:1 known 210"]);
}

#[test]
fn a_blind_source_makes_unknown_and_never_left() {
    let mut house = House::new();
    house.seen(0).covered(0, 100).told();
    house.wait(3600);
    assert_eq!(house.told(), ["device:1 unknown 100 hub/lan/eth0 does not hear"]);
    house.covered(3600, 3650).seen(3660);
    assert_eq!(house.told(), ["device:1 known 3610"]);
    assert_eq!(house.engine.standing_of(DeviceId(1)).presence, Presence::Present);
}

#[test]
fn nobody_is_stuck_for_ever() {
    let mut house = House::new();
    house.seen(0).covered(0, 100).told();
    house.wait(13 * 3600);
    assert_eq!(
        house.told(),
        ["device:1 unknown 100 hub/lan/eth0 does not hear", "device:1 left 0 assumed"]
    );
    house.seen(14 * 3600);
    let batch = house.drain();
    let arrival = batch.changes.iter().find(|it| it.kind.word() == "arrived").unwrap();
    assert!(arrival.quiet, "an arrival after such a gap is no news");
}

#[test]
fn a_person_follows_what_they_carry() {
    let mut house = House::new();
    house.seen(0).covered(0, 10);
    let device = DeviceId(1);
    let person = Some(PersonId(1));
    let from = now(0).wall;
    for edit in [
        Edit::AddPerson { name: "anna".into(), display: String::new() },
        Edit::Assign { device, person, from },
        Edit::EditDevice {
            device,
            name: None,
            kind: Some(DeviceKind::Watch),
            mark: None,
            carried: None,
        },
    ] {
        house.engine.handle_edit(edit, None, now(10)).unwrap();
    }
    let told = house.told();
    assert!(told.contains(&"person:1 arrived 0".to_owned()), "{told:?}");
    for at in (30..=300).step_by(30) {
        house.covered(at - 20, at).silent(at);
    }
    assert_eq!(house.told(), ["device:1 left 0", "person:1 left 0"]);
    let why = house.engine.why(Subject::Person(PersonId(1)), now(300)).unwrap();
    assert_eq!(why.standing.presence, Presence::Away);
    assert_eq!(why.evidence.len(), 1);
}

#[test]
fn a_late_sighting_joins_what_was_parted() {
    let mut house = House::new();
    house.seen(0);
    for at in (30..=300).step_by(30) {
        house.covered(at - 30, at).silent(at);
    }
    house.seen(600).told();
    let late = Sighting { identity: device(), at: now(290).wall, rssi: None };
    house.tell(610, FactBody::Sighting(late));
    house.tell(610, FactBody::Coverage(Span::new(now(300).wall, now(610).wall)));
    let stays: Vec<_> = house.engine.stays().map(|it| it.from.secs() - START).collect();
    assert_eq!(stays, [0], "one stay again");
}

#[test]
fn a_clock_set_forward_by_years_and_back_leaves_the_present_present() {
    const YEARS: i64 = 5 * 365 * 86_400;
    let mut house = House::new();
    house.seen(0).covered(0, 60).seen(60);
    let before = house.drain();
    house.seen(YEARS).covered(YEARS, YEARS + 10);
    house.drain();
    house.engine.handle_timeout(now(70));
    let since = house.engine.poll_history().expect("history must be read again");
    assert!(since < now(0).wall);
    let restored = Restored {
        since,
        frontier: now(YEARS + 10).wall,
        identities: before.identities,
        listeners: before.listeners,
        facts: History { heard: before.heard, coverage: before.coverage, ..History::default() },
        stays: before.stays,
        last_stay: StayId(1),
        ..Restored::default()
    };
    house.engine.handle_restored(restored, now(70));
    assert_eq!(house.engine.poll_history(), None);
    house.seen(80).covered(70, 90).drain();
    let stays: Vec<_> = house.engine.stays().collect();
    assert_eq!(stays.len(), 1);
    assert_eq!((stays[0].from, stays[0].last), (now(0).wall, now(80).wall));
    assert_eq!(house.engine.standing_of(DeviceId(1)).presence, Presence::Present);
}

#[test]
fn a_restart_tells_nothing() {
    for pause in [0, 3600] {
        let mut house = House::new();
        house.seen(0).covered(0, 60).seen(60).wait(65);
        let before = house.drain();
        let states = before.changes.iter().filter(|it| it.kind.bears_state()).cloned().collect();
        let restored = Restored {
            since: Engine::since(&Policy::default(), now(0).wall),
            frontier: before.frontier,
            identities: before.identities,
            listeners: before.listeners,
            facts: History { heard: before.heard, coverage: before.coverage, ..History::default() },
            stays: before.stays,
            states,
            last_stay: StayId(1),
            ..Restored::default()
        };
        house.engine = Engine::new(Policy::default(), restored, now(65 + pause));
        assert_eq!(house.drain().changes, [], "after a pause of {pause} s");
        house.covered(65 + pause, 75 + pause);
        assert_eq!(house.drain().changes, [], "and when it hears again");
    }
}

#[test]
fn who_is_removed_keeps_what_is_recorded_of_them() {
    let mut house = House::new();
    house.seen(0);
    let anna = Edit::AddPerson { name: "anna".to_owned(), display: String::new() };
    house.engine.handle_edit(anna, None, now(1)).unwrap();
    let (device, person) = (DeviceId(1), Some(PersonId(1)));
    let kind = Some(DeviceKind::Phone);
    let phone = Edit::EditDevice { device, name: None, kind, mark: None, carried: None };
    house.engine.handle_edit(phone, None, now(1)).unwrap();
    let hers = Edit::Assign { device, person, from: Time::MIN };
    house.engine.handle_edit(hers, None, now(1)).unwrap();
    house.seen(20).covered(0, 60);
    house.told();
    house.engine.handle_edit(Edit::RemovePerson { person: PersonId(1) }, None, now(60)).unwrap();
    let batch = house.drain();
    let hers: Vec<_> =
        batch.stays.iter().filter(|it| it.subject == Subject::Person(PersonId(1))).collect();
    assert_eq!(hers.iter().map(|it| it.ended).collect::<Vec<_>>(), [Ended::Left]);
    assert_eq!(batch.gone, [], "nothing recorded is unmade");
    house.covered(60, 120).seen(120);
    assert_eq!(house.told(), Vec::<String>::new(), "and nothing more is told of her");
}

#[test]
fn leaving_one_of_two_sites_is_not_being_gone() {
    let mut house = House::new();
    let cabin = Edit::AddPlace { name: "cabin".to_owned(), parent: None };
    house.engine.handle_edit(cabin, None, now(0)).unwrap();
    let there = Edit::PlaceMonitor { monitor: "cabin".to_owned(), place: PlaceId(2) };
    house.engine.handle_edit(there, None, now(0)).unwrap();
    let mut series = Series::default();
    // Heard at both within minutes: the two contradict each other, and both stays go on.
    for at in (0..600).step_by(60) {
        house.listener = Arc::new(Listener::new("hub", SourceKind::Lan, "eth0"));
        house.seen(at).covered(at, at + 60);
        house.listener = Arc::new(Listener::new("cabin", SourceKind::Lan, "eth0"));
        house.seen(at + 1).covered(at, at + 60);
    }
    for at in (600..1800).step_by(60) {
        house.listener = Arc::new(Listener::new("cabin", SourceKind::Lan, "eth0"));
        house.silent(at + 30).covered(at, at + 60);
        house.listener = Arc::new(Listener::new("hub", SourceKind::Lan, "eth0"));
        house.seen(at + 31).covered(at, at + 60);
    }
    let changes = house.drain().changes;
    let left = changes.iter().filter(|it| it.kind == ChangeKind::Left).count();
    assert_eq!(left, 1, "it left the cabin: {changes:?}");
    for (id, change) in (1..).zip(changes) {
        series.apply(&Change { id, ..change });
    }
    assert_eq!(series.devices_here().count(), 1, "and is at home");
}

#[test]
fn a_device_is_added_before_anybody_heard_it_and_a_private_address_never_is_one() {
    let mut house = House::new();
    let add = |identity: &str, name: &str| Edit::AddDevice {
        identity: identity.parse().unwrap(),
        name: name.to_owned(),
    };
    let private = "private:40:01:02:0a:c4:a6";
    for wrong in [add(private, "Anna's phone"), add("irk:6c86d9b76b3f5a75", "\u{200b}")] {
        house.engine.handle_edit(wrong, None, now(1)).unwrap_err();
        assert_eq!(house.engine.snapshot(now(1)).devices.len(), 0);
    }
    let named = |house: &mut House, name: &str| {
        let edit = add("irk:6c86d9b76b3f5a75", name);
        house.engine.handle_edit(edit, None, now(2)).unwrap();
        house.engine.snapshot(now(2)).directory.device(DeviceId(1)).name
    };
    assert_eq!(&*named(&mut house, "Anna's phone"), "Anna's phone");
    // Added again it is the same one, and keeps the name that it has.
    assert_eq!(&*named(&mut house, ""), "Anna's phone");
    let picture = house.engine.snapshot(now(3));
    assert_eq!(picture.devices.len(), 1);
    assert_eq!(picture.devices[0].first_seen, None);
    assert_eq!(house.drain().identities.len(), 1);

    let heard = |identity: &str, at| {
        let sighting =
            Sighting { identity: identity.parse().unwrap(), at: now(at).wall, rssi: None };
        FactBody::Sighting(sighting)
    };
    house.tell(60, heard("irk:6c86d9b76b3f5a75", 60));
    assert_eq!(house.told(), ["device:1 discovered 60", "device:1 arrived 60"]);
    let stranger = Fact { listener: Arc::clone(&house.listener), body: heard(private, 70) };
    let intake = house.engine.handle_facts(vec![stranger], now(70));
    assert_eq!((intake.accepted, intake.refused.len()), (0, 1));
    assert_eq!(house.engine.snapshot(now(70)).devices.len(), 1);
}
