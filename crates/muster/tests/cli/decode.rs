//! `muster decode` on captures, advertisements and bare frames.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::Value;

use crate::captures::{self, Row};
use crate::support::House;

/// 192.168.1.23 asks for 192.168.1.1.
const REQUEST: &str = "ffffffffffffb827eb0102030806000108000604\
                       0001b827eb010203c0a80117000000000000c0a80101";

#[test]
fn bare_frames() {
    let house = House::empty();
    let (cut, _) = REQUEST.split_at(60);
    house.file("frames.txt", &format!("{REQUEST}\n\n{cut}\nnot hex\n{REQUEST}"));
    assert_snapshot!(house.transcript(&[
        &format!("decode --as ethernet {REQUEST}"),
        "decode frames.txt --as ethernet",
    ]));
}

#[test]
fn bare_advertisements() {
    let house = House::empty();
    let (beacon, heart) = (
        "02011a1aff4c000215e2c56db5dffb48d2b060d0f5a71096e000640000c5",
        "02010603030d18031941030809506f6c61722048",
    );
    house.file("adverts.txt", &format!("{beacon}\n{heart}\n"));
    assert_snapshot!(house.transcript(&[
        "decode adverts.txt",
        // The reference's phone app: flags, service 0xfff0, maker 0xffff with ATT-USER-1a2b3c4d.
        "decode 0201060303f0ff14ffffff4154542d555345522d3161326233633464",
        "decode 0201060303f0ff14ffffff4154542d555345522d3161326233633464 --tag-prefix BADGE-",
        "decode 0201060303f0ff14ffffff4154542d555345522d3161326233633464 --tag-prefix att-",
        "decode 020106 --tag-prefix \"\"",
        "decode --as hci 043e1a02010000a5808fe648540e0201060a16d2fc40000c04138a01dc",
    ]));
}

#[test]
fn captures_of_bluetooth() {
    let house = House::empty();
    let captured = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../muster-wire/tests/data/bluetooth/");
        let said = house.ask(&["decode", &format!("{folder}{name}")]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{name}");
        said.out
    };
    // Some lines of each: what a phone hears, what btmon notes, what is in the air.
    let some = |out: &str, step: usize| {
        let lines: Vec<&str> = out.lines().step_by(step).collect();
        lines.join("\n")
    };
    assert_snapshot!("phone", some(&captured("btsnoop_hci_android.log"), 9));
    assert_snapshot!("btmon", some(&captured("btsnoop_btmon.log"), 25));
    assert_snapshot!("air", some(&captured("boston/take3_adv37.pcap"), 15));
}

#[test]
fn a_cut_record_is_told_and_those_before_it_are_read() {
    let house = House::empty();
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../muster-wire/tests/data/bluetooth/btsnoop_hci_android.log"
    );
    let whole = std::fs::read(path).expect("a capture");
    std::fs::write(house.path().join("cut.log"), &whole[..whole.len() - 1]).expect("a file");
    let said = house.ask(&["decode", "cut.log"]);
    let last = said.out.lines().last().expect("lines");
    assert_eq!(last, r#"{"frame":222,"error":"the file ends inside it"}"#);
    assert_eq!(said.out.lines().count(), 222);
}

#[test]
fn what_is_no_capture_at_all_is_said_once() {
    let house = House::empty();
    house.file("list.txt", "flour\neggs\n");
    house.file("empty.txt", "");
    assert_snapshot!(house.transcript(&[
        "decode list.txt",
        "decode empty.txt",
        "decode frames.txt --format csv",
    ]));
}

