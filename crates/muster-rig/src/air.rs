//! Who is around: devices that advertise, and phones that answer inquiries and pages.
//!
//! What a neighbour may be is checked where it is set; nothing here knows a host or a time of day.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::address::Address;
use crate::cipher::{End, Word};
use crate::security_manager::Bond;

/// Everybody whom the controller can hear.
#[derive(Debug, Default)]
pub(crate) struct Air {
    pub(crate) advertisers: BTreeMap<Address, Advertiser>,
    pub(crate) phones: BTreeMap<Address, Phone>,
}

/// A device that advertises on low energy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is set by a key of its own")]
pub(crate) struct Advertiser {
    /// Its address is of its own making; which kind, the two highest bits of the address say (volume 6,
    /// part B, section 1.3.2).
    pub(crate) is_random: bool,
    /// How strongly it is heard, in dBm, and by how much that varies to either side.
    pub(crate) rssi: i8,
    pub(crate) jitter: u8,
    /// From one advertisement to the next, without the delay of up to 10 ms that each gets.
    pub(crate) interval: Duration,
    pub(crate) is_connectable: bool,
    /// What it advertises, and what it answers an active scan; not asked if that is empty.
    pub(crate) data: Vec<u8>,
    pub(crate) response: Vec<u8>,
    /// It is heard and can connect; one that stops loses its link.
    pub(crate) is_reachable: bool,
    /// What it hides its address behind, and the address that it goes by meanwhile.
    pub(crate) identity_key: Option<Word>,
    pub(crate) private_address: Option<Address>,
    /// It takes another one for each advertisement.
    pub(crate) is_restless: bool,
    /// What it shares with the adapter once both are paired.
    pub(crate) bond: Option<Bond>,
    pub(crate) screen: Screen,
    /// Tells the advertisements that were due before a change from those after it.
    pub(crate) edition: u64,
}

/// A classic device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phone {
    pub(crate) name: String,
    pub(crate) rssi: i8,
    /// The class of device, 24 bits.
    pub(crate) class: [u8; 3],
    /// It answers inquiries.
    pub(crate) is_discoverable: bool,
    /// It answers pages; one that stops loses its link.
    pub(crate) is_reachable: bool,
    /// How long it takes to answer a page.
    pub(crate) answers_after: Duration,
    pub(crate) pairs: Pairs,
    /// What it shares with the adapter once both are paired.
    pub(crate) key: Option<[u8; 16]>,
    pub(crate) screen: Screen,
}

/// By which association model a phone pairs (volume 1, part A, section 5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairs {
    Not,
    JustWorks,
    NumericComparison,
}

/// What a device shows its owner of the last pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    Dark,
    /// The six digits that the host should show as well.
    Number(u32),
    Paired,
    /// By an error code of HCI, or a reason of low energy's Security Manager.
    Failed(u8),
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dark => f.write_str("dark"),
            Self::Number(it) => write!(f, "{it:06}"),
            Self::Paired => f.write_str("paired"),
            Self::Failed(it) => write!(f, "failed-{it:02x}"),
        }
    }
}

/// Why a neighbour cannot be like that.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("there is no such key: {0}")]
    Key(String),
    #[error("{key} is {wanted}: {given}")]
    Value { key: &'static str, wanted: &'static str, given: String },
}

impl Default for Advertiser {
    fn default() -> Self {
        Self {
            is_random: true,
            rssi: -60,
            jitter: 0,
            interval: Duration::from_millis(200),
            is_connectable: false,
            data: vec![2, FLAGS, GENERAL_DISCOVERABLE],
            response: Vec::new(),
            is_reachable: true,
            identity_key: None,
            private_address: None,
            is_restless: false,
            bond: None,
            screen: Screen::Dark,
            edition: 0,
        }
    }
}

impl Advertiser {
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        match key {
            "type" => {
                self.is_random = one_of("type", value, ["public", "random"])?;
            }
            "rssi" => self.rssi = number("rssi", value, -127, 20)?,
            "jitter" => self.jitter = number("jitter", value, 0, 40)?,
            "interval" => {
                // Section 4.4.2.2: 20 ms to 10,485.759375 s.
                self.interval = Duration::from_millis(number("interval", value, 20, 10_485_759)?);
            }
            "reachable" => self.is_reachable = yes("reachable", value)?,
            "irk" => {
                let key = payload("irk", value, 16)?;
                let key =
                    key.try_into().map_err(|_| wrong("irk", "32 hexadecimal digits", value))?;
                if self.identity_key.replace(key) != Some(key) {
                    self.private_address = None;
                }
            }
            "restless" => self.is_restless = yes("restless", value)?,
            "connectable" => self.is_connectable = yes("connectable", value)?,
            "data" => self.data = payload("data", value, MOST_EXTENDED)?,
            "response" => self.response = payload("response", value, MOST_LEGACY)?,
            "name" => {
                self.data = [2, FLAGS, GENERAL_DISCOVERABLE].into();
                self.data.extend(field(COMPLETE_NAME, value.as_bytes(), MOST_LEGACY - 3));
            }
            _ => return Err(Wrong::Key(key.to_owned())),
        }
        Ok(())
    }
}

impl Advertiser {
    /// The address that it is heard by, and whether that is of its own making.
    pub(crate) fn goes_by(&self, address: Address) -> End {
        self.private_address.map_or((address, self.is_random), |it| (it, true))
    }
}

