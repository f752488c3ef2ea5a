//! What a `MariaDB` or `MySQL` server says of itself and of us.

use sqlx::mysql::MySqlConnection;

use crate::server::survey::Known;

/// Asks for all of it.
pub(super) async fn known(conn: &mut MySqlConnection) -> Result<Known, sqlx::Error> {
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
    let granted: Vec<String> = sqlx::query_scalar(GRANTED).fetch_all(conn).await?;
    let lacking = WANTED.iter().filter(|it| granted.iter().all(|granted| granted != *it));
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
        lacking: (!by_role).then(|| lacking.map(ToString::to_string).collect()),
    })
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
/// What was granted on everything, on the database, and on the tables that are there.
const GRANTED: &str = "SELECT privilege_type FROM (
        SELECT grantee, privilege_type FROM information_schema.user_privileges
        UNION SELECT grantee, privilege_type FROM information_schema.schema_privileges
            WHERE DATABASE() LIKE table_schema
        UNION SELECT grantee, privilege_type FROM information_schema.table_privileges
            WHERE table_schema = DATABASE() AND table_name = 'meta') AS granted
    WHERE grantee = CONCAT('''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''',
        SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";
const WANTED: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE"];

#[cfg(test)]
mod tests {
    use super::*;

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
