//! What is wrong with a configuration, for the person at the keyboard.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration: {}", .file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It can be read, and is no TOML.
    #[error("the configuration cannot be read as TOML\n  {problem}")]
    Syntax {
        /// Where, and what.
        problem: Problem,
    },
    /// It can be read, and is wrong.
    #[error("{}", wrong(.problems))]
    Wrong {
        /// Everything that is wrong, in order of appearance.
        problems: Vec<Problem>,
    },
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `muster.toml, line 3, column 1`, or the environment variable.
    pub place: String,
    /// The key, as in `sources.lan.enabled`; empty where there is none.
    pub key: String,
    /// What.
    pub what: String,
    /// What was probably meant.
    pub meant: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)?;
        match &self.meant {
            Some(meant) => write!(f, "; did you mean {meant}?"),
            None => Ok(()),
        }
    }
}

fn wrong(problems: &[Problem]) -> String {
    let mut text = match problems {
        [_] => "the configuration has a mistake".to_owned(),
        _ => format!("the configuration has {} mistakes", problems.len()),
    };
    for problem in problems {
        text.push_str("\n  ");
        text.push_str(&problem.to_string());
    }
    text
}
