//! What every store here can do beyond the core's [`Store`] port.

use std::collections::BTreeMap;

use muster_core::ports::{BoxFuture, Store, StoreError};
use tokio::sync::mpsc::Sender;

use crate::transfer::Piece;

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

    /// Fails unless this process is still its one writer.
    fn still_leads(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Hands on every row of every table, of one moment. Of a table that is damaged it is told that it is.
    fn rows(&self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// How many bytes each table takes on the disk, with its indexes, as the engine counts them.
    fn sizes(&self) -> BoxFuture<'_, Result<BTreeMap<&'static str, u64>, StoreError>>;

    /// Begins or ends to keep readings a second time, as plain rows with views for the SQL of other
    /// programs. Whoever opens the store next goes on with that. How many hours were written for it, at
    /// once: a minute or two for a fleet's month. One that is interrupted is begun anew by the next call, and
    /// until then there are no views.
    fn keep_plain(&self, wanted: bool) -> BoxFuture<'_, Result<u64, StoreError>>;
}
