//! The command line as people type it: names, flags, defaults and help. Decides nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use data::{
    BleMonitorArgs, DecodeArgs, DecodeAs, ImportCommand, Medium, Of, ReadingsArgs, ReplayArgs,
    ReportCommand, ScanArgs, Speed, StaysArgs, WindowArgs,
};
pub(crate) use edit::{
    Carried, DeviceCommand, EnrolArgs, MonitorCommand, OverrideArgs, PersonCommand, PlaceCommand,
};
pub(crate) use keeping::{
    ArchiveArgs, CleanupArgs, Destination, Encrypted, MoveArgs, StoreCommand,
};
pub(crate) use running::{Enrolment, MonitorArgs, RunningArgs};

mod data;
mod edit;
mod keeping;
mod running;
#[cfg(test)]
mod tests;

/// Muster knows who is here.
#[derive(Debug, Parser)]
#[command(
    name = "muster",
    version,
    about = "Muster knows who is here, by the local network and Bluetooth",
    after_help = "Example: muster serve\n\nExit codes: 0 done, 1 it failed, 2 wrong usage or configuration, 3 not found, \
                  4 not allowed, 5 unreachable.",
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub(crate) common: Common,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Configuration file [default: `$MUSTER_CONFIG`, else ./muster.toml, else
    /// /etc/muster/muster.toml, else none]
    #[arg(long, global = true, env = "MUSTER_CONFIG", hide_env = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder [default: `$MUSTER_DATA`, else `data` of the configuration,
    /// else `$XDG_DATA_HOME/muster`, for root /var/lib/muster]
    #[arg(long, global = true, env = "MUSTER_DATA", hide_env = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// How to print what was asked for [default: table]
    #[arg(long, global = true, value_enum, value_name = "table|json|csv|xlsx")]
    #[arg(hide_possible_values = true, hide_default_value = true, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Print nothing but what was asked for, and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Whether to use colour; `NO_COLOR` is honoured [default: auto]
    #[arg(long, global = true, value_enum, value_name = "auto|always|never")]
    #[arg(hide_possible_values = true, hide_default_value = true, default_value_t = When::Auto)]
    pub(crate) color: When,
}

/// How to print what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned text for people
    Table,
    /// JSON
    Json,
    /// Comma-separated values with a header
    Csv,
    /// A workbook for spreadsheets, of what is a table; not for a terminal
    Xlsx,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the hub: watch, judge, store, and serve the pages
    #[command(after_help = "Example: muster serve --listen 127.0.0.1:8080")]
    Serve(ServeArgs),
    /// Who is here now
    #[command(after_help = "Example: muster who")]
    Who(WhoArgs),
    /// Why Muster thinks so
    #[command(after_help = "Example: muster explain anna --at 08:30")]
    Explain(ExplainArgs),
    /// List, describe, assign and group devices
    #[command(subcommand, after_help = "Example: muster device list --present")]
    Device(DeviceCommand),
    /// List, add and edit people, and set their presence by hand
    #[command(subcommand, after_help = "Example: muster person add anna --display \"Anna Berg\"")]
    Person(PersonCommand),
    /// List, add and edit places
    #[command(subcommand, after_help = "Example: muster place add Kitchen --in Home")]
    Place(PlaceCommand),
    /// Run a monitor that tells a hub what it hears, or list monitors, let far ones in, and say where
    /// they stand
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Example: muster monitor --once"
    )]
    Monitor(MonitorArgs),
    /// Let phones pair by Bluetooth for a while
    #[command(after_help = "Example: muster pair --for 2m")]
    Pair(PairArgs),
    /// Who is here and what is heard, on one screen that keeps up
    #[command(
        after_help = "Example: muster top --refresh 30s\n\nKeys: q or Esc ends it, r or space looks again at once."
    )]
    Top(TopArgs),
    /// Tables from the history
    #[command(
        subcommand,
        after_help = "Example: muster report stays --from 2026-11-01 --to 2026-11-07"
    )]
    Report(ReportCommand),
    /// Look around once and print what is found
    #[command(after_help = "Example: muster scan lan")]
    Scan(ScanArgs),
    /// Print what a capture says, one JSON object a line
    #[command(after_help = "Example: muster decode capture.pcapng")]
    Decode(DecodeArgs),
    /// Feed recordings through the whole path and print the stays
    #[command(after_help = "Example: muster replay friday.pcap --monitor hub")]
    Replay(ReplayArgs),
    /// Bring along what another system kept, while no hub runs
    #[command(subcommand, after_help = "Example: muster import ble-monitor-config config.ini")]
    Import(ImportCommand),
    /// Check, show and explain the configuration
    #[command(
        subcommand,
        after_help = "Example: muster config explain presence.lan_phone.away_after"
    )]
    Config(ConfigCommand),
    /// What is wrong with this machine for Muster, and the command that mends it
    #[command(after_help = "Example: muster doctor")]
    Doctor {
        /// Only about the store: the connection to its server, rights, version, clock; changes
        /// nothing there
        #[arg(long)]
        store: bool,
    },
    /// Write a verified copy of the store to a new file, also while the hub runs
    #[command(after_help = "Example: muster backup /mnt/usb/muster-friday.db")]
    Backup {
        /// The file to write; it must not exist
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Write everything into one compressed file, of which a store of any kind can be made again, also
    /// while the hub runs
    #[command(after_help = "Example: muster archive /mnt/usb/muster-2026.gz")]
    Archive(ArchiveArgs),
    /// Make a backup or an archive the store; the hub must not run
    #[command(after_help = "Example: muster restore /mnt/usb/muster-friday.db")]
    Restore {
        /// A file that `muster backup` or `muster archive` wrote
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Replace a store that is already there; it is kept beside as muster.before-restore, with
        /// a log muster.before-restore-wal if it had one: move both away before the next time
        #[arg(long)]
        replace: bool,
    },
    /// Forget what is too old, now and by hand; the hub must not run, it does so by itself
    #[command(after_help = "Example: muster cleanup --before 2026-01-01 --dry-run")]
    Cleanup(CleanupArgs),
    /// Check what is kept, or move it to another place
    #[command(subcommand, after_help = "Example: muster store check")]
    Store(StoreCommand),
    /// Print the completion script of a shell
    #[command(
        after_help = "Example: muster completions bash > ~/.local/share/bash-completion/completions/muster"
    )]
    Completions {
        /// For which shell
        #[arg(value_name = "bash|elvish|fish|powershell|zsh", hide_possible_values = true)]
        shell: clap_complete::Shell,
    },
}

