//! A line's keys as they are written, and which of them make which kind of fact.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::FactFileError;

/// The keys of a line, in the order in which they are written.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Line<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) t: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) monitor: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) covered_from: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rssi: Option<i64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) probe: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) level: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sequence: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Text<'a>>,
}

/// A line's text, borrowed from it where nothing is escaped. (`serde` borrows a `Cow` only when it
/// is a field of its own, not inside an `Option`.)
#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(it: &'a str) -> Self {
        Self(Cow::Borrowed(it))
    }
}

impl From<String> for Text<'_> {
    fn from(it: String) -> Self {
        Self(Cow::Owned(it))
    }
}

/// What kind of fact a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sighting,
    Coverage,
    Probe,
    Level,
    Detail,
}

impl Line<'_> {
    /// The first key that only one kind of fact has.
    pub(super) fn kind(&self) -> Result<Kind, FactFileError> {
        let found = [
            (self.covered_from.is_some(), Kind::Coverage),
            (self.probe.is_some(), Kind::Probe),
            (self.level.is_some(), Kind::Level),
            (self.detail.is_some(), Kind::Detail),
            (self.id.is_some(), Kind::Sighting),
        ];
        let found = found.into_iter().find(|(is_there, _)| *is_there);
        found.map(|(_, kind)| kind).ok_or(FactFileError::Kind)
    }

    /// Refuses a key that this kind of fact does not have.
    pub(super) fn refuse_stray(&self, kind: Kind) -> Result<(), FactFileError> {
        let (own, name): (&[&str], _) = match kind {
            Kind::Sighting => (&["id", "rssi", "name"], "a sighting"),
            Kind::Coverage => (&["covered_from"], "coverage"),
            Kind::Probe => (&["id", "probe"], "a probe"),
            Kind::Level => (&["id", "level", "sequence"], "a level"),
            Kind::Detail => (&["id", "detail", "value"], "a detail"),
        };
        let present = [
            ("covered_from", self.covered_from.is_some()),
            ("id", self.id.is_some()),
            ("rssi", self.rssi.is_some()),
            ("name", self.name.is_some()),
            ("probe", self.probe.is_some()),
            ("level", self.level.is_some()),
            ("sequence", self.sequence.is_some()),
            ("detail", self.detail.is_some()),
            ("value", self.value.is_some()),
        ];
        match present.into_iter().find(|(key, is_there)| *is_there && !own.contains(key)) {
            Some((key, _)) => Err(FactFileError::Stray { key, kind: name }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_borrowed_unless_escaped() {
        let line: Line<'_> = serde_json::from_str(r#"{"t":"x","monitor":"a\"b"}"#).unwrap();
        assert!(matches!(line.t, Some(Text(Cow::Borrowed("x")))));
        assert!(matches!(line.monitor, Some(Text(Cow::Owned(it))) if it == "a\"b"));
    }
}
