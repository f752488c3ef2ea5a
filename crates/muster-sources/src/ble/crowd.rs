//! Whether a place falls silent where there never was silence: a radio that answers and hears nothing.
//!
//! **Invariant:** one device, or two, may leave at any time; that all of a crowd leave within a turn is
//! believed only when nobody has been heard for [`FORGET`].

use std::collections::VecDeque;
use std::time::Duration;

/// How many devices the last turns heard.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    turns: VecDeque<usize>,
    missed_since: Option<Duration>,
}

impl Crowd {
    /// A turn that ended at `now` heard so many.
    pub(super) fn turn(&mut self, heard: usize, now: Duration) {
        if heard == 0 && self.always(SOME) {
            let since = *self.missed_since.get_or_insert(now);
            if now.saturating_sub(since) < FORGET {
                return;
            }
            self.turns.clear();
        }
        self.missed_since = None;
        self.turns.push_back(heard);
        if self.turns.len() > MEMORY {
            self.turns.pop_front();
        }
    }

    /// Whether there should be somebody.
    pub(super) fn is_missed(&self) -> bool {
        self.missed_since.is_some()
    }

    /// Somebody was heard: whether they had been missed.
    pub(super) fn is_back(&mut self) -> bool {
        self.missed_since.take().is_some()
    }

    fn always(&self, least: usize) -> bool {
        self.turns.len() == MEMORY && self.turns.iter().all(|it| *it >= least)
    }
}

/// How many turns are remembered: five minutes.
const MEMORY: usize = 30;
/// So many in every one of them are a crowd.
const SOME: usize = 3;
/// How long a crowd is missed before it is taken to have left.
const FORGET: Duration = Duration::from_mins(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn after(turns: &[usize]) -> (Crowd, u64) {
        let mut crowd = Crowd::default();
        for (at, heard) in (0..).zip(turns) {
            crowd.turn(*heard, secs(at * 10));
        }
        (crowd, turns.len() as u64 * 10)
    }

    #[test]
    fn a_crowd_that_falls_silent_is_missed() {
        let (mut crowd, now) = after(&[5; MEMORY]);
        assert!(!crowd.is_missed());
        crowd.turn(0, secs(now));
        assert!(crowd.is_missed());
        crowd.turn(0, secs(now + 10));
        assert!(crowd.is_missed());
        assert!(crowd.is_back() && !crowd.is_missed() && !crowd.is_back());
        crowd.turn(4, secs(now + 20));
        crowd.turn(0, secs(now + 30));
        assert!(crowd.is_missed(), "the memory holds");
    }

    #[test]
    fn a_few_may_leave_and_a_quiet_place_is_quiet() {
        for usual in [&[1; MEMORY][..], &[2; 2 * MEMORY], &[0; MEMORY], &[9; MEMORY - 1]] {
            let (mut crowd, now) = after(usual);
            crowd.turn(0, secs(now));
            assert!(!crowd.is_missed(), "{usual:?}");
        }
        let (mut crowd, now) = after(&[[7; MEMORY - 1].as_slice(), &[2]].concat());
        crowd.turn(0, secs(now));
        assert!(!crowd.is_missed(), "not always so many");
    }

    #[test]
    fn silence_that_lasts_is_believed() {
        let (mut crowd, now) = after(&[5; MEMORY]);
        for turn in 0..=180 {
            crowd.turn(0, secs(now + turn * 10));
            assert_eq!(crowd.is_missed(), turn < 180, "{turn}");
        }
        crowd.turn(0, secs(now + 1_900));
        assert!(!crowd.is_missed());
    }
}
