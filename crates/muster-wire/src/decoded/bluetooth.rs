//! The JSON object of a Bluetooth packet, or of one advertisement in it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::beacon::{DecodedBeacon, DecodedTag, beacons, tags};
use crate::bluetooth::ad::{AdKind, AdStructures, Field};
use crate::bluetooth::address::{Address, AddressKind};
use crate::bluetooth::advertisement::{self, Advertisement, Kind};
use crate::bluetooth::air::Air;
use crate::bluetooth::hci::{Command, Event, EventBody, Hci, Scan, command_word};
use crate::bluetooth::identify::identify;
use crate::bluetooth::management::{self, Message};
use crate::bluetooth::resolve::Resolver;
use crate::bluetooth::tag::TagRules;
use crate::bluetooth::text::{hex, shown};
use crate::bluetooth::{Body, Packet, monitor, numbers};

/// What Bluetooth says.
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub struct DecodedRadio {
    /// The number of the frame, from 1; several lines may have the same.
    pub frame: u64,
    /// When it was captured, RFC 3339; absent where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t: Option<String>,
    /// `advertisement`, `inquiry`, `request`, `command`, `event`, `management`, `adapter` or `note`.
    pub kind: &'static str,
    /// What it does: `adv_ind`, `scan_req`, `reset`, `device_connected` ...; a number where there is no
    /// word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// The number of the adapter, where the capture has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<u16>,
    /// Who sent it, or whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `public`, `random_static`, `rpa`, `nrpa`, `reserved` or `classic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_type: Option<&'static str>,
    /// Whose the private address is, where one of the given keys resolves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// Whom it is meant for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How strongly it was heard, dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rssi: Option<i8>,
    /// How strongly it says to send, dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tx_power: Option<i8>,
    /// The channel that it was heard on, 0 to 39.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<u8>,
    /// Whether one can connect; absent where that is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connectable: Option<bool>,
    /// Whether it is a piece of an extended advertisement of which more follows, or was lost.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The command that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What came of it: 0 success, else the error's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
    /// Why a connection ended, as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<u8>,
    /// The number of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<u16>,
    /// Whether devices are being looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scans: Option<bool>,
    /// What the device calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What the advertising data says.
    #[serde(flatten)]
    pub data: DecodedData,
    /// Beacons in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beacons: Vec<DecodedBeacon>,
    /// Every identity that it gives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Texts by which an app may make a phone known, and whether they are taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<DecodedTag>,
}

/// What advertising data says.
#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
pub struct DecodedData {
    /// The flags, as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u8>,
    /// What it is, in classic Bluetooth, as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<u32>,
    /// What it looks like, as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appearance: Option<u16>,
    /// Services that it offers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_uuids: Vec<String>,
    /// Services that it asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub solicited_uuids: Vec<String>,
    /// Data of services, in hexadecimal.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub service_data: BTreeMap<String, String>,
    /// Data of makers by company identifier, in hexadecimal.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub manufacturer: BTreeMap<String, String>,
    /// Everything else by the word for its type, in hexadecimal.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
    /// The names of the numbers above: of `appearance`, `service 180f`, `manufacturer 004c` ...
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, &'static str>,
    /// Whether the data ends inside a structure.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl DecodedRadio {
    /// Says whose its private address is, if one of the keys resolves it.
    pub fn resolve(&mut self, keys: &mut Resolver) {
        let private = self.address.as_deref().filter(|_| self.address_type == Some(RESOLVABLE));
        let address = private.and_then(|it| it.parse().ok());
        let Some(id) = address.and_then(|it| keys.resolve(it)) else { return };
        let identity = id.identity().to_string();
        self.ids.insert(0, identity.clone());
        self.resolved = Some(identity);
    }

    /// What an advertisement says.
    pub fn of_advertisement(
        frame: u64,
        t: Option<&str>,
        it: &Advertisement<'_>,
        rules: &TagRules,
    ) -> Self {
        let is_inquiry = it.kind == Kind::Inquiry;
        let kind = if is_inquiry { "inquiry" } else { "advertisement" };
        let event = it.kind.event();
        let mut ids = Vec::new();
        identify(it, rules, &mut |id| ids.extend(id.to_identity().map(|it| it.to_string())));
        let mut data = DecodedData::of(it.structures());
        data.class = it.class.or(data.class);
        let line = Self { op: event.map(|it| it.word().to_owned()), ..Self::new(frame, t, kind) };
        Self {
            target: it.target.map(|it| it.mac.to_string()),
            rssi: it.rssi,
            tx_power: it.sent_with(),
            channel: it.channel,
            connectable: event.and_then(advertisement::Event::is_connectable),
            partial: event.is_some_and(advertisement::Event::is_partial),
            name: it.name().and_then(shown),
            data,
            beacons: beacons(it),
            ids,
            tags: tags(it, rules),
            ..line.about(it.address)
        }
    }

    /// What a packet without an advertisement says.
    pub(super) fn of_packet(frame: u64, t: Option<&str>, packet: &Packet<'_>) -> Self {
        let line = match packet.body {
            Body::Hci(Hci::Command(it)) => Self::new(frame, t, "command").with_command(&it),
            Body::Hci(Hci::Event(it)) => Self::new(frame, t, "event").with_event(&it),
            Body::Management(it) => Self::new(frame, t, "management").with_message(&it),
            Body::Monitor(monitor::Body::Adapter { word, address, name }) => Self {
                op: Some(word.to_owned()),
                address: address.map(|it| it.to_string()),
                name: name.and_then(shown),
                ..Self::new(frame, t, "adapter")
            },
            Body::Monitor(monitor::Body::Note { by, text }) => {
                Self { name: shown(by), text: shown(text), ..Self::new(frame, t, "note") }
            }
            Body::Air(Air::Request { word, from, to, rssi, channel }) => Self {
                op: Some(word.to_owned()),
                target: to.map(|it| it.mac.to_string()),
                rssi,
                channel,
                ..Self::new(frame, t, "request").about(from)
            },
            // Both hold something else that a line tells.
            Body::Monitor(_) | Body::Air(Air::Advertisement(_)) => Self::new(frame, t, "packet"),
        };
        Self { adapter: packet.adapter, ..line }
    }

