//! What people may change in the directory, and when it is refused.

use std::time::Duration;

use crate::identity::{DeviceId, Identity, IdentityId, PersonId, PlaceId};
use crate::legible::is_legible;
use crate::time::Time;

use super::{
    Device, DeviceKind, Directory, EditError, Enrol, Mark, Override, Ownership, Person, Place,
};

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Adds a person.
    AddPerson {
        /// See [`Person::name`].
        name: String,
        /// See [`Person::display`]; empty: the name.
        display: String,
    },
    /// Changes what people read.
    RenamePerson {
        /// Who.
        person: PersonId,
        /// The new text.
        display: String,
    },
    /// Removes a person; devices lose their owner, recorded stays remain.
    RemovePerson {
        /// Who.
        person: PersonId,
    },
    /// Names a device by an identity of its, also one that nobody has heard yet.
    AddDevice {
        /// Its identity.
        identity: Identity,
        /// What people call it; empty: the name that it has, if it has one.
        name: String,
    },
    /// Describes a device; what is none stays as it is.
    EditDevice {
        /// Which.
        device: DeviceId,
        /// A new name; empty: no name.
        name: Option<String>,
        /// A new kind.
        kind: Option<DeviceKind>,
        /// A new mark.
        mark: Option<Mark>,
        /// Whether it votes; `Some(None)`: by its kind.
        carried: Option<Option<bool>>,
    },
    /// Gives a device to a person, or to nobody, from a time on.
    Assign {
        /// Which.
        device: DeviceId,
        /// To whom.
        person: Option<PersonId>,
        /// From when on; later ownership is replaced.
        from: Time,
    },
    /// Makes all identities of a device part of another one, for all time. The description and the
    /// owners of the other one hold; those of the merged one are kept aside, and hold again when
    /// the identity that names it is taken out.
    Merge {
        /// Which device.
        from: DeviceId,
        /// Which device it becomes part of.
        into: DeviceId,
    },
    /// Makes an identity its own device again.
    Ungroup {
        /// Which.
        identity: IdentityId,
    },
    /// Takes back what was said of a device. One that was somebody's is nobody's from then on, has no
    /// name, and keeps what was judged by it; of any other nothing is left.
    ForgetDevice {
        /// Which.
        device: DeviceId,
        /// From when on.
        at: Time,
    },
    /// Adds a place; without a parent it is a site.
    AddPlace {
        /// Its name.
        name: String,
        /// What it lies in.
        parent: Option<PlaceId>,
    },
    /// Renames a place.
    RenamePlace {
        /// Which.
        place: PlaceId,
        /// Its new name.
        name: String,
    },
    /// Removes a place that holds no monitor and no other place.
    RemovePlace {
        /// Which.
        place: PlaceId,
    },
    /// Puts a monitor in a place.
    PlaceMonitor {
        /// Which.
        monitor: String,
        /// Where.
        place: PlaceId,
    },
    /// Lets a far monitor in.
    Enrol(Enrol),
    /// Shuts a far monitor out, at once.
    Revoke {
        /// Which.
        monitor: String,
        /// When.
        at: Time,
    },
    /// Sets a person's presence by hand.
    Override {
        /// Whose.
        person: PersonId,
        /// How.
        set: Override,
    },
    /// Takes that back.
    ClearOverride {
        /// Whose.
        person: PersonId,
        /// When.
        at: Time,
    },
}

impl Edit {
    /// Refuses what no directory can take: a device by what names none, and what is dated later than
    /// `latest`: as far ahead of the hub's clock as facts may be, because whoever dates it may have
    /// another clock.
    pub fn check(&self, latest: Time) -> Result<(), EditError> {
        match self {
            Self::Assign { from, .. } | Self::ForgetDevice { at: from, .. } if *from > latest => {
                Err(EditError::Ahead { from: *from })
            }
            Self::AddDevice { identity: Identity::Private(_), .. } => Err(EditError::Private),
            Self::AddDevice { identity: it, .. } if it.is_pseudonym() => Err(EditError::Pseudonym),
            Self::AddDevice { name, .. } if !name.is_empty() => shown(name.clone()).map(drop),
            Self::Assign { .. }
            | Self::AddPerson { .. }
            | Self::RenamePerson { .. }
            | Self::RemovePerson { .. }
            | Self::AddDevice { .. }
            | Self::EditDevice { .. }
            | Self::Merge { .. }
            | Self::Ungroup { .. }
            | Self::ForgetDevice { .. }
            | Self::AddPlace { .. }
            | Self::RenamePlace { .. }
            | Self::RemovePlace { .. }
            | Self::PlaceMonitor { .. }
            | Self::Enrol(_)
            | Self::Revoke { .. }
            | Self::Override { .. }
            | Self::ClearOverride { .. } => Ok(()),
        }
    }
}

