//! Who and what a report is about, and how they are called.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::tz::TimeZone;
use muster_core::batch::Reading;
use muster_core::identity::{DeviceId, IdentityId, ListenerId, PlaceId};
use muster_core::reading::{Names, Signals, WinnerHour, hours, is_better, keep_winners};
use muster_core::span::{Span, SpanSet};
use muster_core::time::Time;

use crate::table::Cell;

/// What a report is about.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The time; intervals and hours that begin in it count.
    pub window: Span,
    /// Now.
    pub now: Time,
    /// The zone in which days begin.
    pub zone: TimeZone,
    /// The length of intervals where nothing was heard that could tell it.
    pub interval: Duration,
    /// The monitors, by name in bytes: those asked for, or all in a report that compares them.
    pub monitors: Vec<Monitor>,
    /// Of all, those asked for, which may be nobody; none: nobody asked for certain ones.
    pub focus: Option<BTreeSet<usize>>,
    /// The place of each of their listeners' monitor in that list.
    pub listeners: BTreeMap<ListenerId, usize>,
    /// The order of all listeners, by which ties are settled.
    pub names: Names,
    /// Identities that belong to another device than their own.
    pub groups: BTreeMap<IdentityId, DeviceId>,
    /// How sites are called.
    pub sites: BTreeMap<PlaceId, String>,
    /// Devices that are known.
    pub devices: BTreeMap<DeviceId, Device>,
    /// The devices asked for; none: all.
    pub only: Option<BTreeSet<DeviceId>>,
    /// How many days not to be heard is long.
    pub days: u32,
    /// At most so many rows, in reports that have an end of their own.
    pub limit: usize,
}

/// A monitor.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: String,
    /// The site of that place.
    pub site: PlaceId,
    /// Whether it hears at the moment.
    pub hears: bool,
    /// Up to when it is known to have heard.
    pub heard_to: Option<Time>,
    /// When it could hear, as far as that is kept.
    pub covered: SpanSet,
}

/// A device.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// What people call it.
    pub name: String,
    /// Whose it is.
    pub person: Option<String>,
    /// Its first sighting.
    pub first_seen: Option<Time>,
    /// Its last sighting.
    pub last_seen: Option<Time>,
}

impl Scope {
    /// The identities of devices that have several: what a store counted of each does not say how often
    /// the device was heard, which is once in an interval.
    #[must_use]
    pub fn parts(&self) -> Vec<IdentityId> {
        let devices = self.groups.values().map(|it| IdentityId(it.0));
        let parts: BTreeSet<IdentityId> = self.groups.keys().copied().chain(devices).collect();
        parts.into_iter().collect()
    }

    /// The winner of each device from the winners of its identities, under the identity that the device
    /// has its number from.
    #[must_use]
    pub fn winners(&self, mut winners: Vec<Reading>) -> Vec<Reading> {
        if self.groups.is_empty() {
            return winners;
        }
        for it in &mut winners {
            if let Some(device) = self.groups.get(&it.identity) {
                it.identity = IdentityId(device.0);
            }
        }
        keep_winners(&mut winners, &self.names);
        winners
    }

    /// Counted hours by device: what a store counted, but of the parts, whose winners are beside.
    #[must_use]
    pub fn counted(&self, stored: Vec<WinnerHour>, parts: Vec<Reading>) -> Vec<WinnerHour> {
        let apart: BTreeSet<IdentityId> = self.parts().into_iter().collect();
        let mut all = stored;
        all.retain(|it| !apart.contains(&it.identity));
        all.extend(hours(&self.winners(parts)));
        all.sort_by_key(|it| it.hour);
        all
    }

    /// Whom a row is about, and where its monitor stands in the list; none: nobody asked.
    pub(super) fn of(&self, identity: IdentityId, at: ListenerId) -> Option<(DeviceId, usize)> {
        let monitor = *self.listeners.get(&at)?;
        let own = || identity.own_device();
        let device = self.groups.get(&identity).copied().unwrap_or_else(own);
        self.is_wanted(device).then_some((device, monitor))
    }

    /// Whether a monitor is one of those asked for.
    pub(super) fn is_asked(&self, monitor: usize) -> bool {
        self.focus.as_ref().is_none_or(|it| it.contains(&monitor))
    }

