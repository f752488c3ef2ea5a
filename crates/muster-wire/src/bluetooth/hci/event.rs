//! Events of the controller.

use super::super::address::Address;
use super::super::advertisement::Advertisement;
use super::report::{Form, Reports};
use super::words;
use crate::bytes::Bytes;
use crate::frame::DecodeError;

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its code.
    pub code: u8,
    /// Its second code, where the first is that of low energy.
    pub subevent: Option<u8>,
    /// What it says.
    pub body: EventBody<'a>,
}

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventBody<'a> {
    /// Advertisements or answers to an inquiry.
    Reports(Reports<'a>),
    /// Something about a device.
    Device {
        /// Which.
        address: Address,
        /// The name that it was asked for, padded with zeros.
        name: Option<&'a [u8]>,
        /// The connection.
        handle: Option<u16>,
        /// What came of it: 0 success, else an error (Vol 1, Part F, 1.3).
        status: Option<u8>,
    },
    /// Something about a connection.
    Connection {
        /// Which.
        handle: u16,
        /// What came of it.
        status: u8,
        /// Why it ended.
        reason: Option<u8>,
    },
    /// A command was taken or is done.
    Answer {
        /// Which.
        opcode: u16,
        /// What came of it; none where the command answers with nothing.
        status: Option<u8>,
        /// The controller's own address, where that was asked for.
        address: Option<Address>,
    },
    /// Everything else.
    Other {
        /// What came of it, in events that begin with it.
        status: Option<u8>,
    },
}

impl<'a> Event<'a> {
    pub(super) fn read(packet: &'a [u8]) -> Result<Self, DecodeError> {
        let cut = DecodeError::new("hci event", "it ends before its parameters do");
        let mut at = Bytes::new(packet);
        let (Some(code), Some(length)) = (at.u8(), at.u8()) else { return Err(cut) };
        let mut parameters = Bytes::new(at.take(length.into()).ok_or(cut)?);
        let subevent = if code == LE_META { Some(parameters.u8().ok_or(cut)?) } else { None };
        let short = DecodeError::new("hci event", "its parameters are too short");
        let body = match Form::of(code, subevent) {
            Some(form) => Reports::read(form, parameters.rest()).map(EventBody::Reports),
            None => body(code, subevent, parameters),
        };
        Ok(Self { code, subevent, body: body.ok_or(short)? })
    }

    /// The word for it; none for those of vendors and of the future.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        words::event(self.code, self.subevent)
    }

    /// The broadcasts that it reports.
    pub fn advertisements(&self) -> impl Iterator<Item = Advertisement<'a>> + use<'a> {
        let reports = if let EventBody::Reports(it) = self.body { Some(it.iter()) } else { None };
        reports.into_iter().flatten()
    }
}

fn body(code: u8, subevent: Option<u8>, mut at: Bytes<'_>) -> Option<EventBody<'_>> {
    match (code, subevent) {
        (LE_META, Some(0x01 | 0x0a | 0x29)) => le_connected(at),
        (LE_META, Some(0x0e | 0x24)) => le_synchronised(at),
        (CONNECTION_COMPLETE | 0x2c, _) => {
            let (status, handle, address) = (at.u8()?, at.u16_le()?, at.mac_le()?);
            Some(device(Address::classic(address), Some(handle), Some(status)))
        }
        (CONNECTION_REQUEST, _) => Some(device(Address::classic(at.mac_le()?), None, None)),
        (DISCONNECTION_COMPLETE, _) => {
            let (status, handle, reason) = (at.u8()?, at.u16_le()?, at.u8()?);
            Some(EventBody::Connection { handle, status, reason: Some(reason) })
        }
        (REMOTE_NAME, _) => {
            let (status, address) = (at.u8()?, Address::classic(at.mac_le()?));
            let name = (status == 0).then_some(at.rest());
            Some(EventBody::Device { address, name, handle: None, status: Some(status) })
        }
        // Remote features, version and their like: status and connection.
        (0x06 | 0x08 | 0x0b | 0x0c | 0x0d | 0x1c, _) | (LE_META, Some(0x03 | 0x04 | 0x0c)) => {
            let (status, handle) = (at.u8()?, at.u16_le()?);
            Some(EventBody::Connection { handle, status, reason: None })
        }
        (COMMAND_COMPLETE, _) => answer(at),
        (COMMAND_STATUS, _) => {
            let status = at.u8()?;
            at.skip(1)?;
            let opcode = at.u16_le()?;
            Some(EventBody::Answer { opcode, status: Some(status), address: None })
        }
        // Role change and simple pairing complete: status and address.
        (0x12 | 0x36, _) => {
            let (status, address) = (at.u8()?, at.mac_le()?);
            Some(device(Address::classic(address), None, Some(status)))
        }
        // Requests for keys and their like, and the keys themselves, of which only whose is read.
        (0x16..=0x18 | 0x20 | 0x31..=0x35 | 0x3b | 0x3d, _) => {
            Some(device(Address::classic(at.mac_le()?), None, None))
        }
        (INQUIRY_COMPLETE, _) | (LE_META, Some(0x12)) => {
            Some(EventBody::Other { status: Some(at.u8()?) })
        }
        _ => Some(EventBody::Other { status: None }),
    }
}

const fn device<'a>(address: Address, handle: Option<u16>, status: Option<u8>) -> EventBody<'a> {
    EventBody::Device { address, name: None, handle, status }
}

/// LE Connection Complete in its three forms: the address is where all have it.
fn le_connected(mut at: Bytes<'_>) -> Option<EventBody<'_>> {
    let (status, handle) = (at.u8()?, at.u16_le()?);
    at.skip(1)?;
    let (kind, mac) = (at.u8()?, at.mac_le()?);
    Some(match Address::of_hci(kind, mac) {
        Some(address) => device(address, Some(handle), Some(status)),
        None => EventBody::Connection { handle, status, reason: None },
    })
}

/// LE Periodic Advertising Sync Established.
fn le_synchronised(mut at: Bytes<'_>) -> Option<EventBody<'_>> {
    let (status, handle) = (at.u8()?, at.u16_le()?);
    at.skip(1)?;
    let (kind, mac) = (at.u8()?, at.mac_le()?);
    Some(match Address::of_hci(kind, mac) {
        Some(address) => device(address, Some(handle), Some(status)),
        None => EventBody::Other { status: Some(status) },
    })
}

fn answer(mut at: Bytes<'_>) -> Option<EventBody<'_>> {
    at.skip(1)?;
    let opcode = at.u16_le()?;
    let status = at.u8();
    let address = if opcode == READ_ADDRESS && status == Some(0) {
        Some(Address::classic(at.mac_le()?))
    } else {
        None
    };
    Some(EventBody::Answer { opcode, status, address })
}

const INQUIRY_COMPLETE: u8 = 0x01;
const CONNECTION_COMPLETE: u8 = 0x03;
const CONNECTION_REQUEST: u8 = 0x04;
const DISCONNECTION_COMPLETE: u8 = 0x05;
const REMOTE_NAME: u8 = 0x07;
const COMMAND_COMPLETE: u8 = 0x0e;
const COMMAND_STATUS: u8 = 0x0f;
const LE_META: u8 = 0x3e;
const READ_ADDRESS: u16 = 0x1009;