/// `muster serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where the pages are served; overrides `listen` of the configuration
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Add a simulated house, marked as such everywhere, in a throw-away store
    #[arg(long)]
    pub(crate) demo: bool,
}

/// An address and a port as people type them.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.strip_prefix("localhost:").or(text.strip_prefix(':')).unwrap_or(text);
        let port = port.parse::<u16>().unwrap_or(8080);
        format!("write an address and a port in digits, as in 127.0.0.1:{port}")
    })
}

/// `muster who`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhoArgs {
    /// Only who is at this place
    #[arg(value_name = "PLACE")]
    pub(crate) place: Option<String>,
    /// Also who is away
    #[arg(long, short)]
    pub(crate) all: bool,
}

/// `muster top`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TopArgs {
    /// Print it once and end
    #[arg(long)]
    pub(crate) once: bool,
    /// How often to look again, 1s to 1h
    #[arg(long, short, value_name = "DURATION", value_parser = pace, default_value = "5s")]
    pub(crate) refresh: Duration,
}

/// How often something is done; a number alone is seconds.
fn pace(text: &str) -> Result<Duration, String> {
    let seconds = text.bytes().all(|it| it.is_ascii_digit());
    let length = if seconds { data::length(&format!("{text}s")) } else { data::length(text) }?;
    let allowed = Duration::from_secs(1)..=Duration::from_hours(1);
    if allowed.contains(&length) { Ok(length) } else { Err("it takes 1s to 1h".to_owned()) }
}

/// `muster pair`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PairArgs {
    /// For how long, 10s to 1h [default: `pairing.window` of the hub's configuration]
    #[arg(long = "for", value_name = "DURATION", value_parser = data::length)]
    pub(crate) length: Option<Duration>,
}

/// `muster explain`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A person's name, or a device's number, name, host name, IP or MAC address, or identity
    #[arg(value_name = "PERSON|DEVICE")]
    pub(crate) subject: String,
    /// Explain a past time: RFC 3339, HH:MM, a date, or relative as in -2h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,
}

/// `muster config`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the configuration and say what is wrong with it
    #[command(after_help = "Example: muster config check --config new.toml")]
    Check,
    /// Print the configuration that is in effect, as TOML
    #[command(after_help = "Example: muster config show")]
    Show,
    /// Say what a key means, what it is set to, and where that was said
    #[command(after_help = "Example: muster config explain sources.lan.poke")]
    Explain {
        /// The key, as in sources.lan.poke, or a section, as in sources.lan
        key: String,
    },
    /// Print the JSON Schema of the configuration file
    #[command(after_help = "Example: muster config schema > muster.schema.json")]
    Schema,
}
