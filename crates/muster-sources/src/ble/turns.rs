//! When an adapter can be believed to hear, and what to ask of it so that it does.
//!
//! It listens in turns. The kernel ends a discovery after 10.24 s by itself; bluetoothd's is ended after
//! [`Pace::turn`], and so is passive listening. That has two reasons: a controller that reports each device
//! once does so once a turn, and the end of a turn is a sign of life, because the controller had to answer.
//! A turn that begins within [`JOIN`] of the last one's end continues it. Where it is to rest by a rhythm,
//! turns are begun inside its windows alone ([`Windows`]); those of others are heard at any time.
//!
//! **Invariant:** what is proved lies within turns of low energy, and ends at a report or at a turn's
//! orderly end. So a controller that hangs, was switched off or pulled out, and a daemon that ended, prove
//! nothing from then on; and where a crowd falls silent at once, nor does the end of a turn.

use std::collections::BTreeSet;
use std::time::Duration;

use muster_config::ble::Duty;
use muster_wire::bluetooth::address::Address;
use muster_wire::bluetooth::management::Transports;

use super::crowd::Crowd;
use super::windows::Windows;

/// The turns of one adapter.
#[derive(Debug)]
pub(super) struct Turns {
    pace: Pace,
    windows: Windows,
    state: State,
    /// Since when it looks for devices, and which.
    looks: Option<(Duration, Transports)>,
    /// The unbroken chain of what is proved.
    proved: Option<(Duration, Duration)>,
    trouble: Option<Trouble>,
    /// What may still be under way from before is stopped before anything is started.
    clear_first: bool,
    busy_since: Option<Duration>,
    /// Since when it does not answer.
    hangs_since: Option<Duration>,
    /// It is switched off and on no sooner than this.
    next_restart: Duration,
    heard: BTreeSet<Address>,
    crowd: Crowd,
}

/// How a back end listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// After how long a turn is ended, where nobody else does it.
    pub(super) turn: Option<Duration>,
    /// How soon the end of a turn must be told where it was asked for, to prove anything; none: whenever.
    pub(super) prompt: Option<Duration>,
    /// Whether it is switched off and on when it hangs.
    pub(super) restarts: bool,
}

impl Pace {
    /// The kernel ends them.
    pub(super) const KERNEL: Self = Self { turn: None, prompt: None, restarts: false };
    /// Before the kernel ends them: bluetoothd rests for 5 s then, and ending a turn in which nothing is
    /// under way proves nothing.
    pub(super) const DAEMON: Self =
        Self { turn: Some(Duration::from_secs(8)), prompt: None, restarts: false };
    /// By the kernel, passively: turns are as long as the kernel's own, and each ends with a question to the
    /// controller. The kernel answers it itself after 2 s if the controller does not (`HCI_CMD_TIMEOUT`).
    pub(super) const PASSIVE: Self = Self {
        turn: Some(Duration::from_secs(10)),
        prompt: Some(Duration::from_secs(1)),
        restarts: false,
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It cannot be asked.
    Off,
    /// Nothing is under way; something is asked at this time.
    Idle { at: Duration },
    /// It was asked.
    Asked { at: Duration },
    /// It looks for devices, and is asked to stop at this time if nobody else ends it.
    Looking { until: Duration },
}

/// What an adapter is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Start,
    Stop,
    /// To be switched off and on.
    Restart,
}

/// Why nothing is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing was asked yet.
    Starting,
    /// It is switched off, perhaps by rfkill.
    Off { is_blocked: bool },
    /// It was pulled out.
    Gone,
    /// There is no way to it: no bus, no daemon, no rights.
    Unreachable { why: String, hint: Option<String> },
    /// It, or whoever speaks for it, will not.
    Refused { why: String, hint: Option<String> },
    /// It does not answer.
    Hangs,
    /// It did not answer, and is being switched off and on.
    Restarts,
    /// Reports were lost, because this process did not take them in time.
    Lost,
    /// Where there were always some, nobody is heard.
    Deserted,
}

impl Turns {
    /// Of an adapter that was not asked anything yet, and is to rest in this rhythm, if any.
    pub(super) fn new(duty: Option<Duty>) -> Self {
        Self {
            pace: Pace::KERNEL,
            windows: Windows::new(duty),
            state: State::Off,
            looks: None,
            proved: None,
            trouble: Some(Trouble::Starting),
            clear_first: false,
            busy_since: None,
            hangs_since: None,
            next_restart: Duration::ZERO,
            heard: BTreeSet::new(),
            crowd: Crowd::default(),
        }
    }

