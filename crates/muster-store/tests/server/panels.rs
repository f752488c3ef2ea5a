//! A house with three monitors, for panels to be asked about.

use std::time::Duration;

use muster_core::batch::{Batch, CoverageHour, DetailRow, HOUR, Reading};
use muster_core::directory::{Device, Directory, Place};
use muster_core::fact::{DetailKind, Listener, SourceKind};
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId, Mac, PlaceId, TextKind};
use muster_core::span::Span;
use muster_core::time::Time;

/// What happened there: two intervals, more than an hour ago whenever this is asked, in which the living
/// room and the kitchen heard somebody, and one just now.
pub(crate) fn house(now: Time) -> Batch {
    let hour = now.floor(HOUR) - 2 * HOUR;
    let next = hour + INTERVAL;
    let current = now.floor(INTERVAL);
    let listener =
        |id, monitor, channel| (ListenerId(id), Listener::new(monitor, SourceKind::Ble, channel));
    let ble = |last| Identity::Ble(Mac([0xaa, 0xbb, 0xcc, 0xdd, 0xee, last]));
    let beacon = Identity::Text(TextKind::Ibeacon, "f7826da6-1-2".into());
    let silent = Reading { rssi: None, ..reading(next, 4, 4, -1) };
    Batch {
        frontier: now,
        identities: vec![
            (IdentityId(1), ble(1)),
            (IdentityId(2), ble(2)),
            (IdentityId(3), beacon),
            (IdentityId(4), Identity::Mac(Mac([2, 0, 0, 0, 0, 4]))),
        ],
        listeners: vec![
            listener(1, "living_room", "hci0"),
            listener(2, "living_room", "hci1"),
            listener(3, "kitchen", "hci0"),
            listener(4, "attic", "hci0"),
        ],
        readings: vec![
            reading(hour, 1, 1, -65),
            reading(hour, 1, 3, -72),
            reading(hour, 2, 3, -80),
            reading(hour, 2, 2, -70),
            reading(next, 1, 3, -60),
            reading(next, 3, 1, -50),
            silent,
            Reading { at: now, ..reading(current, 1, 1, -61) },
        ],
        details: vec![DetailRow {
            identity: IdentityId(2),
            kind: DetailKind::Hostname,
            value: "Tag".into(),
            at: now,
        }],
        coverage: vec![
            covered(1, now.floor(HOUR), now + SECOND),
            covered(3, hour, hour + INTERVAL),
        ],
        directory: Some(directory()),
        ..Batch::default()
    }
}

#[allow(dead_code, reason = "a file needs no statistics to choose an index")]
/// Two hundred others on an earlier day, each in every interval of an hour.
pub(crate) fn day(now: Time, before: u32) -> Batch {
    let begin = now.floor(HOUR) - before * 24 * HOUR;
    let intervals = (0..12).map(|it| begin + it * INTERVAL);
    let one =
        |at| (100..300).map(move |identity| reading(at, identity, 1 + 2 * (identity % 2), -70));
    Batch { frontier: now, readings: intervals.flat_map(one).collect(), ..Batch::default() }
}

fn directory() -> Directory {
    let place = |name: &str| Place { name: name.into(), parent: Some(Directory::FIRST_SITE) };
    let watch = Device { name: "Watch".into(), ..Device::default() };
    let mut directory = Directory { version: 1, last_place: PlaceId(3), ..Directory::default() };
    directory.places.insert(PlaceId(2), place("Living Room"));
    directory.places.insert(PlaceId(3), place("Kitchen"));
    directory.monitors.insert("living_room".into(), PlaceId(2));
    directory.monitors.insert("kitchen".into(), PlaceId(3));
    directory.devices.insert(DeviceId(1), watch);
    directory
}

fn reading(interval: Time, identity: u32, listener: u32, rssi: i8) -> Reading {
    Reading {
        interval,
        length: INTERVAL,
        identity: IdentityId(identity),
        listener: ListenerId(listener),
        rssi: Some(rssi),
        at: interval + SECOND,
    }
}

fn covered(listener: u32, hour: Time, to: Time) -> CoverageHour {
    CoverageHour { hour, listener: ListenerId(listener), spans: vec![Span::new(hour, to)] }
}

const INTERVAL: Duration = Duration::from_mins(5);
const SECOND: Duration = Duration::from_secs(1);
