//! People: read, add, rename, remove, and set by hand.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use muster_core::directory::{Edit, Override};
use muster_core::identity::PersonId;
use muster_core::snapshot::{PersonView, Snapshot};
use muster_core::stay::Subject;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{List, Part, Routes, Stamp, Versioned, edit, value, versioned};
use crate::app::App;
use crate::extract::{Asked, Expected, Named, Sent};
use crate::guard::Guard;
use crate::problem::Problem;
use crate::subject;

pub(crate) fn add(routes: Routes) -> Routes {
    routes
        .get("/api/v1/people", list)
        .post("/api/v1/people", create)
        .get("/api/v1/people/{name}", read)
        .patch("/api/v1/people/{name}", rename)
        .delete("/api/v1/people/{name}", remove)
        .put("/api/v1/people/{name}/override", set)
        .delete("/api/v1/people/{name}/override", clear)
}

/// A person now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Person {
    /// Their number.
    id: u32,
    /// Short and unique.
    name: String,
    /// What people read.
    display: String,
    /// `away`, `arriving`, `present` or `unknown`.
    presence: &'static str,
    /// Since when.
    since: Option<Stamp>,
    /// The last evidence.
    last: Option<Stamp>,
    /// At which site.
    place: Option<String>,
    /// Whether somebody set it by hand.
    overridden: Option<Overridden>,
    /// Numbers of the devices they own.
    devices: Vec<u32>,
    /// The media on which a carried device is present.
    sources: Vec<&'static str>,
    /// Whether the configuration file says so; it cannot be changed here then.
    declared: bool,
}

/// Presence set by hand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overridden {
    /// By whom.
    by: String,
    /// Until when at the latest.
    until: Stamp,
}

impl Person {
    pub(crate) fn of(app: &App, snapshot: &Snapshot, view: &PersonView) -> Self {
        let described = snapshot.directory.people.get(&view.id);
        let standing = view.standing;
        Self {
            id: view.id.0,
            name: described.map_or_else(String::new, |it| it.name.to_string()),
            display: described.map_or_else(String::new, |it| it.display.to_string()),
            presence: standing.presence.word(),
            since: standing.since.map(Stamp),
            last: standing.last.map(Stamp),
            place: standing.site.map(|it| snapshot.place_name(it).to_owned()),
            overridden: view
                .overridden
                .as_ref()
                .map(|(by, until)| Overridden { by: by.to_string(), until: Stamp(*until) }),
            // One that was merged into another keeps its owner aside, and is none meanwhile.
            devices: view
                .devices
                .iter()
                .filter(|it| snapshot.device(**it).is_some())
                .map(|it| it.0)
                .collect(),
            sources: view.sources.iter().map(|it| it.word()).collect(),
            declared: app.hub.declares(Subject::Person(view.id)),
        }
    }
}

/// A new person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerson {
    /// Short and unique: 1 to 32 of a-z, 0-9, _ and -.
    name: String,
    /// What people read; the name if absent.
    #[serde(default)]
    display: String,
}

/// A person's new description.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonChange {
    /// What people read.
    display: String,
}

/// Presence to set by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOverride {
    /// Whether the person is here.
    home: bool,
    /// Until when, at most 7 days ahead; the next 04:00 at the hub if absent.
    until: Option<Stamp>,
}

/// Everybody.
#[utoipa::path(get, path = "/api/v1/people", tag = "people", params(Part),
    responses((status = 200, body = List<Person>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Asked(part): Asked<Part>,
) -> Result<Versioned<List<Person>>, Problem> {
    let snapshot = app.snapshot();
    let show = |it: &&PersonView| Person::of(&app, &snapshot, it);
    let people = part.of(snapshot.people.iter(), |it| it.id.0.into(), show)?;
    Ok(versioned(snapshot.directory.version, people))
}

/// One person.
#[utoipa::path(get, path = "/api/v1/people/{name}", tag = "people",
    params(("name" = String, Path, description = "the short name")),
    responses((status = 200, body = Person)))]
pub(crate) async fn read(
    State(app): State<App>,
    Named(name): Named<String>,
) -> Result<Versioned<Person>, Problem> {
    let snapshot = app.snapshot();
    let id = named(&snapshot, &name)?;
    shown(&app, snapshot.directory.version, id)
}

/// Add a person.
#[utoipa::path(post, path = "/api/v1/people", tag = "people", request_body = NewPerson,
    responses((status = 201, body = Person)))]
