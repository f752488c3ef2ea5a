//! The commands that show and change the directory: people, devices, places, monitors.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::data::length;

/// `muster device`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// List devices
    #[command(after_help = "Example: muster device list --present --mark normal")]
    List {
        /// Only those that are here
        #[arg(long, conflicts_with = "away")]
        present: bool,
        /// Only those that are not here
        #[arg(long)]
        away: bool,
        /// Only those with this mark: normal, infrastructure, ignored
        #[arg(long)]
        mark: Option<String>,
        /// Only those whose name, address or vendor contains this text
        #[arg(value_name = "TEXT")]
        search: Option<String>,
    },
    /// Show everything about one device
    #[command(after_help = "Example: muster device show 192.168.1.23")]
    Show {
        /// A device's number, name, host name, IP or MAC address, or identity
        device: String,
    },
    /// Know a device by an identity; or by its identity resolving key, whatever address it has
    #[command(after_help = "Example: muster device add mac:b8:27:eb:01:02:03 --name Printer")]
    Add {
        /// What it is known by, whether it was ever heard or not
        #[arg(required_unless_present = "irk_file", conflicts_with = "irk_file")]
        identity: Option<String>,
        /// A file with the key: 32 hexadecimal digits, or bluetoothd's info file of the device
        #[arg(long, value_name = "FILE")]
        irk_file: Option<PathBuf>,
        /// What to call it
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
    },
    /// Name a device; an empty name takes the name away
    #[command(after_help = "Example: muster device name b8:27:eb:01:02:03 \"Anna's phone\"")]
    Name {
        /// Which device
        device: String,
        /// Its new name
        name: String,
    },
    /// Say what a device is: phone, watch, tag, laptop, tablet, computer, media, printer,
    /// appliance, network, other
    #[command(after_help = "Example: muster device kind 7 phone")]
    Kind {
        /// Which device
        device: String,
        /// What it is
        kind: String,
    },
    /// Say whether a device counts: normal, infrastructure, ignored
    #[command(after_help = "Example: muster device mark \"Kitchen plug\" infrastructure")]
    Mark {
        /// Which device
        device: String,
        /// Its mark
        mark: String,
    },
    /// Give a device to a person, or to nobody
    #[command(after_help = "Example: muster device assign 7 anna --kind phone")]
    Assign {
        /// Which device
        device: String,
        /// To whom: a short name, or nobody
        #[arg(required_unless_present = "nobody", conflicts_with = "nobody")]
        person: Option<String>,
        /// Take it from its owner
        #[arg(long)]
        nobody: bool,
        /// What it is, as `device kind` takes it: only phones, watches and tags tell where their
        /// owner is
        #[arg(long, value_name = "KIND", conflicts_with = "nobody")]
        kind: Option<String>,
        /// From when on, at the latest now [default: now]
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        from: Option<String>,
    },
    /// Put a device's identities into another device, whose name and owner hold; `split` undoes it
    #[command(after_help = "Example: muster device merge 12 7")]
    Merge {
        /// Which device
        device: String,
        /// The device that it really is
        into: String,
    },
    /// Make an identity of a device its own device again
    #[command(after_help = "Example: muster device split 7 mac:da:a1:19:00:00:01")]
    Split {
        /// Which device
        device: String,
        /// Which of its identities
        identity: String,
    },
    /// Unpair a device, remove its keys, and take back its name and owner; what was recorded remains
    #[command(after_help = "Example: muster device forget \"Anna's old phone\" --yes")]
    Forget {
        /// Which device
        device: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Say whether a device goes where its owner goes
    #[command(after_help = "Example: muster device carried \"Anna's laptop\" yes")]
    Carried {
        /// Which device
        device: String,
        /// Whether it does; auto: by its kind
        #[arg(value_name = "yes|no|auto", hide_possible_values = true)]
        carried: Carried,
    },
}

/// Whether a device votes for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Carried {
    /// It does
    Yes,
    /// It does not
    No,
    /// Phones, watches and tags do
    Auto,
}

