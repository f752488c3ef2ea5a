//! Every report in every format, over a small house whose numbers can be counted by hand.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::tz::TimeZone;
use muster_core::batch::{HOUR, Reading};
use muster_core::identity::{DeviceId, IdentityId, ListenerId, PersonId, PlaceId};
use muster_core::reading::{Names, hours, keep_winners};
use muster_core::span::{Span, SpanSet};
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;
use muster_report::reports::{Device, Monitor, Needs, Report, Scope};
use muster_report::{Cell, Style, Table, csv, from_items, json, text};

/// Kitchen and Living Room hear the keys (two identities of one device) for two hours, the kitchen a tag
/// of somebody unknown in the first. Times are those of 20 November 2026.
fn heard() -> Vec<Reading> {
    let mut all = Vec::new();
    for interval in 0..24 {
        let strongest = if interval < 6 { -72 } else { -60 };
        all.push(reading(interval, 1, KITCHEN, Some(strongest)));
        all.push(reading(interval, 1 + interval % 2, LIVING_ROOM, Some(-65)));
        if interval < 12 {
            all.push(reading(interval, 9, KITCHEN, None));
        }
    }
    all.sort_by_key(|it| (it.interval, it.length, it.identity, it.listener));
    all
}

#[test]
fn every_report_in_every_format() {
    for (name, report) in Report::ALL {
        let table = made(report, &scope(Span::new(at("09:00"), at("12:00"))), &heard());
        let shown = format!(
            "{}\n{}\n{}",
            text(&table, &style()),
            csv(&table).unwrap(),
            json(&table).unwrap()
        );
        insta::assert_snapshot!(name, shown);
        let names: Vec<&str> = report.columns().iter().map(|it| it.name).collect();
        assert_eq!(table.columns.iter().map(|it| it.name).collect::<Vec<_>>(), names, "{name}");
        let items: Vec<_> = serde_json::from_str(&json(&table).unwrap()).unwrap();
        let again = from_items(report.columns(), &items).unwrap();
        assert_eq!(json(&again).unwrap(), json(&table).unwrap(), "{name}");
    }
}

#[test]
fn nothing_was_heard() {
    for (name, report) in Report::ALL {
        let mut empty = scope(Span::new(at("09:00"), at("12:00")));
        empty.monitors.iter_mut().for_each(|it| it.covered = SpanSet::new());
        empty.devices.clear();
        let table = made(report, &empty, &[]);
        // Only reports about monitors, and about gaps, have something to say then.
        let says = matches!(report, Report::Monitors | Report::Gaps | Report::Occupancy);
        assert_eq!(table.rows.is_empty(), !says, "{name}");
    }
}

/// One rule for what nobody told: a monitor that says whom it hears, and not when it listens, has no share
/// in any report.
#[test]
fn what_was_not_told_is_no_share() {
    for (name, report) in Report::ALL {
        let mut untold = scope(Span::new(at("09:00"), at("12:00")));
        untold.monitors.iter_mut().for_each(|it| it.covered = SpanSet::new());
        let table = made(report, &untold, &heard());
        let covered = table.columns.iter().position(|it| it.name == "covered");
        let Some(covered) = covered else { continue };
        for row in &table.rows {
            assert_eq!(row[covered], Cell::Empty, "{name}: {row:?}");
        }
    }
}

