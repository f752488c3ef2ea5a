//! Keeps memory bounded: facts and stays that are old enough live in the store alone.

use crate::batch::HOUR;
use crate::identity::DeviceId;
use crate::people::Hold;

use super::Engine;

impl Engine {
    /// Forgets what is older than the policy's memory, an hour at a time.
    pub(super) fn trim(&mut self) {
        let since = Self::since(&self.policy, self.frontier);
        if since < self.book.since + HOUR {
            return;
        }
        self.floor = since + self.policy.lead;
        let devices: Vec<DeviceId> = self.devices.ids().collect();
        for id in devices {
            self.rebase(id);
        }
        self.book.forget_before(since);
        for state in self.people.values_mut() {
            let Some(last) = state.stays.iter().rposition(|it| it.from < self.floor) else {
                continue;
            };
            state.stays.drain(..last);
            state.record = state.stays.first().map(|it| {
                let mut record = it.clone();
                let held = Hold::of_record(it, self.floor);
                record.last = held.stay.last;
                record
            });
        }
        let floor = self.floor;
        self.told_conflicts.retain(|(_, _, at)| *at >= floor);
    }
}
