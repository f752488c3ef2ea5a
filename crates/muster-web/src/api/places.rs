//! Places: sites, floors and rooms in which monitors stand.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use muster_core::directory::Edit;
use muster_core::identity::PlaceId;
use muster_core::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{List, Part, Routes, Versioned, edit, value, versioned};
use crate::app::App;
use crate::extract::{Asked, Expected, Named, Sent};
use crate::problem::Problem;

pub(crate) fn add(routes: Routes) -> Routes {
    routes
        .get("/api/v1/places", list)
        .post("/api/v1/places", create)
        .patch("/api/v1/places/{id}", rename)
        .delete("/api/v1/places/{id}", remove)
}

/// A place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Place {
    /// Its number.
    id: u32,
    /// Its name, unique.
    name: String,
    /// The place that it lies in; null: it is a site.
    parent: Option<String>,
    /// The site that it lies in, or is.
    site: String,
    /// Monitors that stand in it.
    monitors: Vec<String>,
}

impl Place {
    fn of(snapshot: &Snapshot, id: PlaceId) -> Option<Self> {
        let directory = &snapshot.directory;
        let place = directory.places.get(&id)?;
        let here = directory.monitors.iter().filter(|(_, it)| **it == id);
        Some(Self {
            id: id.0,
            name: place.name.to_string(),
            parent: place.parent.map(|it| snapshot.place_name(it).to_owned()),
            site: snapshot.place_name(directory.site_of(id)).to_owned(),
            monitors: here.map(|(name, _)| name.to_string()).collect(),
        })
    }
}

/// A new place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPlace {
    /// Its name.
    name: String,
    /// The name of the place that it lies in; absent: it is a site.
    parent: Option<String>,
}

/// A place's new name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceChange {
    /// Its name.
    name: String,
}

/// All places.
#[utoipa::path(get, path = "/api/v1/places", tag = "places", params(Part),
    responses((status = 200, body = List<Place>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Asked(part): Asked<Part>,
) -> Result<Versioned<List<Place>>, Problem> {
    let snapshot = app.snapshot();
    let all = snapshot.directory.places.keys().filter_map(|it| Place::of(&snapshot, *it));
    let ids = part.of(all, |it| it.id.into(), |it| PlaceId(it.id))?;
    let items = ids.items.iter().filter_map(|it| Place::of(&snapshot, *it)).collect();
    Ok(versioned(snapshot.directory.version, List { items, next: ids.next }))
}

/// Add a place.
#[utoipa::path(post, path = "/api/v1/places", tag = "places", request_body = NewPlace,
    responses((status = 201, body = Place)))]
pub(crate) async fn create(
    State(app): State<App>,
    Expected(expect): Expected,
    Sent(new): Sent<NewPlace>,
) -> Result<Response, Problem> {
    let parent = new.parent.map(|it| named(&app.snapshot(), &it)).transpose()?;
    let add = Edit::AddPlace { name: new.name.clone(), parent };
    let done = edit(&app, add, expect, |_| None).await?;
    let id = named(&app.snapshot(), &new.name)?;
    let place = [(LOCATION, format!("/api/v1/places/{id}"))];
    Ok((StatusCode::CREATED, place, shown(&app, done.version, id)?).into_response())
}

/// Rename a place.
#[utoipa::path(patch, path = "/api/v1/places/{id}", tag = "places",
    params(("id" = u32, Path, description = "the place's number")),
    request_body = PlaceChange, responses((status = 200, body = Place)))]
pub(crate) async fn rename(
    State(app): State<App>,
    Named(id): Named<u32>,
    Expected(expect): Expected,
    Sent(change): Sent<PlaceChange>,
) -> Result<Versioned<Place>, Problem> {
    let place = PlaceId(id);
    let rename = Edit::RenamePlace { place, name: change.name };
    let done = edit(&app, rename, expect, |it| value(Place::of(it, place)?)).await?;
    shown(&app, done.version, place)
}

/// Remove a place that holds no monitor and no other place.
#[utoipa::path(delete, path = "/api/v1/places/{id}", tag = "places",
    params(("id" = u32, Path, description = "the place's number")),
    responses((status = 204)))]
pub(crate) async fn remove(
    State(app): State<App>,
    Named(id): Named<u32>,
    Expected(expect): Expected,
) -> Result<StatusCode, Problem> {
    let place = PlaceId(id);
    let remove = Edit::RemovePlace { place };
    edit(&app, remove, expect, |it| value(Place::of(it, place)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The place with this name.
pub(crate) fn named(snapshot: &Snapshot, name: &str) -> Result<PlaceId, Problem> {
    let found = snapshot.directory.places.iter().find(|(_, it)| &*it.name == name);
    found.map(|(id, _)| *id).ok_or_else(|| {
        let all = snapshot.directory.places.values().take(5).map(|it| it.name.to_string());
        Problem::missing("place", name).near(all.collect())
    })
}

fn shown(app: &App, version: u64, id: PlaceId) -> Result<Versioned<Place>, Problem> {
    let place = Place::of(&app.snapshot(), id);
    let place = place.ok_or_else(|| Problem::missing("place", &id.to_string()))?;
    Ok(versioned(version, place))
}
