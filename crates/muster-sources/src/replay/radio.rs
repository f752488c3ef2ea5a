//! The Bluetooth packets of a capture as facts.
//!
//! A capture of the host interface tells when the controller listened, so only that counts as
//! covered; one that says nothing of it, and one from the air, counts as covered from its first record
//! to its last. Private addresses are told as such: whether they name somebody is for whoever has keys.
//!
//! **Invariant:** what is remembered of identities is bounded; forgetting costs repeated facts only.

mod hearing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::{
    Detail, DetailKind, Fact, FactBody, Listener, Outcome, Probe, Sighting, SourceKind,
};
use muster_core::identity::{Identity, TextKind};
use muster_core::time::Time;
use muster_wire::bluetooth::address::{Address, AddressKind};
use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::air::Air;
use muster_wire::bluetooth::hci::{EventBody, Hci};
use muster_wire::bluetooth::identify::identify;
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::bluetooth::{Body, Packet, text};

use self::hearing::Hearing;
use super::coverage::pieces;

/// What was recorded of the radio, file by file.
#[derive(Debug, Default)]
pub(super) struct Radio {
    rules: TagRules,
}

/// One capture being read.
#[derive(Debug)]
pub(super) struct Recorded<'r> {
    radio: &'r mut Radio,
    monitor: String,
    file: String,
    adapters: BTreeMap<Option<u16>, Adapter>,
}

/// What one adapter heard.
#[derive(Debug)]
struct Adapter {
    ble: Arc<Listener>,
    classic: Arc<Listener>,
    hearing: Hearing,
    told: BTreeMap<Identity, Told>,
}

/// What was last told of an identity.
#[derive(Debug)]
struct Told {
    at: Time,
    rssi: Option<i8>,
    name: Option<Box<str>>,
}

impl Radio {
    /// A capture that `monitor` recorded; its file's name tells adapters of two captures apart.
    pub(super) fn capture(&mut self, monitor: &str, file: &str) -> Recorded<'_> {
        let (monitor, file) = (monitor.to_owned(), file.to_owned());
        Recorded { radio: self, monitor, file, adapters: BTreeMap::new() }
    }
}

impl Recorded<'_> {
    /// What a packet tells.
    pub(super) fn packet(&mut self, packet: &Packet<'_>, at: Time) -> Vec<Fact> {
        let adapter = self
            .adapters
            .entry(packet.adapter)
            .or_insert_with(|| Adapter::new(&self.monitor, &self.file, packet.adapter));
        adapter.hearing.packet(packet, at);
        let mut facts = Vec::new();
        for it in packet.advertisements() {
            adapter.heard(&it, at, &self.radio.rules, &mut facts);
        }
        if let Body::Air(Air::Request { from: Some(from), rssi, .. }) = packet.body {
            adapter.sighted(of_address(from), at, rssi, None, &mut facts);
        }
        facts.extend(adapter.answer(packet, at));
        facts
    }

    /// What the whole of it tells: when its adapters could hear.
    pub(super) fn end(self) -> Vec<Fact> {
        let all = self.adapters.into_values();
        all.flat_map(|it| {
            let spans = it.hearing.end();
            spans.into_iter().flat_map(move |span| pieces(&it.ble, span).collect::<Vec<_>>())
        })
        .collect()
    }
}

impl Adapter {
    fn new(monitor: &str, file: &str, number: Option<u16>) -> Self {
        let channel = match number {
            Some(number) => format!("{file} hci{number}"),
            None => file.to_owned(),
        };
        let listener = |source| Arc::new(Listener::new(monitor, source, &channel));
        Self {
            ble: listener(SourceKind::Ble),
            classic: listener(SourceKind::Classic),
            hearing: Hearing::default(),
            told: BTreeMap::new(),
        }
    }

