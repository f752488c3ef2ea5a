//! A store on a `MariaDB` server, 10.1 or newer, or a `MySQL` server, 5.7 or newer.
//!
//! Rows go in many to a statement, in few sizes, so that each is prepared once.

use std::sync::Arc;
use std::time::Duration;

use muster_core::ports::{Clock, StoreError};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlSslMode};
use sqlx::pool::PoolOptions;
use sqlx::{ConnectOptions as _, MySql as Driver};
use tokio::time::timeout;

use crate::server::engine::{Connection, Engine};
use crate::server::filling::Filling;
use crate::server::survey::{self, Holds, Known};
use crate::server::{Address, Encryption, Secret, Server, Survey, Way, unavailable};
use crate::transfer::Blank;
use crate::{Access, Kept};

pub mod ble_monitor;

mod columns;

mod session;

mod fault;

mod known;

/// Opens the store in a database of a `MariaDB` or `MySQL` server. Needs a tokio runtime.
pub async fn open(address: Address, access: Access) -> Result<Arc<dyn Kept>, StoreError> {
    let holder = address.holder.clone();
    Ok(Arc::new(Server::open(MariaDb { address }, &holder, access).await?))
}

/// Begins to copy a store into an empty database of a `MariaDB` or `MySQL` server. Needs a tokio runtime.
pub async fn fill(address: Address) -> Result<Box<dyn Blank>, StoreError> {
    let holder = address.holder.clone();
    Ok(Box::new(Filling::begin(MariaDb { address }, &holder).await?))
}

/// Looks at a database of a `MariaDB` or `MySQL` server. Needs a tokio runtime.
pub async fn survey(address: Address, clock: &dyn Clock) -> Result<Survey, StoreError> {
    survey::survey(&MariaDb { address }, clock).await
}

/// `MariaDB`, as a store speaks with it.
#[derive(Debug)]
struct MariaDb {
    address: Address,
}

impl Engine for MariaDb {
    type Db = Driver;
    const READ: &'static str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    const MIGRATIONS: &'static [&'static str] = &[
        include_str!("../migrations/mariadb/0001_first.sql"),
        include_str!("../migrations/mariadb/0002_far_monitors.sql"),
    ];
    const LEASE: &'static str = "CREATE TABLE IF NOT EXISTS lease (id BIGINT PRIMARY KEY,
        epoch BIGINT NOT NULL, expires BIGINT NOT NULL, holder VARCHAR(255) NOT NULL)
        ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    const CLOCK: &'static str = "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)";
    const ALL_TABLES: &'static str =
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE()";
    const OUR_TABLES: &'static str = "SELECT count(*) FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name IN ('schema', 'lease')";
    const SIZE: &'static str = "SELECT CAST(data_length + index_length AS SIGNED)
        FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?1";

    const PLAIN: [&'static str; 3] = [
        include_str!("../views/mariadb/tables.sql"),
        include_str!("../views/mariadb/views.sql"),
        include_str!("../views/mariadb/drop.sql"),
    ];
    const VIEWS: &'static str = "SELECT count(*) FROM information_schema.views
        WHERE table_schema = DATABASE() AND table_name = 'plain_shape'";
    const LEFT: &'static str = "SELECT count(*) FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name = 'plain_winner'";

    fn instant(micros: &str) -> String {
        format!("FROM_UNIXTIME({micros} DIV 1000000)")
    }

    fn micros(column: &str) -> String {
        format!("UNIX_TIMESTAMP({column}) * 1000000")
    }

    fn readers(&self) -> MySqlPool {
        let pool = PoolOptions::new().max_connections(READERS).acquire_timeout(TO_CONNECT);
        let pool = pool.after_connect(|conn, _| {
            Box::pin(async move { sqlx::raw_sql(FOR_READING).execute(conn).await.map(drop) })
        });
        pool.connect_lazy_with(self.options())
    }

    async fn reader(&self) -> Result<Connection<Self>, StoreError> {
        let mut conn = self.connect().await?;
        let prepared = sqlx::raw_sql(FOR_READING).execute(&mut conn).await;
        prepared.map_err(|it| self.explain(it))?;
        Ok(conn)
    }

    async fn writer(&self) -> Result<Connection<Self>, StoreError> {
        let mut conn = self.connect().await?;
        let prepared = sqlx::raw_sql(FOR_WRITING).execute(&mut conn).await;
        prepared.map_err(|it| self.explain(it))?;
        Ok(conn)
    }

    async fn fits(&self, conn: &mut MySqlConnection) -> Result<(), StoreError> {
        let asked = sqlx::query_scalar("SELECT VERSION()").fetch_one(conn).await;
        let version: String = asked.map_err(|it| self.explain(it))?;
        fit(&version)
    }

    async fn known(&self, conn: &mut MySqlConnection, holds: Holds) -> Result<Known, sqlx::Error> {
        known::known(conn, holds).await
    }

    async fn script(conn: &mut MySqlConnection, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sql).execute(conn).await.map(drop)
    }

    fn explain(&self, error: sqlx::Error) -> StoreError {
        fault::explain(error, &self.address)
    }

    fn backup(&self) -> String {
        let Address { way, user, database, .. } = &self.address;
        let there = match way {
            Way::Network { host, port } => format!("-h {host} -P {port}"),
            Way::Socket { path, .. } => format!("-S {}", path.display()),
        };
        format!(
            "the store is on a MariaDB or MySQL server, whose own program copies it: \
             mariadb-dump --single-transaction {there} -u {user} -p --result-file=FILE {database}"
        )
    }
}

