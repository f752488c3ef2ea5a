//! How strongly devices were heard over time, by listener, and when nobody listened: from the store.

use std::collections::BTreeMap;

use muster_core::batch::HOUR;
use muster_core::fact::Listener;
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId};
use muster_core::ports::{ReadingQuery, ReadingsOf, StoreError};
use muster_core::snapshot::{DeviceView, Snapshot};
use muster_core::span::{Span, SpanSet};
use muster_core::time::Time;

use crate::app::App;
use crate::coverage;

/// What one listener heard of one device.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) listener: Listener,
    /// The strongest signal of each interval in which it was heard, dBm, by time.
    pub(crate) readings: Vec<(Span, i8)>,
    /// When it could really hear.
    pub(crate) covered: SpanSet,
}

/// How strongly each device was heard last, dBm, and when, if that was in a window that ends now. Of whom
/// was not heard since the hub runs, or looked something up, the store knows it.
pub(crate) async fn last(
    app: &App,
    devices: &[&DeviceView],
    window: Span,
) -> Result<BTreeMap<DeviceId, (i8, Time)>, StoreError> {
    let is_new = |at: &Time| *at >= window.from;
    let mut all: BTreeMap<DeviceId, (i8, Time)> = BTreeMap::new();
    let mut whose: BTreeMap<IdentityId, DeviceId> = BTreeMap::new();
    for device in devices {
        if let Some(signal) = device.signal.filter(|it| is_new(&it.1)) {
            all.insert(device.id, signal);
        } else if device.last_seen.as_ref().is_some_and(is_new) {
            // The local network has no signal.
            let on_air = device.identities.iter().filter(|it| !matches!(it.1, Identity::Mac(_)));
            whose.extend(on_air.map(|(id, _)| (*id, device.id)));
        }
    }
    if whose.is_empty() {
        return Ok(all);
    }
    let query = ReadingQuery {
        window: Span::new(window.from.floor(HOUR), window.to),
        identities: whose.keys().copied().collect(),
        of: ReadingsOf::Listeners,
    };
    for it in app.hub.store().readings(&query).await? {
        let (Some(device), Some(rssi)) = (whose.get(&it.identity), it.rssi) else { continue };
        if is_new(&it.at) {
            let last = all.entry(*device).or_insert((rssi, it.at));
            if (it.at, rssi) > (last.1, last.0) {
                *last = (rssi, it.at);
            }
        }
    }
    Ok(all)
}

/// The series of some devices in a window that ends now; a device without any is left out.
pub(crate) async fn of(
    app: &App,
    snapshot: &Snapshot,
    devices: &[&DeviceView],
    window: Span,
) -> Result<BTreeMap<DeviceId, Vec<Series>>, StoreError> {
    let whose: BTreeMap<IdentityId, DeviceId> = devices
        .iter()
        .flat_map(|device| device.identities.iter().map(|(id, _)| (*id, device.id)))
        .collect();
    let ids: Vec<IdentityId> = whose.keys().copied().collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let store = app.hub.store();
    // An interval that began before the window may reach into it.
    let wanted = Span::new(window.from.floor(HOUR), window.to);
    let query = ReadingQuery { window: wanted, identities: ids, of: ReadingsOf::Listeners };
    let found = store.readings(&query).await?;
    let mut best: BTreeMap<(DeviceId, ListenerId), BTreeMap<Span, i8>> = BTreeMap::new();
    for it in &found {
        let span = Span::new(it.interval, it.interval + it.length);
        let (Some(device), Some(rssi), Some(_)) =
            (whose.get(&it.identity), it.rssi, span.intersect(window))
        else {
            continue;
        };
        let readings = best.entry((*device, it.listener)).or_default();
        let strongest = readings.entry(span).or_insert(rssi);
        *strongest = (*strongest).max(rssi);
    }
    let coverage = coverage::by_listener(store.coverage(window).await?);
    let mut all: BTreeMap<DeviceId, Vec<Series>> = BTreeMap::new();
    for ((device, id), readings) in best {
        let Some(view) = snapshot.listeners.iter().find(|it| it.id == id) else { continue };
        let mut covered = coverage.get(&id).cloned().unwrap_or_default();
        if let Some(to) = view.covered_to {
            coverage::extend(&mut covered, if view.covered { window.to } else { to });
        }
        all.entry(device).or_default().push(Series {
            listener: view.listener.clone(),
            readings: readings.into_iter().collect(),
            covered: covered.clip(window),
        });
    }
    Ok(all)
}
