//! Pictures of a report: a bar for each hour, interval, day or class, one picture a monitor or place.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use muster_core::span::Span;
use muster_core::time::Time;
use muster_report::reports::Report;
use muster_report::{Cell, Table};

/// One picture, and what is told of it to those who do not see it.
#[derive(Debug, PartialEq)]
pub(super) struct Picture {
    /// Whose: a monitor, a place; empty for all together.
    pub(super) name: String,
    pub(super) summary: String,
    /// The highest value.
    pub(super) most: String,
    /// What the first and the last bar stand for.
    pub(super) ends: (String, String),
    /// Where bars stand and how high they are: of [`Picture::WIDE`] and [`Picture::HIGH`].
    pub(super) bars: Vec<(usize, usize, usize)>,
    /// Where nobody or hardly anybody listened, and how little of the time, in percent.
    pub(super) gaps: Vec<(usize, usize, usize)>,
}

/// What pictures are drawn by.
pub(super) struct Drawing {
    /// The length of an interval.
    pub(super) interval: Duration,
    /// The zone in which times are told.
    pub(super) zone: TimeZone,
}

/// What is drawn of a report.
struct Drawn {
    /// The column along which bars stand.
    along: &'static str,
    /// The column that says how high they are.
    high: &'static str,
    /// The column that makes a picture each.
    each: Option<&'static str>,
    /// How far apart instants of the first column are; none: a bar a row.
    step: Option<Duration>,
}

/// What a bar says.
#[derive(Clone, Copy, Debug, Default)]
struct Value {
    high: f64,
    covered: Option<f64>,
}

impl Picture {
    pub(super) const WIDE: usize = 1_000;
    pub(super) const HIGH: usize = 100;

    /// The pictures of a report; none of one that is no series, or of more bars than there is room for. At most [`PICTURES`], the first
    /// ones by name.
    pub(super) fn of(report: Report, table: &Table, window: Span, style: &Drawing) -> Vec<Self> {
        let Some(drawn) = drawn(report, style.interval) else { return Vec::new() };
        let told = |at: Time| {
            at.timestamp().to_zoned(style.zone.clone()).strftime("%-d %b %H:%M").to_string()
        };
        let column = |name: &str| table.columns.iter().position(|it| it.name == name);
        let (Some(along), Some(high)) = (column(drawn.along), column(drawn.high)) else {
            return Vec::new();
        };
        let (covered, each) = (column("covered"), drawn.each.and_then(column));
        let slots = drawn.step.map_or(table.rows.len(), |step| {
            // What begins as it ends is not in it.
            slot(window.to - Duration::from_micros(1), window.from, step) + 1
        });
        if slots > Self::WIDE {
            // Narrower bars than a screen has columns say nothing.
            return Vec::new();
        }
        let mut all: BTreeMap<String, BTreeMap<usize, (String, Value)>> = BTreeMap::new();
        for (number, row) in table.rows.iter().enumerate() {
            let cell = |at: usize| row.get(at).unwrap_or(&Cell::Empty);
            let (at, label) = match (cell(along), drawn.step) {
                (Cell::Time(at), Some(step)) => (slot(*at, window.from, step), told(*at)),
                (Cell::Text(label), None) => (number, label.clone()),
                _ => continue,
            };
            let whose = match each.map(cell) {
                Some(Cell::Text(it)) => it.clone(),
                _ => String::new(),
            };
            let covered = match covered.map(cell) {
                Some(Cell::Share(it)) => Some(*it),
                _ => None,
            };
            let value = Value { high: number_in(cell(high)), covered };
            all.entry(whose).or_default().insert(at, (label, value));
        }
        let label = |row: Option<&Vec<Cell>>| match row.and_then(|it| it.get(along)) {
            Some(Cell::Text(it)) => it.clone(),
            _ => String::new(),
        };
        let ends = match drawn.step {
            Some(step) => (told(window.from.floor(step)), told(window.to)),
            None => (label(table.rows.first()), label(table.rows.last())),
        };
        let pictures = all.into_iter().take(PICTURES);
        let one = |(name, values)| Self {
            ends: ends.clone(),
            ..Self::one(name, &values, slots, drawn.high)
        };
        pictures.map(one).collect()
    }

