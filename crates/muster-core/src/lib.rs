//! Muster's core: vocabulary, decisions and ports. Pure and sans-IO.
//!
//! Facts and `Now` go in, changes and the next deadline come out. Nothing here reads a clock, does
//! I/O or logs, so a day replays in milliseconds and a failing simulation is a seed number.
#![warn(missing_docs)]

pub mod time;

pub mod span;

pub mod identity;

pub mod legible;
pub mod tag;

pub mod fact;

pub mod broadcast;

pub mod directory;
pub mod policy;

pub mod judge;
pub mod people;

mod book;

pub mod engine;

pub mod fleet;
pub mod ingest;
pub mod relay;
pub mod uplink;

pub mod step;

pub mod stay;

pub mod change;

pub mod batch;

pub mod reading;

pub mod snapshot;

pub mod pairing;

pub mod ports;
pub mod series;

/// The examples of the guides, compiled and run as documentation tests.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../../docs/add-a-source.md")]
    struct AddASource;
    #[doc = include_str!("../../../docs/add-a-sink.md")]
    struct AddASink;
}
