//! Which interfaces are watched, which ranges are swept, and why the others are not.
//!
//! Pure: it is told what the kernel said and answers from the settings. By itself it takes
//! hardware interfaces (and bonds, VLANs and bridges over hardware) that can broadcast; what is
//! virtual or a tunnel leads to other people's machines and is taken only when named.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use muster_config::lan::{LanSettings, Network};
use muster_core::identity::Mac;

use super::netlink::{LinkEntry, Told};

/// What is known of all links.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: BTreeMap<u32, LinkEntry>,
    addresses: BTreeMap<u32, BTreeSet<(IpAddr, u8)>>,
}

/// A link to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) mac: Option<Mac>,
    /// Own addresses with the length of their prefix.
    pub(super) addresses: Vec<(IpAddr, u8)>,
    /// What to sweep on it.
    pub(super) ranges: Vec<Network>,
    /// Attached ranges that are not swept, and why.
    pub(super) unswept: Vec<(Network, &'static str)>,
    /// Why nothing can be heard on it at the moment.
    pub(super) deaf: Option<&'static str>,
}

/// A link that is not watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unwatched {
    pub(super) name: String,
    pub(super) why: String,
    pub(super) hint: Option<String>,
}

impl Links {
    /// Takes in what the kernel told; whether it changed anything here.
    pub(super) fn apply(&mut self, told: &Told) -> bool {
        match told {
            Told::Link(entry) => {
                self.links.insert(entry.index, entry.clone()).as_ref() != Some(entry)
            }
            Told::LinkGone(index) => {
                self.addresses.remove(index);
                self.links.remove(index).is_some()
            }
            Told::Address(index, ip, prefix) => {
                self.addresses.entry(*index).or_default().insert((*ip, *prefix))
            }
            Told::AddressGone(index, ip, prefix) => {
                self.addresses.get_mut(index).is_some_and(|it| it.remove(&(*ip, *prefix)))
            }
            Told::Neighbour(_) | Told::NeighbourGone(..) | Told::Complete(_) | Told::Lost => false,
        }
    }

    /// Link-layer addresses of this machine, on whatever link.
    pub(super) fn own_macs(&self) -> BTreeSet<Mac> {
        self.links.values().filter_map(|it| it.mac).collect()
    }

    /// The links to watch and the others, each in the kernel's order. The loopback is neither.
    pub(super) fn choose(&self, settings: &LanSettings) -> (Vec<Link>, Vec<Unwatched>) {
        let (mut watched, mut others) = (Vec::new(), Vec::new());
        for entry in self.links.values().filter(|it| !it.loopback) {
            match self.refusal(entry, settings) {
                None => watched.push(self.link(entry, settings)),
                Some((why, hint)) => {
                    others.push(Unwatched { name: entry.name.clone(), why, hint });
                }
            }
        }
        for name in &settings.interfaces {
            if !self.links.values().any(|it| it.name == name.as_str()) {
                let why = "there is no such interface".to_owned();
                let hint = Some("list them: ip link".to_owned());
                others.push(Unwatched { name: name.as_str().to_owned(), why, hint });
            }
        }
        (watched, others)
    }

    fn refusal(
        &self,
        entry: &LinkEntry,
        settings: &LanSettings,
    ) -> Option<(String, Option<String>)> {
        if settings.excludes_interface(&entry.name) {
            return Some(("excluded by sources.lan.exclude".to_owned(), None));
        }
        if !entry.ethernet || !entry.broadcast {
            return Some(("it has no neighbours to hear (not a broadcast link)".to_owned(), None));
        }
        if settings.interfaces.iter().any(|it| it.as_str() == entry.name) {
            return None;
        }
        if !settings.interfaces.is_empty() {
            return Some(("not among sources.lan.interfaces".to_owned(), None));
        }
        let hint = || Some(format!("to watch it: sources.lan.interfaces = [\"{}\"]", entry.name));
        if entry.controlled {
            return Some(("part of a bridge or bond".to_owned(), hint()));
        }
        let kind = entry.kind.as_deref()?;
        match kind {
            "bond" | "team" | "vlan" | "macvlan" | "ipvlan" | "macsec" | "dsa" => None,
            // Containers and virtual machines hang from bridges without hardware; such a bridge
            // has a carrier and neighbours, but they are this machine's own guests.
            "bridge" if self.bridges_hardware() => None,
            "bridge" => Some(("a bridge without hardware (containers)".to_owned(), hint())),
            "tun" | "wireguard" | "gre" | "gretap" | "sit" | "ipip" | "vti" | "xfrm" | "vxlan" => {
                Some((format!("a tunnel ({kind})"), hint()))
            }
            _ => Some((format!("virtual ({kind})"), hint())),
        }
    }