impl Default for Phone {
    fn default() -> Self {
        Self {
            name: String::new(),
            rssi: -60,
            // A smart phone that networks, captures, and carries objects, sound and calls.
            class: [0x0c, 0x02, 0x5a],
            is_discoverable: true,
            is_reachable: true,
            answers_after: Duration::from_millis(60),
            pairs: Pairs::JustWorks,
            key: None,
            screen: Screen::Dark,
        }
    }
}

impl Phone {
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        match key {
            "name" => value.clone_into(&mut self.name),
            "rssi" => self.rssi = number("rssi", value, -127, 20)?,
            "class" => {
                let [high, middle, low] = <[u8; 3]>::try_from(payload("class", value, 3)?)
                    .map_err(|_| wrong("class", "six hexadecimal digits", value))?;
                self.class = [low, middle, high];
            }
            "discoverable" => self.is_discoverable = yes("discoverable", value)?,
            "reachable" => self.is_reachable = yes("reachable", value)?,
            "answers_after" => {
                let wanted = number("answers_after", value, 0, 40_000)?;
                self.answers_after = Duration::from_millis(wanted);
            }
            "pairs" => {
                self.pairs = match value {
                    "no" => Pairs::Not,
                    "just-works" => Pairs::JustWorks,
                    "numeric-comparison" => Pairs::NumericComparison,
                    _ => return Err(wrong("pairs", MODELS, value)),
                };
            }
            _ => return Err(Wrong::Key(key.to_owned())),
        }
        Ok(())
    }

    pub(crate) fn pairs(&self) -> bool {
        self.pairs != Pairs::Not
    }

    pub(crate) fn compares_numbers(&self) -> bool {
        self.pairs == Pairs::NumericComparison
    }

    /// What comes with an answer to an inquiry: 240 bytes, the name in them.
    pub(crate) fn inquiry_response(&self) -> Vec<u8> {
        let mut response = field(COMPLETE_NAME, self.name.as_bytes(), INQUIRY_RESPONSE);
        response.resize(INQUIRY_RESPONSE, 0);
        response
    }
}

/// One structure of advertising data (volume 3, part C, section 11), cut to `most` bytes in all.
fn field(kind: u8, content: &[u8], most: usize) -> Vec<u8> {
    let content = content.get(..most - 2).unwrap_or(content);
    let mut field = vec![u8::try_from(content.len() + 1).unwrap_or(u8::MAX), kind];
    field.extend(content);
    field
}

fn wrong(key: &'static str, wanted: &'static str, given: &str) -> Wrong {
    Wrong::Value { key, wanted, given: given.to_owned() }
}

fn yes(key: &'static str, value: &str) -> Result<bool, Wrong> {
    one_of(key, value, ["no", "yes"])
}

/// Whether `value` is the second of two words.
fn one_of(key: &'static str, value: &str, words: [&str; 2]) -> Result<bool, Wrong> {
    let at = words.iter().position(|it| *it == value);
    at.map(|it| it == 1).ok_or_else(|| {
        let wanted = if words == ["no", "yes"] { "yes or no" } else { "public or random" };
        wrong(key, wanted, value)
    })
}

fn number<T: TryFrom<i64>>(
    key: &'static str,
    value: &str,
    least: i64,
    most: i64,
) -> Result<T, Wrong> {
    let given = value.parse().ok().filter(|it| (least..=most).contains(it));
    let given = given.and_then(|it| T::try_from(it).ok());
    given.ok_or_else(|| wrong(key, "a number out of its range", value))
}

fn payload(key: &'static str, value: &str, most: usize) -> Result<Vec<u8>, Wrong> {
    let digits = value.as_bytes();
    let byte = |it: &[u8]| {
        let digit = |at: usize| it.get(at).and_then(|it| char::from(*it).to_digit(16));
        u8::try_from(digit(0)? * 16 + digit(1)?).ok()
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    let bytes = bytes.filter(|it| it.len() <= most);
    bytes.ok_or_else(|| wrong(key, "bytes in hexadecimal, not too many", value))
}

const MODELS: &str = "no, just-works or numeric-comparison";
const FLAGS: u8 = 0x01;
const GENERAL_DISCOVERABLE: u8 = 0x06;
const COMPLETE_NAME: u8 = 0x09;
const INQUIRY_RESPONSE: usize = 240;
/// What fits into an advertisement of Bluetooth 4, and into one report about one of Bluetooth 5.
pub(crate) const MOST_LEGACY: usize = 31;
const MOST_EXTENDED: usize = 229;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_payload_and_a_class_is_three_bytes() {
        let mut tag = Advertiser::default();
        tag.set("name", "Tag").unwrap();
        assert_eq!(tag.data, [2, 1, 6, 4, 9, b'T', b'a', b'g']);
        tag.set("name", &"x".repeat(40)).unwrap();
        assert_eq!(tag.data.len(), MOST_LEGACY);
        tag.set("data", "0201").unwrap();
        assert_eq!(tag.data, [2, 1]);
        let mut phone = Phone::default();
        phone.set("class", "5a020c").unwrap();
        assert_eq!(phone, Phone::default());
    }

    #[test]
    fn what_no_neighbour_can_be_is_refused() {
        let mut tag = Advertiser::default();
        let long = "00".repeat(MOST_EXTENDED + 1);
        for (key, value) in [
            ("rssi", "21"),
            ("rssi", "weak"),
            ("interval", "19"),
            ("type", "private"),
            ("connectable", "1"),
            ("data", "0"),
            ("data", "0g"),
            ("data", &long),
            ("colour", "red"),
        ] {
            assert!(tag.set(key, value).is_err(), "{key}={value}");
        }
        assert_eq!(tag, Advertiser::default());
    }
}
