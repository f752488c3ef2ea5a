//! Reading: tables for people, JSON and CSV for scripts.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{BERTS, House};

#[test]
fn tables() {
    let house = House::of_a_friday();
    assert_snapshot!(house.transcript(&[
        "who",
        "who --all",
        "person list",
        "person show anna",
        "device list",
        "device list --mark normal berts",
        "device list --mark infrastructure",
        "device show annas-phone",
        "place list",
        "monitor list",
        "report stays --from 2026-11-20 --to 2026-11-20",
        "report stays --start-date 2026-11-20 --end-date 2026-11-20 --person anna --format csv",
        "report stays --from 2026-11-20 --to 2026-11-20 --device 3 --format json",
        "report stays --from 2026-11-19 --to 2026-11-19",
    ]));
}

#[test]
fn explanations() {
    let house = House::of_a_friday();
    let explained = |line: &str| house.tell(&crate::support::words(line));
    let then = explained("explain anna --at 2026-11-20T08:30:00Z");
    let lines: Vec<&str> = then.lines().collect();
    assert_eq!(
        lines.first_chunk(),
        Some(&[
            "who            Anna Berg",
            "presence       present",
            "since          2026-11-20 07:00",
        ]),
        "{then}"
    );
    assert!(then.contains("\n\ndevice        heard by      last "), "{then}");
    assert!(then.contains("last evidence  2026-11-20 08:30\n"), "{then}");
    assert!(then.contains("\nAnna's phone  hub/lan/eth0  2026-11-20 08:30"), "{then}");
    let later = explained("explain anna --at 2026-11-20T11:00:00Z");
    assert!(later.contains("presence       away\nsince          2026-11-20 08:59\n"), "{later}");
    assert!(later.contains("last evidence  2026-11-20 08:59\n"), "{later}");
    let table = explained("explain kitchen-tv --at \"2026-11-20 11:30\" --format csv");
    let (header, first) = table.split_once('\n').expect("a header");
    assert_eq!(
        header,
        "device,heard_by,last,silence_s,away_after_s,misses,misses_needed,covered,decisive,identity"
    );
    // Seconds, and numbers by themselves.
    assert!(first.starts_with("kitchen-tv,hub/lan/eth0,2026-11-20T11:30:00Z,"), "{first}");
    let cells: Vec<&str> = first.trim_end().split(',').collect();
    assert!(cells[3..7].iter().all(|it| it.parse::<u64>().is_ok()), "{first}");
    assert!(cells[7..9].iter().all(|it| it.parse::<bool>().is_ok()), "{first}");
}

#[test]
fn csv_has_one_word_a_column_and_what_scripts_go_by() {
    let house = House::of_a_friday();
    for (line, has) in [
        ("who --all", "away,anna,Anna Berg,"),
        ("person list", "away,anna,Anna Berg,"),
        ("person show anna", "anna,Anna Berg,away,"),
        ("device list", ",,true,mac:da:a1:19:00:00:01,"),
        ("device show 3", "mac:da:a1:19:00:00:01,3,away,"),
        ("place list", "1,here,"),
        ("monitor list", "dark,hub,lan,eth0,"),
        ("report stays --from 2026-11-20", "Anna Berg,anna,,here,"),
        ("report stays --from 2026-11-20 --of devices", "Anna's phone,,2,here,"),
    ] {
        let mut args = crate::support::words(line);
        args.extend(["--format", "csv"]);
        let out = house.tell(&args);
        let header = out.lines().next().unwrap_or_default();
        let sound = |it: char| it.is_ascii_lowercase() || it == '_' || it == ',';
        assert!(header.chars().all(sound), "{line}: {header}");
        assert!(out.contains(has), "{line}: {out}");
    }
}

#[test]
fn json_is_nothing_but_json() {
    let house = House::of_a_friday();
    for line in [
        "who --all",
        "explain anna",
        "person list",
        "person show bert",
        "device list",
        "device show 2",
        "place list",
        "monitor list",
        "report stays --from 2026-11-20",
        "config show",
        "config explain sources.lan.poke",
        "config explain sources.lan",
        "config check",
    ] {
        let mut args = crate::support::words(line);
        args.extend(["--format", "json"]);
        let out = house.tell(&args);
        serde_json::from_str::<Value>(&out).unwrap_or_else(|it| panic!("{line}: {it}: {out}"));
    }
    serde_json::from_str::<Value>(&house.tell(&["config", "schema"])).expect("the schema is JSON");
}

#[test]
fn json_holds_more_than_the_table() {
    let house = House::of_a_friday();
    let devices = house.tell(&["device", "list", "--format", "json"]);
    let devices: Vec<Value> = serde_json::from_str(&devices).expect("a list");
    let berts = devices.iter().find(|it| it["identities"][0] == BERTS).expect("Bert's phone");
    assert_eq!((&berts["randomised"], &berts["owner"]), (&true.into(), &"bert".into()));
    assert_eq!(berts["first_seen"], "2026-11-20T08:00:00Z");
}

#[test]
fn colour_and_silence_are_chosen() {
    let house = House::of_a_friday();
    let coloured = house.tell(&["device", "list", "--color", "always"]);
    assert!(coloured.contains("\x1b[1mpresence") && coloured.contains("\x1b[2maway\x1b[0m"));
    assert!(!house.tell(&["device", "list"]).contains('\x1b'));
    let plain = house.with("NO_COLOR", "1").ask(&["device", "list", "--quiet"]);
    assert!(!plain.out.contains('\x1b') && plain.err.is_empty(), "{plain:?}");
}

#[test]
fn a_house_whose_hub_stopped_is_unknown_and_not_away() {
    let house = House::until_ten_minutes_ago();
    let said = house.ask(&["who", "--format", "json"]);
    assert_eq!(said.err.lines().next(), Some("hub not running: reading the store of DATA"));
    let people: Vec<Value> = serde_json::from_str(&said.out).expect("a list");
    let states: Vec<_> = people.iter().map(|it| (&it["name"], &it["presence"])).collect();
    assert_eq!(states, [(&"bert".into(), &"unknown".into())]);
}

#[test]
fn whoever_reads_writes_nothing() {
    let house = House::of_a_friday();
    // Whoever comes first finds the log of a store that was never closed, and tidies it up.
    house.tell(&["who"]);
    let before = house.listing();
    for line in ["who", "device list", "explain anna", "report stays --from -9d", "monitor list"] {
        house.tell(&crate::support::words(line));
    }
    assert_eq!(house.listing(), before);
}
