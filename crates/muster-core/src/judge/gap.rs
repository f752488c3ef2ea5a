//! Judges one gap: the time between two pieces of evidence, or since the last one.

use std::time::Duration;

use crate::fact::{Outcome, SIGHTING, SourceKind};
use crate::identity::{ListenerId, PlaceId};
use crate::policy::{Patience, Policy};
use crate::span::{Span, SpanSet};
use crate::stay::Ended;
use crate::time::Time;

use super::{Judged, Line, Tail, Waiting};

/// A gap with everybody who has a say in it.
pub(super) struct Gap<'a> {
    lines: &'a [&'a Line<'a>],
    decisive: Vec<Decisive<'a>>,
    /// When the stay began.
    from: Time,
    /// The last evidence before the gap.
    last: Time,
    /// The next evidence, or the frontier.
    limit: Time,
    next: Option<Time>,
    policy: &'a Policy,
    frontier: Time,
}

/// A listener that must be heard out, and when it stops mattering.
struct Decisive<'a> {
    line: &'a Line<'a>,
    dropped: Option<Time>,
    /// Where the gap in coverage for which it was dropped ends, if it has.
    back: Option<Time>,
}

/// How a stay ended.
pub(super) struct End {
    pub(super) ended: Ended,
    pub(super) decided: Time,
    pub(super) to_latest: Option<Time>,
    pub(super) without: Vec<ListenerId>,
}

impl End {
    pub(super) fn moved(at: Time) -> Self {
        Self { ended: Ended::Moved, decided: at, to_latest: None, without: Vec::new() }
    }
}

impl<'a> Gap<'a> {
    pub(super) fn new(
        lines: &'a [&'a Line<'a>],
        stay: &Judged,
        next: Option<Time>,
        policy: &'a Policy,
        frontier: Time,
    ) -> Self {
        let last = stay.last;
        // The last evidence may lie a little ahead of the hub's clock.
        let limit = next.unwrap_or(Time::MAX).min(frontier).max(last);
        let since = last - policy.decisive_within;
        let decides = |it: &&&Line<'_>| it.last_evidence(last).is_some_and(|at| at >= since);
        let window = Span::new(last, limit);
        let decisive = lines
            .iter()
            .filter(decides)
            .map(|line| {
                let out = line.bridged.gaps(window);
                let gap = out.spans().iter().find(|it| it.length() > policy.unknown_max);
                Decisive {
                    line,
                    dropped: gap.map(|it| it.from + policy.unknown_max),
                    back: gap.map(|it| it.to).filter(|it| *it < frontier || Some(*it) == next),
                }
            })
            .collect();
        Self { lines, decisive, from: stay.from, last, limit, next, policy, frontier }
    }

    /// Whether coverage that is still to come could judge it otherwise.
    pub(super) fn could_change(&self) -> bool {
        self.next.is_none_or(|it| self.is_behind(it))
    }

    /// Whether coverage of those who have a say is not known up to a time.
    pub(super) fn is_behind(&self, at: Time) -> bool {
        let behind = |it: &Line<'_>| it.bridged.last().is_none_or(|last| last.to < at);
        // Another medium decides only in a long gap.
        let long = self.limit.since(self.last) >= self.policy.unknown_hold;
        self.decisive.iter().any(|it| behind(it.line))
            || (long && self.lines.iter().any(|it| self.heard_in_stay(it) && behind(it)))
    }

    /// Whether a listener heard the device during this stay.
    fn heard_in_stay(&self, line: &Line<'_>) -> bool {
        line.last_evidence(self.last).is_some_and(|at| at >= self.from)
    }

    /// How the stay ended in this gap, if it did.
    pub(super) fn end(&self) -> Option<End> {
        let Some(shortest) = self.decisive.iter().map(|it| it.line.patience.away_after).min()
        else {
            return self.by_nobody();
        };
        let shortest = shortest.min(self.policy.unknown_hold).min(self.policy.unknown_max);
        if self.limit.since(self.last) < shortest {
            return None;
        }
        let own = self.by_silence();
        let other = self.by_another_medium();
        match (own, other) {
            (Some(own), Some(other)) => Some(if other.decided < own.decided { other } else { own }),
            (own, other) => own.or(other),
        }
    }

    /// The part of the gap that nobody decisive covered.
    pub(super) fn uncovered(&self) -> SpanSet {
        let window = Span::new(self.last + SIGHTING, self.limit);
        let mut covered = SpanSet::new();
        for it in &self.decisive {
            covered.union(it.line.bridged.clip(window).spans());
        }
        covered.gaps(window)
    }