    fn bridges_hardware(&self) -> bool {
        self.links.values().any(|it| it.controlled && it.kind.is_none())
    }

    fn link(&self, entry: &LinkEntry, settings: &LanSettings) -> Link {
        let addresses: Vec<_> =
            self.addresses.get(&entry.index).into_iter().flatten().copied().collect();
        let (ranges, unswept) = sweepable(&addresses, settings);
        let deaf = match (entry.up, entry.running) {
            (true, true) => None,
            (true, false) => Some("the link is down: no carrier"),
            (false, _) => Some("the interface is switched off"),
        };
        Link {
            index: entry.index,
            name: entry.name.clone(),
            mac: entry.mac.filter(|it| it.is_station()),
            addresses,
            ranges,
            unswept,
            deaf,
        }
    }
}

impl Link {
    /// Whether `ip` is one of this link's own addresses.
    pub(super) fn owns(&self, ip: IpAddr) -> bool {
        self.addresses.iter().any(|(own, _)| *own == ip)
    }

    /// Whether a neighbour can have `ip` here: it is in an attached prefix, or link-local.
    pub(super) fn reaches(&self, ip: IpAddr) -> bool {
        let local = matches!(ip, IpAddr::V6(it) if it.is_unicast_link_local());
        local || self.addresses.iter().any(|(own, n)| Network::around(*own, *n).contains(ip))
    }

    /// The own address to ask from for `target`.
    pub(super) fn source_v4(&self, target: Ipv4Addr) -> Option<Ipv4Addr> {
        self.addresses.iter().find_map(|(own, n)| match own {
            IpAddr::V4(it) if Network::around(*own, *n).contains(target.into()) => Some(*it),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        })
    }

    /// The own link-local address; every IPv6 question can come from it.
    pub(super) fn source_v6(&self) -> Option<Ipv6Addr> {
        self.addresses.iter().find_map(|(own, _)| match own {
            IpAddr::V6(it) if it.is_unicast_link_local() => Some(*it),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        })
    }
}

