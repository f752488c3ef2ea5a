//! When an adapter listens and when it rests, by the rhythm that is wanted.
//!
//! Windows begin at fixed times. **Invariant:** a window is over when the adapter has listened for as long
//! as the rhythm wants, however late that began and however often it was interrupted; what was missed
//! beyond the beginning of the next is not made up. Without a rhythm it is always time to listen.

use std::time::Duration;

use muster_config::ble::Duty;

/// The windows of one adapter.
#[derive(Debug)]
pub(super) struct Windows {
    duty: Option<Duty>,
    /// When the window began that is under way, or the next one will.
    begins: Duration,
    /// How much of it is still to be listened.
    left: Duration,
}

impl Windows {
    /// The first window begins at once.
    pub(super) fn new(duty: Option<Duty>) -> Self {
        Self { duty, begins: Duration::ZERO, left: duty.map_or(Duration::MAX, |it| it.listens) }
    }

    /// It can listen from now on: it does, and the windows are counted from here.
    pub(super) fn open(&mut self, now: Duration) {
        *self = Self { begins: now, ..Self::new(self.duty) };
    }

    /// It listened from then to then, whoever wanted it to. What lies before the window is none of it.
    pub(super) fn listened(&mut self, from: Duration, to: Duration) {
        let Some(duty) = self.duty else { return };
        self.left = self.left.saturating_sub(to.saturating_sub(from.max(self.begins)));
        if self.left.is_zero() {
            self.left = duty.listens;
            let late = to.saturating_sub(self.begins).as_nanos();
            let every = duty.every.as_nanos().max(1);
            let periods = u32::try_from(late.div_ceil(every)).unwrap_or(u32::MAX).max(1);
            self.begins = self.begins.saturating_add(duty.every.saturating_mul(periods));
        }
    }

    /// Before then it rests. In the past while it listens.
    pub(super) fn resumes(&self) -> Duration {
        self.begins
    }

    /// How long the next turn is where none may be longer than `most`: what is left, in equal parts.
    pub(super) fn turn(&self, most: Duration) -> Duration {
        if self.duty.is_none() {
            return most;
        }
        let parts = self.left.as_nanos().div_ceil(most.as_nanos().max(1));
        self.left / u32::try_from(parts).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use muster_config::ble::Rhythm;

    use super::*;

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn seldom() -> Windows {
        Windows::new(Rhythm::ThirtiethOfFiveMinutes.duty())
    }

    #[test]
    fn windows_begin_at_fixed_times() {
        let mut it = seldom();
        it.open(secs(1_000));
        assert_eq!(it.resumes(), secs(1_000));
        it.listened(secs(1_000), secs(1_010));
        assert_eq!(it.resumes(), secs(1_300));
        // Late, in two parts, and longer than wanted: none of it moves the next one.
        it.listened(secs(1_320), secs(1_324));
        assert_eq!(it.resumes(), secs(1_300));
        it.listened(secs(1_330), secs(1_340));
        assert_eq!(it.resumes(), secs(1_600));
    }

    #[test]
    fn what_was_missed_is_not_made_up() {
        let mut it = seldom();
        it.listened(secs(2_000), secs(2_010));
        assert_eq!(it.resumes(), secs(2_100));
    }

    #[test]
    fn what_others_have_it_hear_while_it_rests_is_no_part_of_the_next_window() {
        let mut it = seldom();
        it.listened(secs(0), secs(10));
        it.listened(secs(100), secs(200));
        it.listened(secs(295), secs(305));
        assert_eq!(it.resumes(), secs(300));
        it.listened(secs(305), secs(310));
        assert_eq!(it.resumes(), secs(600));
    }

    #[test]
    fn turns_are_equal_parts_of_what_is_left() {
        let mut it = seldom();
        assert_eq!(it.turn(secs(8)), secs(5));
        it.listened(secs(0), secs(7));
        assert_eq!(it.turn(secs(8)), secs(3));
        assert_eq!(Windows::new(None).turn(secs(8)), secs(8));
    }

    #[test]
    fn without_a_rhythm_it_is_always_time() {
        let mut it = Windows::new(None);
        it.listened(secs(0), secs(1_000_000));
        assert_eq!(it.resumes(), secs(0));
    }
}
