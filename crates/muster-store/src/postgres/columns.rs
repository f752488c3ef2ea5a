//! Rows to and from `PostgreSQL`'s columns.
//!
//! A text of `PostgreSQL` holds any character but NUL, and what devices call themselves may hold that too. So
//! texts are written as data link escapes have it (ISO 646): DLE before what stands for something else, and
//! before itself. Nobody who reads the tables meets it unless a text held one of the two.

use std::borrow::Cow;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, Row as _, ValueRef as _};

use crate::record::{Fields, Record, Sheet, broken};

/// Rows on their way in, as one array for each column.
#[derive(Debug, Default)]
pub(super) struct Arrays {
    columns: Vec<Array>,
    at: usize,
}

#[derive(Debug)]
enum Array {
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Blobs(Vec<Vec<u8>>),
}

impl Arrays {
    pub(super) fn of<R: Record>(rows: &[R]) -> Self {
        let mut arrays = Self::default();
        for row in rows {
            arrays.at = 0;
            row.write(&mut arrays);
        }
        arrays
    }

    /// `$1::bigint[], $2::text[]` ...
    pub(super) fn marks(&self) -> String {
        let marks: Vec<String> = (1..)
            .zip(&self.columns)
            .map(|(number, it)| match it {
                Array::Numbers(_) => format!("${number}::bigint[]"),
                Array::Texts(_) => format!("${number}::text[]"),
                Array::Blobs(_) => format!("${number}::bytea[]"),
            })
            .collect();
        marks.join(", ")
    }

    pub(super) fn finish(self) -> Result<PgArguments, sqlx::Error> {
        let mut values = PgArguments::default();
        for column in self.columns {
            let added = match column {
                Array::Numbers(it) => values.add(it),
                Array::Texts(it) => values.add(it),
                Array::Blobs(it) => values.add(it),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        Ok(values)
    }
}

impl Sheet for Arrays {
    fn number(&mut self, value: Option<i64>) {
        match self.columns.get_mut(self.at) {
            Some(Array::Numbers(it)) => it.push(value),
            Some(_) => {}
            None => self.columns.push(Array::Numbers(vec![value])),
        }
        self.at += 1;
    }

    fn maybe_text(&mut self, value: Option<&str>) {
        let value = value.map(|it| escaped(it).into_owned());
        match self.columns.get_mut(self.at) {
            Some(Array::Texts(it)) => it.push(value),
            Some(_) => {}
            None => self.columns.push(Array::Texts(vec![value])),
        }
        self.at += 1;
    }

    fn blob(&mut self, value: Vec<u8>) {
        match self.columns.get_mut(self.at) {
            Some(Array::Blobs(it)) => it.push(value),
            Some(_) => {}
            None => self.columns.push(Array::Blobs(vec![value])),
        }
        self.at += 1;
    }
}

/// The columns of a row that was read, from the front.
#[derive(Debug)]
pub(super) struct Columns<'r> {
    row: &'r PgRow,
    at: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn record<R: Record>(row: &'r PgRow) -> Result<R, sqlx::Error> {
        R::read(&mut Self { row, at: 0 })
    }

    fn next(&mut self) -> Result<Option<&'r [u8]>, sqlx::Error> {
        let value = self.row.try_get_raw(self.at)?;
        self.at += 1;
        if value.is_null() {
            return Ok(None);
        }
        value.as_bytes().map(Some).map_err(sqlx::Error::Decode)
    }

    fn there(&mut self) -> Result<&'r [u8], sqlx::Error> {
        self.next()?.ok_or_else(|| broken("columns"))
    }
}

impl<'r> Fields<'r> for Columns<'r> {
    fn int(&mut self) -> Result<i64, sqlx::Error> {
        number(self.there()?)
    }

    fn maybe(&mut self) -> Result<Option<i64>, sqlx::Error> {
        self.next()?.map(number).transpose()
    }

    fn text(&mut self) -> Result<Cow<'r, str>, sqlx::Error> {
        text(self.there()?)
    }

    fn maybe_text(&mut self) -> Result<Option<Cow<'r, str>>, sqlx::Error> {
        self.next()?.map(text).transpose()
    }

    fn blob(&mut self) -> Result<&'r [u8], sqlx::Error> {
        self.there()
    }
}

/// A `bigint` or a `smallint`, as the server sends them.
fn number(bytes: &[u8]) -> Result<i64, sqlx::Error> {
    if let [high, low] = *bytes {
        return Ok(i16::from_be_bytes([high, low]).into());
    }
    bytes.try_into().map(i64::from_be_bytes).map_err(|_| broken("numbers"))
}

fn text(bytes: &[u8]) -> Result<Cow<'_, str>, sqlx::Error> {
    let text = std::str::from_utf8(bytes).map_err(|it| sqlx::Error::Decode(it.into()))?;
    unescaped(text).ok_or_else(|| broken("texts"))
}

/// A text without NUL.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', DLE]) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 1);
    for it in text.chars() {
        match it {
            '\0' => out.extend([DLE, FOR_NUL]),
            DLE => out.extend([DLE, DLE]),
            it => out.push(it),
        }
    }
    out.into()
}

/// The text that was [`escaped`]; none if this is no such text.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(DLE) {
        return Some(text.into());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(it) = rest.next() {
        match it {
            DLE => match rest.next()? {
                FOR_NUL => out.push('\0'),
                DLE => out.push(DLE),
                _ => return None,
            },
            it => out.push(it),
        }
    }
    Some(out.into())
}

const DLE: char = '\u{10}';
const FOR_NUL: char = '0';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        for text in ["", "Küche", "\0", "a\0b\u{10}c\u{10}0", "\u{10}", "\u{10}\0\u{10}\u{10}"] {
            let written = escaped(text);
            assert!(!written.contains('\0'), "{text:?}");
            assert_eq!(unescaped(&written).as_deref(), Some(text));
        }
        for wrong in ["\u{10}", "a\u{10}b"] {
            assert_eq!(unescaped(wrong), None);
        }
    }
}
