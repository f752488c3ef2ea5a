//! Statements over records, as `MariaDB` wants to hear them.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};

use super::columns::{Columns, Values};
use crate::directory::Tables;
use crate::record::{Conflict, Record};
use crate::session::{Merge, Session, Value, any_of_keys, key_order, names, places};

impl Session for MySqlConnection {
    async fn merge<R: Record>(&mut self, rows: &[R], merge: Merge) -> Result<(), sqlx::Error> {
        let mut left = rows;
        for size in SIZES {
            while let Some((some, rest)) = left.split_at_checked(size) {
                let sql = AssertSqlSafe(insertion::<R>(size, merge));
                sqlx::query_with(sql, Values::of(some)?).execute(&mut *self).await?;
                left = rest;
            }
        }
        Ok(())
    }

    async fn find<R: Record>(
        &mut self,
        tail: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<R>, sqlx::Error> {
        match spoken(&selection::<R>(tail), values)? {
            Spoken::Kept(sql, values) => {
                found(sqlx::query_with(AssertSqlSafe(sql), values).fetch(self)).await
            }
            Spoken::Once(sql) => found(sqlx::raw_sql(AssertSqlSafe(sql)).fetch(self)).await,
        }
    }

    fn stream<R: Record + 'static>(&mut self) -> BoxStream<'_, Result<R, sqlx::Error>> {
        let rows = sqlx::query(AssertSqlSafe(selection::<R>(""))).fetch(self);
        rows.map(|row| Columns::record(&row?)).boxed()
    }

    async fn with_keys<R: Record>(&mut self, keys: &[[i64; 3]]) -> Result<Vec<R>, sqlx::Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (wanted, order) = (any_of_keys::<R>(keys), key_order::<R>());
        let tail = format!("WHERE {wanted} ORDER BY {order}");
        found(sqlx::raw_sql(AssertSqlSafe(selection::<R>(&tail))).fetch(self)).await
    }

    async fn numbers(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Option<i64>>, sqlx::Error> {
        match spoken(sql, values)? {
            Spoken::Kept(sql, values) => {
                sqlx::query_scalar_with(AssertSqlSafe(sql), values).fetch_all(self).await
            }
            Spoken::Once(sql) => {
                let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(self).await?;
                rows.iter().map(|it| it.try_get(0)).collect()
            }
        }
    }

    async fn run(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        let done = match spoken(sql, values)? {
            Spoken::Kept(sql, values) => {
                sqlx::query_with(AssertSqlSafe(sql), values).execute(self).await?
            }
            Spoken::Once(sql) => sqlx::raw_sql(AssertSqlSafe(sql)).execute(self).await?,
        };
        Ok(done.rows_affected())
    }
}

impl Tables for MySqlConnection {
    async fn replace<R: Record>(&mut self, rows: &[R]) -> Result<(), sqlx::Error> {
        let sql = format!("DELETE FROM \"{}\"", R::TABLE);
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *self).await?;
        self.merge(rows, Merge::Append).await
    }

    async fn all<R: Record>(&mut self, order: &'static str) -> Result<Vec<R>, sqlx::Error> {
        self.find(order, &[]).await
    }
}

async fn found<R: Record>(
    mut rows: BoxStream<'_, Result<MySqlRow, sqlx::Error>>,
) -> Result<Vec<R>, sqlx::Error> {
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        found.push(Columns::record(&row)?);
    }
    Ok(found)
}

fn selection<R: Record>(tail: &str) -> String {
    let column = |it: &&str| {
        if R::INSTANTS.contains(it) {
            format!("UNIX_TIMESTAMP(\"{it}\") * 1000000")
        } else {
            names(&[it])
        }
    };
    let columns: Vec<String> = R::COLUMNS.iter().map(column).collect();
    format!("SELECT {} FROM \"{}\" {tail}", columns.join(", "), R::TABLE)
}