    /// Whether there are pictures of a report.
    pub(super) fn draws(report: Report) -> bool {
        drawn(report, HOUR).is_some()
    }

    fn one(
        name: String,
        values: &BTreeMap<usize, (String, Value)>,
        slots: usize,
        what: &str,
    ) -> Self {
        let most = values.values().max_by(|a, b| a.1.high.total_cmp(&b.1.high));
        let (when, top) = most.map_or(("", 0.0), |(label, it)| (label.as_str(), it.high));
        let wide = |at: usize| at * Self::WIDE / slots.max(1);
        let place = |at: usize| (wide(at), (wide(at + 1) - wide(at)).max(1));
        let bars = values.iter().filter(|(_, (_, it))| it.high > 0.0).map(|(at, (_, it))| {
            let (x, width) = place(*at);
            (
                x,
                width.saturating_sub(APART).max(1),
                part(it.high, top, Self::HIGH - HEADROOM).max(LOW),
            )
        });
        let gaps = (0..slots).filter_map(|at| {
            let covered = match values.get(&at) {
                Some((_, it)) => it.covered.unwrap_or(1.0),
                None => 0.0,
            };
            let dark = 100 - part(covered, 1.0, 100).min(100);
            let (x, width) = place(at);
            (dark > 1).then_some((x, width, dark))
        });
        let shown = if top.fract() == 0.0 { format!("{top:.0}") } else { format!("{top:.1}") };
        let at = if when.is_empty() { String::new() } else { format!(", at {when}") };
        let whose = if name.is_empty() { String::new() } else { format!("{name}: ") };
        Self {
            summary: format!("{whose}{what}, at most {shown}{at}"),
            most: shown,
            ends: (String::new(), String::new()),
            bars: bars.collect(),
            gaps: gaps.collect(),
            name,
        }
    }
}

fn drawn(report: Report, interval: Duration) -> Option<Drawn> {
    let series = |along, high, each, step| Some(Drawn { along, high, each, step });
    match report {
        Report::Hourly => series("hour", "devices", Some("monitor"), Some(HOUR)),
        Report::Occupancy => series("hour", "people", Some("place"), Some(HOUR)),
        Report::Gaps => series("interval", "devices", None, Some(interval)),
        Report::Days => series("day", "devices", None, None),
        Report::Pattern => series("hour", "devices", None, None),
        Report::Signals => series("signal", "readings", None, None),
        Report::Monitors
        | Report::Devices
        | Report::Overlap
        | Report::Busiest
        | Report::Nearest
        | Report::New
        | Report::Unseen
        | Report::Regulars
        | Report::Recent => None,
    }
}

/// How many steps after the one in which a window begins.
fn slot(at: Time, begin: Time, step: Duration) -> usize {
    let steps = at.since(begin.floor(step)).as_micros() / step.as_micros().max(1);
    usize::try_from(steps).unwrap_or(usize::MAX - 1)
}

fn number_in(cell: &Cell) -> f64 {
    match cell {
        Cell::Whole(it) => u32::try_from(*it).map_or(0.0, f64::from),
        Cell::Decimal(it) | Cell::Share(it) => *it,
        Cell::Empty
        | Cell::Text(_)
        | Cell::State(_)
        | Cell::Flag(_)
        | Cell::Time(_)
        | Cell::List(_) => 0.0,
    }
}

/// A part of a whole, of so many pieces.
fn part(it: f64, whole: f64, pieces: usize) -> usize {
    let all = u16::try_from(pieces).unwrap_or(u16::MAX);
    // Between two pieces it is the nearer one.
    (0..=all)
        .min_by(|a, b| {
            let off = |piece: u16| (f64::from(piece) * whole - it * f64::from(all)).abs();
            off(*a).total_cmp(&off(*b))
        })
        .map_or(0, usize::from)
}

