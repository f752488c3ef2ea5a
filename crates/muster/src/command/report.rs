//! `muster report`: tables from the history.

use std::time::Duration;

use muster_core::time::Time;
use muster_report::stays::{StayRow, table};

use super::{device, place};
use crate::cli::{Of, ReportCommand, StaysArgs};
use crate::client::{Api, encoded, shaped};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::shape::Stay;
use crate::when::Meant;

/// Runs the command.
pub(crate) fn run(context: &Context, command: &ReportCommand) -> Result<(), Failure> {
    match command {
        ReportCommand::Stays(args) => stays(context, args),
    }
}

fn stays(context: &Context, args: &StaysArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let (from, to) = window(context, args)?;
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

fn window(context: &Context, args: &StaysArgs) -> Result<(Time, Time), Failure> {
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
