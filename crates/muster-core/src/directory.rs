//! Who and what there is: people, devices, places, monitors, and who owns what since when.
//!
//! Grouping of identities into devices is retroactive and reversible; ownership is dated. An edit
//! is checked against the whole directory and changes nothing if it is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::identity::{DeviceId, IdentityId, PersonId, PlaceId};
use crate::time::Time;
use crate::uplink::StoreId;

pub use edit::Edit;
pub use enrolment::{Enrol, Enrolment, TokenHash};
pub use error::EditError;

mod edit;
mod enrolment;
mod error;
#[cfg(test)]
mod tests;

/// Everything that people told us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Counts edits; a page that edits an older version is told so.
    pub version: u64,
    /// People by number.
    pub people: BTreeMap<PersonId, Person>,
    /// Devices that somebody said something about. Every identity is a device without it.
    pub devices: BTreeMap<DeviceId, Device>,
    /// Identities that were put into another's device.
    pub groups: BTreeMap<IdentityId, DeviceId>,
    /// Places by number. There is always at least one site.
    pub places: BTreeMap<PlaceId, Place>,
    /// Where monitors stand, by the monitor's name.
    pub monitors: BTreeMap<Box<str>, PlaceId>,
    /// Far monitors that were let in, by name; those that were shut out again included.
    pub enrolments: BTreeMap<Box<str>, Enrolment>,
    /// The number of the store that this is kept in, to which far monitors are bound: drawn when the
    /// first one is let in.
    pub store: Option<StoreId>,
    /// Presence set by hand, in hub order; the newest few of each person.
    pub overrides: BTreeMap<PersonId, Vec<Override>>,
    /// The highest number ever given to a person: the journal and stays speak of people by number,
    /// so none is given twice.
    pub last_person: PersonId,
    /// The highest number ever given to a place.
    pub last_place: PlaceId,
}

impl Directory {
    /// The site that exists from the start.
    pub const FIRST_SITE: PlaceId = PlaceId(1);
    /// The most people, devices told about, or places: each far beyond any house.
    pub const MAX_ENTRIES: usize = 100_000;

    /// The device that an identity belongs to.
    #[must_use]
    pub fn device_of(&self, identity: IdentityId) -> DeviceId {
        self.groups.get(&identity).copied().unwrap_or(identity.own_device())
    }

    /// What is known about a device; a device nobody spoke of is the default.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Device {
        self.devices.get(&id).cloned().unwrap_or_default()
    }

    /// The identities that were grouped into a device, its own first.
    #[must_use]
    pub fn identities_of(&self, device: DeviceId) -> Vec<IdentityId> {
        let own = IdentityId(device.0);
        let mut all = Vec::new();
        if self.device_of(own) == device {
            all.push(own);
        }
        all.extend(self.groups.iter().filter(|(_, it)| **it == device).map(|(id, _)| *id));
        all
    }

    /// The devices that somebody speaks of: added, described, put together of several, or somebody's. One
    /// that was taken back is not, though it keeps who had it.
    #[must_use]
    pub fn spoken_of(&self) -> BTreeSet<DeviceId> {
        let is_said = |it: &Device| {
            let Device { name, kind, mark, carried, owners } = it;
            let is_plain = name.is_empty()
                && (*kind, *mark, *carried) == (DeviceKind::Other, Mark::Normal, None);
            !is_plain || owners.is_empty() || it.owner().is_some()
        };
        let described = self.devices.iter().filter(|(_, it)| is_said(it)).map(|(id, _)| *id);
        described.chain(self.groups.values().copied()).collect()
    }

    /// The site that a place lies in.
    #[must_use]
    pub fn site_of(&self, place: PlaceId) -> PlaceId {
        self.above(place).last().unwrap_or(place)
    }

    /// How deep a place lies, a site being 1.
    #[must_use]
    pub fn depth_of(&self, place: PlaceId) -> usize {
        self.above(place).count()
    }

    /// A place, what it lies in, and so on up to its site.
    fn above(&self, place: PlaceId) -> impl Iterator<Item = PlaceId> + '_ {
        let parent = |it: &PlaceId| self.places.get(it).and_then(|it| it.parent);
        // Nesting is bounded when places are added; a damaged store must not make a loop endless.
        std::iter::successors(Some(place), parent).take(Directory::MAX_ENTRIES)
    }

    /// The site where a monitor stands; the first one until somebody says otherwise.
    #[must_use]
    pub fn site_of_monitor(&self, monitor: &str) -> PlaceId {
        self.monitors.get(monitor).map_or(Self::FIRST_SITE, |it| self.site_of(*it))
    }

    /// The person with this short name.
    #[must_use]
    pub fn person_named(&self, name: &str) -> Option<PersonId> {
        self.people.iter().find(|(_, it)| &*it.name == name).map(|(id, _)| *id)
    }
}

