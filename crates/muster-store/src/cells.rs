//! Rows as plain cells: the form in which they go from one kind of store into another.
//!
//! Nothing of an engine is in them: no sums, no texts written in another way.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::record::{Fields, Record, Sheet, broken};

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Nothing,
    Number(i64),
    Text(Box<str>),
    Blob(Box<[u8]>),
}

/// The values of a row, in the order of its table's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(pub(crate) Vec<Cell>);

impl Row {
    /// A record as cells.
    pub(crate) fn of<R: Record>(record: &R) -> Self {
        let mut row = Self(Vec::with_capacity(R::COLUMNS.len()));
        record.write(&mut row);
        row
    }

    /// The record that is in it, and nothing else.
    pub(crate) fn record<R: Record>(&self) -> Result<R, sqlx::Error> {
        let mut cells = Cells(self.0.iter());
        let record = R::read(&mut cells)?;
        if cells.0.next().is_some() { Err(broken(R::TABLE)) } else { Ok(record) }
    }

    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        let all = self.0.iter().map(|it| match it {
            Cell::Nothing | Cell::Number(_) => 0,
            Cell::Text(it) => it.len(),
            Cell::Blob(it) => it.len(),
        });
        all.sum::<usize>() + size_of_val(&*self.0)
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for cell in &self.0 {
            let (kind, bytes): (u8, Cow<'_, [u8]>) = match cell {
                Cell::Nothing => (0, Cow::default()),
                Cell::Number(it) => (1, it.to_le_bytes().to_vec().into()),
                Cell::Text(it) => (2, it.as_bytes().into()),
                Cell::Blob(it) => (3, (&**it).into()),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(&bytes);
        }
        hash.finalize().into()
    }
}

impl Sheet for Row {
    fn number(&mut self, value: Option<i64>) {
        self.0.push(value.map_or(Cell::Nothing, Cell::Number));
    }

    fn maybe_text(&mut self, value: Option<&str>) {
        self.0.push(value.map_or(Cell::Nothing, |it| Cell::Text(it.into())));
    }

    fn blob(&mut self, value: Vec<u8>) {
        self.0.push(Cell::Blob(value.into()));
    }
}

/// The cells of a row that are still to be read.
struct Cells<'r>(std::slice::Iter<'r, Cell>);

impl<'r> Cells<'r> {
    fn next(&mut self) -> Result<&'r Cell, sqlx::Error> {
        self.0.next().ok_or_else(|| broken("columns"))
    }
}

impl<'r> Fields<'r> for Cells<'r> {
    fn int(&mut self) -> Result<i64, sqlx::Error> {
        self.maybe()?.ok_or_else(|| broken("numbers"))
    }

    fn maybe(&mut self) -> Result<Option<i64>, sqlx::Error> {
        match self.next()? {
            Cell::Nothing => Ok(None),
            Cell::Number(it) => Ok(Some(*it)),
            Cell::Text(_) | Cell::Blob(_) => Err(broken("numbers")),
        }
    }

    fn text(&mut self) -> Result<Cow<'r, str>, sqlx::Error> {
        self.maybe_text()?.ok_or_else(|| broken("texts"))
    }

    fn maybe_text(&mut self) -> Result<Option<Cow<'r, str>>, sqlx::Error> {
        match self.next()? {
            Cell::Nothing => Ok(None),
            Cell::Text(it) => Ok(Some((&**it).into())),
            Cell::Number(_) | Cell::Blob(_) => Err(broken("texts")),
        }
    }

    fn blob(&mut self) -> Result<&'r [u8], sqlx::Error> {
        match self.next()? {
            Cell::Blob(it) => Ok(it),
            Cell::Nothing | Cell::Number(_) | Cell::Text(_) => Err(broken("lists")),
        }
    }
}

/// What tells the rows of a table from others, in whatever order they come: their number, and the sum of
/// their SHA-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    /// How many rows.
    pub(crate) rows: u64,
    #[serde(rename = "sum")]
    words: [u64; 4],
}

impl Sum {
    /// Adds rows.
    pub(crate) fn add_all(&mut self, rows: &[Row]) {
        self.rows += rows.len() as u64;
        for row in rows {
            for (sum, word) in self.words.iter_mut().zip(row.digest().as_chunks::<8>().0) {
                *sum = sum.wrapping_add(u64::from_le_bytes(*word));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use muster_core::change::Change;

    use super::*;
    use crate::conformance::Scene;

    fn sum(rows: &[Row]) -> Sum {
        let mut sum = Sum::default();
        sum.add_all(rows);
        sum
    }

    #[test]
    fn rows_come_back_and_are_told_apart() {
        let mut scene = Scene::new(5);
        let changes: Vec<_> = (0..30).flat_map(|_| scene.batch().changes).collect();
        let rows: Vec<Row> = changes.iter().map(Row::of).collect();
        let read: Result<Vec<Change>, _> = rows.iter().map(Row::record).collect();
        assert_eq!(read.unwrap(), changes);

        let mut turned = rows.clone();
        turned.reverse();
        assert_eq!(sum(&turned), sum(&rows));
        let mut other = rows.clone();
        other[3].0[1] = Cell::Number(7);
        assert_ne!(sum(&other), sum(&rows));
        other[3].0.push(Cell::Nothing);
        other[3].record::<Change>().unwrap_err();
        // A row twice is not as none of it.
        let twice = [&rows[..], &rows[..1]].concat();
        assert_ne!(sum(&twice), sum(&rows));
        // What is one text is not two.
        let texts = |them: &[&str]| {
            let mut row = Row::default();
            for it in them {
                row.text(it);
            }
            row
        };
        assert_ne!(sum(&[texts(&["ab", "c"])]), sum(&[texts(&["a", "bc"])]));
    }
}
