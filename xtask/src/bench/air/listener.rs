//! Those who listen, each started as people start it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::super::client::Events;
use super::super::network;
use super::super::stopwatch;
use super::controller;

/// Who listens, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// `muster scan ble`, by the kernel's management socket.
    Kernel,
    /// The same by bluetoothd.
    Daemon,
    /// A scanner made with bleak.
    Bleak,
    /// `muster serve` with low energy alone, by the kernel.
    KernelHub,
    /// The same by bluetoothd.
    DaemonHub,
}

impl Who {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kernel => "scan, by the kernel",
            Self::Daemon => "scan, by bluetoothd",
            Self::Bleak => "bleak",
            Self::KernelHub => "hub, by the kernel",
            Self::DaemonHub => "hub, by bluetoothd",
        }
    }

    fn way(self) -> &'static str {
        match self {
            Self::Kernel | Self::KernelHub => "management",
            Self::Daemon | Self::DaemonHub | Self::Bleak => "dbus",
        }
    }
}

/// One that listens; dropping it ends it.
#[derive(Debug)]
pub(super) struct Listener {
    who: Who,
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Listener {
    /// Starts it, once nobody listens any more; comes back when it listens. `length` is how long a scan
    /// goes on.
    pub(super) fn start(who: Who, python: &Path, length: Duration) -> anyhow::Result<Self> {
        controller::wait_for_scan("off")?;
        let mut command = Self::command(who, python, length)?;
        let errors = File::create(ERRORS)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let listener = Self { who, child, output };
        let heard = controller::wait_for_scan("active");
        heard.with_context(|| fs::read_to_string(ERRORS).unwrap_or_default())?;
        Ok(listener)
    }

    fn command(who: Who, python: &Path, length: Duration) -> anyhow::Result<Command> {
        if who == Who::Bleak {
            let mut command = Command::new(python);
            command.args(["-c", include_str!("../bleak_scanner.py")]);
            return Ok(command);
        }
        let mut command = Command::new(network::built("muster")?);
        let data = format!("/tmp/{}", who.way());
        command.env("MUSTER_DATA", &data).env("MUSTER__SOURCES__BLE__WAY", who.way());
        let others = ["MUSTER__SOURCES__LAN__ENABLED", "MUSTER__SOURCES__CLASSIC__ENABLED"];
        command.envs(others.map(|it| (it, "false")));
        if matches!(who, Who::KernelHub | Who::DaemonHub) {
            // What earlier ones learned would be no news.
            fs::remove_dir_all(&data).ok();
            command.args(["serve", "--listen", &format!("127.0.0.1:{PORT}")]);
        } else {
            let length = format!("{}s", length.as_secs());
            command.args(["scan", "ble", "--for", &length, "--format", "json"]);
        }
        Ok(command)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it end; how many advertisements it heard. A hub does not say.
    pub(super) fn heard(mut self) -> anyhow::Result<Option<u64>> {
        if matches!(self.who, Who::KernelHub | Who::DaemonHub) {
            return Ok(None);
        }
        if self.who == Who::Bleak {
            end(&self.child)?;
        }
        let mut said = String::new();
        self.output.read_to_string(&mut said)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "{} ended with {status}", self.who.name());
        if self.who == Who::Bleak {
            let count = said.lines().find_map(|it| it.strip_prefix("heard\t"));
            return Ok(Some(count.context("bleak did not say")?.parse()?));
        }
        let rows: Vec<serde_json::Value> = serde_json::from_str(&said)?;
        let counts = rows.iter().map(|it| it["reports"].as_u64().context("no reports"));
        Ok(Some(counts.sum::<anyhow::Result<u64>>()?))
    }

    /// What tells when it was the first to hear of somebody.
    pub(super) fn news(&mut self) -> anyhow::Result<News<'_>> {
        Ok(match self.who {
            Who::KernelHub | Who::DaemonHub => News::Hub(Events::open(PORT)?),
            Who::Kernel | Who::Daemon | Who::Bleak => News::Lines(&mut self.output),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Asks a program to end.
pub(super) fn end(child: &Child) -> anyhow::Result<()> {
    let asked = Command::new("kill").arg(child.id().to_string()).stderr(Stdio::null()).status()?;
    ensure!(asked.success(), "it had ended already");
    Ok(())
}

/// Where a listener tells of those whom it did not know.
pub(super) enum News<'a> {
    Hub(Events),
    Lines(&'a mut BufReader<ChildStdout>),
}

impl News<'_> {
    /// When it told of the next one, in microseconds of civil time.
    pub(super) fn next(&mut self) -> anyhow::Result<i64> {
        match self {
            Self::Hub(events) => {
                events.next("discovered")?;
                Ok(stopwatch::civil().micros())
            }
            Self::Lines(lines) => {
                let mut line = String::new();
                lines.read_line(&mut line)?;
                let at = line.strip_prefix("first\t").and_then(|it| it.split('\t').next());
                let at = at.with_context(|| format!("not the time of an address: {line}"))?;
                Ok(at.replace('.', "").parse()?)
            }
        }
    }
}

const PORT: u16 = 8080;
const ERRORS: &str = "/tmp/listener.log";
