//! Retention on a server: what is too old goes, a bounded piece at a time, so that commits come in
//! between.

use muster_core::batch::HOUR;
use muster_core::ports::{Before, StoreError};
use muster_core::time::Time;
use tokio::sync::Mutex;

use super::engine::Engine;
use super::writer::Writer;
use crate::plain;
use crate::session::{Session as _, Value};
use Value::{Int, List};

/// Deletes what is too old; how many rows went.
pub(super) async fn forget<E: Engine>(
    writer: &Mutex<Writer<E>>,
    before: Before,
) -> Result<u64, StoreError> {
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
        gone += listed(writer, STAYS, at).await?;
    }
    if let Some(at) = before.facts {
        gone += identities(writer, at.micros(), journal.unwrap_or(i64::MIN)).await?;
    }
    if let Some(at) = journal {
        gone += listed(writer, CHANGES, at).await?;
    }
    Ok(gone)
}

/// Facts and every listener's readings; how many went.
async fn facts<E: Engine>(writer: &Mutex<Writer<E>>, before: Time) -> Result<u64, StoreError> {
    // An hour goes once all of it is old enough.
    let hours = (before - HOUR).micros();
    let at = before.micros();
    let mut gone = readings(writer, at).await?;
    for (piece, before) in
        [(HEARD, hours), (COVERAGE, hours), (PROBES, hours), (LEVELS, at), (RECEIVED, at)]
    {
        gone += in_pieces(writer, piece, before).await?;
    }
    Ok(gone)
}

/// How a piece of a table is found, and deleted: up to the column's value in its last row.
#[derive(Clone, Copy)]
struct Piece {
    last: &'static str,
    delete: &'static str,
}

async fn in_pieces<E: Engine>(
    writer: &Mutex<Writer<E>>,
    piece: Piece,
    before: i64,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let mut writer = writer.lock().await;
        let went = writer.together(async |session| {
            let last = session.numbers(piece.last, &[Int(before), Int(PIECE)]).await?;
            let Some(last) = last.first().copied().flatten() else { return Ok(0) };
            session.run(piece.delete, &[Int(before), Int(last)]).await
        });
        match went.await? {
            0 => return Ok(gone),
            rows => gone += rows,
        }
    }
}

/// The same by numbers: a statement that asks a table cannot delete from it everywhere.
async fn listed<E: Engine>(
    writer: &Mutex<Writer<E>>,
    (find, delete): (&'static str, &'static str),
    before: i64,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let mut writer = writer.lock().await;
        let went = writer.together(async |session| {
            let ids = session.numbers(find, &[Int(before), Int(PIECE)]).await?;
            let ids: Vec<i64> = ids.into_iter().flatten().collect();
            if ids.is_empty() { Ok(0) } else { session.run(delete, &[List(&ids)]).await }
        });
        match went.await? {
            0 => return Ok(gone),
            rows => gone += rows,
        }
    }
}

/// Identities that nobody speaks of any more; how many went.
async fn identities<E: Engine>(
    writer: &Mutex<Writer<E>>,
    facts: i64,
    journal: i64,
) -> Result<u64, StoreError> {
    let (mut gone, mut after) = (0, i64::MIN);
    loop {
        let mut writer = writer.lock().await;
        let piece = writer.together(async |session| {
            let last = session.numbers(LAST_OF_PIECE, &[Int(after), Int(PIECE)]).await?;
            let Some(last) = last.first().copied().flatten() else { return Ok(None) };
            let between = [Int(after), Int(last), Int(facts)];
            let ids = session.numbers(UNSPOKEN_OF, &between).await?;
            let ids: Vec<i64> = ids.into_iter().flatten().collect();
            if !ids.is_empty() {
                session.run(STATES_OF, &[Int(journal), List(&ids)]).await?;
                for sql in ALL_OF_IDENTITIES {
                    session.run(sql, &[List(&ids)]).await?;
                }
            }
            Ok(Some((last, ids.len() as u64)))
        });
        let Some((last, went)) = piece.await? else { return Ok(gone) };
        (after, gone) = (last, gone + went);
    }
}

