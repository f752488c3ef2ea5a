//! Values with a range: each has one door, and what came through it is right.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::tz::TimeZone;
use muster_core::legible::is_legible;
use muster_core::tag::TagPrefix;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A length of time of whole milliseconds between `MIN` and `MAX` seconds, both inclusive.
///
/// Written as people say it: `"90s"`, `"5m"`, `"1h 30m"`, `"30d"`; a day has 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Length<const MIN: u64, const MAX: u64>(Duration);

impl<const MIN: u64, const MAX: u64> Length<MIN, MAX> {
    /// From whole seconds; what is out of range is brought to its nearest end.
    #[must_use]
    pub const fn secs(seconds: u64) -> Self {
        let low = if seconds < MIN { MIN } else { seconds };
        Self(Duration::from_secs(if low > MAX { MAX } else { low }))
    }

    /// The length itself.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> FromStr for Length<MIN, MAX> {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let wanted = || Wrong::new(text, range_of_lengths(MIN, MAX));
        let span = text.parse::<jiff::Span>().map_err(|_| {
            Wrong::new(text, "a length of time, as in \"90s\", \"5m\", \"1h 30m\" or \"30d\"")
        })?;
        let length = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .ok()
            .and_then(|it| Duration::try_from(it).ok())
            .ok_or_else(wanted)?;
        let fits = length >= Duration::from_secs(MIN) && length <= Duration::from_secs(MAX);
        if fits { Ok(Self(length)) } else { Err(wanted()) }
    }
}

impl<const MIN: u64, const MAX: u64> TryFrom<String> for Length<MIN, MAX> {
    type Error = Wrong;

    fn try_from(text: String) -> Result<Self, Wrong> {
        text.parse()
    }
}

impl<const MIN: u64, const MAX: u64> From<Length<MIN, MAX>> for String {
    fn from(it: Length<MIN, MAX>) -> Self {
        it.to_string()
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Length<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&spoken(self.0))
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Length<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Length{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "length",
            "x-range": range_of_lengths(MIN, MAX),
        })
    }
}

/// A whole number between `MIN` and `MAX`, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Count<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Count<MIN, MAX> {
    /// A number; what is out of range is brought to its nearest end.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        let low = if number < MIN { MIN } else { number };
        Self(if low > MAX { MAX } else { low })
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<i64> for Count<MIN, MAX> {
    type Error = Wrong;

    fn try_from(number: i64) -> Result<Self, Wrong> {
        match u32::try_from(number) {
            Ok(it) if (MIN..=MAX).contains(&it) => Ok(Self(it)),
            _ => Err(Wrong::new(&number.to_string(), format!("between {MIN} and {MAX}"))),
        }
    }
}

