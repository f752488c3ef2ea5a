//! What is logged of facts that were refused: a listener's first at once, then one line an hour.
//!
//! A wrong clock, or somebody who makes up addresses, has facts of every report refused; the log is
//! not theirs to fill.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_core::engine::Intake;
use muster_core::fact::Listener;
use muster_core::time::Now;

/// What was told of each listener.
#[derive(Debug, Default)]
pub(crate) struct Refusals(BTreeMap<Listener, Told>);

#[derive(Debug, Default)]
struct Told {
    /// When, on the monotonic clock; none: never.
    at: Option<Duration>,
    /// How many were refused since.
    since: u64,
}

impl Refusals {
    /// The lines that are due.
    pub(crate) fn lines(&mut self, intake: &Intake, now: Now) -> Vec<String> {
        let mut lines = Vec::new();
        for refusal in &intake.refused {
            let listener = Listener::clone(&refusal.fact.listener);
            let told = self.0.entry(listener).or_default();
            if told.at.is_some_and(|at| now.mono.saturating_sub(at) < PAUSE) {
                told.since += 1;
                continue;
            }
            let more = match told.since {
                0 => String::new(),
                since => format!(" (and {since} since the last such line)"),
            };
            lines.push(format!("fact of {} refused{more}: {}", refusal.fact.listener, refusal.why));
            *told = Told { at: Some(now.mono), since: 0 };
        }
        lines
    }
}

const PAUSE: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use muster_core::engine::Refusal;
    use muster_core::fact::{Fact, FactBody, SourceKind};
    use muster_core::span::Span;
    use muster_core::time::Time;

    use super::*;

    fn refused(channel: &str, count: usize) -> Intake {
        let listener = Arc::new(Listener::new("hub", SourceKind::Lan, channel));
        let body = FactBody::Coverage(Span::new(Time::default(), Time::default()));
        let one = || Refusal {
            fact: Fact { listener: Arc::clone(&listener), body: body.clone() },
            why: "the coverage is empty".to_owned(),
        };
        Intake { accepted: 0, refused: (0..count).map(|_| one()).collect() }
    }

    #[test]
    fn a_flood_fills_no_log() {
        let mut refusals = Refusals::default();
        let mut lines = |at, channel, count| {
            let now = Now { mono: Duration::from_secs(at), wall: Time::default() };
            refusals.lines(&refused(channel, count), now)
        };
        let first = ["fact of hub/lan/eth0 refused: the coverage is empty"];
        assert_eq!(lines(10, "eth0", 100), first);
        assert_eq!(lines(3609, "eth0", 100), [""; 0]);
        assert_eq!(lines(3609, "eth1", 1).len(), 1);
        let again = "fact of hub/lan/eth0 refused (and 199 since the last such line): \
                     the coverage is empty";
        assert_eq!(lines(3610, "eth0", 2), [again]);
    }
}
