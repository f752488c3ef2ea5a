//! The real program on a real Bluetooth stack, Debian's kernel and bluetoothd, with a controller that is a
//! program: each test boots a machine of its own.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

#[path = "../../../tests/peers/machine.rs"]
mod machine;

#[path = "radio/classic.rs"]
mod classic;
#[path = "radio/doctor.rs"]
mod doctor;
#[path = "radio/links.rs"]
mod links;
#[path = "radio/low_energy.rs"]
mod low_energy;
#[path = "radio/pairing.rs"]
mod pairing;
#[path = "radio/rhythm.rs"]
mod rhythm;
