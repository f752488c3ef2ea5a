//! `[presence]`: how patient the engine is. Becomes the core's policy and nothing else.

use muster_core::policy::{Patience, Policy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Count, Length};

/// How patient Muster is before it says that somebody left. These limits never change the recorded
/// times: an arrival is dated to the first evidence, a departure to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PresenceSettings {
    /// How long a source that hears must hear nothing before it may decide about somebody whom
    /// another source, which hears nothing at the moment, knows as well.
    pub unknown_hold: Length<60, DAY>,
    /// How long nobody may listen before a stay is taken to have ended at the last evidence.
    pub unknown_max: Length<3_600, { 30 * DAY }>,
    /// How long a source may hear nothing at all before those who are here become unknown.
    pub unknown_after: Length<30, 3_600>,
    /// A source decides about a departure if it had evidence this long before the last one.
    pub decisive_within: Length<60, DAY>,
    /// Evidence at the first site within this time of an arrival at another is a conflict.
    pub conflict_within: Length<0, 3_600>,
    /// Patience with phones on the local network.
    pub lan_phone: LanPhone,
    /// Patience with every other device on the local network.
    pub lan_other: LanOther,
    /// Patience with devices of Bluetooth low energy.
    pub ble: LowEnergy,
    /// Patience with phones that are asked over classic Bluetooth.
    pub classic: ClassicPhone,
}

impl PresenceSettings {
    /// The limits as the engine takes them.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let standard = Policy::default();
        let patient = |with: Patience, away_after, misses| Patience { away_after, misses, ..with };
        let (phone, other) = (&self.lan_phone, &self.lan_other);
        let (ble, classic) = (&self.ble, &self.classic);
        Policy {
            lan_phone: patient(standard.lan_phone, phone.away_after.get(), phone.misses.get()),
            lan_other: patient(standard.lan_other, other.away_after.get(), other.misses.get()),
            ble: patient(standard.ble, ble.away_after.get(), ble.misses.get()),
            classic: patient(standard.classic, classic.away_after.get(), classic.misses.get()),
            decisive_within: self.decisive_within.get(),
            unknown_hold: self.unknown_hold.get(),
            unknown_max: self.unknown_max.get(),
            unknown_after: self.unknown_after.get(),
            conflict_within: self.conflict_within.get(),
            ..standard
        }
    }
}

impl Default for PresenceSettings {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            unknown_hold: Length::secs(policy.unknown_hold.as_secs()),
            unknown_max: Length::secs(policy.unknown_max.as_secs()),
            unknown_after: Length::secs(policy.unknown_after.as_secs()),
            decisive_within: Length::secs(policy.decisive_within.as_secs()),
            conflict_within: Length::secs(policy.conflict_within.as_secs()),
            lan_phone: LanPhone::default(),
            lan_other: LanOther::default(),
            ble: LowEnergy::default(),
            classic: ClassicPhone::default(),
        }
    }
}

/// A phone sleeps for many minutes and then does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LanPhone {
    /// Silence after which a phone counts as gone. While it is here it is asked `away_after` /
    /// (`misses` + 1) after its last sign or question, yet not within 10 s and at the latest after
    /// 2 min: a departure takes `away_after`, and whatever is still missing of `misses` then.
    pub away_after: AwayAfter,
    /// Unanswered questions that are needed as well.
    pub misses: Misses,
}

impl Default for LanPhone {
    fn default() -> Self {
        let Patience { away_after, misses, .. } = Policy::default().lan_phone;
        Self { away_after: Length::secs(away_after.as_secs()), misses: Count::new(misses) }
    }
}

/// What is no phone answers at once, or is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LanOther {
    /// Silence after which such a device counts as gone. While it is here it is asked `away_after` /
    /// (`misses` + 1) after its last sign or question, yet not within 10 s and at the latest after
    /// 45 s: a departure takes `away_after`, and whatever is still missing of `misses` then.
    pub away_after: AwayAfter,
    /// Unanswered questions that are needed as well.
    pub misses: Misses,
}

impl Default for LanOther {
    fn default() -> Self {
        let Patience { away_after, misses, .. } = Policy::default().lan_other;
        Self { away_after: Length::secs(away_after.as_secs()), misses: Count::new(misses) }
    }
}

/// What advertises does so every few seconds; nobody can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LowEnergy {
    /// Silence after which such a device counts as gone, while the adapters listened that heard it.
    pub away_after: AwayAfter,
    /// How many times 10 s such an adapter must have listened in vain as well.
    pub misses: Misses,
}

impl Default for LowEnergy {
    fn default() -> Self {
        let Patience { away_after, misses, .. } = Policy::default().ble;
        Self { away_after: Length::secs(away_after.as_secs()), misses: Count::new(misses) }
    }
}

/// A phone answers over classic Bluetooth even while it sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClassicPhone {
    /// Silence after which a phone counts as gone.
    pub away_after: AwayAfter,
    /// Unanswered questions that are needed as well: an adapter that cannot ask sends nobody away.
    pub misses: Misses,
}

impl Default for ClassicPhone {
    fn default() -> Self {
        let Patience { away_after, misses, .. } = Policy::default().classic;
        Self { away_after: Length::secs(away_after.as_secs()), misses: Count::new(misses) }
    }
}

/// Silence tolerated.
pub type AwayAfter = Length<30, DAY>;
/// Unanswered questions, or times of listening in vain, needed.
pub type Misses = Count<1, 100>;

const DAY: u64 = 86_400;
