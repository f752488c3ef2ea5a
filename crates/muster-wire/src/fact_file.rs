//! The fact file: one JSON object a line with absolute times, as recorded, replayed and evaluated.
//!
//! A line is one fact; a sighting's `name` is a second one about the same identity. Blank lines and
//! lines that begin with `#` hold none. Unknown keys and keys that do not belong together are
//! errors: a fact that is misread is worse than one that is refused.

mod line;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use muster_core::fact::{
    Detail, DetailKind, Fact, FactBody, Level, LevelState, Listener, Outcome, Probe, Sighting,
    SourceKind,
};
use muster_core::identity::Identity;
use muster_core::span::Span;
use muster_core::time::Time;

use line::Line;

/// Reads lines of one file, sharing its listeners between facts.
#[derive(Debug, Default)]
pub struct FactReader {
    listeners: Vec<Arc<Listener>>,
}

impl FactReader {
    /// A reader for one file.
    pub const fn new() -> Self {
        Self { listeners: Vec::new() }
    }

    /// The facts of one line, with or without its end: none, one, or two for a sighting with a name.
    pub fn read_line(&mut self, text: &str) -> Result<Vec<Fact>, FactFileError> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(Vec::new());
        }
        if text.len() > MAX_LINE {
            return Err(FactFileError::Long);
        }
        if !text.starts_with('{') {
            return Err(FactFileError::Object);
        }
        let line: Line<'_> = serde_json::from_str(text).map_err(FactFileError::Json)?;
        let at = time("t", line.t.as_deref())?;
        let listener = self.listener(&line)?;
        let (body, name) = body(&line, at)?;
        let mut facts = vec![Fact { listener: Arc::clone(&listener), body }];
        facts.extend(name.map(|it| Fact { listener, body: FactBody::Detail(it) }));
        Ok(facts)
    }

    fn listener(&mut self, line: &Line<'_>) -> Result<Arc<Listener>, FactFileError> {
        let monitor = label("monitor", required("monitor", line.monitor.as_deref())?)?;
        let source = required("source", line.source.as_deref())?;
        let source: SourceKind =
            source.parse().map_err(|_| FactFileError::value("source", SOURCES, &source))?;
        let channel = line.channel.as_deref().unwrap_or("");
        if !channel.is_empty() {
            label("channel", channel)?;
        }
        let is_it = |it: &&Arc<Listener>| {
            *it.monitor == *monitor && it.source == source && *it.channel == *channel
        };
        if let Some(known) = self.listeners.iter().find(is_it) {
            return Ok(Arc::clone(known));
        }
        let listener = Arc::new(Listener::new(monitor, source, channel));
        if self.listeners.len() < MAX_SHARED {
            self.listeners.push(Arc::clone(&listener));
        }
        Ok(listener)
    }
}

/// The facts of one line; see [`FactReader::read_line`], which is faster for many.
pub fn parse_line(text: &str) -> Result<Vec<Fact>, FactFileError> {
    FactReader::new().read_line(text)
}

/// The line that stands for a fact, without its end.
pub fn write_line(fact: &Fact) -> String {
    let line = line_of(fact);
    // Only text and numbers: there is nothing that JSON cannot hold.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Why a line holds no fact.
#[derive(Debug, thiserror::Error)]
pub enum FactFileError {
    /// Something else.
    #[error("a line holds one JSON object")]
    Object,
    /// Not JSON, or with a key of another type, or with an unknown one.
    #[error("not a fact")]
    Json(#[source] serde_json::Error),
    /// Longer than any fact.
    #[error("a line has at most {MAX_LINE} bytes")]
    Long,
    /// A key is missing.
    #[error("key `{key}` is missing")]
    Missing {
        /// Which.
        key: &'static str,
    },
    /// A value is none of those allowed.
    #[error("key `{key}` is {allowed}: {given}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What is allowed.
        allowed: &'static str,
        /// What was given.
        given: String,
    },
    /// Nothing says what kind of fact it is.
    #[error(
        "a fact has one of the keys `id` (alone: a sighting), `covered_from`, `probe`, `level`, `detail`"
    )]
    Kind,
    /// A key that says nothing in this kind of fact.
    #[error("key `{key}` does not belong to {kind}")]
    Stray {
        /// Which key.
        key: &'static str,
        /// The kind of fact.
        kind: &'static str,
    },
}

impl FactFileError {
    fn value(key: &'static str, allowed: &'static str, given: &dyn fmt::Display) -> Self {
        Self::Value { key, allowed, given: given.to_string() }
    }
}

