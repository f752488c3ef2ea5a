//! The part of *Monitors* where places are made, renamed and removed, and monitors put in them.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use muster_core::directory::{Directory, Edit, Place};
use muster_core::identity::PlaceId;
use muster_core::snapshot::Snapshot;
use serde::Deserialize;

use super::fleet::Asked;
use super::{Refusal, back, monitors};
use crate::api::monitors::known;
use crate::app::App;
use crate::extract::{Filled, Named};
use crate::problem::Problem;

/// All places and who stands where.
#[derive(Default)]
pub(super) struct Places {
    /// Each below what it lies in.
    pub(super) lines: Vec<Line>,
    pub(super) monitors: Vec<Standing>,
    /// Whether the configuration file names the first site.
    pub(super) declared: bool,
    refused: Option<Refused>,
}

/// One place.
pub(super) struct Line {
    pub(super) id: u32,
    pub(super) name: String,
    /// What it lies in, and how deep that is.
    pub(super) within: Option<String>,
    pub(super) depth: usize,
    /// The monitors that stand in it.
    pub(super) holds: Vec<String>,
    /// Whether it is where everything is that nobody put anywhere.
    pub(super) is_first: bool,
}

/// One monitor.
pub(super) struct Standing {
    pub(super) monitor: String,
    pub(super) place: u32,
}

/// A form that was not accepted.
pub(super) struct Refused {
    which: Which,
    typed: String,
    why: Refusal,
}

#[derive(PartialEq, Eq)]
enum Which {
    Adding,
    Place(u32),
    Monitor(String),
}

impl Places {
    pub(super) fn of(app: &App, snapshot: &Snapshot, refused: Option<Refused>) -> Self {
        let directory = &snapshot.directory;
        let channels = app.hub.channels();
        let heard = snapshot.listeners.iter().map(|it| &it.listener.monitor);
        let told = channels.iter().map(|it| &it.listener.monitor);
        let mut names: Vec<String> = heard.chain(told).map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        let stands = |it: &str| directory.monitors.get(it).copied();
        let monitors: Vec<Standing> = names
            .into_iter()
            .map(|monitor| {
                let place = stands(&monitor).unwrap_or(Directory::FIRST_SITE).0;
                Standing { monitor, place }
            })
            .collect();
        let mut lines = Vec::new();
        below(directory, None, 0, &mut lines);
        for line in &mut lines {
            let here = monitors.iter().filter(|it| it.place == line.id);
            line.holds = here.map(|it| it.monitor.clone()).collect();
        }
        Self { lines, monitors, declared: app.hub.declares_site(), refused }
    }

    fn refused(&self, which: &Which) -> Option<&Refused> {
        self.refused.as_ref().filter(|it| it.which == *which)
    }

    /// What was typed for a new place, and why it was refused.
    pub(super) fn adding(&self) -> (&str, Option<&Refusal>) {
        let refused = self.refused(&Which::Adding);
        refused.map_or(("", None), |it| (&it.typed, Some(&it.why)))
    }

    /// The same for the new name of a place.
    pub(super) fn renaming(&self, place: &Line) -> Option<(&str, &Refusal)> {
        self.refused(&Which::Place(place.id)).map(|it| (it.typed.as_str(), &it.why))
    }

    /// Why something was refused that has no form any more: somebody else removed it.
    pub(super) fn astray(&self) -> Option<&Refusal> {
        let refused = self.refused.as_ref()?;
        let is_here = match &refused.which {
            Which::Adding => true,
            Which::Place(id) => self.lines.iter().any(|it| it.id == *id),
            Which::Monitor(name) => self.monitors.iter().any(|it| it.monitor == *name),
        };
        (!is_here).then_some(&refused.why)
    }

    /// Why a monitor was not moved.
    pub(super) fn moving(&self, monitor: &str) -> Option<&Refusal> {
        self.refused(&Which::Monitor(monitor.to_owned())).map(|it| &it.why)
    }
}

fn below(directory: &Directory, parent: Option<PlaceId>, depth: usize, lines: &mut Vec<Line>) {
    if depth > Place::MAX_DEPTH {
        return;
    }
    for (id, place) in directory.places.iter().filter(|(_, it)| it.parent == parent) {
        let within = parent.and_then(|it| directory.places.get(&it));
        lines.push(Line {
            id: id.0,
            name: place.name.to_string(),
            within: within.map(|it| it.name.to_string()),
            depth: depth.min(DEEPEST_SHOWN),
            holds: Vec::new(),
            is_first: *id == Directory::FIRST_SITE,
        });
        below(directory, Some(*id), depth + 1, lines);
    }
}

/// A new place, as typed.
#[derive(Debug, Deserialize)]
pub(super) struct AddForm {
    name: String,
    /// What it lies in; empty: it is a site.
    #[serde(default)]
    parent: String,
}

pub(super) async fn add(
    State(app): State<App>,
    headers: HeaderMap,
    Filled(form): Filled<AddForm>,
) -> Response {
    let added = async {
        let parent = match form.parent.as_str() {
            "" => None,
            id => Some(number(id)?),
        };
        let name = form.name.trim().to_owned();
        app.hub.edit(Edit::AddPlace { name, parent }, None).await.map_err(Problem::from)
    };
    done(&app, &headers, added.await, Which::Adding, form.name.clone()).await
}

#[derive(Deserialize)]
pub(super) struct RenameForm {
    name: String,
}

pub(super) async fn rename(
    State(app): State<App>,
    headers: HeaderMap,
    Named(id): Named<u32>,
    Filled(form): Filled<RenameForm>,
) -> Response {
    let rename = Edit::RenamePlace { place: PlaceId(id), name: form.name.trim().to_owned() };
    let renamed = app.hub.edit(rename, None).await.map_err(Problem::from);
    done(&app, &headers, renamed, Which::Place(id), form.name).await
}

pub(super) async fn remove(
    State(app): State<App>,
    headers: HeaderMap,
    Named(id): Named<u32>,
) -> Response {
    let name = app.snapshot().place_name(PlaceId(id)).to_owned();
    let removed = app.hub.edit(Edit::RemovePlace { place: PlaceId(id) }, None).await;
    done(&app, &headers, removed.map_err(Problem::from), Which::Place(id), name).await
}

#[derive(Deserialize)]
pub(super) struct MoveForm {
    monitor: String,
    place: u32,
}

pub(super) async fn stand(
    State(app): State<App>,
    headers: HeaderMap,
    Filled(MoveForm { monitor, place }): Filled<MoveForm>,
) -> Response {
    let moved = async {
        known(&app, &monitor)?;
        let put = Edit::PlaceMonitor { monitor: monitor.clone(), place: PlaceId(place) };
        app.hub.edit(put, None).await.map_err(Problem::from)
    };
    done(&app, &headers, moved.await, Which::Monitor(monitor.clone()), String::new()).await
}

fn number(text: &str) -> Result<PlaceId, Problem> {
    text.parse().map(PlaceId).map_err(|_| Problem::missing("place", text))
}

/// Leads back to the page, or shows it again with what was typed and why that cannot be.
async fn done(
    app: &App,
    headers: &HeaderMap,
    edited: Result<u64, Problem>,
    which: Which,
    typed: String,
) -> Response {
    match edited {
        Ok(_) => back("/monitors"),
        Err(problem) => {
            let refused = Refused { which, typed, why: Refusal::from(&problem) };
            let asked = Asked::default();
            monitors::render(app, headers, problem.status(), Some(refused), asked).await
        }
    }
}

/// Narrow screens have no room to move anything in further.
const DEEPEST_SHOWN: usize = 4;