fn insertion<R: Record>(rows: usize, merge: Merge) -> String {
    // The connection's time is UTC, so that no hour of it is there twice.
    let mark = |it: &&str| if R::INSTANTS.contains(it) { INSTANT } else { "?" };
    let marks: Vec<&str> = R::COLUMNS.iter().map(mark).collect();
    let mut values = format!("({}), ", marks.join(", ")).repeat(rows);
    values.truncate(values.len().saturating_sub(2));
    let (table, columns) = (R::TABLE, names(R::COLUMNS));
    format!("INSERT INTO \"{table}\" ({columns}) VALUES {values}{}", clause::<R>(merge))
}

/// What becomes of rows with the same key.
fn clause<R: Record>(merge: Merge) -> String {
    let (key, rest) = R::COLUMNS.split_at(R::KEY);
    let set = match merge {
        Merge::Append => return String::new(),
        Merge::ByKey => match R::CONFLICT {
            Conflict::Refuse => return String::new(),
            Conflict::Keep => {
                let first = key.first().copied().unwrap_or_default();
                format!("\"{first}\" = \"{first}\"")
            }
            Conflict::Replace => {
                let set: Vec<String> =
                    rest.iter().map(|it| format!("\"{it}\" = VALUES(\"{it}\")")).collect();
                set.join(", ")
            }
        },
        Merge::Earliest => "at = LEAST(at, VALUES(at))".to_owned(),
        Merge::Latest => "at = GREATEST(at, VALUES(at))".to_owned(),
    };
    format!(" ON DUPLICATE KEY UPDATE {set}")
}

/// A statement as it is said.
#[derive(Debug)]
enum Spoken {
    /// With `?` for each value: worth preparing.
    Kept(String, MySqlArguments),
    /// With its numbers written out, said once as it is. Prepared and closed, it would be answered late:
    /// nobody answers the closing, and what is said next waits for that to be acknowledged (Nagle).
    Once(String),
}

/// Puts values where they stand. The numbers of a list are written out: a subquery in their place would be
/// asked again for every row that might go.
fn spoken(sql: &str, values: &[Value<'_>]) -> Result<Spoken, sqlx::Error> {
    let mut out = String::with_capacity(sql.len());
    let mut bound = MySqlArguments::default();
    let is_once = values.iter().any(|it| matches!(it, Value::List(_)));
    for (text, value) in places(sql) {
        match value.and_then(|it| values.get(it)) {
            None => {}
            Some(Value::Int(it)) if is_once => out.push_str(&it.to_string()),
            Some(Value::Int(it)) => {
                out.push('?');
                bound.add(*it).map_err(sqlx::Error::Encode)?;
            }
            Some(Value::Text(_)) if is_once => {
                return Err(sqlx::Error::Encode("a text beside a list of numbers".into()));
            }
            Some(Value::Text(it)) => {
                out.push('?');
                bound.add(*it).map_err(sqlx::Error::Encode)?;
            }
            Some(Value::List(it)) => {
                let numbers: Vec<String> = it.iter().map(ToString::to_string).collect();
                out.extend(["(", &numbers.join(", "), ")"]);
            }
        }
        out.push_str(text);
    }
    Ok(if is_once { Spoken::Once(out) } else { Spoken::Kept(out, bound) })
}

/// A time as the server's own.
const INSTANT: &str = "FROM_UNIXTIME(? DIV 1000000)";
/// How many rows share a statement; at most 65,535 values do.
const SIZES: [usize; 4] = [1000, 100, 10, 1];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_as_this_server_wants_them() {
        let sql = "a = ?1 AND b IN ?2 AND c > ?1";
        let listed = spoken(sql, &[Value::Int(7), Value::List(&[1, -2])]).unwrap();
        assert!(matches!(listed, Spoken::Once(it) if it == "a = 7 AND b IN (1, -2) AND c > 7"));
        let kept = spoken("a = ?1 AND b = ?2", &[Value::Int(7), Value::Text("x")]).unwrap();
        assert!(
            matches!(kept, Spoken::Kept(sql, bound) if sql == "a = ? AND b = ?" && bound.len() == 2)
        );
        spoken(sql, &[Value::Text("x"), Value::List(&[1])]).unwrap_err();
    }
}
