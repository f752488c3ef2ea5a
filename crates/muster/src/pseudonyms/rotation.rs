//! Which key holds when.
//!
//! Pure: fresh keys and time are handed in. **Invariant:** a key holds for one period alone, and one
//! that was replaced because the clock went back never holds again.

use std::time::Duration;

use muster_core::identity::Identity;
use muster_core::time::Time;
use muster_wire::pseudonym::StrangersKey;

/// A key and the beginning of its period.
#[derive(Debug)]
pub(super) struct Dated {
    pub(super) period: Time,
    pub(super) key: StrangersKey,
}

/// The key of now, and for some minutes that of before.
#[derive(Debug)]
pub(super) struct Rotation {
    length: Duration,
    current: Option<Dated>,
    before: Option<Dated>,
}

impl Rotation {
    /// Periods of this length; `kept`: what an earlier start of the program used last.
    pub(super) fn new(length: Duration, kept: Option<Dated>) -> Self {
        Self { length, current: kept, before: None }
    }

    /// Lets time pass; the period that a new key is due for, if one is.
    pub(super) fn due(&mut self, now: Time) -> Option<Time> {
        let period = now.floor(self.length);
        let begun = self.current.as_ref().map(|it| it.period);
        if begun != Some(period) {
            return Some(period);
        }
        self.before.take_if(|_| now.since(period) >= LATE);
        None
    }

    /// Uses this key from now on.
    pub(super) fn turn(&mut self, fresh: Dated) {
        let old = self.current.replace(fresh);
        let begins = self.current.as_ref().map(|it| it.period);
        // Of a clock that went back, what was is gone.
        self.before = old.filter(|it| begins.is_some_and(|begins| it.period < begins));
    }

    /// Uses no key until there is one; whether it used one until now.
    pub(super) fn stop(&mut self) -> bool {
        self.before = None;
        self.current.take().is_some()
    }

    /// What stands for an identity that was noticed at a time; none: there is no key. What is noticed
    /// shortly before a new key and told shortly after it is still who it was; what is told later than
    /// that is another stranger, who is none of today's either.
    pub(super) fn pseudonym(&self, at: Time, identity: &Identity) -> Option<Identity> {
        let current = self.current.as_ref()?;
        let period = at.floor(self.length).min(current.period);
        let key = self.before.as_ref().filter(|it| it.period == period).unwrap_or(current);
        Some(key.key.pseudonym(period, identity))
    }
}

/// Longer than facts are on their way from a monitor that has a hub: the last key is in memory alone.
const LATE: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use muster_core::identity::Mac;
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;
    const NOON: i64 = 20_000 * DAY + DAY / 2;

    /// A rotation whose keys are all different, as they are when chance draws them.
    struct Clockwork {
        rotation: Rotation,
        drawn: u8,
    }

    impl Clockwork {
        fn new() -> Self {
            let rotation = Rotation::new(Duration::from_hours(24), None);
            Self { rotation, drawn: 0 }
        }

        fn shows(&mut self, second: i64) -> &mut Self {
            if let Some(period) = self.rotation.due(Time::from_secs(second)) {
                self.drawn += 1;
                let key = StrangersKey::new([self.drawn; StrangersKey::LENGTH]);
                self.rotation.turn(Dated { period, key });
                assert_eq!(self.rotation.due(Time::from_secs(second)), None, "one is enough");
            }
            self
        }

        fn name(&self, second: i64) -> Identity {
            let stranger = Identity::Ble(Mac([0xc0, 1, 2, 3, 4, 5]));
            self.rotation.pseudonym(Time::from_secs(second), &stranger).unwrap()
        }
    }

    #[test]
    fn a_stranger_of_today_is_another_tomorrow() {
        let mut it = Clockwork::new();
        let today = it.shows(NOON).name(NOON);
        assert_eq!(it.shows(NOON + 60).name(NOON + 50), today);
        let midnight = NOON + DAY / 2;
        assert_eq!(it.shows(midnight - 1).name(midnight - 1), today);
        let tomorrow = it.shows(midnight).name(midnight);
        assert_ne!(tomorrow, today);
        // What was on its way is still about who it was, for some minutes.
        assert_eq!(it.shows(midnight + 599).name(midnight - 5), today);
        let late = it.shows(midnight + 600).name(midnight - 5);
        assert!(late != today && late != tomorrow, "nobody can tell any more");
        assert_eq!(it.name(midnight + DAY), tomorrow, "a clock that is ahead is no new day");
        assert_eq!(it.drawn, 2);
    }

    #[test]
    fn a_clock_that_jumps_brings_no_old_key_back() {
        let mut it = Clockwork::new();
        let first = it.shows(NOON).name(NOON);
        for second in [NOON - DAY, NOON, NOON + 400 * DAY, NOON] {
            it.shows(second);
            assert_ne!(it.name(NOON), first, "{second}");
        }
        assert_eq!(it.drawn, 5);
    }

    #[test]
    fn a_restart_goes_on_with_what_was_kept() {
        let dated = |day: i64| Dated {
            period: Time::from_secs(day * DAY),
            key: StrangersKey::new([7; StrangersKey::LENGTH]),
        };
        let length = Duration::from_hours(24);
        assert_eq!(Rotation::new(length, Some(dated(20_000))).due(Time::from_secs(NOON)), None);
        for day in [19_999, 20_001] {
            let due = Rotation::new(length, Some(dated(day))).due(Time::from_secs(NOON));
            assert_eq!(due, Some(Time::from_secs(20_000 * DAY)));
        }
        assert!(Rotation::new(length, None).due(Time::from_secs(NOON)).is_some());
    }

    proptest! {
        #[test]
        fn whatever_the_clock_does_two_days_are_never_linked(
            clock in prop::collection::vec(0..5 * DAY, 1..40),
        ) {
            let mut it = Clockwork::new();
            let mut names = std::collections::BTreeMap::new();
            for second in clock {
                let name = it.shows(NOON + second).name(NOON + second);
                let day = (NOON + second).div_euclid(DAY);
                prop_assert_eq!(*names.entry(name).or_insert(day), day);
            }
        }
    }
}
