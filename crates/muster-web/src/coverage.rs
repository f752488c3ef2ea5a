//! Who listens, how well, and when it did: the channels of all monitors with their past.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_core::batch::CoverageHour;
use muster_core::fact::Listener;
use muster_core::identity::ListenerId;
use muster_core::ports::{ChannelStatus, Inability, StoreError};
use muster_core::snapshot::Snapshot;
use muster_core::span::{Span, SpanSet};
use muster_core::time::Time;

use crate::app::App;
use crate::hub::Pulse;

/// How a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// It hears at the moment.
    Listens,
    /// It says that it hears; for how long is not known yet.
    Starts,
    /// It does not hear.
    Dark,
    /// It told whom it heard, and never when it listened: its silence says nothing.
    Tells,
    /// Its monitor was shut out: nothing that it says counts.
    Revoked,
}

impl Hearing {
    /// The word for JSON and commands.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Listens => "listens",
            Self::Starts => "starts",
            Self::Dark => "dark",
            Self::Tells => "tells",
            Self::Revoked => "revoked",
        }
    }
}

/// One channel of a monitor's source.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) listener: Listener,
    pub(crate) place: String,
    /// Since when its monitor is shut out.
    pub(crate) revoked: Option<Time>,
    /// Whether it told anything that was stored.
    pub(crate) told: bool,
    /// Whether it hears at the moment.
    pub(crate) covered: bool,
    pub(crate) covered_to: Option<Time>,
    /// Whether it can hear at all, as it says itself.
    pub(crate) hears: bool,
    pub(crate) can: Vec<String>,
    pub(crate) cannot: Vec<Inability>,
    /// How much it hears; none: nothing since the hub runs.
    pub(crate) pulse: Option<Pulse>,
    /// How many private addresses that no key resolves it heard lately; none: it never heard any.
    pub(crate) strangers: Option<usize>,
    /// When it could really hear, within the window asked for.
    pub(crate) spans: Vec<Span>,
}

impl Channel {
    pub(crate) fn state(&self) -> Hearing {
        match self {
            Self { revoked: Some(_), .. } => Hearing::Revoked,
            Self { covered: true, .. } => Hearing::Listens,
            Self { covered_to: None, told: true, .. } => Hearing::Tells,
            Self { hears: true, .. } => Hearing::Starts,
            _ => Hearing::Dark,
        }
    }
}

/// All channels, by name, with their coverage in a window that ends now.
pub(crate) async fn channels(app: &App, window: Span) -> Result<Vec<Channel>, StoreError> {
    let snapshot = app.snapshot();
    let past = past(app, window).await?;
    let mut all: BTreeMap<Listener, Channel> = BTreeMap::new();
    for view in &snapshot.listeners {
        let mut spans = past.get(&view.id).cloned().unwrap_or_default();
        if let Some(to) = view.covered_to {
            extend(&mut spans, to);
        }
        let mut it = silent(&snapshot, &view.listener);
        it.told = true;
        it.covered = view.covered && it.revoked.is_none();
        it.covered_to = view.covered_to;
        it.hears = it.covered;
        it.spans = spans.clip(window).spans().to_vec();
        all.insert(view.listener.clone(), it);
    }
    for ChannelStatus { listener, hears, can, cannot } in app.hub.channels() {
        let it = all.entry(listener).or_insert_with_key(|it| silent(&snapshot, it));
        (it.hears, it.can, it.cannot) = (hears, can, cannot);
    }
    for (listener, pulse) in app.hub.pulses() {
        let it = all.entry(listener).or_insert_with_key(|it| silent(&snapshot, it));
        it.pulse = Some(pulse);
        it.told = true;
    }
    for (listener, count) in app.hub.strangers() {
        let it = all.entry(listener).or_insert_with_key(|it| silent(&snapshot, it));
        it.strangers = Some(count);
    }
    Ok(all.into_values().collect())
}

async fn past(app: &App, window: Span) -> Result<BTreeMap<ListenerId, SpanSet>, StoreError> {
    Ok(by_listener(app.hub.store().coverage(window).await?))
}

/// Hours of coverage as one set for each listener.
pub(crate) fn by_listener(hours: Vec<CoverageHour>) -> BTreeMap<ListenerId, SpanSet> {
    let mut all: BTreeMap<ListenerId, SpanSet> = BTreeMap::new();
    for hour in hours {
        let set = all.entry(hour.listener).or_default();
        for span in hour.spans {
            set.insert(span);
        }
    }
    all
}

/// Coverage is stored a little later than it is known; what is missing is the tail.
pub(crate) fn extend(spans: &mut SpanSet, to: Time) {
    if let Some(last) = spans.last()
        && to.since(last.to) <= UNSTORED
    {
        spans.insert(Span::new(last.from, to.max(last.to)));
    }
}

fn silent(snapshot: &Snapshot, listener: &Listener) -> Channel {
    let place = snapshot.directory.monitors.get(&listener.monitor).copied();
    let place = place.unwrap_or(snapshot.directory.site_of_monitor(&listener.monitor));
    let far = snapshot.monitors.iter().find(|it| it.monitor == listener.monitor);
    let revoked = far.and_then(|it| it.enrolment.as_ref()?.revoked);
    Channel {
        listener: listener.clone(),
        place: snapshot.place_name(place).to_owned(),
        revoked,
        told: false,
        covered: false,
        covered_to: None,
        hears: false,
        can: Vec::new(),
        cannot: Vec::new(),
        pulse: None,
        strangers: None,
        spans: Vec::new(),
    }
}

/// Facts are stored at least this often, with room for a slow commit.
const UNSTORED: Duration = Duration::from_secs(150);
