//! Retention: what is too old goes, a bounded piece at a time, so that commits come in between.

use muster_core::batch::HOUR;
use muster_core::ports::Before;
use muster_core::time::Time;
use tokio::sync::Mutex;

use super::commit::Writer;
use super::statement::{list, run, values};

/// Deletes what is too old; how many rows went.
pub(super) async fn forget(writer: &Mutex<Writer>, before: Before) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    if let Some(at) = before.facts {
        gone += facts(writer, at).await?;
    }
    if let Some(at) = before.readings {
        gone += winners(writer, at.floor(HOUR)).await?;
    }
    let journal = before.journal.map(Time::micros);
    // Who has no stay left can be let go of, and then so can the change that says so.
    if let Some(at) = journal {
        gone += in_pieces(writer, STAYS, at).await?;
    }
    if let Some(at) = before.facts {
        gone += identities(writer, at.micros(), journal.unwrap_or(i64::MIN)).await?;
    }
    if let Some(at) = journal {
        gone += in_pieces(writer, CHANGES, at).await?;
    }
    Ok(gone)
}

/// Facts and every listener's readings; how many went.
async fn facts(writer: &Mutex<Writer>, before: Time) -> Result<u64, sqlx::Error> {
    // An hour goes once all of it is old enough.
    let hours = (before - HOUR).micros();
    let at = before.micros();
    let mut gone = readings(writer, at).await?;
    for (sql, before) in
        [(HEARD, hours), (COVERAGE, hours), (PROBES, hours), (LEVELS, at), (RECEIVED, at)]
    {
        gone += in_pieces(writer, sql, before).await?;
    }
    Ok(gone)
}

/// Identities that nobody speaks of any more; how many went.
async fn identities(writer: &Mutex<Writer>, facts: i64, journal: i64) -> Result<u64, sqlx::Error> {
    let (mut gone, mut after) = (0, i64::MIN);
    loop {
        let mut writer = writer.lock().await;
        let piece = writer.together(async |conn| {
            let up_to = values(&[after, PIECE], &[])?;
            let last = sqlx::query_scalar_with(LAST_OF_PIECE, up_to).fetch_one(&mut *conn).await?;
            let last: Option<i64> = last;
            let Some(last) = last else { return Ok(None) };
            let between = values(&[after, last, facts], &[])?;
            let ids = sqlx::query_scalar_with(UNSPOKEN_OF, between).fetch_all(&mut *conn).await?;
            let ids: Vec<i64> = ids;
            let listed = list(ids.iter().copied());
            for sql in ALL_OF_IDENTITIES {
                run(conn, sql, values(&[journal], &[&listed])?).await?;
            }
            Ok(Some((last, ids.len() as u64)))
        });
        let Some((last, went)) = piece.await? else { return Ok(gone) };
        (after, gone) = (last, gone + went);
    }
}

/// Readings of intervals that ended before; how many went.
async fn readings(writer: &Mutex<Writer>, before: i64) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    loop {
        let mut writer = writer.lock().await;
        let plain = writer.plain;
        let went = writer.together(async |conn| {
            let piece = values(&[before, LISTS], &[])?;
            let went: Vec<(u32, i64)> =
                sqlx::query_as_with(READINGS, piece).fetch_all(&mut *conn).await?;
            if let (true, Some(last)) = (plain, went.iter().map(|it| it.1).max()) {
                run(conn, PLAIN_READINGS, values(&[before, last], &[])?).await?;
            }
            Ok(went)
        });
        let went = went.await?;
        if went.is_empty() {
            return Ok(gone);
        }
        gone += went.into_iter().map(|it| u64::from(it.0)).sum::<u64>();
    }
}

