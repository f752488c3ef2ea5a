//! Everything that is asked of a store, but for readings. Each answer comes from one moment.

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

use crate::directory;
use crate::judged::{CursorRow, subject_columns};
use crate::record::{Record as _, broken};
use crate::rows::{FirstSeen, LastSeen};
use crate::session::{Session, Value};
use crate::write::meta;
use Value::{Int, List, Text};

/// Everything judged, and the facts since `since`.
pub(crate) async fn restore(
    session: &mut impl Session,
    since: Time,
) -> Result<Restored, sqlx::Error> {
    let meta = meta(session).await?;
    let first_site = Directory::FIRST_SITE.0.into();
    Ok(Restored {
        since,
        directory: directory::read(session, meta.directory).await?,
        identities: session.find("ORDER BY id", &[]).await?,
        listeners: session.find("ORDER BY id", &[]).await?,
        seen: seen(session).await?,
        details: session.find("ORDER BY identity, kind, at DESC, value DESC", &[]).await?,
        facts: history(session, &[], Span::new(since, Time::MAX)).await?,
        stays: session.find(STAYS_SINCE, &[Int(since.micros()), Int(first_site)]).await?,
        states: session
            .find("WHERE id IN (SELECT \"change\" FROM state) ORDER BY subject, subject_id", &[])
            .await?,
        last_stay: StayId(meta.last_stay),
        last_change: meta.last_change,
        received: session.find("ORDER BY monitor, boot", &[]).await?,
        monitors: session.find("ORDER BY monitor", &[]).await?,
        frontier: meta.frontier,
    })
}

async fn seen(session: &mut impl Session) -> Result<Vec<Seen>, sqlx::Error> {
    let first: Vec<FirstSeen> = session.find("ORDER BY identity", &[]).await?;
    let last: Vec<LastSeen> = session.find("ORDER BY identity", &[]).await?;
    if !first.iter().map(|it| it.0).eq(last.iter().map(|it| it.0)) {
        return Err(broken(LastSeen::TABLE));
    }
    let both = first.into_iter().zip(last);
    Ok(both.map(|(it, last)| Seen { identity: it.0, first: it.1, last: last.1 }).collect())
}

/// Up to when everything is judged.
pub(crate) async fn frontier(session: &mut impl Session) -> Result<Time, sqlx::Error> {
    Ok(meta(session).await?.frontier)
}

/// The first and the last hour that share an instant with a window.
fn hours(window: Span) -> Option<(Time, Time)> {
    let last = Time::from_micros(window.to.micros().saturating_sub(1));
    (!window.is_empty()).then(|| (window.from.floor(HOUR), last.floor(HOUR)))
}

/// Facts of the hours that share an instant with the window, of these identities or of all.
pub(crate) async fn history(
    session: &mut impl Session,
    identities: &[IdentityId],
    window: Span,
) -> Result<History, sqlx::Error> {
    let Some((from, last)) = hours(window) else { return Ok(History::default()) };
    let (from, end, last) = (Int(from.micros()), Int((last + HOUR).micros()), Int(last.micros()));
    let ids: Vec<i64> = identities.iter().map(|it| it.0.into()).collect();
    let coverage = coverage(session, window).await?;
    let (heard, probes, levels): (Vec<HeardHour>, Vec<ProbeHour>, Vec<LevelRow>) = if ids.is_empty()
    {
        (
            session.find(HOURS, &[from, last]).await?,
            session.find(HOURS, &[from, last]).await?,
            session.find(LEVELS, &[from, end]).await?,
        )
    } else {
        let ids = List(&ids);
        (
            session.find(HOURS_OF, &[from, last, ids]).await?,
            session.find(HOURS_OF, &[from, last, ids]).await?,
            session.find(LEVELS_OF, &[from, end, ids]).await?,
        )
    };
    Ok(History { heard, coverage, probes, levels })
}

/// Coverage of the hours that share an instant with the window.
pub(crate) async fn coverage(
    session: &mut impl Session,
    window: Span,
) -> Result<Vec<CoverageHour>, sqlx::Error> {
    let Some((from, last)) = hours(window) else { return Ok(Vec::new()) };
    session.find(COVERAGE, &[Int(from.micros()), Int(last.micros())]).await
}

/// Changes with an id above `after`.
pub(crate) async fn changes_after(
    session: &mut impl Session,
    after: u64,
    limit: u32,
) -> Result<Vec<Change>, sqlx::Error> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    session.find("WHERE id > ?1 ORDER BY id LIMIT ?2", &[Int(after), Int(limit.into())]).await
}

