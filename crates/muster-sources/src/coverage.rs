//! When a channel could really hear: the spans that it may claim.
//!
//! **Invariant:** a claimed span lies between two looks at most [`STARVED`] apart, at both of which
//! everything worked; both clocks moved by the same amount between them; all that came
//! before its end has been judged; and it was proved that what is listened to lived all through it: the
//! network behind a link, the receiver of an adapter. So neither sleep, nor a stepped clock, nor a
//! starved process, nor an outage beyond the next box is ever claimed.

use std::time::Duration;

use muster_core::span::Span;
use muster_core::time::Now;

/// The coverage of one channel.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// The last look, if everything worked.
    last: Option<Now>,
    /// Worked through, and not yet claimed.
    open: Option<(Now, Now)>,
    told: Option<Duration>,
}

impl Coverage {
    /// A look at `now`: did everything work since the last one, and from when to when was it
    /// `proved`, on the monotonic clock?
    ///
    /// Call it after judging all that came before `now`. A span comes back when one is due;
    /// what is not proved yet waits for its proof.
    pub(crate) fn look(
        &mut self,
        now: Now,
        works: bool,
        proved: Option<(Duration, Duration)>,
    ) -> Option<Span> {
        let last = self.last.replace(now);
        let Some(last) = last.filter(|_| works) else {
            if !works {
                self.last = None;
            }
            return self.finish(now.mono, proved);
        };
        if !joins(last, now) {
            return self.finish(now.mono, proved);
        }
        let from = self.open.map_or(last, |(from, _)| from);
        self.open = Some((from, now));
        let due = self.told.is_none_or(|it| it + EVERY <= now.mono);
        if due { self.claim(now.mono, proved) } else { None }
    }

    /// Something was lost since the last look: that time is not covered.
    pub(crate) fn interrupt(&mut self) {
        self.last = None;
    }

    /// Claims what is proved; the rest never will be.
    fn finish(&mut self, mono: Duration, proved: Option<(Duration, Duration)>) -> Option<Span> {
        let claimed = self.claim(mono, proved);
        self.open = None;
        claimed
    }

    fn claim(&mut self, mono: Duration, proved: Option<(Duration, Duration)>) -> Option<Span> {
        let (from, to) = self.open?;
        let (since, until) = proved.filter(|it| it.1 > from.mono)?;
        // Both clocks moved alike all through it.
        let at = |mono: Duration| Now { mono, wall: to.wall - to.mono.saturating_sub(mono) };
        let from = if since > from.mono { at(since.min(to.mono)) } else { from };
        let end = if until < to.mono { at(until) } else { to };
        self.open = (end.mono < to.mono).then_some((end, to));
        let span = Span::new(from.wall, end.wall.max(from.wall));
        if span.is_empty() {
            return None;
        }
        self.told = Some(mono);
        Some(span)
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
    use muster_core::time::Time;

    use super::*;

    const ALWAYS: Option<(Duration, Duration)> = Some((Duration::ZERO, Duration::MAX));

    /// Looks as (monotonic, wall) seconds and whether all worked; spans told as wall seconds.
    fn told(looks: &[(u64, i64, bool)]) -> Vec<(i64, i64)> {
        let mut coverage = Coverage::default();
        let mut spans = Vec::new();
        for &(mono, wall, works) in looks {
            let now = Now { mono: Duration::from_secs(mono), wall: Time::from_secs(wall) };
            let span = coverage.look(now, works, ALWAYS);
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
        assert_eq!(coverage.look(now(0), true, ALWAYS), None);
        coverage.interrupt();
        assert_eq!(coverage.look(now(5), true, ALWAYS), None);
        let span = coverage.look(now(9), true, ALWAYS).unwrap();
        assert_eq!((span.from.secs(), span.to.secs()), (5, 9));
    }

    /// Looks every four seconds at 0, 4, ... with what is proved at each; spans told.
    fn with_proofs(proofs: &[Option<(u64, u64)>]) -> Vec<(i64, i64)> {
        let mut coverage = Coverage::default();
        let mut spans = Vec::new();
        for (n, proved) in proofs.iter().enumerate() {
            let mono = Duration::from_secs(n as u64 * 4);
            let wall = Time::from_secs(1000) + mono;
            let proved =
                proved.map(|(from, to)| (Duration::from_secs(from), Duration::from_secs(to)));
            let span = coverage.look(Now { mono, wall }, true, proved);
            spans.extend(span.map(|it| (it.from.secs() - 1000, it.to.secs() - 1000)));
        }
        spans
    }

    #[test]
    fn what_is_not_proved_waits_for_its_proof() {
        let lives = Some((0, 8));
        let proofs = [lives, lives, lives, lives, lives, Some((0, 20)), Some((0, 20))];
        assert_eq!(with_proofs(&proofs), [(0, 4), (4, 8), (8, 20)]);
        let outage = [lives, lives, lives, lives, lives, Some((18, 19)), Some((18, 26)), None];
        assert_eq!(with_proofs(&outage), [(0, 4), (4, 8), (18, 19)], "neither during nor after");
        let back = [None, None, Some((6, 8)), Some((6, 12)), Some((6, 16))];
        assert_eq!(with_proofs(&back), [(6, 8), (8, 16)]);
        assert_eq!(with_proofs(&[None; 9]), [(0, 0); 0]);
    }

    #[test]
    fn told_at_least_every_ten_seconds_while_looks_come() {
        let mut coverage = Coverage::default();
        let mut last = 0;
        for s in 0..100_u64 {
            let wall = Time::from_secs(i64::try_from(s).unwrap());
            if coverage.look(Now { mono: Duration::from_secs(s), wall }, true, ALWAYS).is_some() {
                assert!(s - last <= 10, "{last} {s}");
                last = s;
            }
        }
        assert!(last >= 90);
    }
}
