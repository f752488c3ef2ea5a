//! Who may write: whoever holds an advisory lock of the database, for as long as its session lives.

use muster_core::ports::StoreError;
use sqlx::postgres::PgConnection;

use crate::server::in_use;

/// Takes the lock; what names this session comes back. `before` is this process's last one: the server may
/// not know yet that it is over, so it is told.
pub(super) async fn take(
    conn: &mut PgConnection,
    before: Option<&str>,
) -> Result<Result<String, StoreError>, sqlx::Error> {
    let session: String = sqlx::query_scalar(SESSION).fetch_one(&mut *conn).await?;
    for _ in 0..TRIES {
        if sqlx::query_scalar(TRY).bind(CLASS).bind(OBJECT).fetch_one(&mut *conn).await? {
            return Ok(Ok(session));
        }
        let asked = sqlx::query_as(HOLDER).bind(CLASS).bind(OBJECT);
        let holder: Option<(i32, Option<String>, String)> =
            asked.fetch_optional(&mut *conn).await?;
        // Nobody: it was let go of just now.
        let Some((pid, held_by, from)) = holder else { continue };
        if held_by.is_none() || held_by.as_deref() != before {
            return Ok(Err(in_use(&format!("session {pid} of the server, from {from}"))));
        }
        sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut *conn).await?;
        // Waits until that is over: at most for the session's `lock_timeout`.
        sqlx::query(WAIT).bind(CLASS).bind(OBJECT).execute(&mut *conn).await?;
        return Ok(Ok(session));
    }
    Ok(Err(in_use("one that comes and goes")))
}

/// A process number alone is given again after the server was started anew.
const SESSION: &str = "SELECT pid || ' since ' || backend_start
    FROM pg_stat_activity WHERE pid = pg_backend_pid()";
const TRY: &str = "SELECT pg_try_advisory_lock($1, $2)";
const WAIT: &str = "SELECT pg_advisory_lock($1, $2)";
/// Of sessions of others the server tells nothing but their number.
const HOLDER: &str = "SELECT pid, pid || ' since ' || backend_start,
        coalesce(host(client_addr),
            CASE WHEN backend_start IS NULL THEN 'another user' ELSE 'this machine' END)
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND classid::bigint = $1 AND objid::bigint = $2
        AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
/// "must", "er": one for each database.
const CLASS: i32 = 0x6d75_7374;
const OBJECT: i32 = 0x6572;
const TRIES: usize = 5;
