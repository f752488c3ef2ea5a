//! Seconds in a row: what one listener heard of one device, and when it could hear at all.

use std::time::Duration;

use muster_core::directory::DeviceKind;
use muster_core::fact::{Fact, FactBody, Listener, Outcome};
use muster_core::identity::{DeviceId, Identity, PlaceId};
use muster_core::policy::Patience;
use muster_core::time::Time;

use super::Case;

/// One listener and one device, second by second.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) listener: Listener,
    pub(super) site: PlaceId,
    pub(super) patience: Patience,
    asking: bool,
    /// The device was heard: 30 s from each sighting on.
    pub(super) heard: Vec<bool>,
    /// The listener could hear.
    covered: Vec<bool>,
    /// The same with holes up to the cycle filled.
    pub(super) bridged: Vec<bool>,
    /// Silent probes of the device that ended in this second.
    silent: Vec<u32>,
    /// In this second it had nothing to ask by.
    unaskable: Vec<bool>,
    /// The sums of the three rows before each second, so that a stretch is a difference.
    sums: Vec<Sums>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    bridged: usize,
    covered: usize,
    silent: u32,
}

impl Ear {
    /// How much of [e, t) it covers, bridged.
    pub(super) fn silence(&self, e: usize, t: usize) -> usize {
        self.sums[t].bridged - self.sums[e].bridged
    }

    /// Silent probes in (e, t], or windows of its own coverage in [e, t).
    pub(super) fn misses(&self, e: usize, t: usize) -> u32 {
        if self.asking {
            return self.sums[t + 1].silent - self.sums[e + 1].silent;
        }
        let windows = (self.sums[t].covered - self.sums[e].covered) / 10;
        u32::try_from(windows).unwrap_or(u32::MAX)
    }

    /// Whether a silence is enough for it at `t`, since `e`.
    pub(super) fn is_heard_out(&self, silence: usize, hold: usize, e: usize, t: usize) -> bool {
        let patience = usize::try_from(self.patience.away_after.as_secs()).unwrap_or(usize::MAX);
        let missed = self.misses(e, t) >= self.patience.misses;
        let unaskable = self.asking && self.unaskable[e + 1..=t].contains(&true);
        (silence >= patience && missed) || (silence >= patience.max(hold) && unaskable)
    }

    fn add_up(&mut self) {
        let mut sum = Sums::default();
        self.sums = vec![sum];
        for second in 0..self.covered.len() {
            sum.bridged += usize::from(self.bridged[second]);
            sum.covered += usize::from(self.covered[second]);
            sum.silent += self.silent[second];
            self.sums.push(sum);
        }
    }
}

/// Where the seconds lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    origin: i64,
    pub(super) length: usize,
    pub(super) frontier: usize,
}

impl Grid {
    pub(super) fn new(case: &Case<'_>) -> Self {
        let frontier = case.frontier.secs();
        let times = case.facts.iter().flat_map(|it| [first_second(it), last_second(it)]);
        let (low, high) =
            times.fold((frontier, frontier), |(low, high), it| (low.min(it), high.max(it)));
        let origin = low - 1;
        let length = usize::try_from(high - origin + 2).unwrap_or(0);
        Self { origin, length, frontier: usize::try_from(frontier - origin).unwrap_or(0) }
    }

    pub(super) fn second(&self, at: Time) -> usize {
        usize::try_from(at.secs() - self.origin).unwrap_or(0)
    }

    pub(super) fn time(&self, second: usize) -> Time {
        Time::from_secs(self.origin + i64::try_from(second).unwrap_or(0))
    }

