//! What goes into the spool and out of it, and what is let go when it is full.

use std::time::Duration;

use crate::time::Now;
use crate::uplink::{BootId, Run};

use super::dates::MachineId;
use super::spool::{Entry, Machine, ReadWork, SpoolRead, SpoolWork, Spooled, SpooledBoot};
use super::thin::thin;
use super::{AtSpool, Do, Held, Queued, Relay, Trouble};
use crate::uplink::Upload;

impl Relay {
    /// A piece of work is durable; or why it was not done.
    pub fn handle_written(&mut self, written: Result<(), Box<str>>, now: Now) {
        let Some(AtSpool::Writing { mut removed, mut thinned, entries }) = self.at_spool.take()
        else {
            return;
        };
        match written {
            Ok(()) => {
                stow(&mut self.spooled, self.boot, self.machine, &entries);
                self.trouble.take_if(|it| matches!(it, Trouble::Spool(_)));
            }
            Err(why) => {
                removed.append(&mut self.removed);
                self.removed = removed;
                thinned.append(&mut self.thinned);
                self.thinned = thinned;
                for it in entries.into_iter().rev() {
                    self.queue.push_front(it);
                }
                self.bound_queue();
                self.is_dirty = true;
                self.fail_spool(why, now);
            }
        }
    }

    /// What was read; or why nothing was. Damaged facts are dropped, and counted as such.
    pub fn handle_read(&mut self, read: Result<SpoolRead, Box<str>>, now: Now) {
        let SpoolRead { entries, damaged } = match read {
            Ok(it) => it,
            Err(why) => {
                self.at_spool = None;
                return self.fail_spool(why, now);
            }
        };
        if !damaged.is_empty() {
            self.drop_damaged(&damaged);
            if entries.is_empty() {
                self.at_spool = None;
                return;
            }
        }
        match self.at_spool.take() {
            Some(AtSpool::Reading(read) | AtSpool::Dropping(read)) if entries.is_empty() => {
                // Nothing is there, whatever was counted.
                self.spooled.boots.retain(|it| it.id != read.boot);
                self.is_dirty = true;
            }
            Some(AtSpool::Reading(read)) => self.ready = Some((read.boot, entries)),
            Some(AtSpool::Thinning(read)) => self.thin(read, entries),
            Some(AtSpool::Dropping(read)) => {
                let held = held(&entries);
                self.spooled.dropped += held.count;
                self.let_go(read.boot, Run { first: 0, last: held.last }, &held);
            }
            it @ (Some(AtSpool::Writing { .. }) | None) => self.at_spool = it,
        }
    }

    /// What is damaged is dropped before anything else is read.
    fn drop_damaged(&mut self, damaged: &[u64]) {
        let Some(AtSpool::Reading(read) | AtSpool::Thinning(read) | AtSpool::Dropping(read)) =
            self.at_spool
        else {
            return;
        };
        for &it in damaged {
            self.removed.push((read.boot, Run { first: it, last: it }));
        }
        let count = damaged.len() as u64;
        self.spooled.dropped += count;
        if let Some(it) = self.spooled.boots.iter_mut().find(|it| it.id == read.boot) {
            it.rows = it.rows.saturating_sub(count);
        }
        self.spooled.boots.retain(|it| it.rows > 0);
    }

    pub(super) fn poll_spool(&mut self, now: Now) -> Option<Do> {
        if self.at_spool.is_some() || now.mono < self.spool_again {
            return None;
        }
        if let Some(work) = self.write(now) {
            return Some(Do::Write(work));
        }
        if self.wants_spool() {
            // What was read may not be what is there afterwards.
            self.ready = None;
            return self.tidy().map(Do::Read);
        }
        let is_free = self.ready.is_none() && self.backlog.is_none();
        if !is_free || now.mono < self.link.until() || !self.knows_hub() {
            return None;
        }
        let boot = self.spooled.boots.first()?.id;
        let read = ReadWork { boot, from: 0, limit: Upload::MAX_ROWS };
        self.at_spool = Some(AtSpool::Reading(read));
        Some(Do::Read(read))
    }

    /// Whether there is anything to ask of the spool but to take what waits too long.
    pub(super) fn wants_spool(&self) -> bool {
        let is_over = self.spooled.weight() > self.settings.capacity && self.backlog.is_none();
        !self.removed.is_empty() || self.is_dirty || is_over
    }

    /// Whether anything waits, or is about to wait, in the spool.
    pub(super) fn is_behind(&self) -> bool {
        let writes =
            matches!(&self.at_spool, Some(AtSpool::Writing { entries, .. }) if !entries.is_empty());
        writes || self.spooled.rows() > 0
    }

    /// Facts are in the spool no longer.
    pub(super) fn let_go(&mut self, boot: BootId, run: Run, held: &Held) {
        self.removed.push((boot, run));
        if let Some(it) = self.spooled.boots.iter_mut().find(|it| it.id == boot) {
            it.rows = it.rows.saturating_sub(held.count);
            it.weight = it.weight.saturating_sub(held.weight);
            it.oldest = it.oldest.max(held.upto);
            it.thinned_to = it.thinned_to.max(held.last.saturating_add(1));
        }
        self.spooled.boots.retain(|it| it.rows > 0);
    }

    pub(super) fn bound_queue(&mut self) {
        while self.queue.len() > Self::MAX_QUEUE {
            self.queue.pop_front();
            self.spooled.dropped += 1;
        }
    }

