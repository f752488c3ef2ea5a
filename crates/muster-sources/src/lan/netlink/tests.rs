//! What a kernel told is read as it was meant, and whatever else comes does no harm.

use std::collections::BTreeSet;

use muster_sim::damage::damage;

use super::*;

/// See `tests/data/README.md`.
const TOLD: &[u8] = include_bytes!("../../../tests/data/rtnetlink.bin");

fn read(netlink: &mut Netlink, bytes: &[u8]) -> Vec<Told> {
    let mut out = Vec::new();
    netlink.read(bytes, &mut out);
    // Its own questions are not what these tests are about.
    out.retain(|it| !matches!(it, Told::Begun(_)));
    out
}

#[tokio::test]
async fn links_addresses_gateways_and_neighbours_are_read() {
    let all = read(&mut Netlink::open().unwrap(), TOLD);
    let links: Vec<&LinkEntry> =
        all.iter().filter_map(|it| if let Told::Link(it) = it { Some(it) } else { None }).collect();
    let names: Vec<&str> = links.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["lo", "peer0", "lan0", "br0", "d1", "d0", "mac0", "vx0"]);
    assert!(links[0].loopback && !links[0].broadcast);
    assert_eq!(links[2].mac, Some(Mac([2, 0, 0, 0, 0, 1])));
    assert!(links[2].ethernet && links[2].up && links[2].running && !links[2].controlled);
    assert!(links[4].controlled, "a port of the bridge");
    assert!(!links[6].up && !links[6].running);
    let kinds: Vec<Option<&str>> = links.iter().map(|it| it.kind.as_deref()).collect();
    let veth = Some("veth");
    let of_all = [None, veth, veth, Some("bridge"), veth, veth, Some("macvlan"), Some("vxlan")];
    assert_eq!(kinds, of_all);

    assert!(all.contains(&Told::Address(3, "10.77.0.1".parse().unwrap(), 24)));
    assert!(all.contains(&Told::Address(3, "fd77::1".parse().unwrap(), 64)));
    let gateways: BTreeSet<String> = all
        .iter()
        .filter_map(|it| if let Told::Gateway(3, ip) = it { Some(ip.to_string()) } else { None })
        .collect();
    let expected = ["10.77.0.251", "10.77.0.252", "10.77.0.254", "fd77::fd", "fd77::fe"];
    assert_eq!(gateways, expected.map(String::from).into());

    let neighbours: Vec<&Entry> = all
        .iter()
        .filter_map(|it| if let Told::Neighbour(it) = it { Some(it) } else { None })
        .collect();
    let state = |ip: &str| {
        let ip: IpAddr = ip.parse().unwrap();
        let it = neighbours.iter().find(|it| it.ip == ip)?;
        Some((it.state, it.mac.map(|it| it.0[5])))
    };
    assert_eq!(state("10.77.0.13"), Some((State::Reachable, Some(0x13))));
    assert_eq!(state("10.77.0.14"), Some((State::Stale, Some(0x14))));
    assert_eq!(state("10.77.0.15"), Some((State::Failed, None)));
    assert_eq!(state("10.77.0.16"), Some((State::Fixed, Some(0x16))));
    assert_eq!(state("fd77::13"), Some((State::Waiting, Some(0x13))));
    assert_eq!(state("10.77.0.99"), None, "answered for somebody else");
}

/// Damaged messages are left out; none of them hides one that comes after it in another datagram,
/// and none makes more of itself than it is long.
#[tokio::test]
async fn damaged_messages_do_no_harm() {
    let mut netlink = Netlink::open().unwrap();
    let whole = read(&mut netlink, TOLD);
    let mut corpus = messages();
    corpus.push(TOLD.to_vec());
    let mut unread = 0;
    damage(1, 20_000, &corpus, |_, bytes| {
        let told = read(&mut netlink, bytes);
        assert!(told.len() <= 1 + bytes.len() / 8, "{} of {}", told.len(), bytes.len());
        unread += u32::from(told.is_empty());
    });
    assert!(unread > 1000, "the damage hardly ever hit: {unread}");
    assert_eq!(read(&mut netlink, TOLD), whole);
}

/// The messages one by one.
fn messages() -> Vec<Vec<u8>> {
    let (mut all, mut rest) = (Vec::new(), TOLD);
    while let Some(length) = rest.first_chunk::<4>().map(|it| u32::from_ne_bytes(*it) as usize) {
        let (one, later) = rest.split_at(length.next_multiple_of(4));
        all.push(one.to_vec());
        rest = later;
    }
    assert!(all.len() > 30, "{}", all.len());
    all
}
