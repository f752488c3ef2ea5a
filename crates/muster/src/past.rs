//! Explains the past: an engine is woken at that time over what the store holds of it.

use std::time::Duration;

use muster_core::batch::History;
use muster_core::engine::Engine;
use muster_core::fact::SIGHTING;
use muster_core::policy::Policy;
use muster_core::ports::{StayQuery, StaysOf, Store, StoreError};
use muster_core::snapshot::Why;
use muster_core::span::Span;
use muster_core::stay::{Ended, Subject};
use muster_core::time::{Now, Time};

/// Why something was believed at a time, from the facts that are stored by now.
pub(crate) async fn why(
    store: &dyn Store,
    policy: &Policy,
    subject: Subject,
    at: Time,
) -> Result<Option<Why>, StoreError> {
    // The directory and the numbers of identities are as they are today: grouping is retroactive.
    let mut restored = store.restore(Time::MAX).await?;
    let window = Span::new(Engine::since(policy, at), at + INSTANT);
    restored.since = window.from;
    restored.facts = known_at(at, store.history(&[], window).await?);
    restored.states = store.states_at(at).await?;
    let query =
        StayQuery { window, subject: None, of: StaysOf::Both, site: None, limit: MOST_STAYS };
    restored.stays = store.stays(&query).await?;
    restored.seen.retain(|it| it.first <= at);
    restored.seen.iter_mut().for_each(|it| it.last = it.last.min(at));
    for stay in &mut restored.stays {
        if stay.last > at {
            (stay.last, stay.ended, stay.to_latest) = (at, Ended::Open, None);
        }
    }
    restored.frontier = at;
    let now = Now { mono: at.since(Time::default()), wall: at };
    Ok(Engine::new(policy.clone(), restored, now).why(subject, now))
}

/// What of the facts had happened by then: the store gives whole hours.
fn known_at(at: Time, mut facts: History) -> History {
    for row in &mut facts.heard {
        row.spans.retain(|it| it.from <= at);
        // A sighting tells of the time behind it as well.
        row.spans.iter_mut().for_each(|it| it.to = it.to.min(at + SIGHTING));
    }
    for row in &mut facts.coverage {
        row.spans.retain(|it| it.from < at);
        row.spans.iter_mut().for_each(|it| it.to = it.to.min(at));
    }
    for row in &mut facts.probes {
        row.outcomes.retain(|(asked, _)| *asked <= at);
    }
    facts.levels.retain(|it| it.at <= at);
    facts.readings.retain(|it| it.at <= at);
    facts
}

const INSTANT: Duration = Duration::from_micros(1);
/// More than a large house has in the engine's memory.
const MOST_STAYS: u32 = 100_000;
