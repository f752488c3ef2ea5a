//! What sources may say. Every fact can arrive twice, late and out of order; merging forgives it.
//!
//! | fact | key | merge |
//! |---|---|---|
//! | sighting | identity, listener | union of spans; a sighting at t covers [t, t + 30 s) |
//! | coverage | listener | union of spans |
//! | probe | identity, listener, time | set union; *answered* is also a sighting |
//! | level | identity, source, time, sequence | set union; the newest holds |
//! | detail | identity, kind | newest by (time, value) |

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::identity::Identity;
use crate::span::Span;
use crate::time::Time;

/// How much time one sighting covers: [t, t + 30 s).
pub const SIGHTING: Duration = Duration::from_secs(30);

/// One thing that a source noticed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Who noticed it, and through what.
    pub listener: Arc<Listener>,
    /// What it noticed.
    pub body: FactBody,
}

impl Fact {
    /// The same fact with other dates.
    #[must_use]
    pub fn dated(mut self, when: impl Fn(Time) -> Time) -> Self {
        match &mut self.body {
            FactBody::Sighting(it) => it.at = when(it.at),
            FactBody::Coverage(it) => *it = Span::new(when(it.from), when(it.to)),
            FactBody::Probe(it) => it.at = when(it.at),
            FactBody::Level(it) => it.at = when(it.at),
            FactBody::Detail(it) => it.at = when(it.at),
        }
        self
    }

    /// When it was noticed: of coverage, its end.
    #[must_use]
    pub const fn noticed(&self) -> Time {
        match &self.body {
            FactBody::Sighting(it) => it.at,
            FactBody::Coverage(it) => it.to,
            FactBody::Probe(it) => it.at,
            FactBody::Level(it) => it.at,
            FactBody::Detail(it) => it.at,
        }
    }
}

/// The kinds of fact.
#[derive(Clone, Debug, PartialEq)]
pub enum FactBody {
    /// An identity was heard.
    Sighting(Sighting),
    /// The listener could really hear throughout this span. Sent in order behind the sightings
    /// that fall into it: it is the watermark on which silence advances.
    Coverage(Span),
    /// One question to one identity, and its outcome.
    Probe(Probe),
    /// An entity's own state.
    Level(Level),
    /// Something learned about an identity that is no evidence of presence.
    Detail(Detail),
}

impl FactBody {
    /// Whom it is about; none: a listener.
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Sighting(it) => Some(&it.identity),
            Self::Probe(it) => Some(&it.identity),
            Self::Level(it) => Some(&it.identity),
            Self::Detail(it) => Some(&it.identity),
            Self::Coverage(_) => None,
        }
    }

    /// The same, to put another in its place.
    pub const fn identity_mut(&mut self) -> Option<&mut Identity> {
        match self {
            Self::Sighting(it) => Some(&mut it.identity),
            Self::Probe(it) => Some(&mut it.identity),
            Self::Level(it) => Some(&mut it.identity),
            Self::Detail(it) => Some(&mut it.identity),
            Self::Coverage(_) => None,
        }
    }
}

/// One observation of one identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Who was heard.
    pub identity: Identity,
    /// When.
    pub at: Time,
    /// How strongly, dBm; none where the medium has no signal.
    pub rssi: Option<i8>,
}

/// One question to one identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Who was asked.
    pub identity: Identity,
    /// When the outcome was known.
    pub at: Time,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It answered: it was there at that time.
    Answered,
    /// It was really asked, could have answered, and did not.
    Silent,
    /// Nothing can be concluded (the answer may have been lost here, or could not be sent).
    NoEvidence,
    /// Nothing is known by which it could be asked: it is judged by longer listening instead.
    Unaskable,
}

/// A state that holds until it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Whose state.
    pub identity: Identity,
    /// Since when.
    pub at: Time,
    /// Order among equals in time, as the source counted.
    pub sequence: u64,
    /// The state.
    pub state: LevelState,
}

/// What a level says about presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LevelState {
    /// Present at the listener's site.
    Home,
    /// Not present there.
    Away,
    /// The entity exists and says neither.
    Unknown,
}

/// Something learned about an identity: never evidence of presence.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// About whom.
    pub identity: Identity,
    /// Since when it is known.
    pub at: Time,
    /// What.
    pub kind: DetailKind,
    /// At most [`Detail::MAX_VALUE`] bytes; longer ones are refused by ingest.
    pub value: Box<str>,
}

impl Detail {
    /// The longest value accepted, in bytes: a DNS name (RFC 1035, 3.1).
    pub const MAX_VALUE: usize = 255;

    /// An address detail.
    #[must_use]
    pub fn address(identity: Identity, at: Time, ip: IpAddr) -> Self {
        let kind = if ip.is_ipv4() { DetailKind::Ipv4 } else { DetailKind::Ipv6 };
        Self { identity, at, kind, value: ip.to_string().into() }
    }
}

/// What a detail is about. One value of each kind is kept, the newest; of addresses the newest few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DetailKind {
    /// The name it gives itself (DHCP option 12, mDNS).
    Hostname,
    /// DHCP option 60.
    VendorClass,
    /// An IPv4 address that it uses.
    Ipv4,
    /// An IPv6 address that it uses.
    Ipv6,
    /// It answers for other hosts (proxy ARP, sleep proxy, range extender): the value is whom it
    /// answered for, last.
    ProxyFor,
}

impl DetailKind {
    /// All kinds with the word that stands for each in files and stores.
    pub const ALL: [(&'static str, Self); 5] = [
        ("hostname", Self::Hostname),
        ("vendor_class", Self::VendorClass),
        ("ipv4", Self::Ipv4),
        ("ipv6", Self::Ipv6),
        ("proxy_for", Self::ProxyFor),
    ];

    /// The word for files and stores.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }
}

/// Who listens: the smallest thing that can fail alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listener {
    /// The monitor's name.
    pub monitor: Box<str>,
    /// Which of its sources.
    pub source: SourceKind,
    /// What inside the source can fail alone: an adapter, an interface. May be empty.
    pub channel: Box<str>,
}

impl Listener {
    /// A listener.
    #[must_use]
    pub fn new(monitor: &str, source: SourceKind, channel: &str) -> Self {
        Self { monitor: monitor.into(), source, channel: channel.into() }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.monitor, self.source)?;
        if self.channel.is_empty() { Ok(()) } else { write!(f, "/{}", self.channel) }
    }
}

/// The kinds of source; each is a medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// The local network.
    Lan,
    /// Bluetooth low energy.
    Ble,
    /// Classic Bluetooth.
    Classic,
    /// Home Assistant.
    HomeAssistant,
    /// MQTT receivers.
    Mqtt,
    /// Buttons.
    Gpio,
}

impl SourceKind {
    /// All kinds with their words.
    pub const ALL: [(&'static str, Self); 6] = [
        ("lan", Self::Lan),
        ("ble", Self::Ble),
        ("classic", Self::Classic),
        ("home_assistant", Self::HomeAssistant),
        ("mqtt", Self::Mqtt),
        ("gpio", Self::Gpio),
    ];

    /// The word for files, stores and people.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for SourceKind {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text);
        found.map(|(_, it)| *it).ok_or_else(|| UnknownSource { given: text.to_owned() })
    }
}

/// A word that names no source.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("source is one of lan, ble, classic, home_assistant, mqtt, gpio: {given}")]
pub struct UnknownSource {
    given: String,
}
