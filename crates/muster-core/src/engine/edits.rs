//! What an edit of the directory means for what was judged.

use crate::change::{Change, ChangeKind};
use crate::directory::{Directory, Edit, EditError};
use crate::identity::{DeviceId, IdentityId, PersonId};
use crate::stay::Subject;
use crate::time::Time;

use super::Engine;

impl Engine {
    /// Applies an edit and notes who must be judged again.
    pub(super) fn edit(&mut self, edit: Edit) -> Result<(), EditError> {
        let edit = self.numbered(edit)?;
        let touched = self.touched(&edit)?;
        self.refuse_pseudonym(&edit)?;
        let told = self.telling(&edit);
        let people: Vec<PersonId> = self.directory.people.keys().copied().collect();
        let meant = self.meant_from(&edit);
        self.directory.apply(edit)?;
        self.outbox.directory = true;
        if let Some(from) = meant {
            self.reach_back(from, &touched);
        }
        for id in touched {
            self.devices.of(id).rejudge_from(Time::MIN);
            self.urgent.insert(id);
        }
        self.voters.extend(people);
        self.voters.extend(self.directory.people.keys().copied());
        if let Some(change) = told {
            self.tell(change);
        }
        Ok(())
    }

    /// Gives the identity that an edit adds its number. No listener brought it, so it counts against
    /// none.
    fn numbered(&mut self, edit: Edit) -> Result<Edit, EditError> {
        let Edit::AddDevice { identity, name } = edit else { return Ok(edit) };
        if self.directory.devices.len() >= Directory::MAX_ENTRIES {
            return Err(EditError::Full);
        }
        let id = self.book.invite(&identity, &self.policy).ok_or(EditError::Full)?;
        let device = self.directory.device_of(id);
        let name = Some(name).filter(|it| !it.is_empty());
        Ok(Edit::EditDevice { device, name, kind: None, mark: None, carried: None })
    }

    /// The devices whose stays an edit can change.
    fn touched(&self, edit: &Edit) -> Result<Vec<DeviceId>, EditError> {
        Ok(match edit {
            Edit::EditDevice { device, .. } | Edit::Assign { device, .. } => {
                self.known(*device)?;
                vec![*device]
            }
            Edit::Merge { from, into } => {
                self.known(*from)?;
                self.known(*into)?;
                vec![*from, *into]
            }
            Edit::Ungroup { identity } => {
                self.known(identity.own_device())?;
                vec![self.directory.device_of(*identity), identity.own_device()]
            }
            Edit::ForgetDevice { device, .. } => {
                self.known(*device)?;
                let parts = self.directory.identities_of(*device);
                parts.into_iter().map(IdentityId::own_device).chain([*device]).collect()
            }
            Edit::PlaceMonitor { .. } | Edit::RemovePlace { .. } => self.devices.ids().collect(),
            Edit::Enrol(it) if it.place.is_some() => self.devices.ids().collect(),
            Edit::AddPerson { .. }
            | Edit::AddDevice { .. }
            | Edit::RenamePerson { .. }
            | Edit::RemovePerson { .. }
            | Edit::AddPlace { .. }
            | Edit::RenamePlace { .. }
            | Edit::Enrol(_)
            | Edit::Revoke { .. }
            | Edit::Override { .. }
            | Edit::ClearOverride { .. } => Vec::new(),
        })
    }

    /// Refuses to describe whom nobody can be told apart from the next stranger tomorrow; forgetting one
    /// is no description.
    fn refuse_pseudonym(&self, edit: &Edit) -> Result<(), EditError> {
        let described = match edit {
            Edit::EditDevice { device, .. } | Edit::Assign { device, .. } => vec![*device],
            Edit::Merge { from, into } => vec![*from, *into],
            Edit::Ungroup { .. }
            | Edit::ForgetDevice { .. }
            | Edit::PlaceMonitor { .. }
            | Edit::RemovePlace { .. }
            | Edit::Enrol(_)
            | Edit::AddPerson { .. }
            | Edit::AddDevice { .. }
            | Edit::RenamePerson { .. }
            | Edit::RemovePerson { .. }
            | Edit::AddPlace { .. }
            | Edit::RenamePlace { .. }
            | Edit::Revoke { .. }
            | Edit::Override { .. }
            | Edit::ClearOverride { .. } => Vec::new(),
        };
        let is_one = |it: &DeviceId| {
            let entry = self.book.entry(IdentityId(it.0));
            entry.is_some_and(|entry| entry.identity.is_pseudonym())
        };
        if described.iter().any(is_one) { Err(EditError::Pseudonym) } else { Ok(()) }
    }

    fn known(&self, device: DeviceId) -> Result<(), EditError> {
        if self.knows(device) {
            Ok(())
        } else {
            Err(EditError::Missing { what: "device", given: device.to_string() })
        }
    }

    /// Whether an identity names this device.
    pub(super) fn knows(&self, device: DeviceId) -> bool {
        device.0 > 0 && self.book.entry(IdentityId(device.0)).is_some()
    }

    /// The change that tells of the edit itself.
    fn telling(&self, edit: &Edit) -> Option<Change> {
        let now = self.frontier;
        match edit {
            Edit::Assign { device, person, from } => {
                let mut change = Change::new(ChangeKind::Assigned, *from, now);
                change.subject = Some(Subject::Device(*device));
                change.owner = *person;
                Some(change)
            }
            Edit::Override { person, set } => {
                let mut change = Change::new(ChangeKind::Overridden, set.at, now);
                change.subject = Some(Subject::Person(*person));
                change.until = Some(set.until);
                let word = if set.home { "home" } else { "away" };
                change.reason = format!("{word} by {}", set.by).into();
                Some(change)
            }
            Edit::ClearOverride { person, at } => {
                let mut change = Change::new(ChangeKind::OverrideEnded, *at, now);
                change.subject = Some(Subject::Person(*person));
                change.reason = "taken back".into();
                Some(change)
            }
            Edit::AddPerson { .. }
            | Edit::RenamePerson { .. }
            | Edit::RemovePerson { .. }
            | Edit::AddDevice { .. }
            | Edit::EditDevice { .. }
            | Edit::Merge { .. }
            | Edit::Ungroup { .. }
            | Edit::ForgetDevice { .. }
            | Edit::AddPlace { .. }
            | Edit::RenamePlace { .. }
            | Edit::RemovePlace { .. }
            | Edit::PlaceMonitor { .. }
            | Edit::Enrol(_)
            | Edit::Revoke { .. } => None,
        }
    }
}
