//! What `PostgreSQL`'s errors mean, and what to type about them.

use muster_core::ports::{BoxError, StoreError};
use sqlx::postgres::PgDatabaseError;

use crate::server::{Address, Encryption, Way, unavailable};

/// What an error means for the store at an address.
#[expect(clippy::wildcard_enum_match_arm, reason = "more kinds may come, which say no more to us")]
pub(super) fn explain(error: sqlx::Error, address: &Address) -> StoreError {
    let way = &address.way;
    if let sqlx::Error::Database(said) = &error {
        let code = said.code().unwrap_or_default().into_owned();
        let detail = said.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::detail);
        let message = detail.filter(|_| code == OTHERS_DEPEND).unwrap_or(said.message());
        return by_code(&code, message, address);
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
                    "look at store.url, whether it runs (systemctl status postgresql) and listens there \
                     (listen_addresses), and what is in between: pg_isready -h {host} -p {port}"
                ),
                Way::Socket { .. } => "look at store.url, and whether it runs: \
                                   systemctl status postgresql"
                    .to_owned(),
            };
            unavailable(format!("the PostgreSQL server cannot be reached: {way}; {look}"), cause)
        }
        sqlx::Error::Tls(cause) => unavailable(encryption(address), cause),
        sqlx::Error::Configuration(cause) => {
            unavailable(format!("the connection cannot be made as store.url says: {way}"), cause)
        }
        sqlx::Error::PoolTimedOut => unavailable(
            format!("the PostgreSQL server cannot be reached, or too many are reading: {way}"),
            error,
        ),
        sqlx::Error::Decode(cause) => damaged(&cause.to_string(), cause),
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::RowNotFound => damaged("a row has another form than expected", error.into()),
        other => unavailable(format!("the PostgreSQL server went away: {way}"), other),
    }
}

fn encryption(address: &Address) -> String {
    let way = &address.way;
    match address.encryption {
        Encryption::Checked { .. } => format!(
            "no connection that only the right PostgreSQL server can read: {way}; either it does not \
             encrypt (ssl = on there), or its certificate is not one of store.ca_file or of those that \
             this machine trusts, or is for another name"
        ),
        Encryption::None | Encryption::Unchecked => {
            format!("the PostgreSQL server does not encrypt: {way}; set ssl = on there")
        }
    }
}

fn by_code(code: &str, message: &str, address: &Address) -> StoreError {
    let Address { way, user, database, .. } = address;
    let cause = || BoxError::from(message.to_owned());
    let what = match code {
        "28P01" => format!(
            "the PostgreSQL server does not take {user}'s password: look at store.password_file; on the \
             server: psql -c '\\password {user}'"
        ),
        "28000" => format!(
            "the PostgreSQL server does not let {user} in from here: {message}; look at its pg_hba.conf, \
             or make the user: createuser --pwprompt {user}"
        ),
        "3D000" => format!(
            "there is no database {database} on the PostgreSQL server; make it: \
             createdb --encoding=UTF8 --template=template0 --owner={user} {database}"
        ),
        "42501" | "3F000" => format!(
            "the user {user} may not do that in the database {database}: {message}; on the server: psql \
             -c 'ALTER DATABASE \"{database}\" OWNER TO \"{user}\"' -c 'GRANT ALL ON SCHEMA public TO \
             \"{user}\"' {database}"
        ),
        "25006" => format!("the PostgreSQL server only lets read, as a standby does: {way}"),
        "53100" => "disk full on the PostgreSQL server".to_owned(),
        "53300" => format!("the PostgreSQL server has no connection left (max_connections): {way}"),
        "55P03" => "the PostgreSQL server keeps a lock of ours for somebody else".to_owned(),
        "57P01" | "57P02" | "57P03" => {
            format!("the PostgreSQL server is stopping or starting: {way}")
        }
        "XX001" | "XX002" => return damaged("its pages contradict each other", cause()),
        "58P01" => return damaged(&format!("a file of it is missing there: {message}"), cause()),
        // What a disk does not give back is lost, however often it is asked for.
        "58030" => {
            let what = format!(
                "the disk of the PostgreSQL server does not read or write: {message}; look after it there \
                 (dmesg) first"
            );
            return damaged(&what, cause());
        }
        // Our statements are fixed, so tables that they do not fit are not as we made them.
        "42P01" | "42703" | "42P10" | "42804" => {
            return damaged("its tables are not as they should be", cause());
        }
        OTHERS_DEPEND => {
            let which = message.replace('\n', "; ");
            return StoreError::Refused {
                what: format!(
                    "views of your own are made of muster's, which cannot go or be made anew before \
                     them: {which}; drop yours, and make them again when the hub runs: psql -c 'DROP \
                     VIEW ...' {database}"
                ),
            };
        }
        _ if code.starts_with("22") || code.starts_with("23") => {
            return StoreError::Refused {
                what: format!("the store does not take this: {message}"),
            };
        }
        _ => format!("the PostgreSQL server cannot go on: {message}"),
    };
    unavailable(what, cause())
}

fn damaged(what: &str, cause: BoxError) -> StoreError {
    StoreError::Damaged { what: format!("{what}; restore a backup with `pg_restore`"), cause }
}

/// What is to be dropped is needed by something else, which the detail names.
const OTHERS_DEPEND: &str = "2BP01";
