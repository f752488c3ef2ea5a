//! Who is taken in for the first time, and who is written down again.
//!
//! Anybody on a network, and everybody who walks past, can make up addresses, and each would be
//! kept. So there is a bound on how many identities there are, and on how many of them one
//! listener may bring in an hour; what is refused is heard again if it stays. Who is known is
//! always taken.
//!
//! A store lets go of identities that were not heard of for as long as it keeps facts, while this
//! book goes on knowing them. **Invariant:** who is heard of again after [`DORMANT`], or is spoken
//! of by the directory, is written down again under the same number.

use std::time::Duration;

use crate::directory::Directory;
use crate::fact::{Fact, FactBody, Outcome};
use crate::identity::{Identity, IdentityId};
use crate::policy::Policy;
use crate::time::{Now, Time};

use super::{Book, index};

/// The identities that a listener brought.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    /// When the hour began, on the monotonic clock.
    since: Duration,
    /// How many were taken in it.
    taken: u32,
    /// How many facts were refused, ever.
    refused: u64,
}

impl Book {
    /// Takes in the identity that a fact is about; why not, if there is no room for another.
    pub(crate) fn admit(&mut self, fact: &Fact, now: Now, policy: &Policy) -> Option<String> {
        let identity = fact.body.identity()?;
        if let Some(id) = self.ids.get(identity) {
            if is_sign(&fact.body) {
                self.remind(id, now.wall);
            }
            return None;
        }
        let known = self.entries.len();
        let listener = self.listener(&fact.listener);
        let its = &mut self.listeners.get_mut(index(listener.0))?.newcomers;
        if now.mono.saturating_sub(its.since) >= AN_HOUR {
            (its.since, its.taken) = (now.mono, 0);
        }
        let why = if known >= policy.identities {
            format!(
                "{known} devices are known, as many as may be: `retention_journal` forgets old ones"
            )
        } else if its.taken >= policy.newcomers {
            format!(
                "this listener brought {} new devices within an hour, as many as may be",
                its.taken
            )
        } else {
            its.taken += 1;
            self.identity(identity);
            return None;
        };
        its.refused += 1;
        Some(format!("{why}; refused by now: {}", its.refused))
    }

    /// Takes in an identity that people speak of; none: there is no room for another.
    pub(crate) fn invite(&mut self, identity: &Identity, policy: &Policy) -> Option<IdentityId> {
        let known = self.ids.get(identity);
        let has_room = self.entries.len() < policy.identities;
        known.or_else(|| has_room.then(|| self.identity(identity)))
    }

    /// Everything that the directory speaks of has its identity in the store.
    pub(super) fn remind_all(&mut self, directory: &Directory, now: Time) {
        let described = directory.devices.keys().chain(directory.groups.values());
        for device in described {
            self.remind(IdentityId(device.0), now);
        }
        for identity in directory.groups.keys() {
            self.remind(*identity, now);
        }
    }

    /// Writes down again who was not heard of for long.
    fn remind(&mut self, id: IdentityId, now: Time) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let bound = now - DORMANT;
        let lately = entry.seen.is_some_and(|it| it.1 >= bound);
        if lately || entry.newest().is_none_or(|it| it >= bound) {
            return;
        }
        if entry.seen.is_some() && !std::mem::replace(&mut entry.marked, true) {
            self.dirty.seen.push(id);
        }
        self.dirty.identities.insert(id);
        self.dirty.details.insert(id);
    }
}

/// Whether a fact is a sign of whom it is about: all are but an answer that did not come.
fn is_sign(body: &FactBody) -> bool {
    !matches!(body, FactBody::Probe(it) if it.outcome != Outcome::Answered)
}

/// Half of the shortest time for which a store keeps facts.
const DORMANT: Duration = Duration::from_hours(15 * 24);
const AN_HOUR: Duration = Duration::from_hours(1);
