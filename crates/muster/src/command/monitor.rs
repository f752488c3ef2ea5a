//! `muster monitor`: who listens, what they hear, what they cannot hear and why; and, without a further
//! word, a monitor that runs.

use std::collections::BTreeSet;

use hyper::Method;
use muster_report::{Cell, Column, Table};
use serde_json::json;

use crate::cli::{MonitorArgs, MonitorCommand};
use crate::client::{Api, encoded, shaped};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::shape::{FarMonitor, Listening, time};

mod far;

mod joining;

mod once;

mod running;

mod told;

/// Runs the command.
pub(crate) fn run(context: &Context, args: &MonitorArgs) -> Result<(), Failure> {
    match &args.command {
        Some(command) => ask(context, command),
        None => running::run(context, &args.running),
    }
}

fn ask(context: &Context, command: &MonitorCommand) -> Result<(), Failure> {
    let output = Output::new(context)?;
    match command {
        MonitorCommand::List { far: false } => list(&output, &Api::to_read(context)?),
        MonitorCommand::List { far: true } => far::list(&output, &Api::to_read(context)?),
        MonitorCommand::Enrol(args) => far::enrol(context, &output, args),
        MonitorCommand::Revoke { monitor } => far::revoke(context, &output, monitor),
        MonitorCommand::Place { monitor, place } => {
            let api = Api::to_edit(context)?;
            let name = super::place::find(&api, place)?.name;
            let path = format!("monitors/{}/place", encoded(monitor));
            let stands = api.send(&Method::PUT, &path, &json!({ "place": name }))?;
            output.done(&format!("{monitor} stands in {name}"), &stands)
        }
    }
}

fn list(output: &Output, api: &Api) -> Result<(), Failure> {
    let all = api.whole("monitors?hours=24")?;
    let mut table = Table::new(&COLUMNS);
    let mut cannot = Vec::new();
    let mut heard = BTreeSet::new();
    for value in &all {
        let it: Listening = shaped(value.clone())?;
        heard.insert(it.monitor.clone());
        let through =
            if it.channel.is_empty() { String::new() } else { format!("/{}", it.channel) };
        for missing in it.cannot {
            let who = format!("{}/{}{through}", it.monitor, it.source);
            let sentence = format!("{who} cannot {}: {}", missing.what, missing.why);
            cannot.push((sentence, missing.hint));
        }
        table.push(vec![
            Cell::State(it.state),
            Cell::Text(it.monitor),
            Cell::Text(it.source),
            Cell::Text(it.channel),
            Cell::Text(it.place),
            time(it.last),
            Cell::Text(it.can.join("; ")),
        ]);
    }
    output.list(&table, &all)?;
    if all.is_empty() {
        output.note("nobody listened yet");
        output.hint("muster serve");
    }
    if output.is_for_people() {
        let far =
            api.whole("fleet")?.into_iter().map(shaped).collect::<Result<Vec<FarMonitor>, _>>()?;
        let mut mute = far.iter().filter(|it| !heard.contains(&it.monitor)).peekable();
        let has_mute = mute.peek().is_some();
        for it in mute {
            output.note(&format!("{} ({}) has told nothing", it.monitor, it.state));
        }
        if has_mute {
            output.hint("muster monitor list --far");
        }
        for (sentence, hint) in &cannot {
            output.note(sentence);
            if let Some(hint) = hint {
                output.hint(hint);
            }
        }
    }
    Ok(())
}

const COLUMNS: [Column; 7] = [
    Column::new("state"),
    Column::new("monitor"),
    Column::new("source"),
    Column::new("channel"),
    Column::new("place"),
    Column::new("last"),
    Column::optional("hears"),
];
