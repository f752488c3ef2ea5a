//! How many rows retention would take, without taking any: counted as each kind of store forgets.

use std::collections::BTreeMap;

use futures_util::future::join;
use muster_core::batch::{
    CoverageHour, HOUR, HeardHour, LevelRow, ProbeHour, Reading, ReceivedRanges,
};
use muster_core::change::Change;
use muster_core::ports::{Before, StoreError};
use muster_core::stay::{Ended, Stay};
use muster_core::time::Time;
use tokio::sync::mpsc::{self, Receiver};

use crate::Kept;
use crate::cells::Row;
use crate::readings::{Counted, Measured, Won};
use crate::record::Record;
use crate::transfer::Piece;

/// How many rows of each table are too old, none included, of those whose rows have an age. Of the journal
/// at most so many go: the last state of each subject, and the one at that time, are kept. Identities, and
/// what is told of them, have none.
pub async fn count(
    store: &dyn Kept,
    before: Before,
) -> Result<BTreeMap<&'static str, u64>, StoreError> {
    let (to, pieces) = mpsc::channel(2);
    let (read, counted) = join(store.rows(to), count_all(pieces, before)).await;
    let counted = counted?;
    read?;
    Ok(counted)
}

async fn count_all(
    mut pieces: Receiver<Piece>,
    before: Before,
) -> Result<BTreeMap<&'static str, u64>, StoreError> {
    let mut counted: BTreeMap<_, _> = AGEING.iter().map(|it| (*it, 0)).collect();
    while let Some(piece) = pieces.recv().await {
        let (table, rows) = piece.into_rows()?;
        let Some(old) = counted.get_mut(table) else { continue };
        for row in &rows {
            let too_old = is_old(before, table, row).map_err(|cause| StoreError::Damaged {
                what: format!("a row of {table} cannot be read"),
                cause: cause.into(),
            })?;
            *old += u64::from(too_old);
        }
    }
    Ok(counted)
}

/// Whether a row goes.
fn is_old(before: Before, table: &str, row: &Row) -> Result<bool, sqlx::Error> {
    let fact = |at: Time| before.facts.is_some_and(|it| at < it);
    // An hour goes once all of it is old enough.
    let hour = |at: Time| before.facts.is_some_and(|it| at <= it - HOUR);
    let ended = |one: &Reading| before.facts.is_some_and(|it| one.interval + one.length <= it);
    let winners = |at: Time| before.readings.is_some_and(|it| at < it.floor(HOUR));
    let journal = |at: Time| before.journal.is_some_and(|it| at < it);
    Ok(match table {
        HeardHour::TABLE => hour(row.record::<HeardHour>()?.hour),
        CoverageHour::TABLE => hour(row.record::<CoverageHour>()?.hour),
        ProbeHour::TABLE => hour(row.record::<ProbeHour>()?.hour),
        LevelRow::TABLE => fact(row.record::<LevelRow>()?.at),
        ReceivedRanges::TABLE => fact(row.record::<ReceivedRanges>()?.at),
        // All in a row are of one interval.
        Measured::TABLE => row.record::<Measured>()?.readings().first().is_some_and(ended),
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

/// The tables whose rows have an age.
const AGEING: [&str; 10] = [
    HeardHour::TABLE,
    CoverageHour::TABLE,
    ProbeHour::TABLE,
    LevelRow::TABLE,
    ReceivedRanges::TABLE,
    Measured::TABLE,
    Won::TABLE,
    Counted::TABLE,
    Stay::TABLE,
    Change::TABLE,
];
