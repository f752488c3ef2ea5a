//! Linux's management socket (`doc/mgmt-api.txt` of BlueZ): what the kernel tells of its adapters and
//! what they hear, and what programs ask of it.
//!
//! **Invariant:** of messages with keys only whose they are is read, but for [`IdentityKey`].

mod command;
pub use command::{Command, MonitorFeatures, Transports, monitor_of_answer};

mod identity_key;
pub use identity_key::IdentityKey;

mod status;
pub use status::Status;

mod words;

use muster_core::identity::Mac;

use super::address::Address;
use super::advertisement::{Advertisement, Kind};
use super::hci;
use crate::bytes::Bytes;
use crate::frame::DecodeError;

/// A message behind its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Which one.
    pub code: u16,
    /// Whether the kernel tells it; else a program asks it.
    pub is_event: bool,
    /// What it says.
    pub body: Body<'a>,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A device was heard.
    Found(Advertisement<'a>),
    /// Something about a device.
    Device {
        /// Which.
        address: Address,
        /// Why it is no longer connected, or could not be.
        reason: Option<u8>,
        /// Its advertising data or extended inquiry response.
        data: &'a [u8],
    },
    /// A command is done, or was refused.
    Answer {
        /// Which.
        command: u16,
        /// 0 success, else an error: a [`Status`].
        status: u8,
        /// What it brought.
        data: &'a [u8],
    },
    /// Whether the adapter looks for devices (`true`) or stopped to.
    Discovering {
        /// For which.
        what: Transports,
        /// Whether it does.
        on: bool,
    },
    /// An adapter came (`true`) or went.
    Adapter(bool),
    /// What is switched on at an adapter.
    Settings(Settings),
    /// Everything else.
    Other,
}

/// What is switched on at an adapter, or could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings(u32);

impl Settings {
    /// Whether it is on.
    #[must_use]
    pub const fn is_powered(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether it speaks low energy.
    #[must_use]
    pub const fn has_low_energy(self) -> bool {
        self.0 & 1 << 9 != 0
    }
}

/// What an adapter is, as the kernel answers [`Command::ReadControllerInformation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Its own address.
    pub address: Mac,
    /// What it could do.
    pub supported: Settings,
    /// What is switched on.
    pub current: Settings,
}

impl Controller {
    /// Reads what the answer brought; none if that is too short.
    #[must_use]
    pub fn of_answer(data: &[u8]) -> Option<Self> {
        let mut at = Bytes::new(data);
        let address = at.mac_le()?;
        // The version of Bluetooth, and who made it.
        at.skip(3)?;
        let mut settings = || at.u32_le().map(Settings);
        Some(Self { address, supported: settings()?, current: settings()? })
    }
}

/// The numbers of the adapters, as the kernel answers [`Command::ReadIndexList`]; none if it is cut.
#[must_use]
pub fn adapters_of_answer(data: &[u8]) -> Option<Vec<u16>> {
    let mut at = Bytes::new(data);
    let count = at.u16_le()?;
    (0..count).map(|_| at.u16_le()).collect()
}

impl<'a> Message<'a> {
    /// Reads what comes from the socket: code, adapter and length before the parameters. The adapter
    /// is none where it is about all.
    pub fn of_socket(bytes: &'a [u8]) -> Result<(Option<u16>, Self), DecodeError> {
        let cut = DecodeError::new("management", "it ends before its parameters do");
        let mut at = Bytes::new(bytes);
        let head = (at.u16_le(), at.u16_le(), at.u16_le());
        let (Some(code), Some(index), Some(length)) = head else { return Err(cut) };
        let parameters = at.take(length.into()).ok_or(cut)?;
        Ok((Some(index).filter(|it| *it != NO_ADAPTER), Self::event(code, parameters)?))
    }

    /// Reads an event by its code.
    pub(super) fn event(code: u16, parameters: &'a [u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::new("management", "its parameters are too short");
        let body = event(code, Bytes::new(parameters)).ok_or(short)?;
        Ok(Self { code, is_event: true, body })
    }

    /// Reads a command by its code.
    pub(super) fn command(code: u16, parameters: &'a [u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::new("management", "its parameters are too short");
        let body = command(code, Bytes::new(parameters)).ok_or(short)?;
        Ok(Self { code, is_event: false, body })
    }

    /// The word for it; none for those of the future.
    pub fn word(&self) -> Option<&'static str> {
        words::word(self.code, self.is_event)
    }

    /// The word for the command that it answers.
    pub fn answered(&self) -> Option<&'static str> {
        match self.body {
            Body::Answer { command, .. } => words::word(command, false),
            Body::Found(_)
            | Body::Device { .. }
            | Body::Discovering { .. }
            | Body::Adapter(_)
            | Body::Settings(_)
            | Body::Other => None,
        }
    }
}

