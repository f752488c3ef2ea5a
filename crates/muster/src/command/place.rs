//! `muster place`: sites, and the floors and rooms in them.

use hyper::Method;
use muster_report::{Cell, Column, Table};
use serde_json::{Value, json};

use crate::cli::PlaceCommand;
use crate::client::{Api, shaped};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::shape::Place;

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
            api.delete(&format!("places/{}", find(&api, place)?.id))?;
            output.done(&format!("removed: {place}"), &Value::Null)
        }
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
        Failure::new(Exit::NotFound, format!("no such place: {wanted}"))
            .hint(format!("there are: {}", names.join(", ")))
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
