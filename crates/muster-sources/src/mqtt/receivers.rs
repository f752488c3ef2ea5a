//! All receivers of a broker: who is one, who may say what, and what of it is a fact.
//!
//! **Invariant:** there are at most [`MOST_RECEIVERS`]; none is called like this machine; what the
//! broker had kept is evidence of nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster_config::mqtt::{MqttIdKind, MqttMapping, MqttSettings};
use muster_config::value::Length;
use muster_core::fact::{Fact, Listener, SourceKind};
use muster_core::ports::{ChannelStatus, Inability};
use muster_core::time::Now;
use muster_wire::mqtt::{Format, IdKind, InvalidPattern, Mapping, Pattern, Saying, What};

use super::link::Message;
use super::receiver::Receiver;

/// What is known of receivers, for longer than one connection lasts: otherwise everybody could be
/// new again after each.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Receivers>>);

impl Memory {
    pub(super) fn lock(&self) -> MutexGuard<'_, Receivers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What may be said, and by whom.
#[derive(Debug)]
pub(super) struct Rules {
    /// This machine's name as a monitor.
    pub(super) own: Box<str>,
    pub(super) formats: Vec<Format>,
    trusted: BTreeSet<Box<str>>,
    quiet: Option<Duration>,
    broker: Box<str>,
}

impl Rules {
    pub(super) fn of(settings: &MqttSettings, own: &str) -> Result<Self, InvalidPattern> {
        let mut formats = Vec::new();
        formats.extend(settings.espresense.then_some(Format::Espresense));
        formats.extend(settings.gateway_topics.iter().map(|it| Format::Gateway(it.to_string())));
        formats.extend(settings.room_topics.iter().map(|it| Format::Room(it.to_string())));
        let instances = settings.room_assistant_topics.iter();
        formats.extend(instances.map(|it| Format::RoomAssistant(it.to_string())));
        for it in &settings.mappings {
            formats.push(Format::Mapping(Box::new(mapping(it)?)));
        }
        Ok(Self {
            own: own.into(),
            formats,
            trusted: settings.trusted.iter().map(|it| it.as_str().into()).collect(),
            quiet: settings.quiet.map(Length::get),
            broker: settings.broker.as_str().into(),
        })
    }

