//! Which interfaces are watched, which ranges are swept, and why the others are not.
//!
//! Pure: it is told what the kernel said and answers from the settings. By itself it takes
//! hardware interfaces (and bonds, VLANs and bridges over hardware) that can broadcast; what is
//! virtual or a tunnel leads to other people's machines and is taken only when named.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use muster_config::lan::{LanSettings, Network};
use muster_core::identity::Mac;

use super::netlink::{Dump, LinkEntry, Told};

/// What is known of all links.
#[derive(Debug, Default)]
pub(super) struct Links {
    entries: BTreeMap<u32, LinkEntry>,
    addresses: BTreeMap<u32, BTreeSet<(IpAddr, u8)>>,
    gateways: BTreeMap<u32, BTreeSet<IpAddr>>,
    /// What has been told since the description under way began: when it is complete, nothing else
    /// is left, for the notification that it went may have been lost.
    fresh: Fresh,
}

#[derive(Debug, Default)]
struct Fresh {
    links: BTreeSet<u32>,
    addresses: BTreeSet<(u32, IpAddr, u8)>,
    gateways: BTreeSet<(u32, IpAddr)>,
}

/// A link to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) mac: Option<Mac>,
    /// Own addresses with the length of their prefix.
    pub(super) addresses: Vec<(IpAddr, u8)>,
    /// Where default routes over this link lead.
    pub(super) gateways: Vec<IpAddr>,
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
                self.fresh.links.insert(entry.index);
                self.entries.insert(entry.index, entry.clone()).as_ref() != Some(entry)
            }
            Told::LinkGone(index) => {
                self.fresh.links.remove(index);
                self.addresses.remove(index);
                self.gateways.remove(index);
                self.entries.remove(index).is_some()
            }
            Told::Address(index, ip, prefix) => {
                self.fresh.addresses.insert((*index, *ip, *prefix));
                self.addresses.entry(*index).or_default().insert((*ip, *prefix))
            }
            Told::AddressGone(index, ip, prefix) => {
                self.fresh.addresses.remove(&(*index, *ip, *prefix));
                self.addresses.get_mut(index).is_some_and(|it| it.remove(&(*ip, *prefix)))
            }
            Told::Gateway(index, ip) => {
                self.fresh.gateways.insert((*index, *ip));
                self.gateways.entry(*index).or_default().insert(*ip)
            }
            Told::GatewayGone(index, ip) => {
                self.fresh.gateways.remove(&(*index, *ip));
                self.gateways.get_mut(index).is_some_and(|it| it.remove(ip))
            }
            Told::Begun(_) => {
                self.fresh = Fresh::default();
                false
            }
            Told::Complete(dump) => self.prune(*dump),
            Told::Neighbour(_) | Told::Lost => false,
        }
    }

    /// Forgets what a complete description does not have; whether there was such a thing.
    fn prune(&mut self, dump: Dump) -> bool {
        let fresh = &self.fresh;
        let before = self.count();
        match dump {
            Dump::Links => self.entries.retain(|index, _| fresh.links.contains(index)),
            Dump::Addresses => {
                for (index, all) in &mut self.addresses {
                    all.retain(|(ip, prefix)| fresh.addresses.contains(&(*index, *ip, *prefix)));
                }
            }
            Dump::Gateways => {
                for (index, all) in &mut self.gateways {
                    all.retain(|ip| fresh.gateways.contains(&(*index, *ip)));
                }
            }
            Dump::Neighbours => {}
        }
        self.count() != before
    }

    fn count(&self) -> usize {
        let addresses: usize = self.addresses.values().map(BTreeSet::len).sum();
        let gateways: usize = self.gateways.values().map(BTreeSet::len).sum();
        self.entries.len() + addresses + gateways
    }

    /// Link-layer addresses of this machine, on whatever link.
    pub(super) fn own_macs(&self) -> BTreeSet<Mac> {
        self.entries.values().filter_map(|it| it.mac).collect()
    }

    /// The links to watch and the others, each in the kernel's order. The loopback is neither.
    pub(super) fn choose(&self, settings: &LanSettings) -> (Vec<Link>, Vec<Unwatched>) {
        let (mut watched, mut others) = (Vec::new(), Vec::new());
        for entry in self.entries.values().filter(|it| !it.loopback) {
            match self.refusal(entry, settings) {
                None => watched.push(self.link(entry, settings)),
                Some((why, hint)) => {
                    others.push(Unwatched { name: entry.name.clone(), why, hint });
                }
            }
        }
        for name in &settings.interfaces {
            if !self.entries.values().any(|it| it.name == name.as_str()) {
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
        self.entries.values().any(|it| it.controlled && it.kind.is_none())
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
            gateways: self.gateways.get(&entry.index).into_iter().flatten().copied().collect(),
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
mod tests;