    /// Every listener, with what it has of the device.
    pub(super) fn ears(&self, case: &Case<'_>, device: DeviceId) -> Vec<Ear> {
        let phone = case.directory.device(device).kind == DeviceKind::Phone;
        let mut listeners: Vec<&Listener> = case.facts.iter().map(|it| &*it.listener).collect();
        listeners.sort();
        listeners.dedup();
        let identities: Vec<&Identity> = case
            .identities
            .iter()
            .filter(|(id, _)| case.directory.device_of(*id) == device)
            .map(|(_, it)| it)
            .collect();
        listeners
            .into_iter()
            .map(|listener| {
                let patience = *case.policy.patience(listener.source, phone);
                let mut ear = Ear {
                    listener: listener.clone(),
                    site: case.directory.site_of_monitor(&listener.monitor),
                    patience,
                    asking: patience.asking && !case.policy.windows_for_all,
                    heard: vec![false; self.length],
                    covered: vec![false; self.length],
                    bridged: Vec::new(),
                    silent: vec![0; self.length],
                    unaskable: vec![false; self.length],
                    sums: Vec::new(),
                };
                let mut asked: Vec<(&Identity, usize)> = Vec::new();
                for fact in case.facts.iter().filter(|it| *it.listener == *listener) {
                    self.mark(&mut ear, &mut asked, &identities, fact);
                }
                ear.bridged = bridged(&ear.covered, patience.cycle);
                ear.add_up();
                ear
            })
            .collect()
    }

    fn mark<'a>(
        &self,
        ear: &mut Ear,
        asked: &mut Vec<(&'a Identity, usize)>,
        identities: &[&Identity],
        fact: &'a Fact,
    ) {
        match &fact.body {
            FactBody::Sighting(it) if identities.contains(&&it.identity) => {
                fill(&mut ear.heard, self.second(it.at), self.second(it.at) + 30);
            }
            FactBody::Probe(it) if identities.contains(&&it.identity) => match it.outcome {
                Outcome::Answered => {
                    fill(&mut ear.heard, self.second(it.at), self.second(it.at) + 30);
                }
                Outcome::Silent => {
                    // A probe that was told twice was asked once.
                    let probe = (&it.identity, self.second(it.at));
                    if !asked.contains(&probe) {
                        asked.push(probe);
                        if let Some(count) = ear.silent.get_mut(probe.1) {
                            *count += 1;
                        }
                    }
                }
                Outcome::Unaskable => {
                    if let Some(count) = ear.unaskable.get_mut(self.second(it.at)) {
                        *count = true;
                    }
                }
                Outcome::NoEvidence => {}
            },
            FactBody::Coverage(it) => {
                fill(&mut ear.covered, self.second(it.from), self.second(it.to));
            }
            FactBody::Sighting(_)
            | FactBody::Probe(_)
            | FactBody::Level(_)
            | FactBody::Detail(_) => {}
        }
    }
}

fn first_second(fact: &Fact) -> i64 {
    match &fact.body {
        FactBody::Sighting(it) => it.at.secs(),
        FactBody::Coverage(it) => it.from.secs(),
        FactBody::Probe(it) => it.at.secs(),
        FactBody::Level(it) => it.at.secs(),
        FactBody::Detail(it) => it.at.secs(),
    }
}

fn last_second(fact: &Fact) -> i64 {
    match &fact.body {
        FactBody::Coverage(it) => it.to.secs(),
        FactBody::Sighting(_) | FactBody::Probe(_) | FactBody::Level(_) | FactBody::Detail(_) => {
            first_second(fact) + 30
        }
    }
}

fn fill(row: &mut [bool], from: usize, to: usize) {
    for second in row.iter_mut().take(to).skip(from) {
        *second = true;
    }
}

/// Fills holes of at most `cycle` between two covered seconds.
fn bridged(covered: &[bool], cycle: Duration) -> Vec<bool> {
    let mut out = covered.to_vec();
    let mut last: Option<usize> = None;
    for (second, _) in covered.iter().enumerate().filter(|(_, it)| **it) {
        if let Some(last) = last
            && (second - last - 1) as u64 <= cycle.as_secs()
        {
            fill(&mut out, last, second);
        }
        last = Some(second);
    }
    out
}