#[test]
fn standard_input_and_a_reader_that_goes_away() {
    let house = House::empty();
    let mut command = house.command(&["decode", "--as", "ethernet"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let mut input = child.stdin.take().expect("a pipe");
    for _ in 0..5_000 {
        if writeln!(input, "{REQUEST}").is_err() {
            break;
        }
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is printed of every shared capture, frame by frame, against the addresses and names in
/// `tshark`'s decode. What it says of every field is compared where frames are decoded.
#[test]
fn every_shared_capture_as_the_witness_reads_it() {
    let house = House::empty();
    let mut compared = BTreeMap::new();
    for file in captures::all() {
        let mut printed = lines(&house, &file);
        for (frame, row) in captures::witness(&file) {
            let here = format!("{} frame {frame}: {row:?}", file.display());
            let line = printed.remove(&frame).unwrap_or_else(|| panic!("{here}: not printed"));
            let kind = agrees(&line, &row).unwrap_or_else(|what| panic!("{here}: {what}: {line}"));
            *compared.entry(kind).or_insert(0) += 1;
        }
        printed.retain(|_, it| matches!(it["kind"].as_str(), Some("arp" | "dhcp" | "mdns") | None));
        assert!(printed.is_empty(), "{}: only to us: {printed:?}", file.display());
    }
    let want = [("arp", 2_246), ("broken", 83), ("dhcp", 35), ("mdns", 18)];
    assert_eq!(compared, BTreeMap::from(want.map(|(kind, count)| (kind.to_owned(), count))));
}

/// The lines that the command prints, by frame.
fn lines(house: &House, file: &Path) -> BTreeMap<u64, Value> {
    let text = house.tell(&["decode", file.to_str().expect("plain names")]);
    let lines = text.lines().map(|it| serde_json::from_str::<Value>(it).expect("JSON"));
    lines.map(|it| (it["frame"].as_u64().expect("a number"), it)).collect()
}

/// Which kind of frame both say it is; an error names what they do not agree about.
fn agrees(line: &Value, row: &Row) -> Result<String, &'static str> {
    let Some(kind) = line["kind"].as_str() else {
        let told = row
            .keys()
            .any(|it| ["arp.src", "arp.dst", "dhcp."].iter().any(|at| it.starts_with(at)));
        return if told { Err("addresses") } else { Ok("broken".to_owned()) };
    };
    // Of a list the first value is the message's own.
    let theirs = |key: &str| row.get(key).and_then(|it| it.split(',').next());
    let address = |key: &str| theirs(key).filter(|it| *it != "0.0.0.0");
    let ips: BTreeSet<&str> =
        line["ip"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let set = |keys: &[&str]| keys.iter().filter_map(|it| address(it)).collect::<BTreeSet<_>>();
    let (mac, ips_agree, names_agree) = match kind {
        "arp" => {
            let target = line["target"].as_str() == theirs("arp.dst.proto_ipv4");
            ("arp.src.hw_mac", target && ips == set(&["arp.src.proto_ipv4"]), true)
        }
        "dhcp" => {
            let given = set(&["dhcp.option.requested_ip_address", "dhcp.ip.your"]);
            // The address that the client has already: the witness has no column for it.
            let others = ips.difference(&given).count();
            let names = [("name", "hostname"), ("vendor_class", "vendor_class_id")];
            let same = names.iter().all(|(ours, option)| {
                line[*ours].as_str() == theirs(&format!("dhcp.option.{option}"))
            });
            ("dhcp.hw.mac_addr", given.is_subset(&ips) && others <= 1, same)
        }
        _ => {
            let hosts = row.get("dns.resp.name").into_iter().flat_map(|it| it.split(','));
            let hosts = hosts.filter_map(|it| it.strip_suffix(".local"));
            let hosts: BTreeSet<&str> = hosts.filter(|it| !it.starts_with('_')).collect();
            let name = line["name"].as_str();
            let named = name.map_or(hosts.is_empty(), |it| hosts.contains(it));
            ("eth.src", set(&["ip.src"]).is_subset(&ips), named)
        }
    };
    if line["mac"].as_str() != theirs(mac) {
        return Err("the link-layer address");
    }
    match (ips_agree, names_agree) {
        (true, true) => Ok(kind.to_owned()),
        (false, _) => Err("addresses"),
        (true, false) => Err("names"),
    }
}
