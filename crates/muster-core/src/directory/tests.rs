//! Stories of the directory: what was edited, and what is then known.

use super::*;
use crate::identity::Identity;

fn directory(edits: impl IntoIterator<Item = Edit>) -> Directory {
    let mut directory = Directory::default();
    for edit in edits {
        directory.apply(edit).unwrap();
    }
    directory
}

fn person_named(name: &str) -> Edit {
    Edit::AddPerson { name: name.to_owned(), display: String::new() }
}

fn place(name: &str) -> Edit {
    Edit::AddPlace { name: name.to_owned(), parent: None }
}

#[test]
fn names_can_be_seen() {
    let mut all = directory([person_named("anna")]);
    let before = all.clone();
    for wrong in ["", " ", "\u{200b}", "\u{3164}", "An\u{e0041}na", "Anna\u{202e}", "a\nb"] {
        let name = wrong.to_owned();
        let device = Edit::EditDevice {
            device: DeviceId(1),
            name: Some(format!("{name}\u{200b}")),
            kind: None,
            mark: None,
            carried: None,
        };
        for edit in [
            Edit::RenamePerson { person: PersonId(1), display: name.clone() },
            Edit::AddPlace { name: name.clone(), parent: None },
            device,
        ] {
            assert!(matches!(all.apply(edit), Err(EditError::Text { .. })), "{wrong:?}");
        }
    }
    assert_eq!(all, before);
    all.apply(Edit::RenamePerson {
        person: PersonId(1), display: "Анна 👩‍🔧".to_owned()
    })
    .unwrap();
}

#[test]
fn the_number_of_somebody_who_was_removed_is_not_given_again() {
    let remove = |id| Edit::RemovePerson { person: PersonId(id) };
    let mut all =
        directory([person_named("anna"), person_named("ben"), remove(2), person_named("clara")]);
    assert_eq!(all.person_named("clara"), Some(PersonId(3)));
    all.apply(remove(1)).unwrap();
    all.apply(remove(3)).unwrap();
    all.apply(person_named("anna")).unwrap();
    assert_eq!(all.person_named("anna"), Some(PersonId(4)));
}

#[test]
fn the_number_of_a_place_that_was_removed_is_not_given_again() {
    let remove = Edit::RemovePlace { place: PlaceId(2) };
    let all = directory([place("attic"), remove, place("cellar")]);
    let cellar = all.places.iter().find(|(_, it)| &*it.name == "cellar");
    assert_eq!(cellar.map(|it| *it.0), Some(PlaceId(3)));
}

fn named(device: u32, name: &str) -> Edit {
    let name = Some(name.to_owned());
    Edit::EditDevice { device: DeviceId(device), name, kind: None, mark: None, carried: None }
}

fn merge(from: u32, into: u32) -> Edit {
    Edit::Merge { from: DeviceId(from), into: DeviceId(into) }
}

#[test]
fn a_merge_is_one_edit_and_is_undone_by_taking_out() {
    let person = Some(PersonId(1));
    let give = Edit::Assign { device: DeviceId(4), person, from: Time::from_secs(7) };
    let before = directory([person_named("anna"), named(4, "old"), give, named(9, "new")]);
    let mut all = before.clone();
    all.apply(merge(5, 4)).unwrap();
    all.apply(merge(4, 9)).unwrap();
    assert_eq!(all.version, before.version + 2);
    assert_eq!(all.identities_of(DeviceId(9)), [9, 4, 5].map(IdentityId));
    assert_eq!(all.identities_of(DeviceId(4)), []);
    assert_eq!(all.device(DeviceId(9)), before.device(DeviceId(9)));
    for id in [4, 5].map(IdentityId) {
        all.apply(Edit::Ungroup { identity: id }).unwrap();
    }
    assert_eq!(Directory { version: before.version, ..all }, before);
}

#[test]
fn a_merge_that_makes_no_sense_changes_nothing() {
    let mut all = directory([merge(2, 1)]);
    let before = all.clone();
    assert_eq!(all.apply(merge(1, 1)), Err(EditError::Itself));
    for gone in [merge(2, 3), merge(3, 2)] {
        let missing = EditError::Missing { what: "device", given: "2".to_owned() };
        assert_eq!(all.apply(gone), Err(missing));
    }
    assert_eq!(all, before);
}

#[test]
fn nobody_is_given_a_device_in_the_future() {
    let latest = Time::from_secs(1_120);
    let from = |s| Edit::Assign { device: DeviceId(1), person: None, from: Time::from_secs(s) };
    assert_eq!(from(1_120).check(latest), Ok(()));
    let ahead = EditError::Ahead { from: Time::from_secs(1_121) };
    assert_eq!(from(1_121).check(latest), Err(ahead));
}

#[test]
fn places_lie_in_each_other_as_deep_as_a_corner_of_a_room() {
    let mut all = Directory::default();
    let inside = |name: usize, parent| Edit::AddPlace { name: format!("p{name}"), parent };
    let mut parent = Directory::FIRST_SITE;
    for depth in 2..=Place::MAX_DEPTH {
        all.apply(inside(depth, Some(parent))).unwrap();
        parent = all.last_place;
        assert_eq!((all.depth_of(parent), all.site_of(parent)), (depth, Directory::FIRST_SITE));
    }
    let deep = EditError::Deep { limit: Place::MAX_DEPTH };
    assert_eq!(all.apply(inside(99, Some(parent))), Err(deep));
}