impl Directory {
    /// Applies one edit, or refuses it and changes nothing.
    pub fn apply(&mut self, edit: Edit) -> Result<(), EditError> {
        match edit {
            Edit::AddPerson { name, display } => self.add_person(name, display)?,
            Edit::RenamePerson { person, display } => {
                self.person_mut(person)?.display = shown(display)?;
            }
            Edit::RemovePerson { person } => self.remove_person(person)?,
            // Only who numbers identities can make a device of one.
            Edit::AddDevice { identity, .. } => {
                return Err(EditError::Missing { what: "device", given: identity.to_string() });
            }
            Edit::EditDevice { device, name, kind, mark, carried } => {
                let name = name.map(|it| if it.is_empty() { Ok("".into()) } else { shown(it) });
                let name = name.transpose()?;
                let entry = self.device_mut(device)?;
                entry.name = name.unwrap_or_else(|| entry.name.clone());
                entry.kind = kind.unwrap_or(entry.kind);
                entry.mark = mark.unwrap_or(entry.mark);
                entry.carried = carried.unwrap_or(entry.carried);
            }
            Edit::Assign { device, person, from } => self.assign(device, person, from)?,
            Edit::Merge { from, into } => self.merge(from, into)?,
            Edit::Ungroup { identity } => {
                self.groups.remove(&identity);
            }
            Edit::ForgetDevice { device, at } => self.forget(device, at)?,
            Edit::AddPlace { name, parent } => self.add_place(name, parent)?,
            Edit::RenamePlace { place, name } => self.rename_place(place, name)?,
            Edit::RemovePlace { place } => self.remove_place(place)?,
            Edit::PlaceMonitor { monitor, place } => {
                self.place(place)?;
                self.monitors.insert(monitor.into(), place);
            }
            Edit::Enrol(it) => self.enrol(it)?,
            Edit::Revoke { monitor, at } => self.revoke(&monitor, at)?,
            Edit::Override { person, set } => {
                self.person_mut(person)?;
                if set.until <= set.at || set.until.since(set.at) > MAX_OVERRIDE {
                    return Err(EditError::Expiry);
                }
                self.end_override(person, set.at);
                let all = self.overrides.entry(person).or_default();
                if all.len() >= Override::MAX_KEPT {
                    all.remove(0);
                }
                all.push(set);
            }
            Edit::ClearOverride { person, at } => {
                self.person_mut(person)?;
                self.end_override(person, at);
            }
        }
        self.version += 1;
        Ok(())
    }

    fn add_person(&mut self, name: String, display: String) -> Result<(), EditError> {
        let sound = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"_-".contains(&it);
        if name.is_empty() || name.len() > 32 || !name.bytes().all(sound) {
            return Err(EditError::PersonName { given: name });
        }
        if self.person_named(&name).is_some() {
            return Err(EditError::Taken { what: "person with this short name", given: name });
        }
        room(self.people.len())?;
        let display = if display.is_empty() { name.clone() } else { display };
        let person = Person { name: name.into(), display: shown(display)? };
        self.last_person = PersonId(next(self.last_person.0)?);
        self.people.insert(self.last_person, person);
        Ok(())
    }

    fn remove_person(&mut self, person: PersonId) -> Result<(), EditError> {
        self.person_mut(person)?;
        self.people.remove(&person);
        self.overrides.remove(&person);
        for device in self.devices.values_mut() {
            for owner in &mut device.owners {
                owner.person = owner.person.filter(|it| *it != person);
            }
        }
        Ok(())
    }

    fn end_override(&mut self, person: PersonId, at: Time) {
        let last = self.overrides.get_mut(&person).and_then(|it| it.last_mut());
        if let Some(last) = last {
            last.until = last.until.min(at);
        }
    }

    fn assign(
        &mut self,
        device: DeviceId,
        person: Option<PersonId>,
        from: Time,
    ) -> Result<(), EditError> {
        if let Some(person) = person {
            self.person_mut(person)?;
        }
        let owners = &mut self.device_mut(device)?.owners;
        let kept = owners.partition_point(|it| it.from < from);
        let goes_on = kept.checked_sub(1).and_then(|it| owners.get(it));
        let changes = goes_on.map(|it| it.person) != Some(person);
        if changes && kept >= Device::MAX_OWNERS {
            return Err(EditError::Full);
        }
        owners.truncate(kept);
        owners.extend(changes.then_some(Ownership { from, person }));
        Ok(())
    }