    /// It can be asked from now on, in this way.
    pub(super) fn available(&mut self, now: Duration, pace: Pace) {
        self.pace = pace;
        if self.state == State::Off {
            self.windows.open(now);
            self.state = State::Idle { at: now };
        }
    }

    /// It cannot be asked any more.
    pub(super) fn unavailable(&mut self, why: Trouble) {
        self.state = State::Off;
        self.looks = None;
        let is_part_of_it = matches!(why, Trouble::Off { is_blocked: false });
        if !(is_part_of_it && self.trouble == Some(Trouble::Restarts)) {
            self.trouble = Some(why);
        }
    }

    /// It was switched off and could not be switched on again.
    pub(super) fn stays_off(&mut self) {
        self.state = State::Off;
        self.trouble = Some(Trouble::Off { is_blocked: false });
    }

    /// It began to look for devices, whoever asked it to.
    pub(super) fn began(&mut self, now: Duration, what: Transports) {
        self.busy_since = None;
        self.clear_first = false;
        self.heard.clear();
        self.looks = Some((now, what));
        let turn = self.pace.turn.map(|most| self.windows.turn(most));
        self.state = State::Looking { until: now + turn.unwrap_or_else(|| longest(what)) };
        if !what.has_low_energy() {
            return;
        }
        // What was refused is mended when it is proved to be.
        let doubted = matches!(
            self.trouble,
            Some(Trouble::Hangs | Trouble::Restarts | Trouble::Refused { .. })
        );
        if !self.crowd.is_missed() && !doubted {
            self.trouble = None;
        }
        self.proved = match self.proved {
            Some((from, to)) if now <= to + JOIN => Some((from, now)),
            Some(_) | None => Some((now, now)),
        };
    }

    /// It stopped looking; `proves` if the controller did so itself.
    pub(super) fn ended(&mut self, now: Duration, proves: bool) {
        let Some((since, what)) = self.looks.take() else {
            self.state = self.rest(now, now);
            return;
        };
        let is_late = self.is_late(now);
        let proves = proves && !is_late;
        let until = now.min(listens_until(since, what));
        if what.has_low_energy() {
            self.windows.listened(since, until);
        }
        if proves && now.saturating_sub(since) >= SHORTEST && what.has_low_energy() {
            self.crowd.turn(self.heard.len(), now);
        }
        if self.crowd.is_missed() {
            self.trouble = Some(Trouble::Deserted);
        } else if proves {
            self.mended();
            self.prove(until);
        } else if is_late {
            self.trouble = Some(Trouble::Hangs);
        }
        self.state = self.rest(now, since + SHORTEST_PAUSE);
    }

    /// It would not do what it was asked.
    pub(super) fn refused(&mut self, now: Duration, why: Trouble) {
        if why == Trouble::Hangs {
            self.hangs_since.get_or_insert(now);
        }
        self.trouble = Some(why);
        self.clear_first = true;
        self.looks = None;
        self.state = self.rest(now, now + RETRY);
    }

    /// Somebody else has it do something of the kind.
    pub(super) fn busy(&mut self, now: Duration) {
        if matches!(self.state, State::Looking { .. }) {
            return;
        }
        let since = *self.busy_since.get_or_insert(now);
        if since + LONGEST_BUSY <= now {
            self.busy_since = None;
            self.refused(now, Trouble::Hangs);
        } else {
            self.state = self.rest(now, now + SHORTEST_PAUSE);
        }
    }

    /// It heard somebody.
    pub(super) fn heard(&mut self, now: Duration, who: Address) {
        let Some((_, what)) = self.looks else { return };
        if !what.has_low_energy() {
            return;
        }
        if self.heard.len() < MOST_HEARD {
            self.heard.insert(who);
        }
        if self.crowd.is_back() || self.proved.is_none() {
            self.proved = Some((now, now));
        }
        self.mended();
        self.prove(now);
    }

    /// Reports were lost.
    pub(super) fn lost(&mut self) {
        self.proved = None;
        if self.trouble.is_none() {
            self.trouble = Some(Trouble::Lost);
        }
    }

