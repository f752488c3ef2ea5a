//! The web house: HTTP interface, live pages and assets. It only parses, shows and asks.

pub mod hub;

pub use hub::{EditRefused, Hub};
