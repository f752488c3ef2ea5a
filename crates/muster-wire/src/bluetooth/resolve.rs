//! Whose a resolvable private address is: the devices whose keys are known, found again behind
//! addresses that change every few minutes.
//!
//! An address tells whose it is only to whoever tries the right key on it (Core Specification, Vol 3,
//! Part H, 2.2.2, `ah`), so a new address costs one block of AES for each key, and two until the key's
//! order of octets is found. What came of it is remembered. **Invariant:** memory is bounded by the
//! number of keys, whatever is heard, and what an address resolves to does not depend on the order in
//! which keys came.

mod cache;

use std::fmt;

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _, consts::U16};
use muster_core::identity::Mac;

use super::address::{Address, AddressKind};
use super::key::{Irk, KeyId};
use cache::{Cache, Slot, Verdict};

/// Keys, and what they made of addresses.
#[derive(Default)]
pub struct Resolver {
    /// By id.
    keys: Vec<Key>,
    /// What is tried, by the number of the key in `keys`.
    schedules: Vec<(Slot, Aes128Enc)>,
    verdicts: Cache,
    /// Keys whose order of octets was found, and not told yet; and whether it is the other one.
    found: Vec<(KeyId, bool)>,
}

/// What is known of a key.
struct Key {
    id: KeyId,
    forwards: Way,
    backwards: Way,
}

/// A key in one order of octets.
struct Way {
    /// None: it is not this one.
    schedule: Option<Aes128Enc>,
    /// How many addresses it resolved, and the last of them.
    resolved: u32,
    last: Option<Mac>,
}

impl Resolver {
    /// The most keys: a new address costs so many blocks, twice.
    pub const MOST_KEYS: usize = 4_096;

    /// Takes a key; false: there are [`Self::MOST_KEYS`] others. One that is there already, in either
    /// order of octets, stays as it is.
    pub fn add(&mut self, key: &Irk) -> bool {
        self.insert(key, false)
    }

    /// Takes a key of which the order of octets is known, because it was found before: half as much is
    /// tried.
    pub fn add_ordered(&mut self, key: &Irk) -> bool {
        self.insert(key, true)
    }

    /// The keys whose order of octets was found since the last time; `true`: the other one than that in
    /// which the key was given.
    pub fn take_found(&mut self) -> Vec<(KeyId, bool)> {
        std::mem::take(&mut self.found)
    }

    fn insert(&mut self, key: &Irk, is_ordered: bool) -> bool {
        let id = key.id();
        let Err(place) = self.keys.binary_search_by_key(&id, |it| it.id) else { return true };
        if self.keys.len() >= Self::MOST_KEYS {
            return false;
        }
        let backwards = key.backwards();
        let is_same = *backwards == *key.octets();
        self.keys.insert(
            place,
            Key {
                id,
                forwards: Way::new(Some(key.octets())),
                backwards: Way::new((!is_same && !is_ordered).then_some(&backwards)),
            },
        );
        self.prepare();
        true
    }

    /// Lets go of a key; whether it was there.
    pub fn remove(&mut self, id: KeyId) -> bool {
        let Ok(place) = self.keys.binary_search_by_key(&id, |it| it.id) else { return false };
        self.keys.remove(place);
        self.prepare();
        true
    }

    /// Whose each address is: none for one that no key resolves or that is not resolvable. Many at once
    /// are faster than one by one. Of several keys that resolve an address, which happens by chance
    /// once in 2^24, it is the one with the smallest id.
    pub fn resolve_all(&mut self, addresses: &[Mac]) -> Vec<Option<KeyId>> {
        let mut found = Vec::with_capacity(addresses.len());
        for some in addresses.chunks(AT_ONCE) {
            self.resolve_some(some, &mut found);
        }
        found
    }

    /// Whose an address is.
    pub fn resolve(&mut self, address: Mac) -> Option<KeyId> {
        self.resolve_all(&[address]).pop().flatten()
    }

    fn resolve_some(&mut self, addresses: &[Mac], found: &mut Vec<Option<KeyId>>) {
        let mut new: Vec<Mac> = Vec::new();
        let from = found.len();
        let mut asked = Vec::new();
        for address in addresses.iter().copied() {
            if self.keys.is_empty() || !is_resolvable(address) {
                found.push(None);
                continue;
            }
            let known = self.verdicts.get(address).filter(|it| self.holds(*it));
            if known.is_none() {
                asked.push((found.len(), new.len()));
                new.push(address);
            }
            found.push(known.flatten().and_then(|it| self.keys.get(it.number())).map(|it| it.id));
        }
        debug_assert!(found.len() == from + addresses.len(), "one answer for each address");
        let verdicts = self.search(&new);
        for (address, verdict) in new.iter().zip(&verdicts) {
            self.verdicts.insert(*address, *verdict);
        }
        for (place, number) in asked {
            let verdict = verdicts.get(number).copied().flatten();
            let id = verdict.and_then(|it| self.keys.get(it.number())).map(|it| it.id);
            if let Some(answer) = found.get_mut(place) {
                *answer = id;
            }
        }
        for (address, verdict) in new.into_iter().zip(verdicts) {
            if let Some(slot) = verdict {
                self.learn(address, slot);
            }
        }
    }

