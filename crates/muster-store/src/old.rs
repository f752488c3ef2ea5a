//! How many rows retention would take, without taking any: counted as each kind of store forgets.

use std::collections::BTreeMap;

use futures_util::future::join;
use muster_core::batch::{
    CoverageHour, HOUR, HeardHour, LevelRow, ProbeHour, Reading, ReceivedRanges,
};
use muster_core::change::Change;
use muster_core::ports::StoreError;
use muster_core::stay::{Ended, Stay};
use muster_core::time::Time;
use tokio::sync::mpsc::{self, Receiver};

use crate::Kept;
use crate::cells::Row;
use crate::readings::{Counted, Measured, Won};
use crate::record::Record;
use crate::transfer::Piece;

/// How many rows of each table are older than that, of those that have an age. Of the journal at most so
/// many go: the last state of each subject, and the one at that time, are kept. Identities, and what is
/// told of them, have none.
pub async fn count(
    store: &dyn Kept,
    facts_before: Time,
    journal_before: Option<Time>,
) -> Result<BTreeMap<&'static str, u64>, StoreError> {
    let limits = Limits { facts_before, journal_before };
    let (to, pieces) = mpsc::channel(2);
    let (read, counted) = join(store.rows(to), count_all(pieces, limits)).await;
    let counted = counted?;
    read?;
    Ok(counted)
}

async fn count_all(
    mut pieces: Receiver<Piece>,
    limits: Limits,
) -> Result<BTreeMap<&'static str, u64>, StoreError> {
    let mut counted = BTreeMap::new();
    while let Some(piece) = pieces.recv().await {
        let (table, rows) = piece.into_rows()?;
        let mut old = 0;
        for row in &rows {
            let is_old = limits.take(table, row).map_err(|cause| StoreError::Damaged {
                what: format!("a row of {table} cannot be read"),
                cause: cause.into(),
            })?;
            old += u64::from(is_old);
        }
        if old > 0 {
            *counted.entry(table).or_default() += old;
        }
    }
    Ok(counted)
}

/// Before when rows are old.
#[derive(Clone, Copy, Debug)]
struct Limits {
    facts_before: Time,
    journal_before: Option<Time>,
}

impl Limits {
    /// Whether a row is.
    fn take(self, table: &str, row: &Row) -> Result<bool, sqlx::Error> {
        // An hour goes once all of it is old enough.
        let (facts, hours) = (self.facts_before, self.facts_before - HOUR);
        let journal = |at: Time| self.journal_before.is_some_and(|it| at < it);
        let winners = |at: Time| self.journal_before.is_some_and(|it| at < it.floor(HOUR));
        let ended = |it: &Reading| it.interval + it.length <= facts;
        Ok(match table {
            HeardHour::TABLE => row.record::<HeardHour>()?.hour <= hours,
            CoverageHour::TABLE => row.record::<CoverageHour>()?.hour <= hours,
            ProbeHour::TABLE => row.record::<ProbeHour>()?.hour <= hours,
            LevelRow::TABLE => row.record::<LevelRow>()?.at < facts,
            ReceivedRanges::TABLE => row.record::<ReceivedRanges>()?.at < facts,
            // All in a row are of one interval.
            Measured::TABLE => row.record::<Measured>()?.readings().first().is_none_or(ended),
            Won::TABLE => winners(row.record::<Won>()?.at()),
            Counted::TABLE => winners(row.record::<Counted>()?.at()),
            Stay::TABLE => {
                let it: Stay = row.record()?;
                it.ended != Ended::Open && journal(it.last)
            }
            Change::TABLE => journal(row.record::<Change>()?.decided),
            _ => false,
        })
    }
}