    fn merge(&mut self, from: DeviceId, into: DeviceId) -> Result<(), EditError> {
        if from == into {
            return Err(EditError::Itself);
        }
        for device in [from, into] {
            if self.device_of(IdentityId(device.0)) != device {
                return Err(EditError::Missing { what: "device", given: device.to_string() });
            }
        }
        let parts = self.identities_of(from);
        room(self.groups.len() + parts.len() - 1)?;
        self.groups.extend(parts.into_iter().map(|it| (it, into)));
        Ok(())
    }

    fn forget(&mut self, device: DeviceId, at: Time) -> Result<(), EditError> {
        if self.devices.get(&device).is_some_and(|it| !it.owners.is_empty()) {
            self.assign(device, None, at)?;
            self.device_mut(device)?.name = "".into();
            return Ok(());
        }
        for part in self.identities_of(device) {
            self.groups.remove(&part);
            // What it was called before it was put into another one goes as well.
            self.devices.remove(&part.own_device());
        }
        self.devices.remove(&device);
        Ok(())
    }

    fn add_place(&mut self, name: String, parent: Option<PlaceId>) -> Result<(), EditError> {
        self.free_place_name(&name)?;
        if let Some(parent) = parent {
            self.place(parent)?;
            let limit = Place::MAX_DEPTH;
            if self.depth_of(parent) >= limit {
                return Err(EditError::Deep { limit });
            }
        }
        room(self.places.len())?;
        let place = Place { name: shown(name)?, parent };
        self.last_place = PlaceId(next(self.last_place.0)?);
        self.places.insert(self.last_place, place);
        Ok(())
    }

    fn rename_place(&mut self, id: PlaceId, name: String) -> Result<(), EditError> {
        self.place(id)?;
        if self.places.iter().any(|(it, place)| *it != id && *place.name == *name) {
            return Err(EditError::Taken { what: "place with this name", given: name });
        }
        let name = shown(name)?;
        if let Some(place) = self.places.get_mut(&id) {
            place.name = name;
        }
        Ok(())
    }

    fn remove_place(&mut self, id: PlaceId) -> Result<(), EditError> {
        let place = self.place(id)?;
        if id == Self::FIRST_SITE {
            let what = "every monitor that stands nowhere else";
            return Err(EditError::InUse { what, given: place.name.to_string() });
        }
        if let Some(inner) = self.places.values().find(|it| it.parent == Some(id)) {
            return Err(EditError::InUse { what: "a place", given: inner.name.to_string() });
        }
        if let Some((monitor, _)) = self.monitors.iter().find(|(_, it)| **it == id) {
            return Err(EditError::InUse { what: "a monitor", given: monitor.to_string() });
        }
        self.places.remove(&id);
        Ok(())
    }

    fn free_place_name(&self, name: &str) -> Result<(), EditError> {
        if self.places.values().any(|it| &*it.name == name) {
            return Err(EditError::Taken { what: "place with this name", given: name.to_owned() });
        }
        Ok(())
    }

    pub(super) fn place(&self, id: PlaceId) -> Result<&Place, EditError> {
        let missing = || EditError::Missing { what: "place", given: id.to_string() };
        self.places.get(&id).ok_or_else(missing)
    }

    fn person_mut(&mut self, id: PersonId) -> Result<&mut Person, EditError> {
        let missing = || EditError::Missing { what: "person", given: id.to_string() };
        self.people.get_mut(&id).ok_or_else(missing)
    }

    fn device_mut(&mut self, id: DeviceId) -> Result<&mut Device, EditError> {
        if !self.devices.contains_key(&id) {
            room(self.devices.len())?;
        }
        Ok(self.devices.entry(id).or_default())
    }
}

fn shown(text: String) -> Result<Box<str>, EditError> {
    let count = text.chars().count();
    if !(1..=64).contains(&count) || !is_legible(&text) {
        return Err(EditError::Text { given: text });
    }
    Ok(text.into())
}

/// The number after the highest that was ever given.
fn next(last: u32) -> Result<u32, EditError> {
    last.checked_add(1).ok_or(EditError::Full)
}

fn room(taken: usize) -> Result<(), EditError> {
    if taken < Directory::MAX_ENTRIES { Ok(()) } else { Err(EditError::Full) }
}

const MAX_OVERRIDE: Duration = Duration::from_hours(168);
