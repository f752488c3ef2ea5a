//! Numbers over time: the value of every series is a function of the journal and a time.
//!
//! The changes decided up to a time are folded into what is believed of everybody at that time.
//! What to send when is [`feed`]'s business. **Invariant:** of the changes of one subject only the
//! last one counts, in order of (decided, id), so a fold that goes on and one that begins with
//! [`Store::states_at`](crate::ports::Store::states_at) say the same; and `count_home` is the sum
//! of every `is_home` beside it.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Change, ChangeKind};
use crate::directory::{Device, Directory};
use crate::fact::SourceKind;
use crate::identity::{DeviceId, PersonId};
use crate::ports::Sample;
use crate::span::Span;
use crate::stay::Subject;
use crate::time::Time;

pub mod feed;

/// What the changes up to a time add up to.
///
/// While a subject is *unknown* the value that was decided last is held, and `known` is 0. Of whom
/// nothing was ever decided is not home, and not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    people: BTreeMap<PersonId, Standing>,
    devices: BTreeMap<DeviceId, Standing>,
}

/// What was decided last of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    order: (Time, u64),
    present: bool,
    known: bool,
    owner: Option<PersonId>,
    source: Option<SourceKind>,
}

impl Series {
    /// Takes a change. Those that decide nobody's presence and older ones of a subject than the
    /// last one change nothing.
    pub fn apply(&mut self, change: &Change) {
        let standing = |owner, source, (present, known)| Standing {
            order: (change.decided, change.id),
            present,
            known,
            owner,
            source,
        };
        match (change.subject, decided(change.kind)) {
            (Some(Subject::Person(id)), Some(what)) => {
                put(&mut self.people, id, standing(None, None, what));
            }
            (Some(Subject::Device(id)), Some(what)) => {
                put(&mut self.devices, id, standing(change.owner, change.source, what));
            }
            (Some(Subject::Device(id)), None) if change.kind == ChangeKind::Assigned => {
                // A device that is away brings its owner along when it arrives.
                if let Some(was) = self.devices.get(&id).copied() {
                    let what = (was.present, was.known);
                    put(&mut self.devices, id, standing(change.owner, was.source, what));
                }
            }
            (Some(_) | None, _) => {}
        }
    }

    /// The devices that are present, and when that was decided: the owners that they were given
    /// since are not among the store's last states.
    pub fn devices_here(&self) -> impl Iterator<Item = (DeviceId, Time)> + '_ {
        self.devices.iter().filter(|(_, it)| it.present).map(|(id, it)| (*id, it.order.0))
    }

    /// All values at a time up to which every change was applied. The directory says who there is,
    /// how people are called, and which devices are carried.
    ///
    /// For each person, in order of number: `{person}.is_home`, `{person}.from_wifi` (a device that
    /// they own and carry is on the local network), `{person}.known`; then `count_home`,
    /// `anyone_home`, `wifi.devices_present_count`.
    #[must_use]
    pub fn sample(&self, at: Time, directory: &Directory) -> Sample {
        let here = |it: &Standing| it.present && it.source == Some(SourceKind::Lan);
        let carried = |it: &DeviceId| directory.devices.get(it).is_some_and(Device::is_carried);
        let votes = self.devices.iter().filter(|(id, it)| here(it) && carried(id));
        let on_wifi: BTreeSet<PersonId> = votes.filter_map(|(_, it)| it.owner).collect();
        let mut values = Vec::with_capacity(directory.people.len() * 3 + 3);
        let mut home = 0_u32;
        for (id, person) in &directory.people {
            let standing = self.people.get(id);
            let is_home = standing.is_some_and(|it| it.present);
            home += u32::from(is_home);
            for (series, is) in [
                ("is_home", is_home),
                ("from_wifi", on_wifi.contains(id)),
                ("known", standing.is_some_and(|it| it.known)),
            ] {
                values.push((format!("{}.{series}", person.name), number(is.into())));
            }
        }
        let devices = self.devices.values().filter(|it| here(it)).count();
        let devices = u32::try_from(devices).unwrap_or(u32::MAX);
        for (series, count) in [
            ("count_home", home),
            ("anyone_home", u32::from(home > 0)),
            ("wifi.devices_present_count", devices),
        ] {
            values.push((series.to_owned(), number(count)));
        }
        Sample { at, values }
    }
}

/// How a series sink is doing: what pages and logs show of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkHealth {
    /// Which sink.
    pub name: String,
    /// Where it sends: the address that was configured.
    pub target: String,
    /// Whether it gets through.
    pub state: SinkState,
    /// Since when; none: nothing was tried yet.
    pub since: Option<Time>,
    /// Everything up to here is delivered or was given up; none: nothing yet.
    pub delivered_to: Option<Time>,
    /// How many samples are due and not delivered.
    pub backlog: u64,
    /// How many samples were given up since the start: older than the bound, or refused.
    pub dropped: u64,
    /// From the first to the last of what was given up; what lies between may have arrived.
    pub lost: Option<Span>,
    /// What went wrong last, also when it is over.
    pub last_error: Option<SinkTrouble>,
}

/// Whether a sink gets through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SinkState {
    /// Nothing was delivered yet, and nothing went wrong.
    #[default]
    Starting,
    /// What is due is delivered.
    Delivering,
    /// Nothing is delivered at the moment.
    Failing,
}

impl SinkState {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Delivering => "delivering",
            Self::Failing => "failing",
        }
    }
}

/// Why nothing was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkTrouble {
    /// When that was first so.
    pub at: Time,
    /// In plain words.
    pub what: String,
}

/// Whether a kind of change says that its subject is present, and that this is known.
fn decided(kind: ChangeKind) -> Option<(bool, bool)> {
    match kind {
        // Who moved arrived at another site.
        ChangeKind::Arrived | ChangeKind::Moved | ChangeKind::Known => Some((true, true)),
        ChangeKind::Left => Some((false, true)),
        ChangeKind::Unknown => Some((true, false)),
        ChangeKind::Corrected
        | ChangeKind::Conflict
        | ChangeKind::Discovered
        | ChangeKind::Assigned
        | ChangeKind::Overridden
        | ChangeKind::OverrideEnded
        | ChangeKind::Dark
        | ChangeKind::Covered
        | ChangeKind::Late
        | ChangeKind::Down
        | ChangeKind::Back => None,
    }
}

fn put<Id: Ord>(all: &mut BTreeMap<Id, Standing>, id: Id, new: Standing) {
    match all.get(&id) {
        Some(was) if was.order > new.order => {}
        Some(_) | None => drop(all.insert(id, new)),
    }
}

fn number(count: u32) -> f64 {
    f64::from(count)
}

#[cfg(test)]
mod tests;
