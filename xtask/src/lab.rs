//! `cargo xtask lab`: places to try Muster by hand. `lab radio` is `radio`, `lab fleet` is `fleet`; this is
//! `lab lan`, a network of pretend devices.
//!
//! Two network namespaces and a cable: devices at one end, a shell at the other. In the shell,
//! `muster` runs as nobody with `CAP_NET_RAW` only, as it should, and `hosts` switches devices off
//! and on. Nothing outside the namespaces is touched; all is gone when the shell ends.

mod fleet;
mod radio;

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

/// Places to try Muster by hand.
#[derive(Debug, Subcommand)]
pub(crate) enum Lab {
    /// A local network of devices that answer ARP, and a shell in it (needs root)
    Lan(Lan),
    /// A machine with a real Bluetooth stack, a virtual adapter and devices around it, and a shell in it
    Radio(radio::Radio),
    /// Monitors, a hub and its store that fail in turn for minutes while facts flow; nothing may be lost
    Fleet(fleet::Fleet),
}

/// What the network is like.
#[derive(Debug, Args)]
pub(crate) struct Lan {
    /// How many devices
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=200))]
    hosts: u16,
    /// Devices doze: they overlook 35 % of requests and answer after 50 to 1,500 ms
    #[arg(long)]
    doze: bool,
    /// Devices doze, and sleep for 5 to 20 minutes and more
    #[arg(long)]
    sleep: bool,
    /// Run this instead of a shell
    #[arg(last = true)]
    command: Vec<String>,
}

/// Opens the lab and waits until it is left.
pub(crate) fn run(lab: &Lab) -> anyhow::Result<ExitCode> {
    match lab {
        Lab::Lan(lan) => open(lan),
        Lab::Radio(radio) => radio::open(radio),
        Lab::Fleet(fleet) => fleet::run(fleet),
    }
}

fn open(lan: &Lan) -> anyhow::Result<ExitCode> {
    if !is_root()? {
        eprintln!("error: network namespaces need root");
        eprintln!("hint: sudo -E env PATH=\"$PATH\" cargo xtask lab lan");
        return Ok(ExitCode::from(NOT_ALLOWED));
    }
    build()?;
    let bench = Bench::set_up(lan.hosts)?;
    let _devices = bench.start_devices(lan)?;
    explain(lan.hosts);
    Ok(passed_on(bench.shell(&lan.command)?))
}

/// Another program's exit code as this one's.
fn passed_on(status: ExitStatus) -> ExitCode {
    status.code().and_then(|it| u8::try_from(it).ok()).map_or(ExitCode::FAILURE, Into::into)
}

/// The namespaces and the folder; dropping it removes them.
struct Bench {
    folder: PathBuf,
}

/// The responder; dropping it ends it.
struct Devices(Child);

