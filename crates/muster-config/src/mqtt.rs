//! `[sources.mqtt]`: which broker, which receivers, and what they may say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{FilePath, HostPort, Length, Login, Pointer, Shown, Topic, TopicPattern};

/// Bluetooth receivers that tell an MQTT broker whom they hear: `ESPresense`, `OpenMQTTGateway`, Theengs
/// Gateway, room-assistant and others. Each receiver becomes a monitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MqttSettings {
    /// Whether to listen at all.
    pub enabled: bool,
    /// Where the broker is: host and port. It has to speak MQTT 5, as all have done for years.
    pub broker: HostPort,
    /// Whether the connection is encrypted (TLS), and the broker's certificate checked. Without it: only
    /// if `ca_file` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// A file with the certificates (PEM) of whoever may have signed the broker's. Without it: those that
    /// this machine trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<FilePath>,
    /// The user at the broker. Without it: nobody, which only an open broker takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Login>,
    /// A file whose first line is the user's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<FilePath>,
    /// What the connection is called at the broker; no other may be called the same. Without it:
    /// `muster-` and the name of this machine's monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Login>,
    /// How often the connection is tried while nothing comes. A broker that is gone is noticed within
    /// twice this time.
    pub keep_alive: Length<5, 600>,
    /// Whether `ESPresense` receivers are heard.
    pub espresense: bool,
    /// Below which topics `OpenMQTTGateway` and Theengs Gateway speak, as in `home` for
    /// `home/OpenMQTTGateway/BTtoMQTT/...`.
    pub gateway_topics: Vec<Topic>,
    /// Below which topics rooms are told as Home Assistant's `mqtt_room` wants it, as in
    /// `room_presence` for `room_presence/kitchen`.
    pub room_topics: Vec<Topic>,
    /// Below which topics room-assistant's MQTT integration speaks, as in `room-assistant/entity`.
    pub room_assistant_topics: Vec<Topic>,
    /// Receivers that are trusted. What somebody called a device in their settings identifies it, as
    /// `tag:`, and the time that they tell is taken if it is within the last two minutes. Everybody
    /// else's word counts only for what a radio hears: addresses, beacons, keys.
    pub trusted: Vec<Shown>,
    /// How long a receiver that is online may report nothing at all and still count as hearing.
    /// Without it silence of everybody proves nothing, because a receiver whose radio hangs is just as
    /// silent; with it, the last device may leave, and a hanging receiver be believed for so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Length<30, 86_400>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<MqttMapping>,
}

impl Default for MqttSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            broker: HostPort::standard("127.0.0.1:1883"),
            tls: None,
            ca_file: None,
            user: None,
            password_file: None,
            client_id: None,
            keep_alive: Length::secs(15),
            espresense: true,
            gateway_topics: vec![Topic::standard("home")],
            room_topics: Vec::new(),
            room_assistant_topics: Vec::new(),
            trusted: Vec::new(),
            quiet: None,
            mappings: Vec::new(),
        }
    }
}

impl MqttSettings {
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.tls.unwrap_or(self.ca_file.is_some())
    }

    /// What a single value cannot show.
    pub(crate) fn clashes(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        let mut clash = |key: &str, what: &str| {
            out.push((format!("sources.mqtt.{key}"), what.to_owned()));
        };
        if self.password_file.is_some() && self.user.is_none() {
            clash("password_file", "a password needs a user: set sources.mqtt.user");
        }
        if self.ca_file.is_some() && self.tls == Some(false) {
            clash(
                "ca_file",
                "certificates are checked on encrypted connections only: set sources.mqtt.tls = true",
            );
        }
        let lists = [&self.gateway_topics, &self.room_topics, &self.room_assistant_topics];
        let hears =
            self.espresense || !self.mappings.is_empty() || lists.iter().any(|it| !it.is_empty());
        if self.enabled && !hears {
            clash(
                "enabled",
                "no kind of receiver is listened for: set sources.mqtt.espresense = true, or name topics",
            );
        }
        for (at, mapping) in self.mappings.iter().enumerate() {
            let in_topic = mapping.topic.as_str().split('/').any(|it| it == "{id}");
            if in_topic == mapping.id.is_some() {
                let what = if in_topic {
                    "the topic names the id already"
                } else {
                    "nothing names who was heard: write {id} into the topic, or a pointer here"
                };
                clash(&format!("mappings.{at}.id"), what);
            }
        }
        out
    }
}

/// Receivers of any other kind: where in their topics and JSON everything is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttMapping {
    /// Where they tell whom they hear: a topic with `{monitor}` as one of its levels, perhaps `{id}` as
    /// another, and `+` for any, as in `ble/{monitor}/{id}`.
    pub topic: TopicPattern,
    /// Where they tell `online` and, as their last will, `offline`; with `{monitor}` as one level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TopicPattern>,
    /// Where in the JSON the id is (RFC 6901), as in `/mac`, unless the topic names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Pointer>,
    /// What the id is.
    #[serde(default)]
    pub kind: MqttIdKind,
    /// Where the signal is, in dBm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rssi: Option<Pointer>,
    /// Where the time is: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Pointer>,
    /// Where the device's name is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Pointer>,
    /// How often their values are new, where they average. What comes in between says the same again.
    #[serde(default = "at_once")]
    pub every: Length<0, 300>,
}

const fn at_once() -> Length<0, 300> {
    Length::secs(0)
}

/// What an id is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MqttIdKind {
    /// Whatever it looks like.
    #[default]
    Any,
    /// An address that stays with its device.
    Address,
    /// A random address, of which the kind shows in its top bits.
    RandomAddress,
    /// A text that somebody gave it; only those of trusted receivers identify.
    Text,
}
