//! What a relay is given, what it asks of its shell, and what it complains of.

use std::time::Duration;

use crate::uplink::{BootId, StoreId, Upload};

#[cfg(doc)]
use super::Relay;
use super::dates::MachineId;
use super::spool::{ReadWork, SpoolWork, Spooled};

/// How a relay works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The monitor's name.
    pub monitor: Box<str>,
    /// How long a fact may wait for its acknowledgement before it is written down; a power cut loses
    /// at most so much. Zero: everything is written down first.
    pub patience: Duration,
    /// About how many bytes of facts the spool may hold.
    pub capacity: u64,
    /// The length of the hub's intervals: what is thinned keeps the best signal of each.
    pub interval: Duration,
    /// The version of the program.
    pub version: Box<str>,
    /// The facts are made up.
    pub simulated: bool,
}

impl Settings {
    /// The usual patience.
    pub const PATIENCE: Duration = Duration::from_secs(5);
}

/// Where a relay begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// This start of the program: random.
    pub boot: BootId,
    /// This start of the machine.
    pub machine: MachineId,
    /// What the spool holds.
    pub spooled: Spooled,
    /// Decides the jitter of pauses.
    pub seed: u64,
}

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Do {
    /// Send it, and hand the reply to [`Relay::handle_reply`], or say [`Relay::handle_unreachable`].
    Send(Sending),
    /// Write it, and say [`Relay::handle_written`].
    Write(SpoolWork),
    /// Read, and hand what was read to [`Relay::handle_read`].
    Read(ReadWork),
}

/// An upload under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Sending {
    /// Which: the answer names it.
    pub number: u64,
    /// What.
    pub upload: Upload,
}

/// Why facts do not reach the hub, beyond that it does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The hub has another store than the one that this monitor is bound to.
    OtherStore {
        /// The one it is bound to.
        bound: StoreId,
        /// The hub's.
        found: StoreId,
    },
    /// The hub does not let this monitor in.
    Unauthorised,
    /// The hub does not understand this monitor.
    Malformed(Box<str>),
    /// The spool cannot be written: facts are in memory only.
    Spool(Box<str>),
}
