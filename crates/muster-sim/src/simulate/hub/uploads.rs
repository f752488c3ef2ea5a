//! What monitors send to the hub, and what it replies.

use std::time::Duration;

use muster_core::fact::Fact;
use muster_core::ingest::{Ingest, Ticket};
use muster_core::uplink::{Reply, Rights, StoreId, Upload};

use super::{Hub, Wrong};
use crate::store::ModelStore;

impl Hub {
    /// Hands in an upload as the shell does: its ticket, and the facts that went to the engine. After
    /// a crash they come again from the monitor, or not at all.
    pub fn upload(
        &mut self,
        upload: Upload,
        rights: &Rights,
    ) -> Result<Option<(Ticket, Vec<Fact>)>, Wrong> {
        let Some((ticket, facts)) = self.step.handle_upload(upload, rights, self.now) else {
            return Ok(None);
        };
        let intake = self.step.handle_facts(facts.clone(), self.now);
        self.step.handle_intake(ticket, &intake);
        if !intake.refused.is_empty() {
            return self.wrong(format!("an upload is refused: {intake:?}"));
        }
        self.turn()?;
        Ok(Some((ticket, facts)))
    }

    /// What the hub says to a monitor now, if anything.
    pub fn reply(&mut self) -> Option<(Ticket, Reply)> {
        self.step.poll_reply(self.now)
    }

    /// When it will do something by itself: so long from now.
    #[must_use]
    pub fn idle_for(&self) -> Option<Duration> {
        self.step.poll_timeout().map(|it| it.mono.saturating_sub(self.now.mono))
    }
}

/// What a store knows of what monitors sent.
pub(super) fn ingest(store: &ModelStore) -> Ingest {
    Ingest::new(STORE, store.look(|it| it.received.values().cloned().collect()))
}

const STORE: StoreId = StoreId(1);
