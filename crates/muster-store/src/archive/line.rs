//! One line of an archive.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error as _, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cells::{Cell, Row, Sum};

/// What a line says that is no row.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Mark<'a> {
    /// What the file is.
    Begin {
        archive: i64,
        /// The version that wrote it.
        muster: Cow<'a, str>,
        /// When.
        written: Cow<'a, str>,
    },
    /// The rows of a table follow.
    Table { table: Cow<'a, str>, columns: Vec<Cow<'a, str>> },
    /// Everything was there.
    End { end: BTreeMap<Cow<'a, str>, Sum> },
}

/// A line that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Mark(Mark<'static>),
    Row(Row),
}

impl Line {
    /// Reads one; or says why it is none.
    pub(super) fn read(text: &[u8]) -> Result<Self, serde_json::Error> {
        if text.first() == Some(&b'[') {
            return serde_json::from_slice(text).map(|Cells(cells)| Self::Row(Row(cells)));
        }
        if text.len() > LONGEST_MARK {
            return Err(serde_json::Error::custom("it is longer than what is no row"));
        }
        let mark = serde_json::from_slice(text);
        mark.map(Self::Mark).map_err(|_| serde_json::Error::custom("an archive says no such thing"))
    }
}

/// Rows as they are written.
pub(super) struct Written<'a>(pub(super) &'a Row);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.0.0.len()))?;
        for cell in &self.0.0 {
            list.serialize_element(&WrittenCell(cell))?;
        }
        list.end()
    }
}

struct WrittenCell<'a>(&'a Cell);

impl Serialize for WrittenCell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Cell::Nothing => to.serialize_unit(),
            Cell::Number(it) => to.serialize_i64(*it),
            Cell::Text(it) => to.serialize_str(it),
            Cell::Blob(it) => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry("base64", &STANDARD.encode(it))?;
                map.end()
            }
        }
    }
}

/// The cells of a row, as they are read.
struct Cells(Vec<Cell>);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Cells;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cells of a row, at most {MOST_CELLS}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Cells, A::Error> {
        let mut cells = Vec::new();
        while let Some(Value(cell)) = from.next_element()? {
            if cells.len() == MOST_CELLS {
                return Err(A::Error::invalid_length(MOST_CELLS + 1, &self));
            }
            cells.push(cell);
        }
        Ok(Cells(cells))
    }
}

/// A cell, as it is read: nothing is kept of what is none.
struct Value(Cell);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ReadingCell)
    }
}

struct ReadingCell;

impl<'de> Visitor<'de> for ReadingCell {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a whole number of 64 bits, a text, or base64")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value(Cell::Nothing))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(Value(Cell::Number(it)))
    }

    fn visit_u64<E: serde::de::Error>(self, it: u64) -> Result<Value, E> {
        let number =
            i64::try_from(it).map_err(|_| E::invalid_value(Unexpected::Unsigned(it), &self));
        number.map(|it| Value(Cell::Number(it)))
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(Value(Cell::Text(it.into())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let key: Option<Cow<'de, str>> = from.next_key()?;
        if key.as_deref() != Some("base64") {
            return Err(A::Error::invalid_value(Unexpected::Map, &self));
        }
        let text: Cow<'de, str> = from.next_value()?;
        if from.next_key::<Cow<'de, str>>()?.is_some() {
            return Err(A::Error::invalid_value(Unexpected::Map, &self));
        }
        let octets = STANDARD.decode(text.as_bytes()).map_err(A::Error::custom)?;
        Ok(Value(Cell::Blob(octets.into())))
    }
}

/// Bytes of a line that is no row: some dozens of names with their sums.
const LONGEST_MARK: usize = 64 << 10;
/// More than any table has columns.
const MOST_CELLS: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_cell() -> impl Strategy<Value = Cell> {
        prop_oneof![
            Just(Cell::Nothing),
            any::<i64>().prop_map(Cell::Number),
            any::<String>().prop_map(|it| Cell::Text(it.into())),
            any::<Vec<u8>>().prop_map(|it| Cell::Blob(it.into())),
        ]
    }

    proptest! {
        #[test]
        fn any_row_comes_back(cells in prop::collection::vec(any_cell(), 0..12)) {
            let row = Row(cells);
            let text = serde_json::to_string(&Written(&row)).unwrap();
            prop_assert!(!text.contains('\n'), "one row is one line");
            prop_assert_eq!(Line::read(text.as_bytes()).unwrap(), Line::Row(row));
        }

        #[test]
        fn whatever_is_read_is_a_line_or_an_error(octets: Vec<u8>, json in "[\\[\\]{}\",:0-9a-z.-]{0,60}") {
            for it in [&octets[..], json.as_bytes()] {
                if let Ok(Line::Row(row)) = Line::read(it) {
                    let again = serde_json::to_vec(&Written(&row)).unwrap();
                    prop_assert_eq!(Line::read(&again).unwrap(), Line::Row(row));
                }
            }
        }
    }

    #[test]
    fn what_is_no_line_is_said() {
        let many = format!("[0{}]", ",0".repeat(MOST_CELLS));
        for text in [
            &many,
            "",
            "[",
            "[1.5]",
            "[9223372036854775808]",
            "[true]",
            "[[1]]",
            "[{\"base64\":\"?\"}]",
            "[{\"base64\":1}]",
            "[1] 2",
            "{}",
            "{\"table\":\"stay\"}",
            "\"text\"",
        ] {
            Line::read(text.as_bytes()).unwrap_err();
        }
    }
}
