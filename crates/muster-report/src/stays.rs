//! The report `stays`: who was where, from when to when, and how well that was watched.

use muster_core::time::Time;

use crate::table::{Cell, Column, Table};

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct StayRow {
    /// Whose stay.
    pub who: String,
    /// Their short name, if it is a person's.
    pub person: Option<String>,
    /// The device's number, if it is a device's.
    pub device: Option<u32>,
    /// Where.
    pub place: String,
    /// The first evidence.
    pub from: Time,
    /// The last; none while it lasts.
    pub to: Option<Time>,
    /// How it ended: `left`, `moved`, `assumed`, `open`.
    pub ended: String,
    /// The share of it in which somebody who knows the subject was listening, 0 to 1.
    pub covered: f64,
}

/// The table; rows stay in order.
#[must_use]
pub fn table(rows: &[StayRow]) -> Table {
    let mut table = Table::new(&COLUMNS);
    for row in rows {
        table.push(vec![
            Cell::Text(row.who.clone()),
            Cell::text(row.person.clone()),
            row.device.map_or(Cell::Empty, |it| Cell::Whole(it.into())),
            Cell::Text(row.place.clone()),
            Cell::Time(row.from),
            Cell::time(row.to),
            Cell::Text(row.ended.clone()),
            Cell::Share(row.covered),
        ]);
    }
    table
}

const COLUMNS: [Column; 8] = [
    Column::new("who"),
    Column::new("person").for_programs(),
    Column::new("device").for_programs(),
    Column::new("place"),
    Column::new("from"),
    Column::new("to"),
    Column::new("ended"),
    Column::new("covered"),
];
