//! One row, to and from its columns, whatever engine keeps it.
//!
//! A [`Record`] says how a value is laid out, once for every store. A store brings a [`Sheet`] that takes
//! the columns on their way in and [`Fields`] that give them on their way out; what it adds of its own
//! (a sum, another way to write a text) stays there.

use std::borrow::Cow;

use muster_core::time::Time;

/// A value that is one row of one table.
pub(crate) trait Record: Sized + Send + Sync {
    /// The table.
    const TABLE: &'static str;
    /// Its columns, in the order in which they are written and read.
    const COLUMNS: &'static [&'static str];
    /// How many of them, from the first, no two rows share.
    const KEY: usize;
    /// What happens to a row with the same key.
    const CONFLICT: Conflict = Conflict::Replace;
    /// Times that other programs compare with the server's clock. A server that can look up its own
    /// timestamps alone keeps them as those, to the second.
    const INSTANTS: &'static [&'static str] = &[];

    /// Writes the columns.
    fn write(&self, row: &mut impl Sheet);
    /// Reads the columns.
    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error>;
}

/// What happens to a row with the key of one that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The new one takes its place.
    Replace,
    /// It stays.
    Keep,
    /// There must be none.
    Refuse,
}

/// Takes the columns of rows, from the front.
pub(crate) trait Sheet {
    fn number(&mut self, value: Option<i64>);
    fn maybe_text(&mut self, value: Option<&str>);
    fn blob(&mut self, value: Vec<u8>);

    fn int(&mut self, value: impl Into<i64>) {
        self.number(Some(value.into()));
    }

    fn maybe(&mut self, value: Option<impl Into<i64>>) {
        self.number(value.map(Into::into));
    }

    fn time(&mut self, value: Time) {
        self.number(Some(value.micros()));
    }

    fn text(&mut self, value: &str) {
        self.maybe_text(Some(value));
    }
}

/// Gives the columns of a row that was read, from the front.
pub(crate) trait Fields<'r> {
    fn int(&mut self) -> Result<i64, sqlx::Error>;
    fn maybe(&mut self) -> Result<Option<i64>, sqlx::Error>;
    fn text(&mut self) -> Result<Cow<'r, str>, sqlx::Error>;
    fn maybe_text(&mut self) -> Result<Option<Cow<'r, str>>, sqlx::Error>;
    fn blob(&mut self) -> Result<&'r [u8], sqlx::Error>;

    /// A number that was narrower before it was stored.
    fn small<T: TryFrom<i64>>(&mut self) -> Result<T, sqlx::Error> {
        narrow(self.int()?)
    }

    fn maybe_small<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, sqlx::Error> {
        self.maybe()?.map(narrow).transpose()
    }

    fn flag(&mut self) -> Result<bool, sqlx::Error> {
        Ok(self.int()? != 0)
    }

    fn time(&mut self) -> Result<Time, sqlx::Error> {
        self.int().map(Time::from_micros)
    }
}

/// The error for a row that cannot be what was written.
pub(crate) fn broken(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("a row of {what} is not as it was written").into())
}

fn narrow<T: TryFrom<i64>>(value: i64) -> Result<T, sqlx::Error> {
    T::try_from(value).map_err(|_| broken("numbers"))
}
