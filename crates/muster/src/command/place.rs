//! `muster place`: sites, and the floors and rooms in them.

use hyper::Method;
use muster_core::directory::Directory;
use muster_report::{Cell, Column, Table};
use serde_json::{Value, json};

use crate::cli::PlaceCommand;
use crate::client::{Api, shaped};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::shape::{Listening, Place};

/// Runs the command.
pub(crate) fn run(context: &Context, command: &PlaceCommand) -> Result<(), Failure> {
    let output = Output::new(context)?;
    match command {
        PlaceCommand::List => list(&output, &Api::to_read(context)?),
        PlaceCommand::Add { name, within } => {
            let api = Api::to_edit(context)?;
            let added =
                api.send(&Method::POST, "places", &json!({ "name": name, "parent": within }))?;
            let into = within.as_ref().map_or_else(String::new, |it| format!(" in {it}"));
            output.done(&format!("added: {name}{into}"), &added)
        }
        PlaceCommand::Rename { place, name } => {
            let api = Api::to_edit(context)?;
            let path = format!("places/{}", find(&api, place)?.id);
            let renamed = api.send(&Method::PATCH, &path, &json!({ "name": name }))?;
            output.done(&format!("renamed: {place} is {name}"), &renamed)
        }
        PlaceCommand::Remove { place } => {
            let api = Api::to_edit(context)?;
            let place_found = find(&api, place)?;
            let removed = api.delete(&format!("places/{}", place_found.id));
            removed.map_err(|it| occupied(&api, &place_found, it))?;
            output.done(&format!("removed: {place}"), &Value::Null)
        }
    }
}

/// What to do about whatever keeps a place from being removed.
fn occupied(api: &Api, place: &Place, refused: Failure) -> Failure {
    let listed = |path: &str| api.whole(path).unwrap_or_default().into_iter();
    let places: Vec<Place> = listed("places").filter_map(|it| shaped(it).ok()).collect();
    let monitors: Vec<Listening> =
        listed("monitors?hours=24").filter_map(|it| shaped(it).ok()).collect();
    let stands = monitors.iter().find(|it| it.place == place.name).map(|it| &it.monitor);
    let inside = places.iter().find(|it| it.parent.as_ref() == Some(&place.name));
    if place.id == Directory::FIRST_SITE.0 {
        return refused.hint(format!("it can be renamed: muster place rename {} NAME", place.name));
    }
    match (stands, inside) {
        (Some(monitor), _) => {
            refused.hint(format!("move it: muster monitor place {monitor} PLACE"))
        }
        (None, Some(inside)) => {
            refused.hint(format!("remove it first: muster place remove {}", inside.name))
        }
        (None, None) => refused,
    }
}

/// The place with this name, or number.
pub(crate) fn find(api: &Api, wanted: &str) -> Result<Place, Failure> {
    let all = api.list("places")?;
    let all: Vec<Place> = all.into_iter().map(shaped).collect::<Result<_, _>>()?;
    let names: Vec<String> = all.iter().map(|it| it.name.clone()).collect();
    let lower = wanted.to_lowercase();
    let called = all.iter().position(|it| it.name.to_lowercase() == lower);
    let numbered = || all.iter().position(|it| wanted.parse() == Ok(it.id));
    let found = called.or_else(numbered).and_then(|at| all.into_iter().nth(at));
    found.ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("no such place: {wanted}")).hint(format!(
            "there are: {}; another one is made by: muster place add NAME --in PLACE",
            names.join(", ")
        ))
    })
}

fn list(output: &Output, api: &Api) -> Result<(), Failure> {
    let all = api.list("places")?;
    let mut table = Table::new(&COLUMNS);
    for value in &all {
        let it: Place = shaped(value.clone())?;
        table.push(vec![
            Cell::Whole(it.id.into()),
            Cell::Text(it.name),
            Cell::text(it.parent),
            Cell::Text(it.site),
            Cell::List(it.monitors),
        ]);
    }
    output.list(&table, &all)
}

const COLUMNS: [Column; 5] = [
    Column::new("id"),
    Column::new("name"),
    Column::new("in"),
    Column::new("site"),
    Column::new("monitors"),
];
