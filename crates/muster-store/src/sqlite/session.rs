//! Statements over records, as `SQLite` wants to hear them.

use futures_util::stream::BoxStream;
use muster_core::stay::Stay;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe};

use super::statement::{find, put, put_and, stream};
use crate::directory::Tables;
use crate::record::Record;
use crate::session::{Merge, Session, Value, key_order, names, places};

impl Session for SqliteConnection {
    async fn merge<R: Record>(&mut self, rows: &[R], merge: Merge) -> Result<(), sqlx::Error> {
        match merge {
            Merge::ByKey | Merge::Append => put(self, rows).await,
            Merge::Earliest => put_and(self, rows, IF_EARLIER).await.map(drop),
            Merge::Latest => put_and(self, rows, IF_LATER).await.map(drop),
        }
    }

    async fn find<R: Record>(
        &mut self,
        tail: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<R>, sqlx::Error> {
        find(self, &spoken(tail, values), bound(values)?).await
    }

    fn stream<R: Record + 'static>(&mut self) -> BoxStream<'_, Result<R, sqlx::Error>> {
        stream(self)
    }

    async fn with_keys<R: Record>(&mut self, keys: &[[i64; 3]]) -> Result<Vec<R>, sqlx::Error> {
        let keys: Vec<String> = keys.iter().map(|it| list(it)).collect();
        let mut values = SqliteArguments::default();
        values.add(format!("[{}]", keys.join(","))).map_err(sqlx::Error::Encode)?;
        find(self, &of_keys(&key_order::<R>()), values).await
    }

    async fn numbers(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Option<i64>>, sqlx::Error> {
        let sql = AssertSqlSafe(spoken(sql, values));
        sqlx::query_scalar_with(sql, bound(values)?).fetch_all(self).await
    }

    async fn run(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        let sql = AssertSqlSafe(spoken(sql, values));
        Ok(sqlx::query_with(sql, bound(values)?).execute(self).await?.rows_affected())
    }

    /// Stays that merely go on are changed where they lie, which leaves every index alone; the others
    /// are written whole.
    async fn write_stays(&mut self, stays: &[Stay]) -> Result<(), sqlx::Error> {
        let going_on = put_and(self, stays, GOES_ON).await?;
        if going_on < stays.len() as u64 {
            put_and(self, stays, REWRITTEN).await?;
        }
        Ok(())
    }
}

impl Tables for SqliteConnection {
    async fn replace<R: Record>(&mut self, rows: &[R]) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(format!("DELETE FROM {}", names(&[R::TABLE])));
        sqlx::query(sql).execute(&mut *self).await?;
        put(self, rows).await
    }

    async fn all<R: Record>(&mut self, order: &'static str) -> Result<Vec<R>, sqlx::Error> {
        find(self, order, SqliteArguments::default()).await
    }
}

/// A question in which a list is one value.
pub(super) fn spoken(sql: &str, values: &[Value<'_>]) -> String {
    let mut out = String::with_capacity(sql.len());
    for (text, value) in places(sql) {
        if let Some(at) = value {
            let number = (at + 1).to_string();
            match values.get(at) {
                Some(Value::List(_)) => {
                    out.extend(["(SELECT value FROM json_each(?", &number, "))"]);
                }
                Some(Value::Int(_) | Value::Text(_)) | None => out.extend(["?", &number]),
            }
        }
        out.push_str(text);
    }
    out
}

/// The rows whose keys are in the list of lists that is the one value, in their order.
pub(super) fn of_keys(key: &str) -> String {
    format!(
        "WHERE ({key}) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)) \
         ORDER BY {key}"
    )
}

fn bound(values: &[Value<'_>]) -> Result<SqliteArguments, sqlx::Error> {
    let mut bound = SqliteArguments::default();
    for value in values {
        let added = match *value {
            Value::Int(it) => bound.add(it),
            Value::Text(it) => bound.add(it),
            Value::List(it) => bound.add(list(it)),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

fn list(numbers: &[i64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(","))
}

const IF_EARLIER: &str = "
    ON CONFLICT DO UPDATE SET at = excluded.at, sum = excluded.sum
    WHERE excluded.at < at";
const IF_LATER: &str = "
    ON CONFLICT DO UPDATE SET at = excluded.at, sum = excluded.sum
    WHERE excluded.at > at";

const GOES_ON: &str = "
    ON CONFLICT (id) DO UPDATE SET last = excluded.last, to_latest = excluded.to_latest,
        uncovered = excluded.uncovered, after_gap = excluded.after_gap,
        revision = excluded.revision, sum = excluded.sum
    WHERE subject = excluded.subject AND subject_id = excluded.subject_id
        AND site = excluded.site AND from_at = excluded.from_at
        AND ended = 'open' AND excluded.ended = 'open'";

const REWRITTEN: &str = "
    ON CONFLICT (id) DO UPDATE SET subject = excluded.subject, subject_id = excluded.subject_id,
        site = excluded.site, from_at = excluded.from_at, last = excluded.last,
        ended = excluded.ended, to_latest = excluded.to_latest, uncovered = excluded.uncovered,
        after_gap = excluded.after_gap, revision = excluded.revision, sum = excluded.sum
    WHERE NOT (subject = excluded.subject AND subject_id = excluded.subject_id
        AND site = excluded.site AND from_at = excluded.from_at
        AND ended = 'open' AND excluded.ended = 'open')";

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection as _, Row as _};

    use super::super::{files, schema};
    use super::*;
    use crate::{read, readings};

    /// How the engine goes about `SELECT id FROM table tail`.
    async fn plan(conn: &mut SqliteConnection, table: &str, tail: &str) -> String {
        let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM {table} {tail}");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(conn).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|it| it.get("detail")).collect();
        lines.join("; ")
    }

    #[tokio::test]
    async fn no_question_walks_a_whole_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let mut conn = files::maker(&path).await.unwrap();
        schema::migrate(&mut conn, schema::MIGRATIONS, &path).await.unwrap();
        // Every question has its list, if any, in third place; its other values are none.
        let none = Value::Int(0);
        let lists = [none, none, Value::List(&[])];
        let keys = of_keys(&key_order::<readings::Won>());
        let plan_of_keys = plan(&mut conn, "winners", &keys).await;
        assert!(plan_of_keys.contains("PRIMARY KEY"), "{plan_of_keys}");
        for (table, tail, index) in [
            ("heard", read::HOURS_OF, "PRIMARY KEY"),
            ("readings", readings::WITHIN_OF, "PRIMARY KEY"),
            ("winners", readings::WITHIN, "PRIMARY KEY"),
            ("winner_hours", readings::HOURS, "PRIMARY KEY"),
            ("level", read::LEVELS_OF, "PRIMARY KEY"),
            ("journal", read::CHANGES, "journal_decided"),
            ("journal", read::CHANGES_OF, "journal_of"),
            ("journal", read::STATES_AT, "journal_state"),
            ("stay", read::STAYS, "stay_open"),
            ("stay", read::STAYS, "stay_ended"),
            ("stay", read::STAYS_OF, "stay_of"),
            ("stay", read::STAYS_SINCE, "stay_assumed"),
        ] {
            let plan = plan(&mut conn, table, &spoken(tail, &lists)).await;
            assert!(plan.contains(index), "{table} {tail}: {plan}");
            // An index that holds the open stays alone may be walked.
            let plan = plan.replace("SCAN stay USING COVERING INDEX stay_open", "");
            assert!(!plan.contains(&format!("SCAN {table}")), "{table} {tail}: {plan}");
        }
        conn.close().await.unwrap();
    }
}