impl Bench {
    fn set_up(hosts: u16) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("muster-lab-{}", std::process::id()));
        // Left over from a lab that was killed.
        for space in [HUB, LAN] {
            if Path::new("/run/netns").join(space).exists() {
                ip(&["netns", "del", space])?;
            }
        }
        fs::create_dir_all(folder.join("bin"))?;
        fs::create_dir_all(folder.join("data"))?;
        let bench = Self { folder };
        for space in [HUB, LAN] {
            ip(&["netns", "add", space])?;
        }
        let cable = ["link", "add", "lan0", "netns", HUB, "type", "veth", "peer", "name", "dev0"];
        ip(&[&cable[..], &["netns", LAN]].concat())?;
        ip(&["-n", HUB, "addr", "add", "10.77.0.1/24", "dev", "lan0"])?;
        for (space, link) in [(HUB, "lo"), (HUB, "lan0"), (LAN, "dev0")] {
            ip(&["-n", space, "link", "set", link, "up"])?;
        }
        bench.fill(hosts)?;
        Ok(bench)
    }

    /// Programs and settings, where nobody may use them too.
    fn fill(&self, hosts: u16) -> anyhow::Result<()> {
        let target = target();
        for (from, to) in [("muster", "bin/muster.real"), ("examples/lan_responder", "responder")] {
            let from = target.join(from);
            fs::copy(&from, self.folder.join(to))
                .with_context(|| format!("cannot copy {}", from.display()))?;
        }
        let folder = self.folder.display();
        self.script(
            "muster",
            &format!(
                "export MUSTER_CONFIG={folder}/muster.toml MUSTER_DATA={folder}/data\n\
                 exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
                 --inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw \
                 --bounding-set=-all,+net_raw {folder}/bin/muster.real \"$@\""
            ),
        )?;
        self.script(
            "hosts",
            &format!(
                "echo \"$@\" > {folder}/switch\n\
                 sleep 0.2\n\
                 test \"$1\" != list || tail -n {hosts} {folder}/devices.log"
            ),
        )?;
        fs::write(self.folder.join("muster.toml"), "[sources.lan]\ninterfaces = [\"lan0\"]\n")?;
        let data = self.folder.join("data");
        std::os::unix::fs::chown(&data, Some(NOBODY), Some(NOBODY))?;
        for open in [&self.folder, &self.folder.join("bin")] {
            fs::set_permissions(open, Permissions::from_mode(0o755))?;
        }
        run_to_end(Command::new("mkfifo").arg(self.folder.join("switch")))
    }

    fn script(&self, name: &str, body: &str) -> anyhow::Result<()> {
        let path = self.folder.join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n"))?;
        Ok(fs::set_permissions(&path, Permissions::from_mode(0o755))?)
    }

    fn start_devices(&self, lan: &Lan) -> anyhow::Result<Devices> {
        // Opened for both, so that the pipe never ends between two commands.
        let switch = OpenOptions::new().read(true).write(true).open(self.folder.join("switch"))?;
        let said = fs::File::create(self.folder.join("devices.log"))?;
        let mut command = Command::new("ip");
        // Should this program be killed, the devices go with it.
        command.args(["netns", "exec", LAN, "setpriv", "--pdeathsig", "KILL"]);
        command.arg(self.folder.join("responder"));
        command.args(["dev0", "10.77.0.0", &lan.hosts.to_string()]);
        command.args(lan.doze.then_some("--doze")).args(lan.sleep.then_some("--sleep"));
        let child = command.stdin(switch).stdout(said).stderr(Stdio::inherit()).spawn();
        Ok(Devices(child.context("cannot start the devices")?))
    }

    fn shell(&self, command: &[String]) -> anyhow::Result<ExitStatus> {
        let own = self.folder.join("bin").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("ip");
        shell.args(["netns", "exec", HUB]).env("PATH", format!("{own}:{path}"));
        shell.env("PS1", "lab# ").env("LAB", &self.folder);
        if command.is_empty() {
            shell.args(["sh", "-i"]);
        } else {
            shell.args(command);
        }
        shell.status().context("cannot start a shell")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for space in [HUB, LAN] {
            if let Err(error) = ip(&["netns", "del", space]) {
                eprintln!("warning: {error:#}");
            }
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("warning: cannot remove {}: {error}", self.folder.display());
        }
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        let ended = self.0.kill().and_then(|()| self.0.wait());
        if let Err(error) = ended {
            eprintln!("warning: the devices did not end: {error}");
        }
    }
}

fn explain(hosts: u16) {
    println!("{hosts} devices on lan0, 10.77.0.10 and on; this end is 10.77.0.1");
    println!();
    println!("  muster serve      the hub, as nobody with CAP_NET_RAW only (also: muster who ...)");
    println!("  hosts off 3 4     switch devices 3 and 4 off (10.77.0.13 and 10.77.0.14)");
    println!("  hosts on 3        switch device 3 on: it says hello");
    println!("  hosts proxy IP    device 0 answers for IP too");
    println!("  hosts list        who is on");
    println!("  exit              take everything away again");
    println!();
}

fn build() -> anyhow::Result<()> {
    let devices = ["build", "--package", "muster-sources", "--example", "lan_responder"];
    run_to_end(cargo().args(devices))?;
    run_to_end(cargo().args(["build", "--package", "muster"]))
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn target() -> PathBuf {
    // This program stands in the folder that its own build wrote to.
    let own = std::env::current_exe().unwrap_or_default();
    own.parent().map_or_else(|| PathBuf::from("target/debug"), Path::to_owned)
}

fn is_root() -> anyhow::Result<bool> {
    let said = Command::new("id").arg("-u").output().context("cannot ask who we are: id -u")?;
    Ok(said.stdout.trim_ascii() == b"0")
}

fn ip(words: &[&str]) -> anyhow::Result<()> {
    run_to_end(Command::new("ip").args(words))
}

fn run_to_end(command: &mut Command) -> anyhow::Result<()> {
    let line = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {line}"))?;
    if !status.success() {
        bail!("{line} ended with {status}");
    }
    Ok(())
}

const HUB: &str = "muster-lab-hub";
const LAN: &str = "muster-lab-lan";
const NOBODY: u32 = 65534;
/// The exit code of a command that lacks rights.
const NOT_ALLOWED: u8 = 4;
