//! Our decode agrees with `tshark`'s, frame by frame.
//!
//! Compared in every frame that it calls ARP, DHCP or mDNS: the time, the Ethernet source, the
//! innermost VLAN number; of ARP the operation, all four addresses and whether it is gratuitous; of
//! DHCP the client's hardware address, message type, requested and given address, host name and
//! vendor class; of mDNS the sender's address and the set of host names in records. No other frame
//! may be one of these three to us.
//!
//! Differences that are meant:
//! - Of stacked VLAN tags the witness shows only the inner number (it has another column for the
//!   outer one); we give both.
//! - Where a frame ends inside its addresses the witness shows none of them, and we an error. The
//!   test holds us to it: a broken frame must have no address in the witness's line.
//! - `bootp_asan.pcap` is a BOOTP message cut short: an error to us, and the witness shows
//!   nothing of it but the IP address of the packet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use muster_wire::capture::Record;
use muster_wire::frame::LinkType;
use muster_wire::lan::{self, LanBody, LanFrame};

use crate::captures::{self, Row};

/// How many frames of each kind there were: a comparison of nothing would pass as well.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    arp: usize,
    dhcp: usize,
    mdns: usize,
    broken: usize,
}

#[test]
fn agrees_with_the_witness() {
    let found: BTreeMap<String, Counts> = (captures::all().iter())
        .map(|it| (it.file_name().unwrap().to_str().unwrap().to_owned(), compare(it)))
        .collect();
    let want = COUNTS.map(|(name, [arp, dhcp, mdns, broken])| {
        (name.to_owned(), Counts { arp, dhcp, mdns, broken })
    });
    assert_eq!(found, BTreeMap::from(want));
}

fn compare(file: &Path) -> Counts {
    let mut witness = captures::witness(file);
    let mut counts = Counts::default();
    for record in captures::records(file) {
        let here = format!("{} frame {}", file.display(), record.number);
        let decoded = lan::decode(record.link, &record.bytes);
        let Some(row) = witness.remove(&record.number) else {
            let ours = decoded.ok().flatten().map(|it| it.kind());
            assert!(!matches!(ours, Some("arp" | "dhcp" | "mdns")), "{here}: only to us {ours:?}");
            continue;
        };
        let theirs = theirs(&row);
        match decoded {
            Ok(None) => panic!("{here}: nothing to us: {row:?}"),
            Err(error) => {
                let told = theirs.keys().any(|it| ADDRESSES.contains(it));
                assert!(!told, "{here}: {error}, but to the witness: {row:?}");
                counts.broken += 1;
            }
            Ok(Some(frame)) => {
                match frame.body {
                    LanBody::Arp(_) => counts.arp += 1,
                    LanBody::Dhcp(_) => counts.dhcp += 1,
                    LanBody::Mdns(_) => counts.mdns += 1,
                    LanBody::Dhcp6(_) | LanBody::Nd(_) => panic!("{here}: {}", frame.kind()),
                }
                assert_eq!(ours(&record, &frame), theirs, "{here}");
            }
        }
    }
    assert!(witness.is_empty(), "{}: not read: {witness:?}", file.display());
    counts
}

#[test]
fn both_tags_of_a_stack() {
    let file = captures::all().into_iter().find(|it| it.ends_with("802.1ad_QinQ.pcap")).unwrap();
    for record in captures::records(&file) {
        let frame = lan::decode(record.link, &record.bytes).unwrap().unwrap();
        assert_eq!(frame.vlan, [200, 2001]);
    }
}

type Compared = BTreeMap<&'static str, String>;

