//! What the kernel's neighbour table proves: an entry is evidence only if the kernel confirmed it
//! since the last look.
//!
//! The kernel keeps entries long after a device has left, and makes some from mere claims. The age
//! of its last confirmation (an answer, or progress of a connection) tells the difference.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use muster_core::identity::Mac;

use super::netlink::{Entry, State};

/// A neighbour was there at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Confirmed {
    pub(super) mac: Mac,
    pub(super) ip: IpAddr,
    /// When, on the monotonic clock.
    pub(super) at: Duration,
}

/// The table of one link as last seen.
#[derive(Debug)]
pub(super) struct Neighbours {
    entries: BTreeMap<IpAddr, Known>,
    /// When the last complete look began.
    looked: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    mac: Mac,
    confirmed: Duration,
}

impl Neighbours {
    /// A table that nobody has looked at; confirmations of the last [`FIRST_LOOK`] count.
    pub(super) fn new(now: Duration) -> Self {
        Self { entries: BTreeMap::new(), looked: now.saturating_sub(FIRST_LOOK) }
    }

    /// An entry as the kernel describes it now.
    pub(super) fn entry(&mut self, entry: &Entry, now: Duration) -> Option<Confirmed> {
        let mac = entry.mac?;
        let proves = match entry.state {
            State::Reachable | State::Stale | State::Waiting | State::Failed => true,
            // Written by hand or not yet answered: nobody was heard.
            State::Incomplete | State::Fixed => false,
        };
        let confirmed = now.saturating_sub(entry.confirmed_ago?);
        let known = self.entries.get(&entry.ip).filter(|it| it.mac == mac);
        let newest = known.map_or(self.looked, |it| it.confirmed.max(self.looked));
        // The kernel counts in hundredths and one look is not the other's exact age.
        if !proves || confirmed <= newest + SLACK && known.is_some() || confirmed <= self.looked {
            return None;
        }
        if self.entries.len() < MAX_ENTRIES || known.is_some() {
            self.entries.insert(entry.ip, Known { mac, confirmed });
        }
        Some(Confirmed { mac, ip: entry.ip, at: confirmed })
    }

    /// A look that began at `began` is complete: older confirmations are not news any more.
    pub(super) fn complete(&mut self, began: Duration) {
        // A little overlap: an entry confirmed while the look was under way is not lost, and one
        // that was told already is recognised by its own time.
        self.looked = self.looked.max(began.saturating_sub(OVERLAP));
        let looked = self.looked;
        self.entries.retain(|_, it| it.confirmed + OVERLAP > looked);
    }
}

/// Before the first look there was none to compare with: as long as a sighting lasts.
const FIRST_LOOK: Duration = Duration::from_secs(30);
const SLACK: Duration = Duration::from_millis(200);
const OVERLAP: Duration = Duration::from_secs(2);
/// The kernel's own limit is 1,024 unless raised.
const MAX_ENTRIES: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: Mac = Mac([2, 0, 0, 0, 0, 1]);

    fn entry(state: State, ago: u64) -> Entry {
        Entry {
            link: 2,
            ip: IpAddr::from([10, 0, 0, 1]),
            mac: Some(ANNA),
            state,
            confirmed_ago: Some(Duration::from_secs(ago)),
            updated_ago: Some(Duration::ZERO),
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Looks at one entry: (now, state, confirmed so long ago); times proved.
    fn proved(looks: &[(u64, State, u64)]) -> Vec<u64> {
        let mut table = Neighbours::new(at(1000));
        let mut out = Vec::new();
        for &(now, state, ago) in looks {
            out.extend(table.entry(&entry(state, ago), at(now)).map(|it| it.at.as_secs()));
            table.complete(at(now));
        }
        out
    }

    #[test]
    fn only_new_confirmations_count() {
        use State::{Failed, Fixed, Incomplete, Reachable, Stale, Waiting};
        assert_eq!(proved(&[(1000, Reachable, 3), (1005, Stale, 8), (1010, Stale, 13)]), [997]);
        assert_eq!(proved(&[(1000, Reachable, 3), (1005, Reachable, 1)]), [997, 1004]);
        assert_eq!(proved(&[(1000, Stale, 60)]), [0; 0], "an old entry, or a mere claim");
        assert_eq!(proved(&[(1000, Stale, 5), (1005, Waiting, 10), (1010, Failed, 15)]), [995]);
        assert_eq!(proved(&[(1000, Fixed, 0), (1005, Incomplete, 0)]), [0; 0]);
        assert_eq!(
            proved(&[(1000, Reachable, 0), (1020, Reachable, 20), (1040, Reachable, 0)]),
            [1000, 1040]
        );
    }

    #[test]
    fn hundredths_of_a_second_are_no_new_confirmation() {
        let mut table = Neighbours::new(at(1000));
        let mut seen = entry(State::Reachable, 0);
        seen.confirmed_ago = Some(at(1));
        assert!(table.entry(&seen, at(1001)).is_some());
        seen.confirmed_ago = Some(Duration::from_millis(1490));
        assert!(table.entry(&seen, Duration::from_millis(1_001_500)).is_none());
    }

    #[test]
    fn another_station_at_the_same_address_is_news() {
        let mut table = Neighbours::new(at(1000));
        assert!(table.entry(&entry(State::Reachable, 1), at(1000)).is_some());
        let other = Entry { mac: Some(Mac([2, 0, 0, 0, 0, 2])), ..entry(State::Reachable, 1) };
        assert!(table.entry(&other, at(1000)).is_some());
    }
}
