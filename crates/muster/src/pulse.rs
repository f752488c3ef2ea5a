//! How much each listener hears: counts what it tells, so that people see a receiver that has gone
//! quiet. Nothing is judged by it.
//!
//! **Invariant:** memory is bounded: so many listeners, and six counts for each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use muster_core::fact::{Fact, FactBody, Listener, Outcome};
use muster_core::time::{Now, Time};
use muster_web::Pulse;

/// The counts, shared by the loop that counts and the pages that show them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulses(Arc<Mutex<BTreeMap<Listener, Beat>>>);

/// The last minute of one listener, in parts of ten seconds.
#[derive(Debug)]
struct Beat {
    last: Time,
    /// The number of a part, and how often something was told in it.
    parts: [(u64, u32); PARTS],
}

impl Pulses {
    /// Counts what says that somebody was there: sightings and answers.
    pub(crate) fn note(&self, facts: &[Fact], now: Now) {
        let tells = |it: &&Fact| match &it.body {
            FactBody::Sighting(_) => true,
            FactBody::Probe(it) => it.outcome == Outcome::Answered,
            FactBody::Coverage(_) | FactBody::Level(_) | FactBody::Detail(_) => false,
        };
        let mut told = facts.iter().filter(tells).peekable();
        if told.peek().is_none() {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for fact in told {
            if !all.contains_key(&*fact.listener) {
                if all.len() >= MOST_LISTENERS {
                    continue;
                }
                let beat = Beat { last: now.wall, parts: [(0, 0); PARTS] };
                all.insert(Listener::clone(&fact.listener), beat);
            }
            if let Some(beat) = all.get_mut(&*fact.listener) {
                beat.count(now);
            }
        }
    }

    /// How much each listener told within the last minute, and when it told something last.
    pub(crate) fn all(&self, now: Now) -> BTreeMap<Listener, Pulse> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = all.iter().map(|(listener, beat)| (listener.clone(), beat.read(now)));
        read.collect()
    }
}

impl Beat {
    fn count(&mut self, now: Now) {
        let number = part(now);
        self.last = now.wall;
        let place = number % PARTS as u64;
        for (at, slot) in (0..).zip(&mut self.parts) {
            if at == place {
                let before = if slot.0 == number { slot.1 } else { 0 };
                *slot = (number, before.saturating_add(1));
            }
        }
    }

    fn read(&self, now: Now) -> Pulse {
        let number = part(now);
        let lately = |it: &&(u64, u32)| number.saturating_sub(it.0) < PARTS as u64;
        let counts = self.parts.iter().filter(lately).map(|it| it.1);
        Pulse { last: self.last, per_minute: counts.fold(0, u32::saturating_add) }
    }
}

fn part(now: Now) -> u64 {
    now.mono.as_secs() / 10
}

/// Parts of a minute.
const PARTS: usize = 6;
/// More than the receivers of a building.
const MOST_LISTENERS: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use muster_core::fact::{Probe, Sighting, SourceKind};
    use muster_core::span::Span;

    use super::*;

    fn now(seconds: u64) -> Now {
        let mono = Duration::from_secs(seconds);
        Now { mono, wall: Time::default() + mono }
    }

    fn facts(channel: &str) -> Vec<Fact> {
        let listener = Arc::new(Listener::new("hub", SourceKind::Ble, channel));
        let (identity, at) = ("ble:c0:00:00:00:00:01".parse().unwrap(), Time::default());
        let asked =
            |outcome| Probe { identity: "bt:c0:00:00:00:00:01".parse().unwrap(), at, outcome };
        let bodies = [
            FactBody::Sighting(Sighting { identity, at, rssi: Some(-50) }),
            FactBody::Probe(asked(Outcome::Answered)),
            FactBody::Probe(asked(Outcome::Silent)),
            FactBody::Coverage(Span::new(at, now(10).wall)),
        ];
        bodies.map(|body| Fact { listener: Arc::clone(&listener), body }).into()
    }

    #[test]
    fn a_minute_is_counted_and_the_last_report_kept() {
        let pulses = Pulses::default();
        let told = |seconds| {
            let all = pulses.all(now(seconds)).into_iter();
            all.map(|(it, pulse)| (it.channel.to_string(), pulse.per_minute, pulse.last.secs()))
                .collect::<Vec<_>>()
        };
        assert!(told(5).is_empty());
        for second in [100, 109, 110, 155] {
            pulses.note(&facts("hci0"), now(second));
        }
        pulses.note(&facts("hci1"), now(120));
        let want = |a, b| vec![("hci0".to_owned(), a, 155), ("hci1".to_owned(), b, 120)];
        assert_eq!(told(159), want(8, 2));
        assert_eq!(told(165), want(4, 2));
        assert_eq!(told(400), want(0, 0));
        // What only says that it listened is no report.
        pulses.note(&facts("hci2")[2..], now(401));
        assert_eq!(told(401).len(), 2);
        for number in 0..2 * MOST_LISTENERS {
            pulses.note(&facts(&number.to_string()), now(500));
        }
        assert_eq!(told(500).len(), MOST_LISTENERS);
    }
}
