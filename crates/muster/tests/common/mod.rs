//! Runs the real binary, and talks to it as browsers and people do.
//!
//! Waits only for what the program itself says: lines on stderr, events of its stream, its end.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::zombie_processes, reason = "a test that cannot go on ends")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use serde_json::Value;

/// A folder with a configuration that watches no network and no radio, and a data folder in it.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        // A hub that root starts is somebody else, who has to get there.
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(home.path().join("muster.toml"), NOBODY).unwrap();
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The command, alone with this home.
    pub(crate) fn muster(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        self.furnish(&mut command);
        command.args(args);
        command
    }

    /// Gives a command this home's surroundings and nothing of the tester's.
    pub(crate) fn furnish(&self, command: &mut Command) {
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("MUSTER_DATA", self.data())
            .stdin(Stdio::null());
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.muster(args).output().unwrap()
    }

    pub(crate) fn serve(&self) -> Hub {
        Hub::start(self.muster(&["serve", "--listen", "127.0.0.1:0"]))
    }
}

/// A running hub; killed when dropped.
pub(crate) struct Hub {
    child: Child,
    stderr: BufReader<ChildStderr>,
    pub(crate) address: SocketAddr,
    pub(crate) said: String,
}

impl Hub {
    /// Starts it and waits until it says where its page is.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        loop {
            let mut line = String::new();
            let ended = stderr.read_line(&mut line).unwrap() == 0;
            assert!(!ended, "it ended: {:?}, after saying:\n{said}", child.wait());
            said.push_str(&line);
            if let Some(address) = line.strip_prefix("page: http://") {
                let address = address.trim_end().trim_end_matches('/').parse().unwrap();
                return Self { child, stderr, address, said };
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None)
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.try_ask(method, path, body).expect("an answer")
    }

    /// Asks; none when the hub is gone.
    pub(crate) fn try_ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        answered(send(self.address, method, path, body).ok()?)
    }

    /// Asks again with every event of the hub's stream until the answer is there. Fails after
    /// [`LONGEST_WAIT`], with what the hub believes by then.
    #[track_caller]
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let stream = send(self.address, "GET", "/api/v1/stream", None).unwrap();
        let mut lines = BufReader::new(stream).lines();
        let end = running() + LONGEST_WAIT;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(running() < end, "no {what}: {}", self.get("/api/v1/now").body);
            match lines.next() {
                Some(Ok(_)) => {}
                other => panic!("no {what}: the stream ended: {other:?}"),
            }
        }
    }

    /// All changes, as words: `arrived device:1`.
    pub(crate) fn changes(&self) -> Vec<String> {
        let items = self.get("/api/v1/changes?limit=1000").json()["items"].clone();
        let word = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
        let items = items.as_array().cloned().unwrap_or_default();
        items.iter().map(|it| format!("{} {}", word(it, "kind"), word(it, "subject"))).collect()
    }

    /// Reads on until it has said something; the whole line.
    #[track_caller]
    pub(crate) fn until_it_says(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let ended = self.stderr.read_line(&mut line).unwrap() == 0;
            assert!(!ended, "it ended before it said {words:?}, after:\n{}", self.said);
            self.said.push_str(&line);
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Stops it where it stands, or lets it go on.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    pub(crate) fn terminate(self) -> (ExitStatus, String) {
        self.end(Signal::SIGTERM)
    }

    pub(crate) fn kill(self) {
        self.end(Signal::SIGKILL);
    }

    fn end(mut self, signal: Signal) -> (ExitStatus, String) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
        let status = self.child.wait().unwrap();
        let mut said = std::mem::take(&mut self.said);
        self.stderr.read_to_string(&mut said).unwrap();
        (status, said)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Asks a hub and does not wait for the answer.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = body.map_or_else(String::new, Value::to_string);
    // HTTP/1.0, so that the answer ends with the connection.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    Ok(stream)
}

/// The answer to what was sent; none when the hub is gone.
pub(crate) fn answered(mut stream: TcpStream) -> Option<Answer> {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

/// What the hub answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|it| panic!("{it}: {self:?}"))
    }
}

/// A command that must have failed: its exit code and what it said.
#[track_caller]
pub(crate) fn failed(output: &Output) -> (i32, String) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it succeeded: {said}");
    (output.status.code().unwrap(), said)
}

/// Time as it passes, whatever the civil clock does.
fn running() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into()
}

/// Listens to nobody who happens to be around the tester.
const NOBODY: &str = "[sources.lan]\nenabled = false\n\n[sources.ble]\nenabled = false\n";
/// Longer than the most patient rule that a test waits for, on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_mins(3);
/// Longer than any answer here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
