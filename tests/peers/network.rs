//! A real network for a test: two namespaces, a cable between them, devices at one end and whoever
//! listens at the other, each a process of its own.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The network. Dropping it takes everything away again.
pub(crate) struct Bed {
    name: String,
    folder: tempfile::TempDir,
}

/// With which rights a program listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// As nobody, with nothing.
    None,
    /// As nobody, with `CAP_NET_RAW` only.
    NetRaw,
}

impl Bed {
    /// Builds it; the hub's end has the address 10.77.0.1.
    ///
    /// It takes root (network namespaces); without it the test fails and says so.
    pub(crate) fn new(test: &str) -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "this test builds network namespaces and needs root: sudo -E cargo nextest run"
        );
        let name = format!("mt{}{test}", std::process::id());
        let folder = tempfile::Builder::new().prefix("muster-lan-").tempdir().expect("a folder");
        let open = Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("our own folder");
        let bed = Self { name, folder };
        for end in ["h", "l"] {
            ip(&["netns", "add", &bed.space(end)]);
        }
        bed.plug();
        bed
    }

    /// Puts the cable in, both ends up.
    pub(crate) fn plug(&self) {
        let (hub, lan) = (self.space("h"), self.space("l"));
        let pair = ["link", "add", "va0", "netns", &hub, "type", "veth", "peer", "name"];
        ip(&[&pair[..], &["vb0", "netns", &lan]].concat());
        ip(&["-n", &hub, "addr", "add", "10.77.0.1/24", "dev", "va0"]);
        ip(&["-n", &hub, "link", "set", "lo", "up"]);
        ip(&["-n", &hub, "link", "set", "va0", "up"]);
        ip(&["-n", &lan, "link", "set", "vb0", "up"]);
    }

    /// `ip` in the hub's namespace.
    pub(crate) fn ip_at_hub(&self, words: &[&str]) {
        ip(&[&["-n", &self.space("h")], words].concat());
    }

    /// `tc` in the hub's namespace.
    pub(crate) fn tc_at_hub(&self, words: &[&str]) {
        run("tc", &[&["-n", &self.space("h")], words].concat());
    }

    /// A second interface at the hub, `vx0`, with a network on which nobody is.
    pub(crate) fn second_network(&self) {
        self.ip_at_hub(&["link", "add", "vx0", "type", "veth", "peer", "name", "vy0"]);
        self.ip_at_hub(&["addr", "add", "10.78.0.1/24", "dev", "vx0"]);
        for end in ["vx0", "vy0"] {
            self.ip_at_hub(&["link", "set", end, "up"]);
        }
    }

    /// Has the kernel tell of more than a socket's buffer holds.
    pub(crate) fn flood_of_notifications(&self) {
        let batch = self.folder.path().join("batch");
        let one = |n: u32| {
            let (c, d) = (n / 200, n % 200 + 20);
            let entry = format!("10.77.{c}.{d} lladdr 02:00:00:00:{c:02x}:{d:02x} dev va0");
            format!("neigh replace {entry} nud stale\nneigh del 10.77.{c}.{d} dev va0\n")
        };
        let lines: String = (0..5000).map(one).collect();
        fs::write(&batch, lines).expect("room for a list");
        self.ip_at_hub(&["-batch", &batch.display().to_string()]);
    }

    /// Has a station that is none of the devices answer for `ip` from now on.
    pub(crate) fn stranger(&self, address: &str) {
        ip(&["-n", &self.space("l"), "addr", "add", &format!("{address}/32"), "dev", "vb0"]);
    }

    /// Has the kernel doubt its neighbours after 5 s already, and ask a second later.
    pub(crate) fn hurry(&self) {
        let table = "/proc/sys/net/ipv4/neigh/va0";
        let set = format!(
            "echo 5000 > {table}/base_reachable_time_ms; echo 1 > {table}/delay_first_probe_time"
        );
        ip(&["netns", "exec", &self.space("h"), "sh", "-c", &set]);
    }

    /// Devices at the far end.
    pub(crate) fn devices(&self, hosts: &str, options: &[&str]) -> Process {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space("l")]);
        command.arg(self.copy(&example("lan_responder")));
        command.args(["vb0", "10.77.0.0", hosts]).args(options);
        let mut it = Process::start(command);
        it.wait_for(&format!("ready {hosts}"));
        it
    }

    /// The source alone at the near end, watching the cable.
    pub(crate) fn source(&self, rights: Rights, options: &[&str]) -> Process {
        let mut command = self.as_nobody(rights, &example("lan_watch"));
        command.arg("va0").args(options);
        Process::start(command)
    }

    /// A program at the near end, as nobody.
    pub(crate) fn as_nobody(&self, rights: Rights, program: &Path) -> Command {
        let capabilities = match rights {
            Rights::None => "-all",
            Rights::NetRaw => "-all,+net_raw",
        };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space("h"), "setpriv", "--clear-groups"]);
        command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
        command.arg("--no-new-privs");
        for set in ["inh", "ambient", "bounding"] {
            let option =
                if set == "bounding" { "--bounding-set".into() } else { format!("--{set}-caps") };
            command.arg(format!("{option}={capabilities}"));
        }
        command.arg(self.copy(program));
        command
    }

    /// The file by which the hub's namespace can be entered.
    pub(crate) fn hub_space(&self) -> PathBuf {
        Path::new("/run/netns").join(self.space("h"))
    }

    /// A program where nobody may run it too.
    fn copy(&self, program: &Path) -> PathBuf {
        let copy = self.folder.path().join(program.file_name().expect("a program has a name"));
        if !copy.exists() {
            fs::copy(program, &copy).expect("room for a copy");
        }
        copy
    }

    fn space(&self, end: &str) -> String {
        format!("{}{end}", self.name)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        for end in ["h", "l"] {
            let _gone = Command::new("ip").args(["netns", "del", &self.space(end)]).status();
        }
    }
}

