//! Watches over far monitors: which of them gave a sign of life lately, and how they are.
//!
//! Every upload is a sign of life, the empty one too. A monitor that gives none for a while is *late*,
//! after a longer one *down*; each is told once, and so is that it is back. Nobody's presence depends
//! on it: that is judged by coverage alone.
//!
//! **Invariant:** silence is counted only while the hub itself was there to hear; a deadline that was
//! handled does not come back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::batch::MonitorRow;
use crate::change::{Change, ChangeKind};
use crate::directory::Directory;
use crate::snapshot::MonitorView;
use crate::time::{Now, Time};
use crate::uplink::{Header, Liveness};

#[cfg(test)]
mod tests;

/// All far monitors that ever gave a sign of life.
#[derive(Debug)]
pub struct Fleet {
    monitors: BTreeMap<Box<str>, Watched>,
    /// What is told and not stored.
    changes: Vec<Change>,
    /// Whose rows are not stored.
    dirty: BTreeSet<Box<str>>,
    /// When time passed last, on the monotonic clock.
    passed: Duration,
}

#[derive(Debug)]
struct Watched {
    row: MonitorRow,
    /// When its silence began, on the monotonic clock.
    heard: Duration,
    /// Whether it was shut out: its silence tells nothing then.
    is_out: bool,
}

impl Fleet {
    /// A monitor says something at least every 30 s, and waits for up to two minutes where a try failed or
    /// the hub asked for it (`docs/protocol.md`): this is longer.
    pub const LATE_AFTER: Duration = Duration::from_secs(150);
    /// Longer than a machine takes to start.
    pub const DOWN_AFTER: Duration = Duration::from_mins(5);

    /// A fleet that goes on where a store ends. What was silent while no hub ran could not speak: its
    /// silence begins anew.
    #[must_use]
    pub fn new(rows: Vec<MonitorRow>, now: Now) -> Self {
        let heard = now.mono;
        let watched =
            |row: MonitorRow| (row.monitor.clone(), Watched { row, heard, is_out: false });
        Self {
            monitors: rows.into_iter().map(watched).collect(),
            changes: Vec::new(),
            dirty: BTreeSet::new(),
            passed: now.mono,
        }
    }

    /// Takes note of an upload of a monitor that was let in.
    pub fn handle_upload(&mut self, monitor: &str, header: &Header, it: &Directory, now: Now) {
        self.handle_timeout(it, now);
        let row = MonitorRow {
            monitor: monitor.into(),
            at: now.wall,
            liveness: Liveness::Alive,
            oldest_unsent: header.oldest_unsent,
            health: header.health.clone(),
        };
        let watched = Watched { row, heard: now.mono, is_out: false };
        let before = self.monitors.insert(monitor.into(), watched);
        self.dirty.insert(monitor.into());
        if before.is_some_and(|it| it.row.liveness != Liveness::Alive) {
            self.tell(ChangeKind::Back, monitor, now.wall, it, now);
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, it: &Directory, now: Now) {
        let is_out = |name: &str| it.enrolments.get(name).is_some_and(|it| it.revoked.is_some());
        // Who was let in again begins anew; of who is out the last sign of life remains.
        self.monitors.retain(|name, it| !it.is_out || is_out(name));
        let since = now.mono.saturating_sub(self.passed);
        let missed = if since > LOOKS_EVERY + ASLEEP { since } else { Duration::ZERO };
        self.passed = now.mono;
        let mut told = Vec::new();
        for (name, watched) in &mut self.monitors {
            watched.is_out = is_out(name);
            if watched.is_out {
                continue;
            }
            watched.heard += missed;
            let silence = now.mono.saturating_sub(watched.heard);
            let (liveness, kind) = if silence >= Self::DOWN_AFTER {
                (Liveness::Down, ChangeKind::Down)
            } else if silence >= Self::LATE_AFTER {
                (Liveness::Late, ChangeKind::Late)
            } else {
                continue;
            };
            // It is late once, then down once, and what was down before a restart stays so.
            if liveness > watched.row.liveness {
                watched.row.liveness = liveness;
                told.push((kind, name.clone(), watched.row.at));
            }
        }
        for (kind, name, at) in told {
            self.tell(kind, &name, at, it, now);
            self.dirty.insert(name);
        }
    }

    /// When time has to pass again, on the monotonic clock, while a monitor's silence may tell something.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let due = |it: &Watched| match it.row.liveness {
            Liveness::Alive => Some(it.heard + Self::LATE_AFTER),
            Liveness::Late => Some(it.heard + Self::DOWN_AFTER),
            Liveness::Down => None,
        };
        let next = self.monitors.values().filter(|it| !it.is_out).filter_map(due).min()?;
        Some(next.min(self.passed + LOOKS_EVERY))
    }

    /// Whether there is anything to store, and whether it is news that should not wait.
    #[must_use]
    pub fn wants_commit(&self) -> (bool, bool) {
        (!self.dirty.is_empty(), !self.changes.is_empty())
    }

    /// Everything that is not stored.
    pub fn drain(&mut self) -> (Vec<MonitorRow>, Vec<Change>) {
        let dirty = std::mem::take(&mut self.dirty);
        let row = |name: &str| self.monitors.get(name).map(|it| it.row.clone());
        (dirty.iter().filter_map(|it| row(it)).collect(), std::mem::take(&mut self.changes))
    }

    /// All far monitors, by name: those that were let in, and those that gave a sign of life.
    #[must_use]
    pub fn views(&self, directory: &Directory) -> Vec<MonitorView> {
        let names: BTreeSet<&Box<str>> =
            directory.enrolments.keys().chain(self.monitors.keys()).collect();
        let view = |name: &str| MonitorView {
            monitor: name.into(),
            place: directory.monitors.get(name).copied().unwrap_or(Directory::FIRST_SITE),
            enrolment: directory.enrolments.get(name).cloned(),
            row: self.monitors.get(name).map(|it| it.row.clone()),
        };
        names.into_iter().map(|it| view(it)).collect()
    }

    fn tell(&mut self, kind: ChangeKind, name: &str, at: Time, it: &Directory, now: Now) {
        let mut change = Change::new(kind, at, now.wall);
        change.site = Some(it.site_of_monitor(name));
        change.reason = name.into();
        self.changes.push(change);
    }
}

/// Time passes at least so often, so that it is noticed when it did not.
const LOOKS_EVERY: Duration = Duration::from_secs(20);
/// A hub that comes so much later was not there itself (its machine slept, or was stopped): who was to
/// speak to it in that time could not.
const ASLEEP: Duration = Duration::from_secs(10);
