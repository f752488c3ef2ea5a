//! `[ingest]`: where far monitors send what they notice.

use std::net::{Ipv6Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::AnyAddress;

/// Where far monitors come in. Nothing listens there before the first one is let in with
/// `muster monitor enrol`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IngestSettings {
    /// Address and port, always with TLS. `[::]` is every address of the machine, of IPv4 as well, and
    /// of IPv4 alone where it has no IPv6.
    pub listen: AnyAddress,
}

impl Default for IngestSettings {
    fn default() -> Self {
        Self { listen: AnyAddress::standard(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 8_129))) }
    }
}
