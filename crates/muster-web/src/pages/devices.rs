//! *Devices*: everything that was ever heard, with search and filters.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use muster_core::directory::Mark;
use muster_core::snapshot::{DeviceView, Presence, Snapshot};
use serde::Deserialize;
use std::cmp::Reverse;

use super::show::{Clock, DeviceLine};
use super::{Frame, refuse, show};
use crate::api::devices::Filter;
use crate::api::now::is_strange;
use crate::app::App;
use crate::extract::Asked;

#[derive(Template)]
#[template(path = "devices.html")]
struct Page {
    frame: Frame,
    devices: Vec<DeviceLine>,
    /// How many pass the filter, and how many there are.
    found: usize,
    all: usize,
    q: String,
    show: Show,
}

/// Which of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Show {
    /// Everything but what is ignored.
    #[default]
    All,
    Here,
    /// Nobody's, as they are counted on the first page.
    Free,
    Infrastructure,
    Ignored,
}

impl Show {
    const ALL: [(&'static str, &'static str, Self); 5] = [
        ("all", "All", Self::All),
        ("here", "Here", Self::Here),
        ("free", "Nobody's", Self::Free),
        ("infrastructure", "Infrastructure", Self::Infrastructure),
        ("ignored", "Ignored", Self::Ignored),
    ];

    fn passes(self, snapshot: &Snapshot, device: &DeviceView) -> bool {
        match self {
            Self::All => device.mark != Mark::Ignored,
            Self::Here => {
                device.standing.presence == Presence::Present && device.mark != Mark::Ignored
            }
            Self::Free => is_strange(snapshot, device),
            Self::Infrastructure => device.mark == Mark::Infrastructure,
            Self::Ignored => device.mark == Mark::Ignored,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    show: Show,
}

pub(super) async fn page(
    State(app): State<App>,
    headers: HeaderMap,
    Asked(Search { q, show: which }): Asked<Search>,
) -> Response {
    let snapshot = app.snapshot();
    let filter = Filter { q: Some(q.clone()), ..Filter::default() };
    let mut found = match filter.pick(&snapshot) {
        Ok(found) => found,
        Err(problem) => return refuse(&problem),
    };
    found.retain(|it| which.passes(&snapshot, it));
    found.sort_by_key(|it| {
        (it.standing.presence != Presence::Present, Reverse(it.first_seen), it.id)
    });
    let clock = Clock::of(&app);
    let count = found.len();
    let shown = found.into_iter().take(SHOWN);
    show(&Page {
        frame: Frame::new(&app, &snapshot, &headers, "/devices", "Devices"),
        devices: shown.map(|it| DeviceLine::of(&snapshot, it, &clock)).collect(),
        found: count,
        all: snapshot.devices.len(),
        q,
        show: which,
    })
}

/// A page of more is slow to draw on a phone; the search finds the rest.
const SHOWN: usize = 300;