pub(crate) async fn create(
    State(app): State<App>,
    Expected(expect): Expected,
    Sent(new): Sent<NewPerson>,
) -> Result<Response, Problem> {
    let name = new.name.clone();
    let add = Edit::AddPerson { name: new.name, display: new.display };
    let done = edit(&app, add, expect, |_| None).await?;
    let id = named(&app.snapshot(), &name)?;
    let place = [(LOCATION, format!("/api/v1/people/{name}"))];
    Ok((StatusCode::CREATED, place, shown(&app, done.version, id)?).into_response())
}

/// Change what people read.
#[utoipa::path(patch, path = "/api/v1/people/{name}", tag = "people",
    params(("name" = String, Path, description = "the short name")),
    request_body = PersonChange, responses((status = 200, body = Person)))]
pub(crate) async fn rename(
    State(app): State<App>,
    Named(name): Named<String>,
    Expected(expect): Expected,
    Sent(change): Sent<PersonChange>,
) -> Result<Versioned<Person>, Problem> {
    let person = changeable(&app, &name)?;
    let rename = Edit::RenamePerson { person, display: change.display };
    let done = edit(&app, rename, expect, |it| current(&app, it, person)).await?;
    shown(&app, done.version, person)
}

/// Remove a person; recorded stays remain.
#[utoipa::path(delete, path = "/api/v1/people/{name}", tag = "people",
    params(("name" = String, Path, description = "the short name")),
    responses((status = 204)))]
pub(crate) async fn remove(
    State(app): State<App>,
    Named(name): Named<String>,
    Expected(expect): Expected,
) -> Result<StatusCode, Problem> {
    let person = changeable(&app, &name)?;
    edit(&app, Edit::RemovePerson { person }, expect, |it| current(&app, it, person)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set a person's presence by hand, for a while.
#[utoipa::path(put, path = "/api/v1/people/{name}/override", tag = "people",
    params(("name" = String, Path, description = "the short name")),
    request_body = NewOverride, responses((status = 200, body = Person)))]
pub(crate) async fn set(
    State(app): State<App>,
    Named(name): Named<String>,
    Expected(expect): Expected,
    Sent(new): Sent<NewOverride>,
) -> Result<Versioned<Person>, Problem> {
    let person = named(&app.snapshot(), &name)?;
    let now = app.hub.now().wall;
    let until =
        new.until.map_or_else(|| crate::when::next_morning(now, &app.hub.zone()), |it| it.0);
    let by = if app.guard == Guard::Socket { COMMAND } else { BY };
    let set = Override { home: new.home, at: now, until, by: by.into() };
    let set = Edit::Override { person, set };
    let done = edit(&app, set, expect, |it| current(&app, it, person)).await?;
    shown(&app, done.version, person)
}

/// Let the evidence decide again.
#[utoipa::path(delete, path = "/api/v1/people/{name}/override", tag = "people",
    params(("name" = String, Path, description = "the short name")),
    responses((status = 200, body = Person)))]
pub(crate) async fn clear(
    State(app): State<App>,
    Named(name): Named<String>,
    Expected(expect): Expected,
) -> Result<Versioned<Person>, Problem> {
    let person = named(&app.snapshot(), &name)?;
    let clear = Edit::ClearOverride { person, at: app.hub.now().wall };
    let done = edit(&app, clear, expect, |it| current(&app, it, person)).await?;
    shown(&app, done.version, person)
}

/// The person with this short name, or what to do about it.
pub(crate) fn named(snapshot: &Snapshot, name: &str) -> Result<PersonId, Problem> {
    subject::person(&snapshot.directory, name)
        .ok_or_else(|| Problem::missing("person", name).near(subject::near_people(snapshot, name)))
}

/// The same, unless the configuration file says who it is.
pub(crate) fn changeable(app: &App, name: &str) -> Result<PersonId, Problem> {
    let id = named(&app.snapshot(), name)?;
    if app.hub.declares(Subject::Person(id)) {
        let detail = format!("the configuration file says who this is: {name}");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail)
            .hint("change it in the configuration file and restart"));
    }
    Ok(id)
}

fn shown(app: &App, version: u64, id: PersonId) -> Result<Versioned<Person>, Problem> {
    let snapshot = app.snapshot();
    let view = snapshot.person(id).ok_or_else(|| Problem::missing("person", &id.to_string()))?;
    Ok(versioned(version, Person::of(app, &snapshot, view)))
}

fn current(app: &App, snapshot: &Snapshot, id: PersonId) -> Option<Value> {
    value(Person::of(app, snapshot, snapshot.person(id)?))
}

/// Who sets things by hand here, while there are no accounts.
pub(crate) const BY: &str = "a visitor of the page";
const COMMAND: &str = "a command";