impl<const MIN: u32, const MAX: u32> From<Count<MIN, MAX>> for i64 {
    fn from(it: Count<MIN, MAX>) -> Self {
        it.0.into()
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Count<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Count{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// Defines a setting that is text of a certain form.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident($inner:ty), $read:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name($inner);

        impl FromStr for $name {
            type Err = Wrong;

            fn from_str(text: &str) -> Result<Self, Wrong> {
                let read: fn(&str) -> Result<$inner, Wrong> = $read;
                read(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Wrong;

            fn try_from(text: String) -> Result<Self, Wrong> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(it: $name) -> Self {
                it.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string" })
            }
        }
    };
}

text! {
    /// A monitor's name: 1 to 64 of a-z, A-Z, 0-9, `_`, `.` and `-`.
    MonitorName(Box<str>), |text| word(text, 64, |it| it.is_ascii_alphanumeric() || "_.-".contains(it))
        .ok_or_else(|| Wrong::new(text, "a name of 1 to 64 letters, digits, _, . and -"))
}

text! {
    /// A person's short name: 1 to 32 of a-z, 0-9, `_` and `-`.
    PersonName(Box<str>), |text| {
        word(text, 32, |it| it.is_ascii_lowercase() || it.is_ascii_digit() || "_-".contains(it))
            .ok_or_else(|| Wrong::new(text, "a short name of 1 to 32 of a-z, 0-9, _ and -"))
    }
}

text! {
    /// A text for people: 1 to 64 characters, some to see and none that is hidden.
    Shown(Box<str>), |text| word(text, 64, |_| true)
        .filter(|it| is_legible(it))
        .ok_or_else(|| Wrong::new(text, "a text of 1 to 64 characters that can be seen"))
}

text! {
    /// The name of a Bluetooth adapter as phones show it: what fits into an advertisement of low energy
    /// beside its flags and appearance, so that it is the same over both.
    AdapterAlias(Box<str>), |text| Some(text)
        .filter(|it| (1..=22).contains(&it.len()) && is_legible(it))
        .map(Into::into)
        .ok_or_else(|| Wrong::new(text, "a name of 1 to 22 bytes that can be seen"))
}

text! {
    /// A dotted metric prefix.
    MetricPrefix(Box<str>), |text| {
        let sound = |it: char| it.is_ascii_alphanumeric() || "_-.".contains(it);
        word(text, 128, sound)
            .filter(|it| it.split('.').all(|part| !part.is_empty()))
            .ok_or_else(|| Wrong::new(text, "a dotted name of letters, digits, _ and -, as in home.presence"))
    }
}

text! {
    /// Where another machine listens: host and port.
    HostPort(Box<str>), |text| {
        let wrong = || Wrong::new(text, "a host and a port, as in graphite.local:2003");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let sound = !host.is_empty() && host.len() <= 253 && !host.contains(|it: char| it.is_whitespace() || it.is_control());
        match port.parse::<u16>() {
            Ok(1..) if sound => Ok(text.into()),
            _ => Err(wrong()),
        }
    }
}

text! {
    /// A time zone of the IANA database.
    Zone(Box<str>), |text| match TimeZone::get(text) {
        Ok(_) => Ok(text.into()),
        Err(_) => Err(Wrong::new(text, "a time zone, as in Europe/Berlin")),
    }
}

text! {
    /// An identity, `kind:value`.
    IdentityText(muster_core::identity::Identity), |text| {
        let parsed = text.parse::<muster_core::identity::Identity>().ok();
        parsed
            .filter(|it| !it.is_pseudonym())
            .ok_or_else(|| Wrong::new(text, "an identity, as in mac:b8:27:eb:01:02:03"))
    }
}

text! {
    /// How the text of an app begins.
    #[derive(Default)]
    Prefix(TagPrefix), |text| {
        text.parse::<TagPrefix>()
            .map_err(|_| Wrong::new(text, "1 to 32 characters of ASCII without spaces"))
    }
}

impl Prefix {
    /// The prefix itself.
    #[must_use]
    pub fn get(&self) -> &TagPrefix {
        &self.0
    }
}

impl Zone {
    /// The zone itself.
    #[must_use]
    pub fn get(&self) -> TimeZone {
        // The database held it when it came through the door.
        TimeZone::get(&self.0).unwrap_or(TimeZone::UTC)
    }
}

impl IdentityText {
    /// The identity itself.
    #[must_use]
    pub fn get(&self) -> &muster_core::identity::Identity {
        &self.0
    }
}

macro_rules! as_str {
    ($($name:ident)*) => {$(
        impl $name {
            /// A default; a test sends all of them through their doors.
            #[allow(dead_code, reason = "not every kind of text has a default")]
            pub(crate) fn standard(text: &'static str) -> Self {
                Self(text.into())
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )*};
}

as_str! { MonitorName PersonName Shown AdapterAlias MetricPrefix HostPort Zone }

// Behind the macros, which it uses.
mod address;
pub use address::{AnyAddress, Listen};
mod broker;
pub use broker::{FilePath, Login, Pointer, Topic, TopicPattern};
mod database;
pub use database::{Database, DatabaseUrl, ServerKind};

/// A setting outside its range.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{given} is not {wanted}")]
pub struct Wrong {
    given: String,
    wanted: Cow<'static, str>,
}

impl Wrong {
    pub(crate) fn new(given: &str, wanted: impl Into<Cow<'static, str>>) -> Self {
        let shown: String = given.chars().flat_map(char::escape_debug).take(80).collect();
        Self {
            given: if shown.is_empty() { "\"\"".to_owned() } else { shown },
            wanted: wanted.into(),
        }
    }
}

/// A length of time as people write it: `5m`, `1h 30m`, `30d`.
#[must_use]
pub fn spoken(length: Duration) -> String {
    let seconds = length.as_secs();
    let (mut parts, mut rest) = (Vec::new(), seconds);
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        // One day alone reads better as 24 hours.
        if rest >= size && !(unit == "d" && (rest % size != 0 || rest == size)) {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if length.subsec_millis() > 0 {
        parts.push(format!("{}ms", length.subsec_millis()));
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

fn range_of_lengths(min: u64, max: u64) -> String {
    format!("between {} and {}", spoken(Duration::from_secs(min)), spoken(Duration::from_secs(max)))
}

fn word(text: &str, most: usize, sound: impl Fn(char) -> bool) -> Option<Box<str>> {
    let count = text.chars().count();
    ((1..=most).contains(&count) && text.chars().all(sound)).then(|| text.into())
}
