//! A store's answers beside the model's.

use std::time::Duration;

use muster_core::batch::{HOUR, History, Restored};
use muster_core::change::Change;
use muster_core::identity::{IdentityId, PlaceId};
use muster_core::ports::{ReadingQuery, ReadingsOf, StayQuery, StaysOf, Store};
use muster_core::span::Span;
use muster_core::time::Time;

use super::cases::{MINUTE, NOON};
use super::{Model, Outcome, same};

/// Compares everything that can be asked with the model.
pub async fn agrees(store: &dyn Store, model: &Model) -> Outcome {
    for since in [Time::MIN, NOON, NOON + Duration::from_secs(5_000), Time::MAX] {
        let got = sorted(store.restore(since).await?);
        same(&format!("restore since {since}"), &got, &sorted(model.restore(since)))?;
        same("frontier", &store.frontier().await?, &got.frontier)?;
    }
    let ids = [IdentityId(1), IdentityId(3)];
    for (ids, hours) in [(&ids[..], 1), (&ids[..], 30), (&[][..], 3), (&[][..], 10_000)] {
        let window = Span::new(NOON + MINUTE, NOON + hours * HOUR);
        let got = ordered(store.history(ids, window).await?);
        same("history", &got, &ordered(model.history(ids, window)))?;
    }
    agree_on_readings(store, model).await?;
    let last = model.restore(Time::MAX).last_change;
    for (after, limit) in [(0, u32::MAX), (0, 3), (last / 2, 5), (last, 5), (u64::MAX, 5)] {
        let got = store.changes_after(after, limit).await?;
        same("changes after", &got, &model.changes_after(after, limit))?;
    }
    let (subjects, times) = model.questions();
    let middle = times.iter().nth(times.len() / 2).copied().unwrap_or(NOON);
    let all = Span::new(Time::MIN, Time::MAX);
    for window in [all, Span::new(Time::MIN, middle), Span::new(middle, Time::MAX)] {
        for subject in subjects.iter().map(|it| Some(*it)).chain([None]) {
            let got = store.changes_within(window, subject, 20).await?;
            same("changes within", &got, &model.changes_within(window, subject, 20))?;
            for (of, site) in [
                (StaysOf::Both, None),
                (StaysOf::People, None),
                (StaysOf::Devices, Some(PlaceId(2))),
            ] {
                let query = StayQuery { window, subject, of, site, limit: 10 };
                let got = store.stays(&query).await?;
                same(&format!("{query:?}"), &got, &model.stays(&query))?;
            }
        }
    }
    for at in times.iter().step_by(7).copied().chain([Time::MIN, middle, Time::MAX]) {
        let got = by_subject(store.states_at(at).await?);
        same("states", &got, &by_subject(model.states_at(at)))?;
    }
    Ok(())
}

async fn agree_on_readings(store: &dyn Store, model: &Model) -> Outcome {
    let all = Span::new(Time::MIN, Time::MAX);
    let some = Span::new(NOON + MINUTE, NOON + 5 * HOUR);
    for window in [all, some] {
        for identities in [Vec::new(), vec![IdentityId(1), IdentityId(3), IdentityId(300)]] {
            for of in [ReadingsOf::Listeners, ReadingsOf::Winners] {
                let query = ReadingQuery { window, identities: identities.clone(), of };
                let got = store.readings(&query).await?;
                same(&format!("{query:?}"), &got, &model.readings(&query))?;
            }
        }
        let got = store.winner_hours(window).await?;
        same("counted hours", &got, &model.winner_hours(window))?;
        same("coverage", &store.coverage(window).await?, &model.coverage(window))?;
    }
    Ok(())
}

/// The port leaves the order of rows to the store.
pub(super) fn sorted(mut it: Restored) -> Restored {
    it.details.sort_by_key(|it| (it.identity, it.kind, it.at, it.value.clone()));
    it.states = by_subject(it.states);
    it.facts = ordered(it.facts);
    it
}

pub(super) fn ordered(mut it: History) -> History {
    it.heard.sort_by_key(|it| (it.hour, it.identity, it.listener));
    it.coverage.sort_by_key(|it| (it.hour, it.listener));
    it.probes.sort_by_key(|it| (it.hour, it.identity, it.listener));
    it.levels.sort();
    it
}

pub(super) fn by_subject(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_key(|it| it.subject);
    changes
}