type Swept = (Vec<Network>, Vec<(Network, &'static str)>);

fn sweepable(addresses: &[(IpAddr, u8)], settings: &LanSettings) -> Swept {
    let attached: BTreeSet<_> = addresses
        .iter()
        .filter(|(ip, prefix)| ip.is_ipv4() && *prefix < 31)
        .map(|(ip, prefix)| (Network::around(*ip, *prefix).base(), *prefix))
        .collect();
    let attached: Vec<_> = attached.iter().map(|(ip, n)| Network::around(*ip, *n)).collect();
    let (mut ranges, mut unswept) = (Vec::new(), Vec::new());
    if !settings.ranges.is_empty() {
        for range in &settings.ranges {
            let inside =
                |net: &Network| net.prefix() <= range.prefix() && net.contains(range.base());
            if !attached.iter().any(inside) {
                continue;
            }
            if range.prefix() < SHORTEST_FAST {
                unswept.push((*range, "larger than /16"));
            } else {
                ranges.push(*range);
            }
        }
        return (ranges, unswept);
    }
    let shortest = if settings.fast { SHORTEST_FAST } else { SHORTEST };
    for net in attached {
        if !is_private(net.base()) {
            unswept.push((net, "not a private range"));
        } else if net.prefix() < shortest {
            unswept.push((net, "too large to sweep unasked"));
        } else {
            ranges.push(net);
        }
    }
    (ranges, unswept)
}

fn is_private(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(it) if it.is_private())
}

/// Larger ranges are swept only when asked for: more than 20 s of broadcasts at the default rate.
const SHORTEST: u8 = 22;
/// 65,534 addresses: 7 s at 10,000 a second. Nothing larger is one link's neighbourhood.
const SHORTEST_FAST: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u32, name: &str, kind: Option<&str>) -> LinkEntry {
        LinkEntry {
            index,
            name: name.to_owned(),
            mac: Some(Mac([2, 0, 0, 0, 0, u8::try_from(index).unwrap()])),
            ethernet: true,
            loopback: false,
            broadcast: true,
            up: true,
            running: true,
            controlled: false,
            kind: kind.map(str::to_owned),
        }
    }

    fn links(entries: &[LinkEntry]) -> Links {
        let mut links = Links::default();
        for it in entries {
            links.apply(&Told::Link(it.clone()));
        }
        links
    }

    fn settings(text: &str) -> LanSettings {
        let of = |it: &str| it.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        LanSettings {
            interfaces: of(text).into_iter().map(|it| it.try_into().unwrap()).collect(),
            ..LanSettings::default()
        }
    }

    #[test]
    fn hardware_is_taken_and_what_is_virtual_only_by_name() {
        let member = LinkEntry { controlled: true, ..entry(6, "eth1", None) };
        let loopback = LinkEntry { loopback: true, ..entry(1, "lo", None) };
        let serial = LinkEntry { broadcast: false, ..entry(7, "ppp0", None) };
        let all = [
            loopback,
            entry(2, "eth0", None),
            entry(3, "wg0", Some("wireguard")),
            entry(4, "va0", Some("veth")),
            entry(5, "br0", Some("bridge")),
            member,
            serial,
        ];
        let names = |it: &[Link]| it.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        let (watched, others) = links(&all).choose(&settings(""));
        assert_eq!(names(&watched), ["eth0", "br0"]);
        let why: Vec<_> = others.iter().map(|it| format!("{}: {}", it.name, it.why)).collect();
        assert_eq!(
            why,
            [
                "wg0: a tunnel (wireguard)",
                "va0: virtual (veth)",
                "eth1: part of a bridge or bond",
                "ppp0: it has no neighbours to hear (not a broadcast link)",
            ]
        );
        let (watched, others) = links(&all).choose(&settings("va0 eth9"));
        assert_eq!(names(&watched), ["va0"]);
        assert!(others.iter().any(|it| it.name == "eth9" && it.why.contains("no such")));
        let (watched, _) = links(&[entry(5, "docker0", Some("bridge"))]).choose(&settings(""));
        assert_eq!(names(&watched), Vec::<String>::new());
    }

    #[test]
    fn a_link_without_carrier_is_deaf() {
        let down = LinkEntry { running: false, ..entry(2, "eth0", None) };
        let mut links = links(&[down]);
        let deaf = |links: &Links| links.choose(&settings("")).0.first().unwrap().deaf;
        assert_eq!(deaf(&links), Some("the link is down: no carrier"));
        assert!(links.apply(&Told::Link(entry(2, "eth0", None))));
        assert!(!links.apply(&Told::Link(entry(2, "eth0", None))));
        assert_eq!(deaf(&links), None);
        links.apply(&Told::LinkGone(2));
        assert!(links.choose(&settings("")).0.is_empty());
    }

    #[test]
    fn only_small_private_attached_ranges_are_swept() {
        let mut links = links(&[entry(2, "eth0", None)]);
        for (ip, prefix) in [
            ("192.168.1.7", 24),
            ("10.0.0.1", 16),
            ("172.16.9.1", 22),
            ("172.16.9.2", 22),
            ("9.9.9.9", 24),
            ("10.9.9.9", 32),
            ("fe80::1", 64),
        ] {
            links.apply(&Told::Address(2, ip.parse().unwrap(), prefix));
        }
        let of = |settings: &LanSettings| {
            let link = links.choose(settings).0.remove(0);
            let text = |it: &[Network]| it.iter().map(Network::to_string).collect::<Vec<_>>();
            (text(&link.ranges), link.unswept)
        };
        let (ranges, unswept) = of(&LanSettings::default());
        assert_eq!(ranges, ["172.16.8.0/22", "192.168.1.0/24"]);
        assert_eq!(unswept.len(), 2);
        let fast = LanSettings { fast: true, ..LanSettings::default() };
        assert_eq!(of(&fast).0, ["10.0.0.0/16", "172.16.8.0/22", "192.168.1.0/24"]);
        let ranges = ["10.0.3.0/24", "10.9.0.0/24"].map(|it| it.parse().unwrap()).to_vec();
        let named = LanSettings { ranges, ..LanSettings::default() };
        assert_eq!(of(&named).0, ["10.0.3.0/24"]);
        let link = links.choose(&named).0.remove(0);
        assert_eq!(link.source_v4("10.0.9.9".parse().unwrap()), "10.0.0.1".parse().ok());
        assert_eq!(link.source_v4("10.1.9.9".parse().unwrap()), None);
        assert!(link.reaches("fe80::9".parse().unwrap()));
        assert!(!link.reaches("11.0.0.1".parse().unwrap()));
    }
}
