//! Our decode of packets from the air agrees with `tshark`'s, frame by frame.
//!
//! Compared in every frame with the access address of advertising: the type of the packet, whether
//! its sender's address is random, the address, the types of all structures, companies, 16-bit
//! services, names, and whether the check sum is wrong. `docs/bluetooth.md` lists the differences
//! that are meant; the test holds us to them.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks what it looks at")]

use std::collections::BTreeMap;
use std::path::Path;

use muster_wire::bluetooth::ad::{Ad, Field};
use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::air::{Air, Heard, with_radio};
use muster_wire::bluetooth::uuid::Uuid;
use muster_wire::bluetooth::{decode, text};

use crate::captures::{self, Row, bluetooth};

/// How many frames of each kind there were: a comparison of nothing would pass as well.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    /// With a right sum.
    whole: usize,
    /// With a wrong one.
    wrong: usize,
    /// Cut short, or of a type that nobody knows.
    untold: usize,
    /// With another access address.
    other: usize,
}

#[test]
fn agrees_with_the_witness() {
    for (name, [whole, wrong, untold, other]) in COUNTS {
        let found = compare(&bluetooth(&format!("boston/{name}.pcap")));
        assert_eq!(found, Counts { whole, wrong, untold, other }, "{name}");
    }
}

fn compare(file: &Path) -> Counts {
    let witness = captures::witness(file);
    let mut counts = Counts::default();
    for record in captures::records(file) {
        let here = format!("{} frame {}", file.display(), record.number);
        let row = &witness[&record.number];
        let heard = with_radio(&record.bytes);
        if row.get("btle.access_address").is_none_or(|it| it != "0x8e89bed6") {
            assert!(!matches!(heard, Ok(Some(_))), "{here}: only to us: {heard:?}");
            counts.other += 1;
            continue;
        }
        let Ok(Some(Heard { air, is_whole })) = heard else {
            let known = row.get("btle.advertising_header.pdu_type");
            let known = known.is_some_and(|it| TYPES.iter().any(|(_, word)| word == it));
            // Radio header, access address, head and length, payload, check sum.
            let whole = record.bytes.get(15).map(|it| 10 + 4 + 2 + usize::from(*it) + 3);
            let is_short = whole.is_none_or(|it| record.bytes.len() < it);
            assert!(!known || is_short || heard.is_err(), "{here}: nothing to us: {row:?}");
            counts.untold += 1;
            continue;
        };
        // What its sum says is wrong is not handed on.
        let decoded = decode(record.link, &record.bytes);
        assert_eq!(matches!(decoded, Ok(Some(_))), is_whole, "{here}");
        agree(&here, air, is_whole, row);
        if is_whole { counts.whole += 1 } else { counts.wrong += 1 }
    }
    counts
}

fn agree(here: &str, air: Air<'_>, is_whole: bool, row: &Row) {
    let theirs = |key: &str| row.get(key).map(String::as_str).unwrap_or_default();
    let (word, address, sender) = match &air {
        Air::Advertisement(it) => (it.kind.event().unwrap().word(), it.address, it.address),
        Air::Request { word, to, from, .. } => (*word, *to, *from),
    };
    let pdu = theirs("btle.advertising_header.pdu_type");
    assert!(TYPES.contains(&(word, pdu)), "{here}: {word} {row:?}");
    if word == "adv_ext_ind" || word == "connect_rsp" {
        // The witness does not look into extended packets of an unchecked radio in the same way.
        return;
    }
    assert_eq!(address.unwrap().mac.to_string(), theirs("btle.advertising_address"), "{here}");
    let is_random = sender.unwrap().kind.word() != "public";
    let random = u8::from(is_random).to_string();
    assert_eq!(random, theirs("btle.advertising_header.randomized_tx"), "{here}");
    let wrong_to_them = theirs("btle.crc.incorrect") == "1";
    let Air::Advertisement(it) = air else {
        assert_eq!(wrong_to_them, !is_whole, "{here}");
        return;
    };
    if it.structures().is_cut() {
        // The witness gives up inside a cut structure, before it comes to the check sum.
        assert!(!is_whole || !wrong_to_them, "{here}");
        return;
    }
    if !is_whole && it.structures().any(misfits) {
        // It also gives up in a structure whose data do not fit its type, or reads on in the next
        // one.
        return;
    }
    assert_eq!(wrong_to_them, !is_whole, "{here}: {row:?}");
    for (key, ours) in ours(&it) {
        if is_whole {
            assert_eq!(ours, theirs(key), "{here}: {key} {:02x?}", it.data);
        } else if key != "btcommon.eir_ad.entry.device_name" {
            // Of garbage in names each shows what it likes, and an octet of zero is the end to the
            // witness, not to us.
            assert!(ours.starts_with(theirs(key)), "{here}: {key} {:02x?}", it.data);
        }
    }
}

/// Whether the data of a structure are too short for its type, or no whole number of identifiers.
fn misfits(it: Ad<'_>) -> bool {
    match it.kind.0 {
        0x02 | 0x03 => !it.data.len().is_multiple_of(2),
        0x04 | 0x05 => !it.data.len().is_multiple_of(4),
        0x06 | 0x07 => !it.data.len().is_multiple_of(16),
        _ => matches!(it.field(), Field::Other(..)),
    }
}

fn ours(it: &Advertisement<'_>) -> BTreeMap<&'static str, String> {
    let mut lists: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut put = |key, value| lists.entry(key).or_default().push(value);
    for structure in it.structures() {
        put("btcommon.eir_ad.entry.type", format!("{:#04x}", structure.kind.0));
        match structure.field() {
            Field::Manufacturer(company, _) => {
                put("btcommon.eir_ad.entry.company_id", format!("{company:#06x}"));
            }
            Field::Services(all) | Field::Solicited(all) => {
                for uuid in all.iter() {
                    if let Uuid::Short(it) = uuid {
                        put("btcommon.eir_ad.entry.uuid_16", format!("{it:#06x}"));
                    }
                }
            }
            Field::ServiceData(Uuid::Short(it), _) => {
                put("btcommon.eir_ad.entry.uuid_16", format!("{it:#06x}"));
            }
            Field::Name { text: it, .. } => {
                put("btcommon.eir_ad.entry.device_name", text::shown(it).unwrap_or_default());
            }
            _ => {}
        }
    }
    lists.into_iter().map(|(key, all)| (key, all.join(","))).collect()
}

/// Our words and the witness's numbers.
const TYPES: [(&str, &str); 9] = [
    ("adv_ind", "0x00"),
    ("adv_direct_ind", "0x01"),
    ("adv_nonconn_ind", "0x02"),
    ("scan_req", "0x03"),
    ("scan_rsp", "0x04"),
    ("connect_ind", "0x05"),
    ("adv_scan_ind", "0x06"),
    ("adv_ext_ind", "0x07"),
    ("connect_rsp", "0x08"),
];

/// Frames with a right sum, a wrong one, untold and of other access addresses in each capture.
const COUNTS: [(&str, [usize; 4]); 5] = [
    ("take1_20_channels", [1941, 204, 11, 380]),
    ("take2_ble_all_adv", [170, 18, 3, 30]),
    ("take3_adv37", [250, 77, 0, 55]),
    ("take3_adv38", [1015, 198, 9, 226]),
    ("take3_adv39", [1670, 125, 40, 90]),
];
