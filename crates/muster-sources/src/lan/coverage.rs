//! When a channel could really hear: the spans that it may claim.
//!
//! **Invariant:** a claimed span lies between two looks at most [`STARVED`] apart, at both of which
//! everything worked; both clocks moved by the same amount between them; and every frame that came
//! before its end has been judged. So neither sleep, nor a stepped clock, nor a starved process is
//! ever claimed.

use std::time::Duration;

use muster_core::span::Span;
use muster_core::time::{Now, Time};

/// The coverage of one channel.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// The last look, and whether everything worked.
    last: Option<Now>,
    /// Worked through, and not yet claimed.
    open: Option<(Time, Time)>,
    told: Option<Duration>,
}

impl Coverage {
    /// A look at `now`: did everything work since the last one?
    ///
    /// Call it after judging all frames that came before `now`. A span comes back when one is due.
    pub(super) fn look(&mut self, now: Now, works: bool) -> Option<Span> {
        let last = self.last.replace(now);
        let Some(last) = last.filter(|_| works) else {
            if !works {
                self.last = None;
            }
            return self.claim(now.mono);
        };
        let mut claimed = None;
        if joins(last, now) {
            let from = self.open.map_or(last.wall, |(from, _)| from);
            self.open = Some((from, now.wall));
        } else {
            claimed = self.claim(now.mono);
        }
        let due = self.told.is_none_or(|it| it + EVERY <= now.mono);
        if due { self.claim(now.mono).or(claimed) } else { claimed }
    }

    /// Something was lost since the last look: that time is not covered.
    pub(super) fn interrupt(&mut self) {
        self.last = None;
    }

    fn claim(&mut self, mono: Duration) -> Option<Span> {
        let (from, to) = self.open.take()?;
        self.told = Some(mono);
        Some(Span::new(from, to)).filter(|it| !it.is_empty())
    }
}

fn joins(last: Now, now: Now) -> bool {
    let mono = now.since(last);
    let wall = now.wall.since(last.wall);
    now.wall >= last.wall && mono <= STARVED && mono.abs_diff(wall) <= STEP
}

/// Coverage is told so often.
const EVERY: Duration = Duration::from_secs(8);
/// Looks come every few seconds; a longer pause is suspend or a process that did not run.
const STARVED: Duration = Duration::from_secs(15);
/// A clock that is disciplined moves by less than this between two looks.
const STEP: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks as (monotonic, wall) seconds and whether all worked; spans told as wall seconds.
    fn told(looks: &[(u64, i64, bool)]) -> Vec<(i64, i64)> {
        let mut coverage = Coverage::default();
        let mut spans = Vec::new();
        for &(mono, wall, works) in looks {
            let now = Now { mono: Duration::from_secs(mono), wall: Time::from_secs(wall) };
            let span = coverage.look(now, works);
            spans.extend(span.map(|it| (it.from.secs(), it.to.secs())));
        }
        spans
    }

    #[test]
    fn stories() {
        let ok = |seconds: &[u64]| -> Vec<(u64, i64, bool)> {
            seconds.iter().map(|s| (*s, 1000 + i64::try_from(*s).unwrap(), true)).collect()
        };
        let all = told(&ok(&[0, 5, 10, 15, 20, 25]));
        assert_eq!(all.first(), Some(&(1000, 1005)));
        assert_eq!(all.last().map(|it| it.1), Some(1025));
        assert!(all.windows(2).all(|it| it[0].1 == it[1].0), "no gap: {all:?}");
        let suspended = [(1000, 1005), (1100, 1105), (1105, 1115)];
        assert_eq!(told(&ok(&[0, 5, 100, 105, 115])), suspended);
        let stepped = [(0, 1000, true), (5, 1005, true), (10, 9000, true), (15, 9005, true)];
        assert_eq!(told(&stepped), [(1000, 1005), (9000, 9005)]);
        let back = [(0, 1000, true), (5, 1005, true), (10, 500, true), (20, 510, true)];
        assert_eq!(told(&back), [(1000, 1005), (500, 510)]);
        let broken = [(0, 1000, true), (5, 1005, true), (8, 1008, false), (10, 1010, false)];
        assert_eq!(told(&broken), [(1000, 1005)], "the look that failed covers nothing");
        let again = [(8, 1008, false), (10, 1010, true), (15, 1015, true)];
        assert_eq!(told(&again), [(1010, 1015)]);
    }

    #[test]
    fn what_was_lost_is_not_covered() {
        let mut coverage = Coverage::default();
        let now = |s: u64| Now {
            mono: Duration::from_secs(s),
            wall: Time::from_secs(i64::try_from(s).unwrap()),
        };
        assert_eq!(coverage.look(now(0), true), None);
        coverage.interrupt();
        assert_eq!(coverage.look(now(5), true), None);
        let span = coverage.look(now(9), true).unwrap();
        assert_eq!((span.from.secs(), span.to.secs()), (5, 9));
    }

    #[test]
    fn told_at_least_every_ten_seconds_while_looks_come() {
        let mut coverage = Coverage::default();
        let mut last = 0;
        for s in 0..100_u64 {
            let wall = Time::from_secs(i64::try_from(s).unwrap());
            if coverage.look(Now { mono: Duration::from_secs(s), wall }, true).is_some() {
                assert!(s - last <= 10, "{last} {s}");
                last = s;
            }
        }
        assert!(last >= 90);
    }
}
