//! What a spool keeps, and what is asked of it: facts that no hub has acknowledged in time.
//!
//! The machine says what to write and what to read; the shell does one such thing at a time, each
//! write as one durable transaction, and keeps no count of its own.

use std::time::Duration;

use crate::fact::{Fact, FactBody};
use crate::identity::Identity;
use crate::uplink::{BootId, Run, StoreId};

use super::dates::{Dates, MachineId};

/// One fact in a spool: its times are those of the boot-time clock, in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number within its boot.
    pub sequence: u64,
    /// The fact.
    pub fact: Fact,
}

impl Entry {
    /// About how many bytes it takes in a spool.
    #[must_use]
    pub fn weight(&self) -> u64 {
        let name = |it: &Identity| match it {
            Identity::Mac(_) | Identity::Ble(_) | Identity::Bt(_) | Identity::Private(_) => 6,
            Identity::Text(_, text) => text.len(),
        };
        let body = &self.fact.body;
        let value = match body {
            FactBody::Detail(it) => it.value.len(),
            FactBody::Coverage(_) => 8,
            FactBody::Sighting(_) | FactBody::Probe(_) | FactBody::Level(_) => 0,
        };
        let body = body.identity().map_or(0, name) + value;
        ROW + (body + self.fact.listener.channel.len()) as u64
    }
}

/// Everything that a spool keeps but the facts: few rows, and rewritten as one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spooled {
    /// The store that the monitor is bound to.
    pub store: Option<StoreId>,
    /// How many facts were thinned away, ever.
    pub thinned: u64,
    /// How many facts were dropped, ever.
    pub dropped: u64,
    /// Starts of the machine, in their order; the last [`Spooled::MAX_MACHINES`].
    pub machines: Vec<Machine>,
    /// Starts of the program of which facts are kept, in their order.
    pub boots: Vec<SpooledBoot>,
}

impl Spooled {
    /// How many starts of the machine are remembered.
    pub const MAX_MACHINES: usize = 64;
    /// Of how many starts of the program facts are kept: a program that is started again and again
    /// tells little each time.
    pub const MAX_BOOTS: usize = 1_024;

    /// How many facts are kept.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.boots.iter().map(|it| it.rows).sum()
    }

    /// About how many bytes they take.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.boots.iter().map(|it| it.weight).sum()
    }
}

/// One start of the machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Which.
    pub id: MachineId,
    /// What is known of its clock.
    pub dates: Dates,
    /// How long it was up at least.
    pub up: Duration,
}

/// The facts of one start of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct SpooledBoot {
    /// Which.
    pub id: BootId,
    /// On which start of the machine.
    pub machine: MachineId,
    /// How many facts are kept.
    pub rows: u64,
    /// About how many bytes they take.
    pub weight: u64,
    /// When the oldest of them was noticed, on the boot-time clock.
    pub oldest: Duration,
    /// One more than the highest sequence that was ever kept.
    pub next: u64,
    /// Facts below this sequence are thinned.
    pub thinned_to: u64,
}

/// One durable transaction, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct SpoolWork {
    /// Facts to delete.
    pub removed: Vec<(BootId, Run)>,
    /// Facts to insert.
    pub added: Vec<(BootId, Entry)>,
    /// What to keep besides, in place of what is there; facts of boots that are not in it are deleted.
    pub state: Spooled,
}

/// Facts to read, in the order of their sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadWork {
    /// Of which boot.
    pub boot: BootId,
    /// From which sequence on.
    pub from: u64,
    /// At most so many.
    pub limit: usize,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpoolRead {
    /// Facts, in the order of their sequence.
    pub entries: Vec<Entry>,
    /// The sequences of those between them that are damaged: nobody can read them any more.
    pub damaged: Vec<u64>,
}

/// What a row takes besides texts: keys, times, what seals it, the page's own bookkeeping.
const ROW: u64 = 60;
