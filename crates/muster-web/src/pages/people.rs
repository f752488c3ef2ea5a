//! *People*: add, rename and remove them, see their devices, set presence for tonight.

use std::cmp::Reverse;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use muster_core::directory::{DeviceKind, Edit, Mark, Override};
use muster_core::snapshot::{Presence, Snapshot};
use serde::Deserialize;

use super::show::{Clock, DeviceLine, PersonCard};
use super::{Frame, Refusal, back, refuse, show_as};
use crate::api::devices::givable;
use crate::api::people::{BY, changeable, named};
use crate::app::App;
use crate::extract::{Filled, Named};
use crate::hub::EditRefused;
use crate::kind::is_unsaid;
use crate::problem::Problem;
use crate::short;
use crate::when::next_morning;

#[derive(Template)]
#[template(path = "people.html")]
struct Page {
    frame: Frame,
    people: Vec<PersonCard>,
    /// Devices that may be given to somebody.
    free: Vec<DeviceLine>,
    adding: AddForm,
    /// The person whose form was refused, what was typed, and why.
    renaming: Option<(String, String)>,
    refusal: Option<Refusal>,
}

impl Page {
    const KINDS: [(&'static str, DeviceKind); 11] = DeviceKind::ALL;

    fn typed(&self, person: &PersonCard) -> Option<&str> {
        let (name, typed) = self.renaming.as_ref()?;
        (*name == person.name).then_some(typed.as_str())
    }
}

/// A new person, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct AddForm {
    #[serde(default)]
    display: String,
    #[serde(default)]
    name: String,
}

pub(super) async fn page(State(app): State<App>, headers: HeaderMap) -> Response {
    render(&app, &headers, StatusCode::OK, AddForm::default(), None, None)
}

fn render(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    adding: AddForm,
    renaming: Option<(String, String)>,
    refusal: Option<Refusal>,
) -> Response {
    let snapshot = app.snapshot();
    let clock = Clock::of(app);
    let people = snapshot.people.iter().map(|it| PersonCard::of(app, &snapshot, it, &clock));
    let page = Page {
        frame: Frame::new(app, &snapshot, headers, "/people", "People"),
        people: people.collect(),
        free: free(&snapshot, &clock),
        adding,
        renaming,
        refusal,
    };
    show_as(status, &page)
}

/// Devices without an owner, those here first.
fn free(snapshot: &Snapshot, clock: &Clock) -> Vec<DeviceLine> {
    let all = snapshot.devices.iter().filter(|it| it.owner.is_none() && it.mark == Mark::Normal);
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|it| (it.standing.presence != Presence::Present, Reverse(it.last_seen), it.id));
    all.into_iter().take(OFFERED).map(|it| DeviceLine::of(snapshot, it, clock)).collect()
}

pub(super) async fn add(
    State(app): State<App>,
    headers: HeaderMap,
    Filled(form): Filled<AddForm>,
) -> Response {
    let added = async {
        let display = form.display.trim().to_owned();
        let name = match form.name.trim() {
            "" => made_of(&app.snapshot(), &display)?,
            given => given.to_owned(),
        };
        app.hub.edit(Edit::AddPerson { name, display }, None).await.map_err(Problem::from)
    };
    match added.await {
        Ok(_) => back("/people"),
        Err(problem) => {
            let refusal = Some(Refusal::from(&problem));
            render(&app, &headers, problem.status(), form, None, refusal)
        }
    }
}

/// A short name that is free, made of what people read.
fn made_of(snapshot: &Snapshot, display: &str) -> Result<String, Problem> {
    let name = short::short(display);
    if name.is_empty() && !display.is_empty() {
        let detail = format!("no short name can be made of this: {display}");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
            .hint("type one of a-z, 0-9, _ and -, as in li-lei"));
    }
    Ok(short::free(&name, |it| snapshot.directory.person_named(it).is_some()))
}

#[derive(Deserialize)]
pub(super) struct RenameForm {
    display: String,
}

pub(super) async fn rename(
    State(app): State<App>,
    headers: HeaderMap,
    Named(name): Named<String>,
    Filled(form): Filled<RenameForm>,
) -> Response {
    let renamed = async {
        let person = changeable(&app, &name)?;
        let display = form.display.trim().to_owned();
        app.hub.edit(Edit::RenamePerson { person, display }, None).await.map_err(Problem::from)
    };
    match renamed.await {
        Ok(_) => back("/people"),
        Err(problem) => {
            let refusal = Some(Refusal::from(&problem));
            let typed = Some((name.clone(), form.display));
            render(&app, &headers, problem.status(), AddForm::default(), typed, refusal)
        }
    }
}

pub(super) async fn remove(State(app): State<App>, Named(name): Named<String>) -> Response {
    let removed = async {
        let person = changeable(&app, &name)?;
        app.hub.edit(Edit::RemovePerson { person }, None).await.map_err(Problem::from)
    };
    done(removed.await)
}

#[derive(Deserialize)]
pub(super) struct GiveForm {
    device: u32,
    /// What it is; empty: as it is described.
    #[serde(default)]
    kind: String,
}

pub(super) async fn give(
    State(app): State<App>,
    Named(name): Named<String>,
    Filled(form): Filled<GiveForm>,
) -> Response {
    let given = async {
        let snapshot = app.snapshot();
        let person = Some(named(&snapshot, &name)?);
        let device = givable(&app, &snapshot, form.device)?;
        let described = snapshot.directory.device(device);
        if !form.kind.is_empty() && form.kind != described.kind.word() {
            let kind = form.kind.parse().map_err(|it| Problem::from(EditRefused::Wrong(it)))?;
            let kind = Some(kind);
            let is = Edit::EditDevice { device, name: None, kind, mark: None, carried: None };
            app.hub.edit(is, None).await.map_err(Problem::from)?;
        } else if is_unsaid(&described) {
            return Err(unsaid(&name));
        }
        let assign = Edit::Assign { device, person, from: app.hub.now().wall };
        app.hub.edit(assign, None).await.map_err(Problem::from)
    };
    done(given.await)
}

/// Why a device that nobody described is not given to a person without a question.
pub(super) fn unsaid(person: &str) -> Problem {
    let detail = format!("nobody said what this is, so it would say nothing about {person}");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        .hint("say what it is, or whether it goes where its owner goes")
}

#[derive(Deserialize)]
pub(super) struct OverrideForm {
    home: bool,
}

pub(super) async fn set(
    State(app): State<App>,
    Named(name): Named<String>,
    Filled(form): Filled<OverrideForm>,
) -> Response {
    let set = async {
        let person = named(&app.snapshot(), &name)?;
        let at = app.hub.now().wall;
        let until = next_morning(at, &app.hub.zone());
        let set = Override { home: form.home, at, until, by: BY.into() };
        app.hub.edit(Edit::Override { person, set }, None).await.map_err(Problem::from)
    };
    done(set.await)
}

pub(super) async fn clear(State(app): State<App>, Named(name): Named<String>) -> Response {
    let cleared = async {
        let person = named(&app.snapshot(), &name)?;
        let clear = Edit::ClearOverride { person, at: app.hub.now().wall };
        app.hub.edit(clear, None).await.map_err(Problem::from)
    };
    done(cleared.await)
}

fn done(edited: Result<u64, Problem>) -> Response {
    match edited {
        Ok(_) => back("/people"),
        Err(problem) => refuse(&problem),
    }
}

/// A longer list is no help; the devices' page has a search.
const OFFERED: usize = 100;
