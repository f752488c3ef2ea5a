//! At which addresses a station can be asked on a link, and what its silence there is worth.
//!
//! Pure. Best are addresses of the link's own networks. Where frames of our own may be sent, an
//! address of another network serves as well, for ARP and neighbour solicitation know no networks:
//! a house keeps such addresses after its router was replaced, or when somebody set them by hand.
//! Of a station without any known address only a guess can be asked: the link-local address made
//! from its link-layer one. A guess can be answered, but silence at it tells nothing.

use std::net::{IpAddr, Ipv6Addr};

use muster_config::lan::LanSettings;
use muster_core::identity::Mac;

use super::links::Link;

/// What a link and its asker allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'a> {
    pub(super) link: &'a Link,
    pub(super) settings: &'a LanSettings,
    /// Frames of our own are sent; otherwise the kernel asks, which it does only for its networks.
    pub(super) frames: bool,
}

/// Where to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doors {
    /// Most promising first; none: it cannot be asked.
    pub(super) ips: Vec<IpAddr>,
    /// The station was known to answer there, so its silence is one.
    pub(super) sure: bool,
}

impl Reach<'_> {
    /// Where `mac`, last known at `ips`, can be asked; none: this link has nothing to do with it.
    ///
    /// `at_home`: as far as is known it is on this link. Link-local addresses and those of other
    /// networks say nothing about where it is.
    pub(super) fn doors(&self, mac: Mac, ips: &[IpAddr], at_home: bool) -> Option<Doors> {
        let speakable = |ip: &IpAddr| {
            !ip.is_multicast() && !ip.is_unspecified() && !ip.is_loopback() && !self.link.owns(*ip)
        };
        let local = |ip: &IpAddr| matches!(ip, IpAddr::V6(it) if it.is_unicast_link_local());
        // The kernel cannot ask by IPv6 without an own address.
        let speaks = |ip: &IpAddr| self.frames || ip.is_ipv4() || self.link.source_v6().is_some();
        let ips: Vec<IpAddr> = ips.iter().copied().filter(speakable).collect();
        let forbidden = ips.iter().any(|it| self.settings.excludes(*it));
        let allowed = ips.iter().filter(|it| !self.settings.excludes(**it) && speaks(it));
        let (near, far): (Vec<IpAddr>, Vec<IpAddr>) =
            allowed.partition(|it| self.link.reaches(**it) && (at_home || !local(it)));
        if !near.is_empty() {
            return Some(Doors::sure(near));
        }
        if !at_home {
            return None;
        }
        if self.frames && !far.is_empty() {
            return Some(Doors::sure(far));
        }
        let guess = IpAddr::V6(link_local(mac));
        let ask_it = self.frames && !forbidden && !self.settings.excludes(guess);
        let ips = if ask_it { vec![guess] } else { Vec::new() };
        Some(Doors { ips, sure: false })
    }
}

impl Doors {
    fn sure(mut ips: Vec<IpAddr>) -> Self {
        ips.sort_by_key(IpAddr::is_ipv6);
        ips.truncate(ADDRESSES_ASKED);
        Self { ips, sure: true }
    }
}

/// The address that a station makes from its link-layer one (RFC 4291, appendix A).
pub(super) fn link_local(mac: Mac) -> Ipv6Addr {
    let [first, second, third, tail @ ..] = mac.0;
    let [fourth, fifth, sixth] = tail;
    let maker = [u16::from_be_bytes([first ^ 2, second]), u16::from_be_bytes([third, 0xff])];
    let number = [u16::from_be_bytes([0xfe, fourth]), u16::from_be_bytes([fifth, sixth])];
    Ipv6Addr::new(0xfe80, 0, 0, 0, maker[0], maker[1], number[0], number[1])
}

/// Of one device: hosts keep several IPv6 addresses, of which some are out of use.
const ADDRESSES_ASKED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: Mac = Mac([0xb8, 0x27, 0xeb, 0, 0, 1]);
    const GUESS: &str = "fe80::ba27:ebff:fe00:1";

    struct Story {
        name: &'static str,
        own: &'static [&'static str],
        frames: bool,
        at_home: bool,
        known: &'static [&'static str],
        doors: Option<(&'static [&'static str], bool)>,
    }

    /// A link as most are, with frames.
    const fn asked(
        name: &'static str,
        known: &'static [&'static str],
        at: &'static [&'static str],
        sure: bool,
    ) -> Story {
        let own = &["10.0.0.1", "fe80::1"];
        Story { name, own, frames: true, at_home: true, known, doors: Some((at, sure)) }
    }

    const V4_ONLY: &[&str] = &["10.0.0.1"];

    #[test]
    fn by_frames() {
        let known = &["fe80::9", "10.0.0.9", "192.168.1.9"];
        let near = &["10.0.0.9", "fe80::9"];
        let far = &["192.168.1.9"];
        check(&asked("the link's networks, IPv4 first, no others", known, near, true));
        check(&asked("another network, when there is no better", far, far, true));
        check(&asked("without any address there is a guess", &[], &[GUESS], false));
        check(&asked("the hub's own address is nobody else's", V4_ONLY, &[GUESS], false));
        check(&asked("nor is who is excluded asked by a guess", &["10.0.0.66"], &[], false));
        let lost = asked("an own address is not needed", &["10.0.0.9"], &["10.0.0.9"], true);
        check(&Story { own: &[], ..lost });
        let four = asked("nor an IPv6 one", &["fe80::9"], &["fe80::9"], true);
        check(&Story { own: V4_ONLY, ..four });
    }

    #[test]
    fn by_the_kernel() {
        let pokes = |it: Story| check(&Story { frames: false, ..it });
        pokes(asked("only in its own networks", &["192.168.1.9"], &[], false));
        pokes(asked("without guesses", &[], &[], false));
        pokes(asked("by IPv6 too", &["fe80::9"], &["fe80::9"], true));
        let mute = asked("but not without an IPv6 address", &["fe80::9"], &[], false);
        pokes(Story { own: V4_ONLY, ..mute });
    }

    #[test]
    fn elsewhere() {
        let known = &["fe80::9", "10.0.0.9", "192.168.1.9"];
        let near = asked("only an address of the link's networks", known, &["10.0.0.9"], true);
        check(&Story { at_home: false, ..near });
        let none = asked("otherwise nothing", &["fe80::9", "192.168.1.9"], &[], false);
        check(&Story { at_home: false, doors: None, ..none });
    }

    fn check(story: &Story) {
        let ips =
            |all: &[&str]| -> Vec<IpAddr> { all.iter().map(|it| it.parse().unwrap()).collect() };
        let length = |ip: &IpAddr| if ip.is_ipv4() { 24 } else { 64 };
        let link = Link {
            index: 2,
            name: "eth0".to_owned(),
            mac: Some(Mac([2, 0, 0, 0, 0, 0x77])),
            addresses: ips(story.own).into_iter().map(|ip| (ip, length(&ip))).collect(),
            gateways: Vec::new(),
            ranges: Vec::new(),
            unswept: Vec::new(),
            deaf: None,
        };
        let exclude = vec!["10.0.0.66".to_owned().try_into().unwrap()];
        let settings = LanSettings { exclude, ..LanSettings::default() };
        let reach = Reach { link: &link, settings: &settings, frames: story.frames };
        let doors = reach.doors(ANNA, &ips(story.known), story.at_home);
        let want = story.doors.map(|(all, sure)| Doors { ips: ips(all), sure });
        assert_eq!(doors, want, "{}", story.name);
    }
}
