//! Commands to the controller: which one, and whom or what it is about.

use muster_core::identity::Mac;

use super::super::address::Address;
use super::words;
use crate::bytes::Bytes;

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// Which one: group in the upper 6 bits, number in the lower 10.
    pub opcode: u16,
    parameters: &'a [u8],
}

/// Listening for advertisements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Ends.
    Off,
    /// Begins.
    On {
        /// Whether each device is reported but once until it ends.
        each_once: bool,
    },
}

impl<'a> Command<'a> {
    pub(super) fn read(packet: &'a [u8]) -> Option<Self> {
        let mut at = Bytes::new(packet);
        let (opcode, length) = (at.u16_le()?, at.u8()?);
        let parameters = at.take(length.into())?;
        Some(Self { opcode, parameters })
    }

    /// The word for it; none for those of vendors and of the future.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        words::command(self.opcode)
    }

    /// Whom it is about.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        let mut at = Bytes::new(self.parameters);
        match self.opcode {
            CREATE_CONNECTION | ACCEPT_CONNECTION | REJECT_CONNECTION | AUTHENTICATE_REPLY
            | PIN_REPLY | REMOTE_NAME | REMOTE_NAME_CANCEL => at.mac_le().map(Address::classic),
            LE_SET_RANDOM_ADDRESS => at.mac_le().map(|it| Address::low_energy(it, true)),
            LE_SET_RANDOM_ADDRESS_OF_SET => {
                at.skip(1)?;
                at.mac_le().map(|it| Address::low_energy(it, true))
            }
            LE_CREATE_CONNECTION => {
                at.skip(5)?;
                typed(at)
            }
            LE_ADD_ACCEPT | LE_REMOVE_ACCEPT | LE_ADD_RESOLVING | LE_REMOVE_RESOLVING => typed(at),
            LE_EXTENDED_CREATE_CONNECTION => {
                at.skip(2)?;
                typed(at)
            }
            _ => None,
        }
    }

    /// Which connection it is about.
    #[must_use]
    pub fn handle(&self) -> Option<u16> {
        let is_about_one = matches!(
            self.opcode,
            DISCONNECT | REMOTE_FEATURES | REMOTE_VERSION | READ_RSSI | LE_UPDATE_CONNECTION
        );
        Bytes::new(self.parameters).u16_le().filter(|_| is_about_one)
    }

    /// The advertising data or extended inquiry response that it gives the controller.
    #[must_use]
    pub fn data(&self) -> Option<&'a [u8]> {
        let mut at = Bytes::new(self.parameters);
        match self.opcode {
            WRITE_INQUIRY_RESPONSE => {
                at.skip(1)?;
                Some(at.rest())
            }
            LE_SET_ADVERTISING_DATA | LE_SET_SCAN_RESPONSE => {
                let length = at.u8()?;
                at.take(length.into())
            }
            LE_SET_EXTENDED_DATA | LE_SET_EXTENDED_SCAN_RESPONSE => {
                at.skip(3)?;
                let length = at.u8()?;
                at.take(length.into())
            }
            _ => None,
        }
    }

    /// The name that it gives this controller, padded with zeros.
    #[must_use]
    pub fn name(&self) -> Option<&'a [u8]> {
        (self.opcode == CHANGE_NAME).then_some(self.parameters)
    }

    /// Whether it begins or ends to listen for advertisements.
    #[must_use]
    pub fn scan(&self) -> Option<Scan> {
        if !matches!(self.opcode, LE_SCAN_ENABLE | LE_EXTENDED_SCAN_ENABLE) {
            return None;
        }
        match self.parameters {
            [0, ..] => Some(Scan::Off),
            [_, filter, ..] => Some(Scan::On { each_once: *filter != 0 }),
            _ => None,
        }
    }
}

fn typed(mut at: Bytes<'_>) -> Option<Address> {
    let (kind, mac): (u8, Mac) = (at.u8()?, at.mac_le()?);
    Address::of_hci(kind, mac)
}

const CREATE_CONNECTION: u16 = 0x0405;
const DISCONNECT: u16 = 0x0406;
const ACCEPT_CONNECTION: u16 = 0x0409;
const REJECT_CONNECTION: u16 = 0x040a;
const AUTHENTICATE_REPLY: u16 = 0x040b;
const PIN_REPLY: u16 = 0x040d;
const REMOTE_NAME: u16 = 0x0419;
const REMOTE_NAME_CANCEL: u16 = 0x041a;
const REMOTE_FEATURES: u16 = 0x041b;
const REMOTE_VERSION: u16 = 0x041d;
const CHANGE_NAME: u16 = 0x0c13;
const WRITE_INQUIRY_RESPONSE: u16 = 0x0c52;
const READ_RSSI: u16 = 0x1405;
const LE_SET_RANDOM_ADDRESS: u16 = 0x2005;
const LE_SET_ADVERTISING_DATA: u16 = 0x2008;
const LE_SET_SCAN_RESPONSE: u16 = 0x2009;
const LE_SCAN_ENABLE: u16 = 0x200c;
const LE_CREATE_CONNECTION: u16 = 0x200d;
const LE_ADD_ACCEPT: u16 = 0x2011;
const LE_REMOVE_ACCEPT: u16 = 0x2012;
const LE_UPDATE_CONNECTION: u16 = 0x2013;
const LE_ADD_RESOLVING: u16 = 0x2027;
const LE_REMOVE_RESOLVING: u16 = 0x2028;
const LE_SET_RANDOM_ADDRESS_OF_SET: u16 = 0x2035;
const LE_SET_EXTENDED_DATA: u16 = 0x2037;
const LE_SET_EXTENDED_SCAN_RESPONSE: u16 = 0x2038;
const LE_EXTENDED_SCAN_ENABLE: u16 = 0x2042;
const LE_EXTENDED_CREATE_CONNECTION: u16 = 0x2043;
