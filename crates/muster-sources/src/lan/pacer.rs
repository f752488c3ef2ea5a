//! Spaces packets: at most so many a second, with a small burst after a pause.

use std::time::Duration;

/// Allows one packet per interval (the generic cell rate algorithm, ITU-T I.371).
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    interval: Duration,
    tolerance: Duration,
    /// When the next packet would go out if none had been early.
    next: Duration,
}

impl Pacer {
    /// `rate` packets a second; after a pause up to `burst` at once.
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / rate.max(1);
        Self { interval, tolerance: interval * burst.saturating_sub(1), next: Duration::ZERO }
    }

    /// When the next packet may go.
    pub(super) fn ready_at(&self) -> Duration {
        self.next.saturating_sub(self.tolerance)
    }

    /// Whether a packet may go now; if so it counts as sent.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let ready = self.ready_at() <= now;
        if ready {
            self.next = self.next.max(now) + self.interval;
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_rate_and_the_burst() {
        let mut pacer = Pacer::new(50, 5);
        let sent = |pacer: &mut Pacer, from: u64, to: u64| {
            (from..to).filter(|ms| pacer.take(Duration::from_millis(*ms))).count()
        };
        assert_eq!(sent(&mut pacer, 1000, 1001), 1);
        let first_second = 1 + sent(&mut pacer, 1001, 2000);
        assert!((50..=54).contains(&first_second), "{first_second}");
        let second = sent(&mut pacer, 2000, 3000);
        assert!((49..=51).contains(&second), "{second}");
        assert!(pacer.ready_at() > Duration::from_millis(2999));
    }
}
