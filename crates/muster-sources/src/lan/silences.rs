//! Questions that ended in silence, until it is known whether an answer would have been heard.
//!
//! Lost frames are counted only at a look, and an outage shows only when the next proof of the
//! network fails to come. So a silence is told once a look after it found nothing lost and the
//! network was proved beyond it; otherwise it is no evidence.

use std::collections::VecDeque;
use std::time::Duration;

use muster_core::fact::Outcome;
use muster_core::identity::Mac;
use muster_core::time::Now;

/// The silences of one link that are not told yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Silences {
    held: VecDeque<(Mac, Now)>,
}

impl Silences {
    /// A question to `mac` ended in silence at `at`.
    pub(super) fn hold(&mut self, mac: Mac, at: Now) {
        self.held.push_back((mac, at));
    }

    /// A look that began at `began` found nothing lost (or `clean` is false): the silences that are
    /// settled by it, and how. `could_answer` says whether the network lived at a time; none: that
    /// is not known yet.
    pub(super) fn settle(
        &mut self,
        began: Duration,
        clean: bool,
        could_answer: impl Fn(Duration) -> Option<bool>,
    ) -> Vec<(Mac, Now, Outcome)> {
        let mut settled = Vec::new();
        self.held.retain(|(mac, at)| {
            let proved = if clean { could_answer(at.mono) } else { Some(false) };
            // What was lost after the look began shows at the next one.
            let proved = proved.filter(|it| !it || at.mono <= began);
            let outcome = proved.map(|it| if it { Outcome::Silent } else { Outcome::NoEvidence });
            settled.extend(outcome.map(|it| (*mac, *at, it)));
            proved.is_none()
        });
        settled
    }
}

#[cfg(test)]
mod tests {
    use muster_core::time::Time;

    use super::*;

    const ANNA: Mac = Mac([2, 0, 0, 0, 0, 1]);

    fn at(seconds: u64) -> Now {
        let mono = Duration::from_secs(seconds);
        Now { mono, wall: Time::from_secs(1000) + mono }
    }

    /// What a silence at 10 s becomes at the looks (began, clean, could answer).
    fn told(looks: &[(u64, bool, Option<bool>)]) -> Vec<Option<Outcome>> {
        let mut silences = Silences::default();
        silences.hold(ANNA, at(10));
        let mut one = |&(began, clean, could): &(u64, bool, Option<bool>)| {
            let settled = silences.settle(at(began).mono, clean, |_| could);
            assert!(settled.iter().all(|it| (it.0, it.1) == (ANNA, at(10))), "with its own time");
            settled.first().map(|it| it.2)
        };
        looks.iter().map(&mut one).collect()
    }

    #[test]
    fn stories() {
        use Outcome::{NoEvidence, Silent};
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(told(&[(9, true, yes), (13, true, yes)]), [None, Some(Silent)]);
        assert_eq!(told(&[(9, true, yes), (13, false, yes)]), [None, Some(NoEvidence)]);
        assert_eq!(told(&[(9, false, yes)]), [Some(NoEvidence)], "lost between look and end");
        assert_eq!(told(&[(13, true, None), (17, true, yes)]), [None, Some(Silent)]);
        assert_eq!(told(&[(13, true, None), (17, true, no)]), [None, Some(NoEvidence)]);
        assert_eq!(told(&[(13, true, yes), (17, true, yes)]), [Some(Silent), None], "once");
    }
}
