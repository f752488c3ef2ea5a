//! *Nearby*: what the radio heard in the last hour, by signal. Strangers are only counted.

use std::cmp::Reverse;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use muster_core::directory::Mark;
use muster_core::snapshot::{DeviceView, Snapshot};
use muster_core::span::Span;
use muster_core::time::Time;
use serde::Deserialize;

use super::chart::{Chart, worth};
use super::show::{Clock, DeviceLine};
use super::{Frame, refuse, show};
use crate::app::App;
use crate::extract::Asked;
use crate::label::label;
use crate::problem::Problem;
use crate::signals::{self, Series};

#[derive(Template)]
#[template(path = "nearby.html")]
struct Page {
    frame: Frame,
    devices: Vec<Line>,
    /// How many were heard in all.
    found: usize,
    /// How many private addresses that no key resolves, by monitor.
    strangers: usize,
    order: Order,
    /// Whether anything that has a signal listens here.
    radio: bool,
}

/// One device.
struct Line {
    device: DeviceLine,
    /// The last signal, dBm, and a word for it.
    rssi: i8,
    worth: &'static str,
    charts: Vec<Chart>,
    /// Listeners for which there is no room.
    more: usize,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// Who is heard best.
    #[default]
    Signal,
    /// Who was heard last.
    Last,
    Name,
}

impl Order {
    const ALL: [(&'static str, &'static str, Self); 3] = [
        ("signal", "Strongest first", Self::Signal),
        ("last", "Last heard first", Self::Last),
        ("name", "By name", Self::Name),
    ];
}

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    order: Order,
}

pub(super) async fn page(
    State(app): State<App>,
    headers: HeaderMap,
    Asked(Search { order }): Asked<Search>,
) -> Response {
    let snapshot = app.snapshot();
    let clock = Clock::of(&app);
    let window = Span::new(clock.now - Chart::WINDOW, clock.now);
    let known: Vec<&DeviceView> =
        snapshot.devices.iter().filter(|it| it.mark != Mark::Ignored).collect();
    let last = match signals::last(&app, &known, window).await {
        Ok(last) => last,
        Err(error) => return refuse(&Problem::from(error)),
    };
    let near = known.iter().filter_map(|it| Some((*it, *last.get(&it.id)?)));
    let mut found: Vec<Found<'_>> = near.collect();
    sort(&mut found, order, &snapshot);
    let count = found.len();
    found.truncate(SHOWN);
    let shown: Vec<&DeviceView> = found.iter().map(|(it, _)| *it).collect();
    let mut series = match signals::of(&app, &snapshot, &shown, window).await {
        Ok(series) => series,
        Err(error) => return refuse(&Problem::from(error)),
    };
    let devices = found.iter().map(|(view, (rssi, _))| {
        let mine = series.remove(&view.id).unwrap_or_default();
        Line::new(DeviceLine::of(&snapshot, view, &clock), *rssi, mine, window)
    });
    let strangers = app.hub.strangers();
    let hears = |it: &muster_core::fact::Listener| has_signal(it.source);
    let radio = snapshot.listeners.iter().any(|it| hears(&it.listener))
        || app.hub.channels().iter().any(|it| hears(&it.listener));
    show(&Page {
        frame: Frame::new(&app, &snapshot, &headers, "/nearby", "Nearby"),
        devices: devices.collect(),
        found: count,
        strangers: strangers.values().copied().max().unwrap_or(0),
        order,
        radio,
    })
}

/// A device, how strongly it was heard last, and when.
type Found<'a> = (&'a DeviceView, (i8, Time));

fn sort(found: &mut [Found<'_>], order: Order, snapshot: &Snapshot) {
    match order {
        Order::Signal => found.sort_by_key(|(it, last)| (Reverse(last.0), it.id)),
        Order::Last => found.sort_by_key(|(it, last)| (Reverse(last.1), it.id)),
        Order::Name => {
            found.sort_by_cached_key(|(it, _)| (label(it, snapshot).to_lowercase(), it.id));
        }
    }
}

const fn has_signal(source: muster_core::fact::SourceKind) -> bool {
    use muster_core::fact::SourceKind;
    matches!(source, SourceKind::Ble | SourceKind::Classic | SourceKind::Mqtt)
}

impl Line {
    fn new(device: DeviceLine, rssi: i8, mut series: Vec<Series>, window: Span) -> Self {
        let best = |it: &Series| it.readings.iter().map(|it| it.1).max();
        series
            .sort_by(|a, b| (Reverse(best(a)), &a.listener).cmp(&(Reverse(best(b)), &b.listener)));
        let more = series.len().saturating_sub(CHARTS);
        series.truncate(CHARTS);
        let named = |(at, it): (usize, &Series)| {
            Chart::of(format!("signal-{}-{at}", device.id), it, window)
        };
        let charts = series.iter().enumerate().map(named).collect();
        Self { device, rssi, worth: worth(rssi), charts, more }
    }
}

/// A page of more is slow to draw on a phone, and whoever is near is at its top.
const SHOWN: usize = 100;
/// As many monitors as are in a building's one floor.
const CHARTS: usize = 3;
