//! What Bluetooth says, low energy and classic: from the host interface, from Linux's monitor channel
//! and management socket, and from the air.
//!
//! The parsers say what a packet claims; whether that is evidence of presence is for the source to
//! judge. Everything borrows from the packet and is read when it is asked for: an advertisement costs
//! no allocation.
//!
//! **Invariant:** every function returns for any bytes, in time linear in their number. Packets that
//! tell nothing about who is there are `Ok(None)`; one that breaks its format is an error, and nothing
//! of it is used. No packet's keys are read.

pub mod address;

pub mod uuid;

pub mod ad;

pub mod advertisement;

pub mod kept;

pub mod beacon;

pub mod tag;

pub mod identify;

pub mod reasons;

pub mod key;

pub mod resolve;

pub mod hci;

pub mod management;

pub mod monitor;

pub mod air;

pub mod numbers;

pub mod text;

#[cfg(test)]
mod tests;

use self::advertisement::Advertisement;
use self::air::{Air, Heard};
use self::hci::Hci;
use self::management::Message;
use crate::bytes::Bytes;
use crate::frame::{DecodeError, LinkType};

/// A packet that tells something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The number of the adapter, where the capture has several.
    pub adapter: Option<u16>,
    /// What it says.
    pub body: Body<'a>,
}

/// What a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Between a host and its controller.
    Hci(Hci<'a>),
    /// Between the kernel and a program.
    Management(Message<'a>),
    /// Linux's monitor channel about adapters, programs and remarks.
    Monitor(monitor::Body<'a>),
    /// From the air, with a right check sum.
    Air(Air<'a>),
}

/// Whether [`decode`] can look into frames of this link.
#[must_use]
pub const fn is_bluetooth(link: LinkType) -> bool {
    matches!(
        link,
        LinkType::HCI
            | LinkType::HCI_DIRECTED
            | LinkType::BLE
            | LinkType::BLE_RADIO
            | LinkType::BLUETOOTH_MONITOR
    )
}

/// Reads one frame as captured on a link of type `link`.
pub fn decode(link: LinkType, bytes: &[u8]) -> Result<Option<Packet<'_>>, DecodeError> {
    let alone = |body| Packet { adapter: None, body };
    match link {
        LinkType::HCI => Ok(hci::parse(bytes)?.map(|it| alone(Body::Hci(it)))),
        LinkType::HCI_DIRECTED => {
            let mut at = Bytes::new(bytes);
            at.skip(4).ok_or(DecodeError::new("hci", "it has no direction"))?;
            Ok(hci::parse(at.rest())?.map(|it| alone(Body::Hci(it))))
        }
        LinkType::BLUETOOTH_MONITOR => Ok(monitor::parse(bytes)?.map(|it| {
            let body = match it.body {
                monitor::Body::Hci(it) => Body::Hci(it),
                monitor::Body::Management(it) => Body::Management(it),
                other @ (monitor::Body::Adapter { .. } | monitor::Body::Note { .. }) => {
                    Body::Monitor(other)
                }
            };
            Packet { adapter: it.adapter, body }
        })),
        LinkType::BLE => from_air(air::without_radio(bytes)?),
        LinkType::BLE_RADIO => from_air(air::with_radio(bytes)?),
        LinkType(_) => Ok(None),
    }
}

fn from_air(heard: Option<Heard<'_>>) -> Result<Option<Packet<'_>>, DecodeError> {
    match heard {
        Some(Heard { is_whole: false, .. }) => {
            Err(DecodeError::new("ble link layer", "its check sum is wrong"))
        }
        Some(Heard { air, is_whole: true }) => {
            Ok(Some(Packet { adapter: None, body: Body::Air(air) }))
        }
        None => Ok(None),
    }
}

impl<'a> Packet<'a> {
    /// The broadcasts that it holds.
    pub fn advertisements(&self) -> impl Iterator<Item = Advertisement<'a>> + use<'a> {
        let (mut one, mut reports) = (None, None);
        match self.body {
            Body::Hci(Hci::Event(event)) => reports = Some(event.advertisements()),
            Body::Management(Message { body: management::Body::Found(it), .. })
            | Body::Air(Air::Advertisement(it)) => one = Some(it),
            Body::Hci(Hci::Command(_))
            | Body::Management(_)
            | Body::Monitor(_)
            | Body::Air(Air::Request { .. }) => {}
        }
        one.into_iter().chain(reports.into_iter().flatten())
    }
}
