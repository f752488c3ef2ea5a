//! What is said to a database, whatever engine keeps it, and no decisions.
//!
//! Questions are written once, with `?1` for the first value, `IN ?2` for a list, and names that some
//! engine reserves in double quotes; a session says them as its engine wants to hear them.

use std::fmt::Debug;
use std::future::{Future, ready};

use futures_util::stream::BoxStream;
use muster_core::stay::Stay;

use crate::directory::Tables;
use crate::record::Record;

/// Says things to a database, in a transaction that is open.
pub(crate) trait Session: Tables + Debug {
    /// Writes rows, merged as told with those that have their keys.
    fn merge<R: Record>(
        &mut self,
        rows: &[R],
        merge: Merge,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// The rows of a table that `tail` (`WHERE` ... `ORDER BY` ...) asks for.
    fn find<R: Record>(
        &mut self,
        tail: &str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<R>, sqlx::Error>> + Send;

    /// All rows of a table, one after the other, in no order.
    fn stream<R: Record + 'static>(&mut self) -> BoxStream<'_, Result<R, sqlx::Error>>;

    /// The rows of a table whose first three columns are these numbers, in their order.
    fn with_keys<R: Record>(
        &mut self,
        keys: &[[i64; 3]],
    ) -> impl Future<Output = Result<Vec<R>, sqlx::Error>> + Send;

    /// The numbers in the first column of an answer.
    fn numbers(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Option<i64>>, sqlx::Error>> + Send;

    /// Says something without an answer; how many rows it touched.
    fn run(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Begins something that may fail, where that would end the transaction.
    fn attempt(&mut self) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        ready(Ok(()))
    }

    /// Goes on with the transaction as it was before the last attempt, which failed.
    fn recover(&mut self) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        ready(Ok(()))
    }

    /// Writes stays by their numbers.
    fn write_stays(
        &mut self,
        stays: &[Stay],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        self.merge(stays, Merge::ByKey)
    }
}

/// What becomes of a row and one with the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    /// As the record says.
    ByKey,
    /// There is none.
    Append,
    /// The one with the earlier `at` stays.
    Earliest,
    /// The one with the later `at` stays.
    Latest,
}

/// A value in a question.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// A number.
    Int(i64),
    /// A text.
    Text(&'a str),
    /// Numbers, for `IN`.
    List(&'a [i64]),
}

/// Names of columns, as every server takes them.
pub(crate) fn names(columns: &[&str]) -> String {
    format!("\"{}\"", columns.join("\", \""))
}

/// The order of the first three columns.
pub(crate) fn key_order<R: Record>() -> String {
    R::COLUMNS.get(..3).map(names).unwrap_or_default()
}

/// Tells rows by the numbers in their first three columns; each alternative is a step into the index.
pub(crate) fn any_of_keys<R: Record>(keys: &[[i64; 3]]) -> String {
    let one = |key: &[i64; 3]| {
        let all = R::COLUMNS.iter().zip(key).map(|(name, it)| format!("\"{name}\" = {it}"));
        format!("({})", all.collect::<Vec<_>>().join(" AND "))
    };
    keys.iter().map(one).collect::<Vec<_>>().join(" OR ")
}

/// A question, and each place in it where a value stands.
pub(crate) fn places(sql: &str) -> impl Iterator<Item = (&str, Option<usize>)> {
    let mut pieces = sql.split('?');
    let head = pieces.next().map(|it| (it, None));
    head.into_iter().chain(pieces.map(|it| {
        let end = it.find(|it: char| !it.is_ascii_digit()).unwrap_or(it.len());
        let (number, rest) = it.split_at(end);
        (rest, number.parse::<usize>().ok().and_then(|it| it.checked_sub(1)))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_values() {
        let found: Vec<_> = places("a = ?1 AND b IN ?12 OR ?1 = c").collect();
        let want = [("a = ", None), (" AND b IN ", Some(0)), (" OR ", Some(11)), (" = c", Some(0))];
        assert_eq!(found, want);
        assert_eq!(places("ORDER BY id").collect::<Vec<_>>(), [("ORDER BY id", None)]);
    }
}