    fn write(&mut self, now: Now) -> Option<SpoolWork> {
        let waited = |it: &Queued| it.since + self.settings.patience <= now.mono;
        // What has no room in memory does not wait either.
        let is_much = !self.has_room();
        let due = self.queue.front().is_some_and(|it| self.is_closing || is_much || waited(it));
        if !due && self.removed.is_empty() && !self.is_dirty {
            return None;
        }
        let removed = std::mem::take(&mut self.removed);
        let thinned = std::mem::take(&mut self.thinned);
        let entries: Vec<_> = if due { self.queue.drain(..).collect() } else { Vec::new() };
        self.is_dirty = false;
        let added = entries.iter().map(|it| (self.boot, it.entry.clone()));
        let added = thinned.iter().cloned().chain(added).collect();
        let mut state = self.spooled.clone();
        stow(&mut state, self.boot, self.machine, &entries);
        let work = SpoolWork { removed: removed.clone(), added, state };
        self.at_spool = Some(AtSpool::Writing { removed, thinned, entries });
        Some(work)
    }

    /// What to read to make room: what was never thinned first, then the oldest.
    fn tidy(&mut self) -> Option<ReadWork> {
        let boots = &self.spooled.boots;
        if let Some(it) = boots.iter().find(|it| it.thinned_to < it.next) {
            let read = ReadWork { boot: it.id, from: it.thinned_to, limit: THINNED_AT_ONCE };
            self.at_spool = Some(AtSpool::Thinning(read));
            return Some(read);
        }
        let read = ReadWork { boot: boots.first()?.id, from: 0, limit: DROPPED_AT_ONCE };
        self.at_spool = Some(AtSpool::Dropping(read));
        Some(read)
    }

    fn thin(&mut self, read: ReadWork, entries: Vec<Entry>) {
        let Some(it) = self.spooled.boots.iter_mut().find(|it| it.id == read.boot) else { return };
        self.is_dirty = true;
        if entries.is_empty() {
            it.thinned_to = it.next;
            return;
        }
        let before = held(&entries);
        let kept = thin(entries, self.settings.interval);
        let after = held(&kept);
        it.thinned_to = before.last.saturating_add(1);
        it.rows = it.rows.saturating_sub(before.count - after.count);
        // United coverage is as long as what it unites.
        it.weight = it.weight.saturating_sub(before.weight.saturating_sub(after.weight));
        self.spooled.thinned += before.count - after.count;
        self.removed.push((read.boot, Run { first: read.from, last: before.last }));
        self.thinned.extend(kept.into_iter().map(|it| (read.boot, it)));
    }

    fn fail_spool(&mut self, why: Box<str>, now: Now) {
        self.trouble = Some(Trouble::Spool(why));
        self.spool_again = now.mono + ASK_AGAIN;
    }
}

/// Makes what a spool holds the beginning of another start; whether that changed it.
pub(super) fn begin(spooled: &mut Spooled, machine: MachineId) -> bool {
    let before = spooled.clone();
    if spooled.machines.last().is_none_or(|it| it.id != machine) {
        spooled.machines.push(Machine { id: machine, ..Machine::default() });
    }
    let extra = spooled.machines.len().saturating_sub(Spooled::MAX_MACHINES);
    spooled.machines.drain(..extra);
    let known: Vec<_> = spooled.machines.iter().map(|it| it.id).collect();
    let Spooled { boots, dropped, .. } = spooled;
    boots.retain(|it| {
        let stays = known.contains(&it.machine) && it.rows > 0;
        *dropped += if stays { 0 } else { it.rows };
        stays
    });
    // That the machine was started is worth a write only together with facts.
    before.boots != spooled.boots
}

/// Counts facts of this start in.
fn stow(spooled: &mut Spooled, boot: BootId, machine: MachineId, entries: &[Queued]) {
    let Some(last) = entries.last().map(|it| it.entry.sequence) else { return };
    if spooled.boots.last().is_none_or(|it| it.id != boot) {
        let (oldest, none) = (Duration::MAX, 0);
        let new = SpooledBoot {
            id: boot,
            machine,
            rows: none,
            weight: none,
            oldest,
            next: none,
            thinned_to: none,
        };
        spooled.boots.push(new);
    }
    let extra = spooled.boots.len().saturating_sub(Spooled::MAX_BOOTS);
    spooled.dropped += spooled.boots.drain(..extra).map(|it| it.rows).sum::<u64>();
    let Some(it) = spooled.boots.last_mut() else { return };
    it.rows += entries.len() as u64;
    it.weight += entries.iter().map(|it| it.entry.weight()).sum::<u64>();
    it.next = it.next.max(last.saturating_add(1));
    let oldest = entries.iter().map(|it| it.entry.mono()).min();
    it.oldest = oldest.map_or(it.oldest, |new| it.oldest.min(new));
}

pub(super) fn held(entries: &[Entry]) -> Held {
    Held {
        count: entries.len() as u64,
        weight: entries.iter().map(Entry::weight).sum(),
        last: entries.last().map_or(0, |it| it.sequence),
        upto: entries.last().map(Entry::mono).unwrap_or_default(),
    }
}

/// How soon a spool that failed is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// An interval of a busy monitor, and a bound on memory.
const THINNED_AT_ONCE: usize = 16_384;
/// What is dropped at once.
const DROPPED_AT_ONCE: usize = 1_024;
