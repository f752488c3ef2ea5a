//! A building as others track it: 200 devices, heard by five monitors, and what these send.

use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::{Fact, FactBody, Listener, Sighting, SourceKind};
use muster_core::identity::{Identity, Mac};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_core::uplink::{BootId, Header, Health, Lane, Row, Upload};

/// The monitors' names.
pub(super) const MONITORS: [&str; 5] = ["attic", "bedroom", "cellar", "kitchen", "living-room"];
pub(super) const DEVICES: u32 = 200;
/// The length of a reading.
pub(super) const INTERVAL: Duration = Duration::from_mins(5);

/// A device by number, as it names itself over Bluetooth.
pub(super) fn identity(device: u32) -> Identity {
    let [_, a, b, c] = device.to_be_bytes();
    Identity::Mac(Mac([0xb8, 0x27, 0xeb, a, b, c]))
}

/// What one monitor hears of.
pub(super) fn listener(monitor: usize) -> Arc<Listener> {
    let name = MONITORS.get(monitor).copied().unwrap_or("none");
    Arc::new(Listener::new(name, SourceKind::Ble, "hci0"))
}

/// How strongly a device is heard: it is near to one of them, and every time it is a little different.
pub(super) fn rssi(monitor: usize, device: u32, interval: Time) -> i8 {
    let number = u32::try_from(interval.secs() & 0xffff_ffff).unwrap_or(0) ^ (device << 8);
    let noise =
        number.wrapping_mul(2_654_435_761).wrapping_add(u32::try_from(monitor).unwrap_or(0));
    let noise = noise.wrapping_mul(2_246_822_519) >> 28;
    let far = (device + u32::try_from(monitor).unwrap_or(0) * 3) % 5 * 7;
    i8::try_from(far + noise).map_or(-90, |it| -45 - it)
}

/// When in an interval a device is heard.
pub(super) fn moment(device: u32, interval: Time) -> Time {
    interval + Duration::from_millis(u64::from(device.wrapping_mul(7919) % 300_000))
}

/// Every device once in each of these intervals, and the coverage behind them.
pub(super) fn heard(monitor: usize, from: Time, intervals: u32) -> Vec<Fact> {
    let listener = listener(monitor);
    let mut facts = Vec::new();
    for number in 0..intervals {
        let interval = from + INTERVAL * number;
        for device in 0..DEVICES {
            let rssi = Some(rssi(monitor, device, interval));
            let sighting =
                Sighting { identity: identity(device), at: moment(device, interval), rssi };
            let body = FactBody::Sighting(sighting);
            facts.push(Fact { listener: Arc::clone(&listener), body });
        }
    }
    let body = FactBody::Coverage(Span::new(from, from + INTERVAL * intervals));
    facts.push(Fact { listener, body });
    facts
}

/// Every device once in each interval of an hour, at the monitor that hears it best, and the coverage of all.
pub(super) fn an_hour(from: Time) -> Vec<Fact> {
    let monitors = u32::try_from(MONITORS.len()).unwrap_or(1);
    let number = u32::try_from(from.secs() / 3600 % 1000).unwrap_or(0);
    let listeners: Vec<_> = (0..MONITORS.len()).map(listener).collect();
    let mut facts = Vec::new();
    for interval in (0..12).map(|it| from + INTERVAL * it) {
        for device in 0..DEVICES {
            let monitor = ((device + number) % monitors) as usize;
            let Some(listener) = listeners.get(monitor) else { continue };
            let rssi = Some(rssi(monitor, device, interval));
            let at = moment(device, interval);
            let body = FactBody::Sighting(Sighting { identity: identity(device), at, rssi });
            facts.push(Fact { listener: Arc::clone(listener), body });
        }
    }
    for listener in listeners {
        let body = FactBody::Coverage(Span::new(from, from + INTERVAL * 12));
        facts.push(Fact { listener, body });
    }
    facts
}

/// What a monitor heard as an upload, whose numbers begin here.
pub(super) fn upload(monitor: usize, first: u64, facts: Vec<Fact>, sent: Time) -> Upload {
    let rows: Vec<Row> =
        (first..).zip(facts).map(|(sequence, fact)| Row { sequence, fact }).collect();
    let settles = rows.iter().map(|it| it.sequence).collect();
    let header = Header {
        monitor: MONITORS.get(monitor).copied().unwrap_or("none").into(),
        boot: BootId(monitor as u128 + 1),
        lane: Lane::Backlog,
        store: None,
        sent: Some(sent),
        uncertain: None,
        settles,
        oldest_unsent: None,
        health: Health::default(),
    };
    Upload { header, rows }
}
