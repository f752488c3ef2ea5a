//! The workspace's chores, one module each. `cargo xtask --help` lists them.
//!
//! This file only names the chores and hands over; what a chore does, and what it refuses to do,
//! stands in its module.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who started it"
)]

mod bench;

mod check;

mod lab;
mod leave;

mod names;

mod numbers;

mod oui;

mod simulate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use muster_sim::simulate::Game;

/// Chores of the Muster workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Measure what Muster costs, with what others need for the same work beside it
    Bench(bench::Options),
    /// Run every check that a change must pass, in order, and stop at the first that fails
    Check(check::Options),
    /// Open a place to try Muster by hand
    #[command(subcommand)]
    Lab(lab::Lab),
    /// Play random worlds against the hub's machines and compare with the reference
    Simulate {
        /// How many worlds
        #[arg(long, default_value_t = 1000)]
        seeds: u64,
        /// The first seed
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// Give the hub three hours of memory, so that it forgets and fetches
        #[arg(long)]
        forgetful: bool,
        /// Compare what is at hand with a fresh start after each event; slow
        #[arg(long, conflicts_with = "forgetful")]
        closely: bool,
    },
    /// Measure false departures against leave delay; writes leave.json and leave.svg
    Leave {
        /// How many households
        #[arg(long, default_value_t = 5)]
        households: u64,
        /// For how many days each
        #[arg(long, default_value_t = 28)]
        days: u64,
        /// Into which folder
        #[arg(long, default_value = "docs/benchmarks")]
        into: PathBuf,
    },
    /// Rebuild the table of Bluetooth's assigned numbers from a checkout of bluetooth-numbers-database
    Numbers {
        /// Its folder `v1`
        from: PathBuf,
    },
    /// Rebuild the vendor table from the listings of Debian's ieee-data package
    Oui,
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Bench(options) => bench::run(&options),
        Chore::Check(options) => check::run(&options),
        Chore::Lab(lab) => lab::run(&lab),
        Chore::Simulate { seeds, first, forgetful, closely } => {
            let game = match (forgetful, closely) {
                (true, _) => Game::Forgetful,
                (_, true) => Game::Close,
                _ => Game::Usual,
            };
            simulate::run(seeds, first, game).map(|()| ExitCode::SUCCESS)
        }
        Chore::Leave { households, days, into } => {
            leave::run(households, days, &into).map(|()| ExitCode::SUCCESS)
        }
        Chore::Numbers { from } => numbers::run(&from).map(|()| ExitCode::SUCCESS),
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
