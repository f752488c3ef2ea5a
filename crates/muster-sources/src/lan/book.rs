//! Who has which address on one link, and who answers for others.
//!
//! **Invariant:** an address belongs to one station at a time. Another one that claims it while the
//! owner is fresh does not become the owner, unless it was just given the address. That it speaks
//! for the owner is certain only when it keeps another IPv4 address beside it: a host that was
//! renumbered gives its old one up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use muster_core::fact::DetailKind;
use muster_core::identity::Mac;

/// What was claimed, seen in the light of what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The address is the claimant's.
    Own,
    /// The address is that of another station.
    Contested,
    /// The claimant answers for so many addresses that none can be called its own.
    Unclear,
}

/// The memory of one link.
#[derive(Debug, Default)]
pub(super) struct Book {
    owners: BTreeMap<IpAddr, Owner>,
    stations: BTreeMap<Mac, Station>,
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    mac: Mac,
    at: Duration,
}

#[derive(Debug, Default)]
struct Station {
    heard: Duration,
    /// IPv4 addresses claimed lately.
    claimed: BTreeMap<IpAddr, Duration>,
    /// Addresses of others that it claimed lately: whose, and when.
    contested: BTreeMap<IpAddr, (Mac, Duration)>,
    /// What DHCP has or will have given it.
    leased: Option<IpAddr>,
    told: BTreeMap<(DetailKind, Box<str>), Duration>,
    sighted: Option<Duration>,
}

impl Book {
    /// `mac` says that it has `ip`.
    pub(super) fn claim(&mut self, mac: Mac, ip: IpAddr, now: Duration) -> Claim {
        let station = self.station(mac, now);
        if ip.is_ipv4() {
            station.claimed.retain(|_, at| *at + FRESH > now);
            if station.claimed.len() < MAX_CLAIMS {
                station.claimed.insert(ip, now);
            }
        }
        let many = station.claimed.len() >= PROXY_ADDRESSES;
        let leased = station.leased == Some(ip);
        let owner = self.owners.get(&ip).copied().filter(|it| it.at + FRESH > now);
        match owner {
            Some(owner) if owner.mac != mac && !leased => {
                let contested = &mut self.station(mac, now).contested;
                if contested.len() < MAX_CLAIMS {
                    contested.insert(ip, (owner.mac, now));
                }
                Claim::Contested
            }
            _ if many => Claim::Unclear,
            _ => {
                self.station(mac, now).contested.remove(&ip);
                if self.owners.len() < MAX_ADDRESSES || self.owners.contains_key(&ip) {
                    self.owners.insert(ip, Owner { mac, at: now });
                }
                Claim::Own
            }
        }
    }

    /// Those for whom `mac` certainly speaks, now that it claims `ip`.
    pub(super) fn speaks_for(&mut self, mac: Mac, ip: IpAddr, now: Duration) -> Vec<Mac> {
        let contested = &mut self.station(mac, now).contested;
        contested.retain(|_, (_, at)| *at + FRESH > now);
        // Nobody is given another's IPv6 address.
        let certain = |other: &IpAddr| *other != ip || other.is_ipv6();
        contested.iter().filter(|it| certain(it.0)).map(|it| it.1.0).collect()
    }

    /// By DHCP `mac` asked for this address or was given it: when it claims it, it is its own.
    pub(super) fn lease(&mut self, mac: Mac, ip: IpAddr, now: Duration) {
        self.station(mac, now).leased = Some(ip);
    }

    /// The engine knows this address as that of `mac`, from earlier days.
    pub(super) fn recall(&mut self, mac: Mac, ip: IpAddr, now: Duration) {
        if self.owners.len() < MAX_ADDRESSES {
            self.owners.entry(ip).or_insert(Owner { mac, at: now });
        }
    }

    /// Whose address it is, as far as known.
    pub(super) fn owner(&self, ip: IpAddr) -> Option<Mac> {
        self.owners.get(&ip).map(|it| it.mac)
    }

