//! What of an old BLE Monitor's rows comes along, and as what.
//!
//! A device is its address, a monitor a listener of its own at the place of its location, a sighting a
//! reading. **Invariant:** what comes of a row depends on the row, the time zone and the store alone, and
//! readings merge: whatever comes twice is there once. No stay is judged: one sample in five minutes does
//! not say when somebody came and went.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use muster_config::value::MonitorName;
use muster_core::batch::{Batch, DetailRow, Reading, Restored, Seen};
use muster_core::directory::{Directory, Edit, EditError};
use muster_core::fact::{DetailKind, Listener, SourceKind};
use muster_core::identity::{Identity, IdentityId, ListenerId, Mac, PlaceId};
use muster_core::legible::is_legible;
use muster_core::time::Time;
use muster_store::mariadb::ble_monitor::{OldDevice, OldMonitor, OldSighting};

pub(crate) mod ini;

/// Rows on their way into a store.
pub(crate) struct Import {
    zone: TimeZone,
    /// Nothing is later.
    latest: Time,
    directory: Directory,
    identities: BTreeMap<Identity, IdentityId>,
    listeners: BTreeMap<Listener, ListenerId>,
    details: BTreeMap<IdentityId, Vec<DetailRow>>,
    /// By the monitors' old numbers.
    monitors: BTreeMap<i64, ListenerId>,
    /// The highest number of an identity.
    highest: IdentityId,
    /// Whether the directory was changed since it was stored.
    is_described: bool,
    batch: Batch,
    came: Came,
}

/// How many rows came along, and why the others did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) monitors: u64,
    pub(crate) devices: u64,
    pub(crate) sightings: u64,
    /// In an hour that was there twice, of which the first was taken.
    pub(crate) ambiguous: u64,
    /// Monitors by names that none of Muster can have: how many, and the first one.
    pub(crate) foreign: Option<(u64, String)>,
    /// By reason: how many, and the first one.
    pub(crate) refused: BTreeMap<Refusal, (u64, String)>,
}

/// Why a row, or a part of one, does not come along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    MonitorName,
    Location,
    Address,
    DeviceName,
    UnknownMonitor,
    Signal,
    Time,
    OutOfRange,
    Early,
    Full,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MonitorName => "monitors whose name is not 1 to 64 legible characters",
            Self::Location => "locations that are not 1 to 64 legible characters",
            Self::Address => "addresses that are not six octets like AA:BB:CC:DD:EE:01",
            Self::DeviceName => "device names that are not 1 to 64 legible characters",
            Self::UnknownMonitor => "sightings of a monitor that did not come along",
            Self::Signal => "sightings without a signal from -127 to 20 dBm",
            Self::Time => "sightings whose interval is no time",
            Self::OutOfRange => "sightings of before 2000 or of later than in a day",
            Self::Early => "sightings of later than now, which come when it is typed again then",
            Self::Full => {
                "rows for which there is no room: 1,000,000 devices, 1,000 \
                         monitors, 100,000 places"
            }
        })
    }
}

impl Import {
    /// Into a store that holds this, of which the directory, identities, listeners and details are looked at.
    pub(crate) fn new(restored: Restored, zone: TimeZone, latest: Time) -> Self {
        let highest = restored.identities.iter().map(|it| it.0).max().unwrap_or(IdentityId(0));
        let turned = restored.identities.into_iter().map(|(id, it)| (it, id));
        let batch = Batch { frontier: restored.frontier, ..Batch::default() };
        let mut details: BTreeMap<IdentityId, Vec<DetailRow>> = BTreeMap::new();
        for it in restored.details {
            details.entry(it.identity).or_default().push(it);
        }
        Self {
            zone,
            latest,
            directory: restored.directory,
            identities: turned.collect(),
            listeners: restored.listeners.into_iter().map(|(id, it)| (it, id)).collect(),
            details,
            monitors: BTreeMap::new(),
            highest,
            is_described: false,
            batch,
            came: Came::default(),
        }
    }