/// Changes decided in a window, newest first.
pub(crate) async fn changes_within(
    session: &mut impl Session,
    window: Span,
    subject: Option<Subject>,
    limit: u32,
) -> Result<Vec<Change>, sqlx::Error> {
    let (from, to, limit) = (Int(window.from.micros()), Int(window.to.micros()), Int(limit.into()));
    match subject.map(subject_columns) {
        None => session.find(CHANGES, &[from, to, limit]).await,
        Some((word, number)) => {
            let values = [from, to, limit, Int(number.into()), Text(word)];
            session.find(CHANGES_OF, &values).await
        }
    }
}

/// The last state-bearing change of every subject decided at or before `at`.
pub(crate) async fn states_at(
    session: &mut impl Session,
    at: Time,
) -> Result<Vec<Change>, sqlx::Error> {
    session.find(STATES_AT, &[Int(at.micros())]).await
}

/// Stays that share an instant with a window.
pub(crate) async fn stays(
    session: &mut impl Session,
    query: &StayQuery,
) -> Result<Vec<Stay>, sqlx::Error> {
    if query.window.is_empty() {
        return Ok(Vec::new());
    }
    let (from, to) = (Int(query.window.from.micros()), Int(query.window.to.micros()));
    let (of, any) = match query.of {
        StaysOf::People => ("person", 0),
        StaysOf::Devices => ("device", 0),
        StaysOf::Both => ("", 1),
    };
    let site = Int(query.site.map_or(NOWHERE, |it| it.0.into()));
    let limit = Int(query.limit.into());
    match query.subject.map(subject_columns) {
        None => session.find(STAYS, &[from, to, site, limit, Int(any), Text(of)]).await,
        Some((word, number)) => {
            let number = Int(number.into());
            let values = [from, to, site, limit, Int(any), Text(of), number, Text(word)];
            session.find(STAYS_OF, &values).await
        }
    }
}

/// A consumer's cursor.
pub(crate) async fn cursor(
    session: &mut impl Session,
    name: &str,
) -> Result<Option<i64>, sqlx::Error> {
    let rows: Vec<CursorRow> = session.find("WHERE name = ?1", &[Text(name)]).await?;
    Ok(rows.first().map(|it| it.value))
}

const HOURS: &str = "WHERE hour BETWEEN ?1 AND ?2 ORDER BY hour, identity, listener";
pub(crate) const HOURS_OF: &str =
    "WHERE hour BETWEEN ?1 AND ?2 AND identity IN ?3 ORDER BY hour, identity, listener";
const COVERAGE: &str = "WHERE hour BETWEEN ?1 AND ?2 ORDER BY hour, listener";
const LEVELS: &str = "WHERE at >= ?1 AND at < ?2 ORDER BY at, identity, listener, sequence, state";
pub(crate) const LEVELS_OF: &str = "WHERE at >= ?1 AND at < ?2 AND identity IN ?3 \
    ORDER BY at, identity, listener, sequence, state";
pub(crate) const CHANGES: &str =
    "WHERE decided >= ?1 AND decided < ?2 ORDER BY decided DESC, id DESC LIMIT ?3";
pub(crate) const CHANGES_OF: &str = "WHERE subject = ?5 AND subject_id = ?4 \
    AND decided >= ?1 AND decided < ?2 ORDER BY decided DESC, id DESC LIMIT ?3";
/// `state` names every subject, so that each costs one step into the index.
pub(crate) const STATES_AT: &str = "WHERE id IN (
    SELECT (SELECT it.id FROM journal AS it
            WHERE it.subject = state.subject AND it.subject_id = state.subject_id
                AND it.kind IN ('arrived', 'left', 'moved', 'unknown', 'known')
                AND it.decided <= ?1
            ORDER BY it.decided DESC, it.id DESC LIMIT 1)
    FROM state) ORDER BY subject, subject_id";

pub(crate) const STAYS_SINCE: &str = "WHERE id IN (
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
pub(crate) const STAYS: &str = "WHERE (ended = 'open' OR (ended <> 'open' AND last >= ?1)) \
    AND from_at < ?2 AND (?3 = -1 OR site = ?3) AND (?5 = 1 OR subject = ?6) \
    ORDER BY from_at, id LIMIT ?4";
pub(crate) const STAYS_OF: &str = "WHERE subject = ?8 AND subject_id = ?7 AND from_at < ?2 \
    AND (ended = 'open' OR last >= ?1) AND (?3 = -1 OR site = ?3) AND (?5 = 1 OR subject = ?6) \
    ORDER BY from_at, id LIMIT ?4";
