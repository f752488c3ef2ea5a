//! Rows: which listener and which identity by their number, what, and how long ago.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster_core::fact::{
    Detail, DetailKind, Fact, FactBody, Level, LevelState, Listener, Outcome, Probe, Sighting,
    SourceKind,
};
use muster_core::identity::{Identity, Mac, TextKind};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_core::uplink::{Header, Row, Upload};

use super::BatchError;
use super::cursor::{In, Out};

pub(super) fn write(out: &mut Out, header: &Header, rows: &[Row]) {
    let sent = header.sent.unwrap_or_default();
    let mut listeners: Table<(SourceKind, &str)> = Table::default();
    let mut identities = Table::default();
    let mut body = Out::default();
    let mut next = 0;
    for row in rows {
        body.number(row.sequence.saturating_sub(next));
        next = row.sequence.saturating_add(1);
        let listener = &row.fact.listener;
        body.number(listeners.number((listener.source, &listener.channel)));
        let number = row.fact.body.identity().map(|it| identities.number(it));
        write_body(&mut body, &row.fact.body, sent, |out, _| out.number(number.unwrap_or(0)));
    }
    out.number(listeners.all.len() as u64);
    for (source, channel) in listeners.all {
        out.byte(code(&SourceKind::ALL, source));
        out.text(channel);
    }
    out.number(identities.all.len() as u64);
    for identity in identities.all {
        write_identity(out, identity);
    }
    out.number(rows.len() as u64);
    out.bytes(&body.done());
}

pub(super) fn read(at: &mut In<'_>, header: &Header) -> Result<Vec<Row>, BatchError> {
    let listeners = (0..at.count(Upload::MAX_ROWS, "listeners")?)
        .map(|_| read_listener(at, &header.monitor))
        .collect::<Result<Vec<_>, _>>()?;
    let identities = (0..at.count(Upload::MAX_ROWS, "identities")?)
        .map(|_| read_identity(at))
        .collect::<Result<Vec<_>, _>>()?;
    let count = at.count(Upload::MAX_ROWS, "rows")?;
    let sent = match header.sent {
        Some(sent) => sent,
        None if count == 0 => return Ok(Vec::new()),
        None => return Err(BatchError::Field { field: "sent" }),
    };
    let mut rows = Vec::with_capacity(count);
    let mut next = Some(0_u64);
    for _ in 0..count {
        let wrong = BatchError::Field { field: "sequence" };
        let sequence = next.zip(Some(at.number()?)).and_then(|(next, gap)| next.checked_add(gap));
        let sequence = sequence.filter(|it| header.settles.contains(*it)).ok_or(wrong)?;
        next = sequence.checked_add(1);
        let listener = pick(at, &listeners, "listener").map(Arc::clone)?;
        let body = read_body(at, sent, |at| pick(at, &identities, "identity").cloned())?;
        rows.push(Row { sequence, fact: Fact { listener, body } });
    }
    Ok(rows)
}

/// One fact by itself, with its times as they are: how a spool keeps it.
pub fn write_fact(fact: &Fact) -> Vec<u8> {
    let mut out = Out::default();
    out.byte(code(&SourceKind::ALL, fact.listener.source));
    out.text(&fact.listener.channel);
    write_body(&mut out, &fact.body, Time::default(), write_identity);
    out.done()
}

/// What [`write_fact`] wrote, noticed by this monitor.
pub fn read_fact(monitor: &str, bytes: &[u8]) -> Result<Fact, BatchError> {
    let mut at = In::new(bytes);
    let listener = read_listener(&mut at, monitor)?;
    let body = read_body(&mut at, Time::default(), read_identity)?;
    if at.is_empty() { Ok(Fact { listener, body }) } else { Err(BatchError::Long) }
}

/// Numbers in order of first appearance.
struct Table<T> {
    known: BTreeMap<T, u64>,
    all: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), all: Vec::new() }
    }
}

impl<T: Ord + Copy> Table<T> {
    fn number(&mut self, it: T) -> u64 {
        let next = self.all.len() as u64;
        let number = *self.known.entry(it).or_insert(next);
        if number == next {
            self.all.push(it);
        }
        number
    }
}

fn write_body(out: &mut Out, body: &FactBody, sent: Time, whom: impl FnOnce(&mut Out, &Identity)) {
    match body {
        FactBody::Sighting(it) => {
            out.byte(if it.rssi.is_some() { SIGNAL } else { SIGHTING });
            whom(out, &it.identity);
            out.age(sent, it.at);
            if let Some(rssi) = it.rssi {
                out.bytes(&rssi.to_le_bytes());
            }
        }
        FactBody::Coverage(it) => {
            out.byte(COVERAGE);
            out.age(sent, it.to);
            out.length(it.length());
        }
        FactBody::Probe(it) => {
            out.byte(PROBE);
            whom(out, &it.identity);
            out.age(sent, it.at);
            out.byte(code(&OUTCOMES, it.outcome));
        }
        FactBody::Level(it) => {
            out.byte(LEVEL);
            whom(out, &it.identity);
            out.age(sent, it.at);
            out.number(it.sequence);
            out.byte(code(&STATES, it.state));
        }
        FactBody::Detail(it) => {
            out.byte(DETAIL);
            whom(out, &it.identity);
            out.age(sent, it.at);
            out.byte(code(&DetailKind::ALL, it.kind));
            out.text(&it.value);
        }
    }
}

