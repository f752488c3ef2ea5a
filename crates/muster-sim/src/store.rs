//! A store in memory, for simulations: the same answers as a real one, at once, and failing when
//! it is told to.
//!
//! **Invariant:** a commit is applied whole or not at all, and one that is repeated after an
//! unknown outcome leaves the same rows and the same journal.

mod queries;
mod tables;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use muster_core::batch::{Batch, CoverageHour, History, Reading, Restored};
use muster_core::change::Change;
use muster_core::identity::IdentityId;
use muster_core::ports::{Before, BoxFuture, ReadingQuery, StayQuery, Store, StoreError};
use muster_core::reading::WinnerHour;
use muster_core::span::Span;
use muster_core::stay::{Stay, Subject};
use muster_core::time::Time;

pub use self::tables::Tables;

/// The store. Cloning is taking a copy of a disk.
#[derive(Debug, Default)]
pub struct ModelStore(Mutex<Inner>);

/// What goes wrong with a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written: the disk is full.
    Full,
    /// Everything is written, and nobody is told.
    Unheard,
    /// Nothing is written, and nothing ever will be.
    Damaged,
}

#[derive(Debug, Default)]
struct Inner {
    tables: Tables,
    cursors: BTreeMap<String, i64>,
    /// A batch that was written without anybody hearing of it, to know it again.
    unheard: Option<(Batch, u64)>,
    faults: Vec<Fault>,
    backups: BTreeMap<std::path::PathBuf, Tables>,
}

impl ModelStore {
    /// A store with this content.
    #[must_use]
    pub fn with(tables: Tables) -> Self {
        Self(Mutex::new(Inner { tables, ..Inner::default() }))
    }

    /// Makes the next commits fail, one fault each.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().faults.extend(faults);
    }

    /// Lets all commits succeed again.
    pub fn heal(&self) {
        self.lock().faults.clear();
    }

    /// A copy of all that it holds.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.lock().tables.clone()
    }

    /// Looks at all that it holds without taking a copy.
    pub fn look<T>(&self, at: impl FnOnce(&Tables) -> T) -> T {
        at(&self.lock().tables)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        let fault = if self.faults.is_empty() { None } else { Some(self.faults.remove(0)) };
        if fault == Some(Fault::Full) {
            return Err(unavailable("disk full"));
        }
        if fault == Some(Fault::Damaged) {
            let what = "a page is torn".to_owned();
            return Err(StoreError::Damaged { what, cause: "checksum".into() });
        }
        let known = self.unheard.take().filter(|(it, _)| it == batch).map(|(_, id)| id);
        let id = if let Some(id) = known { id } else { self.tables.write(batch) };
        if fault == Some(Fault::Unheard) {
            self.unheard = Some((batch.clone(), id));
            return Err(unavailable("the answer was lost"));
        }
        Ok(id)
    }

    fn backup(&mut self, to: &Path) -> Result<(), StoreError> {
        if self.backups.contains_key(to) {
            return Err(StoreError::Refused {
                what: format!("the backup file exists already: {}", to.display()),
            });
        }
        self.backups.insert(to.to_owned(), self.tables.clone());
        Ok(())
    }
}

fn unavailable(what: &str) -> StoreError {
    StoreError::Unavailable { what: what.to_owned(), cause: what.into() }
}

fn ready<'a, T: Send + 'a>(it: Result<T, StoreError>) -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(std::future::ready(it))
}

impl Store for ModelStore {
    fn commit<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<u64, StoreError>> {
        ready(self.lock().commit(batch))
    }

    fn restore(&self, since: Time) -> BoxFuture<'_, Result<Restored, StoreError>> {
        ready(Ok(self.lock().tables.restore(since)))
    }

    fn frontier(&self) -> BoxFuture<'_, Result<Time, StoreError>> {
        ready(Ok(self.lock().tables.frontier))
    }

    fn history<'a>(
        &'a self,
        identities: &'a [IdentityId],
        window: Span,
    ) -> BoxFuture<'a, Result<History, StoreError>> {
        ready(Ok(self.lock().tables.history(identities, window)))
    }

    fn coverage(&self, window: Span) -> BoxFuture<'_, Result<Vec<CoverageHour>, StoreError>> {
        ready(Ok(self.lock().tables.coverage_of(window)))
    }

    fn readings<'a>(
        &'a self,
        query: &'a ReadingQuery,
    ) -> BoxFuture<'a, Result<Vec<Reading>, StoreError>> {
        ready(Ok(self.lock().tables.readings_of(query)))
    }

    fn winner_hours(&self, window: Span) -> BoxFuture<'_, Result<Vec<WinnerHour>, StoreError>> {
        ready(Ok(self.lock().tables.winner_hours(window)))
    }

    fn changes_after(
        &self,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        ready(Ok(self.lock().tables.changes_after(after, limit)))
    }

    fn changes_within(
        &self,
        window: Span,
        subject: Option<Subject>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        ready(Ok(self.lock().tables.changes_within(window, subject, limit)))
    }

    fn states_at(&self, at: Time) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        ready(Ok(self.lock().tables.states_at(at)))
    }

    fn stays<'a>(&'a self, query: &'a StayQuery) -> BoxFuture<'a, Result<Vec<Stay>, StoreError>> {
        ready(Ok(self.lock().tables.stays_of(query)))
    }

    fn cursor<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<i64>, StoreError>> {
        ready(Ok(self.lock().cursors.get(name).copied()))
    }

    fn set_cursor<'a>(
        &'a self,
        name: &'a str,
        value: i64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.lock().cursors.insert(name.to_owned(), value);
        ready(Ok(()))
    }

    fn forget(&self, before: Before) -> BoxFuture<'_, Result<u64, StoreError>> {
        ready(Ok(self.lock().tables.forget(before)))
    }

    fn backup<'a>(&'a self, to: &'a Path) -> BoxFuture<'a, Result<(), StoreError>> {
        ready(self.lock().backup(to))
    }
}