    /// A monitor becomes a listener, and its location a place below the first site. One that stands
    /// somewhere already stays there.
    pub(crate) fn monitor(&mut self, old: &OldMonitor) {
        let Some(name) = old.name.as_deref().map(str::trim).filter(|it| is_name(it)) else {
            return self.refuse(Refusal::MonitorName, &format!("monitor_id {}", old.id));
        };
        if self.monitors.len() >= MOST_MONITORS {
            return self.refuse(Refusal::Full, name);
        }
        let listener = Listener::new(name, SourceKind::Ble, CHANNEL);
        let id = if let Some(id) = self.listeners.get(&listener) {
            *id
        } else {
            let highest = self.listeners.values().max().map_or(0, |it| it.0);
            let Some(next) = highest.checked_add(1).map(ListenerId) else {
                return self.refuse(Refusal::Full, name);
            };
            self.listeners.insert(listener.clone(), next);
            self.batch.listeners.push((next, listener));
            next
        };
        self.monitors.insert(old.id, id);
        self.came.monitors += 1;
        if name.parse::<MonitorName>().is_err() {
            self.came.foreign.get_or_insert((0, name.to_owned())).0 += 1;
        }
        let location = old.location.as_deref().map(str::trim).filter(|it| !it.is_empty());
        if let Some(location) = location
            && !self.directory.monitors.contains_key(name)
            && let Err(why) = self.place(name, location)
        {
            let is_full = matches!(why, EditError::Full);
            self.refuse(if is_full { Refusal::Full } else { Refusal::Location }, location);
        }
    }

    fn place(&mut self, monitor: &str, location: &str) -> Result<(), EditError> {
        let place = if let Some(it) = self.place_named(location) {
            it
        } else {
            let parent = Some(Directory::FIRST_SITE);
            self.directory.apply(Edit::AddPlace { name: location.to_owned(), parent })?;
            self.directory.last_place
        };
        self.directory.apply(Edit::PlaceMonitor { monitor: monitor.to_owned(), place })?;
        self.is_described = true;
        Ok(())
    }

    fn place_named(&self, name: &str) -> Option<PlaceId> {
        let mut all = self.directory.places.iter();
        all.find(|(_, it)| &*it.name == name).map(|(id, _)| *id)
    }

    /// A device becomes an identity, and its name what it calls itself, which is kept as long as other
    /// such details: nobody described it.
    pub(crate) fn device(&mut self, old: &OldDevice) {
        let Some(identity) = self.identity(old.address.as_deref()) else { return };
        self.came.devices += 1;
        let last = self.told(old.last.as_deref());
        if let Some(last) = last {
            let first = self.told(old.first.as_deref()).map_or(last, |it| it.min(last));
            self.batch.seen.push(Seen { identity, first, last });
        }
        let name = old.name.as_deref().map(str::trim).filter(|it| is_told(it));
        let Some(name) = name else { return };
        if !is_name(name) {
            return self.refuse(Refusal::DeviceName, name);
        }
        let at = last.unwrap_or(self.latest).floor(INTERVAL);
        let kind = DetailKind::Hostname;
        let known = self.details.entry(identity).or_default();
        if known.iter().any(|it| it.kind == kind && it.at >= at) {
            return;
        }
        known.retain(|it| it.kind != kind);
        known.push(DetailRow { identity, kind, value: name.into(), at });
        // All that is kept of it: the store puts these in place of what was there.
        self.batch.details.extend(known.iter().cloned());
    }

    /// A time of a device, which is not later than now.
    fn told(&self, time: Option<&str>) -> Option<Time> {
        let (time, _) = self.instant(time)?;
        Some(time.min(self.latest)).filter(|it| *it >= EARLIEST)
    }

    /// Time goes on: nothing is later than this.
    pub(crate) fn until(&mut self, latest: Time) {
        self.latest = latest;
    }

    /// Whether a sighting is only too new, as those of a clock that is ahead: it comes another time.
    pub(crate) fn is_early(&self, old: &OldSighting) -> bool {
        let interval = self.instant(old.interval.as_deref()).map(|it| it.0);
        interval.is_some_and(|it| self.latest < it && it <= self.latest + AHEAD)
    }

