//! `[[people]]`: who the file says there is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{IdentityText, PersonName, Shown};

/// A person whom the file declares. Declared people are added at start and shown read-only on the
/// pages; everybody else is added there or with `muster person add`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredPerson {
    /// A short name of a-z, 0-9, `_` and `-`, used in commands, addresses and metrics.
    pub name: PersonName,
    /// What people read. Without it: the short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<Shown>,
    /// The identities of the devices that this person carries, as in `mac:b8:27:eb:01:02:03`.
    #[serde(default)]
    pub devices: Vec<IdentityText>,
}
