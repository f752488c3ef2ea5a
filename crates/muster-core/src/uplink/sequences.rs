//! Sets of sequence numbers, kept as runs: what came in order takes one run, however much it is.
//!
//! **Invariant:** runs are sorted, none is empty, and neither overlap nor touch, so two sets with the
//! same numbers are equal whatever order they were built in.

/// A stretch of numbers, both ends inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// The first number.
    pub first: u64,
    /// The last one, not before the first.
    pub last: u64,
}

/// A set of sequence numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequenceSet(Vec<Run>);

impl SequenceSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The runs, lowest first.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.0
    }

    /// Whether it holds no number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it holds this number.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        let at = self.0.partition_point(|it| it.last < sequence);
        self.0.get(at).is_some_and(|it| it.first <= sequence)
    }

    /// Adds one number. Adding the next one costs O(1).
    pub fn insert(&mut self, sequence: u64) {
        self.insert_run(sequence, sequence);
    }

    /// Adds all numbers from `first` to `last`; none if they are the wrong way round.
    pub fn insert_run(&mut self, first: u64, last: u64) {
        if last < first {
            return;
        }
        match self.0.last_mut() {
            None => self.0.push(Run { first, last }),
            Some(end) if first > end.last.saturating_add(1) => self.0.push(Run { first, last }),
            Some(end) if first >= end.first => end.last = end.last.max(last),
            Some(_) => {
                let from = self.0.partition_point(|it| it.last.saturating_add(1) < first);
                let to = self.0.partition_point(|it| it.first <= last.saturating_add(1));
                let touched = self.0.get(from..to).unwrap_or(&[]);
                let first = touched.first().map_or(first, |it| it.first.min(first));
                let last = touched.last().map_or(last, |it| it.last.max(last));
                self.0.splice(from..to, [Run { first, last }]);
            }
        }
    }

    /// Adds all numbers of another set.
    pub fn union(&mut self, other: &Self) {
        for run in &other.0 {
            self.insert_run(run.first, run.last);
        }
    }

    /// Takes one number out.
    pub fn remove(&mut self, sequence: u64) {
        let at = self.0.partition_point(|it| it.last < sequence);
        let Some(run) = self.0.get(at).copied().filter(|it| it.first <= sequence) else { return };
        let below = (run.first < sequence).then(|| Run { first: run.first, last: sequence - 1 });
        let above = (sequence < run.last).then(|| Run { first: sequence + 1, last: run.last });
        self.0.splice(at..=at, below.into_iter().chain(above));
    }

    /// Whether it holds all numbers of another set.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        other.0.iter().all(|run| {
            let at = self.0.partition_point(|it| it.last < run.first);
            self.0.get(at).is_some_and(|it| it.first <= run.first && run.last <= it.last)
        })
    }
}

impl FromIterator<u64> for SequenceSet {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut set = Self::new();
        for it in numbers {
            set.insert(it);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((0..60_u64, 0..8_u64, any::<bool>()), 0..60)) {
            let (mut set, mut model) = (SequenceSet::new(), BTreeSet::new());
            for (first, more, add) in steps {
                if add {
                    set.insert_run(first, first + more);
                    model.extend(first..=first + more);
                } else {
                    set.remove(first);
                    model.remove(&first);
                }
                let again: SequenceSet = model.iter().rev().copied().collect();
                prop_assert_eq!(&set, &again, "one shape for the same numbers");
                prop_assert!((0..80).all(|it| set.contains(it) == model.contains(&it)));
            }
            let apart = set.runs().windows(2).all(|it| it[0].last + 1 < it[1].first);
            prop_assert!(apart);
        }

        #[test]
        fn sets_hold_and_unite(
            a in prop::collection::btree_set(0..40_u64, 0..30),
            b in prop::collection::btree_set(0..40_u64, 0..30),
        ) {
            let (one, two): (SequenceSet, SequenceSet) =
                (a.iter().copied().collect(), b.iter().copied().collect());
            prop_assert_eq!(one.holds(&two), a.is_superset(&b));
            let mut both = one.clone();
            both.union(&two);
            prop_assert!(both.holds(&one) && both.holds(&two));
            prop_assert_eq!(both, a.union(&b).copied().collect());
        }
    }

    #[test]
    fn the_greatest_numbers_are_numbers_too() {
        let mut set = SequenceSet::new();
        set.insert_run(5, 4);
        assert!(set.is_empty());
        set.insert(u64::MAX);
        set.insert_run(0, u64::MAX - 1);
        assert_eq!(set.runs(), [Run { first: 0, last: u64::MAX }]);
    }
}
