//! All settings of one process.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use muster_core::policy::Policy;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::ble::BleSettings;
use crate::classic::ClassicSettings;
use crate::graphite::GraphiteSettings;
use crate::ingest::IngestSettings;
use crate::lan::LanSettings;
use crate::mqtt::MqttSettings;
use crate::pairing::PairingSettings;
use crate::people::DeclaredPerson;
use crate::presence::PresenceSettings;
use crate::privacy::PrivacySettings;
use crate::readings::ReadingSettings;
use crate::relay::RelaySettings;
use crate::store::StoreSettings;
use crate::tags::TagSettings;
use crate::value::{Listen, MonitorName, Shown, Zone};

/// Everything that the file can say. Every key has a default: no file at all is a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the pages and the API are served; an address of this machine alone.
    pub listen: Listen,
    /// The data folder, which holds the store. Without it: `$XDG_DATA_HOME/muster`, for root
    /// `/var/lib/muster`. `--data` and `$MUSTER_DATA` win over it.
    #[serde(deserialize_with = "folder", skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// What this machine is called as a listener.
    pub monitor: MonitorName,
    /// What the site is called where this machine stands. Without it: what the store calls it, at
    /// first `here`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<Shown>,
    /// The time zone in which days begin and times are shown, as in `Europe/Berlin`. Without it:
    /// the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Zone>,
    pub presence: PresenceSettings,
    pub readings: ReadingSettings,
    pub tags: TagSettings,
    /// Where facts come from.
    pub sources: Sources,
    pub pairing: PairingSettings,
    pub ingest: IngestSettings,
    pub privacy: PrivacySettings,
    /// Where changes and numbers go.
    pub sinks: Sinks,
    pub store: StoreSettings,
    pub relay: RelaySettings,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<DeclaredPerson>,
}

impl Config {
    /// The zone in which days begin and times are shown.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        self.time_zone.as_ref().map_or_else(TimeZone::system, Zone::get)
    }

    /// How patient the engine is, with adapters that rest by their rhythm too, and what length its
    /// intervals have.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let interval = self.readings.interval.get();
        let policy = Policy { interval, ..self.presence.policy() };
        match self.sources.ble.scan.duty() {
            Some(duty) => policy.with_resting_adapters(duty.rest()),
            None => policy,
        }
    }

    /// What a single value cannot show: key and reason of everything that does not fit together.
    pub(crate) fn clashes(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        if let Some(data) = self.data.as_ref().filter(|it| it.starts_with("~")) {
            let what = format!(
                "only a shell knows what ~ is: write the whole path, as in /home/anna/muster: {}",
                data.display()
            );
            out.push(("data".to_owned(), what));
        }
        out.extend(self.readings.clash());
        out.extend(self.sources.ble.clash());
        out.extend(self.sources.mqtt.clashes());
        out.extend(self.tags.clashes());
        out.extend(self.store.clashes());
        for (at, person) in self.people.iter().enumerate() {
            let earlier = self.people.get(..at).unwrap_or(&[]);
            if earlier.iter().any(|it| it.name == person.name) {
                let what = format!("there are two people with this name: {}", person.name);
                out.push((format!("people.{at}.name"), what));
            }
            for device in &person.devices {
                if let Some(other) = earlier.iter().find(|it| it.devices.contains(device)) {
                    let what = format!("this device is {}'s already: {device}", other.name);
                    out.push((format!("people.{at}.devices"), what));
                }
            }
        }
        out
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::standard(8080),
            data: None,
            monitor: MonitorName::standard("hub"),
            site: None,
            time_zone: None,
            presence: PresenceSettings::default(),
            readings: ReadingSettings::default(),
            tags: TagSettings::default(),
            sources: Sources::default(),
            pairing: PairingSettings::default(),
            ingest: IngestSettings::default(),
            privacy: PrivacySettings::default(),
            sinks: Sinks::default(),
            store: StoreSettings::default(),
            relay: RelaySettings::default(),
            people: Vec::new(),
        }
    }
}

fn folder<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    let path = String::deserialize(from)?;
    // No system takes a name with a zero in it.
    if path.is_empty() || path.contains('\0') {
        let wrong = format!("\"{}\" is not the path of a folder", path.escape_debug());
        return Err(D::Error::custom(wrong));
    }
    Ok(Some(path.into()))
}

/// Where facts come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    pub lan: LanSettings,
    pub ble: BleSettings,
    pub classic: ClassicSettings,
    pub mqtt: MqttSettings,
}

/// Where changes and numbers go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sinks {
    pub graphite: GraphiteSettings,
}
