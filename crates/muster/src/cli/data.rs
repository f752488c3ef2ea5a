//! The commands that read recordings, the network and the history.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;
use muster_config::store::Tls;

/// `muster scan`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScanArgs {
    /// Where to look
    #[arg(value_enum, hide_possible_values = true, default_value_t = Medium::Lan)]
    pub(crate) medium: Medium,
    /// How long to look [default: until everybody was asked, or the radio listened for 10 s]
    #[arg(long = "for", value_name = "DURATION", value_parser = length)]
    pub(crate) length: Option<Duration>,
    /// Stop as soon as every known address has been asked once; the radio listens for one turn
    #[arg(long)]
    pub(crate) single: bool,
    /// Also write every fact to this file, as `muster replay` reads it
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

/// A number of hours of the past.
fn hours(text: &str) -> Result<u32, String> {
    let read = text.parse().ok().filter(|it| (1..=MOST_HOURS).contains(it));
    read.ok_or_else(|| format!("write a whole number from 1 to {MOST_HOURS}"))
}

/// Ten years.
const MOST_HOURS: u32 = 87_600;

/// A length of time as people type it.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let wrong = || "that is no length of time, as in 10s, 5m or 1h30m".to_owned();
    let span: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).map_err(|_| wrong())
}

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Medium {
    /// The local network
    Lan,
    /// Bluetooth low energy
    Ble,
    /// Classic Bluetooth
    Classic,
}

/// `muster decode`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DecodeArgs {
    /// A capture (btsnoop, pcap, pcapng), hexadecimal digits, or - for standard input
    #[arg(value_name = "FILE|HEX|-", default_value = "-")]
    pub(crate) input: String,
    /// What bare hexadecimal input is, one a line
    #[arg(long = "as", value_enum, hide_possible_values = true)]
    #[arg(value_name = "advertisement|hci|ethernet", default_value_t = DecodeAs::Advertisement)]
    pub(crate) kind: DecodeAs,
    /// How the identifiers begin that apps send, instead of `tags.prefixes` of the configuration; may be
    /// given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) tag_prefix: Vec<String>,
    /// A file with the identity resolving keys of devices, to tell whose a private address is; may be
    /// given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) irk_file: Vec<PathBuf>,
}

/// What bare hexadecimal input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecodeAs {
    /// Bluetooth advertising data
    Advertisement,
    /// Bluetooth host packets behind their type (H4)
    Hci,
    /// Ethernet frames
    Ethernet,
}

/// `muster replay`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Recordings: captures (btsnoop, pcap, pcapng) or fact files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The monitor that is said to have heard the captures
    #[arg(long, value_name = "NAME", default_value = "replay")]
    pub(crate) monitor: String,
    /// How fast: max, or that many times real time
    #[arg(long, value_name = "max|N", default_value = "max")]
    pub(crate) speed: Speed,
    /// Keep the store in this folder, adding to what it holds [default: a throw-away store]
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
    /// A file with the identity resolving keys of devices, to tell whose a private address is; may be
    /// given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) irk_file: Vec<PathBuf>,
}

/// `muster import`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// The database of a BLE Monitor: its monitors, devices and sightings
    #[command(
        after_help = "Example: muster import ble-monitor --database mysql://ble_user@db.local/ble_monitor \
                      --password-file password --time-zone Europe/Berlin"
    )]
    BleMonitor(BleMonitorArgs),
    /// The `config.ini` of a BLE Monitor, as the configuration of a Muster on the same machine
    #[command(
        after_help = "Example: muster import ble-monitor-config config.ini --write muster.toml"
    )]
    BleMonitorConfig {
        /// The file
        file: PathBuf,
        /// Write it to this file, which must not exist [default: print it]
        #[arg(long, value_name = "FILE")]
        write: Option<PathBuf>,
    },
}

/// `muster import ble-monitor`.
#[derive(Clone, Debug, Args)]
pub(crate) struct BleMonitorArgs {
    /// Where it is: `mysql://USER@HOST/DATABASE`
    #[arg(long, value_name = "URL")]
    pub(crate) database: String,
    /// A file whose first line is the user's password there [default: it is asked for]
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<String>,
    /// Whether others on the way can read along [default: verify, but off on this machine]
    #[arg(long, value_name = "off|require|verify", value_parser = tls)]
    pub(crate) tls: Option<Tls>,
    /// The time zone of the old monitors, as in Europe/Berlin [default on a terminal: that of the
    /// configuration]
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
}

fn tls(text: &str) -> Result<Tls, String> {
    match text {
        "off" => Ok(Tls::Off),
        "require" => Ok(Tls::Require),
        "verify" => Ok(Tls::Verify),
        _ => Err("write off, require or verify".to_owned()),
    }
}

