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
        Cell::Text(compared(it.silence_s >= it.away_after_s, &silence, &needed)),
        Cell::Text(in_vain(it)),
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

/// What was missed, by whoever asks or by whoever listens; empty where nothing is counted.
fn in_vain(it: &Evidence) -> String {
    if it.misses_needed == 0 {
        return String::new();
    }
    let what = if it.asking { "asked" } else { "listened" };
    let (have, needed) = (it.misses.to_string(), it.misses_needed.to_string());
    format!("{what} {}", compared(it.misses >= it.misses_needed, &have, &needed))
}

/// `2m of 5m`, or, of as much as is needed or more, `12m, 5m needed`.
fn compared(is_enough: bool, have: &str, needed: &str) -> String {
    if is_enough { format!("{have}, {needed} needed") } else { format!("{have} of {needed}") }
}

fn seconds(it: u64) -> Cell {
    Cell::Whole(i64::try_from(it).unwrap_or(i64::MAX))
}

const COLUMNS: [Column; 13] = [
    Column::new("device"),
    Column::new("heard_by"),
    Column::new("last"),
    Column::new("silent").for_people(),
    Column::new("in_vain").for_people(),
    Column::new("listens").for_people(),
    Column::new("silence_s").for_programs(),
    Column::new("away_after_s").for_programs(),
    Column::new("misses").for_programs(),
    Column::new("misses_needed").for_programs(),
    Column::new("covered").for_programs(),
    Column::new("decisive").for_programs(),
    Column::optional("identity"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_never_more_than_it_is_of() {
        for (asking, silence, misses, needed, shown) in [
            (true, 60, 1, 5, ["1m of 5m", "asked 1 of 5"]),
            (true, 60, 6, 5, ["1m of 5m", "asked 6, 5 needed"]),
            (false, 720, 12, 3, ["12m, 5m needed", "listened 12, 3 needed"]),
            (true, 300, 0, 0, ["5m, 5m needed", ""]),
        ] {
            let told = serde_json::json!({
                "label": "Keys", "identity": "ble:c0:00:00:00:00:01", "monitor": "attic",
                "source": "ble", "channel": "hci0", "last": "2026-11-20T09:00:00Z",
                "decisive": true, "covered": true, "silence_s": silence, "away_after_s": 300,
                "misses": misses, "misses_needed": needed, "asking": asking,
            });
            let cells = row(&shaped(told).unwrap());
            assert_eq!(cells[3..5], shown.map(|it| Cell::Text(it.to_owned())));
        }
    }
}
