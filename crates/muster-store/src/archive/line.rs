//! One line of an archive.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Serialize, Serializer};

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
            let values: Vec<Value> = serde_json::from_slice(text)?;
            return Ok(Self::Row(Row(values.into_iter().map(|it| it.0).collect())));
        }
        serde_json::from_slice(text).map(Self::Mark)
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

/// A cell as it is read.
#[derive(Deserialize)]
#[serde(try_from = "Raw")]
struct Value(Cell);

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Nothing(()),
    Number(i64),
    Text(Box<str>),
    Blob { base64: String },
}

impl TryFrom<Raw> for Value {
    type Error = base64::DecodeError;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        Ok(Self(match raw {
            Raw::Nothing(()) => Cell::Nothing,
            Raw::Number(it) => Cell::Number(it),
            Raw::Text(it) => Cell::Text(it),
            Raw::Blob { base64 } => Cell::Blob(STANDARD.decode(base64)?.into()),
        }))
    }
}

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
        for text in [
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
