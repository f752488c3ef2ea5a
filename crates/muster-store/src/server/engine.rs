//! What a database server has to bring so that a store can be kept on it: a way in, a dialect
//! ([`Session`]), and no decisions.

use std::fmt::Debug;
use std::future::Future;

use muster_core::ports::StoreError;
use sqlx::{Database, Pool};

use super::survey::{Holds, Known};
use crate::session::Session;

/// A kind of server, and where one is.
pub(crate) trait Engine: Debug + Send + Sync + Sized + 'static {
    /// The driver.
    type Db: Database<Connection: Session>;
    /// Begins a transaction in which all that is read is of one moment.
    const READ: &'static str;
    /// The statements that lead from each schema to the next; the first makes it.
    const MIGRATIONS: &'static [&'static str];

    /// Makes the table of the lease, unless there is one.
    const LEASE: &'static str;
    /// The server's clock: microseconds since 1970.
    const CLOCK: &'static str;

    /// Counts the tables in the database.
    const ALL_TABLES: &'static str;
    /// Counts those that are called `schema` and `lease`.
    const OUR_TABLES: &'static str;

    /// The bytes of the table of this name, with its indexes.
    const SIZE: &'static str;

    /// Makes the tables of plain rows, makes the views on them, lets go of both.
    const PLAIN: [&'static str; 3];
    /// Counts the views that say the shape of plain rows, which are made last and dropped first.
    const VIEWS: &'static str;
    /// Counts the tables of plain winners, which are made first and dropped last.
    const LEFT: &'static str;
    /// A time of which there are microseconds, as one that is kept for other programs.
    fn instant(micros: &str) -> String;
    /// The microseconds of a column with such times.
    fn micros(column: &str) -> String;

    /// Two connections to look through, made when they are needed.
    fn readers(&self) -> Pool<Self::Db>;

    /// A connection to look through.
    fn reader(&self) -> impl Future<Output = Result<Connection<Self>, StoreError>> + Send;

    /// A connection to write through. The server ends one that stops in the middle of a transaction, within
    /// seconds, and waits for no lock for long.
    fn writer(&self) -> impl Future<Output = Result<Connection<Self>, StoreError>> + Send;

    /// Refuses a server that cannot keep a store: too old, another character set.
    fn fits(
        &self,
        conn: &mut Connection<Self>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What the server says of itself and of us; which rights we need depends on what is in the database.
    fn known(
        &self,
        conn: &mut Connection<Self>,
        holds: Holds,
    ) -> impl Future<Output = Result<Known, sqlx::Error>> + Send;

    /// Says several things that make or change tables.
    fn script(
        conn: &mut Connection<Self>,
        sql: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// What an error means, and what to do about it.
    fn explain(&self, error: sqlx::Error) -> StoreError;

    /// Why a copy is not made here, and what to type instead.
    fn backup(&self) -> String;
}

/// A connection of an engine.
pub(crate) type Connection<E> = <<E as Engine>::Db as Database>::Connection;
