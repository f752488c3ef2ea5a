//! Whether a controller lives: it is asked something that it knows, and answers.
//!
//! **Invariant:** nothing behind its last answer is proved, so an adapter that hangs is found out
//! within [`PATIENCE`], and what was not answered is never claimed.

use std::time::Duration;

/// The signs of life of one controller.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Since when it has answered everything, and its last answer; none while it does not.
    lives: Option<(Duration, Duration)>,
    /// The question that is not answered.
    asked: Option<Duration>,
    /// No question before.
    next: Duration,
}

impl Life {
    /// Whether it is time to ask; the question counts as put then.
    pub(super) fn asks(&mut self, now: Duration) -> bool {
        if now < self.next {
            return false;
        }
        self.next = now + EVERY;
        self.asked.get_or_insert(now);
        true
    }

    /// It answered.
    pub(super) fn answered(&mut self, now: Duration) {
        let since = self.lives.map_or(now, |it| it.0);
        self.lives = Some((since, now));
        self.asked = None;
    }

    /// It is gone, or off.
    pub(super) fn ended(&mut self) {
        self.lives = None;
        self.asked = None;
    }

    /// Whether it answers.
    pub(super) fn is_alive(&mut self, now: Duration) -> bool {
        if self.is_deaf(now) {
            self.lives = None;
        }
        self.lives.is_some()
    }

    /// Whether it was asked and does not answer.
    pub(super) fn is_deaf(&self, now: Duration) -> bool {
        self.asked.is_some_and(|it| it + PATIENCE <= now)
    }

    /// From when to when it was alive.
    pub(super) fn proved(&self) -> Option<(Duration, Duration)> {
        self.lives
    }

    /// When [`Self::asks`] has something.
    pub(super) fn next(&self) -> Duration {
        self.next
    }
}

/// A controller is asked so often; the kernel gives up what it does not take, so nothing piles up.
const EVERY: Duration = Duration::from_secs(4);
/// It answers within milliseconds; the kernel gives it 2 s (`HCI_CMD_TIMEOUT`).
const PATIENCE: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_lives_from_its_first_answer_to_its_last() {
        let mut life = Life::default();
        assert!(life.asks(at(1)) && !life.is_alive(at(1)));
        assert_eq!(life.proved(), None);
        life.answered(at(1));
        assert!(!life.asks(at(4)), "not yet");
        assert!(life.asks(at(5)));
        life.answered(at(6));
        assert_eq!(life.proved(), Some((at(1), at(6))));
        assert!(life.asks(at(9)));
        assert!(life.is_alive(at(14)), "it may take its time");
        assert!(!life.is_alive(at(15)));
        assert_eq!(life.proved(), None);
    }

    #[test]
    fn one_that_hangs_is_asked_on_and_begins_anew() {
        let mut life = Life::default();
        life.answered(at(1));
        let asked: Vec<u64> = (2..40).filter(|it| life.asks(at(*it))).collect();
        assert_eq!(asked.first(), Some(&2));
        assert!(asked.windows(2).all(|it| it[1] - it[0] == 4), "{asked:?}");
        assert!(!life.is_alive(at(40)));
        life.answered(at(41));
        assert_eq!(life.proved(), Some((at(41), at(41))), "nothing of the time between");
        life.ended();
        assert_eq!(life.proved(), None);
    }
}
