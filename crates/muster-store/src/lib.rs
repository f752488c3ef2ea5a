//! Where everything is kept: the adapters behind the core's [`Store`] port, and the suite of cases that
//! each of them has to pass.
//!
//! A store replaces rows by their key and never merges or judges; that is the core's. How values are laid
//! out in rows, what is written and what is asked is said once, for all of them.

use muster_core::ports::{BoxFuture, Store, StoreError};

pub mod sqlite;

pub mod server;

pub mod postgres;

pub mod mariadb;

pub mod conformance;

mod session;

mod write;

mod read;

mod record;

mod rows;

mod far;

mod readings;

mod judged;

mod directory;

mod cursors;

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To be its one writer. Makes the store if there is none.
    ReadWrite,
    /// To look only, also while another process writes.
    ReadOnly,
}

/// A store that somebody opened.
pub trait Kept: Store + std::fmt::Debug {
    /// Lets go of it in good order; nobody asks it anything afterwards. One that is dropped, or killed,
    /// loses nothing either.
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Ends when another process has become the store's one writer, and says who. Never while a file is
    /// the store: that belongs to its process.
    fn overtaken(&self) -> BoxFuture<'_, String>;
}