/// How fast a recording is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    /// As fast as the machine can.
    Max,
    /// So many times real time.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(it) if it.is_finite() && it > 0.0 => Ok(Self::Times(it)),
            _ => Err("a speed is max or a number above 0".to_owned()),
        }
    }
}

/// `muster report`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Who was where, from when to when; today if no time is given
    #[command(after_help = "Example: muster report stays --from 2026-11-01 --to 2026-11-07 \
                      --format csv")]
    Stays(StaysArgs),
    /// Devices and readings by hour and monitor, of the last 24 hours
    #[command(after_help = "Example: muster report hourly --from 2026-11-01 --to 2026-11-07")]
    Hourly(ReadingsArgs),
    /// What each monitor heard best in the last 24 hours, and how it is
    #[command(after_help = "Example: muster report monitors --hours 168")]
    Monitors(ReadingsArgs),
    /// When each device was heard in the last 24 hours, how often, and where best
    #[command(after_help = "Example: muster report devices --hours 168 --format csv")]
    Devices(ReadingsArgs),
    /// Devices that several monitors heard in an interval of the last 2 hours, and who won
    #[command(after_help = "Example: muster report overlap --monitor kitchen")]
    Overlap(ReadingsArgs),
    /// How many monitors and devices there were in each interval of the last 2 hours
    #[command(after_help = "Example: muster report gaps --from yesterday --to yesterday")]
    Gaps(ReadingsArgs),
    /// People by hour and site, in the last 24 hours
    #[command(after_help = "Example: muster report occupancy --from yesterday")]
    Occupancy(ReadingsArgs),
    /// Devices, new ones and readings by day, in the last 30 days
    #[command(after_help = "Example: muster report days --from 2026-11-01")]
    Days(ReadingsArgs),
    /// The hours of the last 7 days with the most devices
    #[command(after_help = "Example: muster report busiest --limit 5")]
    Busiest(ReadingsArgs),
    /// Devices and readings by the hour of the day, in the mean of the last 7 days
    #[command(after_help = "Example: muster report pattern --from -30d")]
    Pattern(ReadingsArgs),
    /// How many readings of the last 24 hours there are of each class of signals
    #[command(after_help = "Example: muster report signals --monitor kitchen")]
    Signals(ReadingsArgs),
    /// How strongly each monitor heard each device in the last 24 hours, and which is nearest
    #[command(after_help = "Example: muster report nearest --person anna")]
    Nearest(ReadingsArgs),
    /// Devices that were heard for the first time today
    #[command(after_help = "Example: muster report new --from -7d")]
    New(ReadingsArgs),
    /// Devices that were not heard for more than 7 days
    #[command(after_help = "Example: muster report unseen --days 14")]
    Unseen(ReadingsArgs),
    /// Devices that were heard in more than 80 % of the time that was listened today
    #[command(after_help = "Example: muster report regulars --from yesterday --to yesterday")]
    Regulars(ReadingsArgs),
    /// The last readings
    #[command(after_help = "Example: muster report recent --limit 50")]
    Recent(ReadingsArgs),
}

/// About which time a report is.
#[derive(Clone, Debug, Args)]
pub(crate) struct WindowArgs {
    /// From when: a date (inclusive), a time, or relative as in -2d
    #[arg(long, alias = "start-date", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// To when: a date (inclusive) or a time [default: now]
    #[arg(long, alias = "end-date", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// The last so many hours
    #[arg(long, value_name = "N", value_parser = hours, allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["from", "to"])]
    pub(crate) hours: Option<u32>,
}

/// The reports over readings.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReadingsArgs {
    /// About which time
    #[command(flatten)]
    pub(crate) window: WindowArgs,
    /// Only of this monitor
    #[arg(long, value_name = "NAME")]
    pub(crate) monitor: Option<String>,
    /// Only of monitors at this place, or in it
    #[arg(long, value_name = "PLACE")]
    pub(crate) place: Option<String>,
    /// Only of this person's devices
    #[arg(long, value_name = "NAME")]
    pub(crate) person: Option<String>,
    /// In `unseen`: not heard for more than so many days [default: 7]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: Option<u32>,
    /// In `busiest` and `recent`: at most so many rows [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: Option<u32>,
}

/// `muster report stays`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StaysArgs {
    /// About which time
    #[command(flatten)]
    pub(crate) window: WindowArgs,
    /// Only of this person
    #[arg(long, value_name = "NAME", conflicts_with = "device")]
    pub(crate) person: Option<String>,
    /// Only of this device
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Only at this place
    #[arg(long, value_name = "PLACE")]
    pub(crate) place: Option<String>,
    /// Of whom
    #[arg(long, value_enum, value_name = "people|devices|both", hide_possible_values = true)]
    #[arg(default_value_t = Of::People, conflicts_with_all = ["person", "device"])]
    pub(crate) of: Of,
}

/// Whose stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Of {
    /// People's
    People,
    /// Devices'
    Devices,
    /// All
    Both,
}
