//! Holds back what a freshly started machine notices before its clock is set.
//!
//! A board without a battery wakes in the past, and its clock is set some seconds later. Until then
//! facts are judged and shown, but not stored; once it is set they are dated again by how long ago
//! they came in. A machine that has been up for [`PATIENT`] without anybody setting its clock is
//! taken at its word, because then there is nobody to wait for; but never while its clock is behind
//! what is stored: then it is certainly wrong.

use std::collections::VecDeque;
use std::time::Duration;

use muster_core::fact::Fact;
use muster_core::time::{Now, Time, micros};

use crate::clock::STEP;

/// What came in before the clock was set.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    reports: VecDeque<(Now, Vec<Fact>)>,
    facts: usize,
    /// The clock was behind what is stored, so that what is judged has other dates than the clock's.
    behind: bool,
}

impl Hold {
    /// Whether there is anything to wait for; `behind`: the clock is behind what is stored.
    pub(crate) fn is_due(now: Now, synchronised: bool, behind: bool) -> bool {
        !synchronised && (now.mono < PATIENT || behind)
    }

    /// To wait; `behind`: the clock is behind what is stored.
    pub(crate) fn begin(behind: bool) -> Self {
        Self { behind, ..Self::default() }
    }

    /// Keeps a copy of a report; of too many the oldest are let go.
    pub(crate) fn keep(&mut self, facts: &[Fact], now: Now) {
        self.facts += facts.len();
        self.reports.push_back((now, facts.to_vec()));
        while self.facts > MOST_FACTS
            && let Some((_, oldest)) = self.reports.pop_front()
        {
            self.facts -= oldest.len();
        }
    }

    /// The facts with the dates that the clock gives them now; none if what was judged stands,
    /// because the clock was not set meanwhile and had been believed.
    pub(crate) fn dated_again(self, now: Now) -> Option<Vec<Fact>> {
        let boot = |it: Now| it.wall.micros().saturating_sub(micros(it.mono));
        let wrong_by = |then: &Now| boot(now).saturating_sub(boot(*then));
        let is_wrong = |by: i64| by.unsigned_abs() > micros(STEP).unsigned_abs();
        if !self.behind && !self.reports.iter().any(|(then, _)| is_wrong(wrong_by(then))) {
            return None;
        }
        let dated = self.reports.into_iter().flat_map(|(then, facts)| {
            let by = wrong_by(&then);
            facts.into_iter().map(move |it| shifted(it, by))
        });
        Some(dated.collect())
    }
}

/// The same fact, dated later by so many microseconds.
pub(crate) fn shifted(fact: Fact, by: i64) -> Fact {
    fact.dated(|at| Time::from_micros(at.micros().saturating_add(by)))
}

/// A network time client has set the clock by then, counted from the machine's start.
const PATIENT: Duration = Duration::from_mins(2);
/// More than any network says in two minutes.
const MOST_FACTS: usize = 100_000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use muster_core::fact::{FactBody, Listener, SourceKind};
    use muster_core::span::Span;

    use super::*;

    fn at(mono: u64, wall: i64) -> Now {
        Now { mono: Duration::from_secs(mono), wall: Time::from_secs(wall) }
    }

    fn covered(from: i64, to: i64) -> Fact {
        let listener = Arc::new(Listener::new("hub", SourceKind::Lan, "eth0"));
        let span = Span::new(Time::from_secs(from), Time::from_secs(to));
        Fact { listener, body: FactBody::Coverage(span) }
    }

    #[test]
    fn waits_only_on_a_machine_that_has_just_started() {
        assert!(Hold::is_due(at(20, 0), false, false));
        assert!(!Hold::is_due(at(20, 0), true, false));
        assert!(!Hold::is_due(at(120, 0), false, false));
        assert!(Hold::is_due(at(120, 0), false, true), "that clock is wrong");
        assert!(!Hold::is_due(at(120, 0), true, true), "that one is kept right");
    }

    #[test]
    fn facts_from_before_the_clock_was_set_are_dated_by_their_age() {
        let mut hold = Hold::default();
        hold.keep(&[covered(10, 20)], at(30, 20));
        hold.keep(&[covered(1_000_000, 1_000_010)], at(40, 1_000_010));
        let dated = hold.dated_again(at(45, 1_000_015)).unwrap();
        assert_eq!(dated, [covered(999_990, 1_000_000), covered(1_000_000, 1_000_010)]);
    }

    #[test]
    fn a_clock_that_was_right_all_along_changes_nothing() {
        let mut hold = Hold::default();
        hold.keep(&[covered(10, 20)], at(30, 20));
        assert_eq!(hold.dated_again(at(45, 35)), None);
    }
}