    pub(super) fn tail(&self, site: PlaceId) -> Tail {
        let waiting = |it: &Decisive<'_>| Waiting {
            listener: it.line.listener,
            dropped: it.dropped.is_some(),
        };
        let longest = self.remaining(self.limit).map(|it| it.line.patience.away_after).max();
        let covered =
            |it: &Decisive<'_>| it.line.bridged.last().map_or(self.last, |it| it.to.max(self.last));
        let drops = self
            .decisive
            .iter()
            .filter(|it| it.dropped.is_none())
            .map(|it| covered(it) + self.policy.unknown_max + Duration::from_micros(1));
        let medium = self.lines.first().map(|it| it.source);
        let several = self.lines.iter().any(|it| Some(it.source) != medium);
        let darkens = self
            .decisive
            .iter()
            .filter(|_| several)
            .map(|it| covered(it) + self.policy.dark_after(it.line.source));
        // Whoever never told that it hears is no longer believed to.
        let doubted = self
            .decisive
            .iter()
            .filter(|it| it.line.bridged.last().is_none())
            .map(|it| self.last + self.policy.dark_after(it.line.source));
        let turns = drops.chain(darkens).chain(doubted).filter(|it| *it > self.frontier).min();
        Tail {
            site,
            last: self.last,
            decisive: self.decisive.iter().map(waiting).collect(),
            due: self.last + longest.unwrap_or_default().min(self.policy.unknown_hold),
            turns,
        }
    }

    /// The rule of silence and misses, and the assumption when nobody is left to ask.
    fn by_silence(&self) -> Option<End> {
        let mut steps: Vec<Time> = self.decisive.iter().filter_map(|it| it.dropped).collect();
        steps.sort_unstable();
        steps.dedup();
        let mut from = self.last;
        for until in steps.iter().copied().map(Some).chain([None]) {
            if let Some(decided) = self.decided_by_silence(from)
                && until.is_none_or(|it| decided < it)
                && decided <= self.limit
            {
                return Some(self.left(decided));
            }
            from = until.unwrap_or(from);
        }
        // Of several that were dropped at once, the one that stayed out longest.
        let latest = |it: &&Decisive<'_>| (it.dropped, it.back.unwrap_or(Time::MAX));
        let last_dropped = self.decisive.iter().max_by_key(latest)?;
        let all = self.decisive.iter().all(|it| it.dropped.is_some());
        let decided = last_dropped.dropped.filter(|it| all && *it <= self.limit)?;
        Some(End {
            ended: Ended::Assumed,
            decided,
            to_latest: last_dropped.back,
            without: self.decisive.iter().map(|it| it.line.listener).collect(),
        })
    }

    /// Nobody is left who heard it (a monitor was taken out of the site): assumed in time.
    fn by_nobody(&self) -> Option<End> {
        let decided = self.last + self.policy.unknown_max;
        let end = End { ended: Ended::Assumed, decided, to_latest: None, without: Vec::new() };
        (decided <= self.limit).then_some(end)
    }

    /// When those not dropped at `from` are all silent long enough; not before `from`.
    fn decided_by_silence(&self, from: Time) -> Option<Time> {
        let window = Span::new(self.last, self.limit);
        let together = self.together(from, window)?;
        let heard_out = |it: &Decisive<'_>| heard_out(it.line, &together, window, self.policy);
        self.remaining(from).try_fold(from, |decided, it| Some(decided.max(heard_out(it)?)))
    }

    fn left(&self, decided: Time) -> End {
        let window = Span::new(self.last, decided);
        let deciding = self.remaining(decided).map(|it| it.line);
        let dropped = |it: &&Decisive<'_>| it.dropped.is_some_and(|at| at <= decided);
        End {
            ended: Ended::Left,
            decided,
            to_latest: last_hole(deciding, window),
            without: self.decisive.iter().filter(dropped).map(|it| it.line.listener).collect(),
        }
    }

    fn remaining(&self, at: Time) -> impl Iterator<Item = &Decisive<'a>> {
        self.decisive.iter().filter(move |it| it.dropped.is_none_or(|dropped| dropped > at))
    }

    /// What the listeners that are not dropped at a time cover together; none: nobody is left.
    fn together(&self, at: Time, window: Span) -> Option<SpanSet> {
        let mut lines = self.remaining(at).map(|it| it.line.bridged.clip(window));
        let first = lines.next()?;
        Some(lines.fold(first, |sum, it| sum.intersect(&it)))
    }

    /// A medium that is not dark decides for one that is.
    fn by_another_medium(&self) -> Option<End> {
        let mut media: Vec<SourceKind> = self.lines.iter().map(|it| it.source).collect();
        media.sort_unstable();
        media.dedup();
        if media.len() < 2 {
            return None;
        }
        let ends = media.into_iter().filter_map(|medium| self.by_medium(medium));
        ends.min_by_key(|it| it.decided)
    }

    fn by_medium(&self, medium: SourceKind) -> Option<End> {
        let window = Span::new(self.last, self.limit);
        let heard = |it: &&Line<'_>| it.source == medium && self.heard_in_stay(it);
        let deciders: Vec<&Line<'_>> = self.lines.iter().copied().filter(heard).collect();
        let mut first = self.last;
        for line in &deciders {
            first = first.max(reached(&line.bridged.clip(window), self.policy.unknown_hold)?);
        }
        if deciders.is_empty() {
            return None;
        }
        let mut candidates = vec![first];
        for it in &self.decisive {
            candidates.extend(satisfied(it.line, window, self.policy));
            candidates.extend(it.dropped);
            // Another one gets dark, or this one is back while that one still is.
            let back = |it: Span| [it.from, it.to + Duration::from_micros(1)];
            candidates.extend(self.dark_spans(it.line).into_iter().flat_map(back));
        }
        candidates.retain(|it| *it >= first && *it <= self.limit);
        candidates.sort_unstable();
        candidates.into_iter().find_map(|at| self.decided_without(medium, &deciders, at))
    }

    fn decided_without(&self, medium: SourceKind, by: &[&Line<'_>], at: Time) -> Option<End> {
        let window = Span::new(self.last, self.limit);
        let dark =
            |line: &Line<'_>| self.dark_spans(line).iter().any(|it| it.from <= at && at <= it.to);
        let (out, present): (Vec<_>, Vec<_>) = self.remaining(at).partition(|it| dark(it.line));
        let satisfied = |it: &Decisive<'_>| {
            satisfied(it.line, window, self.policy).is_some_and(|done| done <= at)
        };
        if out.is_empty()
            || out.iter().any(|it| it.line.source == medium)
            || !present.iter().all(|it| satisfied(it))
        {
            return None;
        }
        let deciding = by.iter().copied().chain(present.iter().map(|it| it.line));
        Some(End {
            ended: Ended::Left,
            decided: at,
            to_latest: last_hole(deciding, Span::new(self.last, at)),
            without: out.iter().map(|it| it.line.listener).collect(),
        })
    }

    /// When a listener counts as dark: from [`Policy::dark_after`] into each gap of its coverage.
    fn dark_spans(&self, line: &Line<'_>) -> Vec<Span> {
        let window = Span::new(self.last, self.limit);
        let gaps = line.bridged.gaps(window);
        let late = |it: &Span| Span::new(it.from + self.policy.dark_after(line.source), it.to);
        gaps.spans().iter().map(late).filter(|it| it.from <= it.to).collect()
    }
}

