//! What was last sent by whom, for people who ask what an identity is. Decides only what to keep.
//!
//! **Invariant:** at most [`MOST`] identities and [`MOST_OCTETS`] of what they said are kept, those heard
//! last; nothing of it is stored, and nothing is kept under a private address.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use muster_core::broadcast::Broadcast;
use muster_core::identity::Identity;
use muster_wire::bluetooth::advertisement::Event;
use muster_wire::bluetooth::kept;

/// The last broadcasts, shared by the loop that keeps them and the pages that show them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Broadcasts(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    by: BTreeMap<Identity, Said>,
    /// Who was heard when, by a count: the first was heard longest ago.
    order: BTreeMap<u64, Identity>,
    count: u64,
    octets: usize,
}

/// What one identity said.
#[derive(Debug, Default)]
struct Said {
    count: u64,
    /// Its broadcast, and its answer to those who ask for more: a device has both.
    told: Option<Arc<Broadcast>>,
    answered: Option<Arc<Broadcast>>,
}

impl Broadcasts {
    /// Keeps what was said, in the place of what the same identities said before.
    pub(crate) fn keep(&self, all: Vec<Broadcast>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for broadcast in all {
            kept.keep(&Arc::new(broadcast));
        }
    }

    /// What an identity said last, and what it answered last to those who asked for more.
    pub(crate) fn of(&self, identity: &Identity) -> Vec<Arc<Broadcast>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = kept.by.get(identity);
        said.into_iter().flat_map(|it| it.told.iter().chain(&it.answered)).cloned().collect()
    }
}

impl Kept {
    fn keep(&mut self, broadcast: &Arc<Broadcast>) {
        let Some(advertisement) = kept::read(&broadcast.octets) else { return };
        let is_answer = advertisement.kind.event().is_some_and(Event::is_scan_response);
        for identity in &broadcast.identities {
            if matches!(identity, Identity::Private(_)) {
                continue;
            }
            self.count += 1;
            let said = self.by.entry(identity.clone()).or_default();
            self.order.remove(&std::mem::replace(&mut said.count, self.count));
            self.order.insert(self.count, identity.clone());
            let place = if is_answer { &mut said.answered } else { &mut said.told };
            self.octets += broadcast.octets.len();
            if let Some(old) = place.replace(Arc::clone(broadcast)) {
                self.octets -= old.octets.len();
            }
        }
        while self.by.len() > MOST || self.octets > MOST_OCTETS {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            let gone = self.by.remove(&oldest).unwrap_or_default();
            let both = gone.told.iter().chain(&gone.answered);
            self.octets -= both.map(|it| it.octets.len()).sum::<usize>();
        }
    }
}

/// More than are in one building; what is said about each takes some 400 bytes.
const MOST: usize = 4_096;
/// As much as that many say who send 128 octets each, three times what Bluetooth 4 has room for.
const MOST_OCTETS: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use muster_core::fact::{Listener, SourceKind};
    use muster_core::identity::{Mac, TextKind};
    use muster_core::time::Time;
    use muster_wire::bluetooth::advertisement::{Advertisement, Kind};

    use super::*;

    fn said(identities: Vec<Identity>, kind: Event, data: &[u8]) -> Broadcast {
        let listener = Arc::new(Listener::new("hub", SourceKind::Ble, "hci0"));
        let it = Advertisement { kind: Kind::LowEnergy(kind), ..Advertisement::bare(data) };
        kept::broadcast(&it, identities, &listener, Time::from_secs(1))
    }

    fn tag(number: usize) -> Identity {
        Identity::Text(TextKind::Tag, format!("ATT-{number}").into())
    }

    fn data(all: &[Arc<Broadcast>]) -> Vec<Vec<u8>> {
        all.iter().map(|it| kept::read(&it.octets).unwrap().data.to_vec()).collect()
    }

    #[test]
    fn the_last_of_each_is_kept_and_nothing_under_a_private_address() {
        let all = Broadcasts::default();
        let private = Identity::Private(Mac([0x5e, 1, 2, 3, 4, 5]));
        let both = vec![private.clone(), tag(1), tag(2)];
        all.keep(vec![
            said(both, Event::BROADCAST, &[2, 1, 6]),
            said(vec![tag(1)], Event::SCAN_RESPONSE, &[2, 9, b'a']),
            said(vec![tag(1)], Event::CONNECTABLE, &[2, 1, 4]),
        ]);
        assert_eq!(data(&all.of(&tag(1))), [vec![2, 1, 4], vec![2, 9, b'a']]);
        assert_eq!(data(&all.of(&tag(2))), [[2, 1, 6]]);
        assert!(all.of(&private).is_empty());
        assert!(all.of(&tag(3)).is_empty());
    }

    #[test]
    fn what_is_kept_has_bounds_and_the_oldest_goes_first() {
        let all = Broadcasts::default();
        for number in 0..MOST + 10 {
            // The first is heard again and again.
            let who = vec![tag(0), tag(number)];
            all.keep(vec![said(who, Event::BROADCAST, &[2, 1, 6])]);
        }
        let is_there = |number| !all.of(&tag(number)).is_empty();
        assert_eq!([0, 1, 10, 11, MOST + 9].map(is_there), [true, false, false, true, true]);
        let long = [&[0xff, 0xff][..], &[7; 254]].concat().repeat(6);
        for number in 0..1_000 {
            all.keep(vec![said(vec![tag(number)], Event::BROADCAST, &long)]);
        }
        let kept = all.0.lock().unwrap();
        assert!(kept.octets <= MOST_OCTETS && kept.octets > MOST_OCTETS - 2 * long.len());
        assert_eq!(kept.by.len(), kept.order.len());
    }
}
