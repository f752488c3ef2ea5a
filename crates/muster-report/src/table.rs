//! A table before anybody decided how to show it.

use muster_core::time::Time;

/// Columns and rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What each column is.
    pub columns: Vec<Column>,
    /// As many cells a row as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// The columns that are not for `other` alone, by their place in a row.
    pub(crate) fn without(&self, other: Reader) -> Vec<(usize, Column)> {
        let all = self.columns.iter().copied().enumerate();
        all.filter(|(_, it)| it.reader != other).collect()
    }
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The JSON key and CSV header; people see it with spaces for underscores.
    pub name: &'static str,
    /// Whether text may leave it out where the terminal is too narrow.
    pub optional: bool,
    /// Who gets it.
    pub reader: Reader,
    /// What its cells hold where they are not empty.
    pub holds: Holds,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Texts.
    Text,
    /// Whole numbers.
    Whole,
    /// Numbers with decimals.
    Decimal,
    /// Shares, 0 to 1.
    Share,
    /// Yes or no.
    Flag,
    /// Instants.
    Time,
}

/// Who reads a column: what people read at a glance, programs get in parts that need no parsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Whoever reads.
    Everybody,
    /// Text alone has it.
    People,
    /// CSV and JSON alone have it.
    Programs,
}

impl Column {
    /// A column that is always shown.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, optional: false, reader: Reader::Everybody, holds: Holds::Text }
    }

    /// A column that a narrow terminal does without; the rightmost goes first.
    #[must_use]
    pub const fn optional(name: &'static str) -> Self {
        Self { name, optional: true, reader: Reader::Everybody, holds: Holds::Text }
    }

    /// The same with cells that hold something else than texts.
    #[must_use]
    pub const fn holding(self, holds: Holds) -> Self {
        Self { holds, ..self }
    }

    /// The same in text alone.
    #[must_use]
    pub const fn for_people(self) -> Self {
        Self { reader: Reader::People, ..self }
    }

    /// The same in CSV and JSON alone.
    #[must_use]
    pub const fn for_programs(self) -> Self {
        Self { reader: Reader::Programs, ..self }
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// There is none.
    Empty,
    /// Any text, also a hostile one.
    Text(String),
    /// A word that says how things stand: `present`, `away` ... Coloured in the first column.
    State(String),
    /// A number.
    Whole(i64),
    /// A number with decimals, of which people see one.
    Decimal(f64),
    /// A share, 0 to 1.
    Share(f64),
    /// Yes or no.
    Flag(bool),
    /// An instant.
    Time(Time),
    /// Several texts.
    List(Vec<String>),
}

impl Cell {
    /// Text, or nothing.
    #[must_use]
    pub fn text(it: Option<impl Into<String>>) -> Self {
        it.map_or(Self::Empty, |it| Self::Text(it.into()))
    }

    /// A number, or nothing.
    #[must_use]
    pub fn whole(it: Option<impl Into<i64>>) -> Self {
        it.map_or(Self::Empty, |it| Self::Whole(it.into()))
    }

    /// How many there are.
    #[must_use]
    pub fn count(it: usize) -> Self {
        Self::Whole(i64::try_from(it).unwrap_or(i64::MAX))
    }

    /// A number that is none too large.
    #[must_use]
    pub fn number(it: u64) -> Self {
        Self::Whole(i64::try_from(it).unwrap_or(i64::MAX))
    }

    /// A share, or nothing.
    #[must_use]
    pub fn share(it: Option<f64>) -> Self {
        it.map_or(Self::Empty, Self::Share)
    }

    /// An instant, or nothing.
    #[must_use]
    pub fn time(it: Option<Time>) -> Self {
        it.map_or(Self::Empty, Self::Time)
    }
}