    fn new(frame: u64, t: Option<&str>, kind: &'static str) -> Self {
        Self { frame, t: t.map(str::to_owned), kind, ..Self::default() }
    }

    fn about(self, address: Option<Address>) -> Self {
        Self {
            address: address.map(|it| it.mac.to_string()),
            address_type: address.map(|it| it.kind.word()),
            ..self
        }
    }

    fn with_command(self, command: &Command<'_>) -> Self {
        let data = Advertisement::bare(command.data().unwrap_or_default());
        Self {
            op: Some(opcode(command.opcode)),
            handle: command.handle(),
            scans: command.scan().map(|it| it != Scan::Off),
            name: command.name().or(data.name()).and_then(shown),
            data: DecodedData::of(data.structures()),
            ..self.about(command.address())
        }
    }

    fn with_event(self, event: &Event<'_>) -> Self {
        let number = || match event.subevent {
            Some(it) => format!("0x{:02x}{it:02x}", event.code),
            None => format!("0x{:02x}", event.code),
        };
        let line = Self { op: Some(event.word().map_or_else(number, str::to_owned)), ..self };
        match event.body {
            EventBody::Device { address, name, handle, status } => {
                Self { handle, status, name: name.and_then(shown), ..line.about(Some(address)) }
            }
            EventBody::Connection { handle, status, reason } => {
                Self { handle: Some(handle), status: Some(status), reason, ..line }
            }
            EventBody::Answer { opcode: answered, status, address } => {
                Self { command: Some(opcode(answered)), status, ..line.about(address) }
            }
            EventBody::Other { status } => Self { status, ..line },
            EventBody::Reports(_) => line,
        }
    }

    fn with_message(self, message: &Message<'_>) -> Self {
        let number = |it: u16| format!("0x{it:04x}");
        let word = message.word().map_or_else(|| number(message.code), str::to_owned);
        let line = Self { op: Some(word), ..self };
        match message.body {
            management::Body::Device { address, reason, data } => {
                let told = Advertisement::bare(data);
                let name = told.name().and_then(shown);
                let data = DecodedData::of(told.structures());
                Self { reason, name, data, ..line.about(Some(address)) }
            }
            management::Body::Answer { command, status, .. } => {
                let word = message.answered().map_or_else(|| number(command), str::to_owned);
                Self { command: Some(word), status: Some(status), ..line }
            }
            management::Body::Discovering { on, .. } => Self { scans: Some(on), ..line },
            management::Body::Found(_)
            | management::Body::Adapter(_)
            | management::Body::Settings(_)
            | management::Body::Other => line,
        }
    }
}

/// The word for a command, or its number.
fn opcode(opcode: u16) -> String {
    command_word(opcode).map_or_else(|| format!("0x{opcode:04x}"), str::to_owned)
}

impl DecodedData {
    fn of(structures: AdStructures<'_>) -> Self {
        let mut data = Self { cut: structures.clone().is_cut(), ..Self::default() };
        for structure in structures {
            data.add(structure.kind, structure.data, structure.field());
        }
        data
    }

    fn add(&mut self, kind: AdKind, octets: &[u8], field: Field<'_>) {
        match field {
            Field::Flags(it) => self.flags = Some(it),
            Field::Class(it) => self.class = Some(it),
            Field::Appearance(it) => {
                self.appearance = Some(it);
                self.call("appearance".to_owned(), numbers::appearance(it));
            }
            Field::Services(all) => {
                for uuid in all.iter() {
                    self.service_uuids.push(uuid.to_string());
                    self.call(format!("service {uuid}"), numbers::service(uuid));
                }
            }
            Field::Solicited(all) => {
                for uuid in all.iter() {
                    self.solicited_uuids.push(uuid.to_string());
                    self.call(format!("service {uuid}"), numbers::service(uuid));
                }
            }
            Field::ServiceData(uuid, data) => {
                self.service_data.insert(uuid.to_string(), hex(data));
                self.call(format!("service {uuid}"), numbers::service(uuid));
            }
            Field::Manufacturer(company, data) => {
                self.manufacturer.insert(format!("{company:04x}"), hex(data));
                self.call(format!("manufacturer {company:04x}"), numbers::company(company));
            }
            // They have a key of their own.
            Field::Name { .. } | Field::TxPower(_) => {}
            Field::ConnectionInterval { .. }
            | Field::Target { .. }
            | Field::AdvertisingInterval(_)
            | Field::LeAddress(_)
            | Field::LeRole(_)
            | Field::Uri(_)
            | Field::Other(..) => {
                let word = kind.word();
                let word = word.map_or_else(|| format!("0x{:02x}", kind.0), str::to_owned);
                self.other.insert(word, hex(octets));
            }
        }
    }

    fn call(&mut self, number: String, name: Option<&'static str>) {
        self.names.extend(name.map(|it| (number, it)));
    }
}

const RESOLVABLE: &str = AddressKind::Resolvable.word();