/// Winners of the hours before one, each with its count; how many winners went.
async fn winners(writer: &Mutex<Writer>, before: Time) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    loop {
        let mut writer = writer.lock().await;
        let plain = writer.plain;
        let hour = writer.together(async |conn| {
            let up_to = values(&[before.micros()], &[])?;
            let oldest = sqlx::query_scalar_with(OLDEST, up_to).fetch_one(&mut *conn).await?;
            let oldest: Option<i64> = oldest;
            let Some(hour) = oldest.map(|it| Time::from_micros(it).floor(HOUR)) else {
                return Ok(None);
            };
            let end = (hour + HOUR).micros();
            let of_it = values(&[end], &[])?;
            let went: Vec<u32> =
                sqlx::query_scalar_with(WINNERS, of_it).fetch_all(&mut *conn).await?;
            run(conn, WINNER_HOURS, values(&[end], &[])?).await?;
            if plain {
                run(conn, PLAIN_WINNERS, values(&[end], &[])?).await?;
                run(conn, PLAIN_HOURS, values(&[end], &[])?).await?;
            }
            Ok(Some(went.into_iter().map(u64::from).sum::<u64>()))
        });
        let Some(went) = hour.await? else { return Ok(gone) };
        gone += went;
    }
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
const RECEIVED: &str = "DELETE FROM received WHERE (monitor, boot) IN (
    SELECT monitor, boot FROM received WHERE at < ?1 ORDER BY monitor, boot LIMIT ?2)";
const READINGS: &str = "DELETE FROM readings WHERE (interval_at, length, block) IN (
    SELECT interval_at, length, block FROM readings
    WHERE interval_at < ?1 AND interval_at + length <= ?1
    ORDER BY interval_at, length, block LIMIT ?2) RETURNING count, interval_at";
/// All that share the last row's interval go with it; what is left of their lists goes next.
const PLAIN_READINGS: &str = "DELETE FROM plain_reading
    WHERE interval_at < ?1 AND interval_at + length <= ?1 AND interval_at <= ?2";
const OLDEST: &str = "SELECT min(interval_at) FROM winners WHERE interval_at < ?1";
const WINNERS: &str = "DELETE FROM winners WHERE interval_at < ?1 RETURNING count";
const WINNER_HOURS: &str = "DELETE FROM winner_hours WHERE hour < ?1";
const PLAIN_WINNERS: &str = "DELETE FROM plain_winner WHERE interval_at < ?1";
const PLAIN_HOURS: &str = "DELETE FROM plain_hour WHERE hour < ?1";
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

const LAST_OF_PIECE: &str =
    "SELECT max(id) FROM (SELECT id FROM identity WHERE id > ?1 ORDER BY id LIMIT ?2)";
/// Seen or told of, long ago; the highest number is what the next one is counted from.
const UNSPOKEN_OF: &str = "SELECT id FROM identity AS it WHERE id > ?1 AND id <= ?2
    AND (EXISTS (SELECT 1 FROM last_seen WHERE identity = it.id)
        OR EXISTS (SELECT 1 FROM detail WHERE identity = it.id))
    AND NOT EXISTS (SELECT 1 FROM last_seen WHERE identity = it.id AND at >= ?3)
    AND NOT EXISTS (SELECT 1 FROM detail WHERE identity = it.id AND at >= ?3)
    AND NOT EXISTS (SELECT 1 FROM device WHERE device.id = it.id)
    AND NOT EXISTS (SELECT 1 FROM stay WHERE subject = 'device' AND subject_id = it.id)
    AND id NOT IN (SELECT identity FROM grouping)
    AND id NOT IN (SELECT device FROM grouping)
    AND id < (SELECT max(id) FROM identity)";
const ALL_OF_IDENTITIES: [&str; 5] = [
    "DELETE FROM state WHERE subject = 'device' AND subject_id IN (SELECT value FROM json_each(?2))
        AND change IN (SELECT id FROM journal WHERE kind = 'left' AND decided < ?1)",
    "DELETE FROM detail WHERE identity IN (SELECT value FROM json_each(?2))",
    "DELETE FROM first_seen WHERE identity IN (SELECT value FROM json_each(?2))",
    "DELETE FROM last_seen WHERE identity IN (SELECT value FROM json_each(?2))",
    "DELETE FROM identity WHERE id IN (SELECT value FROM json_each(?2))",
];

/// Rows for one transaction: some milliseconds on a slow card.
const PIECE: i64 = 2000;
/// The same of rows that are lists of some kilobytes.
const LISTS: i64 = 200;
