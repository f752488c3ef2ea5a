//! A store in memory: a journal, some coverage, and a way to break down.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster_core::batch::{Batch, CoverageHour, HOUR, History, Reading, Restored};
use muster_core::change::Change;
use muster_core::identity::{IdentityId, ListenerId};
use muster_core::ports::{
    Before, BoxFuture, ReadingQuery, ReadingsOf, StayQuery, Store, StoreError,
};
use muster_core::reading::{self, Names, WinnerHour, keep_winners};
use muster_core::span::Span;
use muster_core::stay::{Stay, Subject};
use muster_core::time::Time;

/// What is kept.
#[derive(Default)]
pub(crate) struct Shelf {
    changes: Mutex<Vec<Change>>,
    stays: Mutex<Vec<Stay>>,
    backups: Mutex<Vec<String>>,
    readings: Mutex<Vec<Reading>>,
    broken: AtomicBool,
}

impl Shelf {
    /// Stores a change; its number.
    pub(crate) fn journal(&self, mut change: Change) -> u64 {
        let mut changes = lock(&self.changes);
        change.id = changes.len() as u64 + 1;
        let id = change.id;
        changes.push(change);
        id
    }

    /// Stores a stay.
    pub(crate) fn keep(&self, stay: Stay) {
        lock(&self.stays).push(stay);
    }

    /// Stores a reading.
    pub(crate) fn read(&self, reading: Reading) {
        lock(&self.readings).push(reading);
    }

    /// Where backups were written.
    pub(crate) fn backups(&self) -> Vec<String> {
        lock(&self.backups).clone()
    }

    /// Answers nothing any more, or answers again.
    pub(crate) fn break_down(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    fn answer<T>(&self, it: T) -> BoxFuture<'_, Result<T, StoreError>>
    where
        T: Send + 'static,
    {
        let broken = self.broken.load(Ordering::SeqCst);
        Box::pin(async move {
            if broken {
                return Err(StoreError::Unavailable {
                    what: "disk full".into(),
                    cause: "no space left on device".into(),
                });
            }
            Ok(it)
        })
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Shelf {
    fn commit<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<u64, StoreError>> {
        for change in &batch.changes {
            self.journal(change.clone());
        }
        self.answer(lock(&self.changes).len() as u64)
    }

    fn restore(&self, _since: Time) -> BoxFuture<'_, Result<Restored, StoreError>> {
        self.answer(Restored::default())
    }

    fn frontier(&self) -> BoxFuture<'_, Result<Time, StoreError>> {
        self.answer(Time::default())
    }

    fn history<'a>(
        &'a self,
        _identities: &'a [IdentityId],
        _window: Span,
    ) -> BoxFuture<'a, Result<History, StoreError>> {
        self.answer(History::default())
    }

    /// The first listener heard all the time but for two hours, the second until three hours ago.
    fn coverage(&self, window: Span) -> BoxFuture<'_, Result<Vec<CoverageHour>, StoreError>> {
        let mut coverage = Vec::new();
        let mut hour = window.from.floor(HOUR);
        while hour < window.to {
            let ago = window.to.since(hour).as_secs() / 3600;
            let span = Span::new(hour, (hour + HOUR).min(window.to - Duration::from_mins(1)));
            if !(9..11).contains(&ago) {
                let listener = ListenerId(1);
                coverage.push(CoverageHour { hour, listener, spans: vec![span] });
            }
            if ago > 2 {
                let listener = ListenerId(2);
                coverage.push(CoverageHour { hour, listener, spans: vec![span] });
            }
            hour = hour + HOUR;
        }
        self.answer(coverage)
    }

    fn readings<'a>(
        &'a self,
        query: &'a ReadingQuery,
    ) -> BoxFuture<'a, Result<Vec<Reading>, StoreError>> {
        let mut found = lock(&self.readings).clone();
        if query.of == ReadingsOf::Winners {
            keep_winners(&mut found, &Names::default());
        }
        found.retain(|it| {
            let wanted = query.identities.is_empty() || query.identities.contains(&it.identity);
            wanted && query.window.contains(it.interval)
        });
        found.sort_by_key(|it| (it.interval, it.length, it.identity, it.listener));
        self.answer(found)
    }

    fn winner_hours(&self, window: Span) -> BoxFuture<'_, Result<Vec<WinnerHour>, StoreError>> {
        let mut won = lock(&self.readings).clone();
        keep_winners(&mut won, &Names::default());
        won.retain(|it| window.contains(it.interval.floor(HOUR)));
        self.answer(reading::hours(&won))
    }

    fn changes_after(
        &self,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        let changes = lock(&self.changes);
        let found = changes.iter().filter(|it| it.id > after).take(limit as usize).cloned();
        self.answer(found.collect())
    }

    fn changes_within(
        &self,
        window: Span,
        subject: Option<Subject>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        let changes = lock(&self.changes);
        let found = changes.iter().rev().filter(|it| window.contains(it.decided));
        let found = found.filter(|it| subject.is_none() || it.subject == subject);
        self.answer(found.take(limit as usize).cloned().collect())
    }

    fn states_at(&self, _at: Time) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        self.answer(Vec::new())
    }

    fn stays<'a>(&'a self, query: &'a StayQuery) -> BoxFuture<'a, Result<Vec<Stay>, StoreError>> {
        let stays = lock(&self.stays);
        let mut found: Vec<Stay> = stays
            .iter()
            .filter(|it| query.subject.is_none_or(|want| it.subject == want))
            .filter(|it| it.from < query.window.to && it.last >= query.window.from)
            .cloned()
            .collect();
        found.sort_by_key(|it| (it.from, it.id));
        found.truncate(query.limit as usize);
        self.answer(found)
    }

    fn cursor<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Option<i64>, StoreError>> {
        self.answer(None)
    }

    fn set_cursor<'a>(
        &'a self,
        _name: &'a str,
        _value: i64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.answer(())
    }

    fn forget(&self, _before: Before) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.answer(0)
    }

    fn backup<'a>(&'a self, to: &'a Path) -> BoxFuture<'a, Result<(), StoreError>> {
        lock(&self.backups).push(to.display().to_string());
        self.answer(())
    }
}
