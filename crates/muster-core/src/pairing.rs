//! Pairing: what the hub may ask of its radio, what the radio says, and what people see of it.
//!
//! [`Pairing`] decides; whoever speaks with the radio takes an [`Ask`] at a time and answers with
//! [`Said`]. Refuses to know D-Bus, keys, files and people.

use std::time::Duration;

use crate::identity::{Identity, Mac};
use crate::time::Time;

pub use machine::{Kept, News, Pairing, Refused, Rules};
pub use services::is_audio;

mod machine;
mod pending;
mod radio;
mod services;
#[cfg(test)]
mod tests;

/// What the radio is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Say how every adapter is seen, before anything is changed: [`Said::Looked`].
    Look,
    /// Be seen and take requests, for at most so long: [`Said::Opened`] or [`Said::NotOpened`].
    Open {
        /// Under which name.
        name: Box<str>,
        /// After how long every adapter has to end it by itself.
        length: Duration,
        /// What the hub can show and ask.
        capability: Capability,
    },
    /// Take no more requests and be seen as before: [`Said::Closed`].
    Close {
        /// How every adapter was seen.
        before: Vec<Before>,
    },
    /// Answers a request.
    Answer {
        /// Which.
        number: u64,
        /// Whether it may.
        accept: bool,
    },
    /// Remove a pairing with its keys: [`Said::Unpaired`].
    Unpair {
        /// With whom.
        device: Mac,
    },
}

/// What the hub can show and ask (Core Specification, Vol 3, Part C, 5.2.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Nothing: who asks within the window is let in.
    NoInputNoOutput,
    /// A number that a person compares with the one on the phone.
    DisplayYesNo,
}

impl Capability {
    /// The word that bluetoothd has for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoInputNoOutput => "NoInputNoOutput",
            Self::DisplayYesNo => "DisplayYesNo",
        }
    }
}

/// How an adapter was seen before the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its address: its name depends on the order in which adapters came.
    pub adapter: Mac,
    /// Under which name.
    pub alias: Box<str>,
    /// Whether inquiries are answered.
    pub discoverable: bool,
    /// After how many seconds bluetoothd stops that; 0: never.
    pub discoverable_timeout: u32,
    /// Whether it takes pairings.
    pub pairable: bool,
    /// After how many seconds bluetoothd stops that; 0: never.
    pub pairable_timeout: u32,
}

/// A pairing that the radio has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bond {
    /// The device's lasting address.
    pub device: Mac,
    /// Whether the address is a random one of low energy.
    pub random: bool,
    /// What the device calls itself: a stranger's text.
    pub name: Box<str>,
}

impl Bond {
    /// The identities under which it is heard, the one that names it first. A public address is its
    /// maker's, and the same on classic Bluetooth and on low energy. A random one that is not static
    /// names nobody: such a device kept to itself who it is.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        match (self.random, self.device.0[0] >> 6) {
            (false, _) => vec![Identity::Bt(self.device), Identity::Ble(self.device)],
            (true, 0b11) => vec![Identity::Ble(self.device)],
            (true, _) => Vec::new(),
        }
    }
}

/// What the radio says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It works, and has these pairings.
    Here {
        /// All of them.
        bonds: Vec<Bond>,
    },
    /// It does not.
    Away(Trouble),
    /// How every adapter that is on is seen.
    Looked(Vec<Before>),
    /// Phones see the hub.
    Opened {
        /// What adapters are called, as in `hci0`.
        adapters: Vec<Box<str>>,
        /// Why it is not seen over low energy, if so.
        low_energy: Result<(), Box<str>>,
    },
    /// Phones do not see the hub; what was changed until then has to be put back.
    NotOpened(Trouble),
    /// Everything is as before, but for adapters that are gone; or why not.
    Closed(Result<Vec<Before>, Box<str>>),
    /// A device wants something; it is answered with [`Ask::Answer`].
    Asks {
        /// Which request: unique while the hub runs.
        number: u64,
        /// Who.
        device: Mac,
        /// What it calls itself.
        name: Box<str>,
        /// What.
        what: Wish,
    },
    /// A request is off: the device gave up.
    Withdrawn {
        /// Which.
        number: u64,
    },
    /// There is a new pairing.
    Paired(Bond),
    /// A pairing is gone, whoever removed it.
    Parted {
        /// With whom.
        device: Mac,
    },
    /// What came of [`Ask::Unpair`]. A pairing that was not there counts as removed.
    Unpaired {
        /// With whom.
        device: Mac,
        /// Why it is still there, if so.
        outcome: Result<(), Box<str>>,
    },
}

