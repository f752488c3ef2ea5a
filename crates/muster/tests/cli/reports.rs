//! Reports over what was heard: by the hour, by device, by monitor.

use insta::assert_snapshot;

use crate::support::House;

/// The keys are heard in the living room and in the kitchen for an hour, a tag in the kitchen alone;
/// then the kitchen is alone with the keys. Between them, twenty minutes in which nobody listens.
fn facts() -> String {
    let mut lines = Vec::new();
    let mut say = |minute: u32, monitor: &str, id: &str, rssi: i32| {
        let (hour, minute) = (9 + minute / 60, minute % 60);
        lines.push(format!(
            "{{\"t\":\"2026-11-20T{hour:02}:{minute:02}:10Z\",\"monitor\":\"{monitor}\",\
             \"source\":\"ble\",\"id\":\"{id}\",\"rssi\":{rssi}}}"
        ));
    };
    for minute in 0..60 {
        say(minute, "Living Room", KEYS, -65);
        say(minute, "Kitchen", KEYS, -72);
        say(minute, "Kitchen", TAG, -80);
    }
    for minute in 80..100 {
        say(minute, "Kitchen", KEYS, -55);
    }
    for (monitor, from, to) in [
        ("Living Room", "09:00", "10:00"),
        ("Kitchen", "09:00", "10:00"),
        ("Kitchen", "10:20", "10:40"),
    ] {
        lines.push(format!(
            "{{\"t\":\"2026-11-20T{to}:00Z\",\"monitor\":\"{monitor}\",\"source\":\"ble\",\
             \"channel\":\"\",\"covered_from\":\"2026-11-20T{from}:00Z\"}}"
        ));
    }
    lines.sort();
    lines.join("\n") + "\n"
}

fn house() -> House {
    let house = House::empty();
    house.file("facts.jsonl", &facts());
    house.tell(&["replay", "facts.jsonl", "--into", "."]);
    house
}

#[test]
fn every_report_in_its_columns() {
    assert_snapshot!(house().transcript(&[
        "report hourly --from 2026-11-20 --to 2026-11-20",
        "report hourly --start-date 2026-11-20 --end-date 2026-11-20 --format csv",
        "report hourly --from 2026-11-20T09:30:00Z --to 2026-11-20T10:30:00Z --monitor Kitchen --format json",
        "report devices --from 2026-11-20 --to 2026-11-20 --format csv",
        "report overlap --from 2026-11-20T09:50:00Z --to 2026-11-20T10:40:00Z",
        "report gaps --from 2026-11-20T09:50:00Z --to 2026-11-20T10:40:00Z",
        "report days --from 2026-11-19 --to 2026-11-21",
        "report busiest --from 2026-11-20 --to 2026-11-20 --limit 1",
        "report pattern --from 2026-11-20 --to 2026-11-20",
        "report signals --from 2026-11-20 --to 2026-11-20",
        "report nearest --from 2026-11-20 --to 2026-11-20 --format csv",
        "report regulars --from 2026-11-20T09:00:00Z --to 2026-11-20T10:00:00Z --format csv",
        "report recent --from 2026-11-20 --to 2026-11-20 --limit 2 --format csv",
        "report occupancy --from 2026-11-20T09:00:00Z --to 2026-11-20T10:00:00Z",
    ]));
}

#[test]
fn what_cannot_be_reported() {
    assert_snapshot!(house().transcript(&[
        "report hourly --monitor Kitchn",
        "report hourly --place Nowhere",
        "report hourly --person nobody",
        "report hourly --from yesterdy",
        "report hourly --from 2026-11-20 --to 2026-11-19",
        "report hourly --from 2026-11-01 --to 2026-11-02",
        "report recent --limit 0",
    ]));
}

#[test]
fn who_came_and_who_stays_away() {
    let house = house();
    let csv =
        |line: &str| house.tell(&[&crate::support::words(line)[..], &["--format", "csv"]].concat());
    let new = csv("report new --from 2026-11-20 --to 2026-11-20");
    let lines: Vec<&str> = new.lines().collect();
    assert_eq!(lines.len(), 3, "{new}");
    let tag = "2,ble:7c:2f:80:a1:b2:c4,,2026-11-20T09:00:10Z,2026-11-20T09:59:10Z,";
    let keys = "1,ble:7c:2f:80:a1:b2:c3,,2026-11-20T09:00:10Z,2026-11-20T10:39:10Z,";
    assert!(lines[1].starts_with(tag) && lines[2].starts_with(keys), "{new}");
    assert_eq!(csv("report new --from 2026-11-21 --to 2026-11-21").lines().count(), 1);
    assert_eq!(csv("report unseen --days 3650").lines().count(), 1);
    let monitors = csv("report monitors --from 2026-11-20 --to 2026-11-20");
    let kitchen = monitors.lines().nth(1).unwrap();
    assert!(kitchen.starts_with("Kitchen,here,"), "{monitors}");
    assert!(kitchen.contains(",2,16,"), "{monitors}");
}

#[test]
fn a_workbook_goes_to_a_file() {
    let house = house();
    let args = ["report", "hourly", "--from", "2026-11-20", "--format", "xlsx"];
    let out = house.command(&args).output().unwrap();
    assert!(out.status.success() && out.stdout.starts_with(b"PK\x03\x04"), "{out:?}");
}

#[test]
fn the_last_hours() {
    let house = House::until_ten_minutes_ago();
    let names = |hours: &str| {
        let csv = house.tell(&["report", "devices", "--hours", hours, "--format", "csv"]);
        let names = csv.lines().skip(1).filter_map(|it| it.split(',').nth(1).map(str::to_owned));
        names.collect::<Vec<String>>()
    };
    let (all, last) = (names("8"), names("1"));
    assert!(all.contains(&"Anna's phone".to_owned()), "{all:?}");
    assert!(!last.contains(&"Anna's phone".to_owned()), "{last:?}");
    assert!(last.contains(&"kitchen-tv".to_owned()), "{last:?}");
}

#[test]
fn both_days_are_in_it() {
    let house = house();
    let rows = |from: &str, to: &str| {
        let args = ["report", "hourly", "--from", from, "--to", to, "--format", "csv"];
        house.tell(&args).lines().count() - 1
    };
    assert_eq!(rows("2026-11-20", "2026-11-20"), 3);
    assert_eq!(rows("2026-11-19", "2026-11-20"), 3);
    assert_eq!(rows("2026-11-20", "2026-11-21"), 3);
    assert_eq!(rows("2026-11-18", "2026-11-19"), 0);
    assert_eq!(rows("2026-11-21", "2026-11-21"), 0);
    for (to, days) in [("2026-11-20", 1), ("2026-11-19", 0)] {
        let csv = house.tell(&["report", "days", "--to", to, "--format", "csv"]);
        assert_eq!(csv.lines().count() - 1, days, "{csv}");
    }
}

const KEYS: &str = "ble:7c:2f:80:a1:b2:c3";
const TAG: &str = "ble:7c:2f:80:a1:b2:c4";
