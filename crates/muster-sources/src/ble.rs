//! Bluetooth low energy: who is there, by what devices send out.
//!
//! Two ways lead to the adapters. The kernel's management socket (`kernel`) tells of everything that they
//! report, with the fewest copies; it takes `CAP_NET_ADMIN` at the moment in which it is opened.
//! bluetoothd on D-Bus (`daemon`) is asked where that is missing. Raw scans of one's own would fight
//! with bluetoothd, so there are none.
//!
//! Each adapter is one channel; `turns` says when it is proved that it heard, and so when silence
//! counts, and `windows` when it rests. Everything but `kernel`, `daemon` and `source` is pure.

mod source;

mod scan;

mod channel;

mod turns;

mod windows;

mod crowd;

mod news;

mod kernel;

mod daemon;

mod properties;

mod seen;

mod status;

pub use scan::{Length, Scan, scan};
pub use seen::Neighbour;
pub use source::Ble;
