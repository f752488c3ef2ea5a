//! What comes in to the loop, and what it begins with.

use muster_core::batch::Restored;
use muster_core::broadcast::Broadcast;
use muster_core::directory::{Edit, TokenHash};
use muster_core::fact::Fact;
use muster_core::policy::Policy;
use muster_core::snapshot::Why;
use muster_core::stay::Subject;
use muster_core::uplink::{Reply, Upload};
use muster_web::EditRefused;
use muster_wire::bluetooth::key::KeyId;
use tokio::sync::{mpsc, oneshot};

use crate::broadcasts::Broadcasts;
use crate::pulse::Pulses;
use crate::recognise::Recogniser;
use crate::supervisor::Heard;

/// What comes in.
#[derive(Debug)]
pub(crate) enum Input {
    /// What a source noticed.
    Facts(Vec<Fact>),
    /// What was sent by those whom facts are about.
    Broadcasts(Vec<Broadcast>),
    /// What a person wants changed; answered when it is stored.
    Edit { edit: Edit, expect: Option<u64>, answer: Answer },
    /// A key by which a device is recognised from now on.
    Key(muster_wire::bluetooth::key::Irk),
    /// A key by which nobody is recognised any more.
    Unkey(KeyId),
    /// What whoever shows this token sends; answered when it is stored.
    Upload { token: TokenHash, upload: Upload, answer: oneshot::Sender<Reply> },
    /// What a person wants explained.
    Why { subject: Subject, answer: oneshot::Sender<Option<Why>> },
}

impl Heard for Input {
    fn facts(facts: Vec<Fact>) -> Self {
        Self::Facts(facts)
    }

    fn broadcasts(all: Vec<Broadcast>) -> Option<Self> {
        Some(Self::Broadcasts(all))
    }
}

/// Who waits for an edit.
pub(crate) type Answer = oneshot::Sender<Result<u64, EditRefused>>;

/// What the loop begins with.
pub(crate) struct Start {
    /// How patient the engine is.
    pub(crate) policy: Policy,
    /// What the store gave back.
    pub(crate) restored: Restored,
    /// Whether somebody keeps the machine's wall clock right.
    pub(crate) synchronised: fn() -> bool,
    /// Who is behind private addresses.
    pub(crate) recogniser: Recogniser,
    /// Where what they sent is kept.
    pub(crate) broadcasts: Broadcasts,
    /// Where it is counted how much each listener hears.
    pub(crate) pulses: Pulses,
    /// Where it is told that a key's order of octets was found.
    pub(crate) found: mpsc::UnboundedSender<(KeyId, bool)>,
}
