//! `muster person`: who there is, and presence set by hand.

use std::io::{IsTerminal as _, stderr, stdin};

use hyper::Method;
use muster_report::{Cell, Column, Table};
use serde_json::{Value, json};

use super::device;
use crate::cli::{OverrideArgs, PersonCommand};
use crate::client::{Api, encoded, shaped};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};
use crate::shape::{Person, time};
use crate::when::Meant;

/// Runs the command.
pub(crate) fn run(context: &Context, command: &PersonCommand) -> Result<(), Failure> {
    let output = Output::new(context)?;
    match command {
        PersonCommand::List => list(&output, &Api::to_read(context)?),
        PersonCommand::Show { name } => show(&output, &Api::to_read(context)?, name),
        PersonCommand::Add { name, display } => {
            let new = json!({ "name": name, "display": display.clone().unwrap_or_default() });
            let added = Api::to_edit(context)?.send(&Method::POST, "people", &new);
            let added = added.map_err(|it| better_named(it, name, display.as_deref()))?;
            output.done(&format!("added: {name}"), &added)?;
            output.hint(&format!("muster device assign DEVICE {name}"));
            Ok(())
        }
        PersonCommand::Rename { name, display } => {
            let change = json!({ "display": display });
            let renamed = Api::to_edit(context)?.send(&Method::PATCH, &path(name), &change)?;
            output.done(&format!("renamed: {name} is {display}"), &renamed)
        }
        PersonCommand::Remove { name, yes } => {
            let api = Api::to_edit(context)?;
            if !yes {
                confirm(&api, name)?;
            }
            api.delete(&path(name))?;
            output.done(&format!("removed: {name}"), &Value::Null)
        }
        PersonCommand::Home(args) => set(context, &output, args, true),
        PersonCommand::Away(args) => set(context, &output, args, false),
        PersonCommand::Auto { name } => {
            let person = Api::to_edit(context)?.delete(&format!("{}/override", path(name)))?;
            output.done(&format!("the devices of {name} decide"), &person)
        }
    }
}

/// How to add somebody whose name cannot be a short name.
fn better_named(refused: Failure, name: &str, display: Option<&str>) -> Failure {
    match muster_web::short::short(name).as_str() {
        "" => refused.hint(format!("muster person add SHORT-NAME --display \"{name}\"")),
        short if short == name => refused,
        short => {
            let display = display.unwrap_or(name);
            refused.hint(format!("muster person add {short} --display \"{display}\""))
        }
    }
}

/// Asks whether a person is really to be removed; where nobody can answer, it has to be said.
fn confirm(api: &Api, name: &str) -> Result<(), Failure> {
    let person: Person = api.read(&path(name))?;
    let refused = |what: &str| {
        let what = format!("{what}: {}", person.name);
        Failure::new(Exit::Usage, what).hint(format!("muster person remove {} --yes", person.name))
    };
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(refused("removing a person cannot be undone, so it has to be confirmed"));
    }
    output::ask(&format!("remove {}? their devices become nobody's [y/N] ", person.display));
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    match read.map(|_| answer.trim().to_lowercase()).as_deref() {
        Ok("y" | "yes") => Ok(()),
        _ => Err(refused("nothing was removed")),
    }
}

fn set(context: &Context, output: &Output, args: &OverrideArgs, home: bool) -> Result<(), Failure> {
    let until = args.until.as_deref().map(|it| context.reader()?.read(it, Meant::Until));
    let until = until.transpose()?.or(args.length.map(|it| context.clock.now().wall + it));
    let mut body = json!({ "home": home });
    if let (Some(until), Some(fields)) = (until, body.as_object_mut()) {
        fields.insert("until".to_owned(), until.to_string().into());
    }
    let path = format!("{}/override", path(&args.name));
    let answer = Api::to_edit(context)?.send(&Method::PUT, &path, &body)?;
    let person: Person = shaped(answer.clone())?;
    let until = person.overridden.map_or_else(String::new, |it| {
        let zone = output.style().zone.clone();
        let until = it.until.0.timestamp().to_zoned(zone);
        format!(" until {}", until.strftime("%Y-%m-%d %H:%M"))
    });
    let word = if home { "home" } else { "away" };
    output.done(&format!("{} is {word}{until}", person.name), &answer)
}

fn list(output: &Output, api: &Api) -> Result<(), Failure> {
    let all = api.list("people")?;
    let mut table = Table::new(&COLUMNS);
    for value in &all {
        let it: Person = shaped(value.clone())?;
        let by = it.by();
        table.push(vec![
            Cell::State(it.presence),
            Cell::Text(it.name),
            Cell::Text(it.display),
            Cell::text(it.place),
            time(it.since),
            Cell::Whole(i64::try_from(it.devices.len()).unwrap_or(i64::MAX)),
            by,
        ]);
    }
    output.list(&table, &all)?;
    if all.is_empty() {
        output.note("nobody is known yet");
        output.hint("muster person add NAME");
    }
    Ok(())
}

fn show(output: &Output, api: &Api, name: &str) -> Result<(), Failure> {
    let value = api.get(&path(name))?;
    let it: Person = shaped(value.clone())?;
    let by = it.by();
    let pairs = [
        ("name", Cell::Text(it.name)),
        ("display", Cell::Text(it.display)),
        ("presence", Cell::State(it.presence)),
        ("since", time(it.since)),
        ("last_evidence", time(it.last)),
        ("place", Cell::text(it.place)),
        ("by", by),
        ("until", time(it.overridden.map(|it| it.until))),
    ];
    output.one(&pairs, &value)?;
    if output.is_for_people() && !it.devices.is_empty() {
        let devices: Result<Vec<Value>, Failure> =
            it.devices.iter().map(|id| api.get(&format!("devices/{id}"))).collect();
        output::put("\n")?;
        output.table(&device::table(&devices?)?)?;
    }
    Ok(())
}

fn path(name: &str) -> String {
    format!("people/{}", encoded(name))
}

const COLUMNS: [Column; 7] = [
    Column::new("presence"),
    Column::new("name"),
    Column::new("display"),
    Column::new("place"),
    Column::new("since"),
    Column::new("devices"),
    Column::optional("by"),
];
