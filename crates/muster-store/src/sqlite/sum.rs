//! Rows with a sum that notices a flipped bit.
//!
//! The engine underneath keeps no checksums of pages, so a row carries its own: the last column is
//! a sum over the table's name and all other columns, taken while they are bound and checked while
//! they are read. **Invariant:** nobody gets a row whose sum does not agree.

use std::borrow::Cow;

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Row as _};

use crate::record::{Fields, Record, Sheet, broken};

/// Values on their way into a statement.
#[derive(Debug)]
pub(super) struct Summing {
    values: SqliteArguments,
    sum: Sum,
    failed: Option<sqlx::error::BoxDynError>,
}

impl Summing {
    /// Room for so many rows.
    pub(super) fn with_room<R: Record>(rows: usize) -> Self {
        let mut values = SqliteArguments::default();
        values.reserve(rows * (R::COLUMNS.len() + 1), 0);
        Self { values, sum: Sum::of(R::TABLE), failed: None }
    }

    /// Adds a whole row and its sum.
    pub(super) fn row<R: Record>(&mut self, row: &R) {
        self.sum = Sum::of(R::TABLE);
        row.write(self);
        let sum = self.sum.value();
        self.add(sum);
    }

    /// The values for the statement.
    pub(super) fn finish(self) -> Result<SqliteArguments, sqlx::Error> {
        self.failed.map_or(Ok(self.values), |cause| Err(sqlx::Error::Encode(cause)))
    }

    fn add<'v, T>(&mut self, value: T)
    where
        T: sqlx::Encode<'v, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        if let Err(cause) = self.values.add(value) {
            self.failed = Some(cause);
        }
    }
}

impl Sheet for Summing {
    fn number(&mut self, value: Option<i64>) {
        match value {
            Some(value) => self.sum.int(value),
            None => self.sum.nothing(),
        }
        self.add(value);
    }

    fn maybe_text(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.sum.bytes(value.as_bytes()),
            None => self.sum.nothing(),
        }
        self.add(value);
    }

    fn blob(&mut self, value: Vec<u8>) {
        self.sum.bytes(&value);
        self.add(value);
    }
}

/// The columns of a row that was read, from the front.
#[derive(Debug)]
pub(super) struct Checking<'r> {
    row: &'r SqliteRow,
    at: usize,
    sum: Sum,
}

impl<'r> Checking<'r> {
    /// The record in a row of `SELECT` all its columns and the sum.
    pub(super) fn record<R: Record>(row: &'r SqliteRow) -> Result<R, sqlx::Error> {
        let mut fields = Self { row, at: 0, sum: Sum::of(R::TABLE) };
        let record = R::read(&mut fields)?;
        let wanted = fields.sum.value();
        if fields.next::<i64>()? == wanted { Ok(record) } else { Err(broken(R::TABLE)) }
    }

    fn next<T>(&mut self) -> Result<T, sqlx::Error>
    where
        T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let value = self.row.try_get(self.at);
        self.at += 1;
        value
    }
}

impl<'r> Fields<'r> for Checking<'r> {
    fn int(&mut self) -> Result<i64, sqlx::Error> {
        let value = self.next()?;
        self.sum.int(value);
        Ok(value)
    }

    fn maybe(&mut self) -> Result<Option<i64>, sqlx::Error> {
        let value: Option<i64> = self.next()?;
        match value {
            Some(value) => self.sum.int(value),
            None => self.sum.nothing(),
        }
        Ok(value)
    }

    fn text(&mut self) -> Result<Cow<'r, str>, sqlx::Error> {
        let value: &str = self.next()?;
        self.sum.bytes(value.as_bytes());
        Ok(value.into())
    }

    fn maybe_text(&mut self) -> Result<Option<Cow<'r, str>>, sqlx::Error> {
        let value: Option<&str> = self.next()?;
        match value {
            Some(value) => self.sum.bytes(value.as_bytes()),
            None => self.sum.nothing(),
        }
        Ok(value.map(Into::into))
    }

    fn blob(&mut self) -> Result<&'r [u8], sqlx::Error> {
        let value: &[u8] = self.next()?;
        self.sum.bytes(value);
        Ok(value)
    }
}

/// A sum over columns. Each step is a bijection of the sum so far and mixes upwards, so that any
/// single wrong column gives another sum; it is no protection against intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum(u64);

impl Sum {
    /// The start for a table: a row of another one does not pass for one of this.
    pub(super) fn of(table: &str) -> Self {
        let mut sum = Self(SEED);
        sum.bytes(table.as_bytes());
        sum
    }

    pub(super) fn int(&mut self, value: i64) {
        self.step(value.cast_unsigned());
    }

    pub(super) fn nothing(&mut self) {
        self.0 = self.0.rotate_left(23).wrapping_mul(FACTOR);
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.step(value.len() as u64);
        let (words, rest) = value.as_chunks::<8>();
        for &word in words {
            self.step(u64::from_le_bytes(word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.step(u64::from_le_bytes(word));
        }
    }

    /// What is stored: 32 bits are enough to notice, and few enough to store with every row.
    pub(super) fn value(self) -> i64 {
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(FACTOR);
        i64::from(u32::try_from(mixed >> 32).unwrap_or_default().cast_signed())
    }

    fn step(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(FACTOR);
        self.0 ^= self.0 >> 32;
    }
}

/// Odd, with well-spread bits: 2^64 divided by the golden ratio (Knuth, volume 3, 6.4).
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const SEED: u64 = 0x6d75_7374_6572;

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(table: &str, numbers: &[i64], text: &str) -> i64 {
        let mut sum = Sum::of(table);
        for &number in numbers {
            sum.int(number);
        }
        sum.bytes(text.as_bytes());
        sum.value()
    }

    #[test]
    fn every_single_bit_counts() {
        let time = 0x0006_608b_015f_3000;
        let right = sum("seen", &[7, -1, time], "mac:b8:27:eb:01:02:03");
        for bit in 0..63 {
            let wrong = time ^ (1 << bit);
            assert_ne!(right, sum("seen", &[7, -1, wrong], "mac:b8:27:eb:01:02:03"), "bit {bit}");
            assert_ne!(right, sum("seen", &[7 ^ (1 << bit), -1, wrong], "mac:b8:27:eb:01:02:03"));
        }
        assert_ne!(right, sum("seen", &[7, -1, time], "mac:b8:27:eb:01:02:02"));
        assert_ne!(right, sum("heard", &[7, -1, time], "mac:b8:27:eb:01:02:03"));
        assert_ne!(sum("seen", &[0], ""), sum("seen", &[], ""));
    }
}
