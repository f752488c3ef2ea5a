//! Walks through address ranges, once or in several rounds, again after a while.
//!
//! Pure: it is asked for the next address and told which ones answered. A range with hundreds of
//! quiet addresses costs one packet each; who answered is not asked again in later rounds.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use muster_config::lan::Network;

/// How a sweep goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rounds {
    /// Rounds of the first sweep; dozing devices miss one of three questions.
    pub(super) first: u32,
    /// Rounds of every later sweep.
    pub(super) later: u32,
    /// From the end of a round to the start of the next.
    pub(super) gap: Duration,
    /// From the end of the last round until the sweep counts as closed.
    pub(super) quiet: Duration,
    /// From the start of one sweep to the start of the next; never: only one sweep.
    pub(super) refresh: Option<Duration>,
}

/// The state of the walk.
#[derive(Debug)]
pub(super) struct Walk {
    ranges: Vec<Network>,
    left_out: Vec<Network>,
    rounds: Rounds,
    answered: BTreeSet<Ipv4Addr>,
    range: usize,
    offset: u32,
    round: u32,
    sweeps: u32,
    started: Option<Duration>,
    /// No address before this.
    resume: Duration,
    closed_at: Option<Duration>,
}

impl Walk {
    /// A walk through `ranges`; addresses in `left_out` are never asked.
    pub(super) fn new(ranges: Vec<Network>, left_out: Vec<Network>, rounds: Rounds) -> Self {
        Self {
            ranges,
            left_out,
            rounds,
            answered: BTreeSet::new(),
            range: 0,
            offset: 0,
            round: 0,
            sweeps: 0,
            started: None,
            resume: Duration::ZERO,
            closed_at: None,
        }
    }

    /// An address answered: it is not asked again in this sweep.
    pub(super) fn answered(&mut self, ip: IpAddr) {
        if let IpAddr::V4(ip) = ip {
            self.answered.insert(ip);
        }
    }

    /// When the next address may come; none: never.
    pub(super) fn ready_at(&self) -> Option<Duration> {
        (!self.ranges.is_empty() && self.resume < Duration::MAX).then_some(self.resume)
    }

    /// Whether the first sweep is over and its stragglers had time to answer.
    pub(super) fn is_closed(&self, now: Duration) -> bool {
        self.ranges.is_empty() || self.closed_at.is_some_and(|it| it <= now)
    }

    /// The next address to ask, leaving out those that `skip` knows.
    pub(super) fn next(
        &mut self,
        now: Duration,
        skip: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Addr> {
        if self.ready_at()? > now {
            return None;
        }
        self.started.get_or_insert(now);
        while let Some(network) = self.ranges.get(self.range) {
            let Some(ip) = host(*network, self.offset) else {
                (self.range, self.offset) = (self.range + 1, 0);
                continue;
            };
            self.offset += 1;
            let left_out = self.left_out.iter().any(|it| it.contains(ip.into()));
            if !left_out && !self.answered.contains(&ip) && !skip(ip) {
                return Some(ip);
            }
        }
        self.end_round(now);
        None
    }

    fn end_round(&mut self, now: Duration) {
        (self.range, self.offset) = (0, 0);
        self.round += 1;
        let rounds = if self.sweeps == 0 { self.rounds.first } else { self.rounds.later };
        if self.round < rounds {
            self.resume = now + self.rounds.gap;
            return;
        }
        self.closed_at.get_or_insert(now + self.rounds.quiet);
        self.round = 0;
        self.sweeps += 1;
        self.answered.clear();
        let started = self.started.take().unwrap_or(now);
        self.resume = match self.rounds.refresh {
            Some(refresh) => (started + refresh).max(now + self.rounds.gap),
            None => Duration::MAX,
        };
    }
}

/// The `offset`th address that a host can have in the range.
fn host(network: Network, offset: u32) -> Option<Ipv4Addr> {
    let IpAddr::V4(base) = network.base() else { return None };
    let size = 1_u64 << (32 - u32::from(network.prefix()));
    let (first, hosts) = if size > 2 { (1, size - 2) } else { (0, size) };
    (u64::from(offset) < hosts)
        .then(|| Ipv4Addr::from(u32::from(base).wrapping_add(first + offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn rounds(refresh: Option<Duration>) -> Rounds {
        Rounds { first: 2, later: 1, gap: at(2), quiet: at(1), refresh }
    }

    fn round(walk: &mut Walk, now: u64) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(ip) = walk.next(at(now), |ip| ip == Ipv4Addr::new(10, 0, 0, 2)) {
            all.push(ip.to_string());
        }
        all
    }

    #[test]
    fn rounds_leave_out_who_answered_and_who_is_known() {
        let ranges = vec!["10.0.0.0/29".parse().unwrap(), "10.0.9.9/32".parse().unwrap()];
        let left_out = vec!["10.0.0.6/32".parse().unwrap()];
        let mut walk = Walk::new(ranges, left_out, rounds(Some(at(60))));
        let first = ["10.0.0.1", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.9.9"];
        assert_eq!(round(&mut walk, 5), first);
        walk.answered("10.0.0.3".parse().unwrap());
        assert_eq!(round(&mut walk, 6), [""; 0]);
        assert_eq!(walk.ready_at(), Some(at(7)));
        assert!(!walk.is_closed(at(100)));
        let second = ["10.0.0.1", "10.0.0.4", "10.0.0.5", "10.0.9.9"];
        assert_eq!(round(&mut walk, 7), second);
        assert!(!walk.is_closed(at(7)) && walk.is_closed(at(8)));
        assert_eq!(walk.ready_at(), Some(at(65)));
        assert_eq!(round(&mut walk, 65), first);
        assert_eq!(walk.ready_at(), Some(at(125)), "later sweeps have one round");
    }

    #[test]
    fn one_sweep_only() {
        let mut walk = Walk::new(vec!["10.0.0.0/30".parse().unwrap()], Vec::new(), rounds(None));
        assert_eq!(round(&mut walk, 0), ["10.0.0.1"]);
        assert_eq!(round(&mut walk, 2), ["10.0.0.1"]);
        assert_eq!(walk.ready_at(), None);
        assert!(Walk::new(Vec::new(), Vec::new(), rounds(None)).is_closed(at(0)));
    }
}
