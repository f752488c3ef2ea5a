//! Retention: what is too old goes, a bounded piece at a time, so that commits come in between.

use muster_core::batch::HOUR;
use muster_core::time::Time;
use tokio::sync::Mutex;

use super::commit::Writer;
use super::statement::values;

/// Deletes facts and journal before these times; how many rows went.
pub(super) async fn forget(
    writer: &Mutex<Writer>,
    facts_before: Time,
    journal_before: Option<Time>,
) -> Result<u64, sqlx::Error> {
    // An hour goes once all of it is old enough.
    let hours = (facts_before - HOUR).micros();
    let facts = facts_before.micros();
    let mut gone = 0;
    for (sql, before) in
        [(HEARD, hours), (COVERAGE, hours), (PROBES, hours), (LEVELS, facts), (READINGS, facts)]
    {
        gone += in_pieces(writer, sql, before).await?;
    }
    if let Some(before) = journal_before {
        gone += in_pieces(writer, CHANGES, before.micros()).await?;
        gone += in_pieces(writer, STAYS, before.micros()).await?;
    }
    Ok(gone)
}

async fn in_pieces(
    writer: &Mutex<Writer>,
    sql: &'static str,
    before: i64,
) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    loop {
        let rows = writer.lock().await.run(sql, values(&[before, PIECE], &[])?).await?;
        gone += rows;
        if rows == 0 {
            return Ok(gone);
        }
    }
}

const HEARD: &str = "DELETE FROM heard WHERE (hour, identity, listener) IN (
    SELECT hour, identity, listener FROM heard WHERE hour <= ?1
    ORDER BY hour, identity, listener LIMIT ?2)";
const COVERAGE: &str = "DELETE FROM coverage WHERE (hour, listener) IN (
    SELECT hour, listener FROM coverage WHERE hour <= ?1 ORDER BY hour, listener LIMIT ?2)";
const PROBES: &str = "DELETE FROM probe WHERE (hour, identity, listener) IN (
    SELECT hour, identity, listener FROM probe WHERE hour <= ?1
    ORDER BY hour, identity, listener LIMIT ?2)";
const LEVELS: &str = "DELETE FROM level WHERE (at, identity, listener, sequence, state) IN (
    SELECT at, identity, listener, sequence, state FROM level WHERE at < ?1
    ORDER BY at, identity, listener, sequence, state LIMIT ?2)";
const READINGS: &str = "DELETE FROM reading WHERE (interval_at, identity, listener) IN (
    SELECT interval_at, identity, listener FROM reading
    WHERE interval_at < ?1 AND interval_at + length <= ?1
    ORDER BY interval_at, identity, listener LIMIT ?2)";
/// Kept are the last state of each subject, and the one in force at the limit, so that the states
/// at every time since then remain what they were.
const CHANGES: &str = "DELETE FROM journal WHERE id IN (
    SELECT id FROM journal WHERE decided < ?1
        AND id NOT IN (SELECT change FROM state)
        AND id NOT IN (
            SELECT coalesce((SELECT it.id FROM journal AS it
                WHERE it.subject = state.subject AND it.subject_id = state.subject_id
                    AND it.kind IN ('arrived', 'left', 'moved', 'unknown', 'known')
                    AND it.decided <= ?1
                ORDER BY it.decided DESC, it.id DESC LIMIT 1), 0)
            FROM state)
    ORDER BY decided LIMIT ?2)";
const STAYS: &str = "DELETE FROM stay WHERE id IN (
    SELECT id FROM stay WHERE ended <> 'open' AND last < ?1 ORDER BY last LIMIT ?2)";

/// Rows for one transaction: some milliseconds on a slow card.
const PIECE: i64 = 2000;
