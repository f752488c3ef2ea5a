//! Logs for operators, on stderr: what happened inside. Messages for people are printed elsewhere.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::Common;

/// Starts logging: warnings, with `-v` what is going on, with `-vv` everything, with `--quiet`
/// errors alone. `MUSTER_LOG` says it by module, as in `muster=debug`.
pub(crate) fn start(common: &Common, colour: bool) {
    let level = match (common.quiet, common.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let filter = EnvFilter::builder()
        .with_default_directive(level.into())
        .with_env_var("MUSTER_LOG")
        .from_env_lossy();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour && io::stderr().is_terminal());
    // Whoever runs the program within a test may have started logging before.
    builder.try_init().ok();
}
