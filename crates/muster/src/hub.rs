//! The running hub, as the web house sees it: pictures and history to read, edits to ask for.
//!
//! Holds no state of its own; everything that changes goes through the runtime's inputs.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use muster_core::broadcast::Broadcast;
use muster_core::directory::Edit;
use muster_core::fact::Listener;
use muster_core::identity::Identity;
use muster_core::pairing::PairingView;
use muster_core::ports::{BoxFuture, ChannelStatus, Clock, Store};
use muster_core::series::SinkHealth;
use muster_core::snapshot::{Snapshot, Why};
use muster_core::stay::Subject;
use muster_core::time::{Now, Time};
use muster_web::{
    EditRefused, Hub, Invitation, InviteWish, Invitee, PairingRefused, PairingWish, Pulse,
    WhyRefused,
};
use muster_wire::bluetooth::key::Irk;
use muster_wire::bluetooth::tag::TagRules;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;

use crate::broadcasts::Broadcasts;
use crate::declare::Declared;
use crate::keyring::Keyring;
use crate::monitors::Desk;
use crate::pairing::Counter;
use crate::past::Past;
use crate::pulse::Pulses;
use crate::recognise::Strangers;
use crate::runtime::Input;
use crate::supervisor::Channels;

/// The live hub.
pub(crate) struct LiveHub {
    /// The picture of now.
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The id of the last stored change.
    pub(crate) committed: watch::Receiver<u64>,
    /// Where keys are kept.
    pub(crate) keyring: Keyring,
    /// Who may pair and who did.
    pub(crate) pairing: Counter,
    /// Who was heard of whom nobody has the key.
    pub(crate) strangers: Strangers,
    /// What was last sent by whom.
    pub(crate) broadcasts: Broadcasts,
    /// How much each listener hears.
    pub(crate) pulses: Pulses,
    /// Which texts of apps are identities.
    pub(crate) tag_rules: TagRules,
    /// The way to the runtime.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// What every channel hears.
    pub(crate) channels: Channels,
    /// How every sink is doing.
    pub(crate) sinks: Vec<watch::Receiver<SinkHealth>>,
    /// What reading the whole store has brought to light.
    pub(crate) damage: watch::Receiver<Option<String>>,
    /// History.
    pub(crate) store: Arc<dyn Store>,
    /// The clocks.
    pub(crate) clock: Arc<dyn Clock>,
    /// Questions about the past.
    pub(crate) past: Past,
    /// Where far monitors are let in; none: a demonstration lets none in.
    pub(crate) desk: Option<Desk>,
    /// The zone in which days begin.
    pub(crate) zone: TimeZone,
    /// What the configuration says, which pages cannot change.
    pub(crate) declared: Declared,
}

impl Hub for LiveHub {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    fn committed(&self) -> watch::Receiver<u64> {
        self.committed.clone()
    }

    fn channels(&self) -> Vec<ChannelStatus> {
        self.channels.all()
    }

    fn sinks(&self) -> Vec<SinkHealth> {
        self.sinks.iter().map(|it| it.borrow().clone()).collect()
    }

    fn edit(&self, edit: Edit, expect: Option<u64>) -> BoxFuture<'_, Result<u64, EditRefused>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let asked = self.inputs.send(Input::Edit { edit, expect, answer }).await;
            match (asked, answered.await) {
                (Ok(()), Ok(answer)) => answer,
                _ => Err(EditRefused::Unavailable("the hub is shutting down".to_owned())),
            }
        })
    }

    fn keep_key(&self, key: Irk) -> BoxFuture<'_, Result<(), EditRefused>> {
        Box::pin(async move {
            let keyring = self.keyring.clone();
            let kept = spawn_blocking(move || keyring.keep(&key).map(|()| key)).await;
            let kept = kept.unwrap_or_else(|it| Err(it.into()));
            let key = kept.map_err(|it| EditRefused::Unavailable(unkept(&it)))?;
            let asked = self.inputs.send(Input::Key(key)).await;
            asked.map_err(|_| EditRefused::Unavailable("the hub is shutting down".to_owned()))
        })
    }

    fn pairing(&self) -> PairingView {
        self.pairing.view()
    }

    fn pairing_length(&self) -> Duration {
        self.pairing.length()
    }

    fn pair(&self, wish: PairingWish) -> BoxFuture<'_, Result<(), PairingRefused>> {
        Box::pin(self.pairing.pair(wish))
    }

    fn invite(&self, wish: InviteWish) -> BoxFuture<'_, Result<Invitation, EditRefused>> {
        Box::pin(async move {
            let Some(desk) = &self.desk else {
                let why = "a demonstration lets no monitors in".to_owned();
                return Err(EditRefused::Unavailable(why));
            };
            desk.invite(wish).await
        })
    }

    fn invitations(&self) -> BTreeMap<String, Invitee> {
        self.desk.as_ref().map(Desk::invitations).unwrap_or_default()
    }

    fn strangers(&self) -> BTreeMap<Listener, usize> {
        self.strangers.counts(self.clock.now())
    }

    fn broadcasts(&self, identity: &Identity) -> Vec<Arc<Broadcast>> {
        self.broadcasts.of(identity)
    }

    fn pulses(&self) -> BTreeMap<Listener, Pulse> {
        self.pulses.all(self.clock.now())
    }

    fn tag_rules(&self) -> TagRules {
        self.tag_rules.clone()
    }

    fn why(
        &self,
        subject: Subject,
        at: Option<Time>,
    ) -> BoxFuture<'_, Result<Option<Why>, WhyRefused>> {
        Box::pin(async move {
            if let Some(at) = at {
                return self.past.explain(subject, at).await;
            }
            let (answer, answered) = oneshot::channel();
            let asked = self.inputs.send(Input::Why { subject, answer }).await;
            Ok(if asked.is_ok() { answered.await.ok().flatten() } else { None })
        })
    }

    fn damage(&self) -> Option<String> {
        self.damage.borrow().clone()
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

    fn declares(&self, subject: Subject) -> bool {
        self.declared.speaks_of(subject, &self.snapshots.borrow())
    }

    fn declares_site(&self) -> bool {
        self.declared.names_site()
    }
}

/// Why a key was not kept, in words.
pub(crate) fn unkept(cause: &io::Error) -> String {
    format!("the key cannot be kept: {cause}")
}
