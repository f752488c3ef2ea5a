//! The command line of a monitor that tells a hub what it hears.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use muster_relay::address::HubAddress;
use muster_relay::trust::Pin;

use super::MonitorCommand;
use super::data::length;

/// `muster monitor`.
#[derive(Clone, Debug, Args)]
pub(crate) struct MonitorArgs {
    /// Something about all monitors, asked of the hub
    #[command(subcommand)]
    pub(crate) command: Option<MonitorCommand>,
    /// How the monitor runs
    #[command(flatten)]
    pub(crate) running: RunningArgs,
}

/// `muster monitor` without a further word: a monitor that runs.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunningArgs {
    /// Where the hub is, as in `https://192.168.1.10:8129` [default: the one that let it in]
    #[arg(long, value_name = "URL")]
    pub(crate) hub: Option<HubAddress>,
    /// Be let in by the code that `muster monitor enrol` showed on the hub, good once
    #[arg(long, value_name = "CODE.PIN", requires = "hub", conflicts_with = "token_file")]
    #[arg(value_parser = enrolment)]
    pub(crate) enrol: Option<Enrolment>,
    /// Be known by the token in this file, and remember nothing
    #[arg(long, value_name = "FILE", requires = "hub")]
    pub(crate) token_file: Option<PathBuf>,
    /// The hub's key, as it shows it; without it the system's certificates are trusted
    #[arg(long, value_name = "PIN", requires = "hub", conflicts_with = "enrol")]
    pub(crate) pin: Option<Pin>,
    /// Look around once, tell the hub, print what was found, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// With --once, how long to look [default: until everybody was asked, or the radio listened for
    /// 10 s]
    #[arg(long = "for", value_name = "DURATION", value_parser = length, requires = "once")]
    pub(crate) length: Option<Duration>,
    /// Hear a made-up household and nothing else; marked as simulated everywhere
    #[arg(long)]
    pub(crate) simulate: bool,
    /// Take the facts of this file too, and what is added to it, as `muster scan --record` writes them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["once", "simulate"])]
    pub(crate) facts: Option<PathBuf>,
}

/// A one-time code, and the hub's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Enrolment {
    /// The code as it was typed.
    pub(crate) code: String,
    /// The hub's key; none: whom the system's certificates vouch for.
    pub(crate) pin: Option<Pin>,
}

fn enrolment(text: &str) -> Result<Enrolment, String> {
    let (code, pin) = match text.split_once('.') {
        Some((code, pin)) => (code, Some(pin.parse::<Pin>().map_err(|it| it.to_string())?)),
        None => (text, None),
    };
    let code = code.trim().to_owned();
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-';
    if code.is_empty() || code.len() > LONGEST_CODE || !code.chars().all(is_plain) {
        return Err("write the code as the hub shows it, as in K7QMX-3XTPA.PIN".to_owned());
    }
    Ok(Enrolment { code, pin })
}

/// More than any code with its dashes.
const LONGEST_CODE: usize = 32;
