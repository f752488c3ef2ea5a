//! Judges one device: from what its listeners heard to its stays, by the rules of
//! `docs/presence.md`.
//!
//! **Invariant:** a pure function. The same lines, policy and frontier give the same stays; a
//! device's stays at one site never overlap.

use std::time::Duration;

use crate::fact::SIGHTING;
use crate::identity::{ListenerId, PlaceId};
use crate::policy::Policy;
use crate::span::{Span, SpanSet};
use crate::stay::{Ended, Stay};
use crate::time::Time;

pub use line::Line;
pub use tail::{Tail, Waiting};

mod gap;
mod line;
mod tail;

/// The state from which judgement starts, when facts before it are no longer at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carry {
    /// An evidence time; spans that end before it are only looked at to find who is decisive.
    pub at: Time,
    /// The stay that was going on then, or had been assumed to have ended.
    pub stay: Judged,
}

/// One stay as judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Where.
    pub site: PlaceId,
    /// First evidence.
    pub from: Time,
    /// Last evidence.
    pub last: Time,
    /// How it ended.
    pub ended: Ended,
    /// When that was decided; none while open.
    pub decided: Option<Time>,
    /// See [`Stay::to_latest`](crate::stay::Stay::to_latest).
    pub to_latest: Option<Time>,
    /// Inside it, when nobody decisive could hear.
    pub uncovered: SpanSet,
    /// Uncovered time before the facts at hand.
    pub uncovered_before: Duration,
    /// See [`Stay::after_gap`](crate::stay::Stay::after_gap).
    pub after_gap: bool,
    /// The decisive listeners that were not heard out.
    pub without: Vec<ListenerId>,
}

impl Judged {
    /// The time during which it holds its owner: until its end was decided.
    #[must_use]
    pub fn hold(&self) -> Span {
        Span::new(self.from, self.decided.unwrap_or(Time::MAX))
    }

    /// All uncovered time in it.
    #[must_use]
    pub fn uncovered_time(&self) -> Duration {
        self.uncovered_before + self.uncovered.measure()
    }

    /// A recorded stay, until it is judged again.
    #[must_use]
    pub fn recorded(stay: &Stay) -> Self {
        let mut judged = Self::begun(stay.site, stay.from, stay.last, stay.after_gap);
        judged.ended = stay.ended;
        judged.decided = (stay.ended != Ended::Open).then_some(stay.last);
        judged.to_latest = stay.to_latest;
        judged.uncovered_before = stay.uncovered;
        judged
    }

    /// A stay that has begun.
    #[must_use]
    pub fn begun(site: PlaceId, from: Time, last: Time, after_gap: bool) -> Self {
        Self {
            site,
            from,
            last,
            ended: Ended::Open,
            decided: None,
            to_latest: None,
            uncovered: SpanSet::new(),
            uncovered_before: Duration::ZERO,
            after_gap,
            without: Vec::new(),
        }
    }
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Stays by start.
    pub stays: Vec<Judged>,
    /// Where it was heard at two sites at once: (earlier site, later site, since).
    pub conflicts: Vec<(PlaceId, PlaceId, Time)>,
    /// Ends of gaps, and of stays, that more coverage could still judge otherwise.
    pub unsettled: Vec<Time>,
    /// What the open stay waits for; the one heard last, if several are open.
    pub tail: Option<Tail>,
    /// A span that may yet become a stay: its start and when that fails.
    pub arriving: Option<(Time, Time)>,
    /// An evidence time of the last stay: facts after it change nothing of what was judged up to
    /// there.
    pub settled: Option<Time>,
}

