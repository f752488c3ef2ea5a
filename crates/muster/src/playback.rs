//! Drives the engine through recorded facts on the recording's own clock.
//!
//! **Invariant:** what is judged and stored is a function of the facts and of what the store held
//! before: no clock of this machine has a part in it, so an interrupted playback that is run again
//! ends where an undisturbed one does.

use muster_core::batch::Restored;
use muster_core::directory::Edit;
use muster_core::engine::{EditRefused, Engine, Intake};
use muster_core::fact::Fact;
use muster_core::policy::Policy;
use muster_core::ports::{Store, StoreError};
use muster_core::snapshot::Snapshot;
use muster_core::time::{Now, Time};
use muster_sources::replay::time_of;

use crate::clock::civil;

/// An engine that lives in the time of its facts.
pub(crate) struct Playback<'a> {
    engine: Engine,
    store: &'a dyn Store,
    now: Now,
    /// Facts judged and not stored yet.
    waiting: usize,
    refused: u64,
}

impl<'a> Playback<'a> {
    /// Begins at `start`, or where the store's last judgement ended if that is later.
    pub(crate) fn new(
        policy: Policy,
        restored: Restored,
        store: &'a dyn Store,
        start: Time,
    ) -> Self {
        let now = civil(start.max(restored.frontier));
        Self { engine: Engine::new(policy, restored, now), store, now, waiting: 0, refused: 0 }
    }

    /// Judges facts, given by time, and stores what comes of them now and then.
    pub(crate) async fn feed(&mut self, facts: Vec<Fact>) -> Result<(), StoreError> {
        let mut facts = facts.into_iter().peekable();
        while let Some(first) = facts.next() {
            let at = time_of(&first);
            let mut together = vec![first];
            while let Some(next) = facts.next_if(|it| time_of(it) == at) {
                together.push(next);
            }
            self.advance(at);
            self.waiting += together.len();
            let intake = self.engine.handle_facts(together, self.now);
            self.count(&intake);
            self.look_up().await?;
            if self.waiting >= COMMIT_EVERY {
                self.commit().await?;
            }
        }
        Ok(())
    }

    /// Makes an edit.
    pub(crate) fn edit(&mut self, edit: Edit) -> Result<u64, EditRefused> {
        self.engine.handle_edit(edit, None, self.now)
    }

    /// The picture as it is now in the recording.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.engine.snapshot(self.now)
    }

    /// Stores what there is.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        self.waiting = 0;
        if self.engine.wants_commit().0 {
            let batch = self.engine.drain();
            self.engine.handle_committed(self.store.commit(&batch).await?);
        }
        Ok(())
    }

    /// How many facts were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// Lets time pass up to `to`, stopping at every deadline on the way.
    fn advance(&mut self, to: Time) {
        let end = civil(to.max(self.now.wall));
        while let Some(due) = self.engine.poll_timeout().filter(|it| it.mono < end.mono) {
            self.now = civil(Time::default() + due.mono.max(self.now.mono));
            self.engine.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// Facts older than what the engine has at hand: it goes on with more of what is stored.
    async fn look_up(&mut self) -> Result<(), StoreError> {
        while let Some(since) = self.engine.poll_history() {
            self.commit().await?;
            let restored = self.store.restore(since).await?;
            let intake = self.engine.handle_restored(restored, self.now);
            self.count(&intake);
        }
        Ok(())
    }

    fn count(&mut self, intake: &Intake) {
        self.refused += u64::try_from(intake.refused.len()).unwrap_or(u64::MAX);
    }
}

/// Few enough that an interrupted playback has something to show, enough to be fast.
const COMMIT_EVERY: usize = 16_384;
