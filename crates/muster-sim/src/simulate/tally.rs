//! How often a run met what is hard, so that a test can insist on it.

use std::ops::AddAssign;

use muster_core::batch::Batch;
use muster_core::change::ChangeKind;
use muster_core::stay::{Ended, Stay};

use crate::store::Tables;

/// Counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Batches stored.
    pub commits: u64,
    /// Stays in the store at the end.
    pub stays: u64,
    /// Stays that were told and then joined into another.
    pub bridges: u64,
    /// Stays that were told and then cut in two.
    pub splits: u64,
    /// Changes that rewrote something told.
    pub corrections: u64,
    /// Stays that ended assumed.
    pub assumed: u64,
    /// Stays that ended because of an arrival elsewhere.
    pub moved: u64,
    /// Times at which a subject was at two sites.
    pub conflicts: u64,
    /// Facts refused.
    pub refused: u64,
    /// Commits that failed.
    pub faults: u64,
    /// Kills.
    pub crashes: u64,
    /// Restarts.
    pub restarts: u64,
    /// Times asleep.
    pub sleeps: u64,
    /// Steps of the wall clock.
    pub clock_steps: u64,
    /// Times at which older facts were needed.
    pub fetches: u64,
}

impl Tally {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        let Self {
            commits,
            stays,
            bridges,
            splits,
            corrections,
            assumed,
            moved,
            conflicts,
            refused,
            faults,
            crashes,
            restarts,
            sleeps,
            clock_steps,
            fetches,
        } = self;
        commits.add_assign(other.commits);
        stays.add_assign(other.stays);
        bridges.add_assign(other.bridges);
        splits.add_assign(other.splits);
        corrections.add_assign(other.corrections);
        assumed.add_assign(other.assumed);
        moved.add_assign(other.moved);
        conflicts.add_assign(other.conflicts);
        refused.add_assign(other.refused);
        faults.add_assign(other.faults);
        crashes.add_assign(other.crashes);
        restarts.add_assign(other.restarts);
        sleeps.add_assign(other.sleeps);
        clock_steps.add_assign(other.clock_steps);
        fetches.add_assign(other.fetches);
    }

    /// Counts what a batch does to what is stored.
    pub(super) fn count(&mut self, before: &Tables, batch: &Batch) {
        let known = |it: &Stay| before.stays.get(&it.id);
        let beside = |one: &Stay, other: &Stay| {
            one.subject == other.subject && one.site == other.site && one.id != other.id
        };
        for gone in batch.gone.iter().filter_map(|it| before.stays.get(it)) {
            let joins =
                |it: &&Stay| beside(gone, it) && it.from <= gone.last && gone.from <= it.last;
            self.bridges += u64::from(batch.stays.iter().any(|it| joins(&it)));
        }
        for cut in &batch.stays {
            let Some(was) = known(cut).filter(|it| it.last > cut.last) else { continue };
            let rest = |it: &Stay| beside(cut, it) && it.from > cut.last && it.from <= was.last;
            self.splits += u64::from(batch.stays.iter().any(rest));
        }
        for change in &batch.changes {
            self.corrections += u64::from(change.kind == ChangeKind::Corrected);
            self.conflicts += u64::from(change.kind == ChangeKind::Conflict);
        }
    }

    /// Counts what is in the store in the end.
    pub(super) fn finish(&mut self, tables: &Tables) {
        let ended = |how| tables.stays.values().filter(|it| it.ended == how).count() as u64;
        self.stays = tables.stays.len() as u64;
        self.assumed = ended(Ended::Assumed);
        self.moved = ended(Ended::Moved);
    }
}