    /// Whether the station was heard or spoken of here.
    pub(super) fn knows(&self, mac: Mac) -> bool {
        self.stations.contains_key(&mac)
    }

    /// Who was last heard in this time, both ends included.
    pub(super) fn company(&self, from: Duration, to: Duration) -> BTreeSet<Mac> {
        let then = |it: &Station| it.sighted.is_some_and(|at| from <= at && at <= to);
        self.stations.iter().filter(|(_, it)| then(it)).map(|(mac, _)| *mac).collect()
    }

    /// Whether the station answers for more addresses than one host has.
    pub(super) fn is_proxy(&self, mac: Mac, now: Duration) -> bool {
        let fresh = |it: &Station| it.claimed.values().filter(|at| **at + FRESH > now).count();
        self.stations.get(&mac).is_some_and(|it| fresh(it) >= PROXY_ADDRESSES)
    }

    /// Whether a sighting of `mac` is worth telling: not told for [`REPEAT`].
    pub(super) fn is_news(&mut self, mac: Mac, now: Duration) -> bool {
        let station = self.station(mac, now);
        let news = station.sighted.is_none_or(|it| it + REPEAT <= now);
        if news {
            station.sighted = Some(now);
        }
        news
    }

    /// Whether this detail of `mac` is worth telling: new, or not told for an hour.
    pub(super) fn is_news_that(
        &mut self,
        mac: Mac,
        kind: DetailKind,
        value: &str,
        now: Duration,
    ) -> bool {
        let told = &mut self.station(mac, now).told;
        let key = (kind, Box::from(value));
        if told.get(&key).is_some_and(|at| *at + RETELL > now) {
            return false;
        }
        told.retain(|(other, _), at| is_address(*other) == is_address(kind) || *at + RETELL > now);
        if !is_address(kind) {
            // Only the newest of these is kept; what it replaced is news when it comes back.
            told.retain(|(other, _), _| *other != kind);
        } else if told.len() >= MAX_TOLD {
            told.clear();
        }
        told.insert(key, now);
        true
    }

    fn station(&mut self, mac: Mac, now: Duration) -> &mut Station {
        if self.stations.len() >= MAX_STATIONS && !self.stations.contains_key(&mac) {
            self.forget_the_oldest();
        }
        let station = self.stations.entry(mac).or_default();
        station.heard = now;
        station
    }

    fn forget_the_oldest(&mut self) {
        let mut ages: Vec<Duration> = self.stations.values().map(|it| it.heard).collect();
        ages.sort_unstable();
        let limit = ages.get(ages.len() / 4).copied().unwrap_or_default();
        self.stations.retain(|_, it| it.heard > limit);
        self.owners.retain(|_, it| self.stations.contains_key(&it.mac));
    }
}

fn is_address(kind: DetailKind) -> bool {
    matches!(kind, DetailKind::Ipv4 | DetailKind::Ipv6)
}

