//! One TOML file, environment overrides, defaults: values that cannot be wrong.
//!
//! The settings structs of every source, sink and the store live here, so that one place knows all
//! keys. A configuration that loaded is a configuration that works; what is wrong with one that did
//! not is said with its line, and what was probably meant.

pub mod value;

pub mod presence;

pub mod readings;

pub mod lan;

pub mod ble;

pub mod classic;

pub mod mqtt;

pub mod tags;

pub mod pairing;

pub mod ingest;

pub mod privacy;

pub mod graphite;

pub mod store;

pub mod relay;

pub mod people;

mod config;
pub use config::{Config, Sinks, Sources};

mod load;
pub use load::{Loaded, Origin};

mod error;
pub use error::{ConfigError, Problem};

mod suggest;
pub use suggest::distance;

mod plain;

mod keys;
pub use keys::{Key, Shape, keys, schema};

pub mod reference;
