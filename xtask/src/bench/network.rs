//! A network in namespaces of its own: a cable, pretend devices at its far end, scanners at this.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::stopwatch::{Stopwatch, cpu_of, status_of};

/// Does a piece of work, in this program, inside a network that has nothing but `lo`.
pub(super) fn enter(work: &str, folder: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--"]).arg(std::env::current_exe()?);
    command.args(["bench", "--child", work]).arg(folder);
    let status = command.status().context("cannot start unshare")?;
    ensure!(status.success(), "the work in its own network failed: {work}");
    Ok(())
}

/// The program of that name beside this one, or below.
pub(super) fn built(name: &str) -> anyhow::Result<PathBuf> {
    let folder = std::env::current_exe()?;
    Ok(folder.parent().context("no folder")?.join(name))
}

/// A port of the loopback on which nobody listens yet.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Builds what is measured.
pub(super) fn build(arguments: &[&str]) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release"]).args(arguments).status()?;
    ensure!(built.success(), "it cannot be built: {}", arguments.join(" "));
    Ok(())
}

/// `ip`, with these words.
pub(super) fn ip(words: &str) -> anyhow::Result<()> {
    let done = Command::new("ip").args(words.split(' ')).status();
    ensure!(done.context("cannot start ip")?.success(), "ip {words}");
    Ok(())
}

/// The devices at the far end; dropping it takes the cable away.
pub(super) struct Devices {
    child: Child,
    _input: ChildStdin,
}

impl Devices {
    /// Lays the cable and starts 100 devices at its far end.
    pub(super) fn start(address: &str, options: &[&str]) -> anyhow::Result<Self> {
        let script = "echo in; read go; ip link set far0 addrgenmode none up; exec \"$0\" far0 10.77.0.0 100 \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--net", "--", "sh", "-c", script]).arg(built("examples/lan_responder")?);
        command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start unshare")?;
        let mut input = child.stdin.take().context("no input")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        ensure!(lines.next().transpose()?.as_deref() == Some("in"), "no second network");
        ip("link add lan0 type veth peer name far0")?;
        ip(&format!("link set far0 netns {}", child.id()))?;
        ip(&format!("addr add {address} dev lan0"))?;
        ip("link set lan0 up")?;
        writeln!(input, "go")?;
        let ready = lines.next().transpose()?.unwrap_or_default();
        ensure!(ready.starts_with("ready"), "no devices: {ready}");
        Ok(Self { child, _input: input })
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        // Both may be gone already.
        self.child.kill().ok();
        self.child.wait().ok();
        Command::new("ip").args(["link", "del", "lan0"]).output().ok();
    }
}

/// What a scan took.
pub(super) struct Scan {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
    /// Peak memory, bytes.
    pub(super) memory: u64,
    /// Frames that left this end.
    pub(super) frames: u64,
    pub(super) output: String,
}

/// Runs a scanner to its end, or until it has taken too long (then none).
pub(super) fn scan(
    program: &Path,
    words: &[&str],
    output: &Path,
    limit: Duration,
) -> anyhow::Result<Option<Scan>> {
    let before = frames()?;
    let file = fs::File::create(output)?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(file).stderr(Stdio::null());
    let watch = Stopwatch::start();
    let started = command.spawn();
    let mut child =
        started.with_context(|| format!("cannot start {}\nhint: {INSTALL}", program.display()))?;
    let (mut cpu, mut memory) = (Duration::ZERO, 0);
    let wall = loop {
        if child.try_wait()?.is_some() {
            break watch.elapsed();
        }
        if watch.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        // It may end between being asked and answering.
        cpu = cpu_of(child.id()).unwrap_or(cpu).max(cpu);
        memory = status_of(&child.id().to_string(), "VmHWM").unwrap_or(memory).max(memory);
        sleep(LOOK_EVERY);
    };
    let output = fs::read_to_string(output)?;
    Ok(Some(Scan { wall, cpu, memory, frames: frames()? - before, output }))
}

fn frames() -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/net/dev")?;
    let line = text.lines().find_map(|it| it.trim().strip_prefix("lan0:"));
    let count = line.and_then(|it| it.split_whitespace().nth(9)).context("no lan0")?;
    Ok(count.parse()?)
}

const LOOK_EVERY: Duration = Duration::from_millis(2);
const INSTALL: &str = "apt-get install arp-scan nmap iproute2";
