//! Packets between a host and its Bluetooth controller, as far as they tell who is there (Core
//! Specification, Vol 4, Part E): commands and events. What a connection carries is not looked at.
//!
//! **Invariant:** keys, link keys and what people send each other are never part of a value: they
//! are not read, so nobody can print them.

mod command;

mod commands;

mod event;

mod report;

mod request;

mod words;

#[cfg(test)]
mod tests;

pub use command::{Command, Scan};
pub use event::{Event, EventBody};
pub use report::Reports;
pub(super) use report::signal;
pub use request::Request;
pub use words::command as command_word;

use crate::frame::DecodeError;

/// A packet of the host interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hci<'a> {
    /// What the host asked of its controller.
    Command(Command<'a>),
    /// What the controller told.
    Event(Event<'a>),
}

/// Reads a packet behind its type (Vol 4, Part A, 2); none for the data of connections.
pub fn parse(bytes: &[u8]) -> Result<Option<Hci<'_>>, DecodeError> {
    let Some((kind, packet)) = bytes.split_first() else {
        return Err(DecodeError::new("hci", "it has no type"));
    };
    match *kind {
        COMMAND => command(packet).map(Some),
        EVENT => event(packet).map(Some),
        ACL | SYNCHRONOUS | ISOCHRONOUS => Ok(None),
        _ => Err(DecodeError::new("hci", "its type is none that a controller knows")),
    }
}

/// Reads a command.
pub(super) fn command(packet: &[u8]) -> Result<Hci<'_>, DecodeError> {
    let cut = DecodeError::new("hci command", "it ends before its parameters do");
    Command::read(packet).map(Hci::Command).ok_or(cut)
}

/// Reads an event.
pub(super) fn event(packet: &[u8]) -> Result<Hci<'_>, DecodeError> {
    Event::read(packet).map(Hci::Event)
}

const COMMAND: u8 = 1;
const ACL: u8 = 2;
const SYNCHRONOUS: u8 = 3;
const EVENT: u8 = 4;
const ISOCHRONOUS: u8 = 5;
