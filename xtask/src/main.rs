//! The workspace's chores, one module each. `cargo xtask --help` lists them.
//!
//! This file only names the chores and hands over; what a chore does, and what it refuses to do,
//! stands in its module.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who started it"
)]

mod check;

mod lab;

mod oui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of the Muster workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run every check that a change must pass, in order, and stop at the first that fails
    Check(check::Options),
    /// Open a place to try Muster by hand
    #[command(subcommand)]
    Lab(lab::Lab),
    /// Rebuild the vendor table from the listings of Debian's ieee-data package
    Oui,
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Check(options) => check::run(&options),
        Chore::Lab(lab) => lab::run(&lab),
        Chore::Oui => oui::run().map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
