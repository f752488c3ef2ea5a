//! What a back end tells of adapters, in words that both have.

use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::management::Transports;

use super::turns::{Pace, Trouble};

/// Something about the adapter with this number.
#[derive(Debug)]
pub(super) enum News<'a> {
    /// It is there and on, and is listened to in this way.
    Ready(Pace),
    /// It is off, or gone.
    Unavailable(Trouble),
    /// It was switched off, and cannot be switched on again.
    StaysOff,
    /// It began to look for devices.
    Began(Transports),
    /// It stopped; whether the controller did so itself.
    Ended { proves: bool },
    /// It would not do what it was asked.
    Refused(Trouble),
    /// Somebody else has it do something of the kind.
    Busy,
    /// It heard this.
    Heard(Advertisement<'a>),
}
