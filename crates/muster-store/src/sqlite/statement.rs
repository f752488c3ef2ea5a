//! Statements over [`Record`]s: many rows in, rows out.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe};

use super::sum::{Checking, Summing};
use crate::record::{Conflict, Record};

/// Writes rows by key. Many rows share a statement: its fixed cost and the way to the connection's
/// thread and back are then nothing beside the rows.
pub(super) async fn put<R: Record>(
    conn: &mut SqliteConnection,
    rows: &[R],
) -> Result<(), sqlx::Error> {
    put_and(conn, rows, "").await.map(drop)
}

/// The same with a clause after the values; how many rows were written.
pub(super) async fn put_and<R: Record>(
    conn: &mut SqliteConnection,
    rows: &[R],
    clause: &'static str,
) -> Result<u64, sqlx::Error> {
    let (mut left, mut written) = (rows, 0);
    for size in SIZES {
        while let Some((chunk, rest)) = left.split_at_checked(size) {
            let mut sheet = Summing::with_room::<R>(size);
            for it in chunk {
                sheet.row(it);
            }
            let sql = AssertSqlSafe(insertion::<R>(size, clause));
            let done = sqlx::query_with(sql, sheet.finish()?).execute(&mut *conn).await?;
            written += done.rows_affected();
            left = rest;
        }
    }
    Ok(written)
}

/// The rows of a table that `tail` (`WHERE` ... `ORDER BY` ...) asks for.
pub(super) async fn find<R: Record>(
    conn: &mut SqliteConnection,
    tail: &str,
    values: SqliteArguments,
) -> Result<Vec<R>, sqlx::Error> {
    let sql = AssertSqlSafe(selection::<R>(tail));
    let mut rows = sqlx::query_with(sql, values).fetch(conn);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        found.push(Checking::record(&row)?);
    }
    Ok(found)
}

/// All rows of a table, one after the other.
pub(super) fn stream<R: Record + 'static>(
    conn: &mut SqliteConnection,
) -> BoxStream<'_, Result<R, sqlx::Error>> {
    let rows = sqlx::query(AssertSqlSafe(selection::<R>(""))).fetch(conn);
    rows.map(|row| Checking::record(&row?)).boxed()
}

/// A statement of our own without rows to give back; how many rows it touched.
pub(super) async fn run(
    conn: &mut SqliteConnection,
    sql: &'static str,
    values: SqliteArguments,
) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query_with(sql, values).execute(conn).await?.rows_affected())
}

/// Values for [`find`] and [`run`]: numbers first, then texts.
pub(super) fn values(numbers: &[i64], texts: &[&str]) -> Result<SqliteArguments, sqlx::Error> {
    let mut values = SqliteArguments::default();
    numbers.iter().try_for_each(|it| values.add(*it)).map_err(sqlx::Error::Encode)?;
    texts.iter().try_for_each(|it| values.add(*it)).map_err(sqlx::Error::Encode)?;
    Ok(values)
}

/// Numbers as one value, for `IN (SELECT value FROM json_each(?))`.
pub(super) fn list(numbers: impl Iterator<Item = i64>) -> String {
    let numbers: Vec<String> = numbers.map(|it| it.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

fn insertion<R: Record>(rows: usize, clause: &str) -> String {
    let conflict = match R::CONFLICT {
        _ if !clause.is_empty() => "ABORT",
        Conflict::Replace => "REPLACE",
        Conflict::Keep => "IGNORE",
        Conflict::Refuse => "ABORT",
    };
    let mut sql =
        format!("INSERT OR {conflict} INTO {} ({}, sum) VALUES ", R::TABLE, R::COLUMNS.join(", "));
    let marks = format!("({}?)", "?, ".repeat(R::COLUMNS.len()));
    sql.reserve(rows * (marks.len() + 2) + clause.len());
    for row in 0..rows {
        if row > 0 {
            sql.push_str(", ");
        }
        sql.push_str(&marks);
    }
    sql.push_str(clause);
    sql
}

fn selection<R: Record>(tail: &str) -> String {
    format!("SELECT {}, sum FROM {} {tail}", R::COLUMNS.join(", "), R::TABLE)
}

/// How many rows share a statement. Few sizes, so that each is compiled once.
const SIZES: [usize; 4] = [256, 32, 4, 1];
