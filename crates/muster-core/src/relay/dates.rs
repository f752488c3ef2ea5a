//! When it was, by the hub's clock: dates for what a monitor knows only by its machine's boot-time
//! clock.
//!
//! An answer of the hub anchors the clock: the two clocks are compared over the round trip (RFC 5905,
//! 8), and the answer proves them to be so far apart, give or take half of it. A machine that never
//! met the hub while it was up may have had a synchronised clock of its own; one with neither is dated
//! between its neighbours.
//!
//! **Invariant:** anchors are sorted; a date that is handed out for one instant is moved by another
//! anchor only when the two contradict each other.

use std::time::Duration;

use crate::time::{Now, Time, micros};

/// One start of the monitor's machine: the kernel's own number for it (`random/boot_id`, proc(5)).
/// All starts of the monitor's program within it share a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MachineId(pub u128);

/// A comparison of the machine's boot-time clock with civil time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// When, on the boot-time clock.
    pub mono: Duration,
    /// Civil time less the boot-time clock, in microseconds.
    pub offset: i64,
    /// How wrong that may be, either way.
    pub error: Duration,
    /// Whether it is the hub's time; else that of the machine's synchronised clock.
    pub by_hub: bool,
}

/// What is known of one machine's boot-time clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dates(Vec<Anchor>);

impl Dates {
    /// The most anchors kept of one start of a machine; of more, every second one is let go.
    pub const MAX_ANCHORS: usize = 64;

    /// From anchors that were kept: any order, any number.
    #[must_use]
    pub fn new(mut anchors: Vec<Anchor>) -> Self {
        anchors.sort_by_key(|it| it.mono);
        anchors.truncate(Self::MAX_ANCHORS);
        Self(anchors)
    }

    /// The anchors, earliest first.
    #[must_use]
    pub fn anchors(&self) -> &[Anchor] {
        &self.0
    }

    /// Whether anything can be dated.
    #[must_use]
    pub fn is_anchored(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether the hub's time is known.
    #[must_use]
    pub fn knows_hub(&self) -> bool {
        self.0.iter().any(|it| it.by_hub)
    }

    /// Compares with the hub: it had `received` what was sent at `sent`, `answered`, and the answer
    /// came at `back`. Whether that was news.
    pub fn meet(&mut self, sent: Duration, received: Time, answered: Time, back: Duration) -> bool {
        let out = received.micros().saturating_sub(micros(sent));
        let home = answered.micros().saturating_sub(micros(back));
        let trip = back.saturating_sub(sent).saturating_sub(answered.since(received));
        let offset = out.midpoint(home);
        self.note(Anchor { mono: back, offset, error: trip / 2, by_hub: true })
    }

    /// Takes the word of a machine whose clock somebody keeps right; whether that was news.
    pub fn trust(&mut self, now: Now) -> bool {
        let offset = now.wall.micros().saturating_sub(micros(now.mono));
        self.note(Anchor { mono: now.mono, offset, error: SYNCHRONISED, by_hub: false })
    }

    /// The hub's time at an instant of the boot-time clock; none before anything is anchored.
    ///
    /// Between two anchors that drifted apart as clocks do, the drift is spread; where a clock was set
    /// between them, the nearer one holds.
    #[must_use]
    pub fn date(&self, mono: Duration) -> Option<Time> {
        let at = self.0.partition_point(|it| it.mono <= mono);
        let before = at.checked_sub(1).and_then(|it| self.0.get(it));
        let offset = match (before, self.0.get(at)) {
            (Some(a), Some(b)) => between(a, b, mono),
            (Some(it), None) | (None, Some(it)) => it.offset,
            (None, None) => return None,
        };
        Some(Time::from_micros(micros(mono).saturating_add(offset)))
    }

    fn note(&mut self, new: Anchor) -> bool {
        if new.by_hub && !self.knows_hub() {
            // The hub's time is what its facts are dated by; another clock's was a makeshift.
            self.0.clear();
        } else if !new.by_hub && self.knows_hub() {
            return false;
        }
        if let Some(last) = self.0.last() {
            let apart = last.offset.abs_diff(new.offset);
            let agree = apart <= unsigned(new.error.max(AGREE));
            let better = new.error < last.error / 4 && new.error + AGREE < last.error;
            if agree && !better {
                return false;
            }
        }
        if self.0.len() >= Self::MAX_ANCHORS {
            let mut stays = false;
            self.0.retain(|_| {
                stays = !stays;
                stays
            });
        }
        let at = self.0.partition_point(|it| it.mono <= new.mono);
        self.0.insert(at, new);
        true
    }
}

/// Dates for machines that never knew the time, between neighbours that did: in their order, as far
/// apart as there is room. Given how long each was up; the date at which each clock was zero comes
/// back, and how wrong it may be either way.
///
/// `after`: when the last one before them was known to be up, if there was one. `before`: when the
/// first one after them started.
#[must_use]
pub fn between_neighbours(
    after: Option<Time>,
    ups: &[Duration],
    before: Time,
) -> Vec<(Time, Duration)> {
    let up: Duration = ups.iter().sum();
    let room = after.map_or(Duration::ZERO, |it| before.since(it).saturating_sub(up));
    let gaps = u32::try_from(ups.len()).unwrap_or(u32::MAX).saturating_add(1);
    let gap = room / gaps;
    // Nothing bounds what nothing came before, or what contradicts its neighbours.
    let error = if room.is_zero() { UNBOUNDED } else { room };
    let mut end = before - gap;
    let mut dated: Vec<_> = ups
        .iter()
        .rev()
        .map(|up| {
            let start = end - *up;
            end = start - gap;
            (start, error)
        })
        .collect();
    dated.reverse();
    dated
}

/// The offset between two anchors.
fn between(a: &Anchor, b: &Anchor, mono: Duration) -> i64 {
    let passed = micros(b.mono.saturating_sub(a.mono)).max(1);
    let apart = b.offset.saturating_sub(a.offset);
    let unsure = unsigned(a.error + b.error);
    let drift = unsigned(Duration::from_micros(passed.unsigned_abs()) / 1_000_000 * MOST_DRIFT_PPM);
    if apart.unsigned_abs() > drift.saturating_add(unsure) {
        let nearer = if mono.saturating_sub(a.mono) <= b.mono.saturating_sub(mono) { a } else { b };
        return nearer.offset;
    }
    let part = i128::from(micros(mono.saturating_sub(a.mono)));
    let share = i128::from(apart) * part / i128::from(passed);
    a.offset.saturating_add(i64::try_from(share).unwrap_or(0))
}

fn unsigned(it: Duration) -> u64 {
    u64::try_from(it.as_micros()).unwrap_or(u64::MAX)
}

/// What is nearer than this is the same: less than anything that is judged.
const AGREE: Duration = Duration::from_millis(50);
/// How wrong a clock is taken to be that somebody keeps right.
const SYNCHRONISED: Duration = Duration::from_millis(500);
/// Clocks are slewed by at most so much (adjtimex(2)); crystals drift by less.
const MOST_DRIFT_PPM: u32 = 500;
/// The error of a date that nothing bounds: as old as facts may be.
const UNBOUNDED: Duration = Duration::from_hours(30 * 24);

#[cfg(test)]
mod tests;