    /// A sighting becomes a reading of its monitor, in the interval of five minutes in which it was counted.
    pub(crate) fn sighting(&mut self, old: &OldSighting) {
        let example = || format!("number {}", old.id);
        let Some(listener) = old.monitor.and_then(|it| self.monitors.get(&it)).copied() else {
            return self.refuse(Refusal::UnknownMonitor, &example());
        };
        let rssi = old.rssi.filter(|it| SIGNALS.contains(it)).and_then(|it| i8::try_from(it).ok());
        let Some(rssi) = rssi else { return self.refuse(Refusal::Signal, &example()) };
        let Some((interval, is_ambiguous)) = self.instant(old.interval.as_deref()) else {
            return self.refuse(Refusal::Time, &example());
        };
        if interval < EARLIEST || interval > self.latest {
            let told = old.interval.clone().unwrap_or_default();
            let is_early = self.is_early(old);
            let why = if is_early { Refusal::Early } else { Refusal::OutOfRange };
            return self.refuse(why, &told);
        }
        let Some(identity) = self.identity(old.address.as_deref()) else { return };
        let interval = interval.floor(INTERVAL);
        // When a row was written says nothing of when it was heard, unless that is in the interval.
        let within = |it: &Time| interval <= *it && *it < interval + INTERVAL;
        let at = self.instant(old.at.as_deref()).map(|it| it.0).filter(within).unwrap_or(interval);
        let reading =
            Reading { interval, length: INTERVAL, identity, listener, rssi: Some(rssi), at };
        self.batch.readings.push(reading);
        self.batch.seen.push(Seen { identity, first: at, last: at });
        self.came.sightings += 1;
        self.came.ambiguous += u64::from(is_ambiguous);
    }

    /// What there is to store so far.
    pub(crate) fn take(&mut self) -> Batch {
        if std::mem::take(&mut self.is_described) {
            self.batch.directory = Some(self.directory.clone());
        }
        let frontier = self.batch.frontier;
        let mut batch = std::mem::take(&mut self.batch);
        self.batch.frontier = frontier;
        batch.seen = widest(batch.seen);
        batch
    }

    /// What came so far.
    pub(crate) fn came(&self) -> &Came {
        &self.came
    }

    fn identity(&mut self, address: Option<&str>) -> Option<IdentityId> {
        let told = address.unwrap_or_default();
        let mac = told.trim().parse::<Mac>().ok().filter(|it| it.0 != [0; 6]);
        let Some(mac) = mac else {
            self.refuse(Refusal::Address, told);
            return None;
        };
        let identity = Identity::Ble(mac);
        if let Some(id) = self.identities.get(&identity) {
            return Some(*id);
        }
        let next = self.highest.0.checked_add(1).map(IdentityId);
        let Some(id) = next.filter(|_| self.identities.len() < MOST_IDENTITIES) else {
            self.refuse(Refusal::Full, told);
            return None;
        };
        self.highest = id;
        self.identities.insert(identity.clone(), id);
        self.batch.identities.push((id, identity));
        Some(id)
    }

    /// A time as it was shown on a wall, and whether that was shown twice. One that was never shown, in the
    /// hour that a spring skips, is the time as long after it.
    fn instant(&self, told: Option<&str>) -> Option<(Time, bool)> {
        let shown: DateTime = told?.parse().ok()?;
        let found = self.zone.to_ambiguous_timestamp(shown);
        let is_twice = matches!(found.offset(), AmbiguousOffset::Fold { .. });
        let found = found.compatible().ok()?;
        Some((Time::from_micros(found.as_microsecond()), is_twice))
    }

    fn refuse(&mut self, why: Refusal, example: &str) {
        let example: String = example.chars().take(LONGEST_EXAMPLE).collect();
        self.came.refused.entry(why).or_insert((0, example)).0 += 1;
    }
}

/// One row for each identity.
fn widest(seen: Vec<Seen>) -> Vec<Seen> {
    let mut all: BTreeMap<IdentityId, Seen> = BTreeMap::new();
    for it in seen {
        let both = all.entry(it.identity).or_insert(it);
        (both.first, both.last) = (both.first.min(it.first), both.last.max(it.last));
    }
    all.into_values().collect()
}

/// The old program wrote this for whoever has no name.
fn is_told(name: &str) -> bool {
    !name.is_empty() && !name.eq_ignore_ascii_case("unknown")
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.chars().count()) && is_legible(text)
}

/// The source of what was imported, beside the adapters of a monitor of the same name.
const CHANNEL: &str = "ble-monitor";
/// The old program knew no other length.
const INTERVAL: Duration = Duration::from_mins(5);
/// How far a clock may be ahead, or its zone another: what is later will never be true.
const AHEAD: Duration = Duration::from_hours(24);
/// Of Bluetooth (Core 5.4, Vol 4, Part E, 7.7.65.2).
const SIGNALS: std::ops::RangeInclusive<i64> = -127..=20;
/// Before there was Bluetooth.
const EARLIEST: Time = Time::from_secs(946_684_800);
const MOST_MONITORS: usize = 1_000;
/// Of the store and of what comes together: some hundred megabytes at hand.
const MOST_IDENTITIES: usize = 1_000_000;
const LONGEST_EXAMPLE: usize = 64;
