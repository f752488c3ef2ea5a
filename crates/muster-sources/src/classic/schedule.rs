//! Whom to ask next: one question at a time, in turns.
//!
//! A question to somebody who is not there takes a whole page, many seconds in which the adapter does
//! nothing else. So everybody who is known has a class: *here*, *gone* for a short or for a *long*
//! time. The classes have turns in a fixed order; a turn of a class in which nobody is ready goes to
//! the first that has somebody. Inside a class it is asked who has waited longest. Between two
//! questions the air is free for as long as its share demands.
//!
//! **Invariants:** one question at a time; no question to anybody sooner than [`LEAST`] after the last
//! one to the same; the air that questions take is at most their share over any time that begins and
//! ends between two of them; nobody waits longer than the formula in `docs/classic.md` says.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_core::identity::Mac;

use super::outcome::Verdict;

/// What the schedule holds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// From the end of a question to the next one to the same.
    pub(super) every: Duration,
    /// How much of the air's time questions may take, in percent: 1 to 100.
    pub(super) air_time: u32,
}

/// Who may be asked, as the engine and people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) mac: Mac,
    /// Believed to be here.
    pub(super) here: bool,
    /// By when evidence is wanted, if it is here; on the monotonic clock.
    pub(super) due: Duration,
}

/// The schedule of one adapter.
#[derive(Debug)]
pub(super) struct Schedule {
    rules: Rules,
    known: BTreeMap<Mac, Entry>,
    /// Since when the air is used, and who is being asked.
    asking: Option<(Option<Mac>, Duration)>,
    /// The air is to be left free until then.
    free_at: Duration,
    /// The next turn in [`TURNS`].
    turn: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Decided whenever a question to it ends, and when others say whether it is here: nobody's class
    /// changes for the time alone that they wait.
    class: Class,
    /// No question before.
    from: Duration,
    /// When the last question ended; none was put yet if zero.
    asked: Duration,
    /// Since when it has answered nothing.
    silent_since: Option<Duration>,
    /// Whether it was asked, or heard without that.
    is_looked_at: bool,
}

/// What somebody is, for the order of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Believed to be here: silence decides.
    Here,
    /// Not here, and it was not long ago.
    Gone,
    /// Not here for [`LONG`].
    LongGone,
}

impl Schedule {
    /// Nobody is known yet.
    pub(super) fn new(rules: Rules) -> Self {
        let (known, free_at) = (BTreeMap::new(), Duration::ZERO);
        Self { rules, known, asking: None, free_at, turn: 0 }
    }

    /// Replaces those who may be asked. Who is new is asked as soon as it is their turn.
    pub(super) fn set(&mut self, wanted: Vec<Wanted>, now: Duration) {
        let mut before = std::mem::take(&mut self.known);
        for it in wanted.into_iter().take(MOST_KNOWN) {
            let mut entry = before.remove(&it.mac).unwrap_or(Entry {
                class: Class::Gone,
                from: now,
                asked: Duration::ZERO,
                silent_since: None,
                is_looked_at: false,
            });
            if it.here {
                entry.class = Class::Here;
                entry.from = entry.from.min(it.due.max(entry.rested()));
            } else if entry.class == Class::Here {
                entry.class = Class::Gone;
            }
            self.known.insert(it.mac, entry);
        }
    }

    /// The next one to ask, if it is time. Tell [`Self::ended`] when it is over.
    pub(super) fn open(&mut self, now: Duration) -> Option<Mac> {
        if !self.is_free(now) {
            return None;
        }
        let mac = self.choose(now)?;
        self.asking = Some((Some(mac), now));
        Some(mac)
    }

    /// Whether the air is free.
    pub(super) fn is_free(&self, now: Duration) -> bool {
        self.asking.is_none() && self.free_at <= now
    }

    /// Uses the free air for something else. Tell [`Self::ended`] when it is over.
    pub(super) fn occupy(&mut self, now: Duration) {
        self.asking = Some((None, now));
    }

    /// When [`Self::open`] may have somebody; none while a question is under way or nobody is known.
    pub(super) fn next(&self) -> Option<Duration> {
        let first = self.known.values().map(|it| it.from).min()?;
        self.asking.is_none().then(|| first.max(self.free_at))
    }