    /// Whether what was found of an address still stands: not what a wrong order of octets resolved.
    fn holds(&self, verdict: Verdict) -> bool {
        verdict.is_none_or(|it| self.keys.get(it.number()).is_some_and(|key| key.has(it)))
    }

    /// Tries every key on every address.
    fn search(&self, addresses: &[Mac]) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = vec![None; addresses.len()];
        let blocks: Vec<Block> = addresses.iter().map(|it| block(*it)).collect();
        let mut hashed = blocks.clone();
        let wanted: Vec<u32> = addresses.iter().map(|it| hash(*it)).collect();
        if addresses.is_empty() {
            return verdicts;
        }
        for (slot, schedule) in &self.schedules {
            // As many as there are, they are encrypted in one go: lengths are the same.
            if schedule.encrypt_blocks_b2b(&blocks, &mut hashed).is_err() {
                continue;
            }
            for ((verdict, hashed), wanted) in verdicts.iter_mut().zip(&hashed).zip(&wanted) {
                if last_three(hashed) == *wanted && verdict.is_none() {
                    *verdict = Some(*slot);
                }
            }
        }
        verdicts
    }

    /// Notes which order of octets resolved an address. Once one has resolved [`SURE`] more than the
    /// other, the other is given up: one alone may have been chance.
    fn learn(&mut self, address: Mac, slot: Slot) {
        let Some(key) = self.keys.get_mut(slot.number()) else { return };
        let (way, other) = if slot.is_backwards() {
            (&mut key.backwards, &mut key.forwards)
        } else {
            (&mut key.forwards, &mut key.backwards)
        };
        if way.last.replace(address) == Some(address) {
            return;
        }
        way.resolved = way.resolved.saturating_add(1);
        if other.schedule.is_some() && way.resolved >= other.resolved.saturating_add(SURE) {
            other.schedule = None;
            self.found.push((key.id, slot.is_backwards()));
            self.schedules = schedules(&self.keys);
        }
    }

    /// Makes ready for other keys than before: what they made of addresses says nothing any more.
    fn prepare(&mut self) {
        self.schedules = schedules(&self.keys);
        self.verdicts.clear();
    }
}

impl Key {
    fn has(&self, slot: Slot) -> bool {
        let way = if slot.is_backwards() { &self.backwards } else { &self.forwards };
        way.schedule.is_some()
    }
}

impl Way {
    fn new(octets: Option<&[u8; 16]>) -> Self {
        let schedule = octets.map(|it| Aes128Enc::new(it.into()));
        Self { schedule, resolved: 0, last: None }
    }
}

/// Says how many keys there are, and nothing of them.
impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

type Block = Array<u8, U16>;

fn schedules(keys: &[Key]) -> Vec<(Slot, Aes128Enc)> {
    let numbered = (0..).zip(keys);
    let ways = numbered.flat_map(|(number, key)| {
        [(Slot::new(number, false), &key.forwards), (Slot::new(number, true), &key.backwards)]
    });
    ways.filter_map(|(slot, way)| Some((slot, way.schedule.clone()?))).collect()
}

fn is_resolvable(address: Mac) -> bool {
    Address::low_energy(address, true).kind == AddressKind::Resolvable
}

/// What is encrypted: the upper half of the address behind zeros.
fn block(Mac([a, b, c, ..]): Mac) -> Block {
    Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c])
}

/// What has to come of it: the lower half.
fn hash(Mac([.., a, b, c]): Mac) -> u32 {
    u32::from_be_bytes([0, a, b, c])
}

fn last_three(Array([.., a, b, c]): &Block) -> u32 {
    u32::from_be_bytes([0, *a, *b, *c])
}

/// So many addresses under one key at a time keep the processor's AES unit busy and fit its nearest
/// cache.
const AT_ONCE: usize = 64;
/// Two addresses that both resolve by chance are seen once in 2^48.
const SURE: u32 = 2;

#[cfg(test)]
mod tests;