const HOUR: Duration = muster_core::batch::HOUR;
/// A building's floor; a page of more is nothing to look at.
const PICTURES: usize = 12;
/// Between two bars, of [`Picture::WIDE`].
const APART: usize = 2;
/// Above the highest bar, so that it is seen whether anybody listened.
const HEADROOM: usize = 10;
/// The lowest bar: there was somebody.
const LOW: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64, minute: i64) -> Time {
        Time::from_secs(1_795_219_200 + hour * 3_600 + minute * 60)
    }

    fn hourly(rows: &[(i64, &str, i64, f64)]) -> Table {
        let mut table = Table::new(Report::Hourly.columns());
        for (hour, monitor, devices, covered) in rows {
            let mut row = vec![Cell::Empty; table.columns.len()];
            for (name, cell) in [
                ("hour", Cell::Time(at(*hour, 0))),
                ("monitor", Cell::Text((*monitor).to_owned())),
                ("devices", Cell::Whole(*devices)),
                ("covered", Cell::Share(*covered)),
            ] {
                let place = table.columns.iter().position(|it| it.name == name).unwrap();
                row[place] = cell;
            }
            table.push(row);
        }
        table
    }

    fn drawing() -> Drawing {
        Drawing { interval: Duration::from_mins(5), zone: TimeZone::get("Europe/Berlin").unwrap() }
    }

    #[test]
    fn a_picture_a_monitor_and_a_bar_an_hour() {
        let rows = [
            (8, "attic", 4, 1.0),
            (9, "attic", 2, 0.25),
            (8, "cellar", 1, 1.0),
            (10, "attic", 0, 1.0),
        ];
        let window = Span::new(at(7, 30), at(11, 10));
        let all = Picture::of(Report::Hourly, &hourly(&rows), window, &drawing());
        let [attic, cellar] = all.as_slice() else { panic!("{all:?}") };
        // 7:00 to 12:00: five hours, of 200 each.
        assert_eq!(attic.bars, [(200, 198, 90), (400, 198, 45)]);
        assert_eq!(attic.gaps, [(0, 200, 100), (400, 200, 75), (800, 200, 100)]);
        assert_eq!(attic.summary, "attic: devices, at most 4, at 21 Nov 09:00");
        assert_eq!(attic.ends, ("21 Nov 08:00".to_owned(), "21 Nov 12:10".to_owned()));
        assert_eq!(cellar.bars, [(200, 198, 90)]);
        assert_eq!(cellar.most, "1");
    }

    #[test]
    fn a_whole_day_has_24_hours_and_what_is_too_long_has_no_picture() {
        let rows: Vec<_> = (0..24).map(|it| (it, "attic", 1, 1.0)).collect();
        let of =
            |to| Picture::of(Report::Hourly, &hourly(&rows), Span::new(at(0, 0), to), &drawing());
        let day = of(at(24, 0));
        assert_eq!((day[0].bars.len(), day[0].gaps.len()), (24, 0));
        assert_eq!(of(at(1_000, 0))[0].bars.len(), 24);
        assert_eq!(of(at(1_001, 0)), []);
    }

    #[test]
    fn what_is_no_series_has_no_picture() {
        let window = Span::new(at(0, 0), at(1, 0));
        for (_, report) in Report::ALL {
            let table = Table::new(report.columns());
            assert_eq!(Picture::of(report, &table, window, &drawing()), []);
        }
    }

    #[test]
    fn every_column_that_is_drawn_exists() {
        for (name, report) in Report::ALL {
            let Some(it) = drawn(report, Duration::from_mins(5)) else { continue };
            let has = |wanted: &str| report.columns().iter().any(|it| it.name == wanted);
            assert!(has(it.along) && has(it.high) && it.each.is_none_or(has), "{name}");
        }
    }

    #[test]
    fn parts() {
        for (it, whole, want) in [(0.0, 5.0, 0), (5.0, 5.0, 100), (1.0, 3.0, 33), (0.5, 100.0, 0)] {
            assert_eq!(part(it, whole, 100), want, "{it} of {whole}");
        }
        assert_eq!(part(1.0, 0.0, 100), 0, "of nothing there is nothing");
    }
}
