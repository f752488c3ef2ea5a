//! What pages, `who` and sampled sinks read: an immutable picture published after each commit.

use std::net::IpAddr;
use std::time::Duration;

use crate::batch::MonitorRow;
use crate::directory::{Directory, Enrolment, Mark};
use crate::fact::{Listener, SourceKind};
use crate::identity::{DeviceId, Identity, IdentityId, ListenerId, PersonId, PlaceId};
use crate::stay::{StayId, Subject};
use crate::time::Time;

/// A picture of now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Time,
    /// The last change that is in it, and in the store.
    pub last_change: u64,
    /// Whether any of it is simulated: shown as such everywhere.
    pub simulated: bool,
    /// Why nothing is being stored at the moment, if so: live answers go on.
    pub degraded: Option<Box<str>>,
    /// Who and what there is.
    pub directory: Directory,
    /// People, in order of number.
    pub people: Vec<PersonView>,
    /// Devices, in order of number.
    pub devices: Vec<DeviceView>,
    /// Listeners, in order of number.
    pub listeners: Vec<ListenerView>,
    /// Far monitors, by name.
    pub monitors: Vec<MonitorView>,
}

impl Snapshot {
    /// The person with this number.
    #[must_use]
    pub fn person(&self, id: PersonId) -> Option<&PersonView> {
        self.people.iter().find(|it| it.id == id)
    }

    /// The device with this number.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&DeviceView> {
        self.devices.binary_search_by_key(&id, |it| it.id).ok().and_then(|at| self.devices.get(at))
    }

    /// How a place is called.
    #[must_use]
    pub fn place_name(&self, id: PlaceId) -> &str {
        self.directory.places.get(&id).map_or("", |it| &it.name)
    }
}

/// What is believed of a device or a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// Not here.
    #[default]
    Away,
    /// Heard, not yet long enough to be believed.
    Arriving,
    /// Here.
    Present,
    /// It was here when the last one who could tell stopped listening.
    Unknown,
}

impl Presence {
    /// The word for JSON, commands and pages: `away`, `arriving`, `present`, `unknown`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Arriving => "arriving",
            Self::Present => "present",
            Self::Unknown => "unknown",
        }
    }
}

/// The live state of a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is believed.
    pub presence: Presence,
    /// Since when: the stay's first evidence, the last evidence before away, the end of coverage
    /// before unknown. None: never heard of.
    pub since: Option<Time>,
    /// The last evidence.
    pub last: Option<Time>,
    /// Where.
    pub site: Option<PlaceId>,
    /// The open stay.
    pub stay: Option<StayId>,
}

/// A person now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonView {
    /// Who.
    pub id: PersonId,
    /// What is believed.
    pub standing: Standing,
    /// Whether somebody set it by hand, who, and until when.
    pub overridden: Option<(Box<str>, Time)>,
    /// Devices that they own.
    pub devices: Vec<DeviceId>,
    /// The media on which a carried device is present.
    pub sources: Vec<SourceKind>,
}

/// A device now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceView {
    /// Which.
    pub id: DeviceId,
    /// What is believed.
    pub standing: Standing,
    /// Its identities, its own first.
    pub identities: Vec<(IdentityId, Identity)>,
    /// The first sighting of any of them.
    pub first_seen: Option<Time>,
    /// The last sighting of any of them.
    pub last_seen: Option<Time>,
    /// The last sighting with a signal since the hub runs: how strong, dBm, and when.
    pub signal: Option<(i8, Time)>,
    /// Whether every address that it has was chosen at random.
    pub randomised: bool,
    /// The name it gives itself.
    pub hostname: Option<Box<str>>,
    /// DHCP vendor class.
    pub vendor_class: Option<Box<str>>,
    /// Addresses that it uses, newest first.
    pub ips: Vec<IpAddr>,
    /// Whom it answers for, if it answers for others.
    pub proxy_for: Option<Box<str>>,
    /// Who owns it.
    pub owner: Option<PersonId>,
    /// Whether it votes for its owner.
    pub carried: bool,
    /// Whether it counts.
    pub mark: Mark,
    /// The media on which it was last heard.
    pub source: Option<SourceKind>,
}

/// A listener now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerView {
    /// Its number, under which the store keeps its coverage.
    pub id: ListenerId,
    /// Which.
    pub listener: Listener,
    /// Where its monitor stands.
    pub site: PlaceId,
    /// Whether it hears.
    pub covered: bool,
    /// Up to when it is known to have heard.
    pub covered_to: Option<Time>,
}

/// A far monitor now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorView {
    /// Its name.
    pub monitor: Box<str>,
    /// Where it stands.
    pub place: PlaceId,
    /// How it was let in.
    pub enrolment: Option<Enrolment>,
    /// Its last sign of life; none: it never gave one.
    pub row: Option<MonitorRow>,
}

/// Why something is believed: what a *why?* panel and `explain` show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// Of whom.
    pub subject: Subject,
    /// The time that is explained.
    pub at: Time,
    /// What is believed.
    pub standing: Standing,
    /// The rule that decided, in plain words. Times are beside it, so that whoever shows them does
    /// so by the clock on the reader's wall.
    pub rule: String,
    /// Until when it was set by hand, if it was.
    pub until: Option<Time>,
    /// What each carried device that is still believed to be here would have to miss to be gone,
    /// by device. Empty where something else decides.
    pub next: Vec<Missing>,
    /// One line for each (identity, listener) that knows the subject, most recent first.
    pub evidence: Vec<Evidence>,
}

/// What one listener still has to miss before it lets a device go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The device.
    pub device: DeviceId,
    /// Who decides about it.
    pub listener: Listener,
    /// Whether it hears at the moment: while it does not, nothing counts.
    pub covered: bool,
    /// How much more silence.
    pub silence: Duration,
    /// How many more misses.
    pub misses: u32,
    /// Whether a miss is a question without an answer; else it is a while of listening in vain.
    pub asking: bool,
}

/// One line of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The device.
    pub device: DeviceId,
    /// The identity.
    pub identity: Identity,
    /// Who heard it.
    pub listener: Listener,
    /// When it was last heard.
    pub last: Time,
    /// The strongest signal of the latest reading.
    pub rssi: Option<i8>,
    /// Whether this listener decides about the departure.
    pub decisive: bool,
    /// Whether it hears at the moment.
    pub covered: bool,
    /// Covered silence since the last evidence of the subject.
    pub silence: Duration,
    /// How much of it is needed.
    pub away_after: Duration,
    /// Misses since the last evidence.
    pub misses: u32,
    /// How many are needed; zero where there is nothing to ask by, and longer silence alone decides.
    pub misses_needed: u32,
    /// Whether a miss is a question without an answer; else it is a while of listening in vain.
    pub asking: bool,
}

/// Whom the engine would like a source to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Who.
    pub identity: Identity,
    /// Whether people have named it, assigned it or marked it.
    pub described: bool,
    /// Whether it is believed to be at a site: questions decide whether it left. Of the others they
    /// find out who comes.
    pub present: bool,
    /// By when fresh evidence is wanted; past: at once.
    pub due: Time,
    /// Addresses that it was last known to use, newest first.
    pub ips: Vec<IpAddr>,
}
