//! A store on a `PostgreSQL` server, 12 or newer: older ones do not notice when a hub's machine is gone, and
//! would keep the next one out for hours.
//!
//! Rows go in as one array for each column, whatever their number, so that each table has one statement.

use std::sync::Arc;
use std::time::Duration;

use muster_core::ports::{Clock, StoreError};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgSslMode};
use sqlx::{ConnectOptions as _, Postgres as Driver};
use tokio::time::timeout;

use crate::server::engine::{Connection, Engine};
use crate::server::filling::Filling;
use crate::server::survey::{self, Holds, Known};
use crate::server::{Address, Encryption, Secret, Server, Survey, Way, unavailable};
use crate::transfer::Blank;
use crate::{Access, Kept};

mod columns;

mod session;

mod fault;

mod known;

/// Opens the store in a database of a `PostgreSQL` server. Needs a tokio runtime.
pub async fn open(address: Address, access: Access) -> Result<Arc<dyn Kept>, StoreError> {
    let holder = address.holder.clone();
    Ok(Arc::new(Server::open(Postgres { address }, &holder, access).await?))
}

/// Begins to copy a store into an empty database of a `PostgreSQL` server. Needs a tokio runtime.
pub async fn fill(address: Address) -> Result<Box<dyn Blank>, StoreError> {
    let holder = address.holder.clone();
    Ok(Box::new(Filling::begin(Postgres { address }, &holder).await?))
}

/// Looks at a database of a `PostgreSQL` server. Needs a tokio runtime.
pub async fn survey(address: Address, clock: &dyn Clock) -> Result<Survey, StoreError> {
    survey::survey(&Postgres { address }, clock).await
}

/// `PostgreSQL`, as a store speaks with it.
#[derive(Debug)]
struct Postgres {
    address: Address,
}

impl Engine for Postgres {
    type Db = Driver;
    const READ: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const MIGRATIONS: &'static [&'static str] = &[
        include_str!("../migrations/postgres/0001_first.sql"),
        include_str!("../migrations/postgres/0002_far_monitors.sql"),
    ];
    const LEASE: &'static str = "CREATE TABLE IF NOT EXISTS lease (id BIGINT PRIMARY KEY,
        epoch BIGINT NOT NULL, expires BIGINT NOT NULL, holder TEXT COLLATE \"C\" NOT NULL)";
    const CLOCK: &'static str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    const ALL_TABLES: &'static str = "SELECT count(*) FROM pg_class
        WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'p')";
    const OUR_TABLES: &'static str = "SELECT count(*) FROM pg_class
        WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relname IN ('schema', 'lease')";
    const SIZE: &'static str = "SELECT pg_total_relation_size(quote_ident(?1)::regclass)";

    const PLAIN: [&'static str; 3] = [
        include_str!("../views/postgres/tables.sql"),
        include_str!("../views/postgres/views.sql"),
        include_str!("../views/postgres/drop.sql"),
    ];
    const VIEWS: &'static str = "SELECT count(*) FROM pg_views
        WHERE schemaname = current_schema() AND viewname = 'plain_shape'";
    const LEFT: &'static str = "SELECT count(*) FROM pg_tables
        WHERE schemaname = current_schema() AND tablename = 'plain_winner'";

    fn instant(micros: &str) -> String {
        micros.to_owned()
    }

    fn micros(column: &str) -> String {
        column.to_owned()
    }

    fn readers(&self) -> PgPool {
        let pool = PoolOptions::new().max_connections(READERS).acquire_timeout(TO_CONNECT);
        pool.connect_lazy_with(self.options())
    }

    async fn reader(&self) -> Result<Connection<Self>, StoreError> {
        self.connect().await
    }

    async fn writer(&self) -> Result<Connection<Self>, StoreError> {
        let mut conn = self.connect().await?;
        let prepared = sqlx::raw_sql(FOR_WRITING).execute(&mut conn).await;
        prepared.map_err(|it| self.explain(it))?;
        Ok(conn)
    }

    async fn fits(&self, conn: &mut PgConnection) -> Result<(), StoreError> {
        let explain = |it| self.explain(it);
        let asked = sqlx::query_as(
            "SELECT current_setting('server_version_num')::bigint, \
            current_setting('server_version'), current_setting('server_encoding')",
        );
        let (number, version, encoding): (i64, String, String) =
            asked.fetch_one(conn).await.map_err(explain)?;
        fit(number, &version, &encoding, &self.address)
    }

    async fn known(&self, conn: &mut PgConnection, holds: Holds) -> Result<Known, sqlx::Error> {
        known::known(conn, holds).await
    }

    async fn script(conn: &mut PgConnection, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sql).execute(conn).await.map(drop)
    }

    fn explain(&self, error: sqlx::Error) -> StoreError {
        fault::explain(error, &self.address)
    }

    fn backup(&self) -> String {
        let Address { way, user, database, .. } = &self.address;
        let there = match way {
            Way::Network { host, port } => format!("-h {host} -p {port}"),
            Way::Socket { path, port } => format!("-h {} -p {port}", path.display()),
        };
        format!(
            "the store is on a PostgreSQL server, whose own program copies it: \
             pg_dump {there} -U {user} -Fc -f FILE {database}"
        )
    }
}

