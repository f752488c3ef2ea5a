//! Who is connected, by the controller's word: evidence for as long as the link lasts.

use std::collections::{BTreeMap, BTreeSet};

use muster_core::identity::Mac;

/// The links of one adapter.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<u16, Mac>);

impl Links {
    /// A link to a device began.
    pub(super) fn begun(&mut self, handle: u16, mac: Mac) {
        if self.0.len() < MOST || self.0.contains_key(&handle) {
            self.0.insert(handle, mac);
        }
    }

    /// A link ended: whose it was, unless another to the same goes on.
    pub(super) fn ended(&mut self, handle: u16) -> Option<Mac> {
        let mac = self.0.remove(&handle)?;
        self.0.values().all(|it| *it != mac).then_some(mac)
    }

    /// Everybody who is connected.
    pub(super) fn all(&self) -> Vec<Mac> {
        self.0.values().copied().collect()
    }

    /// The kernel's own list: what it has that nobody told of is there, and what it no longer has is
    /// gone. Who that is.
    pub(super) fn are(&mut self, list: impl IntoIterator<Item = (u16, Mac)>) -> BTreeSet<Mac> {
        let before: BTreeSet<Mac> = self.0.values().copied().collect();
        self.0 = list.into_iter().take(MOST).collect();
        before.into_iter().filter(|it| self.0.values().all(|mac| mac != it)).collect()
    }

    /// The adapter went off.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Connection handles are twelve bits (Core Specification, Vol 4, Part E, 5.4.2).
const MOST: usize = 0x1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_connected_until_its_last_link_ends() {
        let (anna, mut links) = (Mac([1; 6]), Links::default());
        links.begun(11, anna);
        links.begun(12, anna);
        assert_eq!(links.ended(11), None);
        assert_eq!(links.all(), [anna]);
        assert_eq!(links.ended(12), Some(anna));
        assert_eq!(links.ended(12), None);
        links.begun(1, anna);
        links.clear();
        assert!(links.all().is_empty());
    }

    #[test]
    fn the_kernels_list_makes_up_for_what_was_missed() {
        let (anna, ben, mut links) = (Mac([1; 6]), Mac([2; 6]), Links::default());
        assert!(links.are([(11, anna)]).is_empty());
        assert_eq!(links.all(), [anna], "older than whoever asks");
        assert!(links.are([(12, anna), (13, ben)]).is_empty(), "another link to the same");
        assert_eq!(links.are([(12, anna)]), BTreeSet::from([ben]), "its end was missed");
        assert_eq!(links.ended(13), None, "told late");
        assert_eq!(links.ended(12), Some(anna));
    }
}