impl MariaDb {
    async fn connect(&self) -> Result<MySqlConnection, StoreError> {
        let options = self.options();
        match timeout(TO_CONNECT, options.connect()).await {
            Ok(it) => it.map_err(|it| self.explain(it)),
            Err(late) => {
                let what = format!("the MariaDB server does not answer: {}", self.address.way);
                Err(unavailable(what, late))
            }
        }
    }

    fn options(&self) -> MySqlConnectOptions {
        let Address { way, user, password, database, encryption, .. } = &self.address;
        let options = MySqlConnectOptions::new()
            .username(user)
            .password(password.as_ref().map_or("", Secret::reveal))
            .database(database)
            .charset("utf8mb4")
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .disable_statement_logging();
        let options = match way {
            Way::Network { host, port } => options.host(host).port(*port),
            Way::Socket { path, .. } => options.socket(path),
        };
        match encryption {
            Encryption::None => options.ssl_mode(MySqlSslMode::Disabled),
            Encryption::Unchecked => options.ssl_mode(MySqlSslMode::Required),
            Encryption::Checked { ca_file: None } => options.ssl_mode(MySqlSslMode::VerifyIdentity),
            Encryption::Checked { ca_file: Some(file) } => {
                options.ssl_mode(MySqlSslMode::VerifyIdentity).ssl_ca(file)
            }
        }
    }
}

/// Refuses what cannot keep a store. Versions are as in `10.11.6-MariaDB-0+deb12u1` and `8.0.36`; some say
/// `5.5.5-` first, for clients that know nothing newer.
fn fit(version: &str) -> Result<(), StoreError> {
    let told = version.strip_prefix("5.5.5-").unwrap_or(version);
    let is_mariadb = told.contains("MariaDB");
    let oldest = if is_mariadb { (10, 1) } else { (5, 7) };
    let mut numbers = told.split(|it: char| !it.is_ascii_digit()).map(str::parse::<u32>);
    let mut number = || numbers.next().and_then(Result::ok).unwrap_or(0);
    if (number(), number()) >= oldest {
        return Ok(());
    }
    let what =
        format!("the server is too old; it takes MariaDB 10.1, MySQL 5.7 or newer: {version}");
    Err(StoreError::Refused { what })
}

/// Names in double quotes, and nothing is cut to fit.
const FOR_READING: &str = "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES',
        SESSION innodb_lock_wait_timeout = 10;
    SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
/// A hub that says nothing has no session for long: what it locked in the middle of a transaction is free
/// before anybody gives up waiting for it.
const FOR_WRITING: &str = "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES',
        SESSION innodb_lock_wait_timeout = 10, SESSION wait_timeout = 4,
        SESSION time_zone = '+00:00';
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
/// One for the pages, one for whoever is slow.
const READERS: u32 = 2;
/// What a busy server may take to let somebody in.
const TO_CONNECT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_refused() {
        for version in [
            "10.11.19-MariaDB-0+deb12u1",
            "5.5.5-10.1.48-MariaDB",
            "11.8.2-MariaDB",
            "8.0.36",
            "5.7.44",
        ] {
            fit(version).unwrap();
        }
        for version in ["5.5.5-10.0.38-MariaDB", "5.5.68-MariaDB", "5.6.51", "what"] {
            let told = fit(version).unwrap_err().to_string();
            assert!(told.contains("too old") && told.ends_with(version), "{told}");
        }
    }

    #[test]
    fn a_copy_is_left_to_the_servers_own_program() {
        let address = Address {
            way: Way::Socket { path: "/run/mysqld/mysqld.sock".into(), port: 3306 },
            user: "anna".to_owned(),
            password: Some(Secret::new("s3cret".to_owned())),
            database: "home".to_owned(),
            encryption: Encryption::None,
            holder: String::new(),
        };
        let engine = MariaDb { address };
        assert!(!format!("{engine:?}").contains("s3cret"));
        let said = engine.backup();
        assert!(
            said.contains("mariadb-dump --single-transaction -S /run/mysqld/mysqld.sock"),
            "{said}"
        );
    }
}
