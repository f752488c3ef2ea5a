//! Runs other programs for a chore: their output is passed on at once and kept for reading.
//!
//! Knows nothing of jobs. A program's variables from `cargo run` are removed, because nested
//! builds would see another environment than `cargo build` typed by hand and compile twice.

use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::Context;

/// Why a job did not succeed, by what the person can do about it.
#[derive(Debug)]
pub(super) enum Failure {
    /// A check found something; its output is already on the screen.
    Failed(anyhow::Error),
    /// A tool is not there; `hint` is the command that brings it.
    Missing { what: String, hint: String },
    /// Needs rights that this process lacks; `commands` do it with them.
    NotAllowed { commands: Vec<String> },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "{error:#}"),
            Self::Missing { what, .. } => write!(f, "not installed: {what}"),
            Self::NotAllowed { commands } => {
                write!(f, "installing packages needs root; run these, then try again:")?;
                commands.iter().try_for_each(|it| write!(f, "\n  {it}"))
            }
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// The workspace's root folder, and what programs said since the last look.
#[derive(Debug)]
pub(super) struct Shell {
    root: PathBuf,
    captured: String,
}

impl Shell {
    /// A shell in the folder that holds the workspace's `Cargo.toml`.
    pub(super) fn at_workspace_root() -> anyhow::Result<Self> {
        // Asked at run time: a copied target folder remembers another clone's path.
        let own = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let own = own.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = own.parent().context("the xtask crate has no parent folder")?;
        Ok(Self { root: root.to_owned(), captured: String::new() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Everything said since the last call.
    pub(super) fn take_captured(&mut self) -> String {
        std::mem::take(&mut self.captured)
    }

    /// A call of this toolchain's cargo.
    pub(super) fn cargo(&self, arguments: &[&str]) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.program(Path::new(&cargo), arguments);
        if io::stderr().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        command
    }

    /// A call of any program, in the workspace's root.
    pub(super) fn program(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command.args(arguments).current_dir(&self.root).stdin(Stdio::null());
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(is_set_by_cargo_run) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs to the end with its output passed on; an exit code other than 0 is a failure.
    pub(super) fn run(&mut self, mut command: Command) -> Result<(), Failure> {
        let line = display(&command);
        println!("$ {line}");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {line}"))?;
        let out = child.stdout.take().context("no pipe for its output")?;
        let err = child.stderr.take().context("no pipe for its errors")?;
        let errors = thread::spawn(move || pass_on(err, io::stderr()));
        let said = pass_on(out, io::stdout());
        let errors = errors.join().unwrap_or_default();
        self.captured.push_str(&said);
        self.captured.push_str(&errors);
        let status = child.wait().with_context(|| format!("lost {line}"))?;
        if status.success() {
            Ok(())
        } else {
            Err(anyhow::anyhow!("`{line}` ended with {status}").into())
        }
    }

    /// Whether the call succeeds, its output unseen.
    pub(super) fn succeeds(mut command: Command) -> bool {
        let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        done.is_ok_and(|it| it.success())
    }
}

/// The full path of a program, looked for where administrators' programs live too.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(sbin).map(|it| it.join(program)).find(|it| it.is_file())
}

fn is_set_by_cargo_run(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || matches!(name, "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH" | "CARGO_BIN_NAME")
        || matches!(name, "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE")
}

/// Copies line by line, so that two streams do not cut each other's lines. Bytes that are not
/// UTF-8 are replaced in what is kept; a screen that went away does not stop the job.
fn pass_on(from: impl Read, mut to: impl Write) -> String {
    let mut kept = String::new();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|it| it > 0) {
        to.write_all(&line).and_then(|()| to.flush()).ok();
        kept.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    kept
}

fn display(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|it| it.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_kept_and_a_failure_names_the_command() {
        let mut shell = Shell::at_workspace_root().unwrap();
        let command = shell.program("sh", &["-c", "echo out; echo err >&2; exit 3"]);
        let failure = shell.run(command).unwrap_err().to_string();
        assert!(failure.contains("echo err") && failure.contains("exit status: 3"), "{failure}");
        assert_eq!(shell.take_captured(), "out\nerr\n");
        assert_eq!(shell.take_captured(), "");
    }

    #[test]
    fn a_program_that_is_not_there_is_not_found() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-such-program-here"), None);
        let shell = Shell::at_workspace_root().unwrap();
        assert!(!Shell::succeeds(shell.program("no-such-program-here", &[])));
    }

    #[test]
    fn without_rights_the_commands_are_shown() {
        let failure = Failure::NotAllowed { commands: vec!["sudo apt-get update".to_owned()] };
        assert!(failure.to_string().ends_with(":\n  sudo apt-get update"));
    }
}
