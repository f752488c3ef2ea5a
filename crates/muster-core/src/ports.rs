//! The seams: what the core asks of the shell. Adapters implement these and know nothing else.

use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use crate::batch::{Batch, CoverageHour, History, Reading, Restored};
use crate::broadcast::Broadcast;
use crate::change::Change;
use crate::fact::{Fact, Listener};
use crate::identity::{IdentityId, PlaceId};
use crate::reading::WinnerHour;
use crate::snapshot::Interest;
use crate::span::Span;
use crate::stay::{Stay, Subject};
use crate::time::{Now, Time};

/// A future in a box, so that ports can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// What another library said, kept as the cause.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The clocks. Only the shell's clock and the simulator's implement it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Both clocks, read together.
    fn now(&self) -> Now;
}

/// A place facts come from.
///
/// A source waits for hardware or a network peer and reports what it noticed, coverage behind the
/// sightings that fall into it. It does not retry, filter or know people: the supervisor restarts
/// a source that failed, the engine judges.
pub trait Source: Send {
    /// Waits for the next report.
    ///
    /// Must be cancel-safe: the supervisor drops this future to stop the source or to hand it new
    /// interest.
    fn next(&mut self) -> BoxFuture<'_, Result<Report, SourceError>>;

    /// Whom to look for first, most urgent first; replaces what was asked before.
    fn set_interest(&mut self, interest: &[Interest]);
}

/// What a source reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// Facts in the order in which they were noticed.
    Facts(Vec<Fact>),
    /// What was sent by those whom the facts before it are about, for people to look at; at most once
    /// a second for each of them, and only where the medium has something to show.
    Broadcasts(Vec<Broadcast>),
    /// What a channel can and cannot hear, whenever it changes.
    Channel(ChannelStatus),
    /// The input is at its end: recordings only.
    End,
}

/// What a channel can and cannot hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelStatus {
    /// Which.
    pub listener: Listener,
    /// Whether it hears anything at all.
    pub hears: bool,
    /// What it hears, in plain words: `neighbour table`, `arp, dhcp, mdns as they pass` ...
    pub can: Vec<String>,
    /// What it cannot, and why.
    pub cannot: Vec<Inability>,
}

/// Something that a channel cannot do here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inability {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to type or change, if something would help.
    pub hint: Option<String>,
}

/// Why a source stopped.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The device or peer went away; trying again later may help.
    #[error("lost {what}")]
    Lost {
        /// The thing that went away, in the user's words.
        what: String,
        /// What the library said.
        #[source]
        cause: BoxError,
    },
    /// The configuration cannot work on this machine; trying again will not help.
    #[error("cannot use {what}")]
    Unusable {
        /// The thing that will not work, in the user's words.
        what: String,
        /// What the library said.
        #[source]
        cause: BoxError,
    },
}

/// A place where numbers over time go: the value is a function of the journal and a time.
pub trait SeriesSink: Send {
    /// Hands over samples, oldest first. `Ok` means delivered as far as the peer can tell.
    fn deliver<'a>(&'a mut self, samples: &'a [Sample]) -> BoxFuture<'a, Result<(), SinkError>>;

    /// How far back samples must be sent again after a failure, because the peer may have lost
    /// what it had taken.
    fn unsure(&self) -> std::time::Duration;
}

/// The values of all series at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The time, on the sink's cadence.
    pub at: Time,
    /// Dotted names below the sink's prefix, and values.
    pub values: Vec<(String, f64)>,
}