/// An hour counts as one whether it comes by the hour or in pieces, and only as much of it as is in the
/// window.
#[test]
fn an_hour_that_is_cut_counts_in_part() {
    let window = Span::new(at("09:30"), at("10:30"));
    let table = made(Report::Hourly, &scope(window), &heard());
    insta::assert_snapshot!(csv(&table).unwrap(), @r"
    hour,monitor,place,devices,readings,mean_rssi,best_rssi,worst_rssi,covered
    2026-11-20T09:00:00Z,Kitchen,Home,2,12,-60.00,-60,-60,1
    2026-11-20T09:00:00Z,Living Room,Home,0,0,,,,1
    2026-11-20T10:00:00Z,Kitchen,Home,1,6,-60.00,-60,-60,1
    2026-11-20T10:00:00Z,Living Room,Home,0,0,,,,1
    ");
}

/// The clock is put back at 3: the day has 25 hours, and each of them is a row.
#[test]
fn a_night_of_25_hours() {
    let begin: Time = "2026-10-24T22:00:00Z".parse().unwrap();
    let window = Span::new(begin, begin + 25 * HOUR);
    let mut scope = Scope { zone: TimeZone::get("Europe/Berlin").unwrap(), ..scope(window) };
    scope.monitors.iter_mut().for_each(|it| it.covered.union(&[window]));
    let one = |hour: u32| {
        let interval = begin + hour * HOUR;
        Reading { interval, at: interval, ..reading(0, 1, KITCHEN, Some(-60)) }
    };
    let readings: Vec<Reading> = (0..25).map(one).collect();
    let days = made(Report::Days, &scope, &readings);
    assert_eq!(csv(&days).unwrap(), "day,devices,new,readings,covered\n2026-10-25,1,0,25,1\n");
    let hours = csv(&made(Report::Hourly, &scope, &readings)).unwrap();
    assert_eq!(hours.lines().filter(|it| it.contains(",Kitchen,Home,1,1,")).count(), 25, "{hours}");
    let pattern = csv(&made(Report::Pattern, &scope, &readings)).unwrap();
    assert_eq!(pattern.lines().filter(|it| it.ends_with(",1.00,1.00,1")).count(), 24, "{pattern}");
}

#[test]
fn where_no_monitor_stands_nothing_was_heard() {
    let window = Span::new(at("09:00"), at("12:00"));
    for (asked, rows) in [(None, true), (Some(BTreeSet::new()), false)] {
        let scope = Scope { focus: asked, ..scope(window) };
        for report in [Report::Overlap, Report::Nearest] {
            assert_eq!(!made(report, &scope, &heard()).rows.is_empty(), rows, "{report:?}");
        }
    }
}

/// What was measured with another length is no gap.
#[test]
fn an_interval_of_another_length_leaves_no_gap() {
    let window = Span::new(at("09:00"), at("12:00"));
    let scope = Scope { interval: 2 * INTERVAL, ..scope(window) };
    let gaps = csv(&made(Report::Gaps, &scope, &heard())).unwrap();
    let empty = gaps.lines().filter(|it| it.contains(",0,0,"));
    // Two hours were heard, the third was not.
    assert_eq!((gaps.lines().count(), empty.count()), (1 + 24 + 6, 6), "{gaps}");
    assert_eq!(Report::Gaps.least_rows(&scope), 18);
}

/// Where midnight is not at a whole hour of UTC, the time asked for begins within one.
#[test]
fn a_day_that_begins_at_half_past_is_that_day() {
    let begin: Time = "2026-11-19T18:30:00Z".parse().unwrap();
    let window = Span::new(begin, begin + 24 * HOUR);
    let mut scope = Scope { zone: TimeZone::get("Asia/Kolkata").unwrap(), ..scope(window) };
    scope.monitors.iter_mut().for_each(|it| it.covered.union(&[window]));
    let first = Reading { interval: begin, at: begin, ..reading(0, 1, KITCHEN, Some(-60)) };
    let days = csv(&made(Report::Days, &scope, &[first])).unwrap();
    assert_eq!(days, "day,devices,new,readings,covered\n2026-11-20,1,0,1,1\n");
}

fn made(report: Report, scope: &Scope, readings: &[Reading]) -> Table {
    let within = |it: &&Reading| scope.window.contains(it.interval);
    let readings: Vec<Reading> = readings.iter().filter(within).copied().collect();
    let mut winners = readings.clone();
    keep_winners(&mut winners, &scope.names);
    let parts = scope.parts();
    let of_members = winners.iter().filter(|it| parts.contains(&it.identity)).copied().collect();
    let mut fold = report.begin();
    match report.needs() {
        Needs::Hours => {
            let counted = scope.counted(hours(&winners), of_members);
            for piece in counted.chunk_by(|a, b| a.hour == b.hour) {
                fold.hours(scope, piece);
            }
        }
        Needs::Winners => fold.readings(scope, &scope.winners(winners)),
        Needs::Readings => fold.readings(scope, &readings),
        Needs::Sightings => {}
        Needs::Stays => fold.stays(scope, &stays()),
    }
    fold.table(scope)
}

fn stays() -> Vec<Stay> {
    let stay = |person, from: &str, last: &str, ended| Stay {
        id: StayId(1),
        subject: Subject::Person(PersonId(person)),
        site: PlaceId(1),
        from: at(from),
        last: at(last),
        ended,
        to_latest: None,
        uncovered: Duration::ZERO,
        after_gap: false,
        revision: 0,
    };
    vec![stay(1, "09:00", "10:30", Ended::Left), stay(2, "09:45", "09:50", Ended::Open)]
}

fn scope(window: Span) -> Scope {
    let monitor = |name: &str, from: &str, to: &str, hears| Monitor {
        name: name.into(),
        place: "Home".into(),
        site: PlaceId(1),
        hears,
        heard_to: Some(at(to)),
        covered: SpanSet::from_iter([Span::new(at(from), at(to))]),
    };
    let device = |name: &str, person: Option<&str>, first: &str, last: &str| Device {
        name: name.into(),
        person: person.map(Into::into),
        first_seen: Some(first.parse().unwrap()),
        last_seen: Some(last.parse().unwrap()),
    };
    Scope {
        window,
        now: at("12:00"),
        zone: TimeZone::UTC,
        interval: INTERVAL,
        monitors: vec![
            monitor("Kitchen", "09:00", "12:00", true),
            monitor("Living Room", "09:00", "10:45", false),
        ],
        focus: None,
        listeners: BTreeMap::from([(ListenerId(KITCHEN), 0), (ListenerId(LIVING_ROOM), 1)]),
        names: Names::default(),
        groups: BTreeMap::from([(IdentityId(2), DeviceId(1))]),
        sites: BTreeMap::from([(PlaceId(1), "Home".to_owned())]),
        devices: BTreeMap::from([
            (
                DeviceId(1),
                device("Keys", Some("anna"), "2026-11-01T08:00:00Z", "2026-11-20T10:59:00Z"),
            ),
            (DeviceId(9), device("=Tag", None, "2026-11-20T09:00:00Z", "2026-11-20T09:59:00Z")),
            (DeviceId(10), device("Old", None, "2026-10-01T09:00:00Z", "2026-11-02T09:00:00Z")),
        ]),
        only: None,
        days: 7,
        limit: 3,
    }
}

fn reading(interval: u32, identity: u32, listener: u32, rssi: Option<i8>) -> Reading {
    let interval = at("09:00") + interval * INTERVAL;
    Reading {
        interval,
        length: INTERVAL,
        identity: IdentityId(identity),
        listener: ListenerId(listener),
        rssi,
        at: interval + Duration::from_secs(7),
    }
}

fn style() -> Style {
    let zone = TimeZone::UTC;
    Style { width: None, colour: false, zone, now: at("12:00") }
}

fn at(clock: &str) -> Time {
    format!("2026-11-20T{clock}:00Z").parse().unwrap()
}

const KITCHEN: u32 = 1;
const LIVING_ROOM: u32 = 2;
const INTERVAL: Duration = Duration::from_mins(5);
