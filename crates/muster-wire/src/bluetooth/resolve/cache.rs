//! What came of the addresses tried last, in bounded memory.
//!
//! Two halves: whoever is asked for moves into the young one, and when that is full it becomes the old
//! one, whose addresses are forgotten. So an address that is heard is not forgotten, and each costs the
//! same, however many there are.

use std::collections::HashMap;

use muster_core::identity::Mac;

/// What came of an address: the key that resolves it, if one does.
pub(super) type Verdict = Option<Slot>;

/// A key by its number, in one order of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    number: u16,
    backwards: bool,
}

/// Verdicts on addresses.
#[derive(Debug, Default)]
pub(super) struct Cache {
    young: HashMap<Mac, Verdict>,
    old: HashMap<Mac, Verdict>,
}

impl Slot {
    pub(super) const fn new(number: u16, backwards: bool) -> Self {
        Self { number, backwards }
    }

    pub(super) fn number(self) -> usize {
        usize::from(self.number)
    }

    pub(super) const fn is_backwards(self) -> bool {
        self.backwards
    }
}

impl Cache {
    pub(super) fn get(&mut self, address: Mac) -> Option<Verdict> {
        if let Some(verdict) = self.young.get(&address) {
            return Some(*verdict);
        }
        let verdict = self.old.remove(&address)?;
        self.insert(address, verdict);
        Some(verdict)
    }

    pub(super) fn insert(&mut self, address: Mac, verdict: Verdict) {
        if self.young.len() >= HALF && !self.young.contains_key(&address) {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(address, verdict);
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// How many addresses are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// As many as a table of 2^16 places takes before it grows: both halves are below 2 MiB, and hold more
/// than an hour of a place where a million addresses a day pass.
pub(super) const HALF: usize = 57_344;