    /// Everybody whom an advertisement names, or may name to whoever has the key; a name alone names
    /// nobody, as many may have it.
    fn heard(&mut self, it: &Advertisement<'_>, at: Time, rules: &TagRules, facts: &mut Vec<Fact>) {
        let name = it.name().and_then(text::shown);
        let private = it.address.filter(|it| it.kind.rotates());
        let mut identities: Vec<Identity> = private.into_iter().map(of_address).collect();
        identify(it, rules, &mut |id| identities.extend(id.to_identity()));
        identities.retain(|it| !matches!(it, Identity::Text(TextKind::Name, _)));
        for identity in identities {
            self.sighted(identity, at, it.rssi, name.as_deref(), facts);
        }
    }

    /// A sighting, unless one as strong was told within [`REPEAT`]; and the name, if it is another.
    fn sighted(
        &mut self,
        identity: Identity,
        at: Time,
        rssi: Option<i8>,
        name: Option<&str>,
        facts: &mut Vec<Fact>,
    ) {
        if self.told.len() >= MOST_TOLD && !self.told.contains_key(&identity) {
            self.told.clear();
        }
        let classic = matches!(identity, Identity::Bt(_));
        let listener = if classic { &self.classic } else { &self.ble };
        let mut tell = |body| facts.push(Fact { listener: Arc::clone(listener), body });
        let told = self.told.get(&identity);
        let known = told.and_then(|it| it.name.clone());
        let is_news = told.is_none_or(|it| it.at + REPEAT <= at || at < it.at || it.rssi < rssi);
        if let Some(value) = name.filter(|it| known.as_deref() != Some(it)) {
            let (identity, value) = (identity.clone(), value.into());
            tell(FactBody::Detail(Detail { identity, at, kind: DetailKind::Hostname, value }));
        } else if !is_news {
            return;
        }
        if is_news {
            tell(FactBody::Sighting(Sighting { identity: identity.clone(), at, rssi }));
        }
        let (at, rssi) = match self.told.get(&identity) {
            Some(it) if !is_news => (it.at, it.rssi),
            Some(_) | None => (at, rssi),
        };
        let name = name.map(Box::from).or(known);
        self.told.insert(identity, Told { at, rssi, name });
    }

    /// What came of a question to a classic device: for its name, or for a connection.
    fn answer(&self, packet: &Packet<'_>, at: Time) -> Option<Fact> {
        let Body::Hci(Hci::Event(event)) = packet.body else { return None };
        let EventBody::Device { address, status: Some(status), .. } = event.body else {
            return None;
        };
        if address.kind != AddressKind::Classic || !matches!(event.code, CONNECTED | NAMED) {
            return None;
        }
        let outcome = match status {
            SUCCESS => Outcome::Answered,
            PAGE_TIMEOUT => Outcome::Silent,
            _ => Outcome::NoEvidence,
        };
        let body = FactBody::Probe(Probe { identity: of_address(address), at, outcome });
        Some(Fact { listener: Arc::clone(&self.classic), body })
    }
}

const fn of_address(address: Address) -> Identity {
    match address.kind {
        AddressKind::Classic => Identity::Bt(address.mac),
        AddressKind::Public | AddressKind::RandomStatic => Identity::Ble(address.mac),
        AddressKind::Resolvable | AddressKind::NonResolvable | AddressKind::Reserved => {
            Identity::Private(address.mac)
        }
    }
}

/// How often one identity is told; the strongest in between is told as well.
const REPEAT: Duration = Duration::from_secs(1);
/// More identities than a day brings past a listener.
const MOST_TOLD: usize = 50_000;
/// Connection Complete and Remote Name Request Complete (Core Specification, Vol 4, Part E, 7.7).
const CONNECTED: u8 = 0x03;
const NAMED: u8 = 0x07;
/// Errors (Vol 1, Part F, 1.3). Only a page that nobody answered is silence.
const SUCCESS: u8 = 0x00;
const PAGE_TIMEOUT: u8 = 0x04;