impl Default for Directory {
    fn default() -> Self {
        let site = Place { name: "here".into(), parent: None };
        Self {
            version: 0,
            people: BTreeMap::new(),
            devices: BTreeMap::new(),
            groups: BTreeMap::new(),
            places: BTreeMap::from([(Self::FIRST_SITE, site)]),
            monitors: BTreeMap::new(),
            enrolments: BTreeMap::new(),
            store: None,
            overrides: BTreeMap::new(),
            last_person: PersonId(0),
            last_place: Self::FIRST_SITE,
        }
    }
}

/// An owner of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Short, unique, safe in metric names and addresses: `[a-z0-9_-]`, 1 to 32 bytes.
    pub name: Box<str>,
    /// What people read.
    pub display: Box<str>,
}

/// A thing that can be sighted, as people described it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// What people call it; empty: nobody named it.
    pub name: Box<str>,
    /// What it is.
    pub kind: DeviceKind,
    /// Whether it counts at all.
    pub mark: Mark,
    /// Whether it votes for its owner's presence; none: by its kind.
    pub carried: Option<bool>,
    /// Owners by the time from which they own it, earliest first.
    pub owners: Vec<Ownership>,
}

impl Device {
    /// How often it may have changed hands: each edit writes them all.
    pub const MAX_OWNERS: usize = 1_000;

    /// Who owns it at a time.
    #[must_use]
    pub fn owner_at(&self, at: Time) -> Option<PersonId> {
        self.owners.iter().rev().find(|it| it.from <= at).and_then(|it| it.person)
    }

    /// Who owns it after the last edit.
    #[must_use]
    pub fn owner(&self) -> Option<PersonId> {
        self.owners.last().and_then(|it| it.person)
    }

    /// Whether its presence says anything about its owner's.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        self.mark == Mark::Normal && self.carried.unwrap_or(self.kind.is_carried())
    }
}

/// Who owns a device from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// First instant of it.
    pub from: Time,
    /// The owner; none: nobody.
    pub person: Option<PersonId>,
}

/// Whether a device counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It does.
    #[default]
    Normal,
    /// It belongs to the building (router, plug, television): never a guest.
    Infrastructure,
    /// Nobody wants to hear of it.
    Ignored,
}

impl Mark {
    /// All marks with their words.
    pub const ALL: [(&'static str, Self); 3] = [
        ("normal", Self::Normal),
        ("infrastructure", Self::Infrastructure),
        ("ignored", Self::Ignored),
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }
}

impl FromStr for Mark {
    type Err = EditError;

    fn from_str(text: &str) -> Result<Self, EditError> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text);
        found.map(|(_, it)| *it).ok_or_else(|| EditError::UnknownWord {
            what: "mark",
            given: text.to_owned(),
            allowed: "normal, infrastructure, ignored",
        })
    }
}

/// What a device is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceKind {
    /// Nobody said.
    #[default]
    Other,
    /// A phone: carried, and sleeps.
    Phone,
    /// A watch: carried.
    Watch,
    /// A tag: carried.
    Tag,
    /// A laptop.
    Laptop,
    /// A tablet.
    Tablet,
    /// A computer that stays.
    Computer,
    /// A television or speaker.
    Media,
    /// A printer.
    Printer,
    /// A plug, bulb, sensor, camera.
    Appliance,
    /// A router, access point, switch.
    Network,
}

impl DeviceKind {
    /// All kinds with their words.
    pub const ALL: [(&'static str, Self); 11] = [
        ("other", Self::Other),
        ("phone", Self::Phone),
        ("watch", Self::Watch),
        ("tag", Self::Tag),
        ("laptop", Self::Laptop),
        ("tablet", Self::Tablet),
        ("computer", Self::Computer),
        ("media", Self::Media),
        ("printer", Self::Printer),
        ("appliance", Self::Appliance),
        ("network", Self::Network),
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }

    /// Whether such a thing goes where its owner goes, unless told otherwise.
    #[must_use]
    pub fn is_carried(self) -> bool {
        matches!(self, Self::Phone | Self::Watch | Self::Tag)
    }
}

impl FromStr for DeviceKind {
    type Err = EditError;

    fn from_str(text: &str) -> Result<Self, EditError> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text);
        found.map(|(_, it)| *it).ok_or_else(|| EditError::UnknownWord {
            what: "kind",
            given: text.to_owned(),
            allowed: "other, phone, watch, tag, laptop, tablet, computer, media, printer, \
                      appliance, network",
        })
    }
}

/// Where monitors stand: a site, or a floor or room in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name, unique.
    pub name: Box<str>,
    /// What it lies in; none: it is a site.
    pub parent: Option<PlaceId>,
}

impl Place {
    /// The deepest nesting: site, building, floor, room, corner, and room to spare.
    pub const MAX_DEPTH: usize = 8;
}

/// A person's presence as somebody set it by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Present or not.
    pub home: bool,
    /// Since when.
    pub at: Time,
    /// When it ends at the latest; an override always expires.
    pub until: Time,
    /// Who set it.
    pub by: Box<str>,
}

impl Override {
    /// How many are kept of each person: older ones only matter to stays that are long recorded.
    pub const MAX_KEPT: usize = 100;
}
