//! Forgets what is too old, once an hour.
//!
//! **Invariant:** a wall clock that is set years ahead deletes nothing: age is counted from the
//! clock at start plus the time that has really passed since.

use std::sync::Arc;
use std::time::Duration;

use muster_core::ports::{Clock, Store};
use muster_core::time::{Now, Time};
use tracing::{info, warn};

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// Facts.
    pub(crate) facts: Duration,
    /// Stays and changes; none: for ever.
    pub(crate) journal: Option<Duration>,
}

/// Runs until dropped.
pub(crate) async fn keep(store: Arc<dyn Store>, clock: Arc<dyn Clock>, retention: Retention) {
    let start = clock.now();
    tokio::time::sleep(AFTER_START).await;
    loop {
        let today = trusted(start, clock.now());
        let journal = retention.journal.map(|it| today - it);
        match store.forget(today - retention.facts, journal).await {
            Ok(0) => {}
            Ok(rows) => info!(rows, "forgot what is too old"),
            Err(error) => warn!("what is too old stays for now: {error}"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// The earlier of what the wall clock says and what it would say had nobody set it since `start`.
fn trusted(start: Now, now: Now) -> Time {
    now.wall.min(start.wall + now.since(start))
}

/// Start is a busy time.
const AFTER_START: Duration = Duration::from_mins(10);
const EVERY: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_ahead_ages_nothing() {
        let at = |mono, wall| Now { mono: Duration::from_secs(mono), wall: Time::from_secs(wall) };
        let start = at(100, 1_000_000);
        assert_eq!(trusted(start, at(160, 1_000_060)), Time::from_secs(1_000_060));
        assert_eq!(trusted(start, at(160, 900_000_000)), Time::from_secs(1_000_060));
        assert_eq!(trusted(start, at(160, 500_000)), Time::from_secs(500_000));
    }
}
