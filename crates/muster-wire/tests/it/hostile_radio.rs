//! Hostile radio: every Bluetooth parser returns, and what it returns is bounded and fit to be shown.
//!
//! The corpus is fixed (frames of all captures and all vectors), the damage seeded: a failure comes
//! back.

use muster_core::identity::Identity;
use muster_core::legible::is_legible;
use muster_core::time::Time;
use muster_sim::damage::damage;
use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::identify::identify;
use muster_wire::bluetooth::key::{Irk, KeyFileError};
use muster_wire::bluetooth::management::Message;
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::bluetooth::{decode, is_bluetooth};
use muster_wire::capture::{Capture, Record};
use muster_wire::decoded::Decoded;
use muster_wire::frame::LinkType;
use proptest::prelude::*;
use serde_json::Value;

use crate::{captures, vectors};

const LINKS: [LinkType; 5] = [
    LinkType::HCI,
    LinkType::HCI_DIRECTED,
    LinkType::BLE,
    LinkType::BLE_RADIO,
    LinkType::BLUETOOTH_MONITOR,
];

/// Frames of every kind, few of each.
fn corpus() -> Vec<(LinkType, Vec<u8>)> {
    let files = ["btsnoop_hci_android.log", "btsnoop_btmon.log", "boston/take3_adv37.pcap"];
    let records = files.iter().flat_map(|it| captures::records(&captures::bluetooth(it)));
    let mut frames: Vec<_> = records.step_by(5).map(|it| (it.link, it.bytes)).collect();
    frames.extend(vectors::events().into_iter().map(|it| (LinkType::HCI, it)));
    frames
}

/// Decodes and looks at everything that comes out.
fn check(link: LinkType, bytes: &[u8], rules: &TagRules) -> bool {
    assert!(is_bluetooth(link));
    if let Ok(Some(packet)) = decode(link, bytes) {
        let mut structures = 0;
        for it in packet.advertisements() {
            structures += it.structures().count();
            identify(&it, rules, &mut |id| {
                let identity = id.to_identity().unwrap();
                let text = identity.to_string();
                assert!(text.len() <= Identity::MAX_TEXT + 16 && is_legible(&text), "{text:?}");
                assert_eq!(text.parse::<Identity>().unwrap(), identity);
            });
        }
        assert!(structures <= bytes.len());
    }
    let record = Record { number: 1, at: Time::MAX, link, bytes: bytes.to_vec() };
    let lines = Decoded::of_record(&record, rules);
    assert!(lines.len() <= 1 + bytes.len() / 8, "{} lines", lines.len());
    for line in &lines {
        let json = line.to_json();
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["frame"], 1, "{json}");
        for key in ["name", "text"] {
            let shown = read[key].as_str().unwrap_or("x");
            assert!(is_legible(shown) && shown.len() <= 255, "{json}");
        }
        // Hexadecimal doubles; words and names of numbers add some for every structure.
        assert!(json.len() <= 600 + 120 * bytes.len(), "{} of {}", json.len(), bytes.len());
    }
    lines.iter().any(|it| matches!(it, Decoded::Radio(_)))
}

#[test]
fn every_prefix_of_every_frame() {
    let rules = TagRules::default();
    for (link, bytes) in corpus().into_iter().step_by(3) {
        for length in 0..=bytes.len() {
            check(link, &bytes[..length], &rules);
        }
    }
}

#[test]
fn seeded_damage() {
    let rules = rules(&["A", "0"]);
    let corpus = corpus();
    let bytes: Vec<Vec<u8>> = corpus.iter().map(|(_, it)| it.clone()).collect();
    let (mut all, mut decoded) = (0, 0);
    damage(7, 20_000, &bytes, |which, bytes| {
        let other = bytes.len() % 10 == 0;
        let link = if other { LINKS[bytes.len() % LINKS.len()] } else { corpus[which].0 };
        all += 1;
        decoded += u32::from(check(link, bytes, &rules));
    });
    // The damage is not so heavy that nothing gets behind the headers.
    assert!(decoded > all / 7, "{decoded} of {all}");
}