/// `muster person`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// List people
    #[command(after_help = "Example: muster person list")]
    List,
    /// Show one person and their devices
    #[command(after_help = "Example: muster person show anna")]
    Show {
        /// The person's short name
        name: String,
    },
    /// Add a person
    #[command(after_help = "Example: muster person add anna --display \"Anna Berg\"")]
    Add {
        /// A short name of a-z, 0-9, _ and -, used in commands, addresses and metrics
        name: String,
        /// What people read [default: the short name]
        #[arg(long, value_name = "TEXT")]
        display: Option<String>,
    },
    /// Change what people read; the short name stays
    #[command(after_help = "Example: muster person rename anna \"Anna Berg\"")]
    Rename {
        /// The person's short name
        name: String,
        /// What people read
        display: String,
    },
    /// Remove a person; their devices lose their owner, recorded stays remain
    #[command(after_help = "Example: muster person remove anna --yes")]
    Remove {
        /// The person's short name
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Say that a person is here, whatever the devices say
    #[command(after_help = "Example: muster person home anna --until 18:00")]
    Home(OverrideArgs),
    /// Say that a person is not here, whatever the devices say
    #[command(after_help = "Example: muster person away anna --until +2h")]
    Away(OverrideArgs),
    /// Let the devices say again where a person is
    #[command(after_help = "Example: muster person auto anna")]
    Auto {
        /// The person's short name
        name: String,
    },
}

/// `muster person home` and `muster person away`.
#[derive(Clone, Debug, Args)]
pub(crate) struct OverrideArgs {
    /// The person's short name
    pub(crate) name: String,
    /// Until when at the latest, as in 18:00 or +2h, within 7 days [default: the next 04:00]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,
    /// For how long, as in 2h
    #[arg(long = "for", value_name = "DURATION", value_parser = length, conflicts_with = "until")]
    pub(crate) length: Option<Duration>,
}

/// `muster place`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum PlaceCommand {
    /// List places
    #[command(after_help = "Example: muster place list")]
    List,
    /// Add a place
    #[command(after_help = "Example: muster place add Kitchen --in Home")]
    Add {
        /// Its name
        name: String,
        /// The place that it lies in; without it is a site of its own
        #[arg(long = "in", value_name = "PLACE")]
        within: Option<String>,
    },
    /// Rename a place
    #[command(after_help = "Example: muster place rename here Home")]
    Rename {
        /// Which place
        place: String,
        /// Its new name
        name: String,
    },
    /// Remove a place that holds no monitor and no other place
    #[command(after_help = "Example: muster place remove Kitchen")]
    Remove {
        /// Which place
        place: String,
    },
}

/// `muster monitor`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MonitorCommand {
    /// List monitors: what they hear, what they cannot hear and why
    #[command(after_help = "Example: muster monitor list --far")]
    List {
        /// Far monitors: how each is, and whether it gave a sign of life
        #[arg(long)]
        far: bool,
    },
    /// Let a far monitor in: prints the command to type on it, which is good once, for 15 minutes
    #[command(after_help = "Example: muster monitor enrol kitchen --place Kitchen")]
    Enrol(EnrolArgs),
    /// Shut a far monitor out, at once; what it told remains, and it can be let in again
    #[command(after_help = "Example: muster monitor revoke kitchen")]
    Revoke {
        /// The monitor's name
        monitor: String,
    },
    /// Say where a monitor stands
    #[command(after_help = "Example: muster monitor place hub Kitchen")]
    Place {
        /// The monitor's name
        monitor: String,
        /// The place where it stands
        place: String,
    },
}

/// `muster monitor enrol`.
#[derive(Clone, Debug, Args)]
pub(crate) struct EnrolArgs {
    /// What it is called from then on: letters, digits, _, . and -; one that is there gets another
    /// token
    pub(crate) monitor: String,
    /// The place where it stands [default: where it stood, or the first site]
    #[arg(long, value_name = "PLACE")]
    pub(crate) place: Option<String>,
    /// The sources that it may tell of, as in lan,ble [default: all]
    #[arg(long = "source", value_name = "SOURCE", value_delimiter = ',')]
    pub(crate) sources: Option<Vec<String>>,
    /// The kinds of identity that it may tell of, as in mac,ble [default: all]
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    pub(crate) kinds: Option<Vec<String>>,
    /// By which name or address it reaches this machine [default: that of the default route]
    #[arg(long, value_name = "HOST")]
    pub(crate) address: Option<String>,
}
