//! How patient the engine is: every limit that a judgement depends on, with its default.

use std::time::Duration;

use crate::fact::SourceKind;

/// All limits of judgement. A stay is a pure function of facts and these.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Patience with a phone on the local network: it sleeps for many minutes.
    pub lan_phone: Patience,
    /// Patience with any other device on the local network.
    pub lan_other: Patience,
    /// Patience with Bluetooth low energy.
    pub ble: Patience,
    /// Patience with receivers at an MQTT broker: of low energy, but some listen for 10 s a minute.
    pub mqtt: Patience,
    /// Patience with classic Bluetooth.
    pub classic: Patience,
    /// A listener is decisive for a departure if it heard the device this long before its last
    /// evidence.
    pub decisive_within: Duration,
    /// How long a covered source of another medium must be silent before it may decide alone.
    pub unknown_hold: Duration,
    /// A gap in all decisive coverage that ends a stay by assumption.
    pub unknown_max: Duration,
    /// How long a listener may be without coverage before the present become unknown.
    pub unknown_after: Duration,
    /// Heard again at the first site within this time of an arrival elsewhere: a conflict.
    pub conflict_within: Duration,
    /// The length of a reading's interval; aligned to the epoch.
    pub interval: Duration,
    /// How far ahead of the hub's clock a fact may be.
    pub future: Duration,
    /// How old a fact may be and still be merged.
    pub lateness: Duration,
    /// How far back facts are kept in memory; later facts than this are judged at once.
    pub memory: Duration,
    /// How much of that is lead: facts that are known but no longer judged, so that what follows
    /// starts from a known state. At least twice `unknown_max`.
    pub lead: Duration,
    /// How many identities there may be at a time: a large fleet's, and room for those who walk
    /// past.
    pub identities: usize,
    /// How many new ones a listener may bring in an hour: as many as pass a busy street.
    pub newcomers: u32,
    /// Whether an asking source misses by listening windows too: only for recordings that carry
    /// no coverage and no probes.
    pub windows_for_all: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lan_phone: Patience::asking(30 * MINUTE, 5),
            lan_other: Patience::asking(5 * MINUTE, 5),
            ble: LISTENING,
            mqtt: Patience { confirm_within: 3 * MINUTE, ..LISTENING },
            classic: Patience::asking(5 * MINUTE, 3),
            decisive_within: 10 * MINUTE,
            unknown_hold: 30 * MINUTE,
            unknown_max: 12 * HOUR,
            unknown_after: MINUTE,
            conflict_within: 5 * MINUTE,
            interval: 5 * MINUTE,
            future: 2 * MINUTE,
            lateness: 30 * 24 * HOUR,
            memory: 3 * 24 * HOUR,
            lead: 24 * HOUR,
            identities: 250_000,
            newcomers: 10_000,
            windows_for_all: false,
        }
    }
}

impl Policy {
    /// The patience with a device of this kind on this medium.
    #[must_use]
    pub fn patience(&self, source: SourceKind, phone: bool) -> &Patience {
        match source {
            SourceKind::Lan if phone => &self.lan_phone,
            SourceKind::Lan => &self.lan_other,
            SourceKind::Ble => &self.ble,
            SourceKind::Mqtt => &self.mqtt,
            SourceKind::Classic | SourceKind::HomeAssistant | SourceKind::Gpio => &self.classic,
        }
    }

    /// The patience with whom only a pseudonym is known: nobody can ask it anything, so that where others
    /// are asked longer listening decides.
    #[must_use]
    pub fn patience_unasked(&self, source: SourceKind) -> Patience {
        let usual = *self.patience(source, false);
        if !usual.asking {
            return usual;
        }
        let away_after = usual.away_after.max(self.unknown_hold);
        Patience { away_after, misses: 0, asking: false, ..usual }
    }

    /// The same where adapters for low energy rest for so long between two times that they listen: that
    /// is their rhythm, in which they are not dark, and what they hear once each time is confirmed by
    /// the next.
    #[must_use]
    pub fn with_resting_adapters(mut self, rest: Duration) -> Self {
        self.ble.cycle += rest;
        self.ble.confirm_within += rest;
        self
    }

    /// How long a listener on this medium may be without coverage before it is found to be dark: not
    /// less than its own rhythm, in which it does not hear all the time.
    #[must_use]
    pub fn dark_after(&self, source: SourceKind) -> Duration {
        self.unknown_after.max(self.patience(source, false).cycle)
    }
}

/// Patience with one kind of device on one medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Covered silence tolerated.
    pub away_after: Duration,
    /// Misses that a departure needs as well: silent probes, or completed listening windows.
    pub misses: u32,
    /// How much heard time beyond one sighting confirms an arrival; zero: one sighting does.
    pub confirm_for: Duration,
    /// How soon it must come together.
    pub confirm_within: Duration,
    /// A gap in coverage up to this long is the source's own rhythm and counts as covered.
    pub cycle: Duration,
    /// Whether the source asks (misses by silent probes) or only listens (by windows).
    pub asking: bool,
}

impl Patience {
    /// One listening window: a listening source misses once per this much united coverage.
    pub const WINDOW: Duration = Duration::from_secs(10);

    const fn asking(away_after: Duration, misses: u32) -> Self {
        Self {
            away_after,
            misses,
            confirm_for: Duration::ZERO,
            confirm_within: Duration::from_mins(1),
            cycle: Duration::from_secs(30),
            asking: true,
        }
    }
}

/// With whatever hears all the time what low energy sends.
const LISTENING: Patience = Patience {
    away_after: Duration::from_mins(5),
    misses: 3,
    confirm_for: Duration::from_secs(2),
    confirm_within: MINUTE,
    cycle: Duration::from_secs(30),
    asking: false,
};
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
