//! What the pages and the interface ask of the running program.
//!
//! The web house holds no state of its own: it parses a request, asks here, and shows the answer.
//! The live hub, a read-only view of a store and the scripted hub of the tests implement it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use muster_core::broadcast::Broadcast;
use muster_core::directory::{Edit, EditError};
use muster_core::fact::{Listener, SourceKind};
use muster_core::identity::{DeviceId, Identity, PlaceId};
use muster_core::pairing::PairingView;
use muster_core::policy::Policy;
use muster_core::ports::{BoxFuture, ChannelStatus, Store, StoreError};
use muster_core::series::SinkHealth;
use muster_core::snapshot::{Snapshot, Why};
use muster_core::stay::Subject;
use muster_core::time::{Now, Time};
use muster_wire::bluetooth::key::Irk;
use muster_wire::bluetooth::tag::TagRules;
use tokio::sync::watch;

use crate::host::Host;

/// The running program, as the web house sees it.
pub trait Hub: Send + Sync {
    /// The picture of now. Cheap: pages and calls take it once for every request.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Both clocks.
    fn now(&self) -> Now;

    /// History, for reading and for backups.
    fn store(&self) -> Arc<dyn Store>;

    /// The id of the last stored change.
    ///
    /// Sent after the snapshot that holds the change was published; sent again with the same id
    /// when the picture changed without a change. When the sender is dropped, open streams end.
    fn committed(&self) -> watch::Receiver<u64>;

    /// What every channel hears, and what it cannot.
    fn channels(&self) -> Vec<ChannelStatus>;

    /// How every sink is doing.
    fn sinks(&self) -> Vec<SinkHealth>;

    /// Changes the directory; the new version comes back. With `expect`, only if it still has that
    /// version. The snapshot shows the edit by the time this returns.
    fn edit(&self, edit: Edit, expect: Option<u64>) -> BoxFuture<'_, Result<u64, EditRefused>>;

    /// Keeps the key by which a device is recognised behind its private addresses, from now on and for
    /// ever; nothing gives it out again.
    fn keep_key(&self, key: Irk) -> BoxFuture<'_, Result<(), EditRefused>>;

    /// Who may pair, who did, and who waits for a name.
    fn pairing(&self) -> PairingView {
        PairingView::none("no hub runs", Some("muster serve"))
    }

    /// How long a pairing window is open if whoever opens it does not say.
    fn pairing_length(&self) -> Duration {
        Duration::from_mins(2)
    }

    /// Does what a person wants of pairing. What it answers is done: a window that opens may still be
    /// on its way, which [`Hub::pairing`] shows.
    fn pair(&self, wish: PairingWish) -> BoxFuture<'_, Result<(), PairingRefused>>;

    /// Lets a far monitor in: what it has to show. Nothing is in the directory until it has shown it.
    fn invite(&self, _wish: InviteWish) -> BoxFuture<'_, Result<Invitation, EditRefused>> {
        let why = "only a running hub lets monitors in".to_owned();
        Box::pin(std::future::ready(Err(EditRefused::Unavailable(why))))
    }

    /// The monitors for which a code was handed out that is still good, by name.
    fn invitations(&self) -> BTreeMap<String, Invitee> {
        BTreeMap::new()
    }

    /// How many different private addresses that no key resolves each listener heard in the last five
    /// minutes; one that never heard any is left out.
    fn strangers(&self) -> BTreeMap<Listener, usize> {
        BTreeMap::new()
    }

    /// How much each listener hears; one that heard nothing since the hub runs is left out.
    fn pulses(&self) -> BTreeMap<Listener, Pulse> {
        BTreeMap::new()
    }

    /// What an identity sent last, in the form of [`muster_wire::bluetooth::kept`]; a device that is
    /// asked for more has a broadcast and an answer. Empty: it has sent nothing since the hub runs, or
    /// longer ago than others.
    fn broadcasts(&self, _identity: &Identity) -> Vec<Arc<Broadcast>> {
        Vec::new()
    }

    /// Which texts of apps are identities.
    fn tag_rules(&self) -> TagRules {
        TagRules::default()
    }

    /// Why something is, or was, believed; none for a subject nobody knows.
    fn why(
        &self,
        subject: Subject,
        at: Option<Time>,
    ) -> BoxFuture<'_, Result<Option<Why>, WhyRefused>>;

    /// What was found to be damaged in the store, which goes on taking what it can.
    fn damage(&self) -> Option<String> {
        None
    }

    /// The program's version.
    fn version(&self) -> &'static str;

    /// The zone in which days begin and end, and in which pages without scripts show times.
    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }

    /// The length of the intervals of readings.
    fn interval(&self) -> Duration {
        Policy::default().interval
    }

    /// Whether the configuration file says this, so that pages show it and cannot change it.
    fn declares(&self, _subject: Subject) -> bool {
        false
    }

    /// Whether the configuration file names the first site.
    fn declares_site(&self) -> bool {
        false
    }
}

