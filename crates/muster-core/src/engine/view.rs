//! What others see of the engine: the snapshot, and whom sources should look for.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::directory::{DeviceKind, Mark};
use crate::fact::{DetailKind, SourceKind};
use crate::identity::{DeviceId, Identity, IdentityId};
use crate::policy::Patience;
use crate::snapshot::{
    DeviceView, Interest, ListenerView, PersonView, Presence, Snapshot, Standing,
};
use crate::time::{Now, Time};

use super::Engine;

impl Engine {
    /// A picture of now.
    #[must_use]
    pub fn snapshot(&self, now: Now) -> Snapshot {
        Snapshot {
            at: now.wall,
            last_change: self.last_change,
            simulated: false,
            degraded: None,
            directory: self.directory.clone(),
            people: self.directory.people.keys().map(|id| self.person_view(*id)).collect(),
            devices: self.device_ids().into_iter().filter_map(|id| self.device_view(id)).collect(),
            listeners: self.book.listeners().map(|(id, _)| self.listener_view(id)).collect(),
            monitors: Vec::new(),
        }
    }

    /// The identities of all devices that somebody speaks of (see [`Directory::spoken_of`]). Whoever has
    /// another one is a stranger.
    ///
    /// [`Directory::spoken_of`]: crate::directory::Directory::spoken_of
    #[must_use]
    pub fn acquaintances(&self) -> BTreeSet<Identity> {
        let spoken_of = self.directory.spoken_of();
        let theirs = self
            .book
            .entries()
            .filter(|(id, _)| spoken_of.contains(&self.directory.device_of(*id)));
        theirs.map(|(_, it)| it.identity.clone()).filter(|it| !it.is_pseudonym()).collect()
    }

    /// Whom a source should look for: first those whom people have described, so that no crowd of
    /// strangers keeps them waiting, each in the order in which fresh evidence is wanted.
    #[must_use]
    pub fn interest(&self, monitor: &str, source: SourceKind, now: Now) -> Vec<Interest> {
        let listens = |it: &crate::book::Track| {
            self.book
                .heard_by(it.listener)
                .is_some_and(|it| &*it.listener.monitor == monitor && it.listener.source == source)
        };
        let mut interest: Vec<Interest> = Vec::new();
        for (id, entry) in self.book.entries() {
            let device = self.directory.device_of(id);
            let described = self.directory.devices.contains_key(&device);
            let is_askable = entry.tracks.iter().any(listens)
                || described && is_addressed(&entry.identity, source);
            let is_nobodys = entry.identity.is_pseudonym();
            let is_ignored = self.directory.device(device).mark == Mark::Ignored;
            if is_ignored || is_nobodys || !is_askable {
                continue;
            }
            let asked = entry.tracks.iter().filter_map(|it| it.probes.last()).map(|it| it.0).max();
            let last = entry.seen.map(|it| it.1);
            interest.push(Interest {
                identity: entry.identity.clone(),
                described,
                present: self.devices.get(device).is_some_and(|it| it.open().is_some()),
                due: last.max(asked).map_or(now.wall, |it| {
                    // What a wrong clock dated ahead must not put it off.
                    it.min(now.wall) + self.pace_of(device, source)
                }),
                ips: self.ips_of(&[id]),
            });
        }
        let order = |it: &Interest| (!it.described, it.due);
        interest.sort_by(|a, b| (order(a), &a.identity).cmp(&(order(b), &b.identity)));
        interest
    }

    /// How soon after the last evidence or question fresh evidence of a device is wanted.
    fn pace_of(&self, id: DeviceId, source: SourceKind) -> Duration {
        if self.devices.get(id).is_none_or(|it| it.open().is_none()) {
            // The absent are found by what they send when they come; asking costs air time.
            return AWAY_EVERY;
        }
        let phone = self.directory.device(id).kind == DeviceKind::Phone;
        let Patience { away_after, misses, .. } = *self.policy.patience(source, phone);
        let longest = if phone { PHONE_EVERY } else { OTHER_EVERY };
        // All its misses must fit into its patience.
        (away_after / misses.saturating_add(1)).clamp(SHORTEST, longest)
    }