fn event(code: u16, mut at: Bytes<'_>) -> Option<Body<'_>> {
    Some(match code {
        COMMAND_COMPLETE | COMMAND_STATUS => {
            let (command, status) = (at.u16_le()?, at.u8()?);
            Body::Answer { command, status, data: at.rest() }
        }
        // A byte before the address says whether the key shall be kept.
        NEW_LINK_KEY | NEW_LONG_TERM_KEY => {
            at.skip(1)?;
            device(&mut at)?
        }
        // The private address under which the device is connected, then who it is.
        NEW_IDENTITY_KEY => {
            at.skip(7)?;
            device(&mut at)?
        }
        CONNECTED => {
            let Body::Device { address, .. } = device(&mut at)? else { return Some(Body::Other) };
            at.skip(4)?;
            let length = at.u16_le()?;
            Body::Device { address, reason: None, data: at.take(length.into())? }
        }
        DISCONNECTED | CONNECT_FAILED | AUTHENTICATION_FAILED => {
            let Body::Device { address, .. } = device(&mut at)? else { return Some(Body::Other) };
            Body::Device { address, reason: Some(at.u8()?), data: &[] }
        }
        PIN_REQUEST | CONFIRM_REQUEST | PASSKEY_REQUEST | PASSKEY_NOTIFY | BLOCKED | UNBLOCKED
        | UNPAIRED | ADDED | REMOVED => device(&mut at)?,
        FOUND => found(at)?,
        // A number of the pattern that it matches stands before it.
        MONITORED_FOUND => {
            at.skip(2)?;
            found(at)?
        }
        MONITORED_LOST => {
            at.skip(2)?;
            device(&mut at)?
        }
        DISCOVERING => {
            let what = Transports(at.u8()?);
            Body::Discovering { what, on: at.u8()? != 0 }
        }
        ADAPTER_ADDED => Body::Adapter(true),
        ADAPTER_REMOVED => Body::Adapter(false),
        SETTINGS => Body::Settings(Settings(at.u32_le()?)),
        _ => Body::Other,
    })
}

fn command(code: u16, mut at: Bytes<'_>) -> Option<Body<'_>> {
    Some(match code {
        // Disconnect, answer for a PIN, pair and unpair, confirm, block, ask about a connection, add
        // and remove.
        0x0014 | 0x0016 | 0x0017 | 0x0019..=0x001f | 0x0026 | 0x0027 | 0x0031..=0x0034 => {
            device(&mut at)?
        }
        _ => Body::Other,
    })
}

/// An address and its type; a type of the future is none of ours.
fn device<'a>(at: &mut Bytes<'a>) -> Option<Body<'a>> {
    let (mac, kind) = (at.mac_le()?, at.u8()?);
    let address = Address::of_management(kind, mac);
    Some(address.map_or(Body::Other, |it| Body::Device { address: it, reason: None, data: &[] }))
}

fn found(mut at: Bytes<'_>) -> Option<Body<'_>> {
    let (mac, kind) = (at.mac_le()?, at.u8()?);
    let (rssi, _flags) = (at.i8()?, at.u32_le()?);
    let length = at.u16_le()?;
    let data = at.take(length.into())?;
    let address = Address::of_management(kind, mac);
    let kind = if kind == 0 { Kind::Inquiry } else { Kind::Unknown };
    let rssi = hci::signal(rssi);
    Some(Body::Found(Advertisement { address, rssi, kind, ..Advertisement::bare(data) }))
}

const NO_ADAPTER: u16 = 0xffff;
const COMMAND_COMPLETE: u16 = 0x0001;
const COMMAND_STATUS: u16 = 0x0002;
const ADAPTER_ADDED: u16 = 0x0004;
const ADAPTER_REMOVED: u16 = 0x0005;
const SETTINGS: u16 = 0x0006;
const NEW_LINK_KEY: u16 = 0x0009;
const NEW_LONG_TERM_KEY: u16 = 0x000a;
const CONNECTED: u16 = 0x000b;
const DISCONNECTED: u16 = 0x000c;
const CONNECT_FAILED: u16 = 0x000d;
const PIN_REQUEST: u16 = 0x000e;
const CONFIRM_REQUEST: u16 = 0x000f;
const PASSKEY_REQUEST: u16 = 0x0010;
const AUTHENTICATION_FAILED: u16 = 0x0011;
const FOUND: u16 = 0x0012;
const DISCOVERING: u16 = 0x0013;
const BLOCKED: u16 = 0x0014;
const UNBLOCKED: u16 = 0x0015;
const UNPAIRED: u16 = 0x0016;
const PASSKEY_NOTIFY: u16 = 0x0017;
const NEW_IDENTITY_KEY: u16 = 0x0018;
const ADDED: u16 = 0x001a;
const REMOVED: u16 = 0x001b;
const MONITORED_FOUND: u16 = 0x002f;
const MONITORED_LOST: u16 = 0x0030;
