//! Hubs and monitors as people run them, in folders of their own, with nothing but what they are fed.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::stopwatch::Stopwatch;
use super::{client, network};

/// A program that runs; dropping it kills it.
pub(super) struct Program {
    child: Child,
}

impl Program {
    fn start(command: &mut Command) -> anyhow::Result<Self> {
        Ok(Self { child: command.spawn().context("cannot start muster")? })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits for that.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        ensure!(Command::new("kill").arg(id).status()?.success(), "it had ended already");
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Where a hub lives, whether it runs or not.
pub(super) struct House {
    folder: PathBuf,
    pub(super) port: u16,
}

impl House {
    /// In an existing folder, in which its store may lie already. `store`: what its configuration says of
    /// that.
    pub(super) fn new(folder: &Path, store: &str) -> anyhow::Result<Self> {
        let door = network::free_port()?;
        let config = format!("{store}{NOTHING}[ingest]\nlisten = \"127.0.0.1:{door}\"\n");
        fs::write(folder.join("muster.toml"), config)?;
        Ok(Self { folder: folder.to_owned(), port: network::free_port()? })
    }

    /// Starts the hub; comes back when it answers.
    pub(super) fn hub(&self) -> anyhow::Result<Program> {
        let listen = format!("127.0.0.1:{}", self.port);
        let hub = Program::start(muster(&self.folder)?.args(["serve", "--listen", &listen]))?;
        let watch = Stopwatch::start();
        while let Err(error) = client::get(self.port, "/readyz") {
            ensure!(watch.elapsed() < PATIENCE, "the hub does not answer: {error}");
            sleep(AGAIN);
        }
        Ok(hub)
    }

    /// The words by which a monitor gets in.
    fn invitation(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let mut command = muster(&self.folder)?;
        command.args(["monitor", "enrol", name, "--address", "127.0.0.1"]).stdout(Stdio::piped());
        let said = command.output()?;
        ensure!(said.status.success(), "nobody is let in: {said:?}");
        let line = String::from_utf8(said.stdout)?;
        let words = line.split_whitespace().skip(2).map(str::to_owned).collect();
        Ok(words)
    }
}

/// A monitor, and the file from which it takes what it hears.
pub(super) struct Room {
    folder: tempfile::TempDir,
    heard: File,
    pub(super) monitor: Program,
}

impl Room {
    /// Lets a monitor in.
    pub(super) fn new(house: &House, name: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("muster.toml"), NOTHING)?;
        let path = folder.path().join("heard.jsonl");
        let heard = OpenOptions::new().create(true).append(true).open(&path)?;
        let mut command = muster(folder.path())?;
        command.arg("monitor").args(house.invitation(name)?).arg("--facts").arg(&path);
        Ok(Self { folder, heard, monitor: Program::start(&mut command)? })
    }

    /// It hears this.
    pub(super) fn hears(&mut self, lines: &str) -> anyhow::Result<()> {
        Ok(self.heard.write_all(lines.as_bytes())?)
    }

    /// Whether it has taken everything in.
    pub(super) fn has_read_all(&self) -> anyhow::Result<bool> {
        let id = self.monitor.id();
        let path = self.folder.path().join("heard.jsonl");
        for it in fs::read_dir(format!("/proc/{id}/fd"))? {
            let it = it?;
            if fs::read_link(it.path()).is_ok_and(|it| it == path) {
                let info = PathBuf::from(format!("/proc/{id}/fdinfo")).join(it.file_name());
                let info = fs::read_to_string(info)?;
                let at = info.lines().find_map(|it| it.strip_prefix("pos:")).context("no place")?;
                return Ok(at.trim().parse::<u64>()? >= fs::metadata(&path)?.len());
            }
        }
        anyhow::bail!("it does not read its file")
    }

    /// How many bytes its spool takes.
    pub(super) fn spooled(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for it in fs::read_dir(self.folder.path())? {
            let it = it?;
            if it.file_name().to_string_lossy().contains("spool") {
                sum += it.metadata()?.len();
            }
        }
        Ok(sum)
    }
}

/// The release binary in a folder, as somebody who is not root, on a machine that has run for days: what
/// was noticed before its start could not be dated.
fn muster(folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--time", "--boottime", LONG_UP, "--"]);
    command.arg(network::built("muster")?);
    command.current_dir(folder).env("MUSTER_DATA", folder).env("HOME", folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

const NOTHING: &str = "[sources.lan]\nenabled = false\n[sources.ble]\nenabled = false\n\
                       [sources.classic]\nenabled = false\n";
/// Two days, in seconds.
const LONG_UP: &str = "172800";
const PATIENCE: Duration = Duration::from_mins(1);
const AGAIN: Duration = Duration::from_millis(50);
