//! Placeholder until the run helper's file lands.

use crate::cli::ReplayArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};

pub(crate) fn run(_context: &Context, _args: &ReplayArgs) -> Result<(), Failure> {
    Err(Failure::new(Exit::Failed, "this command is not built yet"))
}