    /// What was under way is over.
    pub(super) fn ended(&mut self, verdict: Verdict, now: Duration) {
        let Some((mac, began)) = self.asking.take() else { return };
        let took = now.saturating_sub(began);
        let share = self.rules.air_time.clamp(1, 100);
        self.free_at = now + took * (100 - share) / share;
        let every = self.rules.every;
        if verdict == Verdict::Fault {
            // Neither would anybody else be asked.
            self.free_at = self.free_at.max(now + FAULT);
        }
        if let Some(entry) = mac.and_then(|it| self.known.get_mut(&it)) {
            entry.asked = now;
            entry.is_looked_at = true;
            entry.from = match verdict {
                // It was not asked, or in vain: again as soon as that may help.
                Verdict::Nothing | Verdict::Fault => now + LEAST,
                Verdict::Answered | Verdict::Silent => now + every,
            };
            match verdict {
                Verdict::Answered => {
                    entry.class = Class::Here;
                    entry.silent_since = None;
                }
                Verdict::Silent => {
                    let since = *entry.silent_since.get_or_insert(now);
                    if entry.class == Class::Gone && now.saturating_sub(since) >= LONG {
                        entry.class = Class::LongGone;
                    }
                }
                Verdict::Nothing | Verdict::Fault => {}
            }
        }
    }

    /// It was heard without being asked: the next question can wait.
    pub(super) fn heard(&mut self, mac: Mac, now: Duration) {
        if let Some(entry) = self.known.get_mut(&mac) {
            entry.class = Class::Here;
            entry.silent_since = None;
            entry.is_looked_at = true;
            entry.from = now + self.rules.every;
        }
    }

    /// Something happened after which it may be gone, or there: the next question should not wait.
    pub(super) fn hint(&mut self, mac: Mac, now: Duration) {
        if let Some(entry) = self.known.get_mut(&mac) {
            entry.class = Class::Here;
            entry.from = entry.from.min(entry.rested().max(now));
        }
    }

    /// Whether it may be asked.
    pub(super) fn knows(&self, mac: Mac) -> bool {
        self.known.contains_key(&mac)
    }

    /// How many there are of each class.
    pub(super) fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for it in self.known.values() {
            if let Some(count) = counts.get_mut(it.class as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Whether everybody has been asked at least once, or heard without that.
    pub(super) fn is_through(&self) -> bool {
        self.asking.is_none() && self.known.values().all(|it| it.is_looked_at)
    }

    /// Who has waited longest in the class whose turn it is, or in the first that has anybody ready.
    fn choose(&mut self, now: Duration) -> Option<Mac> {
        let mut first: [Option<(Duration, Mac)>; 3] = [None; 3];
        for (mac, it) in &self.known {
            let slot = first.get_mut(it.class as usize)?;
            let mine = (it.from, *mac);
            if it.from <= now && slot.is_none_or(|other| mine < other) {
                *slot = Some(mine);
            }
        }
        // Turns of classes in which nobody is ready pass, so that the others keep their order.
        for step in 0..TURNS.len() {
            let at = (self.turn + step) % TURNS.len();
            let class = TURNS.get(at).copied()?;
            if let Some((_, mac)) = first.get(class as usize).copied().flatten() {
                self.turn = (at + 1) % TURNS.len();
                return Some(mac);
            }
        }
        None
    }
}

impl Entry {
    /// From when on it may be asked at all.
    fn rested(&self) -> Duration {
        if self.asked.is_zero() { Duration::ZERO } else { self.asked + LEAST }
    }
}

/// Whose turn it is, round and round: of four questions two are for those whom silence would send
/// away, one is for those who left lately and one for the rest.
const TURNS: [Class; 4] = [Class::Here, Class::Gone, Class::Here, Class::LongGone];
/// Nobody is asked more often, whatever happens.
pub(super) const LEAST: Duration = Duration::from_secs(10);
/// Who was gone so long is not on the way back from lunch.
const LONG: Duration = Duration::from_hours(2);
/// The pause before another question where this machine could not ask.
const FAULT: Duration = Duration::from_secs(5);
/// More than any adapter gets through in a day.
const MOST_KNOWN: usize = 4096;

#[cfg(test)]
mod tests;
