//! What one commit holds: merged facts, the state judged from them, and the changes.
//!
//! Rows carry the *merged* value for their key, so a store replaces them; writing a batch twice
//! leaves the same rows. Only readings and first and last sightings, which are not kept in memory
//! for long, are merged by the store. Heard spans, probes and coverage are chopped at the hour:
//! whatever is still growing lies side by side, and retention is a range.

use std::time::Duration;

use crate::change::Change;
use crate::directory::Directory;
use crate::fact::{DetailKind, LevelState, Listener, Outcome};
use crate::identity::{Identity, IdentityId, ListenerId};
use crate::span::Span;
use crate::stay::{Stay, StayId};
use crate::time::Time;
use crate::uplink::{BootId, Health, Liveness, SequenceSet};

/// The length of the pieces in which spans and probes are stored.
pub const HOUR: Duration = Duration::from_hours(1);

/// One commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Identities new since the last batch.
    pub identities: Vec<(IdentityId, Identity)>,
    /// Listeners new since the last batch.
    pub listeners: Vec<(ListenerId, Listener)>,
    /// First and last sighting of identities that were heard; merged by the store to the earliest
    /// and the latest.
    pub seen: Vec<Seen>,
    /// Heard spans of an hour, replaced.
    pub heard: Vec<HeardHour>,
    /// Coverage of an hour, replaced.
    pub coverage: Vec<CoverageHour>,
    /// Probes of an hour, replaced.
    pub probes: Vec<ProbeHour>,
    /// Levels, added.
    pub levels: Vec<LevelRow>,
    /// Details: all that are kept of an identity, replaced as a whole for each identity in here; at
    /// most [`Batch::MAX_ADDRESSES`] addresses of each family.
    pub details: Vec<DetailRow>,
    /// Readings, merged by the store by (identity, interval, length, listener), and into the winner of
    /// each (identity, interval, length), as [`reading`](crate::reading) says.
    pub readings: Vec<Reading>,
    /// Stays, replaced by id.
    pub stays: Vec<Stay>,
    /// Stays that late facts joined with another, or unmade.
    pub gone: Vec<StayId>,
    /// The whole directory, if it was edited: small, and rewritten as one.
    pub directory: Option<Directory>,
    /// Changes in order; the store gives them their ids.
    pub changes: Vec<Change>,
    /// What was received of monitors, replaced by monitor and boot: in the commit that holds the facts.
    pub received: Vec<ReceivedRanges>,
    /// Of which starts of a monitor's program it is forgotten what was received.
    pub unreceived: Vec<(Box<str>, BootId)>,
    /// Signs of life of far monitors, replaced by monitor.
    pub monitors: Vec<MonitorRow>,
    /// The wall time up to which has been judged.
    pub frontier: Time,
}

impl Batch {
    /// How many addresses of each kind are kept for an identity: a phone with privacy extensions
    /// holds up to seven IPv6 addresses (RFC 8981, 3.4), newest first.
    pub const MAX_ADDRESSES: usize = 8;

    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            identities,
            listeners,
            seen,
            heard,
            coverage,
            probes,
            levels,
            details,
            readings,
            stays,
            gone,
            directory,
            changes,
            received,
            unreceived,
            monitors,
            frontier: _,
        } = self;
        identities.is_empty()
            && listeners.is_empty()
            && seen.is_empty()
            && heard.is_empty()
            && coverage.is_empty()
            && probes.is_empty()
            && levels.is_empty()
            && details.is_empty()
            && readings.is_empty()
            && stays.is_empty()
            && gone.is_empty()
            && directory.is_none()
            && changes.is_empty()
            && received.is_empty()
            && unreceived.is_empty()
            && monitors.is_empty()
    }
}

/// What was received of one start of a monitor's program. Needed no longer than facts may be late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRanges {
    /// The monitor's name.
    pub monitor: Box<str>,
    /// Which start.
    pub boot: BootId,
    /// The sequences of all facts that need not be sent again.
    pub runs: SequenceSet,
    /// When the last of them came in.
    pub at: Time,
}

