//! One module a command; this one only picks.

use crate::cli::Command;
use crate::context::Context;
use crate::failure::Failure;

mod replay;
mod serve;

/// Runs the command.
pub(crate) fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(context, &args),
        Command::Replay(args) => replay::run(context, &args),
        _ => Err(Failure::new(crate::failure::Exit::Failed, "this command is not built yet")),
    }
}
