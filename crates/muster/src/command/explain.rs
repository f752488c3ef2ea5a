//! `muster explain`: why Muster thinks so, with the evidence.

use std::time::Duration;

use muster_config::value::spoken;
use muster_report::{Cell, Column, Table};

use super::heard;
use crate::cli::ExplainArgs;
use crate::client::{Api, encoded, shaped};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::shape::{Evidence, Why, time};
use crate::when::Meant;

/// Runs the command.
pub(crate) fn run(context: &Context, args: &ExplainArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let mut path = format!("why/{}", encoded(&args.subject));
    if let Some(at) = &args.at {
        let at = context.reader()?.read(at, Meant::From)?;
        path = format!("{path}?at={}", encoded(&at.to_string()));
    }
    let api = Api::to_read(context)?;
    let answer = api.get(&path)?;
    let why: Why = shaped(answer.clone())?;
    // What it sends is known of the present alone.
    let device = why.subject.strip_prefix("device:").filter(|_| args.at.is_none());
    let sent = match device.and_then(|it| it.parse().ok()) {
        Some(device) => heard::of(&api, device)?,
        None => Vec::new(),
    };
    let answer = heard::with(answer, &sent);
    let mut table = Table::new(&COLUMNS);
    for line in &why.evidence {
        table.push(row(line));
    }
    if !output.is_for_people() {
        let json = context.common.format == crate::cli::Format::Json;
        return if json { output::json(&answer) } else { output.table(&table) };
    }
    let name = if why.called.is_empty() { &why.subject } else { &why.called };
    let pairs = [
        ("who", Cell::Text(name.clone())),
        ("presence", Cell::State(why.presence.clone())),
        ("since", time(why.since)),
        ("last_evidence", time(why.last)),
        ("because", Cell::Text(why.rule.clone())),
        ("until", time(why.until)),
        ("next", Cell::text(why.next.clone())),
    ];
    output.one(&pairs, &answer)?;
    if !why.evidence.is_empty() {
        output::put("\n")?;
    }
    output.table(&table)?;
    heard::show(&output, &sent)
}

fn row(it: &Evidence) -> Vec<Cell> {
    let channel = if it.channel.is_empty() { String::new() } else { format!("/{}", it.channel) };
    let (silence, needed) =
        (spoken(Duration::from_secs(it.silence_s)), spoken(Duration::from_secs(it.away_after_s)));
    let hears = match (it.covered, it.decisive) {
        (true, true) => "yes, decides",
        (true, false) => "yes",
        (false, true) => "no, would decide",
        (false, false) => "no",
    };
    vec![
        Cell::Text(it.label.clone()),
        Cell::Text(format!("{}/{}{channel}", it.monitor, it.source)),
        Cell::Time(it.last.0),
        Cell::Text(format!("{silence} of {needed}")),
        Cell::Text(format!("{} of {}", it.misses, it.misses_needed)),
        Cell::Text(hears.to_owned()),
        seconds(it.silence_s),
        seconds(it.away_after_s),
        Cell::Whole(it.misses.into()),
        Cell::Whole(it.misses_needed.into()),
        Cell::Flag(it.covered),
        Cell::Flag(it.decisive),
        Cell::Text(it.identity.clone()),
    ]
}

fn seconds(it: u64) -> Cell {
    Cell::Whole(i64::try_from(it).unwrap_or(i64::MAX))
}

const COLUMNS: [Column; 13] = [
    Column::new("device"),
    Column::new("heard_by"),
    Column::new("last"),
    Column::new("silent").for_people(),
    Column::new("misses").for_people(),
    Column::new("listens").for_people(),
    Column::new("silence_s").for_programs(),
    Column::new("away_after_s").for_programs(),
    Column::new("misses").for_programs(),
    Column::new("misses_needed").for_programs(),
    Column::new("covered").for_programs(),
    Column::new("decisive").for_programs(),
    Column::optional("identity"),
];