/// The last sign of life of a far monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorRow {
    /// The monitor's name.
    pub monitor: Box<str>,
    /// When it came in.
    pub at: Time,
    /// Whether others were due since.
    pub liveness: Liveness,
    /// When the oldest fact was noticed that still waited in its spool.
    pub oldest_unsent: Option<Time>,
    /// How it was.
    pub health: Health,
}

/// First and last sighting of an identity. Kept beyond the retention of heard spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Of whom.
    pub identity: IdentityId,
    /// The earliest sighting.
    pub first: Time,
    /// The latest sighting.
    pub last: Time,
}

/// The heard spans of one identity at one listener in one hour, clipped to the hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardHour {
    /// The hour's start.
    pub hour: Time,
    /// Who was heard.
    pub identity: IdentityId,
    /// By whom.
    pub listener: ListenerId,
    /// When; sorted and disjoint, within the hour.
    pub spans: Vec<Span>,
}

/// The coverage of one listener in one hour, clipped to the hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageHour {
    /// The hour's start.
    pub hour: Time,
    /// Whose coverage.
    pub listener: ListenerId,
    /// When; sorted and disjoint, within the hour.
    pub spans: Vec<Span>,
}

/// The probes of one identity by one listener in one hour. An *answered* one is a heard span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeHour {
    /// The hour's start.
    pub hour: Time,
    /// Who was asked.
    pub identity: IdentityId,
    /// By whom.
    pub listener: ListenerId,
    /// When, and what came of it; sorted, within the hour.
    pub outcomes: Vec<(Time, Outcome)>,
}

/// One level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LevelRow {
    /// Whose state.
    pub identity: IdentityId,
    /// Told by whom.
    pub listener: ListenerId,
    /// Since when.
    pub at: Time,
    /// Order among equals in time.
    pub sequence: u64,
    /// The state.
    pub state: LevelState,
}

/// One detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailRow {
    /// About whom.
    pub identity: IdentityId,
    /// What.
    pub kind: DetailKind,
    /// The value.
    pub value: Box<str>,
    /// When it was last told, rounded down to the reading interval; newest wins, then the greater value.
    pub at: Time,
}

/// The best signal of an identity at a listener in an interval, as [`reading`](crate::reading) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The interval's start, aligned to the epoch.
    pub interval: Time,
    /// The interval's length.
    pub length: Duration,
    /// Whose.
    pub identity: IdentityId,
    /// At which listener.
    pub listener: ListenerId,
    /// The signal, dBm; none where the medium has none.
    pub rssi: Option<i8>,
    /// When it was heard so.
    pub at: Time,
}

/// What a store gives back at start: everything judged and the facts since a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restored {
    /// The time asked for: facts before it are not in here.
    pub since: Time,
    /// The directory.
    pub directory: Directory,
    /// All identities, in order of number.
    pub identities: Vec<(IdentityId, Identity)>,
    /// All listeners, in order of number.
    pub listeners: Vec<(ListenerId, Listener)>,
    /// First and last sighting of every identity.
    pub seen: Vec<Seen>,
    /// Details of all identities.
    pub details: Vec<DetailRow>,
    /// Facts since the time asked for.
    pub facts: History,
    /// Stays that are open or ended since the time asked for. From before it also the last one of
    /// each device at each site, if it was assumed to have ended, and the last one at the first site
    /// of each person in the directory.
    pub stays: Vec<Stay>,
    /// The last state-bearing change of every subject (see
    /// [`ChangeKind::bears_state`](crate::change::ChangeKind::bears_state)).
    pub states: Vec<Change>,
    /// The highest stay number ever given out.
    pub last_stay: StayId,
    /// The last change's id.
    pub last_change: u64,
    /// What was received of monitors, by monitor and boot.
    pub received: Vec<ReceivedRanges>,
    /// The last signs of life of far monitors, by monitor.
    pub monitors: Vec<MonitorRow>,
    /// The wall time up to which had been judged.
    pub frontier: Time,
}

/// Stored facts of a window, but for readings: nothing is judged by those.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Heard spans.
    pub heard: Vec<HeardHour>,
    /// Coverage.
    pub coverage: Vec<CoverageHour>,
    /// Probes.
    pub probes: Vec<ProbeHour>,
    /// Levels.
    pub levels: Vec<LevelRow>,
}