    fn device_ids(&self) -> Vec<DeviceId> {
        // Who was never heard is there only while people speak of it.
        let told = |id: &DeviceId| self.directory.devices.contains_key(id);
        let mut ids: Vec<DeviceId> = self
            .book
            .entries()
            .map(|(id, entry)| (self.directory.device_of(id), entry))
            .filter(|(id, entry)| entry.is_heard_of() || told(id))
            .map(|(id, _)| id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    pub(super) fn standing_of(&self, id: DeviceId) -> Standing {
        let last = self.seen(id).map(|it| it.1);
        let Some(state) = self.devices.get(id) else {
            return Standing { last, since: last, ..Standing::default() };
        };
        let open = state.open().map(|it| &it.stay);
        let presence = Self::presence_of(state);
        let since = match presence {
            Presence::Unknown => state.unknown,
            Presence::Present => open.map(|it| it.from),
            Presence::Arriving => state.arriving.map(|it| it.0),
            Presence::Away => state.stays.last().map(|it| it.stay.last).or(last),
        };
        let site = open.map(|it| it.site);
        Standing { presence, since, last, site, stay: open.map(|it| it.id) }
    }

    fn seen(&self, id: DeviceId) -> Option<(Time, Time)> {
        let all = self.directory.identities_of(id);
        all.iter()
            .filter_map(|it| self.book.entry(*it)?.seen)
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    fn device_view(&self, id: DeviceId) -> Option<DeviceView> {
        let ids = self.directory.identities_of(id);
        let identities: Vec<(IdentityId, Identity)> = ids
            .iter()
            .filter_map(|it| Some((*it, self.book.entry(*it)?.identity.clone())))
            .collect();
        if identities.is_empty() {
            return None;
        }
        let seen = self.seen(id);
        let entry = self.directory.device(id);
        Some(DeviceView {
            id,
            standing: self.standing_of(id),
            randomised: identities.iter().all(|(_, it)| it.is_randomised()),
            identities,
            first_seen: seen.map(|it| it.0),
            last_seen: seen.map(|it| it.1),
            signal: ids
                .iter()
                .filter_map(|it| self.book.entry(*it))
                .filter_map(|it| Some((it.rssi?, it.seen?.1)))
                .max_by_key(|(rssi, at)| (*at, *rssi)),
            hostname: self.detail(&ids, DetailKind::Hostname),
            vendor_class: self.detail(&ids, DetailKind::VendorClass),
            ips: self.ips_of(&ids),
            proxy_for: self.detail(&ids, DetailKind::ProxyFor),
            owner: entry.owner(),
            carried: entry.is_carried(),
            mark: entry.mark,
            source: self.devices.get(id).and_then(|it| it.source),
        })
    }

    fn detail(&self, ids: &[IdentityId], kind: DetailKind) -> Option<Box<str>> {
        let all = ids.iter().filter_map(|it| self.book.entry(*it)).flat_map(|it| &it.details);
        let newest = all.filter(|it| it.kind == kind).max_by_key(|it| (it.at, it.value.clone()));
        newest.map(|it| it.value.clone())
    }

    fn ips_of(&self, ids: &[IdentityId]) -> Vec<IpAddr> {
        let all = ids.iter().filter_map(|it| self.book.entry(*it)).flat_map(|it| &it.details);
        let mut rows: Vec<_> =
            all.filter(|it| matches!(it.kind, DetailKind::Ipv4 | DetailKind::Ipv6)).collect();
        rows.sort_by(|a, b| (b.at, a.kind, &b.value).cmp(&(a.at, b.kind, &a.value)));
        rows.into_iter().filter_map(|it| it.value.parse().ok()).collect()
    }

    pub(super) fn person_standing(&self, id: crate::identity::PersonId) -> Standing {
        let Some(state) = self.people.get(&id) else { return Standing::default() };
        let open = state.open();
        let presence = Self::presence_of_person(state);
        let newest = state.stays.iter().max_by_key(|it| it.last);
        let since = match presence {
            Presence::Unknown => state.unknown,
            Presence::Present | Presence::Arriving => open.map(|it| it.from),
            Presence::Away => newest.map(|it| it.last),
        };
        let seen = self.carried_by(id).filter_map(|it| self.seen(it)).map(|it| it.1).max();
        let last = newest.map(|it| it.last).max(seen);
        let site = open.map(|it| it.site);
        let mut standing = Standing { presence, since, last, site, stay: open.map(|it| it.id) };
        let nobody_tells = state.set.is_none() && self.carried_by(id).next().is_none();
        if presence == Presence::Away && nobody_tells {
            standing.presence = Presence::Unknown;
            standing.since = None;
        }
        standing
    }

    fn person_view(&self, id: crate::identity::PersonId) -> PersonView {
        let owned = self.directory.devices.iter();
        let owned = owned.filter(|(_, it)| it.owner() == Some(id)).map(|(id, _)| *id);
        PersonView {
            id,
            standing: self.person_standing(id),
            overridden: self.set_by_hand(id).map(|it| (it.by.clone(), it.until)),
            devices: owned.collect(),
            sources: self.media_of(id),
        }
    }

    fn listener_view(&self, id: crate::identity::ListenerId) -> ListenerView {
        let listener = self.book.heard_by(id).map(|it| it.listener.clone());
        let listener =
            listener.unwrap_or_else(|| crate::fact::Listener::new("", SourceKind::Lan, ""));
        ListenerView {
            id,
            site: self.directory.site_of_monitor(&listener.monitor),
            listener,
            covered: self.hears(id),
            covered_to: self.covered_to(id),
        }
    }
}

/// Whether the identity alone is enough to ask by, for a source that never heard it.
fn is_addressed(identity: &Identity, source: SourceKind) -> bool {
    source == SourceKind::Classic && matches!(identity, Identity::Bt(_))
}

/// How soon fresh evidence of a present phone is wanted: it sleeps, and each question wakes it.
const PHONE_EVERY: Duration = Duration::from_mins(2);
/// How soon fresh evidence of any other present device is wanted: five misses fit into its
/// patience of five minutes.
const OTHER_EVERY: Duration = Duration::from_secs(45);
/// How soon an absent device is asked again.
const AWAY_EVERY: Duration = Duration::from_mins(10);
/// Nobody is asked more often, however short the patience is.
const SHORTEST: Duration = Duration::from_secs(10);
