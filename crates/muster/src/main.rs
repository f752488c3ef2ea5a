//! The `muster` binary: reads the command line, runs one command, reports how it went.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::context::Context;

mod cli;
mod command;
mod context;
mod failure;

mod dispatch;
mod senders;

mod broadcasts;
mod declare;
mod hold;
mod import;
mod inspection;
mod keyring;
mod monitors;
mod pairing;
mod picture;
mod pseudonyms;
mod pulse;
mod recognise;
mod refusals;
mod registry;
mod retention;
mod runtime;
mod stop;
mod supervisor;
mod trouble;

mod doors;
mod greeting;
mod hub;
mod listen;

mod client;
mod offline;
mod output;
mod password;
mod past;
mod shape;

mod shelf;
mod standby;
mod when;

mod demo;
mod playback;

mod doctor;

mod belief;
mod clock;
mod folder;
mod logs;
mod machine;
mod memory;
mod owner;
mod privileges;

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
