//! Everything that is asked of the store. Each answer comes from one moment.

use muster_core::batch::{
    CoverageHour, HOUR, HeardHour, History, LevelRow, ProbeHour, Restored, Seen,
};
use muster_core::change::Change;
use muster_core::directory::Directory;
use muster_core::identity::IdentityId;
use muster_core::ports::{StayQuery, StaysOf};
use muster_core::span::Span;
use muster_core::stay::{Stay, StayId, Subject};
use muster_core::time::Time;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::judged::{CursorRow, subject_columns};
use super::record::{Record as _, broken};
use super::rows::{FirstSeen, LastSeen};
use super::statement::{find, list, values};
use super::{commit, directory};

/// Everything judged, and the facts since `since`.
pub(super) async fn restore(
    conn: &mut SqliteConnection,
    since: Time,
) -> Result<Restored, sqlx::Error> {
    let meta = commit::meta(conn).await?;
    let none = SqliteArguments::default;
    let first_site = Directory::FIRST_SITE.0.into();
    let directory = directory::read(conn, meta.directory).await?;
    Ok(Restored {
        since,
        directory,
        identities: find(conn, "ORDER BY id", none()).await?,
        listeners: find(conn, "ORDER BY id", none()).await?,
        seen: seen(conn).await?,
        details: find(conn, "ORDER BY identity, kind, at DESC, value DESC", none()).await?,
        facts: history(conn, &[], Span::new(since, Time::MAX)).await?,
        stays: find(conn, STAYS_SINCE, values(&[since.micros(), first_site], &[])?).await?,
        states: find(
            conn,
            "WHERE id IN (SELECT change FROM state) ORDER BY subject, subject_id",
            none(),
        )
        .await?,
        last_stay: StayId(meta.last_stay),
        last_change: meta.last_change,
        received: find(conn, "ORDER BY monitor, boot", none()).await?,
        frontier: meta.frontier,
    })
}

/// Up to when everything is judged.
pub(super) async fn frontier(conn: &mut SqliteConnection) -> Result<Time, sqlx::Error> {
    Ok(commit::meta(conn).await?.frontier)
}

async fn seen(conn: &mut SqliteConnection) -> Result<Vec<Seen>, sqlx::Error> {
    let in_order = "ORDER BY identity";
    let first: Vec<FirstSeen> = find(conn, in_order, SqliteArguments::default()).await?;
    let last: Vec<LastSeen> = find(conn, in_order, SqliteArguments::default()).await?;
    if !first.iter().map(|it| it.0).eq(last.iter().map(|it| it.0)) {
        return Err(broken(LastSeen::TABLE));
    }
    let both = first.into_iter().zip(last);
    Ok(both.map(|(it, last)| Seen { identity: it.0, first: it.1, last: last.1 }).collect())
}

/// The first and the last hour that share an instant with a window.
fn hours(window: Span) -> Option<(Time, Time)> {
    let last = Time::from_micros(window.to.micros().saturating_sub(1));
    (!window.is_empty()).then(|| (window.from.floor(HOUR), last.floor(HOUR)))
}

/// Facts of the hours that share an instant with the window, of these identities or of all.
pub(super) async fn history(
    conn: &mut SqliteConnection,
    identities: &[IdentityId],
    window: Span,
) -> Result<History, sqlx::Error> {
    let Some((from, last)) = hours(window) else { return Ok(History::default()) };
    let (from, end, last) = (from.micros(), (last + HOUR).micros(), last.micros());
    let ids = list(identities.iter().map(|it| it.0.into()));
    let hours = || values(&[from, last], &[&ids]);
    let whole = || values(&[from, end], &[&ids]);
    let all = identities.is_empty();
    let heard: Vec<HeardHour> = find(conn, if all { HOURS } else { HOURS_OF }, hours()?).await?;
    let coverage = coverage(conn, window).await?;
    let probes: Vec<ProbeHour> = find(conn, if all { HOURS } else { HOURS_OF }, hours()?).await?;
    let levels: Vec<LevelRow> = find(conn, if all { LEVELS } else { LEVELS_OF }, whole()?).await?;
    Ok(History { heard, coverage, probes, levels })
}

