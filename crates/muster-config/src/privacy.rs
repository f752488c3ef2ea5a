//! `[privacy]`: what is kept of strangers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Length;

/// What the hub keeps of strangers: of whoever has no device that somebody added, described or gave to a
/// person, and that nobody declares in `[[people]]` or in `devices` of `[sources.classic]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacySettings {
    /// Whether strangers are known by a pseudonym alone, which nobody can trace back to an address
    /// without the key of the day; what they are called is not kept.
    pub pseudonyms: bool,
    /// How long a key is used: a whole number of these lies between 1970 and every new key, so that with
    /// a day it comes at midnight UTC. The old one is written over, and who stays is another stranger.
    pub rotation: Rotation,
}

impl Default for PrivacySettings {
    fn default() -> Self {
        Self { pseudonyms: false, rotation: Length::secs(86_400) }
    }
}

/// An hour, in which a device is still one, to a week, which is as long as anybody should be followed.
pub type Rotation = Length<3_600, 604_800>;
