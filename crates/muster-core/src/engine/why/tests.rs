//! What is said about a verdict, told as what was heard before.

use std::sync::Arc;

use crate::batch::Restored;
use crate::directory::{DeviceKind, Edit, Mark, Override};
use crate::fact::{Fact, FactBody, Listener, Outcome, Probe, Sighting, SourceKind};
use crate::identity::{Identity, Mac};
use crate::policy::Policy;
use crate::time::Time;

use super::*;

const ANNA: Subject = Subject::Person(PersonId(1));
const PHONE: Subject = Subject::Device(DeviceId(1));

#[test]
fn a_person_without_devices_and_one_with_nothing_carried_are_told_apart() {
    let mut house = House::new();
    house.seen(1, 0).covered(0, 10);
    house.edit(Edit::AddPerson { name: "anna".into(), display: String::new() });
    assert!(house.why(ANNA).rule.starts_with("no device is theirs"), "{:?}", house.why(ANNA));
    house.assign(1);
    let rule = house.why(ANNA).rule;
    assert!(rule.contains("nothing that people carry") && rule.contains("device 1 is"), "{rule}");
    house.is_a(1, DeviceKind::Watch);
    assert_eq!(house.why(ANNA).rule, "a device that they carry is here; one is enough");
}

#[test]
fn what_is_ignored_is_not_judged() {
    let mut house = House::new();
    house.seen(1, 0).covered(0, 10);
    let mark = Some(Mark::Ignored);
    let device = DeviceId(1);
    house.edit(Edit::EditDevice { device, name: None, kind: None, mark, carried: None });
    house.seen(1, 20).covered(10, 30);
    let why = house.why(PHONE);
    assert_eq!(why.rule, "you said to ignore it, so it is not judged");
    assert_eq!(why.next, []);
}

#[test]
fn what_is_missing_agrees_with_the_lines_beside_it() {
    let mut house = House::new();
    house.seen(1, 0).covered(0, 60).silent(1, 40).silent(1, 50).covered(60, 120).silent(1, 100);
    let why = house.why(PHONE);
    let [line] = why.evidence.as_slice() else { panic!("{why:?}") };
    let [next] = why.next.as_slice() else { panic!("{why:?}") };
    assert_eq!((line.silence.as_secs(), line.misses), (120, 3), "{line:?}");
    assert_eq!(line.silence + next.silence, line.away_after);
    assert_eq!(line.misses + next.misses, line.misses_needed);
}

#[test]
fn who_never_said_that_it_listens_is_not_said_to_listen() {
    let mut house = House::new();
    house.seen(1, 0).seen(1, 40);
    let why = house.why(PHONE);
    let [line] = why.evidence.as_slice() else { panic!("{why:?}") };
    assert!(!line.covered && line.asking, "{line:?}");
    house.covered(0, 60);
    assert!(house.why(PHONE).evidence[0].covered);
}

#[test]
fn an_absent_device_shows_what_it_missed() {
    let mut house = House::new();
    house.seen(1, 0);
    for at in (30..=330).step_by(30) {
        house.covered(at - 30, at).silent(1, at);
    }
    let why = house.why(PHONE);
    assert_eq!(why.standing.presence, Presence::Away);
    assert_eq!(why.rule, "it fell silent while everybody who could hear it was listening");
    assert!(why.evidence.iter().all(|it| it.misses >= 5), "{:?}", why.evidence);
    assert_eq!(why.next, []);
}

#[test]
fn every_carried_device_is_listed_and_none_while_somebody_set_it_by_hand() {
    let mut house = House::new();
    house.seen(1, 0).seen(2, 0).covered(0, 60);
    house.edit(Edit::AddPerson { name: "anna".into(), display: String::new() });
    for number in [1, 2] {
        house.is_a(number, DeviceKind::Watch).assign(number);
    }
    let devices: Vec<_> = house.why(ANNA).next.iter().map(|it| it.device.0).collect();
    assert_eq!(devices, [1, 2]);
    let (at, until) = (now(60).wall, now(600).wall);
    let set = Override { home: false, at, until, by: "a guest".into() };
    house.edit(Edit::Override { person: PersonId(1), set });
    house.covered(60, 70);
    let why = house.why(ANNA);
    assert_eq!((why.next.len(), why.until), (0, Some(until)), "{why:?}");
    assert_eq!(why.rule, "set to away by a guest, whatever the devices say");
}

/// A house with one listener, the last time told, and devices by number.
struct House {
    engine: Engine,
    at: i64,
}

impl House {
    fn new() -> Self {
        let since = Engine::since(&Policy::default(), now(0).wall);
        let restored = Restored { since, frontier: now(0).wall, ..Restored::default() };
        Self { engine: Engine::new(Policy::default(), restored, now(0)), at: 0 }
    }

    fn tell(&mut self, at: i64, body: FactBody) -> &mut Self {
        self.at = self.at.max(at);
        let listener = Arc::new(Listener::new("hub", SourceKind::Lan, "eth0"));
        let intake = self.engine.handle_facts(vec![Fact { listener, body }], now(self.at));
        assert_eq!(intake.refused, []);
        self
    }

    fn seen(&mut self, device: u8, at: i64) -> &mut Self {
        let sighting = Sighting { identity: identity(device), at: now(at).wall, rssi: None };
        self.tell(at, FactBody::Sighting(sighting))
    }

    fn silent(&mut self, device: u8, at: i64) -> &mut Self {
        let outcome = Outcome::Silent;
        let probe = Probe { identity: identity(device), at: now(at).wall, outcome };
        self.tell(at, FactBody::Probe(probe))
    }

    fn covered(&mut self, from: i64, to: i64) -> &mut Self {
        self.tell(to, FactBody::Coverage(Span::new(now(from).wall, now(to).wall)))
    }

    fn edit(&mut self, edit: Edit) -> &mut Self {
        self.engine.handle_edit(edit, None, now(self.at)).unwrap();
        self
    }

    fn is_a(&mut self, device: u32, kind: DeviceKind) -> &mut Self {
        let device = DeviceId(device);
        let kind = Some(kind);
        self.edit(Edit::EditDevice { device, name: None, kind, mark: None, carried: None })
    }

    fn assign(&mut self, device: u32) -> &mut Self {
        let (device, person) = (DeviceId(device), Some(PersonId(1)));
        self.edit(Edit::Assign { device, person, from: now(0).wall })
    }

    fn why(&mut self, subject: Subject) -> Why {
        self.engine.handle_timeout(now(self.at));
        self.engine.why(subject, now(self.at)).unwrap()
    }
}

fn now(s: i64) -> Now {
    let wall = Time::from_secs(1_800_000_000 + s);
    Now { mono: Duration::from_secs(s.unsigned_abs()), wall }
}

fn identity(device: u8) -> Identity {
    Identity::Mac(Mac([0xb8, 0x27, 0xeb, 1, 2, device]))
}
