//! `[sources.ble]`: which adapters listen for low energy, when, and by which way they are asked.
//!
//! **Invariant:** values of these types are in range; the only door to each is its `TryFrom`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Wrong;

/// Devices of Bluetooth low energy, by what they send out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct BleSettings {
    /// Whether adapters listen at all. Without an adapter nothing happens, until there is one.
    pub enabled: bool,
    /// Adapters that listen, as in `hci0`. Empty: all.
    pub adapters: Vec<AdapterName>,
    /// How they are asked: `management`, by the kernel's management socket, which takes
    /// `CAP_NET_ADMIN` at the start; `dbus`, by bluetoothd; `auto`, by the first where that right is,
    /// else by the second.
    pub way: Way,
    /// When adapters listen: `continuous`, all the time; else for so many seconds of so many, as in
    /// `10s in 300s`, and rest in between, which saves power and the air for other uses. Nobody counts
    /// as gone because of the rest, but whoever leaves is missed later.
    pub scan: Rhythm,
    /// How adapters listen: `active`, asking each device for what else it has to say, such as its name;
    /// `passive`, without sending anything, which takes the kernel's management socket.
    pub mode: Mode,
    /// Whether an adapter that hangs is switched off and on, where bluetoothd is asked: nothing else makes
    /// it hear again. Not while a device is connected to it, and at most every 5 minutes.
    pub recover: bool,
}

impl Default for BleSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            adapters: Vec::new(),
            way: Way::Auto,
            scan: Rhythm::Continuous,
            mode: Mode::Active,
            recover: true,
        }
    }
}

impl BleSettings {
    /// What does not fit together: its key and the reason.
    pub(crate) fn clash(&self) -> Option<(String, String)> {
        let clashes = self.mode == Mode::Passive && self.way == Way::Dbus;
        let why = "bluetoothd hands over only what matches patterns: listen passively with \
                   way = \"management\"";
        clashes.then(|| ("sources.ble.mode".to_owned(), why.to_owned()))
    }

    /// Whether the adapter with this number listens.
    #[must_use]
    pub fn watches(&self, adapter: u16) -> bool {
        self.adapters.is_empty() || self.adapters.iter().any(|it| it.0 == adapter)
    }
}

/// How adapters are asked; what each word means is said at [`BleSettings::way`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Way {
    Auto,
    Dbus,
    Management,
}

/// How adapters listen; what each word means is said at [`BleSettings::mode`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Mode {
    Active,
    Passive,
}

/// When adapters listen; each name says its seconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[schemars(inline)]
pub enum Rhythm {
    #[serde(rename = "continuous")]
    Continuous,
    #[serde(rename = "30s in 60s")]
    HalfOfAMinute,
    #[serde(rename = "10s in 60s")]
    SixthOfAMinute,
    #[serde(rename = "30s in 300s")]
    TenthOfFiveMinutes,
    /// What requirements F-94 and F-95 have.
    #[serde(rename = "10s in 300s")]
    ThirtiethOfFiveMinutes,
}

impl Rhythm {
    /// For how long it listens, and how often that begins; none: all the time.
    #[must_use]
    pub const fn duty(self) -> Option<Duty> {
        let (listens, every) = match self {
            Self::Continuous => return None,
            Self::HalfOfAMinute => (30, 60),
            Self::SixthOfAMinute => (10, 60),
            Self::TenthOfFiveMinutes => (30, 300),
            Self::ThirtiethOfFiveMinutes => (10, 300),
        };
        Some(Duty { listens: Duration::from_secs(listens), every: Duration::from_secs(every) })
    }
}

/// Listening by turns with rests. `listens` is at least the 10 s that count as one miss, and shorter than
/// `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duty {
    /// For how long.
    pub listens: Duration,
    /// How often that begins.
    pub every: Duration,
}

impl Duty {
    /// How long it rests in between.
    #[must_use]
    pub const fn rest(self) -> Duration {
        self.every.saturating_sub(self.listens)
    }
}

/// The name of an adapter.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct AdapterName(u16);

impl AdapterName {
    /// The number in it.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl TryFrom<String> for AdapterName {
    type Error = Wrong;

    fn try_from(given: String) -> Result<Self, Wrong> {
        let digits = given.strip_prefix("hci");
        let plain = |it: &&str| it.bytes().all(|it| it.is_ascii_digit());
        // 0xffff stands for none at the kernel.
        let number =
            digits.filter(plain).and_then(|it| it.parse().ok()).filter(|it| *it < u16::MAX);
        number.map(Self).ok_or_else(|| Wrong::new(&given, "the name of an adapter, as in hci0"))
    }
}

impl From<AdapterName> for String {
    fn from(it: AdapterName) -> Self {
        format!("hci{}", it.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_and_writes_back() {
        let text = "enabled = false\nadapters = [\"hci1\"]\nway = \"dbus\"\n\
                    scan = \"10s in 300s\"\nmode = \"passive\"\nrecover = false\n";
        let read: BleSettings = toml::from_str(text).unwrap();
        assert!(!read.enabled && !read.recover && read.watches(1) && !read.watches(0));
        assert_eq!((read.way, read.adapters[0].number()), (Way::Dbus, 1));
        assert_eq!(toml::to_string(&read).unwrap(), text);
        let standard = toml::from_str::<BleSettings>("").unwrap();
        assert!(standard == BleSettings::default() && standard.watches(7));
    }

    #[test]
    fn names_of_rhythms_say_their_seconds() {
        use Rhythm::*;
        for it in [HalfOfAMinute, SixthOfAMinute, TenthOfFiveMinutes, ThirtiethOfFiveMinutes] {
            let duty = it.duty().unwrap();
            let (listens, every) = (duty.listens.as_secs(), duty.every.as_secs());
            let written = serde_json::to_value(it).unwrap();
            assert_eq!(written, format!("{listens}s in {every}s"));
            assert!(listens >= 10 && duty.rest().as_secs() == every - listens && every > listens);
        }
        assert_eq!(BleSettings::default().scan.duty(), None);
        let error = toml::from_str::<BleSettings>("scan = \"1s in 2s\"").unwrap_err().to_string();
        assert!(error.contains("continuous") && error.contains("10s in 300s"), "{error}");
    }

    #[test]
    fn listening_passively_is_the_kernels() {
        let clash = |text: &str| toml::from_str::<BleSettings>(text).unwrap().clash();
        let (key, why) = clash("mode = \"passive\"\nway = \"dbus\"").unwrap();
        assert!(key == "sources.ble.mode" && why.contains("way = \"management\""), "{why}");
        assert_eq!(clash("mode = \"passive\""), None);
        assert_eq!(clash("way = \"dbus\""), None);
    }

    #[test]
    fn wrong_values_say_what_is_wanted() {
        for name in ["eth0", "hci", "hci-1", "hci+1", "hci65535", "hci99999", ""] {
            let error = AdapterName::try_from(name.to_owned()).unwrap_err().to_string();
            assert!(error.contains("the name of an adapter, as in hci0"), "{error}");
        }
        let error = toml::from_str::<BleSettings>("way = \"raw\"").unwrap_err().to_string();
        assert!(error.contains("auto") && error.contains("management"), "{error}");
    }
}