/// Which far monitor shall be let in, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InviteWish {
    /// What it is called from then on.
    pub monitor: String,
    /// Where it stands; none: where it stood, or the first site.
    pub place: Option<PlaceId>,
    /// The sources that it may tell of; none: all.
    pub sources: Option<Vec<SourceKind>>,
    /// The kinds of identity that it may tell of; none: all.
    pub kinds: Option<Vec<Box<str>>>,
    /// By which name or address it reaches this machine; none: as the network says.
    pub address: Option<Host>,
}

/// What a far monitor shows to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The command to type on the monitor.
    pub line: String,
    /// Until when it is good, once.
    pub until: Time,
}

/// A monitor that was invited, and has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invitee {
    /// Where it shall stand, if somebody said so.
    pub place: Option<PlaceId>,
    /// Until when its code is good.
    pub until: Time,
}

/// How much a listener hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// When it last told that somebody was there, on the hub's clock.
    pub last: Time,
    /// How often it told so within the last minute.
    pub per_minute: u32,
}

/// What a person wants of pairing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairingWish {
    /// Phones may pair, for so long.
    Open {
        /// How long.
        length: Duration,
        /// Who wants it, for people: `the page`, `a command`.
        by: &'static str,
    },
    /// No more.
    Close,
    /// The answer to a request that waits for a person.
    Answer {
        /// Which.
        number: u64,
        /// Whether it may pair.
        accept: bool,
    },
    /// This device shall be unpaired, its keys removed, and what was said of it taken back.
    Forget(DeviceId),
}

/// Why it was not done.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PairingRefused {
    /// By the rules of pairing, or for want of a radio.
    #[error(transparent)]
    Rules(#[from] muster_core::pairing::Refused),
    /// The device is still paired, and nothing of it was forgotten.
    #[error("it is still paired: {0}")]
    StillPaired(String),
    /// The pairing is gone, and something else of the device is not.
    #[error("it is unpaired, but not all of it is forgotten: {0}")]
    Half(String),
    /// Not by this process, or not now.
    #[error("{0}")]
    Unavailable(String),
}

/// Why something was not explained.
#[derive(Debug, thiserror::Error)]
pub enum WhyRefused {
    /// The store did not give what is needed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not now: try again in a moment.
    #[error("other questions about the past are being answered")]
    Busy,
}

/// Why an edit was not made, or is not stored yet.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum EditRefused {
    /// Somebody else was faster: show what is current and ask again.
    #[error("the directory has changed meanwhile, it is at version {version}")]
    Stale {
        /// The current version.
        version: u64,
    },
    /// It makes no sense: say why, and let it be corrected.
    #[error(transparent)]
    Wrong(#[from] EditError),
    /// This process only reads.
    #[error("this is a read-only view, nothing can be changed")]
    ReadOnly,
    /// Not now: try again later.
    #[error("nothing can be changed at the moment: {0}")]
    Unavailable(String),
    /// It was made and is shown, and it could not be stored: it is stored as soon as that works. Asked
    /// for again it may be refused, because it is there.
    #[error("changed, but not stored yet: {0}")]
    Kept(String),
}

impl From<muster_core::engine::EditRefused> for EditRefused {
    fn from(it: muster_core::engine::EditRefused) -> Self {
        match it {
            muster_core::engine::EditRefused::Stale { version } => Self::Stale { version },
            muster_core::engine::EditRefused::Wrong(it) => Self::Wrong(it),
        }
    }
}