    /// What to subscribe to, each once.
    pub(super) fn filters(&self) -> Vec<String> {
        let all: BTreeSet<String> = self.formats.iter().flat_map(Format::filters).collect();
        all.into_iter().collect()
    }
}

fn mapping(it: &MqttMapping) -> Result<Mapping, InvalidPattern> {
    let pointer = |it: &Option<muster_config::value::Pointer>| {
        it.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    Ok(Mapping {
        topic: Pattern::parse(it.topic.as_str())?,
        status: it.status.as_ref().map(|it| Pattern::parse(it.as_str())).transpose()?,
        id: pointer(&it.id),
        kind: match it.kind {
            MqttIdKind::Any => IdKind::Any,
            MqttIdKind::Address => IdKind::Address,
            MqttIdKind::RandomAddress => IdKind::RandomAddress,
            MqttIdKind::Text => IdKind::Text,
        },
        rssi: pointer(&it.rssi),
        time: pointer(&it.time),
        name: pointer(&it.name),
        every: it.every.get(),
    })
}

/// All receivers.
#[derive(Debug, Default)]
pub(super) struct Receivers {
    all: BTreeMap<Listener, Receiver>,
    /// Names that are not taken, and why.
    refused: BTreeMap<Box<str>, Refused>,
    /// Whether there were more receivers than are taken.
    is_full: bool,
    /// Messages that said nothing that could be read.
    malformed: u64,
    is_connected: bool,
    shown: Option<ChannelStatus>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Own,
    Unreadable,
}

impl Receivers {
    /// The broker takes the subscriptions.
    pub(super) fn connected(&mut self) {
        self.is_connected = true;
        self.shown = None;
        self.all.values_mut().for_each(Receiver::show_again);
    }

    /// The connection ended.
    pub(super) fn disconnected(&mut self, facts: &mut Vec<Fact>) {
        self.is_connected = false;
        self.all.values_mut().for_each(|it| it.disconnected(facts));
    }

    /// Takes a message.
    pub(super) fn take(
        &mut self,
        message: &Message,
        rules: &Rules,
        now: Now,
        facts: &mut Vec<Fact>,
    ) {
        for format in &rules.formats {
            match format.read(&message.topic, &message.payload) {
                Ok(sayings) => {
                    for saying in sayings {
                        self.say(saying, format, message.retained, rules, now, facts);
                    }
                }
                Err(_) => self.malformed += 1,
            }
        }
    }

    fn say(
        &mut self,
        saying: Saying,
        format: &Format,
        retained: bool,
        rules: &Rules,
        now: Now,
        facts: &mut Vec<Fact>,
    ) {
        let Saying { monitor, what } = saying;
        // What the broker had kept may be of any age; only of a status it is known that nothing newer
        // was said.
        if retained && !matches!(what, What::Online(_)) {
            return;
        }
        let Some(receiver) = self.receiver(&monitor, format, rules) else { return };
        if !receiver.admits(now, facts) {
            return;
        }
        match what {
            What::Heard(it) => {
                receiver.heard(it, rules.trusted.contains(&monitor), now, facts);
            }
            What::Online(is_online) => receiver.online(is_online, retained, facts),
            What::Works { adverts } => receiver.works(adverts, now, facts),
        }
    }

    /// The receiver of this name, unless it may not be one.
    fn receiver(&mut self, name: &str, format: &Format, rules: &Rules) -> Option<&mut Receiver> {
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"_.- ".contains(&it);
        let says_something = name.bytes().any(|it| it.is_ascii_alphanumeric());
        let why = if name.trim().eq_ignore_ascii_case(&rules.own) {
            Some(Refused::Own)
        } else if !name.bytes().all(is_plain) || !says_something || name.trim() != name {
            Some(Refused::Unreadable)
        } else {
            None
        };
        if let Some(why) = why {
            if self.refused.len() < MOST_REFUSED {
                self.refused.insert(name.into(), why);
            }
            return None;
        }
        let listener = Listener::new(name, SourceKind::Mqtt, format.word());
        if !self.all.contains_key(&listener) {
            if self.all.len() >= MOST_RECEIVERS {
                self.is_full = true;
                return None;
            }
            let new = Receiver::new(listener.clone(), format.rhythm(), rules.quiet);
            self.all.insert(listener.clone(), new);
        }
        self.all.get_mut(&listener)
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Now, facts: &mut Vec<Fact>) {
        self.all.values_mut().for_each(|it| it.tick(now, facts));
    }

    /// What can and cannot be heard, where that is another than last time.
    pub(super) fn news(&mut self, rules: &Rules) -> Vec<ChannelStatus> {
        if !self.is_connected {
            return Vec::new();
        }
        let mut out = Vec::new();
        let status = self.status(rules);
        if self.shown.as_ref() != Some(&status) {
            self.shown = Some(status.clone());
            out.push(status);
        }
        out.extend(self.all.values_mut().filter_map(Receiver::news));
        out
    }

    /// How the connection itself is doing.
    fn status(&self, rules: &Rules) -> ChannelStatus {
        let mut cannot = Vec::new();
        let mut add = |what: String, why: &str, hint: Option<&str>| {
            let hint = hint.map(str::to_owned);
            cannot.push(Inability { what, why: why.to_owned(), hint });
        };
        for (name, why) in &self.refused {
            let shown: String = name.escape_debug().collect();
            let (why, hint) = match why {
                Refused::Own => ("this machine is called so", "give the receiver another name"),
                Refused::Unreadable => (
                    "it has to have a letter or a digit, begin and end with no space, and have no other \
                     characters than a-z, A-Z, 0-9, space, _, . and -",
                    "give the receiver another name",
                ),
            };
            add(format!("take a receiver called {shown}"), why, Some(hint));
        }
        if self.is_full {
            let why = format!("there are {MOST_RECEIVERS} already");
            add("take another receiver".to_owned(), &why, None);
        }
        if rules.formats.is_empty() {
            let hint =
                "switch on sources.mqtt.espresense, or name topics in sources.mqtt.gateway_topics";
            add("hear anybody".to_owned(), "no kind of receiver is switched on", Some(hint));
        }
        if self.malformed > 0 {
            let why = "some messages are not what their topic promises";
            add("read everything".to_owned(), why, None);
        }
        ChannelStatus {
            listener: Listener::new(&rules.own, SourceKind::Mqtt, ""),
            hears: self.is_connected,
            can: vec![format!("receivers that speak to the MQTT broker at {}", rules.broker)],
            cannot,
        }
    }
}

/// As many as a large house or a small company has.
const MOST_RECEIVERS: usize = 256;
/// More names are not listed.
const MOST_REFUSED: usize = 8;

#[cfg(test)]
mod tests;