/// How long an address stays with its owner after the owner's last claim.
const FRESH: Duration = Duration::from_mins(10);
/// One host has one or two IPv4 addresses on a link; a station with so many speaks for others.
const PROXY_ADDRESSES: usize = 4;
/// Enough to know a proxy by.
const MAX_CLAIMS: usize = 16;
/// A sighting covers 30 s, so telling it again within this adds nothing.
const REPEAT: Duration = Duration::from_secs(1);
const RETELL: Duration = Duration::from_hours(1);
/// Details remembered as told, of one station.
const MAX_TOLD: usize = 24;
/// A forger of addresses on the link can fill the book, not the memory.
const MAX_STATIONS: usize = 16_384;
const MAX_ADDRESSES: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const BEN: Mac = Mac([2, 0, 0, 0, 0, 2]);
    const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 9]);

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_fresh_owner_keeps_its_address() {
        let mut book = Book::default();
        assert_eq!(book.claim(ANNA, ip(1), at(0)), Claim::Own);
        assert_eq!(book.claim(ROUTER, ip(9), at(0)), Claim::Own);
        assert_eq!(book.claim(ROUTER, ip(1), at(300)), Claim::Contested);
        assert_eq!(book.claim(ROUTER, ip(1), at(601)), Claim::Own, "it was given a new owner");
        book.recall(ANNA, ip(5), at(601));
        assert_eq!(book.claim(ROUTER, ip(5), at(700)), Claim::Contested);
    }

    #[test]
    fn who_keeps_its_own_address_beside_anothers_speaks_for_it() {
        let mut book = Book::default();
        book.claim(ANNA, ip(1), at(0));
        book.claim(ROUTER, ip(9), at(0));
        assert_eq!(book.claim(ROUTER, ip(1), at(10)), Claim::Contested);
        assert_eq!(book.speaks_for(ROUTER, ip(1), at(10)), [], "it may have been renumbered");
        assert_eq!(book.claim(ROUTER, ip(9), at(20)), Claim::Own);
        assert_eq!(book.speaks_for(ROUTER, ip(9), at(20)), [ANNA], "it was not");
        assert_eq!(book.speaks_for(ROUTER, ip(9), at(700)), [], "it stopped doing so");
    }

    #[test]
    fn two_that_were_renumbered_speak_for_themselves() {
        let mut book = Book::default();
        book.claim(ANNA, ip(1), at(0));
        book.claim(BEN, ip(2), at(0));
        for second in 10..1000 {
            for (mac, ip) in [(ANNA, ip(2)), (BEN, ip(1))] {
                let claim = book.claim(mac, ip, at(second));
                let want = if second < 600 { Claim::Contested } else { Claim::Own };
                assert_eq!(claim, want, "{second}");
                assert_eq!(book.speaks_for(mac, ip, at(second)), [], "{second}");
            }
        }
        book.lease(BEN, ip(7), at(1000));
        book.claim(ANNA, ip(7), at(1000));
        assert_eq!(book.claim(BEN, ip(7), at(1001)), Claim::Own, "it was given it by DHCP");
        assert_eq!(book.owner(ip(7)), Some(BEN));
    }

    #[test]
    fn who_answers_for_everybody_owns_nothing() {
        let mut book = Book::default();
        for last in 1..=3 {
            assert_eq!(book.claim(ROUTER, ip(last), at(0)), Claim::Own);
        }
        assert!(!book.is_proxy(ROUTER, at(0)));
        assert_eq!(book.claim(ROUTER, ip(4), at(0)), Claim::Unclear);
        assert!(book.is_proxy(ROUTER, at(0)));
        assert!(!book.is_proxy(ROUTER, at(1000)), "it stopped doing so");
    }

    #[test]
    fn news_is_told_once() {
        let mut book = Book::default();
        assert!(book.is_news(ANNA, at(5)));
        assert!(!book.is_news(ANNA, at(5)));
        assert!(book.is_news(ANNA, at(6)));
        let name = DetailKind::Hostname;
        assert!(book.is_news_that(ANNA, name, "one", at(0)));
        assert!(!book.is_news_that(ANNA, name, "one", at(1)));
        assert!(book.is_news_that(ANNA, name, "two", at(2)));
        assert!(book.is_news_that(ANNA, name, "one", at(3)), "it changed back");
        assert!(book.is_news_that(ANNA, DetailKind::Ipv4, "10.0.0.1", at(4)));
        assert!(!book.is_news_that(ANNA, name, "one", at(5)));
        assert!(book.is_news_that(ANNA, name, "one", at(4000)));
    }

    #[test]
    fn the_book_has_an_end() {
        let mut book = Book::default();
        for n in 0..40_000_u32 {
            let [_, a, b, c] = n.to_be_bytes();
            let mac = Mac([2, 0, 0, a, b, c]);
            book.claim(mac, IpAddr::from([10, a, b, c]), Duration::from_micros(n.into()));
            assert!(book.stations.len() <= MAX_STATIONS);
        }
        assert!(book.owners.len() <= MAX_ADDRESSES);
    }
}
