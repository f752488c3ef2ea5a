//! Explains the past: an engine is woken at that time over what the store holds of it.
//!
//! That reads days of facts and judges them all, so it is done beside everything else.
//! **Invariant:** one at a time, however many ask.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use muster_core::batch::{HOUR, History, Restored, Seen};
use muster_core::engine::Engine;
use muster_core::fact::SIGHTING;
use muster_core::identity::IdentityId;
use muster_core::policy::Policy;
use muster_core::ports::{StayQuery, StaysOf, Store, StoreError};
use muster_core::snapshot::Why;
use muster_core::span::Span;
use muster_core::stay::{Ended, Subject};
use muster_core::time::Time;
use muster_web::WhyRefused;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::clock::civil;

/// Whoever explains the past.
pub(crate) struct Past {
    store: Arc<dyn Store>,
    policy: Policy,
    turn: Arc<Semaphore>,
    patience: Duration,
}

impl Past {
    /// Over a store, with the patience that the hub has.
    pub(crate) fn new(store: Arc<dyn Store>, policy: Policy) -> Self {
        Self { store, policy, turn: Arc::new(Semaphore::new(1)), patience: LONGEST_WAIT }
    }

    /// The length of the intervals of readings.
    pub(crate) fn interval(&self) -> Duration {
        self.policy.interval
    }

    /// Why something was believed at a time, from the facts that are stored by now.
    pub(crate) async fn explain(
        &self,
        subject: Subject,
        at: Time,
    ) -> Result<Option<Why>, WhyRefused> {
        let turn = Arc::clone(&self.turn).acquire_owned();
        let Ok(Ok(turn)) = timeout(self.patience, turn).await else { return Err(WhyRefused::Busy) };
        let (store, policy) = (Arc::clone(&self.store), self.policy.clone());
        let here = Handle::current();
        let explained = spawn_blocking(move || {
            let why = here.block_on(why(&*store, &policy, subject, at));
            // Also when nobody waits for the answer any more.
            drop(turn);
            why
        });
        match explained.await {
            Ok(why) => Ok(why?),
            Err(defect) => {
                let what = "the past was not explained".to_owned();
                Err(StoreError::Unavailable { what, cause: defect.into() }.into())
            }
        }
    }
}

async fn why(
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
    seen_by(store, at, &mut restored).await?;
    for stay in &mut restored.stays {
        if stay.last > at {
            (stay.last, stay.ended, stay.to_latest) = (at, Ended::Open, None);
        }
    }
    restored.frontier = at;
    let now = civil(at);
    Ok(Engine::new(policy.clone(), restored, now).why(subject, now))
}

/// When each identity had been seen last by then, of those that were seen again later: what is at
/// hand tells it, or else what is stored of the time before.
async fn seen_by(store: &dyn Store, at: Time, restored: &mut Restored) -> Result<(), StoreError> {
    let later: Vec<&Seen> = restored.seen.iter().filter(|it| it.last > at).collect();
    let mut last = last_heard(&restored.facts, at);
    let earlier: Vec<&Seen> =
        later.into_iter().filter(|it| !last.contains_key(&it.identity)).collect();
    if let Some(first) = earlier.iter().map(|it| it.first).min() {
        let ids: Vec<IdentityId> = earlier.iter().map(|it| it.identity).collect();
        let before = Span::new(first.floor(HOUR), restored.since);
        last.extend(last_heard(&store.history(&ids, before).await?, at));
    }
    for it in restored.seen.iter_mut().filter(|it| it.last > at) {
        // Of what is not stored any more, the first time is all that is known.
        it.last = last.get(&it.identity).copied().unwrap_or(it.first);
    }
    Ok(())
}

/// The last evidence of each identity at or before a time.
fn last_heard(facts: &History, at: Time) -> BTreeMap<IdentityId, Time> {
    let mut last = BTreeMap::new();
    for row in &facts.heard {
        for span in row.spans.iter().filter(|it| it.from <= at) {
            let heard = (span.to - SIGHTING).min(at).max(span.from);
            let known = last.entry(row.identity).or_insert(heard);
            *known = heard.max(*known);
        }
    }
    last
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
    facts
}

const INSTANT: Duration = Duration::from_micros(1);
/// More than a large house has in the engine's memory.
const MOST_STAYS: u32 = 100_000;
/// Long enough for a few who ask together; who waits longer is told to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use muster_core::fact::{Fact, FactBody, Listener, Sighting, SourceKind};
    use muster_core::identity::{DeviceId, Identity, Mac};
    use muster_sim::store::ModelStore;

    use super::*;

    const NOBODY: Subject = Subject::Device(DeviceId(7));
    const THEN: Time = Time::from_secs(1_790_000_000);

    #[tokio::test]
    async fn whoever_asks_keeps_nobody_else_waiting() {
        let store = Arc::new(ModelStore::default());
        let past = Past::new(Arc::clone(&store) as _, Policy::default());
        let mut asked = Box::pin(past.explain(NOBODY, THEN));
        // While the store cannot answer, this thread gets on.
        let at_once = store.look(|_| asked.as_mut().now_or_never());
        assert!(at_once.is_none());
        assert!(asked.await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_came_later_was_not_known_yet() {
        let store = ModelStore::default();
        let mac = Identity::Mac(Mac([2, 0, 0, 0, 0, 1]));
        let listener = Listener::new("hub", SourceKind::Lan, "eth0");
        let sighting = |day: u64| {
            let at = THEN + Duration::from_hours(24 * day);
            let body = Sighting { identity: mac.clone(), at, rssi: None };
            Fact { listener: listener.clone().into(), body: FactBody::Sighting(body) }
        };
        let policy = Policy::default();
        let now = |day: u64| civil(THEN + Duration::from_hours(24 * day));
        let mut engine = Engine::new(policy.clone(), Restored::default(), now(0));
        for day in [0, 1, 20] {
            engine.handle_facts(vec![sighting(day)], now(day));
            store.commit(&engine.drain()).await.unwrap();
        }
        let past = Past::new(Arc::new(store), policy);
        for (asked, last) in [(0, 0), (1, 1), (2, 1), (10, 1), (20, 20)] {
            let why = past.explain(Subject::Device(DeviceId(1)), now(asked).wall).await;
            let standing = why.unwrap().unwrap().standing;
            assert_eq!(standing.last, Some(now(last).wall), "asked about day {asked}");
        }
    }

    #[tokio::test]
    async fn one_at_a_time_and_the_others_are_told() {
        let mut past = Past::new(Arc::new(ModelStore::default()), Policy::default());
        past.patience = Duration::ZERO;
        let turn = past.turn.acquire().await.unwrap();
        assert!(matches!(past.explain(NOBODY, THEN).await, Err(WhyRefused::Busy)));
        drop(turn);
        assert!(past.explain(NOBODY, THEN).await.unwrap().is_none());
    }
}
