//! Stories of who passes under which name, and of what passes with nobody.

use std::sync::Arc;

use muster_core::directory::Edit;
use muster_core::fact::{
    Detail, Level, LevelState, Listener, Outcome, Probe, Sighting, SourceKind,
};
use muster_core::policy::Policy;
use muster_core::span::Span;
use muster_core::time::Time;
use muster_wire::bluetooth::address::{Address, AddressKind};
use muster_wire::bluetooth::advertisement::Advertisement;

use super::*;

const PHONE: &str = "mac:b8:27:eb:01:02:03";
const TAG: &str = "tag:A1";
const DECLARED: &str = "ble:c0:00:00:00:00:09";
const KEY: &str = "irk:6c86d9b76b3f5a75";
const STRANGER: &str = "ble:c0:00:00:00:00:01";

struct Door {
    _data: tempfile::TempDir,
    pseudonyms: Pseudonyms,
    engine: Engine,
}

impl Door {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let settings = PrivacySettings { pseudonyms: true, ..PrivacySettings::default() };
        let declared = BTreeSet::from([DECLARED.parse().unwrap()]);
        let mut pseudonyms = Pseudonyms::of(settings, data.path(), declared).unwrap();
        pseudonyms.turn(now());
        let mut engine = Engine::new(Policy::default(), Restored::default(), now());
        for it in [PHONE, TAG] {
            let add = Edit::AddDevice { identity: it.parse().unwrap(), name: String::new() };
            engine.handle_edit(add, None, now()).unwrap();
        }
        Self { _data: data, pseudonyms, engine }
    }

    /// About whom the facts are that pass.
    fn passes(&mut self, bodies: Vec<FactBody>) -> Vec<Option<String>> {
        let listener = Arc::new(Listener::new("hub", SourceKind::Ble, "hci0"));
        let facts = bodies.into_iter().map(|body| Fact { listener: Arc::clone(&listener), body });
        let facts = self.pseudonyms.mask(facts.collect(), &self.engine);
        facts.iter().map(|it| it.body.identity().map(ToString::to_string)).collect()
    }
}

fn now() -> Now {
    Now { mono: std::time::Duration::ZERO, wall: Time::from_secs(1_772_438_400) }
}

fn sighting(identity: &str) -> FactBody {
    FactBody::Sighting(Sighting { identity: identity.parse().unwrap(), at: now().wall, rssi: None })
}

fn detail(identity: &str, kind: DetailKind) -> FactBody {
    let identity = identity.parse().unwrap();
    FactBody::Detail(Detail { identity, at: now().wall, kind, value: "10.0.0.7".into() })
}

#[test]
fn acquaintances_pass_as_they_are_and_strangers_under_a_pseudonym() {
    let mut door = Door::new();
    let all = [PHONE, TAG, DECLARED, KEY, STRANGER, "mac:c0:00:00:00:00:01", "tag:B2"];
    let passed = door.passes(all.map(sighting).into());
    let passed: Vec<String> = passed.into_iter().flatten().collect();
    assert_eq!(passed[..4], all[..4]);
    assert!(passed[4..].iter().all(|it| it.starts_with("pseudonym:")), "{passed:?}");
    assert_ne!(passed[4], passed[5], "another medium");
    // Whoever pretends to be one is another.
    let pretender = door.passes(vec![sighting(&passed[4])]);
    assert_ne!(pretender[0].as_ref(), Some(&passed[4]));
    // All that is told of a stranger's presence stays.
    let identity: Identity = STRANGER.parse().unwrap();
    let at = now().wall;
    let asked = Probe { identity: identity.clone(), at, outcome: Outcome::Answered };
    let level = Level { identity, at, sequence: 0, state: LevelState::Home };
    let covered = FactBody::Coverage(Span::new(at, at + SECOND));
    let again = door.passes(vec![FactBody::Probe(asked), FactBody::Level(level), covered]);
    assert_eq!(again, [Some(passed[4].clone()), Some(passed[4].clone()), None]);
}

#[test]
fn what_a_stranger_says_of_itself_passes_with_nobody() {
    let mut door = Door::new();
    let kinds = DetailKind::ALL.map(|it| it.1);
    let of = |who: &'static str| kinds.map(|it| detail(who, it)).into();
    assert_eq!(door.passes(of(STRANGER)), []);
    // Whom an acquaintance answers for may be a stranger.
    assert_eq!(door.passes(of(PHONE)), [const { None::<()> }; 4].map(|_| Some(PHONE.to_owned())));
}

#[test]
fn whoever_is_added_is_known_by_its_own_name_and_whoever_is_forgotten_is_a_stranger() {
    let mut door = Door::new();
    let before = door.passes(vec![sighting(STRANGER)]);
    let add = Edit::AddDevice { identity: STRANGER.parse().unwrap(), name: "Keys".to_owned() };
    door.engine.handle_edit(add, None, now()).unwrap();
    assert_eq!(door.passes(vec![sighting(STRANGER)]), [Some(STRANGER.to_owned())]);
    let device = muster_core::identity::DeviceId(3);
    let forget = Edit::ForgetDevice { device, at: now().wall };
    door.engine.handle_edit(forget, None, now()).unwrap();
    assert_eq!(door.passes(vec![sighting(STRANGER)]), before);
}

#[test]
fn what_acquaintances_send_is_kept_without_the_address_of_a_stranger() {
    let mut door = Door::new();
    let listener = Arc::new(Listener::new("hub", SourceKind::Ble, "hci0"));
    let Identity::Ble(mac) = STRANGER.parse().unwrap() else { panic!() };
    let sent = |identities: &[&str]| {
        let it = Advertisement {
            address: Some(Address { kind: AddressKind::RandomStatic, mac }),
            ..Advertisement::bare(&[2, 1, 6])
        };
        let identities = identities.iter().map(|it| it.parse().unwrap()).collect();
        kept::broadcast(&it, identities, &listener, now().wall)
    };
    let all = vec![sent(&[STRANGER]), sent(&[STRANGER, TAG]), sent(&[TAG])];
    let before = all[2].clone();
    let passed = door.pseudonyms.unsign(all, &door.engine);
    assert!(passed.iter().all(|it| it.identities == [TAG.parse().unwrap()]));
    assert_eq!(passed.len(), 2);
    let unsigned = kept::read(&passed[0].octets).unwrap();
    assert_eq!((unsigned.address, unsigned.data), (None, &[2, 1, 6][..]));
    assert!(!passed[0].octets.windows(6).any(|it| it == mac.0));
    assert_eq!(passed[1], before, "its own address");
}

#[test]
fn strangers_of_before_are_counted() {
    let door = Door::new();
    let all = [PHONE, STRANGER, DECLARED, KEY, "pseudonym:1f2e3d4c5b6a7988", "tag:B2"];
    let identities = (1..).map(IdentityId).zip(all.map(|it| it.parse().unwrap())).collect();
    let mut stored = Restored { identities, ..Restored::default() };
    assert_eq!(door.pseudonyms.unmasked(&stored), 3);
    let named = Edit::EditDevice {
        device: IdentityId(1).own_device(),
        name: Some("Printer".to_owned()),
        kind: None,
        mark: None,
        carried: None,
    };
    stored.directory.apply(named).unwrap();
    assert_eq!(door.pseudonyms.unmasked(&stored), 2);
}

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);
