//! Spans of time and their unions: the shape in which evidence and coverage are kept.
//!
//! **Invariant:** a [`SpanSet`] is sorted, its spans are not empty, and neither overlap nor touch,
//! so two sets that cover the same time are equal whatever order they were built in.

use std::time::Duration;

use crate::time::Time;

/// A half-open stretch of time, `from` inclusive, `to` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First instant inside.
    pub from: Time,
    /// First instant after.
    pub to: Time,
}

impl Span {
    /// A span; an inverted one is empty.
    #[must_use]
    pub const fn new(from: Time, to: Time) -> Self {
        Self { from, to }
    }

    /// Whether it holds no instant.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.to <= self.from
    }

    /// Its length; zero when empty.
    #[must_use]
    pub fn length(self) -> Duration {
        self.to.since(self.from)
    }

    /// The common part, if any.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        let both = Self::new(self.from.max(other.from), self.to.min(other.to));
        (!both.is_empty()).then_some(both)
    }

    /// Whether `at` is inside.
    #[must_use]
    pub fn contains(self, at: Time) -> bool {
        self.from <= at && at < self.to
    }
}

/// A union of spans in canonical form. Merging is commutative, associative and idempotent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanSet(Vec<Span>);

impl SpanSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The spans, earliest first.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Whether it covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The latest span.
    #[must_use]
    pub fn last(&self) -> Option<Span> {
        self.0.last().copied()
    }

    /// Adds a span; whether anything new was covered. Extending the latest span costs O(1).
    pub fn insert(&mut self, span: Span) -> bool {
        if span.is_empty() {
            return false;
        }
        match self.0.last_mut() {
            Some(last) if span.from > last.to => self.0.push(span),
            Some(last) if span.from >= last.from => {
                if span.to <= last.to {
                    return false;
                }
                last.to = span.to;
            }
            Some(_) => return self.insert_within(span),
            None => {
                // Most sets hold one span for long.
                self.0.reserve_exact(1);
                self.0.push(span);
            }
        }
        true
    }

    /// Adds spans that are sorted by start, in one pass over both.
    pub fn union(&mut self, other: &[Span]) {
        let apart = |last: &Span| other.first().is_none_or(|it| it.from >= last.from);
        if self.0.last().is_none_or(apart) {
            for &span in other {
                self.insert(span);
            }
            return;
        }
        let mut both = Self(Vec::with_capacity(self.0.len() + other.len()));
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.iter().peekable());
        while let Some(&&next) = match (ours.peek(), theirs.peek()) {
            (Some(a), Some(b)) if a <= b => Some(a),
            (_, Some(b)) => Some(b),
            (a, None) => a,
        } {
            let from = if ours.peek() == Some(&&next) { &mut ours } else { &mut theirs };
            from.next();
            both.insert(next);
        }
        *self = both;
    }

    /// The part inside `window`.
    #[must_use]
    pub fn clip(&self, window: Span) -> Self {
        Self(self.overlapping(window).iter().filter_map(|it| it.intersect(window)).collect())
    }

    /// What both sets cover.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Vec::new();
        while let (Some(&&x), Some(&&y)) = (a.peek(), b.peek()) {
            both.extend(x.intersect(y));
            if x.to <= y.to {
                a.next();
            } else {
                b.next();
            }
        }
        Self(both)
    }

    /// The same set with holes of at most `tolerance` filled.
    #[must_use]
    pub fn bridged(&self, tolerance: Duration) -> Self {
        let mut out: Vec<Span> = Vec::with_capacity(self.0.len());
        for &span in &self.0 {
            match out.last_mut() {
                Some(last) if span.from.since(last.to) <= tolerance => last.to = span.to,
                _ => out.push(span),
            }
        }
        Self(out)
    }

    /// What of `window` the set does not cover.
    #[must_use]
    pub fn gaps(&self, window: Span) -> Self {
        let mut at = window.from;
        let mut out = Vec::new();
        for span in self.overlapping(window) {
            if span.from > at {
                out.push(Span::new(at, span.from.min(window.to)));
            }
            at = at.max(span.to);
        }
        if at < window.to {
            out.push(Span::new(at, window.to));
        }
        Self(out)
    }

    /// How much time it covers in all.
    #[must_use]
    pub fn measure(&self) -> Duration {
        self.0.iter().map(|it| it.length()).sum()
    }

    /// How much time of `window` it covers.
    #[must_use]
    pub fn measure_in(&self, window: Span) -> Duration {
        self.overlapping(window)
            .iter()
            .filter_map(|it| it.intersect(window))
            .map(Span::length)
            .sum()
    }

    /// Whether `at` is covered.
    #[must_use]
    pub fn contains(&self, at: Time) -> bool {
        self.overlapping(Span::new(at, Time::from_micros(at.micros().saturating_add(1))))
            .iter()
            .any(|it| it.contains(at))
    }

    /// The spans that share an instant with `window`, whole.
    #[must_use]
    pub fn overlapping(&self, window: Span) -> &[Span] {
        let first = self.0.partition_point(|it| it.to <= window.from);
        let end = self.0.partition_point(|it| it.from < window.to);
        self.0.get(first..end).unwrap_or(&[])
    }

    /// Forgets everything before `at`; spans that reach over it are cut.
    pub fn forget_before(&mut self, at: Time) {
        let gone = self.0.partition_point(|it| it.to <= at);
        self.0.drain(..gone);
        if let Some(first) = self.0.first_mut() {
            first.from = first.from.max(at);
        }
    }

    fn insert_within(&mut self, span: Span) -> bool {
        let first = self.0.partition_point(|it| it.to < span.from);
        let end = self.0.partition_point(|it| it.from <= span.to);
        let touched = self.0.get(first..end).unwrap_or(&[]);
        let merged = touched
            .iter()
            .fold(span, |sum, it| Span::new(sum.from.min(it.from), sum.to.max(it.to)));
        let changed = !matches!(touched, [only] if *only == merged);
        self.0.splice(first..end, [merged]);
        changed
    }
}

