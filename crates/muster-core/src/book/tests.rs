//! Stories of the book: who is taken in, and what is then to be stored.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::batch::Restored;
use crate::fact::{Fact, FactBody, Sighting, SourceKind};
use crate::identity::Mac;
use crate::time::Now;

const DAY: i64 = 86_400;

fn now(s: i64) -> Now {
    let start = Time::from_secs(1_800_000_000);
    let mono = Duration::from_secs(s.unsigned_abs());
    Now { mono, wall: start + mono }
}

fn address(number: u32) -> Identity {
    let [_, a, b, c] = number.to_be_bytes();
    Identity::Mac(Mac([0x02, 0, 0, a, b, c]))
}

/// A book, and a policy with room for 5 identities, 3 of them new in an hour.
struct Door {
    book: Book,
    policy: Policy,
}

impl Door {
    fn new() -> Self {
        let policy = Policy { identities: 5, newcomers: 3, ..Policy::default() };
        Self { book: Book::default(), policy }
    }

    /// A sighting; why it was refused.
    fn hear(&mut self, at: i64, channel: &str, number: u32) -> Option<String> {
        let listener = Arc::new(Listener::new("hub", SourceKind::Lan, channel));
        let sighting = Sighting { identity: address(number), at: now(at).wall, rssi: None };
        let fact = Fact { listener, body: FactBody::Sighting(sighting) };
        let refused = self.book.admit(&fact, now(at), &self.policy);
        if refused.is_none() {
            let id = self.book.identity(&address(number));
            let listener = self.book.listener(&fact.listener);
            self.book.sight(id, listener, now(at).wall, None, &self.policy);
        }
        refused
    }

    /// Which of these sightings are taken.
    fn taken(&mut self, at: i64, channel: &str, numbers: &[u32]) -> Vec<u32> {
        let taken = numbers.iter().filter(|it| self.hear(at, channel, **it).is_none());
        taken.copied().collect()
    }

    fn drain(&mut self) -> Batch {
        let mut batch = Batch::default();
        self.book.drain(&mut batch);
        batch
    }
}

#[test]
fn a_listener_brings_so_many_in_an_hour() {
    let mut door = Door::new();
    assert_eq!(door.taken(0, "eth0", &[1, 2, 3, 4, 1, 2]), [1, 2, 3, 1, 2]);
    assert_eq!(door.taken(10, "eth1", &[4]), [4], "another listener");
    assert_eq!(door.taken(3599, "eth0", &[5, 4]), [4], "who is known is always taken");
    let why = door.hear(3599, "eth0", 6).unwrap();
    assert!(why.contains("3 new devices within an hour") && why.ends_with(": 3"), "{why}");
    assert_eq!(door.taken(3600, "eth0", &[5]), [5]);
}

#[test]
fn there_are_so_many_in_all() {
    let mut door = Door::new();
    door.taken(0, "eth0", &[1, 2, 3]);
    assert_eq!(door.taken(7200, "eth0", &[4, 5, 6, 1]), [4, 5, 1]);
    let why = door.hear(99_999, "eth0", 7).unwrap();
    assert!(why.starts_with("5 devices are known"), "{why}");
    assert_eq!(door.drain().identities.len(), 5);
}

#[test]
fn a_number_is_not_given_again_when_a_store_has_let_go_of_it() {
    let identities = [2, 7].map(|it| (IdentityId(it), address(it))).to_vec();
    let restored = Restored { identities, ..Restored::default() };
    let mut door = Door::new();
    door.book = Book::restore(&restored, Time::MAX, &door.policy);
    door.taken(0, "eth0", &[9, 7]);
    let known: Vec<_> = door.book.entries().map(|(id, it)| (id.0, it.identity.clone())).collect();
    assert_eq!(known, [(2, address(2)), (7, address(7)), (8, address(9))]);
    for (id, identity) in [(1, None), (2, Some(2)), (7, Some(7)), (8, Some(9)), (9, None)] {
        let found = door.book.entry(IdentityId(id)).map(|it| it.identity.clone());
        assert_eq!(found, identity.map(address), "{id}");
    }
}

#[test]
fn who_may_be_forgotten_meanwhile_is_written_again() {
    let mut door = Door::new();
    door.taken(0, "eth0", &[1, 2]);
    door.drain();
    door.taken(14 * DAY, "eth0", &[1]);
    assert_eq!(door.drain().identities, [], "the store still knows it");
    door.taken(30 * DAY, "eth0", &[1]);
    let batch = door.drain();
    assert_eq!(batch.identities, [(IdentityId(1), address(1))]);
    assert_eq!(batch.seen.first().map(|it| it.first), Some(now(0).wall));

    let mut directory = crate::directory::Directory::default();
    directory.devices.insert(IdentityId(2).own_device(), crate::directory::Device::default());
    let frontier = now(30 * DAY).wall;
    let mut batch = Batch { directory: Some(directory), frontier, ..Batch::default() };
    door.book.drain(&mut batch);
    assert_eq!(batch.identities, [(IdentityId(2), address(2))], "somebody speaks of it");
}

#[test]
fn what_is_refused_leaves_nothing_behind() {
    let policy = Policy { identities: 2, ..Policy::default() };
    let frontier = now(0).wall;
    let since = crate::engine::Engine::since(&policy, frontier);
    let restored = Restored { since, frontier, ..Restored::default() };
    let mut engine = crate::engine::Engine::new(policy, restored, now(0));
    let listener = Arc::new(Listener::new("hub", SourceKind::Lan, "eth0"));
    let facts = (1..=9).map(|number| {
        let sighting = Sighting { identity: address(number), at: now(5).wall, rssi: None };
        Fact { listener: Arc::clone(&listener), body: FactBody::Sighting(sighting) }
    });
    let intake = engine.handle_facts(facts.collect(), now(5));
    assert_eq!((intake.accepted, intake.refused.len()), (2, 7));
    let batch = engine.drain();
    assert_eq!((batch.identities.len(), batch.seen.len(), batch.heard.len()), (2, 2, 2));
    assert_eq!(batch.changes.len(), 4, "discovered and arrived, twice");
}
