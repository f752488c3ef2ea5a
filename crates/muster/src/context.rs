//! What every command has at hand: common options, configuration, data folder, clock.

use std::cell::OnceCell;
use std::env;
use std::io::{IsTerminal, stderr, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use muster_config::Loaded;
use muster_core::ports::Clock;

use crate::cli::{Common, When};
use crate::clock::SystemClock;
use crate::failure::{Exit, Failure};
use crate::privileges;
use crate::when::Reader;

/// What every command has at hand.
#[derive(Debug)]
pub(crate) struct Context {
    /// The options that every command understands.
    pub(crate) common: Common,
    /// The machine's clocks.
    pub(crate) clock: Arc<dyn Clock>,
    loaded: OnceCell<Loaded>,
}

impl Context {
    /// Loads nothing yet.
    pub(crate) fn new(common: Common) -> Self {
        Self { common, clock: Arc::new(SystemClock), loaded: OnceCell::new() }
    }

    /// The configuration, loaded when first asked for.
    pub(crate) fn config(&self) -> Result<&Loaded, Failure> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let loaded = Loaded::find(self.common.config.as_deref(), env::vars_os())?;
        Ok(self.loaded.get_or_init(|| loaded))
    }

    /// The data folder: `--data`, `$MUSTER_DATA`, the configuration's, or the user's; for root the
    /// machine's, because nobody else gets into what root has at home.
    pub(crate) fn data(&self) -> Result<PathBuf, Failure> {
        if let Some(data) = &self.common.data {
            return Ok(data.clone());
        }
        if let Some(data) = &self.config()?.config.data {
            return Ok(data.clone());
        }
        if privileges::is_root() {
            return Ok(PathBuf::from(ROOTS_DATA));
        }
        let home = |name: &str| env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
        home("XDG_DATA_HOME")
            .or_else(|| home("HOME").map(|it| it.join(".local/share")))
            .map(|it| it.join("muster"))
            .ok_or_else(|| {
                Failure::new(
                    Exit::Usage,
                    "there is no data folder: neither HOME nor XDG_DATA_HOME is set",
                )
                .hint("say which with --data DIR")
            })
    }

    /// Whether the data folder was named on the command line, and not by the surroundings alone.
    pub(crate) fn is_told_data(&self) -> bool {
        let around = env::var_os(DATA).map(PathBuf::from);
        self.common.data.is_some() && self.common.data != around
    }

    /// Reads times as people type them.
    pub(crate) fn reader(&self) -> Result<Reader, Failure> {
        Ok(Reader { now: self.clock.now().wall, zone: self.config()?.config.zone() })
    }

    /// Whether output for people may be coloured.
    pub(crate) fn colour(&self) -> bool {
        self.wants_colour(stdout().is_terminal())
    }

    /// Whether errors may be coloured.
    pub(crate) fn colour_errors(&self) -> bool {
        self.wants_colour(stderr().is_terminal())
    }

    fn wants_colour(&self, terminal: bool) -> bool {
        match self.common.color {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                let refused = env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
                terminal && !refused && env::var_os("TERM").is_none_or(|it| it != "dumb")
            }
        }
    }
}

/// Where services keep what they know (`hier(7)`).
const ROOTS_DATA: &str = "/var/lib/muster";
/// The variable that names the data folder.
const DATA: &str = "MUSTER_DATA";
