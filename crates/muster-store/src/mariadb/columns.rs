//! Rows to and from `MariaDB`'s columns.

use std::borrow::Cow;

use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::{Arguments as _, Row as _};

use crate::record::{Fields, Record, Sheet};

/// Values on their way into a statement.
#[derive(Debug, Default)]
pub(super) struct Values {
    values: MySqlArguments,
    failed: Option<sqlx::error::BoxDynError>,
}

impl Values {
    pub(super) fn of<R: Record>(rows: &[R]) -> Result<MySqlArguments, sqlx::Error> {
        let mut values = Self::default();
        for row in rows {
            row.write(&mut values);
        }
        values.failed.map_or(Ok(values.values), |cause| Err(sqlx::Error::Encode(cause)))
    }

    fn add<'v, T>(&mut self, value: T)
    where
        T: sqlx::Encode<'v, sqlx::MySql> + sqlx::Type<sqlx::MySql>,
    {
        if let Err(cause) = self.values.add(value) {
            self.failed = Some(cause);
        }
    }
}

impl Sheet for Values {
    fn number(&mut self, value: Option<i64>) {
        self.add(value);
    }

    fn maybe_text(&mut self, value: Option<&str>) {
        self.add(value);
    }

    fn blob(&mut self, value: Vec<u8>) {
        self.add(value);
    }
}

/// The columns of a row that was read, from the front.
#[derive(Debug)]
pub(super) struct Columns<'r> {
    row: &'r MySqlRow,
    at: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn record<R: Record>(row: &'r MySqlRow) -> Result<R, sqlx::Error> {
        R::read(&mut Self { row, at: 0 })
    }

    fn next<T>(&mut self) -> Result<T, sqlx::Error>
    where
        T: sqlx::Decode<'r, sqlx::MySql> + sqlx::Type<sqlx::MySql>,
    {
        let value = self.row.try_get(self.at);
        self.at += 1;
        value
    }
}

impl<'r> Fields<'r> for Columns<'r> {
    fn int(&mut self) -> Result<i64, sqlx::Error> {
        self.next()
    }

    fn maybe(&mut self) -> Result<Option<i64>, sqlx::Error> {
        self.next()
    }

    fn text(&mut self) -> Result<Cow<'r, str>, sqlx::Error> {
        self.next::<&str>().map(Into::into)
    }

    fn maybe_text(&mut self) -> Result<Option<Cow<'r, str>>, sqlx::Error> {
        Ok(self.next::<Option<&str>>()?.map(Into::into))
    }

    fn blob(&mut self) -> Result<&'r [u8], sqlx::Error> {
        self.next()
    }
}