/// Judges a device: at each site from its carry, or else from the first span that begins at or
/// after `begin`.
#[must_use]
pub fn judge(
    lines: &[Line<'_>],
    carries: &[Carry],
    begin: Time,
    policy: &Policy,
    frontier: Time,
) -> Verdict {
    let mut sites: Vec<Site<'_>> = Vec::new();
    let heard = lines.iter().map(|it| it.site);
    for id in heard.chain(carries.iter().map(|it| it.stay.site)) {
        if !sites.iter().any(|it| it.id == id) {
            let carry = carries.iter().find(|it| it.stay.site == id);
            sites.push(Site::new(id, lines, begin, carry));
        }
    }
    sites.sort_by_key(|it| it.id);
    let mut verdict = Verdict::default();
    let mut queue: Vec<(Time, usize, Span)> = Vec::new();
    for (index, site) in sites.iter().enumerate() {
        queue.extend(site.spans().iter().map(|it| (it.from, index, *it)));
    }
    queue.sort_unstable();
    let newest = queue.iter().map(|(_, _, it)| it.to - SIGHTING).max();
    let calm = newest.map_or(Time::MIN, |it| it.min(frontier) - policy.decisive_within);
    let mut court = Court { sites, policy, frontier, calm, verdict: &mut verdict };
    for (_, index, span) in queue {
        court.hear(index, span);
    }
    court.close();
    verdict.stays.sort_by_key(|it| (it.from, it.site));
    verdict
}

/// One site's side of the story.
struct Site<'a> {
    id: PlaceId,
    lines: Vec<&'a Line<'a>>,
    /// Heard spans of all lines, from where judgement begins.
    all: SpanSet,
    /// How many of them lie before that.
    before: usize,
    open: Option<Judged>,
    after_assumed: bool,
}

impl<'a> Site<'a> {
    fn new(id: PlaceId, lines: &'a [Line<'a>], begin: Time, carry: Option<&Carry>) -> Self {
        let start = carry.map_or(begin, |it| it.at);
        let lines: Vec<_> = lines.iter().filter(|it| it.site == id).collect();
        let going_on = carry.is_some_and(|it| it.stay.ended == Ended::Open);
        let all = heard_from(&lines, if going_on { start } else { whole(&lines, start) });
        let open = carry.filter(|_| going_on).map(|it| it.stay.clone());
        let after_assumed = carry.is_some_and(|it| it.stay.ended == Ended::Assumed);
        let early = |it: &Span| it.to <= start + SIGHTING && it.from < start;
        let before = all.spans().partition_point(early);
        Self { id, lines, all, before, open, after_assumed }
    }

    /// The spans to be taken, earliest first.
    fn spans(&self) -> &[Span] {
        self.all.spans().get(self.before..).unwrap_or(&[])
    }

    /// Whether the span that starts at `from` begins a stay.
    fn confirms(&self, from: Time) -> bool {
        let mut lines = self.lines.iter().map(|line| {
            let window = Span::new(from, from + line.patience.confirm_within);
            (line, window)
        });
        let heard = |window: Span| self.all.measure_in(window);
        let need = lines
            .clone()
            .filter(|(line, window)| !line.heard.overlapping(*window).is_empty())
            .map(|(line, _)| line.patience.confirm_for)
            .min()
            .unwrap_or_default();
        lines.any(|(_, window)| heard(window) >= SIGHTING + need)
    }

    /// The end of the confirmation window of a span that starts at `from`.
    fn confirm_until(&self, from: Time) -> Time {
        let within = self.lines.iter().map(|it| it.patience.confirm_within).max();
        from + within.unwrap_or_default()
    }

    /// Whether there is evidence in (after, until].
    fn evidence_within(&self, after: Time, until: Time) -> bool {
        let window = Span::new(after, Time::from_micros(until.micros().saturating_add(1)));
        self.all.overlapping(window).iter().any(|it| it.from > after || it.to - SIGHTING > after)
    }
}

