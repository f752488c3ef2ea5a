//! The fold at a moving time: begins with the last states, goes on through the journal.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_core::change::{Change, ChangeKind};
use muster_core::directory::Directory;
use muster_core::ports::{Sample, Store, StoreError};
use muster_core::series::Series;
use muster_core::span::Span;
use muster_core::stay::Subject;
use muster_core::time::Time;

/// Reads the journal once, forward.
#[derive(Debug)]
pub(super) struct Reader {
    series: Series,
    /// The last time that was sampled, or loaded.
    at: Time,
    /// The last change that was stored when it was loaded.
    stored: u64,
    /// The last change that was read.
    read_to: u64,
    /// Changes that were read, and decided after `at`.
    pending: BTreeMap<(Time, u64), Change>,
}

/// A change was stored that had been decided at this time, which was sampled without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Late(pub(super) Time);

impl Reader {
    /// The fold at a time. `stored` is the last change known to be stored by now.
    pub(super) async fn load(store: &dyn Store, at: Time, stored: u64) -> Result<Self, StoreError> {
        let until = at + INSTANT;
        // First of all: what is stored while the states are read is read again.
        let newest = store.changes_within(Span::new(Time::MIN, until), None, 1).await?;
        let mut series = Series::default();
        for change in store.states_at(at).await? {
            series.apply(&change);
        }
        let here: Vec<_> = series.devices_here().collect();
        for (device, decided) in here {
            let subject = Some(Subject::Device(device));
            let window = Span::new(decided, until);
            for change in store.changes_within(window, subject, ASSIGNED).await? {
                if change.kind == ChangeKind::Assigned {
                    series.apply(&change);
                }
            }
        }
        let read_to = newest.first().map_or(0, |it| it.id);
        Ok(Self { series, at, stored, read_to, pending: BTreeMap::new() })
    }

    /// The last time that was sampled.
    pub(super) fn reached(&self) -> Time {
        self.at
    }

    /// Reads what was stored since and decided up to a time, and perhaps more.
    pub(super) async fn read_to(
        &mut self,
        store: &dyn Store,
        until: Time,
        stored: u64,
        now: Time,
    ) -> Result<Option<Late>, StoreError> {
        let mut late = None;
        while self.read_to < stored && !self.covers(until) {
            let page = store.changes_after(self.read_to, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            for change in page {
                self.read_to = change.id;
                let found = self.take(change, now);
                late = late.into_iter().chain(found).min();
            }
            if is_last {
                break;
            }
        }
        Ok(late)
    }

    /// The values at a time that was read up to, not before the last one.
    pub(super) fn sample(&mut self, at: Time, directory: &Directory) -> Sample {
        while let Some(entry) = self.pending.first_entry()
            && entry.key().0 <= at
        {
            self.series.apply(&entry.remove());
        }
        self.at = at;
        self.series.sample(at, directory)
    }

    fn take(&mut self, change: Change, now: Time) -> Option<Late> {
        if change.decided > now + AHEAD {
            // Dated by a clock that was wrong, and judged again since.
            return None;
        }
        if change.decided > self.at {
            self.pending.insert((change.decided, change.id), change);
            return None;
        }
        self.series.apply(&change);
        (change.id > self.stored).then_some(Late(change.decided))
    }

    fn covers(&self, until: Time) -> bool {
        self.pending.last_key_value().is_some_and(|((decided, _), _)| *decided > until)
    }
}

/// Windows end before their end.
const INSTANT: Duration = Duration::from_micros(1);
/// How many changes of a present device are looked through for its last owner.
const ASSIGNED: u32 = 1_000;
/// How many changes are read at once.
const PAGE: u32 = 1_000;
/// How far ahead of the clock a change may be dated, as for facts.
const AHEAD: Duration = Duration::from_mins(2);
