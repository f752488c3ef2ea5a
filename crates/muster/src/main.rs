//! The `muster` binary: reads the command line, runs one command, reports how it went.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::context::Context;

mod cli;

mod command;

mod context;

mod failure;

mod output;

mod when;

mod client;

mod shape;

mod offline;

mod past;

mod folder;

mod clock;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(shown) => return failure::usage(&shown),
    };
    let context = Context::new(cli.common);
    match command::run(&context, cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(context.colour_errors()),
    }
}
