//! Bytes and text to values and back: captures, LAN frames, Bluetooth, MQTT payloads, the fact file,
//! metric lines, packed spans, vendor prefixes.
//!
//! Pure and total: nothing here opens a file, reads a clock or panics, whatever it is given. What
//! came from the network is hostile; names are bounded and stripped before anybody sees them.

pub mod capture;

pub mod frame;

pub mod lan;

pub mod bluetooth;

pub mod mqtt;

pub mod decoded;

pub mod fact_file;

pub mod batch;

pub mod graphite;

pub mod pack;

pub mod pseudonym;

pub mod oui;

mod names;

mod text;

mod bytes;
