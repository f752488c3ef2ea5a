//! Classic Bluetooth: whether phones that are known answer.
//!
//! Each adapter is one channel. Everything that decides is pure: whom to ask next (`schedule`), one
//! operation of the radio (`question`), what came of it (`outcome`), whether the controller lives
//! (`life`), who is connected (`links`). `socket` is all that touches the kernel, and takes no rights;
//! no profile is opened, and no connection is kept.

mod scan;

mod source;

mod channel;

mod schedule;

mod question;

pub(crate) mod outcome;

mod life;

mod links;

mod status;

mod socket;

pub use channel::Found;
pub use scan::{Scan, scan};
pub use source::Classic;
