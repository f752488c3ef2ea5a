//! `cargo xtask bench`: what Muster costs, measured, with what others need for the same work in
//! the same run beside it.
//!
//! This room names the benchmarks and hands over to a release build of itself; how each is done
//! stands in its own module. Nothing fails because of a figure: `docs/benchmarks.md` keeps them.

use std::process::{Command, ExitCode};

use anyhow::Context;

#[cfg(feature = "bench")]
mod air;
#[cfg(feature = "bench")]
mod backlog;
#[cfg(feature = "bench")]
mod building;
#[cfg(feature = "bench")]
mod client;
#[cfg(feature = "bench")]
mod doze;
#[cfg(feature = "bench")]
mod engine;
#[cfg(feature = "bench")]
mod facts;
#[cfg(feature = "bench")]
mod figure;
#[cfg(feature = "bench")]
mod fleet;
#[cfg(feature = "bench")]
mod hub;
#[cfg(feature = "bench")]
mod ingest;
#[cfg(feature = "bench")]
#[path = "../../tests/peers/mariadb.rs"]
mod mariadb_server;
#[cfg(feature = "bench")]
mod memory;
#[cfg(feature = "bench")]
mod network;
#[cfg(feature = "bench")]
mod peers;
#[cfg(feature = "bench")]
#[path = "../../tests/peers/postgres.rs"]
mod postgres_server;
#[cfg(feature = "bench")]
mod programs;
#[cfg(feature = "bench")]
mod radio;
#[cfg(feature = "bench")]
mod reports;
#[cfg(feature = "bench")]
mod resolve;
#[cfg(feature = "bench")]
mod rows;
#[cfg(feature = "bench")]
mod servers;
#[cfg(feature = "bench")]
mod staging;
#[cfg(feature = "bench")]
mod stopwatch;
#[cfg(feature = "bench")]
mod sweep;
#[cfg(feature = "bench")]
mod wear;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measure only these
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// List the benchmarks and run none
    #[arg(long)]
    list: bool,
    /// Do one benchmark's work in a process of its own
    #[cfg(feature = "bench")]
    #[arg(long, hide = true, value_name = "WORK", num_args = 1..)]
    child: Vec<String>,
}

/// Measures what was asked for.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if options.list {
        for (name, what) in ALL {
            println!("{name:<8} {what}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = options.names.iter().find(|it| ALL.iter().all(|(name, _)| name != it)) {
        eprintln!("error: there is no such benchmark: {unknown}");
        eprintln!("hint: cargo xtask bench --list");
        return Ok(ExitCode::from(2));
    }
    if cfg!(not(feature = "bench")) {
        return in_release(options);
    }
    #[cfg(feature = "bench")]
    if let Some((work, arguments)) = options.child.split_first() {
        return child(work, arguments).map(|()| ExitCode::SUCCESS);
    }
    let is_wanted =
        |name: &&str| options.names.is_empty() || options.names.iter().any(|it| it == name);
    for name in ALL.iter().map(|(name, _)| *name).filter(is_wanted) {
        println!("{name}");
        measure(name).with_context(|| format!("cannot measure {name}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The same in a release build with everything that is measured.
fn in_release(options: &Options) -> anyhow::Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--release", "--package", "xtask", "--features", "bench", "--", "bench"]);
    let status = command.args(&options.names).status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(feature = "bench")]
fn measure(name: &str) -> anyhow::Result<()> {
    match name {
        "engine" => engine::measure(),
        "ingest" => ingest::measure(),
        "rows" => rows::measure(),
        "reports" => reports::measure(),
        "backlog" => backlog::measure(),
        "fleet" => fleet::measure(),
        "memory" => memory::measure(),
        "wear" => wear::measure(),
        "hub" => hub::measure(),
        "sweep" => sweep::measure(),
        "doze" => doze::measure(),
        "radio" => radio::measure(),
        "resolve" => resolve::measure(),
        "air" => air::measure(),
        "leave" => crate::leave::run(HOUSEHOLDS, DAYS, "docs/benchmarks".as_ref()),
        _ => anyhow::bail!("there is no such benchmark: {name}"),
    }
}

#[cfg(not(feature = "bench"))]
fn measure(name: &str) -> anyhow::Result<()> {
    anyhow::bail!("this build cannot measure {name}\nhint: cargo xtask bench {name}")
}

/// Work that must have a process, or a network, of its own.
#[cfg(feature = "bench")]
fn child(work: &str, arguments: &[String]) -> anyhow::Result<()> {
    match work {
        "memory" => memory::fill(arguments),
        "wear" => wear::live(arguments),
        "hub" => hub::inside(arguments),
        "doze" => doze::inside(arguments),
        "sweep" => sweep::inside(arguments),
        "resolve" => resolve::hear(arguments),
        "air" => air::inside(arguments),
        _ => anyhow::bail!("there is no such work: {work}"),
    }
}

/// As `cargo xtask leave` has them.
#[cfg(feature = "bench")]
const HOUSEHOLDS: u64 = 5;
#[cfg(feature = "bench")]
const DAYS: u64 = 28;

/// The benchmarks, in the order in which they run.
const ALL: [(&str, &str); 15] = [
    ("engine", "sightings a second on one core, 10,000 devices"),
    ("ingest", "facts a second from a fact file into SQLite"),
    ("rows", "what monitors send, into each store, beside rows and a procedure"),
    ("reports", "reports over a month and a year, with each store, beside rows"),
    ("backlog", "a monitor that comes back after a day, and what is heard meanwhile"),
    ("fleet", "fifty monitors and their hub: processor, memory, bytes written"),
    ("memory", "memory for 100,000 devices"),
    ("wear", "bytes written in a day of 30 devices"),
    (
        "hub",
        "the release binary: start, idle memory and processor, a change on its way to a client",
    ),
    ("sweep", "a /24 and a /16 with 100 responders, against arp-scan and nmap (as root)"),
    ("doze", "known devices that doze: time and packets until all are found"),
    ("radio", "advertisements a second decoded and identified on one core"),
    (
        "resolve",
        "keys a second tried on private addresses on one core, and memory for a day of them",
    ),
    (
        "air",
        "the release binary on a real Bluetooth stack: processor, memory and delay beside bluetoothd \
         and bleak",
    ),
    ("leave", "false departures against the delay of true ones"),
];
