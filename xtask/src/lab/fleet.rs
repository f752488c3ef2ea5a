//! `cargo xtask lab fleet`: three monitors, their hub and its database server, each killed, paused and cut
//! off in turn, for minutes, on all three kinds of store at once.
//!
//! It is the test of the same name with longer outages, and says how far it is.

use std::process::{Command, ExitCode};

use anyhow::Context;
use clap::Args;

use super::{cargo, passed_on};

/// How long things fail.
#[derive(Debug, Args)]
pub(crate) struct Fleet {
    /// How many seconds each outage lasts
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
}

/// Runs it to its end.
pub(super) fn run(fleet: &Fleet) -> anyhow::Result<ExitCode> {
    println!("14 outages of {} s each, after the other; a store in a file has 12", fleet.seconds);
    let mut test: Command = cargo();
    test.args(["test", "--package", "muster", "--test", "fleet", "--", "--nocapture"]);
    // All at once: they wait for most of the time.
    test.args(["--test-threads", "3", "whole::whoever_fails_meanwhile"]);
    test.env("MUSTER_OUTAGE_S", fleet.seconds.to_string());
    Ok(passed_on(test.status().context("cannot start the test")?))
}
