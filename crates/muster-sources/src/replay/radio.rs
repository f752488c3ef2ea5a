//! The Bluetooth packets of a capture as facts.
//!
//! A capture of the host interface tells when the controller listened, so only that counts as
//! covered; one that says nothing of it, and one from the air, counts as covered from its first record
//! to its last. Private addresses are told as such: whether they name somebody is for whoever has keys.

mod hearing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use muster_core::broadcast::Broadcast;
use muster_core::fact::{Fact, FactBody, Listener, Probe, SourceKind};
use muster_core::identity::Identity;
use muster_core::time::Time;
use muster_wire::bluetooth::address::AddressKind;
use muster_wire::bluetooth::advertisement::{Advertisement, Event, Kind};
use muster_wire::bluetooth::air::Air;
use muster_wire::bluetooth::hci::{EventBody, Hci};
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::bluetooth::{Body, Packet, kept};

use crate::classic::outcome::of_status;

use self::hearing::Hearing;
use super::coverage::{TooLong, fits, pieces};
use crate::told::{Listeners, Told, of_address};

/// What was recorded of the radio, file by file.
#[derive(Debug, Default)]
pub(super) struct Radio {
    rules: TagRules,
    /// What was sent last by those who have these identities, and whether it answered somebody.
    said: BTreeMap<(Vec<Identity>, bool), Broadcast>,
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
    told: Told,
}

impl Radio {
    /// Nothing yet.
    pub(super) fn new(rules: TagRules) -> Self {
        Self { rules, said: BTreeMap::new() }
    }

    /// A capture that `monitor` recorded; its file's name tells adapters of two captures apart.
    pub(super) fn capture(&mut self, monitor: &str, file: &str) -> Recorded<'_> {
        let (monitor, file) = (monitor.to_owned(), file.to_owned());
        Recorded { radio: self, monitor, file, adapters: BTreeMap::new() }
    }

    /// What everybody sent last, of at most [`MOST_SAID`], in the order of time.
    pub(super) fn broadcasts(self) -> Vec<Broadcast> {
        let mut all: Vec<Broadcast> = self.said.into_values().collect();
        all.sort_by_key(|it| it.at);
        all
    }

    fn keep(&mut self, is_answer: bool, broadcast: Broadcast) {
        let key = (broadcast.identities.clone(), is_answer);
        if self.said.len() < MOST_SAID || self.said.contains_key(&key) {
            self.said.insert(key, broadcast);
        }
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
            let (before, to) = (facts.len(), adapter.listeners());
            let told = &mut adapter.told;
            let identities = told.advertisement(&it, at, &self.radio.rules, &to, &mut facts);
            if facts.len() > before {
                let is_answer = it.kind.event().is_some_and(Event::is_scan_response);
                let listener = adapter.listener(&it);
                self.radio.keep(is_answer, kept::broadcast(&it, identities, listener, at));
            }
        }
        if let Body::Air(Air::Request { from: Some(from), rssi, .. }) = packet.body {
            let to = adapter.listeners();
            adapter.told.sighted((of_address(from), at, rssi), None, &to, &mut facts);
        }
        facts.extend(adapter.answer(packet, at));
        facts
    }

    /// What the whole of it tells: when its adapters could hear.
    pub(super) fn end(self) -> Result<Vec<Fact>, TooLong> {
        let mut all = Vec::new();
        for it in self.adapters.into_values() {
            for span in it.hearing.end() {
                fits(span, 1, all.len())?;
                all.extend(pieces(&it.ble, span));
            }
        }
        Ok(all)
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
            told: Told::default(),
        }
    }

    fn listeners(&self) -> Listeners {
        Listeners { ble: Arc::clone(&self.ble), classic: Arc::clone(&self.classic) }
    }

    fn listener(&self, it: &Advertisement<'_>) -> &Arc<Listener> {
        if it.kind == Kind::Inquiry { &self.classic } else { &self.ble }
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
        let outcome = of_status(status).outcome();
        let body = FactBody::Probe(Probe { identity: of_address(address), at, outcome });
        Some(Fact { listener: Arc::clone(&self.classic), body })
    }
}

/// More than anybody looks at.
const MOST_SAID: usize = 4_096;
/// Connection Complete and Remote Name Request Complete (Core Specification, Vol 4, Part E, 7.7).
const CONNECTED: u8 = 0x03;
const NAMED: u8 = 0x07;