    pub(super) fn is_wanted(&self, device: DeviceId) -> bool {
        self.only.as_ref().is_none_or(|it| it.contains(&device))
    }

    /// The share of a span within the window in which a monitor could hear; none where nothing says so.
    pub(super) fn covered(&self, monitor: usize, span: Span) -> Option<f64> {
        self.monitors.get(monitor).and_then(|it| self.share(&it.covered, span))
    }

    /// The same of any monitor.
    pub(super) fn covered_by_any(&self, span: Span) -> Option<f64> {
        self.share(&self.any(), span)
    }

    /// When any of the monitors could hear.
    pub(super) fn any(&self) -> SpanSet {
        let mut any = SpanSet::new();
        for it in &self.monitors {
            any.union(it.covered.spans());
        }
        any
    }

    /// The share of a span, within the window, that is in a set; none for nothing of it. Whether a
    /// monitor was deaf, or did not say when it listened, or it is not kept any more, is not known then:
    /// no report says 0 %.
    pub(super) fn share(&self, set: &SpanSet, span: Span) -> Option<f64> {
        let span = span.intersect(self.window)?;
        let part = set.clip(span).measure();
        let share = part.as_secs_f64() / span.length().as_secs_f64();
        Some(share).filter(|it| *it > 0.0 && it.is_finite())
    }

    /// The cells `device`, `name` and `person`.
    pub(super) fn named(&self, device: DeviceId) -> [Cell; 3] {
        let known = self.devices.get(&device);
        [
            Cell::Whole(device.0.into()),
            Cell::text(known.map(|it| it.name.clone())),
            Cell::text(known.and_then(|it| it.person.clone())),
        ]
    }

    /// The cells `monitor` and `place`.
    pub(super) fn standing(&self, monitor: usize) -> [Cell; 2] {
        let known = self.monitors.get(monitor);
        [Cell::text(known.map(|it| it.name.clone())), Cell::text(known.map(|it| it.place.clone()))]
    }
}

/// The best reading of each device at each monitor in one interval.
pub(super) fn heard(
    scope: &Scope,
    readings: &[Reading],
) -> BTreeMap<DeviceId, BTreeMap<usize, Reading>> {
    let mut all: BTreeMap<DeviceId, BTreeMap<usize, Reading>> = BTreeMap::new();
    for it in readings {
        let Some((device, monitor)) = scope.of(it.identity, it.listener) else { continue };
        let best = all.entry(device).or_default().entry(monitor).or_insert(*it);
        if is_better(it, best) {
            *best = *it;
        }
    }
    all
}

/// The monitor that heard a device best.
pub(super) fn winner(heard: &BTreeMap<usize, Reading>) -> Option<usize> {
    let strength = |(monitor, it): &(&usize, &Reading)| (Reverse(it.rssi), it.at, **monitor);
    heard.iter().min_by_key(strength).map(|(monitor, _)| *monitor)
}

/// Readings by their intervals.
pub(super) fn intervals(readings: &[Reading]) -> impl Iterator<Item = &[Reading]> {
    readings.chunk_by(|a, b| (a.interval, a.length) == (b.interval, b.length))
}

/// The cells `mean_rssi`, `best_rssi` and `worst_rssi`.
pub(super) fn strengths(signals: Option<Signals>) -> [Cell; 3] {
    signals.map_or([Cell::Empty, Cell::Empty, Cell::Empty], |it| {
        [mean(it), Cell::Whole(it.best.into()), Cell::Whole(it.worst.into())]
    })
}

/// The mean of signals.
pub(super) fn mean(it: Signals) -> Cell {
    #[expect(clippy::cast_precision_loss, reason = "sums of dBm are far below 2^53")]
    Cell::Decimal(it.sum as f64 / f64::from(it.count.max(1)))
}

/// How good a signal is, by the classes that BLE Monitor's queries have.
pub(super) fn class(rssi: i8) -> &'static str {
    CLASSES.iter().find(|(least, _)| rssi >= *least).map_or("", |(_, word)| word)
}

/// The classes with the weakest signal of each, dBm.
pub(super) const CLASSES: [(i8, &str); 5] =
    [(-50, "excellent"), (-60, "good"), (-70, "fair"), (-80, "weak"), (i8::MIN, "very weak")];
