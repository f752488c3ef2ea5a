//! Consumers' cursors, which move more often than a flash card likes.
//!
//! Consumers get everything at least once, so a cursor may lag behind: a move is written with the
//! next commit, or by itself after some moves without one, or when the store is closed. Until then
//! it is kept here, and whoever asks is told the latest.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::judged::CursorRow;

/// Cursors that moved and are not written.
#[derive(Debug, Default)]
pub(crate) struct Cursors(Mutex<BTreeMap<Box<str>, Moved>>);

#[derive(Clone, Copy, Debug)]
struct Moved {
    to: i64,
    times: u32,
}

impl Cursors {
    /// Moves one; whether the moves should be written now.
    pub(crate) fn set(&self, name: &str, value: i64) -> bool {
        let mut moved = self.all();
        let times = moved.get(name).map_or(0, |it| it.times) + 1;
        moved.insert(name.into(), Moved { to: value, times });
        times >= MOVES
    }

    /// Where one moved, if that is not written.
    pub(crate) fn moved(&self, name: &str) -> Option<i64> {
        self.all().get(name).map(|it| it.to)
    }

    /// What the next commit writes.
    pub(crate) fn rows(&self) -> Vec<CursorRow> {
        let moved = self.all();
        moved.iter().map(|(name, it)| CursorRow { name: name.clone(), value: it.to }).collect()
    }

    /// These rows were written; what has moved since is still to be.
    pub(crate) fn written(&self, rows: &[CursorRow]) {
        let mut moved = self.all();
        for row in rows {
            if moved.get(&row.name).is_some_and(|it| it.to == row.value) {
                moved.remove(&row.name);
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Moved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two minutes of a sink that sends every five seconds, and so never while there are commits.
const MOVES: u32 = 24;
