//! Our decode of the host interface agrees with `tshark`'s, frame by frame.
//!
//! Compared in both captures: the time, the opcode of commands and of what events answer, codes of
//! events, addresses, signal, the types of structures in advertising data, and names; and the words
//! for commands and events with what the witness calls them.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks what it looks at")]

use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::hci::{EventBody, Hci, command_word};
use muster_wire::bluetooth::{Body, Packet, decode, management, monitor, text};
use muster_wire::capture::Record;

use crate::captures::{self, Row, bluetooth};

#[test]
fn an_android_phone() {
    let file = bluetooth("btsnoop_hci_android.log");
    let witness = captures::witness(&file);
    let (mut events, mut commands, mut reports) = (0, 0, 0);
    for record in captures::records(&file) {
        let row = &witness[&record.number];
        let packet = decode(record.link, &record.bytes).unwrap().unwrap();
        assert_eq!(u32::from(record.bytes[4]), number(&row["hci_h4.type"]), "{row:?}");
        assert_eq!(u32::from(record.bytes[3]), number(&row["hci_h4.direction"]), "{row:?}");
        agree(&record, &packet, row);
        match packet.body {
            Body::Hci(Hci::Event(_)) => events += 1,
            Body::Hci(Hci::Command(_)) => commands += 1,
            other => panic!("{other:?}"),
        }
        reports += packet.advertisements().count();
    }
    assert_eq!((events, commands, reports), (117, 105, 12));
}

#[test]
fn btmon_while_bluetoothd_restarts() {
    let file = bluetooth("btsnoop_btmon.log");
    let witness = captures::witness(&file);
    let mut counts = [0; 18];
    for record in captures::records(&file) {
        let row = &witness[&record.number];
        let packet = decode(record.link, &record.bytes).unwrap().unwrap();
        // Some of the witness's columns have a second number: the command's.
        let (opcode, inner) =
            row["hci_mon.opcode"].split_once(',').unwrap_or((&row["hci_mon.opcode"], ""));
        let opcode: usize = opcode.parse().unwrap();
        counts[opcode] += 1;
        let info = &row["_ws.col.Info"];
        if let Some(adapter) = info.split("Adapter Id: ").nth(1).and_then(|it| it.split(',').next())
        {
            let adapter: u16 = adapter.parse().unwrap();
            assert_eq!(packet.adapter.unwrap_or(0xffff), adapter, "{row:?}");
        }
        match (opcode, packet.body) {
            (2 | 3, Body::Hci(_)) => agree(&record, &packet, row),
            (0 | 8 | 9 | 10 | 14 | 15, Body::Monitor(monitor::Body::Adapter { word, .. })) => {
                let words: Vec<&str> = word.split('_').collect();
                let theirs = info.split("Opcode: ").nth(1).unwrap().to_lowercase();
                assert!(words.iter().all(|it| theirs.contains(it)), "{word} {theirs}");
            }
            (12 | 13, Body::Monitor(monitor::Body::Note { text, .. })) => {
                assert!(text::shown(text).is_some(), "{row:?}");
            }
            (16, Body::Management(it)) => {
                assert!(!it.is_event && it.word().is_some(), "{row:?}");
                assert!(
                    inner.is_empty() || inner == it.code.to_string() || inner == "16",
                    "{row:?}"
                );
            }
            (17, Body::Management(it)) => assert!(it.is_event && it.word().is_some(), "{row:?}"),
            (_, other) => panic!("{row:?}: {other:?}"),
        }
    }
    assert_eq!(counts, [1, 0, 55, 56, 0, 0, 0, 0, 2, 1, 2, 0, 2, 350, 3, 1, 36, 45]);
}

/// What the programs and the kernel say to each other while adapters are opened and read.
#[test]
fn management_messages_are_told_apart() {
    let mut words = std::collections::BTreeMap::<_, usize>::new();
    for record in captures::records(&bluetooth("btsnoop_btmon.log")) {
        let packet = decode(record.link, &record.bytes).unwrap().unwrap();
        if let Body::Management(it) = packet.body {
            let answered = it.answered().unwrap_or_default();
            *words.entry(format!("{} {answered}", it.word().unwrap())).or_default() += 1;
            assert!(!matches!(it.body, management::Body::Found(_)));
        }
    }
    for (count, word) in [
        (10, "add_uuid "),
        (10, "command_complete add_uuid"),
        (1, "load_identity_resolving_keys "),
        (2, "set_powered "),
        (2, "new_settings "),
        (2, "advertising_removed "),
        (1, "device_unblocked "),
        (1, "command_status set_default_system_configuration"),
    ] {
        assert_eq!(words.get(word), Some(&count), "{word}");
    }
    assert_eq!((words.len(), words.values().sum::<usize>()), (54, 81));
}