    /// What is to be asked now, if anything. What is given out counts as asked.
    pub(super) fn poll(&mut self, now: Duration) -> Option<Ask> {
        let ask = match self.state {
            State::Idle { at } if at <= now && self.restarts(now) => {
                self.next_restart = now + NEXT_RESTART;
                self.unavailable(Trouble::Restarts);
                return Some(Ask::Restart);
            }
            State::Idle { at } if at <= now => {
                if std::mem::take(&mut self.clear_first) {
                    Ask::Stop
                } else {
                    Ask::Start
                }
            }
            State::Asked { at } if at + ANSWER <= now => {
                self.refused(now, Trouble::Hangs);
                return None;
            }
            State::Looking { until } if until <= now => {
                if self.pace.turn.is_none() {
                    self.trouble = Some(Trouble::Hangs);
                }
                Ask::Stop
            }
            State::Off | State::Idle { .. } | State::Asked { .. } | State::Looking { .. } => {
                return None;
            }
        };
        self.state = State::Asked { at: now };
        Some(ask)
    }

    /// When [`Self::poll`] has something to do, if ever.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        match self.state {
            State::Off => None,
            State::Idle { at } | State::Looking { until: at } => Some(at),
            State::Asked { at } => Some(at + ANSWER),
        }
    }

    /// From when to when it is proved that it heard.
    pub(super) fn proved(&self) -> Option<(Duration, Duration)> {
        self.proved
    }

    /// Why nothing is heard, if so.
    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Whether nothing else than switching it off and on is left to try.
    fn restarts(&self, now: Duration) -> bool {
        let hangs = self.hangs_since.is_some_and(|it| it + HANGS <= now);
        self.pace.restarts && hangs && self.next_restart <= now
    }

    fn mended(&mut self) {
        self.trouble = None;
        self.hangs_since = None;
    }

    fn prove(&mut self, until: Duration) {
        if let Some((_, to)) = &mut self.proved {
            *to = until.max(*to);
        }
    }

    /// Whether what was asked is answered later than a controller would have.
    fn is_late(&self, now: Duration) -> bool {
        match (self.pace.prompt, self.state) {
            (Some(limit), State::Asked { at }) => at + limit < now,
            (Some(_) | None, _) => false,
        }
    }

    /// Nothing is under way until then, or until the next window begins.
    fn rest(&self, now: Duration, at: Duration) -> State {
        let at = at.max(now).max(self.windows.resumes());
        if self.state == State::Off { State::Off } else { State::Idle { at } }
    }
}

/// Up to when a turn that began then hears low energy. Where classic devices are looked for too, the
/// kernel gives each half of the time, low energy first (`DISCOV_INTERLEAVED_TIMEOUT`).
fn listens_until(since: Duration, what: Transports) -> Duration {
    if what.has_classic() { since + INTERLEAVED } else { Duration::MAX }
}

/// How long a turn may take before it is overdue: the kernel's 10.24 s, and where classic devices are
/// looked for too an inquiry of as long behind half of them.
fn longest(what: Transports) -> Duration {
    Duration::from_secs(if what.has_classic() { 20 } else { 13 })
}

const INTERLEAVED: Duration = Duration::from_millis(5_120);
/// From one turn to the next the controller is told to stop and to start: some hundredths of a second.
const JOIN: Duration = Duration::from_secs(2);
/// A turn from which something can be learned of a crowd.
const SHORTEST: Duration = Duration::from_secs(5);
/// Turns that somebody else ends at once are begun no faster than this.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// A controller that hangs makes the kernel wait 2 s for each of several commands.
const ANSWER: Duration = Duration::from_secs(10);
/// How soon is tried again what did not work: soon enough to hear again within 10 s.
const RETRY: Duration = Duration::from_secs(5);
/// Longer than anybody's turn.
const LONGEST_BUSY: Duration = Duration::from_secs(25);
/// What hangs for a moment comes back by itself.
const HANGS: Duration = Duration::from_secs(20);
/// What switching off and on did not mend, it will not mend at once.
const NEXT_RESTART: Duration = Duration::from_mins(5);
/// Beyond that a crowd is a crowd.
const MOST_HEARD: usize = 64;

#[cfg(test)]
mod tests;
