//! CSV (RFC 4180 but for the line end, which is `\n`): a header, times in RFC 3339, UTC.

use crate::safe;
use crate::table::{Cell, Reader, Table};

/// The table as CSV.
pub fn csv(table: &Table) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = table.without(Reader::People);
    writer.write_record(columns.iter().map(|(_, it)| it.name))?;
    for row in &table.rows {
        writer.write_record(columns.iter().filter_map(|(at, _)| row.get(*at)).map(plain))?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    String::from_utf8(bytes).map_err(|it| std::io::Error::other(it).into())
}

/// It is read in spreadsheets, and printed on terminals.
fn harmless(text: &str) -> String {
    safe::spreadsheet(&safe::terminal(text))
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(it) | Cell::State(it) => harmless(it),
        Cell::Whole(it) => it.to_string(),
        // More digits than this say nothing about time that is counted in seconds.
        Cell::Share(it) => ((it * 10_000.0).floor() / 10_000.0).to_string(),
        Cell::Decimal(it) => format!("{it:.2}"),
        Cell::Flag(it) => it.to_string(),
        Cell::Time(it) => it.to_string(),
        Cell::List(all) => harmless(&all.join(" ")),
    }
}
