//! JSON: an array of objects, keys in the order of the columns, times in RFC 3339, UTC.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use crate::table::{Cell, Column, Reader, Table};

/// The table as JSON, one object a line.
pub fn json(table: &Table) -> Result<String, serde_json::Error> {
    let columns = table.without(Reader::People);
    let lines: Result<Vec<String>, _> = table
        .rows
        .iter()
        .map(|row| serde_json::to_string(&Row { columns: &columns, row }))
        .collect();
    let lines = lines?;
    Ok(if lines.is_empty() { "[]\n".to_owned() } else { format!("[{}]\n", lines.join(",\n ")) })
}

struct Row<'a> {
    columns: &'a [(usize, Column)],
    row: &'a [Cell],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(Some(self.columns.len()))?;
        let cells = self.columns.iter().filter_map(|(at, it)| Some((it, self.row.get(*at)?)));
        for (column, cell) in cells {
            object.serialize_entry(column.name, cell)?;
        }
        object.end()
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => to.serialize_none(),
            Self::Text(it) | Self::State(it) => to.serialize_str(it),
            Self::Whole(it) => to.serialize_i64(*it),
            Self::Decimal(it) | Self::Share(it) => to.serialize_f64(*it),
            Self::Flag(it) => to.serialize_bool(*it),
            Self::Time(it) => to.collect_str(it),
            Self::List(all) => {
                let mut list = to.serialize_seq(Some(all.len()))?;
                for it in all {
                    list.serialize_element(it)?;
                }
                list.end()
            }
        }
    }
}