/// Coverage of the hours that share an instant with the window.
pub(super) async fn coverage(
    conn: &mut SqliteConnection,
    window: Span,
) -> Result<Vec<CoverageHour>, sqlx::Error> {
    let Some((from, last)) = hours(window) else { return Ok(Vec::new()) };
    find(conn, COVERAGE, values(&[from.micros(), last.micros()], &[])?).await
}

/// Changes with an id above `after`.
pub(super) async fn changes_after(
    conn: &mut SqliteConnection,
    after: u64,
    limit: u32,
) -> Result<Vec<Change>, sqlx::Error> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    find(conn, "WHERE id > ?1 ORDER BY id LIMIT ?2", values(&[after, limit.into()], &[])?).await
}

/// Changes decided in a window, newest first.
pub(super) async fn changes_within(
    conn: &mut SqliteConnection,
    window: Span,
    subject: Option<Subject>,
    limit: u32,
) -> Result<Vec<Change>, sqlx::Error> {
    let (from, to) = (window.from.micros(), window.to.micros());
    match subject.map(subject_columns) {
        None => find(conn, CHANGES, values(&[from, to, limit.into()], &[])?).await,
        Some((word, number)) => {
            let values = values(&[from, to, limit.into(), number.into()], &[word])?;
            find(conn, CHANGES_OF, values).await
        }
    }
}

/// The last state-bearing change of every subject decided at or before `at`.
pub(super) async fn states_at(
    conn: &mut SqliteConnection,
    at: Time,
) -> Result<Vec<Change>, sqlx::Error> {
    find(conn, STATES_AT, values(&[at.micros()], &[])?).await
}

/// Stays that share an instant with a window.
pub(super) async fn stays(
    conn: &mut SqliteConnection,
    query: &StayQuery,
) -> Result<Vec<Stay>, sqlx::Error> {
    if query.window.is_empty() {
        return Ok(Vec::new());
    }
    let (from, to) = (query.window.from.micros(), query.window.to.micros());
    let (of, any) = match query.of {
        StaysOf::People => ("person", 0),
        StaysOf::Devices => ("device", 0),
        StaysOf::Both => ("", 1),
    };
    let site = query.site.map_or(NOWHERE, |it| it.0.into());
    let limit = query.limit.into();
    match query.subject.map(subject_columns) {
        None => find(conn, STAYS, values(&[from, to, site, limit, any], &[of])?).await,
        Some((word, number)) => {
            let numbers = [from, to, site, limit, any, number.into()];
            find(conn, STAYS_OF, values(&numbers, &[of, word])?).await
        }
    }
}

/// A consumer's cursor.
pub(super) async fn cursor(
    conn: &mut SqliteConnection,
    name: &str,
) -> Result<Option<i64>, sqlx::Error> {
    let rows: Vec<CursorRow> = find(conn, "WHERE name = ?1", values(&[], &[name])?).await?;
    Ok(rows.first().map(|it| it.value))
}

const HOURS: &str = "WHERE hour BETWEEN ?1 AND ?2 ORDER BY hour, identity, listener";
const HOURS_OF: &str = "WHERE hour BETWEEN ?1 AND ?2 \
    AND identity IN (SELECT value FROM json_each(?3)) ORDER BY hour, identity, listener";
const COVERAGE: &str = "WHERE hour BETWEEN ?1 AND ?2 ORDER BY hour, listener";
const LEVELS: &str = "WHERE at >= ?1 AND at < ?2 ORDER BY at, identity, listener, sequence, state";
const LEVELS_OF: &str = "WHERE at >= ?1 AND at < ?2 \
    AND identity IN (SELECT value FROM json_each(?3)) \
    ORDER BY at, identity, listener, sequence, state";
const CHANGES: &str =
    "WHERE decided >= ?1 AND decided < ?2 ORDER BY decided DESC, id DESC LIMIT ?3";
