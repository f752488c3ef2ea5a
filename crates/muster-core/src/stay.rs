//! A stay: one unbroken presence of a device or a person at a site.
//!
//! **Invariant:** a stay is a function of facts, policy, directory and the frontier judged so far;
//! its id and revision alone depend on the order in which facts came in.

use std::fmt;
use std::time::Duration;

use crate::identity::{DeviceId, PersonId, PlaceId};
use crate::time::Time;

/// Whose presence is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A device.
    Device(DeviceId),
    /// A person.
    Person(PersonId),
}

impl fmt::Display for Subject {
    /// `device:7`, `person:3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(id) => write!(f, "device:{id}"),
            Self::Person(id) => write!(f, "person:{id}"),
        }
    }
}

/// The number of a stay in one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StayId(pub u64);

/// One unbroken presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Its number.
    pub id: StayId,
    /// Whose.
    pub subject: Subject,
    /// At which site.
    pub site: PlaceId,
    /// The first evidence.
    pub from: Time,
    /// The last evidence so far; the end, once it has ended.
    pub last: Time,
    /// How it ended, if it did.
    pub ended: Ended,
    /// The latest time at which it may really have ended, when nobody was listening after `last`.
    pub to_latest: Option<Time>,
    /// How much of it nobody who knows the subject was listening.
    pub uncovered: Duration,
    /// Whether it began after such a long uncovered gap that the arrival is no news.
    pub after_gap: bool,
    /// How often it was rewritten after it had been told.
    pub revision: u32,
}

impl Stay {
    /// When it ended; none while it is open.
    #[must_use]
    pub fn to(&self) -> Option<Time> {
        (self.ended != Ended::Open).then_some(self.last)
    }
}

/// How a stay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// It has not.
    Open,
    /// By covered silence, or because a person said so.
    Left,
    /// By a confirmed arrival at another site.
    Moved,
    /// By a gap in coverage longer than `unknown_max`.
    Assumed,
}

impl Ended {
    /// All ways with their words.
    pub const ALL: [(&'static str, Self); 4] = [
        ("open", Self::Open),
        ("left", Self::Left),
        ("moved", Self::Moved),
        ("assumed", Self::Assumed),
    ];

    /// The word for stores and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }

    /// The way that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(it, _)| *it == word).map(|(_, it)| *it)
    }
}
