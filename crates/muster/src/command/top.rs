//! `muster top`: who is here and what is heard, on one screen that keeps up.

use std::io::{IsTerminal as _, stdout};
use std::time::Duration;

use muster_report::reports::Report;
use muster_report::{Style, Table, from_items};
use serde_json::{Map, Value};

use crate::cli::{Format, TopArgs};
use crate::client::{Api, foreign, shaped};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};
use crate::shape::{Now, Person};

use frame::{Frame, Section};
use screen::{Screen, Wish};

mod frame;
mod screen;

/// Runs the command.
pub(crate) fn run(context: &Context, args: &TopArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    if !matches!(context.common.format, Format::Table | Format::Json) {
        let what = "top shows several tables, which neither CSV nor a workbook holds";
        let hint = "take one of them: muster report devices --format csv";
        return Err(Failure::new(Exit::Usage, what).hint(hint));
    }
    let is_json = context.common.format == Format::Json;
    if args.once || is_json {
        let frame = look(context, &Api::to_read(context)?)?;
        return if is_json {
            output::json(&frame.value())
        } else {
            output::put(&frame.text(output.style(), None))
        };
    }
    if !stdout().is_terminal() {
        let what = "there is no terminal to draw on";
        return Err(Failure::new(Exit::Usage, what).hint("print it once: muster top --once"));
    }
    keep_up(context, &output, args.refresh)
}

/// Draws it again and again, until somebody has seen enough.
fn keep_up(context: &Context, output: &Output, refresh: Duration) -> Result<(), Failure> {
    let mut api = Some(Api::to_read(context)?);
    let mut frame = api.as_ref().map(|it| look(context, it)).transpose()?;
    // From here on a word on standard error would lie across the tables.
    let silent = Context::new(crate::cli::Common { quiet: true, ..context.common.clone() });
    let mut screen = Screen::open()?;
    loop {
        let (width, height) = screen::size();
        let style = Style { width: Some(width), ..output.style().clone() };
        if let Some(frame) = &frame {
            screen.draw(&frame.text(&style, Some(height)))?;
        }
        match screen.wait(refresh)? {
            Wish::End => return Ok(()),
            Wish::Draw => {}
            Wish::Look => {
                // A store is what it was when it was opened, and the hub may be back.
                let latest = api.take().filter(Api::asks_hub);
                let latest = latest.map_or_else(|| Api::to_read(&silent), Ok);
                match latest.and_then(|it| Ok((look(&silent, &it)?, it))) {
                    Ok((latest, it)) => (frame, api) = (Some(latest), Some(it)),
                    Err(why) => frame = frame.map(|it| it.stale(&why.to_string())),
                }
            }
        }
    }
}

/// Everything that is shown, as it is now.
fn look(context: &Context, api: &Api) -> Result<Frame, Failure> {
    let mut picture = api.get("now")?;
    let people = match picture.get_mut("people").map(Value::take) {
        Some(Value::Array(people)) => people,
        _ => Vec::new(),
    };
    let now: Now = shaped(picture)?;
    let mut frame = Frame::new(context.clock.now().wall, now, api.asks_hub());
    frame.sections.push(here(people)?);
    for (title, report) in [
        ("monitors, 24 h", Report::Monitors),
        ("devices, 24 h", Report::Devices),
        ("last heard", Report::Recent),
    ] {
        let limit = if report == Report::Recent { "?limit=20" } else { "" };
        let mut items = api.whole(&format!("reports/{}{limit}", report.name()))?;
        if report == Report::Devices {
            items.sort_by_key(|it| std::cmp::Reverse(it.get("readings").and_then(Value::as_u64)));
            items.truncate(MOST_DEVICES);
        }
        frame.sections.push(section(title, report, items)?);
    }
    Ok(frame)
}

fn here(people: Vec<Value>) -> Result<Section, Failure> {
    let mut table = Table::new(&super::who::COLUMNS);
    let mut all = Vec::new();
    for value in people {
        let person: Person = shaped(value.clone())?;
        if person.presence != "away" {
            table.push(super::who::row(&person));
            all.push(value);
        }
    }
    Ok(Section::new("people", table, all))
}

fn section(title: &'static str, report: Report, items: Vec<Value>) -> Result<Section, Failure> {
    let rows: Result<Vec<Map<String, Value>>, Failure> =
        items.iter().cloned().map(shaped).collect();
    let table = from_items(report.columns(), &rows?).map_err(foreign)?;
    Ok(Section::new(title, table, items))
}

/// More than fit on a screen beside the rest.
const MOST_DEVICES: usize = 20;
