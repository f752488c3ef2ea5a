//! Stories of acquaintances and of those whom nobody can describe.

use super::{House, now};
use crate::directory::{Edit, EditError};
use crate::engine::EditRefused;
use crate::fact::{FactBody, Sighting, SourceKind};
use crate::identity::{DeviceId, Identity, IdentityId, PersonId};
use crate::time::Time;

fn heard(identity: &str) -> FactBody {
    let identity = identity.parse().unwrap();
    FactBody::Sighting(Sighting { identity, at: now(100).wall, rssi: None })
}

fn named(device: u32, name: &str) -> Edit {
    let name = Some(name.to_owned());
    Edit::EditDevice { device: DeviceId(device), name, kind: None, mark: None, carried: None }
}

fn given(device: u32, person: Option<u32>, second: i64) -> Edit {
    let person = person.map(PersonId);
    Edit::Assign { device: DeviceId(device), person, from: now(second).wall }
}

#[track_caller]
fn knows(house: &House, want: &[&str]) {
    let all: Vec<String> = house.engine.acquaintances().iter().map(Identity::to_string).collect();
    assert_eq!(all, want);
}

#[test]
fn whoever_is_spoken_of_is_known_until_that_is_taken_back() {
    let mut house = House::new();
    let (phone, tag, printer) = ("ble:c0:00:00:00:00:01", "tag:A1", "mac:b8:27:eb:01:02:03");
    for it in [phone, tag, printer] {
        house.tell(100, heard(it));
    }
    knows(&house, &[]);
    let edit = |house: &mut House, it| house.engine.handle_edit(it, None, now(100)).map(drop);
    edit(&mut house, named(3, "Printer")).unwrap();
    knows(&house, &[printer]);
    edit(&mut house, named(3, "")).unwrap();
    knows(&house, &[printer]);
    edit(&mut house, Edit::ForgetDevice { device: DeviceId(3), at: now(100).wall }).unwrap();
    knows(&house, &[]);
    // Two that are one: each of them is known.
    edit(&mut house, Edit::Merge { from: DeviceId(2), into: DeviceId(1) }).unwrap();
    knows(&house, &[phone, tag]);
    edit(&mut house, Edit::Ungroup { identity: IdentityId(2) }).unwrap();
    knows(&house, &[]);
    // Somebody's; who had it stays on record when it is nobody's, and it is a stranger again.
    edit(&mut house, Edit::AddPerson { name: "anna".to_owned(), display: String::new() }).unwrap();
    edit(&mut house, given(1, Some(1), 50)).unwrap();
    knows(&house, &[phone]);
    edit(&mut house, given(1, None, 90)).unwrap();
    knows(&house, &[]);
    edit(&mut house, given(1, Some(1), 95)).unwrap();
    knows(&house, &[phone]);
    edit(&mut house, Edit::RemovePerson { person: PersonId(1) }).unwrap();
    knows(&house, &[]);
    // Added by its address, without a name.
    let watch = "irk:6c86d9b76b3f5a75";
    let add = Edit::AddDevice { identity: watch.parse().unwrap(), name: String::new() };
    edit(&mut house, add).unwrap();
    knows(&house, &[watch]);
}

#[test]
fn a_pseudonym_is_described_by_nobody() {
    let mut house = House::new();
    house.tell(100, heard("pseudonym:1f2e3d4c5b6a7988"));
    house.tell(100, heard("mac:b8:27:eb:01:02:03"));
    let identity: Identity = "pseudonym:0000000000000001".parse().unwrap();
    for edit in [
        Edit::AddDevice { identity, name: "Anna's".to_owned() },
        named(1, "Anna's"),
        given(1, None, 0),
        Edit::Merge { from: DeviceId(1), into: DeviceId(2) },
        Edit::Merge { from: DeviceId(2), into: DeviceId(1) },
    ] {
        let said = house.engine.handle_edit(edit.clone(), None, now(100));
        assert_eq!(said, Err(EditRefused::Wrong(EditError::Pseudonym)), "{edit:?}");
    }
    let said = EditError::Pseudonym.to_string();
    for kind in ["mac", "ble", "bt", "ibeacon", "altbeacon", "eddystone", "tag", "name"] {
        assert!(said.contains(&format!("{kind}:")), "{said}");
    }
    knows(&house, &[]);
    let forget = Edit::ForgetDevice { device: DeviceId(1), at: Time::default() };
    house.engine.handle_edit(forget, None, now(100)).unwrap();
}

#[test]
fn whoever_cannot_be_asked_leaves_after_longer_listening() {
    let mut house = House::new();
    house.tell(100, heard("pseudonym:1f2e3d4c5b6a7988")).covered(100, 1_890);
    assert_eq!(house.engine.interest("hub", SourceKind::Lan, now(101)), []);
    assert_eq!(house.told(), ["device:1 discovered 100", "device:1 arrived 100"]);
    house.covered(1_890, 1_900);
    assert_eq!(house.told(), ["device:1 left 100"]);
}
