//! *People*: add, rename and remove them, see their devices, set presence for tonight.

use std::cmp::Reverse;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use muster_core::directory::{DeviceKind, Edit, EditError, Mark, Override};
use muster_core::snapshot::{DeviceView, Presence, Snapshot};
use serde::Deserialize;

use super::show::{Clock, DeviceLine, PersonCard};
use super::{Frame, Refusal, back, refuse, show_as};
use crate::api::devices::givable;
use crate::api::people::{BY, changeable, named};
use crate::app::App;
use crate::extract::{Filled, Named};
use crate::hub::EditRefused;
use crate::kind::{is_likely_carried, is_unsaid};
use crate::problem::Problem;
use crate::short;
use crate::when::next_morning;

#[derive(Template)]
#[template(path = "people.html")]
struct Page {
    frame: Frame,
    people: Vec<PersonCard>,
    /// Devices that may be given to somebody, those that people carry first.
    free: Vec<DeviceLine>,
    /// Whether the first of them is likely one that people carry.
    likely: bool,
    adding: AddForm,
    /// The person whose form was refused, what was typed, and why.
    renaming: Option<(String, String)>,
    refusal: Option<Refusal>,
}

impl Page {
    const KINDS: [(&'static str, DeviceKind); 11] = DeviceKind::ALL;

    /// What the device that stands first is proposed as.
    fn proposed(&self) -> &'static str {
        self.free.first().filter(|_| self.likely).map_or("", |it| it.guess)
    }

    /// Whether this field of a new person was refused.
    fn is_wrong(&self, field: &str) -> bool {
        self.refusal.as_ref().and_then(|it| it.field) == Some(field)
    }

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

/// A person is shown among all of them.
pub(super) async fn one(State(app): State<App>, Named(name): Named<String>) -> Response {
    match named(&app.snapshot(), &name) {
        Ok(id) => back(&format!("/people#person-{id}")),
        Err(problem) => refuse(&problem),
    }
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
    let free = free(&snapshot);
    let page = Page {
        frame: Frame::new(app, &snapshot, headers, "/people", "People"),
        people: people.collect(),
        likely: free.first().is_some_and(|it| is_likely(&snapshot, it)),
        free: free.into_iter().map(|it| DeviceLine::of(&snapshot, it, &clock)).collect(),
        adding,
        renaming,
        refusal,
    };
    show_as(status, &page)
}

/// Devices without an owner: those that somebody may carry first, then those that are here.
fn free(snapshot: &Snapshot) -> Vec<&DeviceView> {
    let all = snapshot.devices.iter().filter(|it| it.owner.is_none() && it.mark == Mark::Normal);
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|it| {
        let away = it.standing.presence != Presence::Present;
        (!is_likely(snapshot, it), away, Reverse(it.last_seen), it.id)
    });
    all.truncate(OFFERED);
    all
}

fn is_likely(snapshot: &Snapshot, device: &DeviceView) -> bool {
    is_likely_carried(&snapshot.directory.device(device.id), device)
}

pub(super) async fn add(
    State(app): State<App>,
    headers: HeaderMap,
    Filled(form): Filled<AddForm>,
) -> Response {
    let added = async {
        let display = form.display.trim().to_owned();
        let name = match form.name.trim() {
            "" => made_of(&app.snapshot(), &display).map_err(|it| (it, Some("name")))?,
            given => given.to_owned(),
        };
        let added = app.hub.edit(Edit::AddPerson { name, display }, None).await;
        added.map_err(|it| {
            let field = field_of(&it);
            (Problem::from(it), field)
        })
    };
    match added.await {
        Ok(_) => back("/people"),
        Err((problem, field)) => {
            let refusal = Some(Refusal { field, ..Refusal::from(&problem) });
            render(&app, &headers, problem.status(), form, None, refusal)
        }
    }
}

/// Which field of a new person was refused; none: neither is wrong by itself.
fn field_of(refused: &EditRefused) -> Option<&'static str> {
    let EditRefused::Wrong(wrong) = refused else { return None };
    if matches!(wrong, EditError::PersonName { .. } | EditError::Taken { .. }) {
        return Some("name");
    }
    matches!(wrong, EditError::Text { .. }).then_some("display")
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
    /// The device's number; empty: none was chosen.
    device: String,
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
        let device = form.device.parse().map_err(|_| {
            let detail = "no device was chosen".to_owned();
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).hint("choose the device")
        })?;
        let device = givable(&app, &snapshot, device)?;
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
