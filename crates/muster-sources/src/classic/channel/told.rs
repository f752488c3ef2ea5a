//! What a controller tells: who was found, who is connected, what came of questions, and that it lives.

use muster_core::fact::{Detail, DetailKind, Fact, FactBody, Sighting};
use muster_core::identity::{Identity, Mac};
use muster_core::time::{Now, Time};
use muster_wire::bluetooth::address::AddressKind;
use muster_wire::bluetooth::hci::{Event, EventBody, Request};
use muster_wire::bluetooth::text;

use super::Channel;

/// What an inquiry found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its address.
    pub mac: Mac,
    /// When.
    pub at: Time,
    /// What it is (Assigned Numbers, 2.8).
    pub class: Option<u32>,
    /// How strongly it was heard, dBm.
    pub rssi: Option<i8>,
    /// What it calls itself.
    pub name: Option<String>,
}

impl Channel {
    pub(super) fn event(&mut self, event: &Event<'_>, now: Now, out: &mut Vec<Fact>) {
        match event.body {
            EventBody::Reports(reports) => {
                for it in reports.iter() {
                    let Some(address) = it.address else { continue };
                    let name = it.name().and_then(text::shown);
                    self.sighted(address.mac, it.rssi, name.as_deref(), now, out);
                    let (mac, class, rssi) = (address.mac, it.class, it.rssi);
                    if self.found.len() < MOST_FOUND {
                        self.found.push(Found { mac, at: now.wall, class, rssi, name });
                    }
                }
            }
            EventBody::Device { address, name, handle, status: Some(status) } => {
                if address.kind == AddressKind::Classic {
                    self.device(event.code, address.mac, (name, handle, status), now, out);
                }
            }
            EventBody::Connection { handle, reason: Some(reason), status: 0 } => {
                if let Some(mac) = self.links.ended(handle) {
                    // Who ended it itself was there to do so.
                    if (0x13..=0x15).contains(&reason) {
                        self.sighted(mac, None, None, now, out);
                    }
                    if reason != ENDED_HERE {
                        self.schedule.hint(mac, now.mono);
                    }
                }
            }
            EventBody::Answer { opcode, status, address } => {
                if opcode == Request::ReadAddress.opcode() && status == Some(0) {
                    self.life.answered(now.mono);
                    self.address = address.map(|it| it.mac).or(self.address);
                    if self.trouble.is_some_and(|it| !it.is_about_questions()) {
                        self.trouble = None;
                    }
                }
                let asked = self.question.as_ref().map(|it| &it.0);
                let taken = asked.zip(status).and_then(|(it, status)| it.taken(opcode, status));
                if let Some(verdict) = taken {
                    self.over(verdict, now, out);
                }
            }
            EventBody::Other { status: Some(status) } if event.code == INQUIRY_COMPLETE => {
                let ended = self.question.as_ref().and_then(|it| it.0.inquired(status));
                if let Some(verdict) = ended {
                    self.over(verdict, now, out);
                }
            }
            EventBody::Device { .. } | EventBody::Connection { .. } | EventBody::Other { .. } => {}
        }
    }

    /// A link was made, or a name came; or neither.
    fn device(
        &mut self,
        code: u8,
        mac: Mac,
        (name, handle, status): (Option<&[u8]>, Option<u16>, u8),
        now: Now,
        out: &mut Vec<Fact>,
    ) {
        if code == CONNECTED && status == 0 {
            if let Some(handle) = handle {
                self.links.begun(handle, mac);
            }
            if self.question.as_ref().is_none_or(|it| it.0.whom() != Some(mac)) {
                self.sighted(mac, None, None, now, out);
            }
        }
        if code != NAMED {
            return;
        }
        let name = name.and_then(text::shown);
        let mine = self.question.as_ref().and_then(|it| it.0.named(mac, status));
        if let Some(verdict) = mine {
            self.over(verdict, now, out);
            self.named(mac, name.as_deref(), now, out);
        } else if status == 0 {
            // Somebody else on this machine asked for it.
            self.sighted(mac, None, name.as_deref(), now, out);
        }
    }

    /// Evidence that nobody asked for, of those only whom somebody wants.
    pub(super) fn sighted(
        &mut self,
        mac: Mac,
        rssi: Option<i8>,
        name: Option<&str>,
        now: Now,
        out: &mut Vec<Fact>,
    ) {
        if !self.schedule.knows(mac) {
            return;
        }
        self.schedule.heard(mac, now.mono);
        let sighting = Sighting { identity: Identity::Bt(mac), at: now.wall, rssi };
        self.push(FactBody::Sighting(sighting), out);
        self.named(mac, name, now, out);
    }

    fn named(&self, mac: Mac, name: Option<&str>, now: Now, out: &mut Vec<Fact>) {
        let known = name.filter(|_| self.schedule.knows(mac));
        let Some(value) = known.filter(|it| it.len() <= Detail::MAX_VALUE) else { return };
        let (identity, kind) = (Identity::Bt(mac), DetailKind::Hostname);
        self.push(
            FactBody::Detail(Detail { identity, at: now.wall, kind, value: value.into() }),
            out,
        );
    }
}

/// More than an inquiry finds.
const MOST_FOUND: usize = 4096;
/// Events (Core Specification, Vol 4, Part E, 7.7).
const INQUIRY_COMPLETE: u8 = 0x01;
const CONNECTED: u8 = 0x03;
const NAMED: u8 = 0x07;
/// Connection terminated by the local host (Vol 1, Part F, 1.3).
const ENDED_HERE: u8 = 0x16;
