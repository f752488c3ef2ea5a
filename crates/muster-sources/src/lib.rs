//! Adapters in: where facts come from. Each knows its medium and the core's words, nothing else.

mod adapters;

mod coverage;

mod look;

mod told;

pub mod bluez;

pub mod management;

pub mod ble;

pub mod classic;

pub mod lan;

pub mod mqtt;

pub mod tags;

pub mod pairing;

pub mod replay;

pub mod feed;