/// A running program that talks in lines.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Process {
    fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("iproute2 and util-linux are installed");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take().expect("piped");
        Self { child, input, lines, said: Vec::new() }
    }

    /// Types a line.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it runs");
    }

    /// Reads on until a line contains `text`; that line. Fails after [`PATIENCE`].
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        self.wait_until(text, |line| line.contains(text))
    }

    /// Reads on until `enough` likes a line.
    pub(crate) fn wait_until(&mut self, what: &str, enough: impl Fn(&str) -> bool) -> String {
        let end = running() + PATIENCE;
        loop {
            let Ok(line) = self.lines.recv_timeout(end.saturating_sub(running())) else {
                panic!("no {what:?}; it said:\n{}", self.said.join("\n"));
            };
            self.said.push(line.clone());
            if enough(&line) {
                return line;
            }
        }
    }

    /// Reads until it ends, all that it said.
    pub(crate) fn wait_for_end(&mut self) -> &[String] {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push(line);
        }
        &self.said
    }

    /// All lines read so far.
    pub(crate) fn said(&self) -> &[String] {
        &self.said
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), signal).expect("it runs");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn ip(words: &[&str]) {
    run("ip", words);
}

fn run(program: &str, words: &[&str]) {
    let done = Command::new(program).args(words).output().expect("iproute2 is installed");
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {}: {error}", words.join(" "));
}

/// Time as it passes, whatever the civil clock does.
fn running() -> Duration {
    let read = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    read.expect("Linux has this clock").into()
}

/// An example of the sources, which every build of all tests builds.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let deps = test.parent().and_then(Path::parent).expect("target/debug/deps");
    let built = deps.join("examples").join(name);
    assert!(
        built.exists(),
        "{} is not built: cargo build -p muster-sources --examples",
        built.display()
    );
    built
}

/// The user who may nothing.
pub(crate) const NOBODY: u32 = 65_534;
/// Long enough for a busy machine; a test that passes does not wait for it.
const PATIENCE: Duration = Duration::from_mins(2);
