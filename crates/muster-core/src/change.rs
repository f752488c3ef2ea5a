//! A change: one decision worth telling, as the journal keeps it.
//!
//! The journal is the queue. The store gives a change its id inside the commit that holds the
//! facts and state which caused it; ids are dense in commit order. A flat record rather than one
//! type per kind, because every reader (SQL, JSON, series, pages) wants the same columns.

use crate::fact::SourceKind;
use crate::identity::{PersonId, PlaceId};
use crate::stay::{StayId, Subject};
use crate::time::Time;

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the journal; 0 until the store has taken it.
    pub id: u64,
    /// When it happened: an arrival's first evidence, a departure's last.
    pub at: Time,
    /// When it was decided.
    pub decided: Time,
    /// What was decided.
    pub kind: ChangeKind,
    /// Of whom; none for changes of a listener or a far monitor.
    pub subject: Option<Subject>,
    /// The owner, when the subject is a device that has one.
    pub owner: Option<PersonId>,
    /// The site.
    pub site: Option<PlaceId>,
    /// The stay that it begins, ends or rewrites.
    pub stay: Option<StayId>,
    /// The medium that decided, when it was one.
    pub source: Option<SourceKind>,
    /// The other end of an uncertain time: `to_latest` of a departure, expiry of an override.
    pub until: Option<Time>,
    /// No news to anybody: an arrival after a long uncovered gap, or the hub's own catching up.
    pub quiet: bool,
    /// The reason in plain words: `without kitchen/ble/hci0`, `assumed`, a listener's name ...
    pub reason: Box<str>,
}

impl Change {
    /// A change with only what every change has.
    #[must_use]
    pub fn new(kind: ChangeKind, at: Time, decided: Time) -> Self {
        Self {
            id: 0,
            at,
            decided,
            kind,
            subject: None,
            owner: None,
            site: None,
            stay: None,
            source: None,
            until: None,
            quiet: false,
            reason: "".into(),
        }
    }
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// A stay began. Subject, site, stay.
    Arrived,
    /// A stay ended. Subject, site, stay, reason, until.
    Left,
    /// A stay ended because the subject arrived at another site. `site` is the new one.
    Moved,
    /// Nobody who knows the subject is listening. Subject, site, reason: which listener.
    Unknown,
    /// Somebody is listening again and the subject is still present. Subject, site.
    Known,
    /// A recorded stay was rewritten by late facts, a new grouping or a new assignment.
    Corrected,
    /// The subject was heard at two sites at once. `site` is the later one.
    Conflict,
    /// A device was heard for the first time. Subject.
    Discovered,
    /// A device was given to a person, or taken from one: `owner` says to whom. Subject.
    Assigned,
    /// A person's presence was set by hand. Subject, until, reason: `home by anna`.
    Overridden,
    /// It was taken back by hand; one that expires or is contradicted is told by what follows from
    /// it. Subject, reason.
    OverrideEnded,
    /// A listener stopped hearing. Reason: its name.
    Dark,
    /// A listener hears again. Reason: its name.
    Covered,
    /// A far monitor gave no sign of life for longer than it should. Reason: its name. Site.
    Late,
    /// It gave none for so long that something is wrong. Reason: its name. Site.
    Down,
    /// It gave one again. Reason: its name. Site.
    Back,
}

impl ChangeKind {
    /// All kinds with the words that stand for them in stores, JSON and on pages.
    pub const ALL: [(&'static str, Self); 16] = [
        ("arrived", Self::Arrived),
        ("left", Self::Left),
        ("moved", Self::Moved),
        ("unknown", Self::Unknown),
        ("known", Self::Known),
        ("corrected", Self::Corrected),
        ("conflict", Self::Conflict),
        ("discovered", Self::Discovered),
        ("assigned", Self::Assigned),
        ("overridden", Self::Overridden),
        ("override_ended", Self::OverrideEnded),
        ("dark", Self::Dark),
        ("covered", Self::Covered),
        ("late", Self::Late),
        ("down", Self::Down),
        ("back", Self::Back),
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }

    /// The kind that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(it, _)| *it == word).map(|(_, it)| *it)
    }

    /// Whether it sets its subject's live state (away, present, unknown), so that the last of
    /// these before a time tells the state at that time.
    #[must_use]
    pub fn bears_state(self) -> bool {
        matches!(self, Self::Arrived | Self::Left | Self::Moved | Self::Unknown | Self::Known)
    }
}
