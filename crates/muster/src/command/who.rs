//! `muster who`: who is here now.

use muster_report::{Cell, Column, Table};
use serde_json::Value;

use crate::cli::WhoArgs;
use crate::client::{Api, shaped};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::shape::{Now, Person, Place, Sink, time};

/// Runs the command.
pub(crate) fn run(context: &Context, args: &WhoArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let api = Api::to_read(context)?;
    let mut picture = api.get("now")?;
    let everybody = match picture.get_mut("people").map(Value::take) {
        Some(Value::Array(people)) => people,
        _ => Vec::new(),
    };
    let now: Now = shaped(picture)?;
    let sites = args.place.as_deref().map(|it| site(&api, it)).transpose()?;
    let mut table = Table::new(&COLUMNS);
    let mut shown = Vec::new();
    for value in &everybody {
        let person: Person = shaped(value.clone())?;
        let there = sites.is_none() || person.place == sites;
        if there && (args.all || person.presence != "away") {
            table.push(row(&person));
            shown.push(marked(value, now.simulated));
        }
    }
    output.list(&table, &shown)?;
    if let Some(why) = &now.degraded {
        output.note(&format!("nothing is stored at the moment: {why}"));
    }
    for sink in api.whole("sinks")? {
        let it: Sink = shaped(sink)?;
        if let (true, Some(trouble)) = (it.state == "failing", it.last_error) {
            output.note(&format!("nothing reaches {} at the moment: {}", it.name, trouble.what));
        }
    }
    if everybody.is_empty() {
        output.note("nobody is known yet");
        output.hint("muster person add NAME, then muster device assign DEVICE NAME");
    } else if shown.is_empty() {
        output.note("nobody is here");
    }
    if now.devices_present > 0 && args.place.is_none() {
        output.note(&crowd(now.devices_present, now.guests));
    }
    Ok(())
}

pub(super) fn row(person: &Person) -> Vec<Cell> {
    vec![
        Cell::State(person.presence.clone()),
        Cell::Text(person.display.clone()),
        Cell::Text(person.name.clone()),
        Cell::Text(person.display.clone()),
        Cell::text(person.place.clone()),
        time(person.since),
        time(person.last),
        person.by(),
    ]
}

/// The site that a place lies in: people are at sites.
fn site(api: &Api, name: &str) -> Result<String, Failure> {
    let places = api.list("places")?;
    let places: Vec<Place> = places.into_iter().map(shaped).collect::<Result<_, _>>()?;
    let found = places.iter().find(|it| it.name.to_lowercase() == name.to_lowercase());
    found.map(|it| it.site.clone()).ok_or_else(|| {
        let names: Vec<&str> = places.iter().map(|it| it.name.as_str()).collect();
        Failure::new(Exit::NotFound, format!("no such place: {name}"))
            .hint(format!("there are: {}", names.join(", ")))
    })
}

fn marked(person: &Value, simulated: bool) -> Value {
    let mut person = person.clone();
    if let (true, Some(fields)) = (simulated, person.as_object_mut()) {
        fields.insert("simulated".to_owned(), true.into());
    }
    person
}

fn crowd(present: u64, guests: u64) -> String {
    let devices = if present == 1 { "device is" } else { "devices are" };
    match guests {
        0 => format!("{present} {devices} here"),
        _ => format!("{present} {devices} here, {guests} nobody's"),
    }
}

/// The columns of whoever is here.
pub(super) const COLUMNS: [Column; 8] = [
    Column::new("presence"),
    Column::new("name").for_people(),
    Column::new("name").for_programs(),
    Column::new("display").for_programs(),
    Column::new("place"),
    Column::new("since"),
    Column::new("last"),
    Column::optional("by"),
];
