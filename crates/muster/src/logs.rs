//! Logs for operators, on stderr: what happened inside. Messages for people are printed elsewhere.

use std::io::{self, IsTerminal as _};

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, LevelFilter, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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
    let ansi = colour && io::stderr().is_terminal();
    // Whoever runs the program within a test may have started logging before.
    subscriber(filter, ansi, io::stderr).try_init().ok();
}

/// Writes what the filter lets through and whoever carries messages may say.
fn subscriber<W>(filter: EnvFilter, ansi: bool, to: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_ansi(ansi).with_writer(to);
    tracing_subscriber::registry().with(lines).with(filter).with(filter_fn(is_discreet))
}

/// Whatever level is asked for, libraries do not print the messages that they carry: those hold the
/// addresses and names of whoever is near.
fn is_discreet(about: &Metadata<'_>) -> bool {
    let target = about.target();
    let is_of = |it: &str| {
        target.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    CARRIERS.iter().all(|(it, most)| !is_of(it) || about.level() <= most)
}

/// The bus, the network's tables, the broker, and what they may say. Tables are printed even in warnings.
const CARRIERS: [(&str, LevelFilter); 4] = [
    ("zbus", LevelFilter::WARN),
    ("netlink_proto", LevelFilter::OFF),
    ("rumqttc", LevelFilter::WARN),
    ("rumqttc_core", LevelFilter::WARN),
];

#[cfg(test)]
mod tests {
    use tracing::{debug, error, trace, warn};

    use super::heard::Log;
    use super::*;

    #[test]
    fn what_libraries_carry_is_logged_at_no_level() {
        let log = Log::default();
        let asked = "trace,zbus=trace,zbus::connection=trace,netlink_proto::codecs=trace,\
                     rumqttc::v5::state=debug";
        let to = log.clone();
        let subscriber = subscriber(EnvFilter::new(asked), false, move || to.clone());
        tracing::subscriber::with_default(subscriber, || {
            trace!(target: "zbus", "secret 1");
            trace!(target: "zbus::connection", "secret 2");
            debug!(target: "rumqttc::v5::state", "secret 3");
            error!(target: "netlink_proto", "secret 4");
            warn!(target: "netlink_proto::codecs", "secret 5");
            warn!(target: "zbus::connection", "plain 1");
            trace!(target: "zbus_systemd", "plain 2");
            trace!(target: "muster::runtime", "plain 3");
        });
        let text = log.text();
        assert!(!text.contains("secret"), "{text}");
        assert!((1..=3).all(|it| text.contains(&format!("plain {it}"))), "{text}");
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
