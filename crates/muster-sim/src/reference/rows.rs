//! What a store must hold once a set of facts is in it: unions and bests, keyed by names rather
//! than numbers, because numbers depend on who was heard of first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muster_core::fact::{DetailKind, Fact, FactBody, Listener, Outcome, SIGHTING};
use muster_core::identity::Identity;
use muster_core::time::Time;

/// Whose heard seconds.
pub type HeardKey = (Identity, Listener);
/// Whose reading, and the start of its interval.
pub type ReadingKey = (Identity, Listener, Time);

/// The best of all listeners: its signal, when it was heard so, and by which monitor.
pub type Winner = (Option<i8>, Time, Box<str>);

/// Everything merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Seconds in which an identity counts as heard.
    pub heard: BTreeMap<HeardKey, BTreeSet<i64>>,
    /// Seconds in which a listener could hear.
    pub covered: BTreeMap<Listener, BTreeSet<i64>>,
    /// Probes that did not find anybody.
    pub probes: BTreeMap<HeardKey, BTreeSet<(Time, Outcome)>>,
    /// First and last sighting.
    pub seen: BTreeMap<Identity, (Time, Time)>,
    /// Best signal and when it was heard so.
    pub readings: BTreeMap<ReadingKey, (Option<i8>, Time)>,
    /// Who heard an identity best in the interval that begins then.
    pub winners: BTreeMap<(Identity, Time), Winner>,
    /// Values other than addresses: the newest of each kind, by the interval in which it was told.
    pub details: BTreeMap<(Identity, DetailKind), (Time, Box<str>)>,
}

/// Merges facts, one after the other, in whatever order they come.
#[must_use]
pub fn rows(facts: &[Fact], interval: Duration) -> Rows {
    let mut rows = Rows::default();
    for fact in facts {
        let listener = (*fact.listener).clone();
        match &fact.body {
            FactBody::Sighting(it) => {
                rows.hear(&it.identity, &listener, it.at, it.rssi, interval);
            }
            FactBody::Coverage(it) => {
                let seconds = rows.covered.entry(listener).or_default();
                seconds.extend(it.from.secs()..it.to.secs());
            }
            FactBody::Probe(it) => match it.outcome {
                Outcome::Answered => rows.hear(&it.identity, &listener, it.at, None, interval),
                Outcome::Silent | Outcome::NoEvidence | Outcome::Unaskable => {
                    let key = (it.identity.clone(), listener);
                    rows.probes.entry(key).or_default().insert((it.at, it.outcome));
                }
            },
            FactBody::Detail(it) => {
                let newest = (floor(it.at, interval), it.value.clone());
                let held = rows.details.entry((it.identity.clone(), it.kind)).or_default();
                if *held < newest || held.1.is_empty() {
                    *held = newest;
                }
            }
            FactBody::Level(_) => {}
        }
    }
    rows
}

impl Rows {
    fn hear(
        &mut self,
        identity: &Identity,
        listener: &Listener,
        at: Time,
        rssi: Option<i8>,
        interval: Duration,
    ) {
        let key = (identity.clone(), listener.clone());
        let until = (at + SIGHTING).secs();
        self.heard.entry(key).or_default().extend(at.secs()..until);
        let seen = self.seen.entry(identity.clone()).or_insert((at, at));
        *seen = (seen.0.min(at), seen.1.max(at));
        let start = floor(at, interval);
        let best = self.readings.entry((identity.clone(), listener.clone(), start));
        let best = best.or_insert((rssi, at));
        // The strongest, then the earliest; any signal beats none.
        if rssi > best.0 || (rssi == best.0 && at < best.1) {
            *best = (rssi, at);
        }
        let new = (rssi, at, listener.monitor.clone());
        let best = self.winners.entry((identity.clone(), start)).or_insert_with(|| new.clone());
        // Of equals the monitor whose name comes first.
        if rssi > best.0 || (rssi == best.0 && (at, &new.2) < (best.1, &best.2)) {
            *best = new;
        }
    }
}

/// The start of the interval that a time lies in.
fn floor(at: Time, interval: Duration) -> Time {
    let length = i64::try_from(interval.as_secs()).unwrap_or(1);
    Time::from_secs(at.secs().div_euclid(length) * length)
}
