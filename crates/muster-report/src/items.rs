//! Rows that came as JSON, back in a table.

use serde_json::{Map, Value};

use crate::table::{Cell, Column, Holds, Reader, Table};

/// A table of these columns from objects with their names as keys, as [`json`](crate::json()) writes them.
/// Keys of other columns are left out.
pub fn from_items(columns: &[Column], items: &[Map<String, Value>]) -> Result<Table, Foreign> {
    let mut table = Table::new(columns);
    for item in items {
        let cells = columns.iter().map(|it| match item.get(it.name) {
            Some(value) => cell(it, value),
            None if it.reader == Reader::People => Ok(Cell::Empty),
            None => Err(Foreign(it.name)),
        });
        table.push(cells.collect::<Result<_, _>>()?);
    }
    Ok(table)
}

/// A column is missing or holds something else than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the column `{0}` is not as expected")]
pub struct Foreign(&'static str);

fn cell(column: &Column, value: &Value) -> Result<Cell, Foreign> {
    if value.is_null() {
        return Ok(Cell::Empty);
    }
    let text = || value.as_str();
    let cell = match column.holds {
        Holds::Text => text().map(|it| Cell::Text(it.to_owned())),
        Holds::Whole => value.as_i64().map(Cell::Whole),
        Holds::Decimal => value.as_f64().map(Cell::Decimal),
        Holds::Share => value.as_f64().map(Cell::Share),
        Holds::Flag => value.as_bool().map(Cell::Flag),
        Holds::Time => text().and_then(|it| it.parse().ok()).map(Cell::Time),
    };
    cell.ok_or(Foreign(column.name))
}
