//! Replay as a process: what it prints, and that being killed changes nothing of the journal.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::{Home, failed};
use muster_core::ports::Store as _;
use muster_core::time::Time;
use muster_sim::household::{Household, Settings};
use muster_store::Access;
use muster_store::sqlite::Sqlite;
use serde_json::Value;

/// Facts of a household over some days, as a file.
fn recorded(home: &Home, days: i64) -> PathBuf {
    let start = Time::from_secs(1_790_000_000);
    let mut household = Household::with(3, start, Settings::default());
    let facts = household.facts_until(Time::from_secs(start.secs() + days * 86_400));
    let lines: Vec<String> = facts.iter().map(muster_wire::fact_file::write_line).collect();
    let path = home.path().join("household.jsonl");
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    path
}

fn replay(home: &Home, file: &Path, into: &Path) -> std::process::Command {
    let mut command = home.muster(&["replay", "--format", "json", "--into"]);
    command.arg(into).arg(file);
    command
}

/// The journal without what a commit decides: ids and times of commits.
async fn journal(folder: &Path) -> Vec<String> {
    let store = Sqlite::open(&folder.join("muster.db"), Access::ReadOnly).await.unwrap();
    let mut all = Vec::new();
    loop {
        let after = u64::try_from(all.len()).unwrap();
        let changes = store.changes_after(after, 1_000).await.unwrap();
        if changes.is_empty() {
            return all;
        }
        all.extend(changes.into_iter().map(|mut it| {
            it.id = 0;
            format!("{it:?}")
        }));
    }
}

#[tokio::test]
async fn killed_in_a_loop_it_ends_with_the_journal_of_an_undisturbed_run() {
    let home = Home::new();
    let file = recorded(&home, 1);
    let (calm, rough) = (home.path().join("calm"), home.path().join("rough"));
    let whole = replay(&home, &file, &calm).output().unwrap();
    assert!(whole.status.success(), "{whole:?}");
    let want = journal(&calm).await;
    assert!(want.len() > 50, "a household has more to tell: {}", want.len());

    // Killed each time a little later: when its store has grown by another bit.
    let mut kills = 0;
    let size = |path: &Path| {
        let of = |name: &str| fs::metadata(path.join(name)).map_or(0, |it| it.len());
        of("muster.db") + of("muster.db-wal")
    };
    for _ in 0..100 {
        let before = size(&rough);
        let mut child = replay(&home, &file, &rough).stdout(Stdio::null()).spawn().unwrap();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if size(&rough) > before + GROWTH {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            std::thread::yield_now();
        };
        match ended {
            None => kills += 1,
            Some(status) => {
                assert!(status.success(), "{status}");
                break;
            }
        }
    }
    assert!(kills >= 3, "it was killed only {kills} times");
    let again = replay(&home, &file, &rough).output().unwrap();
    assert!(again.status.success(), "{again:?}");
    let got = journal(&rough).await;
    let first = want.iter().zip(&got).position(|(want, got)| want != got);
    let at = first.unwrap_or(want.len().min(got.len()));
    assert_eq!(got.get(at), want.get(at), "change {at} after {kills} kills");
    assert!(again.stdout == whole.stdout, "the stays are the same");
}

#[test]
fn a_fact_file_without_coverage_is_covered_and_ends_open() {
    let home = Home::new();
    let file = home.path().join("facts.jsonl");
    let heard = |t: &str, id: &str| {
        format!(r#"{{"t":"2026-11-21T{t}Z","monitor":"kitchen","source":"lan","id":"{id}"}}"#)
    };
    let (early, late) = ("mac:b8:27:eb:01:02:03", "mac:b8:27:eb:01:02:04");
    let lines =
        [heard("09:00:00", early), heard("09:10:00", early), heard("11:00:00", late)].join("\n");
    fs::write(&file, lines + "\n").unwrap();
    let played = home.run(&["replay", "--format", "json", file.to_str().unwrap()]);
    assert!(played.status.success(), "{played:?}");
    let rows: Value = serde_json::from_slice(&played.stdout).unwrap();
    let of = |at: usize, key: &str| rows[at][key].as_str().unwrap_or_default().to_owned();
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "{rows}");
    assert_eq!(of(0, "from"), "2026-11-21T09:00:00Z", "{rows}");
    assert_eq!((of(0, "to"), of(0, "ended")), ("2026-11-21T09:10:00Z".into(), "left".into()));
    assert_eq!((of(1, "to"), of(1, "ended")), (String::new(), "open".into()), "{rows}");
}

#[test]
fn a_capture_is_judged_like_a_live_network() {
    let home = Home::new();
    let capture =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../muster-wire/tests/data/lan/zeek/dhcp.pcap");
    let played = home.run(&["replay", "--format", "json", "--monitor", "attic", capture]);
    assert!(played.status.success(), "{played:?}");
    let rows: Value = serde_json::from_slice(&played.stdout).unwrap();
    let who = |it: &Value| it["who"].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<String> = rows.as_array().unwrap().iter().map(who).collect();
    all.sort();
    assert_eq!(all, ["VMware 40:0e:ef", "btest.is.cool"], "{rows}");
}

