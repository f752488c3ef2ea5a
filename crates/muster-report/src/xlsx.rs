//! XLSX (ECMA-376) for spreadsheets: one sheet with a header, numbers as numbers, times as dates of UTC.

use muster_core::time::Time;
pub use rust_xlsxwriter::XlsxError;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet};

use crate::safe;
use crate::table::{Cell, Reader, Table};

/// The table as a workbook that says it was made at `now`. Text is never a formula; of one longer than a
/// cell may hold the beginning is there. An error for more rows than a sheet may have, 1,048,575.
pub fn xlsx(table: &Table, now: Time) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let properties = DocProperties::new().set_creation_datetime(&instant(now)?);
    workbook.set_properties(&properties);
    let columns = table.without(Reader::People);
    let formats = Formats::default();
    let sheet = workbook.add_worksheet();
    sheet.set_freeze_panes(1, 0)?;
    for (place, (_, column)) in (0..).zip(&columns) {
        sheet.write_string_with_format(0, place, column.name, &formats.header)?;
        sheet.set_column_width(place, 20)?;
    }
    for (line, row) in (1..).zip(&table.rows) {
        let cells = columns.iter().filter_map(|(at, _)| row.get(*at));
        for (place, cell) in (0..).zip(cells) {
            write(sheet, line, place, cell, &formats)?;
        }
    }
    workbook.save_to_buffer()
}

struct Formats {
    header: Format,
    time: Format,
    share: Format,
}

impl Default for Formats {
    fn default() -> Self {
        Self {
            header: Format::new().set_bold(),
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            share: Format::new().set_num_format("0.0%"),
        }
    }
}

fn write(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Cell,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => return Ok(()),
        Cell::Text(it) | Cell::State(it) => sheet.write_string(row, column, text(it))?,
        Cell::List(all) => sheet.write_string(row, column, text(&all.join(" ")))?,
        #[expect(clippy::cast_precision_loss, reason = "a spreadsheet has no other numbers")]
        Cell::Whole(it) => sheet.write_number(row, column, *it as f64)?,
        Cell::Decimal(it) => sheet.write_number(row, column, *it)?,
        Cell::Share(it) => sheet.write_number_with_format(row, column, *it, &formats.share)?,
        Cell::Flag(it) => sheet.write_boolean(row, column, *it)?,
        Cell::Time(it) => {
            sheet.write_datetime_with_format(row, column, instant(*it)?, &formats.time)?
        }
    };
    Ok(())
}

/// Without what would hide or act, and no longer than a cell may be.
fn text(it: &str) -> String {
    safe::terminal(it).chars().take(LONGEST).collect()
}

/// Whole seconds of UTC.
fn instant(at: Time) -> Result<ExcelDateTime, XlsxError> {
    ExcelDateTime::from_timestamp(at.secs())
}

/// Characters of a cell: the format's 32,767 count those beyond the first plane twice.
const LONGEST: usize = 16_000;
