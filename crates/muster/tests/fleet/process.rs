//! A monitor as a process, and what it says.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running monitor; killed when dropped.
pub(crate) struct Monitor {
    child: Child,
    lines: Receiver<String>,
    pub(crate) said: String,
}

impl Monitor {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, said: String::new() }
    }

    /// Waits until it says a line with these words; the line.
    #[track_caller]
    pub(crate) fn says(&mut self, words: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("it never said {words:?}, but:\n{}", self.said);
            };
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(words) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Killed, and gone.
    pub(crate) fn is_killed(&mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().unwrap();
    }

    /// Ends it as the service manager does; how it ended and all that it said.
    pub(crate) fn terminate(self) -> (ExitStatus, String) {
        self.end(Signal::SIGTERM)
    }

    pub(crate) fn kill(self) {
        self.end(Signal::SIGKILL);
    }

    fn end(mut self, signal: Signal) -> (ExitStatus, String) {
        self.signal(signal);
        let status = self.child.wait().unwrap();
        let mut said = std::mem::take(&mut self.said);
        while let Ok(line) = self.lines.recv() {
            said.push_str(&line);
            said.push('\n');
        }
        (status, said)
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Longer than the most patient rule that a test waits for, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
