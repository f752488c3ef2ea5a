//! What a monitor's relay needs of its machine: a spool that survives a power cut, and a way to the hub.
//!
//! Decides nothing about facts: what is written, read, sent and deleted is said by
//! `crates/muster-core/src/relay.rs`, and done by [`driver`].

pub mod address;

pub mod trust;

mod line;

pub mod hub;

pub mod membership;

pub mod spool;

pub mod driver;