fn read_body(
    at: &mut In<'_>,
    sent: Time,
    whom: impl FnOnce(&mut In<'_>) -> Result<Identity, BatchError>,
) -> Result<FactBody, BatchError> {
    let kind = at.byte()?;
    if kind == COVERAGE {
        let to = at.age(sent)?;
        let length = at.length()?;
        return Ok(FactBody::Coverage(Span::new(to - length, to)));
    }
    let identity = if kind <= DETAIL { whom(at)? } else { return Err(wrong("kind of fact")) };
    let when = at.age(sent)?;
    Ok(match kind {
        SIGHTING => FactBody::Sighting(Sighting { identity, at: when, rssi: None }),
        SIGNAL => {
            let rssi = Some(i8::from_le_bytes(at.array()?));
            FactBody::Sighting(Sighting { identity, at: when, rssi })
        }
        PROBE => {
            let outcome = decode(&OUTCOMES, at.byte()?, "outcome")?;
            FactBody::Probe(Probe { identity, at: when, outcome })
        }
        LEVEL => {
            let sequence = at.number()?;
            let state = decode(&STATES, at.byte()?, "level")?;
            FactBody::Level(Level { identity, at: when, sequence, state })
        }
        _ => {
            let kind = decode(&DetailKind::ALL, at.byte()?, "detail")?;
            // A longer value than is kept is the ingest's to refuse: it spoils no other fact.
            let value = at.text(MAX_VALUE, "detail")?.into();
            FactBody::Detail(Detail { identity, at: when, kind, value })
        }
    })
}

fn read_listener(at: &mut In<'_>, monitor: &str) -> Result<Arc<Listener>, BatchError> {
    let source = decode(&SourceKind::ALL, at.byte()?, "source")?;
    let channel = at.text(Detail::MAX_VALUE, "channel")?;
    Ok(Arc::new(Listener::new(monitor, source, channel)))
}

fn write_identity(out: &mut Out, it: &Identity) {
    match it {
        Identity::Mac(mac) | Identity::Ble(mac) | Identity::Bt(mac) | Identity::Private(mac) => {
            out.byte(ADDRESSES.iter().position(|word| *word == it.kind()).map_or(0, small));
            out.bytes(&mac.0);
        }
        Identity::Text(kind, text) => {
            out.byte(FIRST_TEXT + code(&TEXTS, *kind));
            out.text(text);
        }
    }
}

fn read_identity(at: &mut In<'_>) -> Result<Identity, BatchError> {
    let kind = at.byte()?;
    if let Some(kind) = kind.checked_sub(FIRST_TEXT) {
        let kind = decode(&TEXTS, kind, "identity")?;
        let text = at.text(Identity::MAX_TEXT, "identity")?;
        let checked = format!("{}:{text}", kind.word()).parse();
        return checked.map_err(|_| wrong("identity"));
    }
    let mac = Mac(at.array()?);
    Ok(match kind {
        0 => Identity::Mac(mac),
        1 => Identity::Ble(mac),
        2 => Identity::Bt(mac),
        _ => Identity::Private(mac),
    })
}

fn pick<'a, T>(at: &mut In<'_>, from: &'a [T], field: &'static str) -> Result<&'a T, BatchError> {
    let number = usize::try_from(at.number()?).unwrap_or(usize::MAX);
    from.get(number).ok_or(BatchError::Field { field })
}

fn code<T: Copy + PartialEq>(all: &[(&str, T)], it: T) -> u8 {
    all.iter().position(|(_, other)| *other == it).map_or(u8::MAX, small)
}

fn decode<T: Copy>(all: &[(&str, T)], code: u8, field: &'static str) -> Result<T, BatchError> {
    all.get(usize::from(code)).map(|(_, it)| *it).ok_or(BatchError::Field { field })
}

fn small(it: usize) -> u8 {
    u8::try_from(it).unwrap_or(u8::MAX)
}

const fn wrong(field: &'static str) -> BatchError {
    BatchError::Field { field }
}

const SIGHTING: u8 = 0;
const SIGNAL: u8 = 1;
const COVERAGE: u8 = 2;
const PROBE: u8 = 3;
const LEVEL: u8 = 4;
const DETAIL: u8 = 5;
/// The kinds of address, in the order of their codes; texts follow from [`FIRST_TEXT`] on.
pub(super) const ADDRESSES: [&str; 4] = ["mac", "ble", "bt", "private"];
const FIRST_TEXT: u8 = 4;
pub(super) const TEXTS: [(&str, TextKind); 8] = [
    ("ibeacon", TextKind::Ibeacon),
    ("altbeacon", TextKind::Altbeacon),
    ("eddystone", TextKind::Eddystone),
    ("irk", TextKind::Irk),
    ("tag", TextKind::Tag),
    ("name", TextKind::Name),
    ("entity", TextKind::Entity),
    ("pseudonym", TextKind::Pseudonym),
];
pub(super) const OUTCOMES: [(&str, Outcome); 4] = [
    ("answered", Outcome::Answered),
    ("silent", Outcome::Silent),
    ("no_evidence", Outcome::NoEvidence),
    ("unaskable", Outcome::Unaskable),
];
pub(super) const STATES: [(&str, LevelState); 3] =
    [("home", LevelState::Home), ("away", LevelState::Away), ("unknown", LevelState::Unknown)];
/// The longest value that is read.
const MAX_VALUE: usize = 4 * Detail::MAX_VALUE;