const CHANGES_OF: &str = "WHERE subject = ?5 AND subject_id = ?4 \
    AND decided >= ?1 AND decided < ?2 ORDER BY decided DESC, id DESC LIMIT ?3";
/// `state` names every subject, so that each costs one step into the index.
const STATES_AT: &str = "WHERE id IN (
    SELECT (SELECT it.id FROM journal AS it
            WHERE it.subject = state.subject AND it.subject_id = state.subject_id
                AND it.kind IN ('arrived', 'left', 'moved', 'unknown', 'known')
                AND it.decided <= ?1
            ORDER BY it.decided DESC, it.id DESC LIMIT 1)
    FROM state) ORDER BY subject, subject_id";

const STAYS_SINCE: &str = "WHERE id IN (
    SELECT id FROM stay WHERE ended = 'open'
    UNION ALL SELECT id FROM stay WHERE ended <> 'open' AND last >= ?1
    UNION ALL SELECT it.id FROM stay AS it WHERE it.ended = 'assumed' AND it.subject = 'device'
        AND it.from_at < ?1 AND NOT EXISTS (
            SELECT 1 FROM stay AS later WHERE later.subject = it.subject
                AND later.subject_id = it.subject_id AND later.site = it.site
                AND later.from_at > it.from_at AND later.from_at < ?1)
    UNION ALL SELECT (SELECT it.id FROM stay AS it
                      WHERE it.subject = 'person' AND it.subject_id = person.id
                          AND it.from_at < ?1 AND it.site = ?2
                      ORDER BY it.from_at DESC LIMIT 1)
        FROM person) ORDER BY id";
/// No place has this number.
const NOWHERE: i64 = -1;
const STAYS: &str = "WHERE (ended = 'open' OR (ended <> 'open' AND last >= ?1)) \
    AND from_at < ?2 AND (?3 = -1 OR site = ?3) AND (?5 = 1 OR subject = ?6) \
    ORDER BY from_at, id LIMIT ?4";
const STAYS_OF: &str = "WHERE subject = ?8 AND subject_id = ?6 AND from_at < ?2 \
    AND (ended = 'open' OR last >= ?1) AND (?3 = -1 OR site = ?3) AND (?5 = 1 OR subject = ?7) \
    ORDER BY from_at, id LIMIT ?4";

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection as _, Row as _};

    use super::super::{files, readings, schema};
    use super::*;

    /// How the engine goes about `SELECT id FROM table tail`.
    async fn plan(conn: &mut SqliteConnection, table: &str, tail: &str) -> String {
        let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM {table} {tail}");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(conn).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|it| it.get("detail")).collect();
        lines.join("; ")
    }

    #[tokio::test]
    async fn no_question_walks_a_whole_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let mut conn = files::maker(&path).await.unwrap();
        schema::migrate(&mut conn, schema::MIGRATIONS, &path).await.unwrap();
        for (table, tail, index) in [
            ("heard", HOURS_OF, "PRIMARY KEY"),
            ("readings", readings::WITHIN_OF, "PRIMARY KEY"),
            ("winners", readings::WITHIN, "PRIMARY KEY"),
            ("winners", readings::THESE, "PRIMARY KEY"),
            ("winner_hours", readings::HOURS, "PRIMARY KEY"),
            ("level", LEVELS_OF, "PRIMARY KEY"),
            ("journal", CHANGES, "journal_decided"),
            ("journal", CHANGES_OF, "journal_of"),
            ("journal", STATES_AT, "journal_state"),
            ("stay", STAYS, "stay_open"),
            ("stay", STAYS, "stay_ended"),
            ("stay", STAYS_OF, "stay_of"),
            ("stay", STAYS_SINCE, "stay_assumed"),
        ] {
            let plan = plan(&mut conn, table, tail).await;
            assert!(plan.contains(index), "{table} {tail}: {plan}");
            // An index that holds the open stays alone may be walked.
            let plan = plan.replace("SCAN stay USING COVERING INDEX stay_open", "");
            assert!(!plan.contains(&format!("SCAN {table}")), "{table} {tail}: {plan}");
        }
        conn.close().await.unwrap();
    }
}