/// Why samples were not taken.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Not now: keep them and offer them again.
    #[error("not delivered, will retry")]
    Retry(#[source] BoxError),
    /// Not ever: these can never be taken.
    #[error("refused")]
    Refused(#[source] BoxError),
}

/// Where everything is kept.
///
/// One active hub writes; readers may be many. Every method is safe to call again after an error.
pub trait Store: Send + Sync {
    /// Writes a batch in one transaction and numbers its changes; the id of the last change in the
    /// journal comes back. All of it is durable, or nothing is.
    fn commit<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Everything judged, and the facts since `since`.
    fn restore(&self, since: Time) -> BoxFuture<'_, Result<Restored, StoreError>>;

    /// Up to when everything is judged: the frontier of the last batch; the epoch before the
    /// first.
    fn frontier(&self) -> BoxFuture<'_, Result<Time, StoreError>>;

    /// Stored facts of these identities in a window, whole hours, and the coverage of all
    /// listeners in it. An empty slice means all identities.
    fn history<'a>(
        &'a self,
        identities: &'a [IdentityId],
        window: Span,
    ) -> BoxFuture<'a, Result<History, StoreError>>;

    /// Coverage of all listeners in a window, whole hours, by hour and listener.
    fn coverage(&self, window: Span) -> BoxFuture<'_, Result<Vec<CoverageHour>, StoreError>>;

    /// Readings, in the order of interval, length, identity and listener.
    fn readings<'a>(
        &'a self,
        query: &'a ReadingQuery,
    ) -> BoxFuture<'a, Result<Vec<Reading>, StoreError>>;

    /// Winners of the hours that begin in a window, counted as [`hours`](crate::reading::hours) does
    /// and in its order.
    fn winner_hours(&self, window: Span) -> BoxFuture<'_, Result<Vec<WinnerHour>, StoreError>>;

    /// At most `limit` changes with an id above `after`, in order.
    fn changes_after(
        &self,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>>;

    /// At most `limit` changes decided in a window, newest first, of one subject or all.
    fn changes_within(
        &self,
        window: Span,
        subject: Option<Subject>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>>;

    /// The last state-bearing change of every subject decided at or before `at`.
    fn states_at(&self, at: Time) -> BoxFuture<'_, Result<Vec<Change>, StoreError>>;

    /// Stays that share an instant with the window, by start.
    fn stays<'a>(&'a self, query: &'a StayQuery) -> BoxFuture<'a, Result<Vec<Stay>, StoreError>>;

    /// A consumer's cursor: a change id or a time, as the consumer means it.
    fn cursor<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<i64>, StoreError>>;

    /// Moves a consumer's cursor.
    fn set_cursor<'a>(&'a self, name: &'a str, value: i64)
    -> BoxFuture<'a, Result<(), StoreError>>;

    /// Deletes what is too old, in bounded steps; how many rows went, of which every reading and every
    /// winner is one. Open stays and each subject's last state remain. Winners go by whole hours, so
    /// that an hour's count is never one of a part.
    ///
    /// With the facts go the identities, and what is told of them, that were last seen or told of
    /// before then, unless the directory speaks of them or a stay of theirs is kept; each counts as
    /// one row. That such a device had left before the journal's limit is then no last state any more.
    /// The highest number remains, so that none is given twice. A running hub goes on knowing who went,
    /// and writes them again when they come back.
    fn forget(&self, before: Before) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Writes a consistent copy to a new file while running, and verifies it.
    fn backup<'a>(&'a self, to: &'a Path) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Before when what is kept is too old, by what it is; none: it never is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Facts, and every listener's readings.
    pub facts: Option<Time>,
    /// Winners, and the counts of their hours.
    pub readings: Option<Time>,
    /// Stays and changes.
    pub journal: Option<Time>,
}

/// Which readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingQuery {
    /// Of intervals that begin in it.
    pub window: Span,
    /// Of these identities; empty: of all.
    pub identities: Vec<IdentityId>,
    /// Of every listener, or the winners.
    pub of: ReadingsOf,
}

/// Whose readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingsOf {
    /// Every listener's best: kept as long as facts.
    Listeners,
    /// The best of all listeners: kept for as long as is wanted.
    Winners,
}

/// Which stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StayQuery {
    /// Stays that share an instant with it.
    pub window: Span,
    /// Of whom; none: of all.
    pub subject: Option<Subject>,
    /// Of people, of devices, or both.
    pub of: StaysOf,
    /// Where; none: everywhere.
    pub site: Option<PlaceId>,
    /// At most so many.
    pub limit: u32,
}

/// Whose stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaysOf {
    /// People's.
    People,
    /// Devices'.
    Devices,
    /// All.
    Both,
}

/// Why the store did not do it. Nothing was half-written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not now (disk full, locked, server gone): keep everything and try again.
    #[error("the store is not available: {what}")]
    Unavailable {
        /// What is wrong, in the user's words: `disk full`, `read-only folder` ...
        what: String,
        /// What the library said.
        #[source]
        cause: BoxError,
    },
    /// It was written by a newer Muster: only that can open it.
    #[error("the store has schema {found}, this muster knows up to {known}")]
    Newer {
        /// The schema found.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// Its content is damaged: restore a backup.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
        /// What the library said.
        #[source]
        cause: BoxError,
    },
    /// The request makes no sense (a backup onto an existing file ...): do not try again.
    #[error("{what}")]
    Refused {
        /// Why.
        what: String,
    },
}
