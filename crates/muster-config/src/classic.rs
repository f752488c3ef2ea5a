//! `[sources.classic]`: whom classic Bluetooth may ask, how, and how much of the air that may take.
//!
//! **Invariant:** values of these types are in range; the only door to each is its `TryFrom`.

use muster_core::identity::Identity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Count, Length, Wrong};

/// Phones that are known, by whether they answer over classic Bluetooth.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct ClassicSettings {
    /// Whether phones are asked at all.
    pub enabled: bool,
    /// Adapters to ask with, as in `hci0`. Empty: all.
    pub adapters: Vec<AdapterName>,
    /// Devices to ask besides those that have been named, assigned, marked or paired, as in
    /// `bt:00:1a:7d:00:00:01`. What answers is listed.
    pub devices: Vec<ClassicDevice>,
    /// How they are asked: `name` asks for their names, `sdp` connects to the service directory that
    /// each of them has and ends the connection, `l2ping` asks for an echo (`CAP_NET_RAW`), `connect` has
    /// bluetoothd connect to those who are paired, with every profile that both sides have, and disconnect
    /// again; `off` asks nobody and only listens for connections.
    pub probe: Probe,
    /// From the end of a question to a device to the next one to the same, while the air is free. Those
    /// who are here are asked sooner where their patience (`away_after`) demands it.
    pub every: Every,
    /// How long an answer is waited for. A page that nobody answers takes 5.12 s, unless the adapter
    /// was told otherwise, and only its end is silence: a deadline before that never finds anybody gone.
    pub deadline: Deadline,
    /// How much of the adapter's time questions may take, in percent; the rest is for low energy and for
    /// whatever else uses the adapter.
    pub air_time: AirTime,
    /// How long to look for devices that let themselves be found, before each round of `every`: whoever
    /// of those to be asked is found need not be asked, and gets a signal. `0s`: not at all.
    pub inquiry: Inquiry,
}

impl Default for ClassicSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            adapters: Vec::new(),
            devices: Vec::new(),
            probe: Probe::Name,
            every: Length::secs(60),
            deadline: Length::secs(10),
            air_time: Count::new(50),
            inquiry: Length::secs(0),
        }
    }
}

/// How a device is asked.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// By a request for its name.
    Name,
    /// By a connection to its service directory.
    Sdp,
    /// By an L2CAP echo.
    L2ping,
    /// By bluetoothd, which connects it (`Device1.Connect`).
    Connect,
    /// Not at all.
    Off,
}

/// The name of a Bluetooth adapter.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct AdapterName(u16);

impl AdapterName {
    /// The kernel's number of it.
    #[must_use]
    pub const fn index(&self) -> u16 {
        self.0
    }
}

impl TryFrom<String> for AdapterName {
    type Error = Wrong;

    fn try_from(given: String) -> Result<Self, Wrong> {
        let digits =
            given.strip_prefix("hci").filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
        let index = digits.and_then(|it| it.parse().ok());
        index.map(Self).ok_or_else(|| Wrong::new(&given, "the name of an adapter, as in hci0"))
    }
}

impl From<AdapterName> for String {
    fn from(it: AdapterName) -> Self {
        format!("hci{}", it.0)
    }
}

/// A device by its address on classic Bluetooth.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ClassicDevice(Identity);

impl ClassicDevice {
    /// Its identity.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.0
    }
}

impl TryFrom<String> for ClassicDevice {
    type Error = Wrong;

    fn try_from(given: String) -> Result<Self, Wrong> {
        match given.parse() {
            Ok(it @ Identity::Bt(_)) => Ok(Self(it)),
            _ => Err(Wrong::new(
                &given,
                "an address of classic Bluetooth, as in bt:00:1a:7d:00:00:01",
            )),
        }
    }
}

impl From<ClassicDevice> for String {
    fn from(it: ClassicDevice) -> Self {
        it.0.to_string()
    }
}

/// From one question to the next.
pub type Every = Length<10, 3_600>;
/// Until an answer is given up.
pub type Deadline = Length<3, 60>;
/// The share of the adapter's time, in percent.
pub type AirTime = Count<1, 100>;
/// How long an inquiry takes.
pub type Inquiry = Length<0, 60>;
