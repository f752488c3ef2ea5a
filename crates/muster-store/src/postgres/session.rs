//! Statements over records, as `PostgreSQL` wants to hear them.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{Arguments as _, AssertSqlSafe};

use super::columns::{Arrays, Columns, escaped};
use crate::directory::Tables;
use crate::record::{Conflict, Record};
use crate::session::{Merge, Session, Value, any_of_keys, key_order, names, places};

impl Session for PgConnection {
    async fn merge<R: Record>(&mut self, rows: &[R], merge: Merge) -> Result<(), sqlx::Error> {
        for some in rows.chunks(ROWS) {
            let arrays = Arrays::of(some);
            let (table, columns) = (R::TABLE, names(R::COLUMNS));
            let sql = format!(
                "INSERT INTO \"{table}\" ({columns}) SELECT * FROM unnest({}){}",
                arrays.marks(),
                clause::<R>(merge)
            );
            sqlx::query_with(AssertSqlSafe(sql), arrays.finish()?).execute(&mut *self).await?;
        }
        Ok(())
    }

    async fn find<R: Record>(
        &mut self,
        tail: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<R>, sqlx::Error> {
        let sql = AssertSqlSafe(selection::<R>(&spoken(tail)));
        found(sqlx::query_with(sql, bound(values)?).fetch(self)).await
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
        let asked = sqlx::query(AssertSqlSafe(selection::<R>(&tail))).persistent(false);
        found(asked.fetch(self)).await
    }

    async fn numbers(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Option<i64>>, sqlx::Error> {
        sqlx::query_scalar_with(AssertSqlSafe(spoken(sql)), bound(values)?).fetch_all(self).await
    }

    async fn run(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        let done = sqlx::query_with(AssertSqlSafe(spoken(sql)), bound(values)?).execute(self);
        Ok(done.await?.rows_affected())
    }

    async fn attempt(&mut self) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("SAVEPOINT attempt").execute(self).await.map(drop)
    }

    async fn recover(&mut self) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("ROLLBACK TO SAVEPOINT attempt").execute(self).await.map(drop)
    }
}

impl Tables for PgConnection {
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
    mut rows: BoxStream<'_, Result<PgRow, sqlx::Error>>,
) -> Result<Vec<R>, sqlx::Error> {
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        found.push(Columns::record(&row)?);
    }
    Ok(found)
}

fn selection<R: Record>(tail: &str) -> String {
    format!("SELECT {} FROM \"{}\" {tail}", names(R::COLUMNS), R::TABLE)
}

/// What becomes of rows with the same key.
fn clause<R: Record>(merge: Merge) -> String {
    let (key, rest) = R::COLUMNS.split_at(R::KEY);
    let key = key.join(", ");
    let set: Vec<String> = rest.iter().map(|it| format!("{it} = excluded.{it}")).collect();
    let set = set.join(", ");
    let table = R::TABLE;
    let when = match merge {
        Merge::Append => return String::new(),
        Merge::ByKey => match R::CONFLICT {
            Conflict::Refuse => return String::new(),
            Conflict::Keep => return format!(" ON CONFLICT ({key}) DO NOTHING"),
            Conflict::Replace => {
                // A row that stays as it is costs nothing.
                let ours = rest.join(&format!(", \"{table}\"."));
                let theirs = rest.join(", excluded.");
                format!("(\"{table}\".{ours}) IS DISTINCT FROM (excluded.{theirs})")
            }
        },
        Merge::Earliest => format!("excluded.at < \"{table}\".at"),
        Merge::Latest => format!("excluded.at > \"{table}\".at"),
    };
    format!(" ON CONFLICT ({key}) DO UPDATE SET {set} WHERE {when}")
}

/// A question with `$1` for the first value, and lists as arrays.
fn spoken(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for (text, value) in places(sql) {
        if let Some(value) = value {
            let number = (value + 1).to_string();
            if let Some(before) = out.strip_suffix("IN ").map(str::len) {
                out.truncate(before);
                out.extend(["= ANY($", &number, ")"]);
            } else {
                out.extend(["$", &number]);
            }
        }
        out.push_str(text);
    }
    out
}

fn bound(values: &[Value<'_>]) -> Result<PgArguments, sqlx::Error> {
    let mut bound = PgArguments::default();
    for value in values {
        let added = match *value {
            Value::Int(it) => bound.add(it),
            Value::Text(it) => bound.add(escaped(it).into_owned()),
            Value::List(it) => bound.add(it.to_vec()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

/// How many rows share a statement: some hundred kilobytes.
const ROWS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_as_this_server_wants_them() {
        let said = spoken("WHERE a = ?1 AND b IN ?2 AND (c = ?1 OR c > ?10)");
        assert_eq!(said, "WHERE a = $1 AND b = ANY($2) AND (c = $1 OR c > $10)");
        assert_eq!(spoken("ORDER BY id"), "ORDER BY id");
    }
}
