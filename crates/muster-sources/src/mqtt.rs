//! Bluetooth receivers that speak MQTT: each is a monitor of its own, heard through one broker.
//!
//! - `link` is the connection, behind a narrow trait of ours;
//! - `receivers` decides what a message is worth: who may say what, when a receiver hears, how much of a
//!   flood is taken. Pure; time is handed in;
//! - `source` waits for one and asks the other.
//!
//! Receivers are not trusted: whoever may write to the broker can be one. So they tell of what a radio
//! hears and of nothing else, in bounded numbers, and cannot take this machine's name.

mod link;

mod receivers;

mod receiver;

mod source;

pub use receivers::Memory;
pub use source::Mqtt;
