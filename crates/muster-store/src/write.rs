//! Everything that a batch brings, row by row: one transaction of every store.

use std::collections::BTreeMap;

use muster_core::batch::{Batch, DetailRow, Seen};
use muster_core::change::Change;
use muster_core::stay::Subject;

use crate::judged::{Meta, StateRow};
use crate::record::{Record as _, broken};
use crate::rows::{FirstSeen, LastSeen};
use crate::session::{Merge, Session, Value};
use crate::{directory, plain, readings};

/// Everything in a batch, in a transaction that is open. `told`: its changes are in the journal. `plain`:
/// readings are kept as plain rows as well.
pub(crate) async fn write(
    session: &mut impl Session,
    batch: &Batch,
    found: Meta,
    told: bool,
    plain: bool,
) -> Result<Meta, sqlx::Error> {
    session.merge(&batch.identities, Merge::ByKey).await?;
    session.merge(&batch.listeners, Merge::ByKey).await?;
    write_seen(session, &batch.seen).await?;
    session.merge(&batch.heard, Merge::ByKey).await?;
    session.merge(&batch.coverage, Merge::ByKey).await?;
    if plain {
        plain::covered(session, &batch.coverage).await?;
    }
    session.merge(&batch.probes, Merge::ByKey).await?;
    session.merge(&batch.levels, Merge::ByKey).await?;
    write_details(session, &batch.details).await?;
    readings::write(session, &batch.readings, plain).await?;
    for (monitor, boot) in &batch.unreceived {
        let key = [Value::Text(monitor), Value::Text(&boot.to_string())];
        session.run("DELETE FROM received WHERE monitor = ?1 AND boot = ?2", &key).await?;
    }
    session.merge(&batch.received, Merge::ByKey).await?;
    session.merge(&batch.monitors, Merge::ByKey).await?;
    session.write_stays(&batch.stays).await?;
    if !batch.gone.is_empty() {
        let gone: Vec<i64> = batch.gone.iter().map(|it| it.0.cast_signed()).collect();
        session.run("DELETE FROM stay WHERE id IN ?1", &[Value::List(&gone)]).await?;
    }
    if let Some(it) = &batch.directory {
        directory::write(session, it).await?;
    }
    let mut meta = found;
    meta.frontier = batch.frontier;
    meta.directory = batch.directory.as_ref().map(|it| it.version).or(found.directory);
    let stays = batch.stays.iter().map(|it| it.id).chain(batch.gone.iter().copied());
    meta.last_stay = stays.map(|it| it.0).max().unwrap_or_default().max(found.last_stay);
    if !told {
        meta.commits += 1;
        meta.last_change = write_changes(session, &batch.changes, found.last_change).await?;
    }
    session.merge(&[meta], Merge::ByKey).await?;
    Ok(meta)
}

/// First and last sightings, merged with what is there.
async fn write_seen(session: &mut impl Session, rows: &[Seen]) -> Result<(), sqlx::Error> {
    let first: Vec<FirstSeen> = rows.iter().map(|it| FirstSeen(it.identity, it.first)).collect();
    session.merge(&first, Merge::Earliest).await?;
    let last: Vec<LastSeen> = rows.iter().map(|it| LastSeen(it.identity, it.last)).collect();
    session.merge(&last, Merge::Latest).await
}

/// All details of each identity in here, in place of what there was. Their texts may be longer than an
/// index takes, so it is here that none is there twice.
async fn write_details(session: &mut impl Session, rows: &[DetailRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut about: Vec<i64> = rows.iter().map(|it| it.identity.0.into()).collect();
    about.sort_unstable();
    about.dedup();
    session.run("DELETE FROM detail WHERE identity IN ?1", &[Value::List(&about)]).await?;
    let mut single = BTreeMap::new();
    for it in rows {
        single.insert((it.identity, it.kind, &it.value), it.clone());
    }
    let single: Vec<DetailRow> = single.into_values().collect();
    session.merge(&single, Merge::Append).await
}

/// Numbers the changes and adds them to the journal; the last id.
async fn write_changes(
    session: &mut impl Session,
    changes: &[Change],
    last: u64,
) -> Result<u64, sqlx::Error> {
    let mut numbered = changes.to_vec();
    let mut states: BTreeMap<Subject, u64> = BTreeMap::new();
    let mut last = last;
    for change in &mut numbered {
        last += 1;
        change.id = last;
        if let Some(subject) = change.subject.filter(|_| change.kind.bears_state()) {
            states.insert(subject, last);
        }
    }
    session.merge(&numbered, Merge::ByKey).await?;
    let states: Vec<StateRow> =
        states.into_iter().map(|(subject, change)| StateRow { subject, change }).collect();
    session.merge(&states, Merge::ByKey).await?;
    Ok(last)
}

/// What there is once.
pub(crate) async fn meta(session: &mut impl Session) -> Result<Meta, sqlx::Error> {
    let rows = session.find("WHERE id = 1", &[]).await?;
    rows.first().copied().ok_or_else(|| broken(Meta::TABLE))
}
