//! *Now*: who is here, from the snapshot alone.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use muster_core::snapshot::{Presence, Snapshot};

use super::show::{Clock, DeviceLine, PersonCard};
use super::{Frame, show};
use crate::api::now::{devices_present, guests, is_strange};
use crate::app::App;

#[derive(Template)]
#[template(path = "now.html")]
struct Page {
    frame: Frame,
    /// What the sites are called, where there are several.
    sites: Option<String>,
    people: Vec<PersonCard>,
    here: usize,
    unknown: usize,
    devices: usize,
    guests: usize,
    /// Present devices that may be a visitor's, the newest arrivals first.
    strangers: Vec<DeviceLine>,
    /// How many more of them there are.
    more: usize,
}

pub(super) async fn page(State(app): State<App>, headers: HeaderMap) -> Response {
    let snapshot = app.snapshot();
    let clock = Clock::of(&app);
    let count =
        |want: Presence| snapshot.people.iter().filter(|it| it.standing.presence == want).count();
    let sites = snapshot.directory.places.values().filter(|it| it.parent.is_none());
    let sites: Vec<String> = sites.map(|it| it.name.to_string()).collect();
    let (strangers, more) = strangers(&snapshot, &clock);
    let mut people: Vec<_> = snapshot.people.iter().collect();
    people.sort_by_key(|it| (rank(it.standing.presence), it.id));
    show(&Page {
        frame: Frame::new(&app, &snapshot, &headers, "/", "Who is here"),
        sites: (sites.len() > 1).then(|| sites.join(", ")),
        people: people.iter().map(|it| PersonCard::of(&app, &snapshot, it, &clock)).collect(),
        here: count(Presence::Present),
        unknown: count(Presence::Unknown),
        devices: devices_present(&snapshot),
        guests: guests(&snapshot),
        strangers,
        more,
    })
}

/// Those who are here come first.
fn rank(presence: Presence) -> u8 {
    match presence {
        Presence::Present => 0,
        Presence::Arriving => 1,
        Presence::Unknown => 2,
        Presence::Away => 3,
    }
}

fn strangers(snapshot: &Snapshot, clock: &Clock) -> (Vec<DeviceLine>, usize) {
    let mut all: Vec<_> = snapshot
        .devices
        .iter()
        .filter(|it| it.standing.presence == Presence::Present)
        .filter(|it| is_strange(snapshot, it))
        .collect();
    all.sort_by_key(|it| (std::cmp::Reverse(it.standing.since), it.id));
    let more = all.len().saturating_sub(SHOWN);
    let shown = all.into_iter().take(SHOWN);
    (shown.map(|it| DeviceLine::of(snapshot, it, clock)).collect(), more)
}

/// As many as fit beside the people; the rest is on the devices' page.
const SHOWN: usize = 6;
