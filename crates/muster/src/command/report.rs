//! `muster report`: tables from the history.

use std::time::Duration;

use muster_core::time::Time;
use muster_report::from_items;
use muster_report::reports::Report;
use muster_report::stays::{StayRow, table};

use super::{device, place};
use crate::cli::{Of, ReadingsArgs, ReportCommand, StaysArgs, WindowArgs};
use crate::client::{Api, encoded, foreign, shaped};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::shape::Stay;
use crate::when::Meant;

/// Runs the command.
pub(crate) fn run(context: &Context, command: &ReportCommand) -> Result<(), Failure> {
    let (report, args) = match command {
        ReportCommand::Stays(args) => return stays(context, args),
        ReportCommand::Hourly(args) => (Report::Hourly, args),
        ReportCommand::Monitors(args) => (Report::Monitors, args),
        ReportCommand::Devices(args) => (Report::Devices, args),
        ReportCommand::Overlap(args) => (Report::Overlap, args),
        ReportCommand::Gaps(args) => (Report::Gaps, args),
        ReportCommand::Occupancy(args) => (Report::Occupancy, args),
        ReportCommand::Days(args) => (Report::Days, args),
        ReportCommand::Busiest(args) => (Report::Busiest, args),
        ReportCommand::Pattern(args) => (Report::Pattern, args),
        ReportCommand::Signals(args) => (Report::Signals, args),
        ReportCommand::Nearest(args) => (Report::Nearest, args),
        ReportCommand::New(args) => (Report::New, args),
        ReportCommand::Unseen(args) => (Report::Unseen, args),
        ReportCommand::Regulars(args) => (Report::Regulars, args),
        ReportCommand::Recent(args) => (Report::Recent, args),
    };
    readings(context, report, args)
}

/// A report over readings: the hub makes its rows, this gives them their form.
fn readings(context: &Context, report: Report, args: &ReadingsArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let mut query = Vec::new();
    let said = &args.window;
    if said.from.is_some() || said.hours.is_some() {
        let (from, to) = window(context, said)?;
        query.push(format!("from={}", encoded(&from.to_string())));
        query.push(format!("to={}", encoded(&to.to_string())));
    } else if let Some(end) = said.to.as_deref() {
        // It goes as far back from there as it usually does from now.
        let to = context.reader()?.read(end, Meant::To)?;
        query.push(format!("to={}", encoded(&to.to_string())));
    }
    for (key, value) in
        [("monitor", &args.monitor), ("place", &args.place), ("person", &args.person)]
    {
        query.extend(value.iter().map(|it| format!("{key}={}", encoded(it))));
    }
    query.extend(args.days.map(|it| format!("days={it}")));
    query.extend(args.limit.map(|it| format!("limit={it}")));
    let api = Api::to_read(context)?;
    let items = api.whole(&format!("reports/{}?{}", report.name(), query.join("&")))?;
    let items: Result<Vec<_>, Failure> = items.into_iter().map(shaped).collect();
    let table = from_items(report.columns(), &items?).map_err(foreign)?;
    output.table(&table)?;
    if table.rows.is_empty() {
        output.note("nothing to report about this time");
    }
    Ok(())
}

fn stays(context: &Context, args: &StaysArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let (from, to) = window(context, &args.window)?;
    let api = Api::to_read(context)?;
    let mut query = vec![
        format!("from={}", encoded(&from.to_string())),
        format!("to={}", encoded(&to.to_string())),
    ];
    if let Some(person) = &args.person {
        query.push(format!("of=people&person={}", encoded(person)));
    } else if let Some(text) = &args.device {
        query.push(format!("of=devices&device={}", device::number(&api, text)?));
    } else {
        let of = match args.of {
            Of::People => "of=people",
            Of::Devices => "of=devices",
            Of::Both => "of=both",
        };
        query.push(of.to_owned());
    }
    if let Some(name) = &args.place {
        let site = place::find(&api, name)?.site;
        query.push(format!("place={}", encoded(&site)));
    }
    let query = query.join("&");
    let rows: Result<Vec<StayRow>, Failure> =
        api.list(&format!("stays?{query}"))?.into_iter().map(|it| shaped(it).map(row)).collect();
    let rows = rows?;
    output.table(&table(&rows))?;
    if rows.is_empty() {
        output.note("no stays in this time");
    }
    Ok(())
}

fn row(it: Stay) -> StayRow {
    let of = |kind: &str| it.subject.strip_prefix(kind);
    StayRow {
        person: of("person:").map(str::to_owned),
        device: of("device:").and_then(|it| it.parse().ok()),
        who: it.who,
        place: it.place,
        from: it.from.0,
        to: it.to.map(|it| it.0),
        ended: it.ended,
        covered: it.covered,
    }
}

fn window(context: &Context, args: &WindowArgs) -> Result<(Time, Time), Failure> {
    let reader = context.reader()?;
    if let Some(hours) = args.hours {
        return Ok((reader.now - Duration::from_secs(u64::from(hours) * 3_600), reader.now));
    }
    let begin = args.from.as_deref().unwrap_or("today");
    let from = reader.read(begin, Meant::From)?;
    let to = args.to.as_deref().map(|it| reader.read(it, Meant::To)).transpose()?;
    let Some(end) = args.to.as_deref() else {
        if from < reader.now {
            return Ok((from, reader.now));
        }
        let what = format!("that time is still to come: {begin}");
        return Err(Failure::new(Exit::Usage, what).hint("give a time in the past with --from"));
    };
    let to = to.unwrap_or(reader.now);
    if from >= to {
        let what = format!("the time ends before it begins: {begin} to {end}");
        let swapped = format!("swap them: --from {end} --to {begin}");
        return Err(Failure::new(Exit::Usage, what).hint(swapped));
    }
    Ok((from, to))
}
