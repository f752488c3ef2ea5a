//! `[sinks.graphite]`: numbers over time to a Graphite server, plaintext protocol.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{HostPort, Length, MetricPrefix};

/// Sends `is_home`, `from_wifi`, `known` of every person and the counts to a Graphite server. The
/// value at a time depends on the journal alone, so what an outage kept back is sent afterwards
/// with its own times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GraphiteSettings {
    /// Whether to send at all.
    pub enabled: bool,
    /// Where Graphite takes plaintext lines over TCP: host and port.
    pub address: HostPort,
    /// What every name begins with, as in `home.presence.anna.is_home`.
    pub prefix: MetricPrefix,
    /// How often.
    pub every: Length<1, 3_600>,
    /// How far back an outage is sent afterwards; what is older is counted and dropped.
    pub backfill: Length<0, { 30 * 86_400 }>,
}

impl Default for GraphiteSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            address: HostPort::standard("127.0.0.1:2003"),
            prefix: MetricPrefix::standard("home.presence"),
            every: Length::secs(5),
            backfill: Length::secs(24 * 3_600),
        }
    }
}
