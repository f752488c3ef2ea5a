//! What Bluetooth receivers say over MQTT: topic and payload to who was heard where, or how the
//! receiver is doing.
//!
//! One decoder a format, each pure and total. They decide by what somebody may be known again, as
//! [`crate::bluetooth::identify`] does for an advertisement; they refuse to know who is trusted, what
//! is evidence and what a retained message is worth. **Invariant:** what comes out is bounded and fit
//! to be shown, no key is in it, and an identifier that many devices share names nobody.

mod espresense;

mod gateway;

mod json;

mod mapping;

mod pattern;

mod room;

mod room_assistant;

mod who;

use std::time::Duration;

use muster_core::identity::Identity;
use muster_core::legible::is_legible;
use muster_core::time::Time;
use serde_json::{Map, Value};

use self::who::Who;

pub use mapping::{IdKind, Mapping};
pub use pattern::{InvalidPattern, Pattern};

/// One thing that a receiver said.
#[derive(Clone, Debug, PartialEq)]
pub struct Saying {
    /// What the receiver is called: at most [`MAX_MONITOR`] bytes that can be read.
    pub monitor: Box<str>,
    /// What it said.
    pub what: What,
}

/// What a receiver says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It heard somebody.
    Heard(Heard),
    /// It is connected, or not any more: its own word, or its last will.
    Online(bool),
    /// It is at work; how many advertisements it counted, where it counts them.
    Works {
        /// As the receiver counts: since its start, or since its last message.
        adverts: Option<u64>,
    },
}

/// Somebody who was heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// By what the radio may know them again; none: a stranger, or another receiver.
    pub identities: Vec<Identity>,
    /// What somebody called them in the receiver's settings, where that is all that is told.
    pub label: Option<Box<str>>,
    /// What they call themselves.
    pub name: Option<Box<str>>,
    /// How strongly, dBm.
    pub rssi: Option<i8>,
    /// When, by the receiver's clock.
    pub at: Option<Time>,
    /// How often its values are new, where it averages: what comes in between says the same again.
    pub every: Duration,
}

impl Heard {
    /// What formats have in common that name somebody by an id, perhaps beside the address.
    fn of_id(object: &Map<String, Value>, id: &str, kind: who::Kind, every: Duration) -> Self {
        let mac = json::text(object, "mac").and_then(who::address);
        let Who { identities, label } = who::of_id(id, mac, kind);
        let (name, rssi) = (json::name(object), object.get("rssi").and_then(json::signal));
        Self { identities, label, name, rssi, at: None, every }
    }
}

/// How receivers speak. The text is what all topics begin with, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// `ESPresense` (its topics are fixed).
    Espresense,
    /// `OpenMQTTGateway` and Theengs Gateway.
    Gateway(String),
    /// Home Assistant's `mqtt_room`, as many programs speak it.
    Room(String),
    /// room-assistant's MQTT integration.
    RoomAssistant(String),
    /// Whatever somebody described.
    Mapping(Box<Mapping>),
}

impl Format {
    /// The word for people: the channel of listeners.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Espresense => "espresense",
            Self::Gateway(_) => "openmqttgateway",
            Self::Room(_) => "mqtt_room",
            Self::RoomAssistant(_) => "room_assistant",
            Self::Mapping(_) => "mapping",
        }
    }

    /// What to subscribe to.
    #[must_use]
    pub fn filters(&self) -> Vec<String> {
        match self {
            Self::Espresense => espresense::FILTERS.map(str::to_owned).into(),
            Self::Gateway(base) => gateway::TAILS.map(|it| format!("{base}/+/{it}")).into(),
            Self::Room(base) => vec![format!("{base}/+")],
            Self::RoomAssistant(base) => vec![format!("{base}/+/{}/+", room_assistant::KIND)],
            Self::Mapping(it) => it.filters(),
        }
    }

    /// The longest time between two signs of work of a receiver that hears somebody all the time, with
    /// room for one that is late.
    #[must_use]
    pub const fn rhythm(&self) -> Duration {
        match self {
            // A scan of 10 s each 55 s (`OpenMQTTGateway`, `docs/use/ble.md`), 60 s each 60 s in
            // Theengs' container (`docs/use/use.md`).
            Self::Gateway(_) => Duration::from_mins(2),
            // `ESPresense` tells of itself every 15 s (`main.cpp`), the others of somebody every few.
            Self::Espresense | Self::Room(_) | Self::RoomAssistant(_) | Self::Mapping(_) => {
                Duration::from_secs(35)
            }
        }
    }

    /// What a message says; nothing: it is no message of this format, or one that is about nobody.
    pub fn read(&self, topic: &str, payload: &[u8]) -> Result<Vec<Saying>, Malformed> {
        if payload.len() > MAX_PAYLOAD {
            return Err(Malformed::Long);
        }
        match self {
            Self::Espresense => espresense::read(topic, payload),
            Self::Gateway(base) => gateway::read(base, topic, payload),
            Self::Room(base) => room::read(base, topic, payload),
            Self::RoomAssistant(base) => room_assistant::read(base, topic, payload),
            Self::Mapping(it) => it.read(topic, payload),
        }
    }
}

impl Saying {
    fn new(monitor: &str, what: What) -> Result<Self, Malformed> {
        let fits = (1..=MAX_MONITOR).contains(&monitor.len()) && is_legible(monitor);
        if fits { Ok(Self { monitor: monitor.into(), what }) } else { Err(Malformed::Monitor) }
    }

    fn one(monitor: &str, what: What) -> Result<Vec<Self>, Malformed> {
        Ok(vec![Self::new(monitor, what)?])
    }
}

/// Why a message says nothing, though it came under one of the topics.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Malformed {
    /// Longer than any message of these formats.
    #[error("longer than {MAX_PAYLOAD} bytes")]
    Long,
    /// It should have been an object.
    #[error("not a JSON object")]
    Json,
    /// Nothing says whom it is about.
    #[error("nobody is named in it")]
    Nobody,
    /// Neither `online` nor `offline`.
    #[error("neither online nor offline")]
    Status,
    /// The receiver's name cannot be shown.
    #[error("the receiver's name is empty, longer than {MAX_MONITOR} bytes or cannot be read")]
    Monitor,
}

/// `online` and `offline`, as last wills have them.
fn online(payload: &[u8]) -> Result<What, Malformed> {
    match payload.trim_ascii() {
        it if it.eq_ignore_ascii_case(b"online") => Ok(What::Online(true)),
        it if it.eq_ignore_ascii_case(b"offline") => Ok(What::Online(false)),
        _ => Err(Malformed::Status),
    }
}

/// As long as a monitor's name may be anywhere.
pub const MAX_MONITOR: usize = 64;
/// room-assistant tells every room in each message, some 200 bytes each.
pub const MAX_PAYLOAD: usize = 16_384;
