//! Logs for operators, on stderr: what happened inside. Messages for people are printed elsewhere.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, LevelFilter};

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
    let filter = discreet(filter);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour && io::stderr().is_terminal());
    // Whoever runs the program within a test may have started logging before.
    builder.try_init().ok();
}

/// Whatever level is asked for, libraries do not print the messages that they carry: those hold the
/// addresses and names of whoever is near.
fn discreet(filter: EnvFilter) -> EnvFilter {
    let silenced = CARRIERS.iter().filter_map(|it| it.parse::<Directive>().ok());
    silenced.fold(filter, EnvFilter::add_directive)
}

/// The bus, the network's tables, the broker.
const CARRIERS: [&str; 3] = ["zbus=warn", "netlink_proto=warn", "rumqttc=warn"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libraries_carry_is_logged_at_no_level() {
        let asked = EnvFilter::new("trace,zbus=trace,zbus::connection=debug");
        let filter = discreet(asked).to_string();
        for it in CARRIERS {
            assert!(filter.split(',').any(|part| part == it), "{it}: {filter}");
        }
        assert!(!filter.contains("zbus=trace"), "{filter}");
    }
}

/// What operators read without asking for more.
#[cfg(test)]
pub(crate) mod heard {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::DefaultGuard;

    use super::*;

    /// The log of this thread so far.
    #[derive(Clone, Default)]
    pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        /// Logs of this thread go here until the guard is dropped.
        pub(crate) fn begin() -> (Self, DefaultGuard) {
            let log = Self::default();
            let to = log.clone();
            let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::WARN);
            let subscriber = builder.with_ansi(false).with_writer(move || to.clone()).finish();
            (log, tracing::subscriber::set_default(subscriber))
        }

        /// Everything that was said.
        pub(crate) fn text(&self) -> String {
            String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
        }
    }

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut log = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
            log.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
