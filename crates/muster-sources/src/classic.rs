//! Classic Bluetooth: whether phones that are known answer.
//!
//! Each adapter is one channel. Everything that decides is pure: whom to ask next (`schedule`), one
//! operation of the radio (`question`), what came of it (`outcome`), whether the controller lives
//! (`life`), who is connected (`links`). `socket` is all that touches the kernel, and `daemon` all that asks
//! bluetoothd; `attempt` puts questions over either. No connection is kept, and no profile is opened
//! unless the configuration has bluetoothd connect.

mod scan;

mod source;

mod channel;

mod schedule;

mod question;

mod attempt;

pub(crate) mod outcome;

mod life;

mod links;

mod status;

mod socket;

mod daemon;

pub use channel::Found;
pub use scan::{Scan, scan};
pub use source::Classic;
