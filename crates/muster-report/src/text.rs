//! Aligned text for people: local times, no lines or boxes, as wide as the terminal.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement};
use jiff::tz::TimeZone;
use muster_core::time::Time;

use crate::safe;
use crate::table::{Cell, Column, Reader, Table};

/// How people want to see it.
#[derive(Clone, Debug)]
pub struct Style {
    /// Columns of the terminal; none: as wide as it gets.
    pub width: Option<u16>,
    /// Whether escape sequences for colour are welcome.
    pub colour: bool,
    /// The zone in which times are shown.
    pub zone: TimeZone,
    /// Times of today are shown without the date.
    pub now: Time,
}

/// The table as text; the empty string if it has no rows.
#[must_use]
pub fn text(table: &Table, style: &Style) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let mut shown: Vec<usize> =
        table.without(Reader::Programs).into_iter().map(|(at, _)| at).collect();
    loop {
        let out = arranged(table, &shown, style);
        let wanted: usize =
            out.column_max_content_widths().iter().map(|it| usize::from(*it) + GAP).sum();
        let fits = style.width.is_none_or(|width| wanted <= usize::from(width) + GAP);
        let spare = shown.iter().rposition(|at| column(table, *at).is_some_and(|it| it.optional));
        match spare {
            Some(spare) if !fits => {
                shown.remove(spare);
            }
            _ => return finished(&out, table, style),
        }
    }
}

/// The columns for people, and their rows as people read them: for whoever draws a table otherwise.
#[must_use]
pub fn shown(table: &Table, style: &Style) -> (Vec<Column>, Vec<Vec<String>>) {
    let columns = table.without(Reader::Programs);
    let dated: Vec<bool> = columns.iter().map(|(at, _)| !all_today(table, *at, style)).collect();
    let row = |row: &Vec<Cell>| {
        let cells = columns.iter().zip(&dated);
        cells
            .map(|((at, _), dated)| {
                row.get(*at).map(|it| show(it, style, *dated)).unwrap_or_default()
            })
            .collect()
    };
    let rows = table.rows.iter().map(row).collect();
    (columns.into_iter().map(|(_, it)| it).collect(), rows)
}

/// One thing as lines of name and value; what is empty is left out.
#[must_use]
pub fn details(pairs: &[(&str, Cell)], style: &Style) -> String {
    let mut out = plain_table(style);
    for (name, cell) in pairs.iter().filter(|(_, it)| !is_empty(it)) {
        let value = if let Cell::List(all) = cell {
            all.iter().map(|it| safe::terminal(it)).collect::<Vec<_>>().join("\n")
        } else {
            show(cell, style, true)
        };
        out.add_row(vec![name.replace('_', " "), value]);
    }
    lines(&out)
}

fn arranged(table: &Table, shown: &[usize], style: &Style) -> comfy_table::Table {
    let mut out = plain_table(style);
    let columns = || shown.iter().filter_map(|at| Some((*at, column(table, *at)?)));
    out.set_header(columns().map(|(_, it)| it.name.replace('_', " ")));
    let dated: Vec<bool> =
        (0..table.columns.len()).map(|at| !all_today(table, at, style)).collect();
    for row in &table.rows {
        out.add_row(columns().filter_map(|(at, _)| {
            let cell = row.get(at)?;
            let dated = dated.get(at).copied().unwrap_or(true);
            let shown = comfy_table::Cell::new(show(cell, style, dated));
            let numeric = matches!(cell, Cell::Whole(_) | Cell::Decimal(_) | Cell::Share(_));
            Some(if numeric { shown.set_alignment(CellAlignment::Right) } else { shown })
        }));
    }
    out
}

fn plain_table(style: &Style) -> comfy_table::Table {
    let mut out = comfy_table::Table::new();
    out.load_style(NOTHING);
    match style.width {
        Some(width) => {
            out.set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width.saturating_add(MARGIN));
        }
        None => {
            out.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    out
}

fn finished(out: &comfy_table::Table, table: &Table, style: &Style) -> String {
    let plain = lines(out);
    if !style.colour {
        return plain;
    }
    let has_state = table.rows.iter().any(|it| matches!(it.first(), Some(Cell::State(_))));
    let mut coloured = String::with_capacity(plain.len() * 2);
    for (at, line) in plain.lines().enumerate() {
        let first = line.split(' ').next().unwrap_or("");
        let rest = line.strip_prefix(first).unwrap_or("");
        let tone = if has_state { tone(first) } else { "" };
        match (at, tone) {
            (0, _) => coloured.push_str(&["\x1b[1m", line, PLAIN].concat()),
            (_, "") => coloured.push_str(line),
            _ => coloured.push_str(&[tone, first, PLAIN, rest].concat()),
        }
        coloured.push('\n');
    }
    coloured
}

fn lines(out: &comfy_table::Table) -> String {
    // The preset pads both sides of a cell; the left margin of the first column is one too many.
    let lines =
        out.lines().map(|it| it.strip_prefix(' ').unwrap_or(&it).trim_end().to_owned() + "\n");
    lines.collect()
}

fn column(table: &Table, at: usize) -> Option<Column> {
    table.columns.get(at).copied()
}

fn show(cell: &Cell, style: &Style, dated: bool) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(it) | Cell::State(it) => safe::terminal(it),
        Cell::Whole(it) => it.to_string(),
        Cell::Decimal(it) => format!("{it:.1}"),
        Cell::Share(it) => format!("{:.0} %", (it * 100.0).floor()),
        Cell::Flag(true) => "yes".to_owned(),
        Cell::Flag(false) => "no".to_owned(),
        Cell::Time(it) => {
            let format = if dated { "%Y-%m-%d %H:%M" } else { "%H:%M" };
            it.timestamp().to_zoned(style.zone.clone()).strftime(format).to_string()
        }
        Cell::List(all) => safe::terminal(&all.join(" ")),
    }
}

fn all_today(table: &Table, at: usize, style: &Style) -> bool {
    let day = |it: Time| it.timestamp().to_zoned(style.zone.clone()).date();
    let today = day(style.now);
    let cells = table.rows.iter().filter_map(|it| it.get(at));
    cells
        .filter_map(|it| if let Cell::Time(it) = it { Some(*it) } else { None })
        .all(|it| day(it) == today)
}

fn is_empty(cell: &Cell) -> bool {
    match cell {
        Cell::Empty => true,
        Cell::Text(it) | Cell::State(it) => it.is_empty(),
        Cell::List(all) => all.is_empty(),
        Cell::Whole(_) | Cell::Decimal(_) | Cell::Share(_) | Cell::Flag(_) | Cell::Time(_) => false,
    }
}

fn tone(word: &str) -> &'static str {
    match word {
        "present" => "\x1b[32m",
        "arriving" => "\x1b[36m",
        "unknown" => "\x1b[33m",
        "away" => "\x1b[2m",
        _ => "",
    }
}

/// What the preset puts around a table, and we take away again.
const MARGIN: u16 = 2;
/// What the preset puts around every cell.
const GAP: usize = 2;
const PLAIN: &str = "\x1b[0m";
