//! What a monitor's relay needs of its machine: a spool that survives a power cut.
//!
//! Decides nothing: what is written, read and deleted is said by
//! `crates/muster-core/src/relay.rs`.

pub mod spool;
