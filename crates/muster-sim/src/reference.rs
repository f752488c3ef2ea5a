//! The naive reference: what presence a set of facts means, read from `docs/presence.md` on a grid
//! of whole seconds.
//!
//! It exists to disagree with the engine. Every rule is a loop over seconds and arrays of booleans,
//! as the page words it; it shares the vocabulary with the engine and not one line of its algebra.
//! **Invariant:** all times in the facts, the policy, the directory and the frontier are whole
//! seconds; a grid of seconds cannot say anything else.

mod device;
mod grid;
mod people;
mod rows;

use std::time::Duration;

use muster_core::directory::Directory;
use muster_core::fact::Fact;
use muster_core::identity::{DeviceId, Identity, IdentityId, PlaceId};
use muster_core::policy::Policy;
use muster_core::stay::{Ended, Subject};
use muster_core::time::Time;

pub use self::rows::{HeardKey, ReadingKey, Rows, Winner, rows};

/// Everything that a judgement depends on.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What was noticed; order and repeats mean nothing.
    pub facts: &'a [Fact],
    /// The limits.
    pub policy: &'a Policy,
    /// Who owns what, and who stands where.
    pub directory: &'a Directory,
    /// The numbers under which the directory speaks of identities.
    pub identities: &'a [(IdentityId, Identity)],
    /// Up to when is judged.
    pub frontier: Time,
}

/// A stay without what depends on the order of arrival (its number and revision).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// Whose.
    pub subject: Subject,
    /// Where.
    pub site: PlaceId,
    /// The first evidence.
    pub from: Time,
    /// The last evidence.
    pub last: Time,
    /// How it ended.
    pub ended: Ended,
    /// The latest time at which it may have ended.
    pub to_latest: Option<Time>,
    /// How much of it nobody who knows the subject was listening.
    pub uncovered: Duration,
    /// Whether its arrival is no news.
    pub after_gap: bool,
}

/// A stay, and when its end was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The stay.
    pub told: Told,
    /// The time at which the rules allowed to say that it ended.
    pub decided: Option<Time>,
    /// The seconds inside it in which nobody decisive could hear.
    pub uncovered: Vec<Time>,
}

/// The stays of all devices and people, sorted.
#[must_use]
pub fn stays(case: &Case<'_>) -> Vec<Told> {
    let devices = device_stays(case);
    let people = people::stays(case, &devices);
    let mut all: Vec<Told> = devices.into_iter().map(|it| it.told).chain(people).collect();
    all.sort();
    all
}

/// The stays of all devices, with the times of their decisions.
#[must_use]
pub fn device_stays(case: &Case<'_>) -> Vec<Judged> {
    let mut devices: Vec<DeviceId> =
        case.identities.iter().map(|(id, _)| case.directory.device_of(*id)).collect();
    devices.sort_unstable();
    devices.dedup();
    devices.into_iter().flat_map(|it| device::stays(case, it)).collect()
}
