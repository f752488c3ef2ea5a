//! Where everything is kept: the adapters behind the core's [`Store`](muster_core::ports::Store) port, and
//! the suite of cases that each of them has to pass.
//!
//! A store replaces rows by their key and never merges or judges; that is the core's. How values are laid
//! out in rows, what is written and what is asked is said once, for all of them.

pub use disk::FileError;
pub use kept::{Access, Kept};

pub mod sqlite;

pub mod server;

pub mod postgres;

pub mod mariadb;

pub mod conformance;

mod kept;

mod session;

mod write;

mod read;

mod record;

mod rows;

mod far;

mod readings;

mod plain;

mod judged;

mod directory;

mod cursors;

mod tables;

mod cells;

mod disk;

pub mod transfer;

pub mod archive;

pub mod check;

pub mod old;
