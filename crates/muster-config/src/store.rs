//! `[store]`: how long things are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Length;

/// How long things are kept. The store is one file, `muster.db` in the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// How long facts (who was heard when, how strongly, and who was listening) are kept. Late facts are merged
    /// for 30 days, so they are kept at least that long.
    pub retention_facts: Length<{ 30 * DAY }, { 3_650 * DAY }>,
    /// How long stays, changes, and the best reading of each interval are kept. Without it: for ever. A device that nobody described
    /// is forgotten with its last stay, if its facts are gone as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_journal: Option<Length<{ 30 * DAY }, { 36_500 * DAY }>>,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { retention_facts: Length::secs(30 * DAY), retention_journal: None }
    }
}

const DAY: u64 = 86_400;
