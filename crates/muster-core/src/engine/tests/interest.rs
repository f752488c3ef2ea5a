//! Stories of the engine's interest: whom a source looks for, and whom first.

use std::sync::Arc;
use std::time::Duration;

use super::{House, device, now};
use crate::directory::Edit;
use crate::fact::{FactBody, Listener, Sighting, SourceKind};
use crate::identity::{DeviceId, Identity, Mac};

#[test]
fn whom_people_described_is_looked_for_before_a_crowd_of_strangers() {
    let mut house = House::new();
    house.seen(100);
    for last in 0..100 {
        let identity = Identity::Mac(Mac([2, 0, 0, 0, 0, last]));
        let sighting = Sighting { identity, at: now(0).wall, rssi: None };
        house.tell(100, FactBody::Sighting(sighting));
    }
    let name = Some("Anna's phone".to_owned());
    let named =
        Edit::EditDevice { device: DeviceId(1), name, kind: None, mark: None, carried: None };
    house.engine.handle_edit(named, None, now(100)).unwrap();
    let interest = house.engine.interest("hub", SourceKind::Lan, now(101));
    assert_eq!(interest.len(), 101);
    assert!(interest[0].described && interest[0].identity == device());
    assert!(interest[1..].iter().all(|it| !it.described && it.due <= interest[0].due));
}

#[test]
fn a_phone_that_only_people_know_of_is_looked_for_where_its_address_is_enough() {
    let mut house = House::new();
    for identity in ["bt:00:1a:7d:00:00:01", "irk:6c86d9b76b3f5a75"] {
        let add =
            Edit::AddDevice { identity: identity.parse().unwrap(), name: "Anna's".to_owned() };
        house.engine.handle_edit(add, None, now(100)).unwrap();
    }
    assert_eq!(house.engine.interest("hub", SourceKind::Lan, now(101)), []);
    let interest = house.engine.interest("hub", SourceKind::Classic, now(101));
    assert_eq!(interest.len(), 1, "a key alone cannot be paged");
    let it = &interest[0];
    assert_eq!(it.identity.to_string(), "bt:00:1a:7d:00:00:01");
    assert!(it.described && !it.present && it.due <= now(101).wall, "at once");

    house.listener = Arc::new(Listener::new("hub", SourceKind::Classic, "hci0"));
    let sighting = Sighting { identity: it.identity.clone(), at: now(110).wall, rssi: None };
    house.tell(110, FactBody::Sighting(sighting));
    assert!(house.engine.interest("hub", SourceKind::Classic, now(111))[0].present);
}

/// However short a patience somebody configures, its misses fit into it.
#[test]
fn the_impatient_are_asked_as_often_as_they_need() {
    for (away_after, misses, every) in [(300, 5, 45), (60, 2, 20), (30, 2, 10), (3600, 1, 45)] {
        let mut house = House::new();
        house.engine.policy.lan_other.away_after = Duration::from_secs(away_after);
        house.engine.policy.lan_other.misses = misses;
        house.seen(100);
        let interest = house.engine.interest("hub", SourceKind::Lan, now(101));
        assert_eq!(interest[0].due, now(100 + every).wall, "{away_after} s, {misses} misses");
    }
}
