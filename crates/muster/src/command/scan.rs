//! `muster scan`: one look around, written nowhere unless told so.

use crate::cli::ScanArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// Runs the command.
pub(crate) fn run(_context: &Context, _args: &ScanArgs) -> Result<(), Failure> {
    Err(Failure::new(Exit::Failed, "waits for the source"))
}
