//! How patient a monitor is with a hub that does not answer.

use std::time::Duration;

/// The way to the hub, as it was lately.
#[derive(Debug)]
pub(super) struct Link {
    failures: u32,
    /// Nothing is sent before this, on the boot-time clock.
    until: Duration,
    luck: u64,
}

impl Link {
    /// A way that was never tried; `seed` decides the jitter.
    pub(super) const fn new(seed: u64) -> Self {
        Self { failures: 0, until: Duration::ZERO, luck: seed }
    }

    /// When the next try may be.
    pub(super) const fn until(&self) -> Duration {
        self.until
    }

    /// Whether the last try failed.
    pub(super) const fn is_down(&self) -> bool {
        self.failures > 0
    }

    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
        self.until = Duration::ZERO;
    }

    /// The next try waits: twice as long each time, and somewhere in the second half of that, so that
    /// the monitors of a house do not come back together. Never less than the hub asked for.
    pub(super) fn failed(&mut self, now: Duration, asked: Duration) {
        let pause = (FIRST_PAUSE * (1 << self.failures.min(16))).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.until = now
            + (pause / 2 + self.part(pause / 2))
                .max(asked.min(LONGEST_PAUSE) + self.part(FIRST_PAUSE));
    }

    /// It makes no sense to try again soon.
    pub(super) fn refused(&mut self, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.until = now + LONGEST_PAUSE / 2 + self.part(LONGEST_PAUSE / 2);
    }

    /// Some part of it, at random (`SplitMix64`: Steele, Lea, Flood 2014).
    fn part(&mut self, of: Duration) -> Duration {
        self.luck = self.luck.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.luck;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        of / 1024 * u32::try_from((z ^ (z >> 31)) % 1024).unwrap_or(0)
    }
}

/// The first pause.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest one: a hub that comes back is found within minutes.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ_between_monitors() {
        let (mut one, mut two) = (Link::new(1), Link::new(2));
        let mut longest = Duration::ZERO;
        for round in 0..40_u32 {
            one.failed(Duration::ZERO, Duration::ZERO);
            two.failed(Duration::ZERO, Duration::ZERO);
            let pause = (FIRST_PAUSE * (1 << round.min(16))).min(LONGEST_PAUSE);
            assert!(one.until() >= pause / 2 && one.until() <= pause.max(FIRST_PAUSE * 2));
            assert_ne!(one.until(), two.until(), "round {round}");
            longest = longest.max(one.until());
        }
        assert!(longest > LONGEST_PAUSE / 2 && longest <= LONGEST_PAUSE);
        one.succeeded();
        assert!(!one.is_down());
        assert_eq!(one.until(), Duration::ZERO);
    }

    #[test]
    fn what_the_hub_asks_for_is_granted_within_reason() {
        let mut it = Link::new(1);
        it.failed(Duration::from_secs(10), Duration::from_secs(30));
        assert!(it.until() >= Duration::from_secs(40));
        it.failed(Duration::ZERO, Duration::from_hours(24));
        assert!(it.until() <= LONGEST_PAUSE + FIRST_PAUSE);
    }
}
