//! `muster monitor` of far monitors: who is let in, who no longer, and how each is.

use std::time::Duration;

use hyper::Method;
use muster_config::value::spoken;
use muster_report::{Cell, Column, Table};
use serde_json::{Value, json};

use crate::cli::{EnrolArgs, Format};
use crate::client::{Api, encoded, shaped};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::shape::{FarMonitor, Invited, time};

/// Prints the line to type on a new far monitor.
pub(super) fn enrol(context: &Context, output: &Output, args: &EnrolArgs) -> Result<(), Failure> {
    let EnrolArgs { monitor, place, sources, kinds, address } = args;
    let api = Api::to_edit(context)?;
    let place = place.as_ref().map(|it| super::super::place::find(&api, it)).transpose()?;
    let wish = json!({
        "monitor": monitor,
        "place": place.map(|it| it.name),
        "sources": sources,
        "kinds": kinds,
        "address": address,
    });
    let answer = api.send(&Method::POST, "fleet", &wish)?;
    if context.common.format == Format::Json {
        return output::json(&answer);
    }
    let Invited { line } = shaped(answer)?;
    output.note(&format!("type this on {monitor} within 15 minutes, it is good once:"));
    output::put(&format!("{line}\n"))
}

/// Shuts a far monitor out.
pub(super) fn revoke(context: &Context, output: &Output, monitor: &str) -> Result<(), Failure> {
    Api::to_edit(context)?.delete(&format!("fleet/{}", encoded(monitor)))?;
    output.done(&format!("shut out: {monitor}"), &Value::Null)
}

/// How each far monitor is.
pub(super) fn list(output: &Output, api: &Api) -> Result<(), Failure> {
    let all = api.whole("fleet")?;
    let mut table = Table::new(&COLUMNS);
    for value in &all {
        let it: FarMonitor = shaped(value.clone())?;
        let health = it.health.as_ref();
        table.push(vec![
            Cell::State(it.state),
            Cell::Text(it.monitor),
            Cell::Text(it.place),
            time(it.last),
            time(it.code_until),
            Cell::text(health.map(|it| it.version.as_str())),
            Cell::text(health.map(|it| spoken(Duration::from_secs(it.uptime_seconds)))),
            Cell::whole(health.and_then(|it| it.clock_ahead_ms)),
            health.map_or(Cell::Empty, |it| Cell::number(it.backlog)),
            time(health.and_then(|it| it.backlog_since)),
            health.map_or(Cell::Empty, |it| Cell::Flag(it.simulated)),
            Cell::text(health.and_then(|it| it.last_error.as_deref())),
        ]);
    }
    output.list(&table, &all)?;
    if all.is_empty() {
        output.note("no far monitor was let in yet");
        output.hint("muster monitor enrol NAME");
    }
    Ok(())
}

const COLUMNS: [Column; 12] = [
    Column::new("state"),
    Column::new("monitor"),
    Column::new("place"),
    Column::new("last"),
    Column::optional("code_until"),
    Column::new("version"),
    Column::new("uptime"),
    Column::new("clock_ahead_ms"),
    Column::new("backlog"),
    Column::optional("backlog_since"),
    Column::optional("simulated"),
    Column::optional("last_error"),
];
