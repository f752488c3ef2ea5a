//! What a series sink is sent next: on its cadence while all is well, afterwards when it was not.
//!
//! Time is cut into ticks, whole multiples of the cadence since 1970. Everything up to `done` is
//! delivered or given up. A long backlog is sent in bounded pieces, oldest first, and samples that
//! fall due meanwhile go ahead of it. Knows no values, no store and no peer. **Invariant:** each
//! tick from the start on is delivered, waiting, or counted as dropped; one that the peer may have
//! lost is delivered again.

use std::collections::VecDeque;
use std::time::Duration;

use crate::span::Span;
use crate::time::{Now, Time};

/// How a feed goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The cadence, at least a second.
    pub every: Duration,
    /// How far back is sent afterwards; what is older is given up and counted.
    pub backfill: Duration,
    /// What was delivered so short a time before a failure is delivered again.
    pub unsure: Duration,
}

/// The feed of one sink.
#[derive(Clone, Debug)]
pub struct Feed {
    pace: Pace,
    /// The last tick that is delivered or given up, with all before it.
    done: Time,
    /// Ticks that were delivered ahead of the backlog: first and last.
    ahead: Option<(Time, Time)>,
    /// When lately something was delivered (monotonic), and from which tick on.
    recent: VecDeque<(Duration, Time)>,
    failures: u32,
    rests_until: Option<Duration>,
    dropped: u64,
    lost: Option<Span>,
}

/// Samples to send together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where they belong.
    pub lane: Lane,
    /// The tick of the first one.
    pub first: Time,
    /// How many, at least one, one tick apart.
    pub count: u32,
}

/// Whether a piece continues what was sent, or goes ahead of a backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// It continues it.
    InOrder,
    /// It is due now, and a backlog lies before it.
    Ahead,
}

impl Feed {
    /// A feed that goes on after the cursor that another one left; without any it begins now.
    #[must_use]
    pub fn new(pace: Pace, cursor: Option<Time>, now: Now) -> Self {
        let every = pace.every.max(Duration::from_secs(1));
        let mut feed = Self {
            pace: Pace { every, ..pace },
            done: Time::MIN,
            ahead: None,
            recent: VecDeque::new(),
            failures: 0,
            rests_until: None,
            dropped: 0,
            lost: None,
        };
        let before = feed.due(now) - every;
        feed.done = cursor.map_or(before, |it| it.floor(every));
        feed
    }

    /// What to send now, if anything. Gives up what is too old.
    pub fn poll(&mut self, now: Now) -> Option<Piece> {
        let due = self.due(now);
        self.keep_within(due);
        if self.rests_until.is_some_and(|it| now.mono < it) || self.done >= due {
            return None;
        }
        let piece = |lane, after: Time, to| {
            let count = self.ticks(after, to).min(LONGEST.into());
            let count = u32::try_from(count).unwrap_or(LONGEST);
            Piece { lane, first: after + self.pace.every, count }
        };
        Some(match self.ahead {
            Some((_, last)) if last < due => piece(Lane::Ahead, last, due),
            Some((first, _)) => piece(Lane::InOrder, self.done, first - self.pace.every),
            None if self.ticks(self.done, due) > LONGEST.into() => {
                piece(Lane::Ahead, due - self.pace.every, due)
            }
            None => piece(Lane::InOrder, self.done, due),
        })
    }

    /// How long until polling can give something, if nothing else happens.
    #[must_use]
    pub fn next_in(&self, now: Now) -> Duration {
        let due = self.due(now);
        let tick = if self.done < due {
            Duration::ZERO
        } else {
            (due + self.pace.every + SETTLE).since(now.wall)
        };
        let rest = self.rests_until.map_or(Duration::ZERO, |it| it.saturating_sub(now.mono));
        tick.max(rest)
    }

    /// The peer has taken a piece.
    pub fn handle_delivered(&mut self, piece: Piece, now: Now) {
        self.failures = 0;
        self.rests_until = None;
        self.forget_settled(now);
        let since = self.recent.back().map(|(at, _)| now.mono.saturating_sub(*at));
        if since.is_none_or(|it| it >= GRAIN) {
            self.recent.push_back((now.mono, self.done));
        }
        self.pass(piece);
    }

    /// The peer has not taken it, and may have lost what it took shortly before.
    pub fn handle_failed(&mut self, now: Now) {
        self.done = self.cursor(now);
        self.ahead = None;
        self.recent.clear();
        self.failures = self.failures.saturating_add(1);
        let noise = f64::from(now.mono.subsec_micros() % 1_000) / 1_000.0;
        let whole = FIRST_REST.saturating_mul(1 << (self.failures - 1).min(10)).min(LONGEST_REST);
        self.rests_until = Some(now.mono + whole / 2 + (whole / 2).mul_f64(noise));
    }