impl FromIterator<Span> for SpanSet {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut set = Self::new();
        for span in spans {
            set.insert(span);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(from: i64, to: i64) -> Span {
        Span::new(Time::from_secs(from), Time::from_secs(to))
    }

    /// The set as the seconds it covers: an independent way to say the same.
    fn seconds(set: &SpanSet) -> Vec<i64> {
        (0..200).filter(|&s| set.contains(Time::from_secs(s))).collect()
    }

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        prop::collection::vec((0..100_i64, 0..30_i64).prop_map(|(a, n)| span(a, a + n)), 0..20)
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_set(given in spans(), salt in any::<u64>()) {
            let mut shuffled = given.clone();
            let n = shuffled.len().max(1);
            for i in 0..shuffled.len() {
                let j = usize::try_from(salt.rotate_left(u32::try_from(i).unwrap()) % n as u64).unwrap();
                shuffled.swap(i, j);
            }
            let one: SpanSet = given.iter().copied().collect();
            let mut two: SpanSet = shuffled.into_iter().collect();
            prop_assert_eq!(&one, &two);
            two.union(one.spans());
            prop_assert_eq!(&one, &two);
            let naive: Vec<i64> = (0..200)
                .filter(|&s| given.iter().any(|it| it.contains(Time::from_secs(s))))
                .collect();
            prop_assert_eq!(seconds(&one), naive);
        }

        #[test]
        fn set_algebra(a in spans(), b in spans()) {
            let (a, b): (SpanSet, SpanSet) = (a.into_iter().collect(), b.into_iter().collect());
            let both = a.intersect(&b);
            let holes = a.gaps(span(0, 200));
            for s in 0..200 {
                let at = Time::from_secs(s);
                prop_assert_eq!(both.contains(at), a.contains(at) && b.contains(at));
                prop_assert_eq!(holes.contains(at), !a.contains(at));
            }
            prop_assert_eq!(a.measure() + holes.measure(), Duration::from_secs(200));
        }
    }

    #[test]
    fn bridging_fills_only_small_holes() {
        let set: SpanSet = [span(0, 10), span(12, 20), span(30, 40)].into_iter().collect();
        let want: SpanSet = [span(0, 20), span(30, 40)].into_iter().collect();
        assert_eq!(set.bridged(Duration::from_secs(2)), want);
    }
}