/// What a device wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To pair, with nothing to compare.
    Pair,
    /// To pair, if both show this number of six digits.
    Compare(u32),
    /// To use a service, by its 128-bit UUID.
    Service(u128),
}

/// Why the radio cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In plain words.
    pub why: Box<str>,
    /// What to type or change.
    pub hint: Option<Box<str>>,
}

/// What people see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairingView {
    /// Why nothing can be paired here, if so.
    pub away: Option<Trouble>,
    /// Whether phones can pair.
    pub window: WindowView,
    /// Why the last window ended early, or what was not put back.
    pub trouble: Option<Trouble>,
    /// Requests that wait for a person, oldest first.
    pub asked: Vec<Asked>,
    /// Devices that paired and that nobody has registered, oldest first.
    pub pending: Vec<Pending>,
    /// What happened lately, newest first.
    pub told: Vec<Told>,
    /// Which right is missing to learn the keys of who pairs, if one is.
    pub keyless: Option<Trouble>,
}

impl PairingView {
    /// Where there is no radio at all.
    #[must_use]
    pub fn none(why: &str, hint: Option<&str>) -> Self {
        Self {
            away: Some(Trouble { why: why.into(), hint: hint.map(Into::into) }),
            window: WindowView::Closed,
            trouble: None,
            asked: Vec::new(),
            pending: Vec::new(),
            told: Vec::new(),
            keyless: None,
        }
    }
}

/// The window as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowView {
    /// Nobody can pair.
    Closed,
    /// About to open.
    Opening,
    /// Phones can pair.
    Open {
        /// What phones see.
        name: Box<str>,
        /// Through which adapters.
        adapters: Vec<Box<str>>,
        /// Who opened it.
        by: Box<str>,
        /// Until when.
        until: Time,
        /// How long that is.
        left: Duration,
        /// Why it is not seen over low energy, if so.
        low_energy: Result<(), Box<str>>,
    },
    /// About to be closed.
    Closing,
}

/// A request that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub number: u64,
    /// Who.
    pub device: Mac,
    /// What it calls itself.
    pub name: Box<str>,
    /// The number that the phone shows.
    pub passkey: u32,
}

/// A device that paired and that nobody has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub bond: Bond,
    /// When it paired.
    pub since: Time,
    /// When it is forgotten.
    pub until: Time,
    /// Why it could not be forgotten, if that was tried.
    pub trouble: Option<Box<str>>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Time,
    /// With whom.
    pub name: Box<str>,
    /// What.
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It paired.
    Paired,
    /// It wanted to pair, and was not let in.
    Refused,
    /// It wanted to play or hear sound.
    NoAudio,
    /// It was registered.
    Registered,
    /// It was unpaired, because nobody registered it.
    Expired,
    /// It was unpaired, because somebody wanted that.
    Forgotten,
    /// It was not unpaired, though that was tried.
    NotForgotten,
}

impl Happened {
    /// For people and programs: `paired`, `refused` ...
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paired => "paired",
            Self::Refused => "refused",
            Self::NoAudio => "refused as a loudspeaker",
            Self::Registered => "registered",
            Self::Expired => "not registered in time, unpaired",
            Self::Forgotten => "forgotten and unpaired",
            Self::NotForgotten => "not unpaired",
        }
    }
}
