//! Explains the past: an engine is woken at that time over what the store holds of it.

use std::time::Duration;

use muster_core::engine::Engine;
use muster_core::policy::Policy;
use muster_core::ports::{StayQuery, StaysOf, Store, StoreError};
use muster_core::snapshot::Why;
use muster_core::span::Span;
use muster_core::stay::Subject;
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
    restored.facts = store.history(&[], window).await?;
    restored.states = store.states_at(at).await?;
    let query =
        StayQuery { window, subject: None, of: StaysOf::Both, site: None, limit: MOST_STAYS };
    restored.stays = store.stays(&query).await?;
    restored.frontier = at;
    let now = Now { mono: at.since(Time::default()), wall: at };
    Ok(Engine::new(policy.clone(), restored, now).why(subject, now))
}

const INSTANT: Duration = Duration::from_micros(1);
/// More than a large house has in the engine's memory.
const MOST_STAYS: u32 = 100_000;
