//! One module a command; this one only picks.

use std::io;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command, StoreCommand};
use crate::context::Context;
use crate::failure::Failure;
use crate::output;

mod archive;
mod cleanup;
mod config;
mod copies;
mod decode;
mod device;
mod doctor;
mod explain;
mod heard;
mod import;
mod monitor;
mod pair;
mod person;
mod place;
mod replay;
mod report;
mod scan;
mod serve;
mod store;
mod top;
mod who;

/// Runs the command.
pub(crate) fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(context, &args),
        Command::Who(args) => who::run(context, &args),
        Command::Explain(args) => explain::run(context, &args),
        Command::Device(command) => device::run(context, &command),
        Command::Person(command) => person::run(context, &command),
        Command::Place(command) => place::run(context, &command),
        Command::Monitor(args) => monitor::run(context, &args),
        Command::Pair(args) => pair::run(context, &args),
        Command::Top(args) => top::run(context, &args),
        Command::Report(command) => report::run(context, &command),
        Command::Scan(args) => scan::run(context, &args),
        Command::Decode(args) => decode::run(context, &args),
        Command::Replay(args) => replay::run(context, &args),
        Command::Import(command) => import::run(context, &command),
        Command::Config(command) => config::run(context, &command),
        Command::Doctor { store: false } => doctor::run(context),
        Command::Doctor { store: true } => doctor::of_store(context),
        Command::Backup { file } => copies::backup(context, &file),
        Command::Archive(args) => archive::run(context, &args),
        Command::Restore { file, replace } => copies::restore(context, &file, replace),
        Command::Cleanup(args) => cleanup::run(context, &args),
        Command::Store(StoreCommand::Move(args)) => store::moving::run(context, args),
        Command::Store(StoreCommand::Check) => store::check::run(context),
        Command::Completions { shell } => completions(shell),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = io::Cursor::new(Vec::new());
    clap_complete::generate(shell, &mut Cli::command(), "muster", &mut script);
    output::put(&String::from_utf8_lossy(script.get_ref()))
}