/// Readings of intervals that ended before; how many went.
async fn readings<E: Engine>(writer: &Mutex<Writer<E>>, before: i64) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let mut writer = writer.lock().await;
        let plain = writer.plain;
        let went = writer.together(async |session| {
            let last = session.numbers(READINGS.last, &[Int(before), Int(LISTS)]).await?;
            let Some(last) = last.first().copied().flatten() else { return Ok(None) };
            let piece = [Int(before), Int(last)];
            let counts = session.numbers(READINGS_IN, &piece).await?;
            session.run(READINGS.delete, &piece).await?;
            if plain {
                let piece = [Int(before), Int(last.min(plain::LAST))];
                session.run(&plain_readings::<E>(), &piece).await?;
            }
            Ok(Some(sum(&counts)))
        });
        let Some(went) = went.await? else { return Ok(gone) };
        gone += went;
    }
}

/// Winners of the hours before one, each with its count; how many winners went.
async fn winners<E: Engine>(writer: &Mutex<Writer<E>>, before: Time) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let mut writer = writer.lock().await;
        let plain = writer.plain;
        let went = writer.together(async |session| {
            let oldest = session.numbers(OLDEST_WINNER, &[Int(before.micros())]).await?;
            let Some(oldest) = oldest.first().copied().flatten() else { return Ok(None) };
            let end_at = (Time::from_micros(oldest).floor(HOUR) + HOUR).micros();
            let end = Int(end_at);
            let counts = session.numbers(WINNERS_IN, &[end]).await?;
            session.run(WINNERS, &[end]).await?;
            session.run(WINNER_HOURS, &[end]).await?;
            if plain {
                session.run(&plain_winners::<E>(), &[Int(end_at.min(plain::LAST))]).await?;
                session.run(PLAIN_HOURS, &[end]).await?;
            }
            Ok(Some(sum(&counts)))
        });
        let Some(went) = went.await? else { return Ok(gone) };
        gone += went;
    }
}

/// Intervals that ended before the first time, and began no later than the second.
fn plain_readings<E: Engine>() -> String {
    let (last, began) = (E::instant("?2"), E::micros("interval_at"));
    format!("DELETE FROM plain_reading WHERE interval_at <= {last} AND {began} + length <= ?1")
}

fn plain_winners<E: Engine>() -> String {
    format!("DELETE FROM plain_winner WHERE interval_at < {}", E::instant("?1"))
}

fn sum(counts: &[Option<i64>]) -> u64 {
    counts.iter().flatten().map(|it| it.unsigned_abs()).sum()
}

const HEARD: Piece = Piece {
    last: "SELECT max(hour) FROM (
        SELECT hour FROM heard WHERE hour <= ?1 ORDER BY hour LIMIT ?2) AS piece",
    delete: "DELETE FROM heard WHERE hour <= ?1 AND hour <= ?2",
};
const COVERAGE: Piece = Piece {
    last: "SELECT max(hour) FROM (
        SELECT hour FROM coverage WHERE hour <= ?1 ORDER BY hour LIMIT ?2) AS piece",
    delete: "DELETE FROM coverage WHERE hour <= ?1 AND hour <= ?2",
};
const PROBES: Piece = Piece {
    last: "SELECT max(hour) FROM (
        SELECT hour FROM probe WHERE hour <= ?1 ORDER BY hour LIMIT ?2) AS piece",
    delete: "DELETE FROM probe WHERE hour <= ?1 AND hour <= ?2",
};
const LEVELS: Piece = Piece {
    last: "SELECT max(at) FROM (
        SELECT at FROM level WHERE at < ?1 ORDER BY at LIMIT ?2) AS piece",
    delete: "DELETE FROM level WHERE at < ?1 AND at <= ?2",
};
const RECEIVED: Piece = Piece {
    last: "SELECT max(at) FROM (
        SELECT at FROM received WHERE at < ?1 ORDER BY at LIMIT ?2) AS piece",
    delete: "DELETE FROM received WHERE at < ?1 AND at <= ?2",
};
const READINGS: Piece = Piece {
    last: "SELECT max(interval_at) FROM (
        SELECT interval_at FROM readings WHERE interval_at < ?1 AND interval_at + length <= ?1
        ORDER BY interval_at LIMIT ?2) AS piece",
    delete: "DELETE FROM readings
        WHERE interval_at < ?1 AND interval_at + length <= ?1 AND interval_at <= ?2",
};
const READINGS_IN: &str = "SELECT \"count\" FROM readings
    WHERE interval_at < ?1 AND interval_at + length <= ?1 AND interval_at <= ?2";
