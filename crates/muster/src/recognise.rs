//! Puts somebody behind a private address, before anything is judged: the identity of its key where
//! one resolves it. All others are strangers, of whom only the number is known, for some minutes.
//!
//! **Invariant:** no private address passes, so that none reaches the engine, the store or a page;
//! memory is bounded whatever is heard.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use muster_core::broadcast::Broadcast;
use muster_core::fact::{Fact, Listener};
use muster_core::identity::{Identity, Mac};
use muster_core::time::Now;
use muster_wire::bluetooth::key::{Irk, KeyId};
use muster_wire::bluetooth::resolve::Resolver;
use tracing::warn;

/// Facts about those who are known, and who was heard besides.
#[derive(Debug, Default)]
pub(crate) struct Recognised {
    /// Facts without private addresses.
    pub(crate) facts: Vec<Fact>,
    /// Private addresses that no key resolves, as often as facts spoke of them.
    pub(crate) strangers: Vec<(Arc<Listener>, Mac)>,
}

/// Tries the keys on every private address that facts are about.
pub(crate) fn recognise(keys: &mut Resolver, facts: Vec<Fact>) -> Recognised {
    let private = |it: &Fact| match it.body.identity() {
        Some(Identity::Private(address)) => Some(*address),
        Some(_) | None => None,
    };
    let addresses: Vec<Mac> = facts.iter().filter_map(private).collect();
    if addresses.is_empty() {
        return Recognised { facts, strangers: Vec::new() };
    }
    let mut answers = keys.resolve_all(&addresses).into_iter();
    let mut all = Recognised::default();
    for mut fact in facts {
        if let Some(address) = private(&fact) {
            let Some(id) = answers.next().flatten() else {
                all.strangers.push((fact.listener, address));
                continue;
            };
            if let Some(identity) = fact.body.identity_mut() {
                *identity = id.identity();
            }
        }
        all.facts.push(fact);
    }
    all
}

/// The hub's own: its keys, and how many strangers are about.
#[derive(Debug, Default)]
pub(crate) struct Recogniser {
    keys: Resolver,
    strangers: Strangers,
}

impl Recogniser {
    /// With these keys.
    pub(crate) fn new(keys: Resolver) -> Self {
        Self { keys, strangers: Strangers::default() }
    }

    /// Takes one more.
    pub(crate) fn add(&mut self, key: &Irk) {
        if !self.keys.add(key) {
            warn!("a key is not tried: there are {} already", Resolver::MOST_KEYS);
        }
    }

    /// Lets go of one.
    pub(crate) fn remove(&mut self, key: KeyId) {
        self.keys.remove(key);
    }

    /// The keys whose order of octets was found since the last time, and whether it is the other one
    /// than that in which they were given.
    pub(crate) fn take_found(&mut self) -> Vec<(KeyId, bool)> {
        self.keys.take_found()
    }

    /// The facts without private addresses.
    pub(crate) fn recognise(&mut self, facts: Vec<Fact>, now: Now) -> Vec<Fact> {
        let Recognised { facts, strangers } = recognise(&mut self.keys, facts);
        self.strangers.note(&strangers, now);
        facts
    }

    /// The same of facts that a far monitor kept: nobody in them was heard lately.
    pub(crate) fn recognise_kept(&mut self, facts: Vec<Fact>) -> Vec<Fact> {
        recognise(&mut self.keys, facts).facts
    }

    /// What was sent by whoever is known, under the identities of facts; what only strangers sent is
    /// dropped.
    pub(crate) fn name(&mut self, mut all: Vec<Broadcast>) -> Vec<Broadcast> {
        for broadcast in &mut all {
            broadcast.identities.retain_mut(|it| {
                let Identity::Private(address) = it else { return true };
                self.keys.resolve(*address).is_some_and(|id| {
                    *it = id.identity();
                    true
                })
            });
        }
        all.retain(|it| !it.identities.is_empty());
        all
    }

    /// Where strangers are counted.
    pub(crate) fn strangers(&self) -> Strangers {
        self.strangers.clone()
    }
}

/// How many strangers each listener heard lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strangers(Arc<Mutex<BTreeMap<Listener, Heard>>>);

/// Addresses, and when each was heard last on the monotonic clock.
type Heard = HashMap<Mac, Duration>;

impl Strangers {
    /// Notes who was heard.
    pub(crate) fn note(&self, strangers: &[(Arc<Listener>, Mac)], now: Now) {
        if strangers.is_empty() {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (listener, address) in strangers {
            if !all.contains_key(&**listener) {
                if all.len() >= MOST_LISTENERS {
                    continue;
                }
                all.insert(Listener::clone(listener), Heard::new());
            }
            let Some(heard) = all.get_mut(&**listener) else { continue };
            if heard.len() >= MOST_STRANGERS && !heard.contains_key(address) {
                forget(heard, now);
                if heard.len() >= MOST_STRANGERS {
                    continue;
                }
            }
            heard.insert(*address, now.mono);
        }
    }

    /// How many different private addresses without a key each listener heard in the last
    /// [`LATELY`]; at most [`MOST_STRANGERS`] are counted. A listener that never heard one is left out.
    pub(crate) fn counts(&self, now: Now) -> BTreeMap<Listener, usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = all.iter_mut().map(|(listener, heard)| {
            forget(heard, now);
            (listener.clone(), heard.len())
        });
        counted.collect()
    }
}