/// What these lines heard together from a time on.
fn heard_from(lines: &[&Line<'_>], from: Time) -> SpanSet {
    let mut all = SpanSet::new();
    for line in lines {
        all.union(line.heard.overlapping(touching(from)));
    }
    all
}

/// Where the span begins, of what these lines heard together, that a time lies in; the time itself
/// if it lies in none.
fn whole(lines: &[&Line<'_>], at: Time) -> Time {
    let mut start = at;
    let earlier =
        |at| lines.iter().filter_map(move |it| it.heard.overlapping(touching(at)).first());
    while let Some(from) = earlier(start).map(|it| it.from).min().filter(|it| *it < start) {
        start = from;
    }
    start
}

/// Everything that ends at a time or after it.
fn touching(at: Time) -> Span {
    Span::new(Time::from_micros(at.micros().saturating_sub(1)), Time::MAX)
}

struct Court<'a, 'v> {
    sites: Vec<Site<'a>>,
    policy: &'v Policy,
    frontier: Time,
    /// Facts from before this time seldom come in any more.
    calm: Time,
    verdict: &'v mut Verdict,
}

impl Court<'_, '_> {
    /// Takes one heard span at a site.
    fn hear(&mut self, index: usize, span: Span) {
        self.verdict.arriving = None;
        let evidence = span.to - SIGHTING;
        self.judge_gap(index, span.from);
        let Some(site) = self.sites.get_mut(index) else { return };
        if let Some(stay) = &mut site.open {
            stay.last = stay.last.max(evidence);
        } else if site.confirms(span.from) {
            let after_gap = std::mem::take(&mut site.after_assumed);
            site.open = Some(Judged::begun(site.id, span.from, evidence, after_gap));
            self.supersede(index, span.from);
        } else {
            let until = site.confirm_until(span.from);
            if until > self.frontier {
                self.verdict.arriving = Some((span.from, until));
            }
            return;
        }
        let settled = evidence.min(self.calm);
        if settled >= span.from && self.verdict.unsettled.is_empty() {
            self.verdict.settled = Some(settled);
        }
    }

    /// Judges the gap between the last evidence of an open stay and the next evidence `next`.
    fn judge_gap(&mut self, index: usize, next: Time) {
        let Some(site) = self.sites.get_mut(index) else { return };
        let Some(stay) = &mut site.open else { return };
        if next <= stay.last {
            return;
        }
        let gap = gap::Gap::new(&site.lines, stay, Some(next), self.policy, self.frontier);
        if gap.could_change() {
            self.verdict.unsettled.push(next);
        }
        match gap.end() {
            Some(end) => self.finish(index, end),
            None => gap.uncovered().spans().iter().for_each(|it| {
                stay.uncovered.insert(*it);
            }),
        }
    }

    /// An arrival at one site ends the stays at the others, or contradicts them.
    fn supersede(&mut self, arrived: usize, at: Time) {
        let to = self.sites.get(arrived).map(|it| it.id);
        for index in 0..self.sites.len() {
            let Some(site) = self.sites.get(index) else { continue };
            let (Some(stay), Some(to)) = (&site.open, to) else { continue };
            if index == arrived {
                continue;
            }
            let again = site.evidence_within(at, at + self.policy.conflict_within);
            let (from, last) = (site.id, stay.last);
            if last < at {
                let gap = gap::Gap::new(&site.lines, stay, Some(at), self.policy, self.frontier);
                if gap.is_behind(at) {
                    self.verdict.unsettled.push(at);
                }
                if let Some(end) = gap.end() {
                    self.finish(index, end);
                    continue;
                }
            }
            if again {
                self.verdict.conflicts.push((from, to, at));
            } else {
                self.finish(index, gap::End::moved(at));
            }
        }
    }

    fn finish(&mut self, index: usize, end: gap::End) {
        let Some(site) = self.sites.get_mut(index) else { return };
        let Some(mut stay) = site.open.take() else { return };
        self.verdict.settled = None;
        site.after_assumed = end.ended == Ended::Assumed;
        stay.ended = end.ended;
        stay.decided = Some(end.decided);
        stay.to_latest = end.to_latest;
        stay.without = end.without;
        self.verdict.stays.push(stay);
    }

    /// Judges the silence since the last evidence.
    fn close(&mut self) {
        for index in 0..self.sites.len() {
            let Some(site) = self.sites.get(index) else { continue };
            let Some(stay) = &site.open else { continue };
            let gap = gap::Gap::new(&site.lines, stay, None, self.policy, self.frontier);
            if let Some(end) = gap.end() {
                if gap.is_behind(end.decided) {
                    self.verdict.unsettled.push(end.decided);
                }
                self.finish(index, end);
                continue;
            }
            let tail = gap.tail(site.id);
            self.verdict.tail = Some(match self.verdict.tail.take() {
                Some(it) => it.and(tail),
                None => tail,
            });
            let Some(site) = self.sites.get_mut(index) else { continue };
            self.verdict.stays.extend(site.open.take());
        }
    }
}