#[test]
fn a_device_changes_hands_only_when_its_owner_does_and_not_for_ever() {
    let mut all = directory([person_named("anna")]);
    let give = |person, s| Edit::Assign { device: DeviceId(4), person, from: Time::from_secs(s) };
    let anna = Some(PersonId(1));
    for second in [5, 6, 7] {
        all.apply(give(anna, second)).unwrap();
    }
    assert_eq!(all.device(DeviceId(4)).owners.len(), 1);
    let mut owners = [None, anna].into_iter().cycle();
    let full = (8..).find_map(|second| all.apply(give(owners.next()?, second)).err());
    assert_eq!(full, Some(EditError::Full));
    assert_eq!(all.device(DeviceId(4)).owners.len(), Device::MAX_OWNERS);
}

#[test]
fn a_forgotten_device_leaves_what_was_judged_by_it_and_else_nothing() {
    let mut all = directory([person_named("anna")]);
    let at = Time::from_secs(9);
    let name = |device| Edit::EditDevice {
        device,
        name: Some("Phone".into()),
        kind: None,
        mark: None,
        carried: None,
    };
    let (nobodys, annas) = (DeviceId(4), DeviceId(7));
    for edit in [
        name(nobodys),
        name(DeviceId(5)),
        Edit::Merge { from: DeviceId(5), into: nobodys },
        Edit::ForgetDevice { device: nobodys, at },
    ] {
        all.apply(edit).unwrap();
    }
    assert!(all.devices.is_empty() && all.groups.is_empty());
    let anna = Some(PersonId(1));
    for edit in [
        name(annas),
        Edit::Assign { device: annas, person: anna, from: Time::from_secs(5) },
        Edit::Merge { from: DeviceId(8), into: annas },
        Edit::ForgetDevice { device: annas, at },
    ] {
        all.apply(edit).unwrap();
    }
    let device = all.device(annas);
    assert_eq!((&*device.name, device.owner()), ("", None));
    assert_eq!((device.owner_at(Time::from_secs(8)), all.groups.len()), (anna, 1));
    let ahead = Edit::ForgetDevice { device: annas, at }.check(Time::from_secs(8));
    assert_eq!(ahead, Err(EditError::Ahead { from: at }));
}

fn enrol(monitor: &str, token: u8, kinds: Option<&str>) -> Edit {
    Edit::Enrol(Enrol {
        monitor: monitor.to_owned(),
        enrolment: Enrolment {
            token: TokenHash([token; 32]),
            sources: None,
            kinds: kinds.map(|it| vec![it.into()]),
            at: Time::default(),
            revoked: None,
        },
        place: None,
        store: StoreId(token.into()),
    })
}

#[test]
fn a_far_monitor_is_known_by_its_last_token_until_it_is_shut_out() {
    let mut all = directory([enrol("attic", 1, Some("ble")), enrol("cellar", 2, None)]);
    let rights = |all: &Directory, token| all.rights_of(&TokenHash([token; 32]));
    let attic = rights(&all, 1).unwrap();
    assert_eq!((&*attic.monitor, attic.kinds), ("attic", Some(vec!["ble".into()])));
    assert_eq!(rights(&all, 3), None);
    assert_eq!(all.store, Some(StoreId(1)), "the first one stays");
    all.apply(enrol("attic", 3, None)).unwrap();
    assert_eq!(rights(&all, 1), None);
    assert_eq!(&*rights(&all, 3).unwrap().monitor, "attic");
    let revoke = |monitor: &str| Edit::Revoke { monitor: monitor.to_owned(), at: Time::default() };
    all.apply(revoke("attic")).unwrap();
    assert_eq!(rights(&all, 3), None);
    assert!(all.lets_monitors_in(), "the other one");
    all.apply(revoke("cellar")).unwrap();
    assert!(!all.lets_monitors_in());
    assert!(matches!(all.apply(revoke("shed")), Err(EditError::Missing { .. })));
    all.apply(enrol("attic", 4, None)).unwrap();
    assert!(rights(&all, 4).is_some());
    let wrong = all.apply(enrol("a/b", 5, None));
    assert!(matches!(wrong, Err(EditError::MonitorName { .. })));
    let wrong = all.apply(enrol("shed", 5, Some("phone")));
    assert!(matches!(wrong, Err(EditError::UnknownWord { .. })));
    let kinds = Identity::KINDS.map(|it| enrol("shed", 6, Some(it)));
    assert!(kinds.into_iter().all(|it| all.apply(it).is_ok()));
    for number in all.enrolments.len()..Directory::MAX_ENROLMENTS {
        all.apply(enrol(&format!("m{number}"), 7, None)).unwrap();
    }
    assert_eq!(all.apply(enrol("more", 8, None)), Err(EditError::Full));
    all.apply(enrol("shed", 8, None)).unwrap();
}