fn forget(heard: &mut Heard, now: Now) {
    heard.retain(|_, at| now.mono.saturating_sub(*at) < LATELY);
}

/// Shorter than devices keep a private address, which is 15 minutes by default (Core Specification,
/// Vol 3, Part C, Appendix A): most are counted once.
const LATELY: Duration = Duration::from_mins(5);
/// More are not counted: some hundred kilobytes of them.
const MOST_STRANGERS: usize = 10_000;
/// More than adapters fit into a machine.
const MOST_LISTENERS: usize = 64;

#[cfg(test)]
mod tests {
    use muster_core::fact::{Detail, DetailKind, FactBody, Sighting, SourceKind};
    use muster_core::time::Time;

    use super::*;

    fn now(seconds: u64) -> Now {
        let mono = Duration::from_secs(seconds);
        Now { mono, wall: Time::default() + mono }
    }

    fn listener(channel: &str) -> Arc<Listener> {
        Arc::new(Listener::new("hub", SourceKind::Ble, channel))
    }

    #[test]
    fn who_is_known_passes_under_the_name_of_the_key_and_nobody_else_hidden() {
        let irk = Irk::read(b"ec0234a357c8ad05341010a60a397d9b").unwrap();
        let mut keys = Resolver::default();
        keys.add(&irk);
        let fact = |identity: &str, detail: bool| {
            let (identity, at) = (identity.parse().unwrap(), Time::default());
            let body = if detail {
                let kind = DetailKind::Hostname;
                FactBody::Detail(Detail { identity, at, kind, value: "Anna".into() })
            } else {
                FactBody::Sighting(Sighting { identity, at, rssi: None })
            };
            Fact { listener: listener("hci0"), body }
        };
        let (hers, others) = ("private:70:81:94:0d:fb:aa", "private:70:81:94:0d:fb:ab");
        let facts = vec![
            fact(hers, false),
            fact("ble:c0:00:00:00:00:01", false),
            fact(others, true),
            fact(hers, true),
            fact(others, false),
        ];
        let it = recognise(&mut keys, facts);
        let who: Vec<String> =
            it.facts.iter().filter_map(|it| Some(it.body.identity()?.to_string())).collect();
        let phone = irk.id().identity().to_string();
        assert_eq!(who, [phone.as_str(), "ble:c0:00:00:00:00:01", &phone]);
        let strangers: Vec<Mac> = it.strangers.iter().map(|it| it.1).collect();
        assert_eq!(strangers, ["70:81:94:0d:fb:ab".parse().unwrap(); 2]);
    }

    #[test]
    fn what_was_sent_goes_on_under_the_name_of_the_key_and_what_strangers_sent_does_not() {
        let irk = Irk::read(b"ec0234a357c8ad05341010a60a397d9b").unwrap();
        let mut recogniser = Recogniser::default();
        recogniser.add(&irk);
        let sent = |identities: &[&str]| Broadcast {
            listener: listener("hci0"),
            identities: identities.iter().map(|it| it.parse().unwrap()).collect(),
            at: Time::default(),
            rssi: None,
            octets: Box::default(),
        };
        let (hers, others) = ("private:70:81:94:0d:fb:aa", "private:70:81:94:0d:fb:ab");
        let named = recogniser.name(vec![sent(&[hers]), sent(&[others]), sent(&[others, "tag:A"])]);
        let who = named.iter().map(|it| it.identities.iter().map(ToString::to_string).collect());
        let phone = irk.id().identity().to_string();
        assert_eq!(who.collect::<Vec<Vec<_>>>(), [[phone], ["tag:A".to_owned()]]);
    }

    #[test]
    fn strangers_are_counted_for_five_minutes_and_up_to_a_bound() {
        let strangers = Strangers::default();
        let mac = |number: usize| {
            let [.., a, b, c] = number.to_be_bytes();
            Mac([0x40, 0, 0, a, b, c])
        };
        let (attic, cellar) = (listener("attic"), listener("cellar"));
        let many: Vec<_> =
            (0..2 * MOST_STRANGERS).map(|it| (Arc::clone(&attic), mac(it))).collect();
        strangers.note(&many, now(0));
        strangers.note(&[(Arc::clone(&cellar), mac(1)), (Arc::clone(&cellar), mac(1))], now(200));
        let counts = |seconds| -> Vec<(String, usize)> {
            let all = strangers.counts(now(seconds)).into_iter();
            all.map(|(listener, count)| (listener.channel.to_string(), count)).collect()
        };
        let want = |attic, cellar| vec![("attic".to_owned(), attic), ("cellar".to_owned(), cellar)];
        assert_eq!(counts(299), want(MOST_STRANGERS, 1));
        assert_eq!(counts(300), want(0, 1));
        strangers.note(&[(attic, mac(7))], now(499));
        assert_eq!(counts(500), want(1, 0));
    }
}
