//! Who may write: whoever holds a lock named after the database, for as long as its session lives.
//!
//! A session holds a second lock that nobody else knows the name of: by that it is told from others, also
//! after the server was started anew and counts its sessions from one again.

use muster_core::ports::StoreError;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

use crate::server::in_use;

/// Takes the lock; what names this session comes back. `before` is this process's last one: the server may
/// not know yet that it is over, so it is told.
pub(super) async fn take(
    conn: &mut MySqlConnection,
    before: Option<&str>,
) -> Result<Result<String, StoreError>, sqlx::Error> {
    let session: String = sqlx::query_scalar("SELECT UUID()").fetch_one(&mut *conn).await?;
    sqlx::query("DO GET_LOCK(?, 0)").bind(&session).execute(&mut *conn).await?;
    for _ in 0..TRIES {
        if is_taken(conn, 0).await? {
            return Ok(Ok(session));
        }
        let asked = sqlx::query_as(HOLDERS).bind(before.unwrap_or_default());
        let (holder, ours): (Option<i64>, Option<i64>) = asked.fetch_one(&mut *conn).await?;
        // Nobody: it was let go of just now.
        let Some(holder) = holder else { continue };
        if ours != Some(holder) {
            let from: Option<String> =
                sqlx::query_scalar(FROM).bind(holder).fetch_optional(&mut *conn).await?;
            let from = from.map(|it| format!(", from {it}")).unwrap_or_default();
            return Ok(Err(in_use(&format!("session {holder} of the server{from}"))));
        }
        let kill = AssertSqlSafe(format!("KILL {holder}"));
        // It may have ended meanwhile.
        drop(sqlx::raw_sql(kill).execute(&mut *conn).await);
        if is_taken(conn, PATIENCE_S).await? {
            return Ok(Ok(session));
        }
    }
    Ok(Err(in_use("one that comes and goes")))
}

async fn is_taken(conn: &mut MySqlConnection, patience_s: i64) -> Result<bool, sqlx::Error> {
    let taken: Option<i64> = sqlx::query_scalar(TRY).bind(patience_s).fetch_one(conn).await?;
    Ok(taken == Some(1))
}

/// Names of locks may have 64 characters.
const TRY: &str = "SELECT CAST(GET_LOCK(CONCAT('muster ', MD5(DATABASE())), ?) AS SIGNED)";
const HOLDERS: &str = "SELECT CAST(IS_USED_LOCK(CONCAT('muster ', MD5(DATABASE()))) AS SIGNED),
    CAST(IS_USED_LOCK(?) AS SIGNED)";
const FROM: &str = "SELECT host FROM information_schema.processlist WHERE id = ?";
const TRIES: usize = 5;
const PATIENCE_S: i64 = 10;
