//! The stores beside each other: a file, and databases on servers of their own with the settings that
//! they are shipped with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use muster_store::server::{Address, Encryption, Secret, Way};
use muster_store::sqlite::Sqlite;
use muster_store::{Access, Kept, mariadb, postgres};

use super::mariadb_server::MariaDb;
use super::postgres_server::Postgres;

/// Where a store is.
pub(super) enum Home {
    Sqlite(PathBuf),
    MariaDb(MariaDb),
    Postgres(Postgres),
}

impl Home {
    /// All three; the file is in this folder.
    pub(super) fn all(folder: &Path) -> [Self; 3] {
        [
            Self::Sqlite(folder.join("muster.db")),
            Self::MariaDb(MariaDb::start_as_shipped()),
            Self::Postgres(Postgres::start_as_shipped()),
        ]
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::MariaDb(_) => "MariaDB",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// Throws away what is there; the next store is a new one.
    pub(super) fn empty(&self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(path) => {
                let folder = path.parent().context("no folder")?;
                for it in std::fs::read_dir(folder)? {
                    let it = it?;
                    if it.file_name().to_string_lossy().starts_with("muster.db") {
                        std::fs::remove_file(it.path())?;
                    }
                }
            }
            Self::MariaDb(it) => {
                it.say("mysql", "DROP DATABASE IF EXISTS muster");
                it.make("muster");
            }
            Self::Postgres(it) => {
                it.say("postgres", "DROP DATABASE IF EXISTS muster");
                it.make("muster");
            }
        }
        Ok(())
    }

    /// Opens the store, to write.
    pub(super) async fn open(&self) -> anyhow::Result<Arc<dyn Kept>> {
        let access = Access::ReadWrite;
        Ok(match self {
            Self::Sqlite(path) => Arc::new(Sqlite::open(path, access).await?),
            Self::MariaDb(it) => {
                mariadb::open(address(MariaDb::USER, MariaDb::PASSWORD, it.port), access).await?
            }
            Self::Postgres(it) => {
                postgres::open(address(Postgres::USER, Postgres::PASSWORD, it.port), access).await?
            }
        })
    }

    /// What a configuration says of it; the password is in this file.
    pub(super) fn config(&self, password_file: &Path) -> anyhow::Result<String> {
        let (kind, user, password, port) = match self {
            Self::Sqlite(_) => return Ok(String::new()),
            Self::MariaDb(it) => ("mysql", MariaDb::USER, MariaDb::PASSWORD, it.port),
            Self::Postgres(it) => ("postgres", Postgres::USER, Postgres::PASSWORD, it.port),
        };
        std::fs::write(password_file, password)?;
        let file = password_file.display();
        Ok(format!(
            "[store]\nurl = \"{kind}://{user}@127.0.0.1:{port}/muster\"\npassword_file = \"{file}\"\n"
        ))
    }
}

fn address(user: &str, password: &str, port: u16) -> Address {
    Address {
        way: Way::Network { host: "127.0.0.1".to_owned(), port },
        user: user.to_owned(),
        password: Some(Secret::new(password.to_owned())),
        database: "muster".to_owned(),
        encryption: Encryption::None,
        holder: "a benchmark".to_owned(),
    }
}
