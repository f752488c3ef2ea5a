//! The states of all devices, by number.
//!
//! Devices are numbered from one without large holes, so finding one is an index, and taking one
//! out to judge it moves a pointer.

use crate::identity::DeviceId;

use super::device::DeviceState;

/// What the engine keeps of each device, in order of number.
#[derive(Debug, Default)]
pub(super) struct Devices(Vec<Option<Box<DeviceState>>>);

impl Devices {
    pub(super) fn get(&self, id: DeviceId) -> Option<&DeviceState> {
        self.0.get(index(id))?.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: DeviceId) -> Option<&mut DeviceState> {
        self.0.get_mut(index(id))?.as_deref_mut()
    }

    /// The device's state, which begins empty.
    pub(super) fn of(&mut self, id: DeviceId) -> &mut DeviceState {
        self.place(id).get_or_insert_default()
    }

    /// Takes a device out while it is judged.
    pub(super) fn take(&mut self, id: DeviceId) -> Option<Box<DeviceState>> {
        self.0.get_mut(index(id))?.take()
    }

    pub(super) fn put(&mut self, id: DeviceId, state: Box<DeviceState>) {
        *self.place(id) = Some(state);
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = DeviceId> {
        self.iter().map(|(id, _)| id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (DeviceId, &DeviceState)> {
        let numbered = (0..).map(DeviceId).zip(&self.0);
        numbered.filter_map(|(id, it)| it.as_deref().map(|it| (id, it)))
    }

    fn place(&mut self, id: DeviceId) -> &mut Option<Box<DeviceState>> {
        let index = index(id);
        if index >= self.0.len() {
            self.0.resize_with(index + 1, || None);
        }
        &mut self.0[index]
    }
}

fn index(id: DeviceId) -> usize {
    id.0 as usize
}
