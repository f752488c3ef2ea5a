//! What was noticed of dozing phones, when they were really there, and how a rule is scored.

use std::time::Duration;

use muster_core::directory::DeviceKind;
use muster_core::fact::{Fact, FactBody, Outcome};
use muster_core::identity::Identity;
use muster_core::span::{Span, SpanSet};
use muster_core::time::Time;

use crate::household::{Household, Settings};

/// Some weeks of a household's phones on the local network.
#[derive(Debug)]
pub struct Trace {
    /// Everything that was noticed, in order.
    pub facts: Vec<Fact>,
    /// When the monitor could hear.
    pub covered: SpanSet,
    /// The phones.
    pub phones: Vec<Phone>,
    /// The first instant.
    pub start: Time,
    /// The last.
    pub end: Time,
}

/// One phone.
#[derive(Debug)]
pub struct Phone {
    /// Its address.
    pub identity: Identity,
    /// When it was really there.
    pub there: SpanSet,
    /// When it was heard.
    pub heard: Vec<Time>,
}

/// How a rule did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Departures told of somebody who was there.
    pub wrong: u64,
    /// How much time of devices was followed.
    pub followed: Duration,
    /// How late the true departures were told; sorted.
    pub delays: Vec<Duration>,
}

impl Trace {
    /// The trace of a household.
    #[must_use]
    pub fn new(seed: u64, days: u64) -> Self {
        let start = Time::from_secs(1_772_409_600);
        let end = start + Duration::from_hours(24 * days);
        let settings =
            Settings { people: 4, appliances: false, guests: false, outages: true, ask_every: 20 };
        let mut house = Household::with(seed, start, settings);
        let phones: Vec<Identity> = house
            .devices()
            .iter()
            .filter(|it| it.kind == DeviceKind::Phone)
            .map(|it| it.identity.clone())
            .collect();
        let facts: Vec<Fact> = house
            .facts_until(end)
            .into_iter()
            .filter(|it| about(it).is_none_or(|it| phones.contains(it)))
            .collect();
        let mut covered = SpanSet::new();
        for fact in &facts {
            if let FactBody::Coverage(span) = fact.body {
                covered.insert(span);
            }
        }
        let truth = house.truth();
        let phones = phones
            .into_iter()
            .map(|identity| Phone {
                there: truth
                    .iter()
                    .find(|it| it.identity == identity)
                    .map(|it| it.there.clone())
                    .unwrap_or_default(),
                heard: facts.iter().filter_map(|it| heard(it, &identity)).collect(),
                identity,
            })
            .collect();
        Self { facts, covered, phones, start, end }
    }

    /// Scores departures told at these times.
    #[must_use]
    pub fn score(&self, told: &[(&Phone, Time)]) -> Score {
        let mut score = Score::default();
        for phone in &self.phones {
            score.followed += self.end.since(self.start);
            let mine = || told.iter().filter(|it| it.0.identity == phone.identity).map(|it| it.1);
            score.wrong += mine().filter(|at| phone.there.contains(*at)).count() as u64;
            let stays = phone.there.spans();
            for (at, stay) in stays.iter().enumerate() {
                // Told before they were back.
                let back = stays.get(at + 1).map_or(self.end, |it| it.from);
                let told = mine().filter(|it| Span::new(stay.to, back).contains(*it)).min();
                score.delays.extend(told.map(|it| it.since(stay.to)));
            }
        }
        score.delays.sort_unstable();
        score
    }
}

impl Score {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.wrong += other.wrong;
        self.followed += other.followed;
        self.delays.extend(other.delays);
        self.delays.sort_unstable();
        self
    }

    /// False departures for each device and day.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of a simulation")]
    pub fn false_per_day(&self) -> f64 {
        self.wrong as f64 / (self.followed.as_secs_f64() / 86_400.0)
    }

    /// How late a departure is told, at most, in so many of a hundred.
    #[must_use]
    pub fn delay(&self, percent: usize) -> Duration {
        let last = self.delays.len().saturating_sub(1);
        self.delays.get(last * percent / 100).copied().unwrap_or_default()
    }

    /// How many true departures were told.
    #[must_use]
    pub fn departures(&self) -> usize {
        self.delays.len()
    }
}

fn about(fact: &Fact) -> Option<&Identity> {
    match &fact.body {
        FactBody::Sighting(it) => Some(&it.identity),
        FactBody::Probe(it) => Some(&it.identity),
        FactBody::Level(it) => Some(&it.identity),
        FactBody::Detail(it) => Some(&it.identity),
        FactBody::Coverage(_) => None,
    }
}

fn heard(fact: &Fact, whom: &Identity) -> Option<Time> {
    match &fact.body {
        FactBody::Sighting(it) if it.identity == *whom => Some(it.at),
        FactBody::Probe(it) if it.identity == *whom && it.outcome == Outcome::Answered => {
            Some(it.at)
        }
        FactBody::Sighting(_)
        | FactBody::Probe(_)
        | FactBody::Coverage(_)
        | FactBody::Level(_)
        | FactBody::Detail(_) => None,
    }
}
