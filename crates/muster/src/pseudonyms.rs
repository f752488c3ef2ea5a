//! Puts a pseudonym in the place of every stranger before anything is judged, and takes away what a
//! stranger says of itself.
//!
//! Refuses to know what is judged or kept. **Invariant:** what passes names nobody but acquaintances:
//! those of the directory, those of the configuration, and whoever is known by a key.

use std::collections::BTreeSet;
use std::path::Path;

use muster_config::privacy::PrivacySettings;
use muster_core::batch::Restored;
use muster_core::broadcast::Broadcast;
use muster_core::engine::Engine;
use muster_core::fact::{DetailKind, Fact, FactBody};
use muster_core::identity::{Identity, IdentityId, TextKind};
use muster_core::time::Now;
use muster_wire::bluetooth::kept;

use keys::Keys;

mod keys;
mod rotation;

/// The mask that strangers wear in one hub.
#[derive(Debug)]
pub(crate) struct Pseudonyms {
    keys: Keys,
    /// Whom the configuration speaks of.
    declared: BTreeSet<Identity>,
    /// Whom the directory speaks of, and in which version of it.
    known: (Option<u64>, BTreeSet<Identity>),
}

impl Pseudonyms {
    /// As it is configured, with the key of a data folder; none: strangers wear no mask.
    pub(crate) fn of(
        settings: PrivacySettings,
        data: &Path,
        declared: BTreeSet<Identity>,
    ) -> Option<Self> {
        let keys = || Keys::of(data, settings.rotation.get());
        settings.pseudonyms.then(|| Self { keys: keys(), declared, known: (None, BTreeSet::new()) })
    }

    /// Writes over and removes the key that a data folder holds, unless that may still be used.
    pub(crate) fn end(settings: PrivacySettings, data: &Path, now: Now) {
        keys::end(data, settings.pseudonyms.then(|| settings.rotation.get()), now.wall);
    }

    /// How many strangers a store holds under their own identities.
    pub(crate) fn unmasked(&self, stored: &Restored) -> usize {
        let spoken_of = stored.directory.spoken_of();
        let is_stranger = |(id, identity): &&(IdentityId, Identity)| {
            !identity.is_pseudonym()
                && !spoken_of.contains(&stored.directory.device_of(*id))
                && !is_acquaintance(identity, &self.declared, &BTreeSet::new())
        };
        stored.identities.iter().filter(is_stranger).count()
    }

    /// Uses the key of now: a new one when it is time for that, whether anybody is heard or not.
    pub(crate) fn turn(&mut self, now: Now) {
        self.keys.turn(now);
    }

    /// The facts that are about acquaintances, and the others about pseudonyms, without what those say
    /// of themselves.
    pub(crate) fn mask(&mut self, facts: Vec<Fact>, engine: &Engine) -> Vec<Fact> {
        self.meet(engine);
        facts.into_iter().filter_map(|it| self.masked(it)).collect()
    }

    fn masked(&mut self, mut fact: Fact) -> Option<Fact> {
        let at = fact.noticed();
        let is_detail = match &fact.body {
            // Whom it answers for may be anybody.
            FactBody::Detail(it) if it.kind == DetailKind::ProxyFor => return None,
            FactBody::Detail(_) => true,
            FactBody::Sighting(_)
            | FactBody::Coverage(_)
            | FactBody::Probe(_)
            | FactBody::Level(_) => false,
        };
        let Some(identity) = fact.body.identity_mut() else { return Some(fact) };
        if !is_acquaintance(identity, &self.declared, &self.known.1) {
            if is_detail {
                return None;
            }
            *identity = self.keys.pseudonym(at, identity)?;
        }
        Some(fact)
    }

    /// What acquaintances sent, under what they are known by, and without the address of whoever is
    /// known by something else.
    pub(crate) fn unsign(&mut self, all: Vec<Broadcast>, engine: &Engine) -> Vec<Broadcast> {
        self.meet(engine);
        let known = |it: &Identity| is_acquaintance(it, &self.declared, &self.known.1);
        let unsigned = all.into_iter().map(|mut broadcast| {
            let before = broadcast.identities.len();
            broadcast.identities.retain(known);
            if broadcast.identities.len() < before {
                broadcast.octets = kept::unsigned(&broadcast.octets);
            }
            broadcast
        });
        unsigned.filter(|it| !it.identities.is_empty()).collect()
    }

    /// Looks whom the directory speaks of, if that may have changed.
    fn meet(&mut self, engine: &Engine) {
        let version = Some(engine.directory().version);
        if self.known.0 != version {
            self.known = (version, engine.acquaintances());
        }
    }
}

fn is_acquaintance(
    identity: &Identity,
    declared: &BTreeSet<Identity>,
    known: &BTreeSet<Identity>,
) -> bool {
    matches!(identity, Identity::Text(TextKind::Irk, _))
        || known.contains(identity)
        || declared.contains(identity)
}

#[cfg(test)]
mod tests;
