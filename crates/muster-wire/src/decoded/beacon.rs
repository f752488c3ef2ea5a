//! The parts of a decoded advertisement that follow an agreement of their own: beacons and the texts
//! of apps.

use serde::Serialize;

use crate::bluetooth::advertisement::Advertisement;
use crate::bluetooth::beacon::{Beacon, Continuity, Eddystone, Telemetry, microsoft_word};
use crate::bluetooth::tag::{self, TagRules, Verdict};
use crate::bluetooth::text::{hex, shown};
use crate::bluetooth::uuid::Uuid;

/// A beacon.
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub struct DecodedBeacon {
    /// `ibeacon`, `altbeacon`, `eddystone_uid`, `eddystone_url`, `eddystone_eid`, `eddystone_tlm`,
    /// `exposure_notification`, `apple`, `microsoft` or `bthome`.
    pub format: &'static str,
    /// Whose beacons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Which group of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub major: Option<u16>,
    /// Which of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minor: Option<u16>,
    /// Whose beacons (Eddystone), in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Which of them, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// A link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How strongly it says to be heard at 1 m, dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_at_1_m: Option<i8>,
    /// Of its battery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub millivolts: Option<u16>,
    /// In degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Advertisements since it was switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Seconds since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_s: Option<u32>,
    /// What its messages are for (Apple, Microsoft), or what its values are of (`BTHome`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Whether only those who have its key can read it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub encrypted: bool,
}

/// A text by which an app may make a phone known.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct DecodedTag {
    /// The text; empty when nobody can read it.
    pub text: String,
    /// How it travelled.
    pub carrier: String,
    /// Whether it is taken as an identity.
    pub accepted: bool,
    /// Why.
    pub why: String,
}

/// Every beacon of an advertisement.
pub(super) fn beacons(advertisement: &Advertisement<'_>) -> Vec<DecodedBeacon> {
    advertisement.fields().filter_map(Beacon::of).map(DecodedBeacon::new).collect()
}

/// Every text of an advertisement that could make a phone known.
pub(super) fn tags(advertisement: &Advertisement<'_>, rules: &TagRules) -> Vec<DecodedTag> {
    let all = tag::explain(advertisement, rules);
    all.map(|(it, verdict)| DecodedTag {
        text: it.text().and_then(|it| shown(it.as_bytes())).unwrap_or_default(),
        carrier: it.carrier.to_string(),
        accepted: matches!(verdict, Verdict::Accepted(_)),
        why: verdict.to_string(),
    })
    .collect()
}

impl DecodedBeacon {
    fn new(beacon: Beacon<'_>) -> Self {
        let known =
            Self { format: beacon.word(), power_at_1_m: beacon.power_at_1_m(), ..Self::default() };
        match beacon {
            Beacon::Ibeacon { uuid, major, minor, .. } => Self {
                uuid: Some(Uuid::Long(uuid).to_string()),
                major: Some(major),
                minor: Some(minor),
                ..known
            },
            Beacon::Altbeacon { organisation, number: [a, b, c, d], .. } => Self {
                uuid: Some(Uuid::Long(organisation).to_string()),
                major: Some(u16::from_be_bytes([a, b])),
                minor: Some(u16::from_be_bytes([c, d])),
                ..known
            },
            Beacon::Eddystone(it) => known.with_eddystone(it),
            Beacon::Exposure { .. } => known,
            Beacon::Apple(it) => {
                let types = it.types().map(|it| word(Continuity::word(it), it)).collect();
                Self { types, ..known }
            }
            Beacon::Microsoft(it) => Self { types: vec![word(microsoft_word(it), it)], ..known },
            Beacon::Bthome(it) => Self {
                types: it.objects().map(str::to_owned).collect(),
                encrypted: it.is_encrypted,
                ..known
            },
        }
    }

    fn with_eddystone(self, eddystone: Eddystone<'_>) -> Self {
        match eddystone {
            Eddystone::Uid { namespace, instance, .. } => {
                Self { namespace: Some(hex(&namespace)), instance: Some(hex(&instance)), ..self }
            }
            Eddystone::Url { .. } => Self { url: eddystone.url(), ..self },
            Eddystone::Telemetry(Telemetry::Plain {
                millivolts,
                temperature,
                count,
                uptime_ds,
                ..
            }) => Self {
                millivolts: Some(millivolts).filter(|it| *it != 0),
                temperature: Some(temperature)
                    .filter(|it| *it != i16::MIN)
                    .map(|it| f32::from(it) / 256.0),
                count: Some(count),
                uptime_s: Some(uptime_ds / 10),
                ..self
            },
            Eddystone::Telemetry(Telemetry::Encrypted) => Self { encrypted: true, ..self },
            Eddystone::Ephemeral { .. } => self,
        }
    }
}

/// The word for a number, or the number.
fn word(known: Option<&str>, number: u8) -> String {
    known.map_or_else(|| format!("0x{number:02x}"), str::to_owned)
}
