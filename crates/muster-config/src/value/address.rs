//! Addresses of this machine on which it listens.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Wrong;

text! {
    /// An address on this machine alone: `127.0.0.1:8080`, `[::1]:8080`.
    Listen(SocketAddr), |text| {
        let address: SocketAddr = text
            .parse()
            .map_err(|_| Wrong::new(text, "an address and a port, as in 127.0.0.1:8080"))?;
        if address.ip().is_loopback() {
            Ok(address)
        } else {
            Err(Wrong::new(text, "an address of this machine alone, as in 127.0.0.1:8080 (pages \
                                  have no accounts: reach them from elsewhere through an SSH tunnel)"))
        }
    }
}

impl Listen {
    pub(crate) fn standard(port: u16) -> Self {
        Self(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// The address itself.
    #[must_use]
    pub fn get(&self) -> SocketAddr {
        self.0
    }
}

text! {
    /// An address of this machine, as others reach it: `[::]:8129`, `192.168.1.2:8129`.
    AnyAddress(SocketAddr), |text| text
        .parse()
        .map_err(|_| Wrong::new(text, "an address and a port, as in [::]:8129 or 192.168.1.2:8129"))
}

impl AnyAddress {
    pub(crate) fn standard(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The address itself.
    #[must_use]
    pub fn get(&self) -> SocketAddr {
        self.0
    }
}
