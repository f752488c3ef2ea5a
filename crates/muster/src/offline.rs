//! The hub's view of a store while no hub runs: for reading, or for one edit.
//!
//! The same engine judges as in the running hub; nobody listens, so nobody is believed to be here
//! for longer than the last evidence says. **Invariant:** a reader writes nothing, and an editor
//! holds the store's lock.

use std::future::ready;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::tz::TimeZone;
use muster_core::directory::Edit;
use muster_core::engine::Engine;
use muster_core::ports::{BoxFuture, ChannelStatus, Clock, Store, StoreError};
use muster_core::series::SinkHealth;
use muster_core::snapshot::{Snapshot, Why};
use muster_core::stay::Subject;
use muster_core::step::Step;
use muster_core::time::{Now, Time};
use muster_store::{Access, Kept};
use muster_web::{EditRefused, Hub, PairingRefused, PairingWish, WhyRefused};
use muster_wire::bluetooth::key::Irk;
use tokio::sync::{Mutex, watch};

use crate::clock::{civil, is_synchronised};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::hub::unkept;
use crate::keyring::Keyring;
use crate::past::Past;
use crate::privileges;
use crate::shelf::Shelf;

/// What a command is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Look.
    Read,
    /// Change the directory.
    Edit,
}

/// A store without a running hub.
pub(crate) struct OfflineHub {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    past: Past,
    zone: TimeZone,
    keyring: Keyring,
    snapshot: RwLock<Arc<Snapshot>>,
    step: Mutex<Step>,
    committed: watch::Sender<u64>,
    wish: Wish,
}

impl OfflineHub {
    /// Opens the store of a data folder, which whoever is done with this lets go of.
    pub(crate) async fn open(
        context: &Context,
        folder: &Path,
        wish: Wish,
    ) -> Result<(Self, Arc<dyn Kept>), Failure> {
        let config = &context.config()?.config;
        privileges::act_as_owner(folder)?;
        let policy = config.policy();
        let access = match wish {
            Wish::Read => Access::ReadOnly,
            Wish::Edit => Access::ReadWrite,
        };
        let shelf = Shelf::of(&config.store, folder);
        let unreadable = |it| shelf.unreadable(it);
        let kept = shelf.open(access).await.map_err(unreadable)?.store;
        let store: Arc<dyn Store> = Arc::clone(&kept) as _;
        let clock = Arc::clone(&context.clock);
        let now = clock.now();
        let stored = store.frontier().await.map_err(unreadable)?;
        if wish == Wish::Edit && now.wall + policy.future < stored && !is_synchronised() {
            let what = format!(
                "the machine's clock is behind what is stored, nothing was changed: {} and {stored}",
                now.wall
            );
            let hint = "set the clock (`timedatectl`, or `date -s` as root), then type it again";
            return Err(Failure::new(Exit::Failed, what).hint(hint));
        }
        // Nobody listened since the store was left. A reader sees what that makes of it; an editor
        // is no witness, and starts now, as a hub does.
        let left = match wish {
            Wish::Read => stored.min(now.wall),
            Wish::Edit => now.wall,
        };
        let restored = store.restore(Engine::since(&policy, left)).await.map_err(unreadable)?;
        let mut step = Step::resume(policy.clone(), restored, civil(left));
        let now = civil(now.wall);
        if wish == Wish::Read {
            step.handle_timeout(now);
        }
        let snapshot = Arc::new(step.snapshot(now));
        let hub = Self {
            past: Past::new(Arc::clone(&store), policy),
            store,
            clock,
            keyring: Keyring::of(folder),
            zone: config.zone(),
            committed: watch::Sender::new(snapshot.last_change),
            snapshot: RwLock::new(snapshot),
            step: Mutex::new(step),
            wish,
        };
        Ok((hub, kept))
    }

    fn instant(&self) -> Now {
        civil(self.clock.now().wall)
    }

    /// Makes an edit and stores it, with everything that follows from it.
    async fn change(&self, edit: Edit, expect: Option<u64>) -> Result<u64, EditRefused> {
        if self.wish == Wish::Read {
            return Err(EditRefused::ReadOnly);
        }
        let mut step = self.step.lock().await;
        let version = step.handle_edit(edit, expect, self.instant())?;
        self.settle(&mut step).await.map_err(|it| EditRefused::Unavailable(it.to_string()))?;
        let snapshot = Arc::new(step.snapshot(self.instant()));
        let last_change = snapshot.last_change;
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
        self.committed.send_replace(last_change);
        Ok(version)
    }

    /// Stores everything that is due, and what older facts make of it.
    async fn settle(&self, step: &mut Step) -> Result<(), StoreError> {
        loop {
            step.flush();
            while let Some(batch) = step.poll_commit(self.instant()) {
                let last_change = self.store.commit(&batch).await?;
                step.handle_committed(last_change);
            }
            let Some(since) = step.poll_history() else { return Ok(()) };
            let restored = self.store.restore(since).await?;
            step.handle_restored(restored, self.instant());
        }
    }
}

impl Hub for OfflineHub {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    fn committed(&self) -> watch::Receiver<u64> {
        self.committed.subscribe()
    }

    fn channels(&self) -> Vec<ChannelStatus> {
        Vec::new()
    }

    fn sinks(&self) -> Vec<SinkHealth> {
        Vec::new()
    }

    fn edit(&self, edit: Edit, expect: Option<u64>) -> BoxFuture<'_, Result<u64, EditRefused>> {
        Box::pin(self.change(edit, expect))
    }

    fn keep_key(&self, key: Irk) -> BoxFuture<'_, Result<(), EditRefused>> {
        let kept = match self.wish {
            Wish::Read => Err(EditRefused::ReadOnly),
            Wish::Edit => {
                let kept = self.keyring.keep(&key);
                kept.map_err(|it| EditRefused::Unavailable(unkept(&it)))
            }
        };
        Box::pin(ready(kept))
    }

    fn pair(&self, _: PairingWish) -> BoxFuture<'_, Result<(), PairingRefused>> {
        let why = "only a running hub speaks with the radio".to_owned();
        Box::pin(ready(Err(PairingRefused::Unavailable(why))))
    }

    fn why(
        &self,
        subject: Subject,
        at: Option<Time>,
    ) -> BoxFuture<'_, Result<Option<Why>, WhyRefused>> {
        Box::pin(async move {
            match at {
                Some(at) => self.past.explain(subject, at).await,
                None => Ok(self.step.lock().await.why(subject, self.instant())),
            }
        })
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn zone(&self) -> TimeZone {
        self.zone.clone()
    }

    fn interval(&self) -> Duration {
        self.past.interval()
    }
}
