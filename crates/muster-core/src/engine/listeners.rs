//! Which listeners hear: when one goes dark, and when it hears again.

use crate::change::{Change, ChangeKind};
use crate::identity::ListenerId;
use crate::time::Time;

use super::Engine;

/// What has been told of a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ListenerState {
    /// Whether it has been found out to be dark.
    pub(super) dark: bool,
}

impl Engine {
    /// Up to when a listener is known to have heard.
    pub(super) fn covered_to(&self, id: ListenerId) -> Option<Time> {
        self.book.heard_by(id)?.coverage.last().map(|it| it.to)
    }

    /// When a listener counts as dark unless its coverage goes on; none: it never heard. One that
    /// still heard when a hub ended has as much time again after the next start; one that was dark
    /// stays so until it hears.
    pub(super) fn dark_at(&self, id: ListenerId) -> Option<Time> {
        let covered = self.covered_to(id)?;
        let to = if self.is_dark(id) { covered } else { covered.max(self.resumed) };
        Some(to + self.policy.dark_after(self.book.heard_by(id)?.listener.source))
    }

    /// The next time at which a listener that hears would go dark.
    pub(super) fn next_dark(&self) -> Option<Time> {
        let hearing = self.listeners.iter().filter(|(_, it)| !it.dark);
        hearing.filter_map(|(id, _)| self.dark_at(*id)).filter(|it| *it > self.frontier).min()
    }

    pub(super) fn is_dark(&self, id: ListenerId) -> bool {
        self.listeners.get(&id).is_some_and(|it| it.dark)
    }

    /// Whether a listener is known to hear at the moment.
    pub(super) fn hears(&self, id: ListenerId) -> bool {
        !self.is_dark(id) && self.covered_to(id).is_some()
    }

    /// Whether a listener that never told that it hears has been silent for so long that it may have failed
    /// right behind what it brought last.
    pub(super) fn is_doubted(&self, id: ListenerId, last: Time) -> bool {
        let Some(heard) = self.book.heard_by(id) else { return false };
        let after = self.policy.dark_after(heard.listener.source);
        heard.coverage.last().is_none() && last + after <= self.frontier
    }

    /// Finds out who went dark and who is back, and what that means for the present.
    pub(super) fn listen(&mut self) {
        let ids: Vec<ListenerId> = self.book.listeners().map(|(id, _)| id).collect();
        for id in ids {
            let Some(dark_at) = self.dark_at(id) else { continue };
            let dark = dark_at <= self.frontier;
            let first = !self.listeners.contains_key(&id);
            let state = self.listeners.entry(id).or_default();
            if state.dark == dark && !first {
                continue;
            }
            state.dark = dark;
            let name = self.book.heard_by(id).map(|it| it.listener.to_string());
            let (kind, at) = if dark {
                (ChangeKind::Dark, self.covered_to(id).unwrap_or(self.frontier))
            } else {
                (ChangeKind::Covered, self.frontier)
            };
            let mut change = Change::new(kind, at, self.frontier);
            change.source = self.book.heard_by(id).map(|it| it.listener.source);
            change.reason = name.unwrap_or_default().into();
            change.quiet = first;
            self.tell(change);
            self.restand_all(id);
        }
    }

    /// The present that this listener decides about may have become unknown, or known.
    fn restand_all(&mut self, id: ListenerId) {
        let decides = |it: &super::device::DeviceState| {
            it.tail.as_ref().is_some_and(|it| it.decisive.iter().any(|it| it.listener == id))
        };
        let devices: Vec<_> =
            self.devices.iter().filter(|(_, it)| decides(it)).map(|(id, _)| id).collect();
        for device in devices {
            self.restand(device);
        }
    }
}