/// A btsnoop file of an hour: the controller listens from minute 5 to 45. Keys are there to minute 20,
/// a badge in a phone that hides its address to the end.
fn snooped(home: &Home) -> PathBuf {
    let mut file = b"btsnoop\0\0\0\0\x01\0\0\x03\xea".to_vec();
    let mut record = |second: i64, received: u32, packet: &[u8]| {
        let length = u32::try_from(packet.len()).unwrap();
        file.extend([length, length, received, 0].into_iter().flat_map(u32::to_be_bytes));
        let micros = (1_795_251_600 + second) * 1_000_000 + 0x00dc_ddb3_0f2f_8000;
        file.extend(micros.to_be_bytes());
        file.extend(packet);
    };
    let scan = |on: u8| [1, 0x0c, 0x20, 2, on, 0];
    let done = |opcode: [u8; 2]| [4, 0x0e, 4, 1, opcode[0], opcode[1], 0];
    let report = |kind: u8, address: u8, data: &[u8]| {
        let length = u8::try_from(data.len()).unwrap();
        let head = [4, 0x3e, length + 12, 2, 1, 0, kind, address, 2, 3, 4, 5, 0x46, length];
        [&head[..], data, &[0xc4]].concat()
    };
    let badge = [&[20, 0xff, 0xff, 0xff][..], b"ATT-USER-1a2b3c4d"].concat();
    record(0, 0, &[1, 0x03, 0x0c, 0]);
    record(0, 1, &done([0x03, 0x0c]));
    record(300, 0, &scan(1));
    record(300, 1, &done([0x0c, 0x20]));
    for second in (300..2_700).step_by(5) {
        if second < 1_200 {
            record(second, 1, &report(0, 0x01, &[5, 9, b'K', b'e', b'y', b's']));
        }
        // Its address changes every quarter of an hour.
        let address = u8::try_from(second / 900).unwrap();
        record(second, 1, &report(1, address, &badge));
    }
    record(2_700, 0, &scan(0));
    record(2_700, 1, &done([0x0c, 0x20]));
    record(3_600, 1, &done([0x03, 0x0c]));
    let path = home.path().join("friday.btsnoop");
    fs::write(&path, file).unwrap();
    path
}

#[test]
fn a_bluetooth_capture_gives_the_same_stays_twice() {
    let home = Home::new();
    let file = snooped(&home);
    let play = || {
        let played = home.run(&["replay", "--format", "json", file.to_str().unwrap()]);
        assert!(played.status.success(), "{played:?}");
        played
    };
    let (once, twice) = (play(), play());
    assert_eq!(once.stdout, twice.stdout);
    let rows: Value = serde_json::from_slice(&once.stdout).unwrap();
    let rows: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let of = |key: &str| it[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", of("who"), of("from"), of("to"), of("ended"))
        })
        .collect();
    // Behind minute 45 nobody listened, so nobody left.
    let want = [
        "Keys 2026-11-21T09:05:00Z 2026-11-21T09:19:55Z left",
        "tag:ATT-USER-1a2b3c4d 2026-11-21T09:05:00Z - open",
    ];
    assert_eq!(rows, want);
    let said = String::from_utf8_lossy(&once.stderr).into_owned();
    assert_eq!(said, "3 private Bluetooth addresses were heard, which name nobody\n");

    // Both at once, into a store that has the first already: as if told once.
    let folder = home.path().join("kept");
    let into = || {
        let path = folder.to_str().unwrap();
        home.run(&["replay", "--format", "json", "--into", path, file.to_str().unwrap()])
    };
    let (first, again) = (into(), into());
    assert!(first.status.success() && again.status.success(), "{again:?}");
    assert_eq!((&first.stdout, &again.stdout), (&once.stdout, &once.stdout));
}

#[test]
fn captures_from_the_air_are_replayed() {
    let home = Home::new();
    let folder =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../muster-wire/tests/data/bluetooth/boston/");
    let capture = format!("{folder}take3_adv38.pcap");
    let play = || home.run(&["replay", "--format", "json", &capture]);
    let played = play();
    assert!(played.status.success(), "{played:?}");
    assert_eq!(played.stdout, play().stdout);
    let rows: Value = serde_json::from_slice(&played.stdout).unwrap();
    // A keyboard and two that do not say what they are; all others hide.
    let who: Vec<&str> =
        rows.as_array().unwrap().iter().filter_map(|it| it["who"].as_str()).collect();
    assert!(who.contains(&"ROG AZOTH"), "{who:?}");
    let said = String::from_utf8_lossy(&played.stderr);
    assert!(said.contains("private Bluetooth addresses were heard, which name nobody"), "{said}");
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let home = Home::new();
    let (code, said) = failed(&home.run(&["replay", "nowhere.jsonl"]));
    assert_eq!(code, 3, "{said}");
    let file = home.path().join("wrong.jsonl");
    fs::write(&file, "# fine\n{\"t\":\"yesterday\"}\n").unwrap();
    let (code, said) = failed(&home.run(&["replay", "wrong.jsonl"]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("line 2") && said.contains("wrong.jsonl"), "{said}");
}

/// A small part of what the recording makes: some commits.
const GROWTH: u64 = 60_000;

#[test]
fn a_recording_of_nobody_says_so_in_words() {
    let home = Home::new();
    fs::write(home.path().join("empty.jsonl"), "not a fact\n").unwrap();
    let (_, said) = failed(&home.run(&["replay", "empty.jsonl"]));
    assert!(said.contains("hint: a recording is a fact file"), "{said}");
    fs::write(home.path().join("empty.jsonl"), "").unwrap();
    let output = home.run(&["replay", "empty.jsonl"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said == "nobody was heard\n", "{output:?}");
}
