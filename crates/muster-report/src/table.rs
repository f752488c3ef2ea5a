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
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The JSON key and CSV header; people see it with spaces for underscores.
    pub name: &'static str,
    /// Whether text may leave it out where the terminal is too narrow.
    pub optional: bool,
}

impl Column {
    /// A column that is always shown.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, optional: false }
    }

    /// A column that a narrow terminal does without; the rightmost goes first.
    #[must_use]
    pub const fn optional(name: &'static str) -> Self {
        Self { name, optional: true }
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

    /// An instant, or nothing.
    #[must_use]
    pub fn time(it: Option<Time>) -> Self {
        it.map_or(Self::Empty, Self::Time)
    }
}
