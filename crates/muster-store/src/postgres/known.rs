//! What a `PostgreSQL` server says of itself and of us.

use sqlx::postgres::PgConnection;

use crate::server::survey::{Holds, Known};

/// Asks for all of it.
pub(super) async fn known(conn: &mut PgConnection, holds: Holds) -> Result<Known, sqlx::Error> {
    let (number, version, encoding, is_read_only, syncs): (i64, String, String, bool, bool) =
        sqlx::query_as(SELF).fetch_one(&mut *conn).await?;
    let encrypted: Option<(Option<String>, Option<String>)> =
        sqlx::query_as(ENCRYPTION).fetch_optional(&mut *conn).await?;
    let login: Option<String> = if number >= SAYS_LOGIN {
        sqlx::query_scalar("SELECT system_user").fetch_one(&mut *conn).await?
    } else {
        None
    };
    let mut lacking: Vec<String> = Vec::new();
    for (sql, is_asked) in [(ON_TABLES, holds != Holds::Nothing), (ON_SCHEMA, holds.wants_tables())]
    {
        if is_asked {
            lacking.extend(sqlx::query_scalar(sql).fetch_all(&mut *conn).await?);
        }
    }
    Ok(Known {
        version: format!("PostgreSQL {version}"),
        encoding,
        encryption: encrypted.map(|(version, cipher)| {
            format!("{} {}", version.unwrap_or_default(), cipher.unwrap_or_default())
        }),
        // As in `scram-sha-256:muster`.
        login: login.and_then(|it| Some(it.split_once(':')?.0.to_owned())),
        is_read_only,
        risk: (!syncs).then(|| "fsync = off there; set fsync = on".to_owned()),
        lacking: Some(lacking),
        holds,
    })
}

const SELF: &str = "SELECT current_setting('server_version_num')::bigint,
    current_setting('server_version'), current_setting('server_encoding'),
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean,
    current_setting('fsync')::boolean";
const ENCRYPTION: &str =
    "SELECT version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
const ON_SCHEMA: &str = "SELECT 'CREATE in the schema ' || coalesce(current_schema(), 'public')
    WHERE NOT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)";
const ON_TABLES: &str = "SELECT wanted || ' on ' || relname
    FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted
    WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'p')
        AND NOT has_table_privilege(pg_class.oid, wanted)
    ORDER BY relname, wanted";
/// The version from which on it tells by what somebody was let in.
const SAYS_LOGIN: i64 = 160_000;