/// Whole files: of most records nothing is lost but those that were hurt.
#[test]
fn damaged_files() {
    let files = ["btsnoop_hci_android.log", "btsnoop_btmon.log"];
    let files = files.map(|it| std::fs::read(captures::bluetooth(it)).unwrap());
    let rules = TagRules::default();
    let (mut opened, mut read, mut broken) = (0, 0, 0);
    damage(11, 200, &files, |_, bytes| {
        let Ok(capture) = Capture::open(bytes) else { return };
        opened += 1;
        for record in capture {
            match record {
                Ok(it) => {
                    assert!(it.bytes.len() <= bytes.len() + 4);
                    read += usize::from(check(it.link, &it.bytes, &rules));
                }
                Err(_) => broken += 1,
            }
        }
    });
    // Of 222 and 554 records, some of which are cut off in one of seven kinds of damage.
    assert!(opened > 150 && read > opened * 200, "{opened} {read} {broken}");
    assert!(broken > 50 && broken < opened * 5, "{opened} {read} {broken}");
}

/// Files of keys: what is read is the same written out again, and what is not is not repeated.
#[test]
fn damaged_keys() {
    let key = "ec0234a357c8ad05341010a60a397d9b";
    let files = [
        key.to_owned(),
        format!("# Anna\n0x{key}\nec:02:34:a3:57:c8:ad:05:34:10:10:a6:0a:39:7d:9b\n"),
        format!("[General]\nName=x\n\n[IdentityResolvingKey]\nKey={key}\n\n[LongTermKey]\n"),
    ];
    let files = files.map(String::into_bytes);
    let (mut read, mut refused) = (0, 0);
    damage(13, 5_000, &files, |_, bytes| match Irk::read_all(bytes) {
        Ok(keys) => {
            read += 1;
            for it in keys {
                let again = Irk::read_all(it.reveal().as_bytes()).unwrap();
                assert_eq!(again.iter().map(Irk::id).collect::<Vec<_>>(), [it.id()]);
            }
        }
        Err(KeyFileError::Line { line }) => {
            refused += 1;
            assert!((1..=bytes.len() as u64 + 1).contains(&line));
        }
        Err(_) => refused += 1,
    });
    assert!(read > 200 && refused > 2_000, "{read} {refused}");
}

proptest! {
    #[test]
    fn any_bytes(
        which in 0..LINKS.len(),
        kind in prop::sample::select(vec![1_u8, 4, 0x3e]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let rules = TagRules::default();
        check(LINKS[which], &bytes, &rules);
        check(LinkType::HCI, &[&[kind], &bytes[..]].concat(), &rules);
        if let Ok((_, message)) = Message::of_socket(&bytes) {
            prop_assert!(message.word().is_none_or(|it| !it.is_empty()));
        }
    }

    /// Arbitrary bytes behind the codes that lead to each of the parsers.
    #[test]
    fn any_parameters(
        code in prop::sample::select(vec![
            (0x02, None), (0x03, None), (0x05, None), (0x07, None), (0x0e, None), (0x0f, None),
            (0x22, None), (0x2f, None), (0x3e, Some(0x01)), (0x3e, Some(0x02)), (0x3e, Some(0x0b)),
            (0x3e, Some(0x0d)), (0x3e, Some(0x0e)),
        ]),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0..4_u8], 0..250),
    ) {
        let parameters: Vec<u8> = code.1.into_iter().chain(bytes).collect();
        let length = u8::try_from(parameters.len()).unwrap();
        let frame = [&[4, code.0, length][..], &parameters].concat();
        check(LinkType::HCI, &frame, &TagRules::default());
    }

    #[test]
    fn any_data(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let rules = rules(&["a", "b", "c"]);
        let json = Decoded::of_advertisement(1, &bytes, &rules).to_json();
        let is_line = !json.contains('\n') && json.starts_with(r#"{"frame":1,"kind":"#);
        prop_assert!(is_line, "{}", json);
        let mut ids = 0;
        identify(&Advertisement::bare(&bytes), &rules, &mut |_| ids += 1);
        prop_assert!(ids <= bytes.len());
    }
}

fn rules(prefixes: &[&str]) -> TagRules {
    TagRules::new(prefixes.iter().map(|it| it.parse().unwrap()).collect())
}