/// Where the last hole ends in what all of these cover together. A hole that reaches the end of the
/// window and is not longer than the source's own rhythm is none: coverage follows behind.
fn last_hole<'a>(deciding: impl Iterator<Item = &'a Line<'a>>, window: Span) -> Option<Time> {
    let together = deciding.fold(SpanSet::from_iter([window]), |sum, line| {
        let mut covered = line.bridged.clip(window);
        if let Some(last) = covered.last()
            && window.to.since(last.to) <= line.patience.cycle
        {
            covered.insert(Span::new(last.to, window.to));
        }
        sum.intersect(&covered)
    });
    together.gaps(window).last().map(|it| it.to)
}

impl std::fmt::Debug for Gap<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "gap {}..{:?} of {}, frontier {}", self.last, self.next, self.from, self.frontier)
    }
}

/// When a set, counted from its beginning, has covered this much.
fn reached(set: &SpanSet, need: Duration) -> Option<Time> {
    let mut left = need;
    for span in set.spans() {
        if span.length() >= left {
            return Some(span.from + left);
        }
        left -= span.length();
    }
    None
}

/// When a listener has missed often enough.
fn missed(line: &Line<'_>, window: Span, policy: &Policy) -> Option<Time> {
    let need = line.patience.misses;
    if need == 0 {
        return Some(window.from);
    }
    if line.asks(policy) {
        return line.asked(window, Outcome::Silent).nth(need as usize - 1);
    }
    reached(&line.coverage.clip(window), Patience::WINDOW * need)
}

/// When a listener by itself has been silent and has missed enough.
fn satisfied(line: &Line<'_>, window: Span, policy: &Policy) -> Option<Time> {
    heard_out(line, &line.bridged.clip(window), window, policy)
}

/// When a silence is long enough for a listener, and it has missed enough; or the silence is as
/// long as one that decides alone, and it had nothing to ask by.
fn heard_out(line: &Line<'_>, silence: &SpanSet, window: Span, policy: &Policy) -> Option<Time> {
    let patience = line.patience.away_after;
    let both = |(a, b): (Time, Time)| a.max(b);
    let asked = missed(line, window, policy).zip(reached(silence, patience)).map(both);
    let listened = reached(silence, patience.max(policy.unknown_hold));
    let unaskable = line.unaskable(window, policy).zip(listened).map(both);
    asked.into_iter().chain(unaskable).min()
}