const OLDEST_WINNER: &str = "SELECT min(interval_at) FROM winners WHERE interval_at < ?1";
const WINNERS_IN: &str = "SELECT \"count\" FROM winners WHERE interval_at < ?1";
const WINNERS: &str = "DELETE FROM winners WHERE interval_at < ?1";
const WINNER_HOURS: &str = "DELETE FROM winner_hours WHERE hour < ?1";
const PLAIN_HOURS: &str = "DELETE FROM plain_hour WHERE hour < ?1";
const STAYS: (&str, &str) = (
    "SELECT id FROM stay WHERE ended <> 'open' AND last < ?1 ORDER BY last LIMIT ?2",
    "DELETE FROM stay WHERE id IN ?1",
);
/// Kept are the last state of each subject, and the one in force at the limit, so that the states
/// at every time since then remain what they were.
const CHANGES: (&str, &str) = (
    "SELECT id FROM journal WHERE decided < ?1
        AND id NOT IN (SELECT \"change\" FROM state)
        AND id NOT IN (
            SELECT coalesce((SELECT it.id FROM journal AS it
                WHERE it.subject = state.subject AND it.subject_id = state.subject_id
                    AND it.kind IN ('arrived', 'left', 'moved', 'unknown', 'known')
                    AND it.decided <= ?1
                ORDER BY it.decided DESC, it.id DESC LIMIT 1), 0)
            FROM state)
    ORDER BY decided LIMIT ?2",
    "DELETE FROM journal WHERE id IN ?1",
);

const LAST_OF_PIECE: &str =
    "SELECT max(id) FROM (SELECT id FROM identity WHERE id > ?1 ORDER BY id LIMIT ?2) AS piece";
/// Seen or told of, long ago; the highest number is what the next one is counted from.
const UNSPOKEN_OF: &str = "SELECT id FROM identity AS it WHERE id > ?1 AND id <= ?2
    AND (EXISTS (SELECT 1 FROM last_seen WHERE identity = it.id)
        OR EXISTS (SELECT 1 FROM detail WHERE identity = it.id))
    AND NOT EXISTS (SELECT 1 FROM last_seen WHERE identity = it.id AND at >= ?3)
    AND NOT EXISTS (SELECT 1 FROM detail WHERE identity = it.id AND at >= ?3)
    AND NOT EXISTS (SELECT 1 FROM device WHERE device.id = it.id)
    AND NOT EXISTS (SELECT 1 FROM stay WHERE subject = 'device' AND subject_id = it.id)
    AND id NOT IN (SELECT identity FROM \"grouping\")
    AND id NOT IN (SELECT device FROM \"grouping\")
    AND id < (SELECT max(id) FROM identity)";
const STATES_OF: &str = "DELETE FROM state WHERE subject = 'device' AND subject_id IN ?2
    AND \"change\" IN (SELECT id FROM journal WHERE kind = 'left' AND decided < ?1)";
const ALL_OF_IDENTITIES: [&str; 4] = [
    "DELETE FROM detail WHERE identity IN ?1",
    "DELETE FROM first_seen WHERE identity IN ?1",
    "DELETE FROM last_seen WHERE identity IN ?1",
    "DELETE FROM identity WHERE id IN ?1",
];

/// Rows for one transaction, about: those that share the last row's time go with it.
const PIECE: i64 = 2000;
/// The same of rows that are lists of some kilobytes.
const LISTS: i64 = 200;