impl Postgres {
    async fn connect(&self) -> Result<PgConnection, StoreError> {
        let options = self.options();
        match timeout(TO_CONNECT, options.connect()).await {
            Ok(it) => it.map_err(|it| self.explain(it)),
            Err(late) => {
                let what = format!("the PostgreSQL server does not answer: {}", self.address.way);
                Err(unavailable(what, late))
            }
        }
    }

    fn options(&self) -> PgConnectOptions {
        let Address { way, user, password, database, encryption, .. } = &self.address;
        let options = PgConnectOptions::new_without_pgpass()
            .application_name("muster")
            .username(user)
            .password(password.as_ref().map_or("", Secret::reveal))
            .database(database)
            .disable_statement_logging();
        let options = match way {
            Way::Network { host, port } => options.host(host).port(*port),
            Way::Socket { path, port } => options.socket(path).port(*port),
        };
        match encryption {
            Encryption::None => options.ssl_mode(PgSslMode::Disable),
            Encryption::Unchecked => options.ssl_mode(PgSslMode::Require),
            Encryption::Checked { ca_file: None } => options.ssl_mode(PgSslMode::VerifyFull),
            Encryption::Checked { ca_file: Some(file) } => {
                options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(file)
            }
        }
    }
}

/// Refuses what cannot keep a store.
fn fit(number: i64, version: &str, encoding: &str, address: &Address) -> Result<(), StoreError> {
    if number < OLDEST {
        let what = format!(
            "the PostgreSQL server is too old to notice a hub that is gone; it takes 12 or newer: {version}"
        );
        return Err(StoreError::Refused { what });
    }
    if encoding != "UTF8" {
        let database = &address.database;
        let what = format!(
            "the database {database} keeps {encoding}, which has no room for every name; make one that \
             does: createdb --encoding=UTF8 --template=template0 --owner={} {database}",
            address.user
        );
        return Err(StoreError::Refused { what });
    }
    Ok(())
}

/// Whatever the server's own settings are: a commit that was answered is on its disk, what a hub locked that
/// stopped in the middle of a transaction is free before anybody gives up waiting for it, and a hub whose
/// machine is gone is noticed within a minute.
const FOR_WRITING: &str = "SET synchronous_commit = on; SET tcp_keepalives_idle = 15;
    SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 30000;
    SET lock_timeout = 10000; SET idle_in_transaction_session_timeout = 4000;
    SET default_transaction_isolation = 'read committed'";
/// `tcp_user_timeout` came with it.
const OLDEST: i64 = 120_000;
/// One for the pages, one for whoever is slow.
const READERS: u32 = 2;
/// What a busy server may take to let somebody in.
const TO_CONNECT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address {
            way: Way::Network { host: "db".to_owned(), port: 5432 },
            user: "anna".to_owned(),
            password: Some(Secret::new("s3cret".to_owned())),
            database: "home".to_owned(),
            encryption: Encryption::None,
            holder: String::new(),
        }
    }

    #[test]
    fn old_servers_and_other_character_sets_are_refused() {
        fit(150_018, "15.18", "UTF8", &address()).unwrap();
        fit(120_000, "12.0", "UTF8", &address()).unwrap();
        let old = fit(110_022, "11.22", "UTF8", &address()).unwrap_err().to_string();
        assert!(old.contains("12 or newer: 11.22"), "{old}");
        let other = fit(150_018, "15.18", "LATIN1", &address()).unwrap_err().to_string();
        assert!(other.contains("keeps LATIN1") && other.ends_with("--owner=anna home"), "{other}");
    }

    #[test]
    fn nobody_is_shown_the_password() {
        assert!(!format!("{:?}", Postgres { address: address() }).contains("s3cret"));
    }

    #[test]
    fn a_copy_is_left_to_the_servers_own_program() {
        let said = Postgres { address: address() }.backup();
        assert!(said.ends_with("pg_dump -h db -p 5432 -U anna -Fc -f FILE home"), "{said}");
    }
}
