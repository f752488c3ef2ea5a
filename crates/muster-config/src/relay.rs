//! `[relay]`: how a monitor keeps what its hub does not have yet.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Count, Length};

/// How `muster monitor` keeps what its hub does not have yet: in its spool, `spool.db` in the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RelaySettings {
    /// How long a fact may wait in memory for the hub before it is written down: a power cut loses at most
    /// so much. `0s`: everything is written down first.
    pub patience: Length<0, 60>,
    /// About how many MiB of facts the spool may hold. When it is full, of each interval of readings only the
    /// best stay; then the oldest are dropped. Both are counted.
    pub spool_mib: Count<1, 65_536>,
}

impl RelaySettings {
    /// How many bytes of facts the spool may hold.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        u64::from(self.spool_mib.get()) << 20
    }
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self { patience: Length::secs(5), spool_mib: Count::new(256) }
    }
}
