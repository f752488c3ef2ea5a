//! `muster store`: looks after what is kept, whatever keeps it.

use muster_core::ports::StoreError;

use crate::failure::{Exit, Failure};
use crate::folder::{is_held, is_in_use};
use crate::shelf::Shelf;

pub(crate) mod moving;

pub(crate) mod check;

/// What is said of a store that cannot be had to write to it, with what helps if a hub has it.
pub(crate) fn taken(shelf: &Shelf<'_>, error: StoreError, hint: &str) -> Failure {
    if !is_in_use(&error) && !is_held(&error) {
        return shelf.unreadable(error);
    }
    Failure::new(Exit::Unreachable, format!("somebody writes to the store: {}", shelf.place()))
        .because(anyhow::anyhow!(error.to_string()))
        .hint(hint)
}
