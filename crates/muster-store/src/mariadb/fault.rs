//! What the errors of `MariaDB` and `MySQL` mean, and what to type about them.

use muster_core::ports::{BoxError, StoreError};
use sqlx::mysql::MySqlDatabaseError;

use crate::server::{Address, Encryption, Way, unavailable};

/// What an error means for the store at an address.
#[expect(clippy::wildcard_enum_match_arm, reason = "more kinds may come, which say no more to us")]
pub(super) fn explain(error: sqlx::Error, address: &Address) -> StoreError {
    let Address { way, user, .. } = address;
    if let Some(said) =
        error.as_database_error().and_then(|it| it.try_downcast_ref::<MySqlDatabaseError>())
    {
        return by_number(said.number(), said.message(), address);
    }
    match error {
        // What is said of a certificate comes as bytes that make no sense.
        sqlx::Error::Io(cause)
            if cause.kind() == std::io::ErrorKind::InvalidData
                && !matches!(address.encryption, Encryption::None) =>
        {
            unavailable(encryption(address), cause)
        }
        sqlx::Error::Io(cause) => {
            let look = match way {
                Way::Network { host, port } => format!(
                    "look at store.url, whether it runs (systemctl status mariadb) and listens there \
                     (bind-address), and what is in between: mariadb-admin -h {host} -P {port} ping"
                ),
                Way::Socket { .. } => {
                    "look at store.url, and whether it runs: systemctl status mariadb".to_owned()
                }
            };
            unavailable(format!("the MariaDB server cannot be reached: {way}; {look}"), cause)
        }
        sqlx::Error::Tls(cause) => unavailable(encryption(address), cause),
        sqlx::Error::Protocol(said) if said.contains(UNKNOWN_LOGIN) => unavailable(
            format!(
                "the server wants {user} to log in by a plugin that muster does not know ({said}); give \
                 the user a password: ALTER USER '{user}'@'%' IDENTIFIED VIA mysql_native_password USING \
                 PASSWORD('...') (MySQL: IDENTIFIED WITH caching_sha2_password BY '...')"
            ),
            said,
        ),
        // The one thing that a connection of ours is refused for after it was made.
        sqlx::Error::Configuration(cause) => unavailable(
            format!(
                "the MySQL server takes {user}'s password over an encrypted connection only \
                 (caching_sha2_password): set store.tls = \"verify\" or \"require\""
            ),
            cause,
        ),
        sqlx::Error::PoolTimedOut => unavailable(
            format!("the MariaDB server cannot be reached, or too many are reading: {way}"),
            error,
        ),
        sqlx::Error::Decode(cause) => damaged(&cause.to_string(), cause),
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::RowNotFound => damaged("a row has another form than expected", error.into()),
        other => unavailable(format!("the MariaDB server went away: {way}"), other),
    }
}

fn encryption(address: &Address) -> String {
    let way = &address.way;
    match address.encryption {
        Encryption::Checked { .. } => format!(
            "no connection that only the right MariaDB server can read: {way}; either it does not \
             encrypt (ssl_cert, ssl_key there), or its certificate is not one of store.ca_file or of \
             those that this machine trusts, or is for another name"
        ),
        Encryption::None | Encryption::Unchecked => format!(
            "the MariaDB server does not encrypt: {way}; give it a certificate (ssl_cert, ssl_key)"
        ),
    }
}

/// Numbers as in the references of `MariaDB` and `MySQL` of server errors.
fn by_number(number: u16, message: &str, address: &Address) -> StoreError {
    let Address { way, user, database, .. } = address;
    let cause = || BoxError::from(message.to_owned());
    let what = match number {
        1045 | 1698 | 4151 => format!(
            "the MariaDB server does not take {user}'s password from here: {message}; look at \
             store.password_file{}; on the server: mariadb -e \"SELECT user, host, plugin FROM mysql.user; \
             CREATE USER '{user}'@'%' IDENTIFIED BY '...'\"",
            match address.encryption {
                // A user who has to come in encrypted is refused in the same words.
                Encryption::None => {
                    "; if the user has to encrypt (REQUIRE SSL), set store.tls = \"verify\""
                }
                Encryption::Unchecked | Encryption::Checked { .. } => "",
            }
        ),
        1130 => format!(
            "the MariaDB server lets nobody in from here: {message}; on the server: mariadb -e \"CREATE \
             USER '{user}'@'%' IDENTIFIED BY '...'\""
        ),
        1049 => format!(
            "there is no database {database} on the MariaDB server; make it: mariadb -e \"CREATE DATABASE \
             {database}; GRANT ALL ON {database}.* TO '{user}'@'%'\""
        ),
        1044 | 1142 | 1143 | 1227 | 1370 => format!(
            "the user {user} may not do that in the database {database}: {message}; on the server: mariadb \
             -e \"GRANT ALL ON {database}.* TO '{user}'@'%'\""
        ),
        3159 => {
            "the server takes encrypted connections only: set store.tls = \"verify\" or \"require\""
                .to_owned()
        }
        1290 | 1792 | 1836 => {
            format!("the MariaDB server only lets read, as a replica does: {way}: {message}")
        }
        1021 | 1114 => "disk full on the MariaDB server".to_owned(),
        1040 | 1203 | 1226 => {
            format!("the MariaDB server has no connection left (max_connections): {way}")
        }
        1053 => format!("the MariaDB server is stopping: {way}"),
        1205 | 1213 => "the MariaDB server keeps a lock of ours for somebody else".to_owned(),
        1034 | 1194 | 1712 => return damaged("its pages contradict each other", cause()),
        // Our statements are fixed, so tables that they do not fit are not as we made them.
        1054 | 1136 | 1146 => return damaged("its tables are not as they should be", cause()),
        1048 | 1062 | 1264 | 1366 | 1406 => {
            return StoreError::Refused {
                what: format!("the store does not take this: {message}"),
            };
        }
        _ => format!("the MariaDB server cannot go on: {message}"),
    };
    unavailable(what, cause())
}

fn damaged(what: &str, cause: BoxError) -> StoreError {
    StoreError::Damaged { what: format!("{what}; restore a backup with `mariadb`"), cause }
}

/// What the driver says of a plugin that it cannot answer.
const UNKNOWN_LOGIN: &str = "authentication plugin";
