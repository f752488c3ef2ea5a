//! A Bluetooth controller that is a program: one adapter for the kernel by `/dev/vhci`, and the
//! neighbourhood that it hears, which whoever tries Muster changes while it runs.
//!
//! [`controller`] decides what a controller would answer and when; it reads no clock and touches no
//! device. [`air`] is who is around, [`request`] what people say, [`serve`] the world's end of it.
//! It shares no code with what Muster hears by, so that neither repeats the other's mistakes.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "answers go to whoever asked, and what the controller does not know to its log"
)]

mod serve;

mod controller;

mod air;

mod request;

mod l2cap;

mod security_manager;

mod cipher;

mod hci;

mod address;

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use address::Address;

/// A Bluetooth controller without hardware, and its neighbourhood.
#[derive(Debug, Parser)]
#[command(name = "radio")]
struct Cli {
    /// Where the controller listens for requests
    #[arg(long, global = true, default_value = "/run/radio.sock")]
    socket: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be the controller, until ended
    Serve {
        /// The adapter's own address
        #[arg(long, default_value = "02:00:00:00:00:01")]
        address: Address,
        /// Offer the extended scanning of Bluetooth 5, which the kernel then uses
        #[arg(long)]
        extended: bool,
    },
    /// Say something to a running controller: one request per argument, or per line of the input
    #[command(after_help = request::HELP)]
    Tell { requests: Vec<String> },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve { address, extended } => serve::run(&cli.socket, address, extended),
        Command::Tell { requests } => tell(&cli.socket, requests),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends each request and prints each answer; the first that is refused ends it.
fn tell(socket: &Path, requests: Vec<String>) -> io::Result<ExitCode> {
    let mut to = UnixStream::connect(socket)?;
    let mut from = BufReader::new(to.try_clone()?);
    let mut say = |request: &str| {
        writeln!(to, "{request}")?;
        let mut answer = String::new();
        from.read_line(&mut answer)?;
        let answer = answer.trim_end();
        if let Some(said) = answer.strip_prefix("ok") {
            if !said.is_empty() {
                println!("{}", said.trim_start());
            }
            return Ok::<_, io::Error>(true);
        }
        eprintln!("error: {request}: {answer}");
        Ok(false)
    };
    if requests.is_empty() {
        for line in io::stdin().lines() {
            if !say(&line?)? {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    for request in requests {
        if !say(&request)? {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
