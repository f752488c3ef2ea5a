//! Linux's Bluetooth monitor channel, as `btmon` records it: what goes between the kernel and its
//! adapters, between the kernel and programs, and what both note.

use muster_core::identity::Mac;

use super::hci::{self, Hci};
use super::management::Message;
use crate::bytes::Bytes;
use crate::frame::DecodeError;

/// A message of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Monitor<'a> {
    /// The number of the adapter that it is about.
    pub adapter: Option<u16>,
    /// What it says.
    pub body: Body<'a>,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A packet of the host interface.
    Hci(Hci<'a>),
    /// A message of the management socket.
    Management(Message<'a>),
    /// An adapter came, went, was opened or closed, or a program took the socket.
    Adapter {
        /// `new_index`, `open_index` ...
        word: &'static str,
        /// Its address.
        address: Option<Mac>,
        /// What it or the program is called, padded with zeros.
        name: Option<&'a [u8]>,
    },
    /// A remark of the kernel or of a program.
    Note {
        /// Who makes it: the kernel when empty.
        by: &'a [u8],
        /// The remark.
        text: &'a [u8],
    },
}

/// Reads a message behind its adapter and opcode; none for the data of connections, and for opcodes
/// of the future.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Monitor<'_>>, DecodeError> {
    let cut = DecodeError::new("bluetooth monitor", "it ends before its parts do");
    let mut at = Bytes::new(bytes);
    let (Some(adapter), Some(opcode)) = (at.u16(), at.u16()) else { return Err(cut) };
    let adapter = Some(adapter).filter(|it| *it != NO_ADAPTER);
    let plain = |word| Body::Adapter { word, address: None, name: None };
    let body = match opcode {
        NEW_INDEX => new_index(at).ok_or(cut)?,
        1 => plain("delete_index"),
        COMMAND => Body::Hci(hci::command(at.rest())?),
        EVENT => Body::Hci(hci::event(at.rest())?),
        8 => plain("open_index"),
        9 => plain("close_index"),
        INDEX_INFO => {
            let address = Some(at.mac_le().ok_or(cut)?);
            Body::Adapter { word: "index_info", address, name: None }
        }
        11 => plain("vendor_diagnostic"),
        SYSTEM_NOTE => Body::Note { by: &[], text: at.rest() },
        USER_NOTE => user_note(at).ok_or(cut)?,
        CONTROL_OPEN => control_open(at).ok_or(cut)?,
        15 => plain("control_close"),
        CONTROL_COMMAND | CONTROL_EVENT => {
            let code = at.skip(4).and_then(|()| at.u16_le()).ok_or(cut)?;
            let is_event = opcode == CONTROL_EVENT;
            let read = if is_event { Message::event } else { Message::command };
            Body::Management(read(code, at.rest())?)
        }
        _ => return Ok(None),
    };
    Ok(Some(Monitor { adapter, body }))
}

fn new_index(mut at: Bytes<'_>) -> Option<Body<'_>> {
    at.skip(2)?;
    let (address, name) = (Some(at.mac_le()?), Some(at.take(8)?));
    Some(Body::Adapter { word: "new_index", address, name })
}

/// Priority, the length of who says it, who, and what.
fn user_note(mut at: Bytes<'_>) -> Option<Body<'_>> {
    at.skip(1)?;
    let length = at.u8()?;
    let by = at.take(length.into())?;
    Some(Body::Note { by, text: at.rest() })
}

/// Cookie, format, version and revision, flags; then the program's name behind its length.
fn control_open(mut at: Bytes<'_>) -> Option<Body<'_>> {
    at.skip(4 + 2 + 3 + 4)?;
    let length = at.u8()?;
    let name = Some(at.take(length.into())?);
    Some(Body::Adapter { word: "control_open", address: None, name })
}

const NO_ADAPTER: u16 = 0xffff;
const NEW_INDEX: u16 = 0;
const COMMAND: u16 = 2;
const EVENT: u16 = 3;
const INDEX_INFO: u16 = 10;
const SYSTEM_NOTE: u16 = 12;
const USER_NOTE: u16 = 13;
const CONTROL_OPEN: u16 = 14;
const CONTROL_COMMAND: u16 = 16;
const CONTROL_EVENT: u16 = 17;
