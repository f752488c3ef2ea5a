//! Placeholder until the run helper's file lands.

use crate::cli::ServeArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};

pub(crate) fn run(_context: &Context, _args: &ServeArgs) -> Result<(), Failure> {
    Err(Failure::new(Exit::Failed, "this command is not built yet"))
}
