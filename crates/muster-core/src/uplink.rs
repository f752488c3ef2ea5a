//! What a monitor and its hub say to each other: uploads one way, replies the other.
//!
//! A monitor numbers its facts within each start of its program, and dates them by the hub's clock
//! before they leave. Whatever the network does to an upload, the numbers say what was taken before.
//!
//! **Invariant:** an upload holds rows of one boot, by ascending sequence, each within what it settles.

mod sequences;

use std::fmt;
use std::time::Duration;

use crate::fact::{Fact, SourceKind};
use crate::time::Time;

pub use sequences::{Run, SequenceSet};

/// One start of a monitor's program, drawn at random: numbers of facts begin at 0 in each, so that a
/// spool that was lost repeats none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootId(pub u128);

/// A store, drawn at random when it is made: what a monitor is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreId(pub u128);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Which way facts take: what was just noticed never waits behind what was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Facts straight from memory.
    Live,
    /// Facts from the spool, oldest first.
    Backlog,
}

/// What a monitor sends at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    /// About all of it.
    pub header: Header,
    /// The facts; at most [`Upload::MAX_ROWS`].
    pub rows: Vec<Row>,
}

impl Upload {
    /// The most facts in one upload: some 400 kB before compression, one commit of a store.
    pub const MAX_ROWS: usize = 16_384;
    /// The most runs of sequences that one upload settles: one for each row between facts that wait.
    pub const MAX_RUNS: usize = Self::MAX_ROWS;
    /// The most bytes of facts in one upload, as a spool weighs them: more than they have when they
    /// are sent.
    pub const MAX_WEIGHT: u64 = 4 << 20;

    /// Whether nothing has to be stored to answer it: a first contact, a sign of life.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.header.settles.is_empty()
    }
}

/// About an upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// What the monitor calls itself. A hub goes by whom it let in.
    pub monitor: Box<str>,
    /// Whose facts they are: that start of the monitor's program.
    pub boot: BootId,
    /// Which way they came.
    pub lane: Lane,
    /// The store that the monitor is bound to; none: to none yet.
    pub store: Option<StoreId>,
    /// When it was sent, by the hub's clock as far as the monitor knows it; none before the first
    /// answer, and then there are no rows.
    pub sent: Option<Time>,
    /// The rows' boot never had a date: by how much theirs may be wrong either way.
    pub uncertain: Option<Duration>,
    /// What the monitor will not send again once this is taken: the rows, and what it has let go.
    pub settles: SequenceSet,
    /// When the oldest fact was noticed that waits in the spool; none: nothing waits there.
    pub oldest_unsent: Option<Time>,
    /// How the monitor is.
    pub health: Health,
}

/// How a monitor is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The version of its program.
    pub version: Box<str>,
    /// Since its program was started.
    pub uptime: Duration,
    /// Its machine's own clock less the hub's, in microseconds; none before that is known.
    pub clock_ahead: Option<i64>,
    /// Whether its machine says that somebody keeps its clock right.
    pub synchronised: bool,
    /// How many facts wait in its spool.
    pub spooled: u64,
    /// How many facts its spool has thinned away, ever.
    pub thinned: u64,
    /// How many facts it has dropped, ever.
    pub dropped: u64,
    /// How many facts its sources told since its program was started.
    pub facts: u64,
    /// How much listening they told, all channels together.
    pub listened: Duration,
    /// Its facts are made up: it was told to simulate.
    pub simulated: bool,
    /// What went wrong last, in plain words.
    pub last_error: Option<Box<str>>,
}

impl Health {
    /// The longest version, in bytes.
    pub const MAX_VERSION: usize = 64;
    /// The longest last error, in bytes: a line.
    pub const MAX_ERROR: usize = 255;

    /// A text as a header may carry it: one line, of so many bytes at most.
    #[must_use]
    pub fn line(text: &str, longest: usize) -> Box<str> {
        let mut line = String::new();
        for it in text.chars().map(|it| if it.is_control() { ' ' } else { it }) {
            if line.len() + it.len_utf8() > longest {
                break;
            }
            line.push(it);
        }
        line.into()
    }
}

/// Whether a monitor gives signs of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Liveness {
    /// It did lately.
    Alive,
    /// Not for longer than it should.
    Late,
    /// Not for so long that something is wrong.
    Down,
}

impl Liveness {
    /// All with their words.
    pub const ALL: [(&'static str, Self); 3] =
        [("alive", Self::Alive), ("late", Self::Late), ("down", Self::Down)];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }

    /// What a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(it, _)| *it == word).map(|(_, it)| *it)
    }
}

/// One fact with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number within its boot, in the order in which facts were noticed.
    pub sequence: u64,
    /// The fact, dated by the hub's clock.
    pub fact: Fact,
}

/// What a hub says to an upload.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is stored.
    Taken(Answer),
    /// Nothing was taken: the hub has more to do than it can, or nowhere to store it.
    Busy {
        /// How soon to try again.
        after: Duration,
    },
    /// Nothing was taken: the hub has another store than the monitor is bound to.
    OtherStore {
        /// The hub's.
        store: StoreId,
    },
    /// Nothing was taken: the hub does not know the monitor, or no longer.
    Unauthorised,
    /// Nothing was taken: the hub does not understand it.
    Malformed {
        /// Why.
        why: Box<str>,
    },
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The hub's store.
    pub store: StoreId,
    /// The hub's clock when the upload had come in.
    pub received: Time,
    /// The hub's clock when the answer went out.
    pub answered: Time,
    /// What the monitor need not send again, of what the upload settles.
    pub settled: SequenceSet,
    /// How many facts were refused for which reason; at most [`Answer::MAX_REASONS`].
    pub refused: Vec<(Box<str>, u64)>,
}

impl Answer {
    /// More reasons than this are one.
    pub const MAX_REASONS: usize = 16;
    /// The longest reason, in bytes.
    pub const MAX_REASON: usize = 255;
}

/// What a monitor was allowed when it was enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Its name; whatever it calls itself.
    pub monitor: Box<str>,
    /// The sources whose facts it may tell; none: all.
    pub sources: Option<Vec<SourceKind>>,
    /// The kinds of identity that it may tell of, in the words of [`Identity::kind`]; none: all.
    ///
    /// [`Identity::kind`]: crate::identity::Identity::kind
    pub kinds: Option<Vec<Box<str>>>,
}