    /// The peer will never take a piece: it is given up.
    pub fn handle_refused(&mut self, piece: Piece) {
        let length = self.pace.every.saturating_mul(piece.count);
        self.give_up(piece.count.into(), Span::new(piece.first, piece.first + length));
        self.pass(piece);
    }

    /// A change was stored that had been decided at a time of which samples were sent already:
    /// they are sent again from there on.
    pub fn handle_late(&mut self, decided: Time) {
        let before = self.before(decided);
        self.done = self.done.min(before);
        self.ahead = self.ahead.map(|(first, last)| (first, last.min(before)));
        self.ahead = self.ahead.filter(|(first, last)| first <= last);
    }

    /// Where a feed that begins after this one must go on: everything up to here is delivered, and
    /// so long ago that the peer has it for good.
    #[must_use]
    pub fn cursor(&self, now: Now) -> Time {
        let lately = self.recent.iter().filter(|(at, _)| self.is_recent(*at, now));
        lately.map(|(_, from)| *from).fold(self.done, Time::min)
    }

    /// Everything up to here is delivered or given up.
    #[must_use]
    pub const fn delivered_to(&self) -> Time {
        self.done
    }

    /// How many samples are due and not delivered.
    #[must_use]
    pub fn backlog(&self, now: Now) -> u64 {
        let ahead = self.ahead.map_or(0, |(first, last)| self.ticks(first, last) + 1);
        self.ticks(self.done, self.due(now)).saturating_sub(ahead)
    }

    /// How many samples were given up.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The time from the first sample that was given up to the end of the last one; what lies
    /// between may have been delivered.
    #[must_use]
    pub const fn lost(&self) -> Option<Span> {
        self.lost
    }

    /// The time of each sample of a piece.
    pub fn times(&self, piece: Piece) -> impl Iterator<Item = Time> + use<> {
        let every = self.pace.every;
        (0..piece.count).map(move |it| piece.first + every * it)
    }

    /// The last tick whose changes had time to be stored.
    fn due(&self, now: Now) -> Time {
        (now.wall - SETTLE).floor(self.pace.every)
    }

    /// Keeps `done` between the oldest time that is still sent and now: the machine's clock may
    /// have been set back since.
    fn keep_within(&mut self, due: Time) {
        if self.done > due || self.ahead.is_some_and(|(_, last)| last > due) {
            self.done = self.done.min(due);
            self.ahead = None;
            self.recent.clear();
        }
        let before = self.before(due - self.pace.backfill);
        if self.done < before {
            let kept = self
                .ahead
                .map_or(0, |(first, last)| self.ticks(first - self.pace.every, last.min(before)));
            let given_up = self.ticks(self.done, before).saturating_sub(kept);
            let every = self.pace.every;
            self.give_up(given_up, Span::new(self.done + every, before + every));
            self.done = before;
            self.join();
        }
    }

    fn give_up(&mut self, samples: u64, within: Span) {
        if samples > 0 {
            self.dropped += samples;
            let known = self.lost.unwrap_or(within);
            self.lost = Some(Span::new(known.from.min(within.from), known.to.max(within.to)));
        }
    }

    fn pass(&mut self, piece: Piece) {
        let last = piece.first + self.pace.every * (piece.count.max(1) - 1);
        match piece.lane {
            Lane::InOrder => self.done = self.done.max(last),
            Lane::Ahead => {
                self.ahead = Some((self.ahead.map_or(piece.first, |it| it.0), last));
            }
        }
        self.join();
    }

    /// What went ahead is no longer ahead once the backlog has come up to it.
    fn join(&mut self) {
        if let Some((first, last)) = self.ahead
            && first <= self.done + self.pace.every
        {
            self.done = self.done.max(last);
            self.ahead = None;
        }
    }

    fn forget_settled(&mut self, now: Now) {
        while self.recent.front().is_some_and(|(at, _)| !self.is_recent(*at, now)) {
            self.recent.pop_front();
        }
    }

    fn is_recent(&self, at: Duration, now: Now) -> bool {
        now.mono.saturating_sub(at) <= self.pace.unsure + GRAIN
    }

    /// The last tick before a time.
    fn before(&self, at: Time) -> Time {
        Time::from_micros(at.micros().saturating_sub(1)).floor(self.pace.every)
    }

    /// How many ticks there are after one up to another.
    fn ticks(&self, after: Time, to: Time) -> u64 {
        let every = self.pace.every.as_micros().max(1);
        u64::try_from(to.since(after).as_micros() / every).unwrap_or(u64::MAX)
    }
}

/// How long after a tick it is sampled: what was decided by then is stored by now, or the store is
/// known to be in trouble. A change that took longer is made good (see [`Feed::handle_late`]).
const SETTLE: Duration = Duration::from_secs(1);
/// The most samples in a piece: 20 minutes of 5 s, which a peer takes in a fraction of a second.
const LONGEST: u32 = 240;
/// How exactly the times of deliveries are remembered.
const GRAIN: Duration = Duration::from_secs(1);
/// The first pause after a failure, and the longest.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
