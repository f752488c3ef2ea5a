//! How a command fails: what people read, what they may type next, and the exit code.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue};
use muster_config::{ConfigError, Problem};
use muster_report::safe;

use crate::cli::Cli;

/// The exit codes that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It failed.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// No such thing.
    NotFound = 3,
    /// Rights or capabilities are missing.
    NotAllowed = 4,
    /// The hub, the store or an adapter cannot be reached.
    Unreachable = 5,
}

/// Why a command did not do it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    /// Lines that stand below it.
    list: Vec<String>,
    hint: Option<String>,
    cause: Option<anyhow::Error>,
}

impl Failure {
    /// A failure; `what` is lower case, without a full stop, values last.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), list: Vec::new(), hint: None, cause: None }
    }

    /// With the command to type or the thing to change.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With one line below it for each of these.
    #[must_use]
    fn list<'a>(mut self, all: impl IntoIterator<Item = &'a Problem>) -> Self {
        self.list.extend(all.into_iter().map(ToString::to_string));
        self
    }

    /// With what lies beneath.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// With what the process ends, what people read, and what they may do.
    pub(crate) fn into_parts(self) -> (Exit, String, Option<String>) {
        let causes = self.cause.iter().flat_map(|it| it.chain());
        let what = causes.fold(self.what.clone(), |text, it| format!("{text}: {it}"));
        (self.exit, what, self.hint)
    }

    /// Whether what was asked for is not there.
    pub(crate) fn is_missing(&self) -> bool {
        self.exit == Exit::NotFound
    }

    /// Whether rights are missing.
    pub(crate) fn is_denied(&self) -> bool {
        self.exit == Exit::NotAllowed
    }

    /// What the process ends with.
    #[cfg(test)]
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints it on stderr; the exit code of the process.
    pub(crate) fn report(&self, colour: bool) -> ExitCode {
        // There is nobody left to tell when stderr is gone.
        drop(io::stderr().write_all(self.text(colour).as_bytes()));
        ExitCode::from(self.exit as u8)
    }

    /// What people read. Names of files, and what others said, act on no terminal.
    fn text(&self, colour: bool) -> String {
        let (red, cyan, plain) =
            if colour { ("\x1b[1;31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
        let mut lines = vec![format!("{red}error:{plain} {}\n", safe::terminal(&self.what))];
        lines.extend(self.list.iter().map(|it| format!("  {}\n", safe::terminal(it))));
        let causes = self.cause.iter().flat_map(|it| it.chain());
        let causes = causes.map(|it| safe::terminal(&it.to_string()));
        lines.extend(causes.map(|it| format!("  caused by: {it}\n")));
        let hint = self.hint.iter().map(|it| safe::terminal(it));
        lines.extend(hint.map(|it| format!("{cyan}hint:{plain} {it}\n")));
        lines.concat()
    }
}

impl From<ConfigError> for Failure {
    fn from(it: ConfigError) -> Self {
        match it {
            ConfigError::Unreadable { ref file, .. } => {
                let what = format!("cannot read the configuration: {}", file.display());
                let cause = std::error::Error::source(&it).map(ToString::to_string);
                let failure = Self::new(Exit::Usage, what);
                match cause {
                    Some(cause) => failure.because(anyhow::anyhow!(cause)),
                    None => failure,
                }
            }
            ConfigError::Syntax { ref problem } => {
                Self::new(Exit::Usage, head(&it)).list([problem]).hint(
                    "text stands in quotes, as in listen = \"127.0.0.1:8080\"; sections in brackets",
                )
            }
            ConfigError::Wrong { ref problems } => {
                let hint = match problems.iter().find_map(explained) {
                    Some(key) => format!("what it means: muster config explain {key}"),
                    None => "every key with its meaning: muster config explain KEY".to_owned(),
                };
                Self::new(Exit::Usage, head(&it)).list(problems).hint(hint)
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// What is wrong with a configuration, without its problems, which are told one by one.
fn head(error: &ConfigError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The key to read about: the one that was probably meant, else the one that is set, else its section.
fn explained(problem: &Problem) -> Option<String> {
    let words = problem.key.split('.').filter(|it| it.parse::<usize>().is_err());
    let path = words.collect::<Vec<_>>().join(".");
    let section = path.rsplit_once('.').map_or("", |(section, _)| section);
    let meant = problem.meant.as_deref().unwrap_or_default();
    // A variable is meant by its own name.
    let variable = meant.trim_start_matches("MUSTER__").to_lowercase().replace("__", ".");
    let keys = muster_config::keys();
    [variable, format!("{section}.{meant}"), meant.to_owned(), path.clone(), section.to_owned()]
        .into_iter()
        .find(|it| keys.iter().any(|key| key.path == *it))
}

/// Prints help, the version, or what is wrong with the command line.
pub(crate) fn usage(shown: &clap::Error) -> ExitCode {
    // There is nobody left to tell when the stream is gone.
    drop(shown.print());
    let wrong = shown.get(ContextKind::InvalidArg);
    if let Some(ContextValue::String(wrong)) = wrong
        && let Some(format) = wrong.strip_prefix("--").filter(|it| ["json", "csv"].contains(it))
    {
        drop(writeln!(io::stderr(), "hint: --format {format}"));
    }
    if let (None, Some(ContextValue::String(wrong))) =
        (shown.get(ContextKind::SuggestedSubcommand), shown.get(ContextKind::InvalidSubcommand))
        && let Some(near) = near_command(wrong)
    {
        drop(writeln!(io::stderr(), "hint: did you mean: muster {near}"));
    }
    if shown.use_stderr() { ExitCode::from(Exit::Usage as u8) } else { ExitCode::SUCCESS }
}

/// The command that is written nearly like the first word of the command line.
fn near_command(wrong: &str) -> Option<String> {
    let typed = std::env::args().nth(1);
    let commands = Cli::command();
    let names = commands.get_subcommands().map(clap::Command::get_name);
    let near = names.map(|it| (muster_config::distance(it, wrong), it)).min()?;
    (near.0 <= 1 && typed.as_deref() == Some(wrong)).then(|| near.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_named_acts_on_no_terminal() {
        let failure = Failure::new(Exit::Failed, "cannot restore: a\u{1b}[2Jb\nhint: rm c")
            .because(anyhow::anyhow!("cannot read: \u{9b}31m\u{202e}gz"))
            .hint("look at: \u{1b}]0;x\u{7}");
        let said = failure.text(false);
        let lines: Vec<&str> = said.lines().collect();
        let wanted = [
            "error: cannot restore: a\u{fffd}[2Jb\u{fffd}hint: rm c",
            "  caused by: cannot read: \u{fffd}31m\u{fffd}gz",
            "hint: look at: \u{fffd}]0;x\u{fffd}",
        ];
        assert_eq!(lines, wanted);
        assert!(failure.text(true).contains("\u{1b}[1;31merror:"), "colours are ours");
    }
}