fn ours(record: &Record, frame: &LanFrame) -> Compared {
    let mut out = Compared::new();
    let mut put = |key, value: Option<String>| {
        out.extend(value.map(|it| (key, it)));
    };
    put("t", Some(format!("{}.{:06}000", record.at.secs(), record.at.micros() % 1_000_000)));
    let is_ethernet = record.link == LinkType::ETHERNET;
    put("eth.src", frame.source.filter(|_| is_ethernet).map(|it| it.to_string()));
    put("vlan.id", frame.vlan.last().map(u16::to_string));
    match &frame.body {
        LanBody::Arp(it) => {
            put("arp.opcode", Some(it.op.to_string()));
            put("arp.src.hw_mac", it.sender_mac.map(|it| it.to_string()));
            put("arp.src.proto_ipv4", it.sender_ip.map(|it| it.to_string()));
            put("arp.dst.hw_mac", it.target_mac.map(|it| it.to_string()));
            put("arp.dst.proto_ipv4", it.target_ip.map(|it| it.to_string()));
            put("arp.isgratuitous", it.is_gratuitous().then(|| "1".to_owned()));
        }
        LanBody::Dhcp(it) => {
            put("dhcp.hw.mac_addr", it.client.map(|it| it.to_string()));
            put("dhcp.option.dhcp", it.message_type.map(|it| it.to_string()));
            put("dhcp.option.requested_ip_address", it.requested_ip.map(|it| it.to_string()));
            put("dhcp.ip.your", Some(it.your_ip.to_string()));
            put("dhcp.option.hostname", it.host_name.clone());
            put("dhcp.option.vendor_class_id", it.vendor_class.clone());
        }
        LanBody::Mdns(it) => {
            if let IpAddr::V4(sender) = it.sender {
                put("ip.src", Some(sender.to_string()));
            }
            let names: BTreeSet<String> =
                it.announced.iter().map(|it| format!("{}.local", it.name)).collect();
            put("hosts", (!names.is_empty()).then(|| format!("{names:?}")));
        }
        LanBody::Dhcp6(_) | LanBody::Nd(_) => {}
    }
    out
}

fn theirs(row: &Row) -> Compared {
    let mut out = Compared::new();
    for key in KEYS {
        // A list's first value is the message's own; the others are of its options.
        let value = row.get(key).and_then(|it| it.split(',').next());
        out.extend(value.map(|it| (key, it.to_owned())));
    }
    out.extend(row.get("frame.time_epoch").map(|it| ("t", it.clone())));
    if row.contains_key("dhcp.hw.mac_addr") {
        out.remove("ip.src");
    }
    let is_host = |it: &&str| it.strip_suffix(".local").is_some_and(|it| !it.starts_with('_'));
    if let Some(names) = row.get("dns.resp.name") {
        let names: BTreeSet<&str> = names.split(',').filter(is_host).collect();
        out.extend((!names.is_empty()).then(|| ("hosts", format!("{names:?}"))));
    }
    out
}

const KEYS: [&str; 15] = [
    "eth.src",
    "vlan.id",
    "arp.opcode",
    "arp.src.hw_mac",
    "arp.src.proto_ipv4",
    "arp.dst.hw_mac",
    "arp.dst.proto_ipv4",
    "arp.isgratuitous",
    "dhcp.hw.mac_addr",
    "dhcp.option.dhcp",
    "dhcp.option.requested_ip_address",
    "dhcp.ip.your",
    "dhcp.option.hostname",
    "dhcp.option.vendor_class_id",
    "ip.src",
];

const ADDRESSES: [&str; 6] = [
    "arp.src.hw_mac",
    "arp.src.proto_ipv4",
    "arp.dst.hw_mac",
    "arp.dst.proto_ipv4",
    "dhcp.hw.mac_addr",
    "dhcp.ip.your",
];

/// Frames of ARP, DHCP, mDNS and broken ones in each capture.
const COUNTS: [(&str, [usize; 4]); 18] = [
    ("802.1ad_QinQ.pcap", [2, 0, 0, 0]),
    ("arp-leak.pcap", [6, 0, 0, 0]),
    ("arp-oobr.pcap", [2199, 0, 0, 82]),
    ("arp-who-has-radiotap.pcap", [2, 0, 0, 0]),
    ("arp-who-has-wlanmon.pcap", [2, 0, 0, 0]),
    ("arp-who-has.pcap", [2, 0, 0, 0]),
    ("bgp-4byte-asn.pcap", [12, 0, 0, 0]),
    ("bootp_asan.pcap", [0, 0, 0, 1]),
    ("dhcp-option-33.pcap", [0, 5, 0, 0]),
    ("dhcp-rfc3004.pcap", [0, 4, 0, 0]),
    ("dhcp-rfc5859.pcap", [0, 4, 0, 0]),
    ("dhcp.pcap", [0, 9, 0, 0]),
    ("dhcp_discover_param_req_and_client_id.pcap", [0, 1, 0, 0]),
    ("dhcp_inform.pcap", [0, 2, 0, 0]),
    ("eapon1.pcap", [5, 10, 0, 0]),
    ("linuxsll-arp.pcap", [12, 0, 0, 0]),
    ("mdns.pcap", [0, 0, 18, 0]),
    ("snap-arp.pcapng", [4, 0, 0, 0]),
];
