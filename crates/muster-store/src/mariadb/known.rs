//! What a `MariaDB` or `MySQL` server says of itself and of us.

use sqlx::mysql::MySqlConnection;

use crate::server::survey::{Holds, Known};
use crate::tables::NAMES;

/// Asks for all of it.
pub(super) async fn known(conn: &mut MySqlConnection, holds: Holds) -> Result<Known, sqlx::Error> {
    let (version, encoding, read_only, flushes): (String, String, i64, i64) =
        sqlx::query_as(SELF).fetch_one(&mut *conn).await?;
    let mut encryption = Vec::new();
    for sql in ENCRYPTION {
        let said: Option<(String, String)> = sqlx::query_as(sql).fetch_optional(&mut *conn).await?;
        encryption.extend(said.map(|(_, value)| value).filter(|it| !it.is_empty()));
    }
    // Older servers do not tell users of themselves, and know no roles.
    let made: Option<String> =
        sqlx::query_scalar("SHOW CREATE USER CURRENT_USER()").fetch_one(&mut *conn).await.ok();
    let role: Option<String> =
        sqlx::query_scalar("SELECT CURRENT_ROLE()").fetch_one(&mut *conn).await.ok().flatten();
    let by_role = role.is_some_and(|it| it != "NONE");
    let granted: Vec<Granted> = sqlx::query_as(GRANTED).fetch_all(conn).await?;
    let holds = seen(&granted, by_role, holds);
    let kind = if version.contains("MariaDB") { "" } else { "MySQL " };
    Ok(Known {
        version: format!("{kind}{version}"),
        encoding,
        encryption: (!encryption.is_empty()).then(|| encryption.join(" ")),
        login: made.and_then(|it| plugin(&it).map(str::to_owned)),
        is_read_only: read_only != 0,
        risk: (flushes != 1)
            .then(|| format!("innodb_flush_log_at_trx_commit = {flushes} there; set it to 1")),
        // What a role grants is told elsewhere.
        lacking: (!by_role).then(|| lacking(&granted, holds)),
        holds,
    })
}

/// A right, and on which table; none: on all.
type Granted = (Option<String>, String);

/// What is in the database, of which the server shows whoever has rights on single tables those tables
/// alone.
fn seen(granted: &[Granted], by_role: bool, found: Holds) -> Holds {
    let sees_all = by_role || granted.iter().any(|(on, right)| on.is_none() && right != "USAGE");
    let is_seen = sees_all || !matches!(found, Holds::Nothing | Holds::Others);
    if is_seen { found } else { Holds::Unseen }
}

/// What is missing of what a hub does there: to read and write each table, and to make those that are not
/// there yet.
fn lacking(granted: &[Granted], holds: Holds) -> Vec<String> {
    let has = |table: Option<&str>, right: &str| {
        granted.iter().any(|(on, it)| it == right && (on.is_none() || on.as_deref() == table))
    };
    let mut lacking = Vec::new();
    match holds {
        Holds::Nothing | Holds::Others => {
            lacking.extend(ON_TABLES.iter().filter(|it| !has(None, it)).map(ToString::to_string));
        }
        Holds::Store(..) | Holds::Interrupted | Holds::Unreadable | Holds::Unseen => {
            for table in ["schema", "lease"].iter().chain(NAMES) {
                let missing = ON_TABLES.iter().filter(|it| !has(Some(table), it));
                lacking.extend(missing.map(|it| format!("{it} on {table}")));
            }
        }
    }
    if holds.wants_tables() && !has(None, "CREATE") {
        lacking.push("CREATE".to_owned());
    }
    lacking
}

/// The plugin in what makes a user; nothing else of it is looked at, because a sum of the password is in it.
fn plugin(made: &str) -> Option<&str> {
    let (_, rest) = made.split_once(" IDENTIFIED ")?;
    let (how, rest) = rest.split_once(' ')?;
    let word = rest.split(' ').next()?.trim_matches(['\'', '`', '"']);
    match how {
        "VIA" | "WITH" => Some(word),
        "BY" => Some("mysql_native_password"),
        _ => None,
    }
}

const SELF: &str = "SELECT VERSION(), @@character_set_database,
    CAST(@@global.read_only AS SIGNED), CAST(@@global.innodb_flush_log_at_trx_commit AS SIGNED)";
const ENCRYPTION: [&str; 2] =
    ["SHOW SESSION STATUS LIKE 'Ssl_version'", "SHOW SESSION STATUS LIKE 'Ssl_cipher'"];
/// What was granted on everything, on the database, and on single tables of it.
const GRANTED: &str = "SELECT CAST(table_name AS CHAR), CAST(privilege_type AS CHAR) FROM (
        SELECT grantee, NULL AS table_name, privilege_type FROM information_schema.user_privileges
        UNION SELECT grantee, NULL, privilege_type FROM information_schema.schema_privileges
            WHERE DATABASE() LIKE table_schema
        UNION SELECT grantee, table_name, privilege_type FROM information_schema.table_privileges
            WHERE table_schema = DATABASE()) AS granted
    WHERE grantee = CONCAT('''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''',
        SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";
const ON_TABLES: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_depends_on_what_is_there() {
        let on = |table: Option<&str>, rights: &[&str]| -> Vec<Granted> {
            rights.iter().map(|it| (table.map(str::to_owned), (*it).to_owned())).collect()
        };
        let (current, older) = (Holds::Store(2, 2), Holds::Store(1, 2));
        let all = on(None, &ON_TABLES);
        assert_eq!(lacking(&all, current), [""; 0]);
        assert_eq!(lacking(&all, older), ["CREATE"]);
        assert_eq!(lacking(&all, Holds::Nothing), ["CREATE"]);
        assert_eq!(lacking(&on(None, &["CREATE"]), Holds::Nothing), ON_TABLES);
        // Each table by itself, but one.
        let tables = ["schema", "lease"].iter().chain(NAMES).filter(|it| **it != "journal");
        let mut each: Vec<Granted> = tables.flat_map(|it| on(Some(it), &ON_TABLES)).collect();
        each.extend(on(Some("journal"), &["SELECT", "UPDATE"]));
        assert_eq!(lacking(&each, current), ["INSERT on journal", "DELETE on journal"]);
    }

    #[test]
    fn who_sees_single_tables_does_not_see_that_there_are_no_others() {
        let one = [(None, "USAGE".to_owned()), (Some("journal".to_owned()), "SELECT".to_owned())];
        let all = [(None, "CREATE".to_owned())];
        for found in [Holds::Nothing, Holds::Others] {
            assert_eq!(seen(&one, false, found), Holds::Unseen);
            assert_eq!((seen(&all, false, found), seen(&one, true, found)), (found, found));
        }
        assert_eq!(seen(&one, false, Holds::Store(2, 2)), Holds::Store(2, 2));
        let each = ON_TABLES.len() * (2 + NAMES.len());
        assert_eq!(lacking(&one, Holds::Unseen).len(), each - 1, "all but what it has");
    }

    #[test]
    fn plugins_are_told_and_nothing_else() {
        for (made, want) in [
            ("CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*D1'", Some("mysql_native_password")),
            ("CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'zi'", Some("ed25519")),
            (
                "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A'",
                Some("caching_sha2_password"),
            ),
            ("CREATE USER `a`@`%`", None),
            ("CREATE USER `a`@`%` IDENTIFIED BY", None),
        ] {
            assert_eq!(plugin(made), want, "{made}");
        }
    }
}