fn agree(record: &Record, packet: &Packet<'_>, row: &Row) {
    let here = format!("frame {}: {row:?}", record.number);
    let time = format!("{}.{:06}000", record.at.secs(), record.at.micros() % 1_000_000);
    assert_eq!(time, row["frame.time_epoch"], "{here}");
    let theirs = |key: &str| row.get(key).map(String::as_str).unwrap_or_default();
    let heard = packet.advertisements().next();
    let (mut name, mut address) = (None, None);
    let data = match packet.body {
        Body::Hci(Hci::Command(it)) => {
            assert_eq!(u32::from(it.opcode), number(theirs("bthci_cmd.opcode")), "{here}");
            name = it.name();
            same_word(it.word(), theirs("_ws.col.Info").strip_prefix("Sent ").unwrap());
            it.data().map(Advertisement::bare)
        }
        Body::Hci(Hci::Event(it)) => {
            assert_eq!(u32::from(it.code), number(theirs("bthci_evt.code")), "{here}");
            let subevent = theirs("bthci_evt.le_meta_subevent");
            assert_eq!(it.subevent.map_or(0, u32::from), number(subevent), "{here}");
            if let EventBody::Answer { opcode, address: own, status } = it.body {
                assert_eq!(status, Some(0), "{here}");
                address = own;
                let info = theirs("_ws.col.Info");
                let called = info.split('(').nth(1).unwrap();
                if !info.contains("Broadcom") {
                    same_word(command_word(opcode), called.strip_suffix(')').unwrap_or(called));
                }
            }
            heard
        }
        other => panic!("{here}: {other:?}"),
    };
    let address = heard.and_then(|it| it.address).or(address);
    let address = address.map(|it| it.mac.to_string()).unwrap_or_default();
    assert_eq!(address, theirs("bthci_evt.bd_addr"), "{here}");
    let rssi = heard.and_then(|it| it.rssi).map(|it| it.to_string()).unwrap_or_default();
    let signal = ["bthci_evt.rssi", "bthci_evt.le_rssi"].map(theirs).concat();
    assert_eq!(rssi, signal, "{here}");
    let kinds = data.map(|it| it.structures().map(|it| format!("{:#04x}", it.kind.0)).collect());
    let kinds: Vec<String> = kinds.unwrap_or_default();
    assert_eq!(kinds.join(","), theirs("btcommon.eir_ad.entry.type"), "{here}");
    let told = data.and_then(|it| it.name()).and_then(text::shown).unwrap_or_default();
    assert_eq!(told, theirs("btcommon.eir_ad.entry.device_name"), "{here}");
    assert!(name.is_none() || name.and_then(text::shown).is_some(), "{here}");
}

/// Our word is what the witness calls it, as far as it knows it; vendors' commands have none.
fn same_word(ours: Option<&str>, theirs: &str) {
    let Some(ours) = ours else {
        assert!(theirs.contains("Broadcom") || theirs.contains("Unknown"), "{theirs}");
        return;
    };
    let theirs = theirs.to_lowercase().replace([' ', '-'], "_");
    let known = RENAMED.iter().find(|(from, _)| *from == theirs).map(|(_, to)| *to);
    assert_eq!(ours, known.unwrap_or(&theirs));
}

fn number(text: &str) -> u32 {
    text.strip_prefix("0x").map_or(0, |it| u32::from_str_radix(it, 16).unwrap())
}

/// Names of which the specification has newer ones, or that the witness shortens.
const RENAMED: &[(&str, &str)] = &[
    ("le_read_buffer_size_[v1]", "le_read_buffer_size"),
    ("le_read_buffer_size_[v2]", "le_read_buffer_size_2"),
    ("read_inquiry_response_tx_power_level", "read_inquiry_response_transmit_power_level"),
    ("change_local_name", "write_local_name"),
    ("le_clear_white_list", "le_clear_filter_accept_list"),
    ("le_read_white_list_size", "le_read_filter_accept_list_size"),
];
