//! `[pairing]`: how phones find the hub while somebody lets them pair, and how long they may stay
//! without a name.

use muster_core::pairing::{Capability, Rules};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{AdapterAlias, Length};

/// Letting phones pair by Bluetooth. Nobody can pair but within a window that a person opens, on the
/// page or with `muster pair`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PairingSettings {
    /// Whether windows can be opened at all. Off, Muster asks nothing of bluetoothd about pairings.
    pub enabled: bool,
    /// Under which name phones see the hub while a window is open.
    pub name: AdapterAlias,
    /// How long a window is open if whoever opens it does not say.
    pub window: Window,
    /// Whether a person compares the number that the phone shows before it is let in. Without it,
    /// whoever asks within the window is.
    pub compare: bool,
    /// How long a device may be paired without being registered (given a name or an owner). Then it is
    /// unpaired and its key removed.
    pub registration_grace: Length<30, 86_400>,
}

impl PairingSettings {
    /// The rules as the pairing machine takes them.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let capability =
            if self.compare { Capability::DisplayYesNo } else { Capability::NoInputNoOutput };
        Rules { name: self.name.as_str().into(), capability, grace: self.registration_grace.get() }
    }
}

impl Default for PairingSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            name: AdapterAlias::standard("Muster"),
            window: Length::secs(120),
            compare: false,
            registration_grace: Length::secs(300),
        }
    }
}

/// How long a window may be open: long enough to find a phone's settings, and not for a party.
pub type Window = Length<10, 3_600>;