/// The fact a line states and the name that a sighting carries.
fn body(line: &Line<'_>, at: Time) -> Result<(FactBody, Option<Detail>), FactFileError> {
    let kind = line.kind()?;
    line.refuse_stray(kind)?;
    let identity = || {
        let id = required("id", line.id.as_deref())?;
        let wrong = |cause: &dyn fmt::Display| FactFileError::value("id", IDENTITY, cause);
        let identity = id.parse::<Identity>().map_err(|cause| wrong(&cause))?;
        // A hub gives them, so whoever tells of one makes it up.
        if identity.is_pseudonym() { Err(wrong(&identity)) } else { Ok(identity) }
    };
    let body = match kind {
        line::Kind::Coverage => {
            let from = time("covered_from", line.covered_from.as_deref())?;
            if from > at {
                return Err(FactFileError::value("covered_from", "not after `t`", &from));
            }
            FactBody::Coverage(Span::new(from, at))
        }
        line::Kind::Probe => {
            let outcome = word("probe", OUTCOMES_ALLOWED, line.probe.as_deref(), &OUTCOMES)?;
            FactBody::Probe(Probe { identity: identity()?, at, outcome })
        }
        line::Kind::Level => {
            let state = word("level", LEVELS_ALLOWED, line.level.as_deref(), &LEVELS)?;
            let sequence = line.sequence.unwrap_or(0);
            FactBody::Level(Level { identity: identity()?, at, sequence, state })
        }
        line::Kind::Detail => {
            let kind = word("detail", DETAILS, line.detail.as_deref(), &DetailKind::ALL)?;
            let value = label("value", required("value", line.value.as_deref())?)?;
            FactBody::Detail(Detail { identity: identity()?, at, kind, value: value.into() })
        }
        line::Kind::Sighting => {
            let rssi = line.rssi.map(i8::try_from).transpose();
            let given = line.rssi.unwrap_or_default();
            let rssi = rssi.map_err(|_| FactFileError::value("rssi", "-128 to 127 dBm", &given))?;
            let identity = identity()?;
            let name = line.name.as_deref().map(|it| label("name", it)).transpose()?;
            let name = name.map(|it| Detail {
                identity: identity.clone(),
                at,
                kind: DetailKind::Hostname,
                value: it.into(),
            });
            return Ok((FactBody::Sighting(Sighting { identity, at, rssi }), name));
        }
    };
    Ok((body, None))
}

fn line_of(fact: &Fact) -> Line<'_> {
    let listener = &fact.listener;
    let mut line = Line {
        monitor: Some((&*listener.monitor).into()),
        source: Some(listener.source.word().into()),
        channel: (!listener.channel.is_empty()).then(|| (&*listener.channel).into()),
        ..Line::default()
    };
    let mut about = |at: Time, identity: Option<&Identity>| {
        line.t = Some(at.to_string().into());
        line.id = identity.map(|it| it.to_string().into());
    };
    match &fact.body {
        FactBody::Sighting(it) => {
            about(it.at, Some(&it.identity));
            line.rssi = it.rssi.map(i64::from);
        }
        FactBody::Coverage(it) => {
            about(it.to, None);
            line.covered_from = Some(it.from.to_string().into());
        }
        FactBody::Probe(it) => {
            about(it.at, Some(&it.identity));
            line.probe = word_of(&OUTCOMES, it.outcome);
        }
        FactBody::Level(it) => {
            about(it.at, Some(&it.identity));
            line.level = word_of(&LEVELS, it.state);
            line.sequence = (it.sequence != 0).then_some(it.sequence);
        }
        FactBody::Detail(it) => {
            about(it.at, Some(&it.identity));
            line.detail = Some(it.kind.word().into());
            line.value = Some((&*it.value).into());
        }
    }
    line
}

fn required<'a>(key: &'static str, value: Option<&'a str>) -> Result<&'a str, FactFileError> {
    value.ok_or(FactFileError::Missing { key })
}

fn time(key: &'static str, value: Option<&str>) -> Result<Time, FactFileError> {
    let given = required(key, value)?;
    given.parse().map_err(|_| FactFileError::value(key, TIME, &given))
}

/// Text that can be shown: not empty, bounded, without control characters.
fn label<'a>(key: &'static str, value: &'a str) -> Result<&'a str, FactFileError> {
    let fits = !value.is_empty() && value.len() <= Detail::MAX_VALUE;
    if fits && !value.chars().any(char::is_control) {
        Ok(value)
    } else {
        Err(FactFileError::value(key, LABEL, &value.escape_debug()))
    }
}

fn word<T: Copy>(
    key: &'static str,
    allowed: &'static str,
    value: Option<&str>,
    words: &[(&str, T)],
) -> Result<T, FactFileError> {
    let given = required(key, value)?;
    let found = words.iter().find(|(word, _)| *word == given);
    found.map(|(_, it)| *it).ok_or_else(|| FactFileError::value(key, allowed, &given))
}

fn word_of<T: Copy + PartialEq>(
    words: &[(&'static str, T)],
    value: T,
) -> Option<line::Text<'static>> {
    words.iter().find(|(_, it)| *it == value).map(|(word, _)| (*word).into())
}

const OUTCOMES: [(&str, Outcome); 4] = [
    ("answered", Outcome::Answered),
    ("silent", Outcome::Silent),
    ("no_evidence", Outcome::NoEvidence),
    ("unaskable", Outcome::Unaskable),
];
const LEVELS: [(&str, LevelState); 3] =
    [("home", LevelState::Home), ("away", LevelState::Away), ("unknown", LevelState::Unknown)];
const TIME: &str = "a time in RFC 3339 with its offset, as in 2026-11-21T09:00:00Z";
const SOURCES: &str = "one of lan, ble, classic, home_assistant, mqtt, gpio";
const IDENTITY: &str = "kind:value, as in mac:b8:27:eb:01:02:03";
const OUTCOMES_ALLOWED: &str = "one of answered, silent, no_evidence, unaskable";
const LEVELS_ALLOWED: &str = "one of home, away, unknown";
const DETAILS: &str = "one of hostname, vendor_class, ipv4, ipv6, proxy_for";
const LABEL: &str = "1 to 255 bytes of text without control characters";
/// Of a file; more are read as well, without sharing.
const MAX_SHARED: usize = 256;
/// All texts at their longest, escaped, fit in it.
const MAX_LINE: usize = 16_384;
