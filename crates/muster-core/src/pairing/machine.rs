//! The pairing window, and what becomes of who came through it.
//!
//! **Invariants:** nobody is let in but through an open window, which ends at its time whatever the
//! radio does; what adapters were like before is handed out to be kept before they are changed; who
//! came through the window is registered or unpaired, and is said to be gone only when that is so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::identity::Mac;
use crate::time::Now;

use super::pending::Waiting;
use super::{
    Ask, Asked, Before, Bond, Capability, Happened, PairingView, Pending, Told, Trouble, WindowView,
};

/// What holds for every window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Under which name phones see the hub.
    pub name: Box<str>,
    /// What the hub can show and ask.
    pub capability: Capability,
    /// How long a device may be paired without being registered.
    pub grace: Duration,
}

/// What has to outlive the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How adapters were seen before a window, where that was not put back.
    pub before: Vec<Before>,
    /// Who was paired when a window opened that was not closed in order; none: it was.
    pub known: Option<Vec<Mac>>,
    /// Who paired and was not registered.
    pub pending: Vec<Pending>,
}

/// Why something that a person wants is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no radio to do it.
    #[error("{}", .0.why)]
    Away(Trouble),
    /// The last window is still being closed.
    #[error("the last window is just being closed")]
    Busy,
    /// Nobody asks that any more.
    #[error("there is no such request any more: {0}")]
    Missing(u64),
}

/// The machine. Every method takes the time; none waits.
#[derive(Debug)]
pub struct Pairing {
    pub(super) rules: Rules,
    pub(super) window: Window,
    pub(super) away: Option<Trouble>,
    pub(super) trouble: Option<Trouble>,
    pub(super) before: Vec<Before>,
    /// Who was paired when the window opened; none once it is closed in order.
    pub(super) known: Option<BTreeSet<Mac>>,
    /// Who is paired.
    pub(super) bonds: BTreeMap<Mac, Bond>,
    /// Whom people have described.
    pub(super) registered: BTreeSet<Mac>,
    pub(super) asked: Vec<Asked>,
    pub(super) waiting: Waiting,
    /// Whom somebody wants gone, by hand.
    pub(super) leaving: BTreeSet<Mac>,
    /// When putting back is tried again.
    pub(super) again: Option<Duration>,
    pub(super) told: VecDeque<Told>,
    pub(super) asks: VecDeque<Ask>,
    pub(super) keeps: bool,
    pub(super) news: VecDeque<News>,
}

/// What the shell has to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// These are paired, and may not all be known by name and key.
    Bonds(Vec<Bond>),
    /// What came of an unpairing, or that somebody else did it.
    Unpaired {
        /// With whom.
        device: Mac,
        /// Why it is still there, if so.
        outcome: Result<(), Box<str>>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Window {
    Closed,
    /// The radio is asked how it is seen.
    Looking(Wanted),
    /// The radio is asked to be seen.
    Opening(Wanted),
    Open(Wanted, Vec<Box<str>>, Result<(), Box<str>>),
    /// The radio is asked to be seen as before; it has so long.
    Closing(Duration),
}

/// A window as somebody wanted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    by: Box<str>,
    length: Duration,
    /// When it was wanted.
    since: Now,
}

impl Wanted {
    fn end(&self) -> Duration {
        self.since.mono + self.length
    }
}

impl Pairing {
    /// Goes on where an earlier run ended. Nothing is known of the radio yet.
    #[must_use]
    pub fn new(rules: Rules, kept: Kept, now: Now) -> Self {
        let mut waiting = Waiting::default();
        for it in kept.pending {
            // Nobody could register it while the hub was not there.
            let left = it.until.since(now.wall).clamp(AFTER_RESTART.min(rules.grace), rules.grace);
            waiting.add(it.bond, it.since, left, now);
        }
        let why = "the radio was not looked at yet".into();
        Self {
            rules,
            window: Window::Closed,
            away: Some(Trouble { why, hint: None }),
            trouble: None,
            before: kept.before,
            known: kept.known.map(BTreeSet::from_iter),
            bonds: BTreeMap::new(),
            registered: BTreeSet::new(),
            asked: Vec::new(),
            waiting,
            leaving: BTreeSet::new(),
            again: None,
            told: VecDeque::new(),
            asks: VecDeque::new(),
            keeps: false,
            news: VecDeque::new(),
        }
    }

    /// Somebody wants phones to pair, for so long. A window that is open ends then.
    pub fn open(&mut self, length: Duration, by: &str, now: Now) -> Result<(), Refused> {
        if let Some(away) = &self.away {
            return Err(Refused::Away(away.clone()));
        }
        let wanted = Wanted { by: by.into(), length, since: now };
        match &self.window {
            Window::Closed if self.known.is_none() => {
                self.trouble = None;
                self.window = Window::Looking(wanted);
                self.asks.push_back(Ask::Look);
            }
            Window::Open(..) => self.ask_to_open(wanted),
            Window::Looking(_) | Window::Opening(_) => {}
            Window::Closed | Window::Closing(_) => return Err(Refused::Busy),
        }
        Ok(())
    }

    /// Somebody wants it over, or the hub ends.
    pub fn close(&mut self, now: Now) {
        match &self.window {
            Window::Looking(_) => self.window = Window::Closed,
            Window::Opening(_) | Window::Open(..) => self.put_back(now),
            Window::Closed | Window::Closing(_) => {}
        }
    }

    /// Somebody compared the numbers.
    pub fn answer(&mut self, number: u64, accept: bool, now: Now) -> Result<(), Refused> {
        let found = self.asked.iter().position(|it| it.number == number);
        let asked = self.asked.remove(found.ok_or(Refused::Missing(number))?);
        let accept_it = accept && self.is_open();
        self.asks.push_back(Ask::Answer { number, accept: accept_it });
        if !accept_it {
            self.tell(&asked.name, Happened::Refused, now);
        }
        Ok(())
    }

    /// Somebody wants a device unpaired; what came of it is told in [`News::Unpaired`].
    pub fn forget(&mut self, device: Mac) -> Result<(), Refused> {
        if let Some(away) = &self.away {
            return Err(Refused::Away(away.clone()));
        }
        if self.leaving.insert(device) {
            self.asks.push_back(Ask::Unpair { device });
        }
        Ok(())
    }

    /// Whom people have described, all of them.
    pub fn register(&mut self, devices: BTreeSet<Mac>, now: Now) {
        self.registered = devices;
        for bond in self.waiting.registered(&self.registered) {
            self.keeps = true;
            self.tell(&bond.name, Happened::Registered, now);
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Now) {
        match &self.window {
            Window::Open(wanted, ..) if wanted.end() <= now.mono => self.put_back(now),
            Window::Looking(wanted) if wanted.since.mono + PATIENCE <= now.mono => {
                self.window = Window::Closed;
                self.trouble = Some(silent());
            }
            Window::Opening(wanted) if wanted.since.mono + PATIENCE <= now.mono => {
                self.trouble = Some(silent());
                self.put_back(now);
            }
            Window::Closing(end) if *end <= now.mono => {
                self.closed(Err(silent().why), now);
            }
            Window::Closed if self.again.is_some_and(|it| it <= now.mono) => self.put_back(now),
            Window::Closed
            | Window::Looking(_)
            | Window::Opening(_)
            | Window::Open(..)
            | Window::Closing(_) => {}
        }
        if self.away.is_none() {
            for device in self.waiting.take_due(now) {
                self.asks.push_back(Ask::Unpair { device });
            }
        }
    }

    /// When time alone will change something, on the monotonic clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let window = match &self.window {
            Window::Closed => self.again,
            Window::Looking(it) | Window::Opening(it) => Some(it.since.mono + PATIENCE),
            Window::Open(it, ..) => Some(it.end()),
            Window::Closing(end) => Some(*end),
        };
        let pending = self.waiting.due().filter(|_| self.away.is_none());
        window.into_iter().chain(pending).min()
    }

    /// What the shell must have on its disk before anything else is asked of the radio.
    pub fn poll_kept(&mut self) -> Option<Kept> {
        if !std::mem::take(&mut self.keeps) {
            return None;
        }
        let known = self.known.as_ref().map(|it| it.iter().copied().collect());
        Some(Kept { before: self.before.clone(), known, pending: self.waiting.all() })
    }

    /// It was not written down: the window stays shut, because nobody could put back what it changes.
    pub fn unkept(&mut self, why: &str) {
        if let Window::Opening(_) = self.window {
            self.asks.retain(|it| !matches!(it, Ask::Open { .. }));
            self.window = Window::Closed;
            self.known = None;
        }
        self.trouble = Some(Trouble { why: why.into(), hint: None });
    }

    /// What to ask of the radio next.
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// What to act on next.
    pub fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// The pairing with a device.
    #[must_use]
    pub fn bond(&self, device: Mac) -> Option<&Bond> {
        self.bonds.get(&device)
    }

    /// Whether it is known to be paired, or was when it came through a window.
    #[must_use]
    pub fn is_paired(&self, device: Mac) -> bool {
        self.bonds.contains_key(&device) || self.waiting.name(device).is_some()
    }

    /// Whether nothing is left to put back.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.window == Window::Closed
    }

    /// What people see.
    #[must_use]
    pub fn view(&self, now: Now) -> PairingView {
        let window = match &self.window {
            Window::Closed => WindowView::Closed,
            Window::Looking(_) | Window::Opening(_) => WindowView::Opening,
            Window::Open(wanted, adapters, low_energy) => WindowView::Open {
                name: self.rules.name.clone(),
                adapters: adapters.clone(),
                by: wanted.by.clone(),
                until: wanted.since.wall + wanted.length,
                left: wanted.end().saturating_sub(now.mono),
                low_energy: low_energy.clone(),
            },
            Window::Closing(_) => WindowView::Closing,
        };
        PairingView {
            away: self.away.clone(),
            window,
            trouble: self.trouble.clone(),
            asked: self.asked.clone(),
            pending: self.waiting.all(),
            told: self.told.iter().rev().cloned().collect(),
            keyless: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.window, Window::Open(..))
    }

    pub(super) fn ask_to_open(&mut self, wanted: Wanted) {
        self.asks.push_back(Ask::Open {
            name: self.rules.name.clone(),
            length: wanted.length,
            capability: self.rules.capability,
        });
        self.window = Window::Opening(wanted);
    }

    /// Nobody is let in from here on.
    pub(super) fn put_back(&mut self, now: Now) {
        for asked in std::mem::take(&mut self.asked) {
            self.asks.push_back(Ask::Answer { number: asked.number, accept: false });
        }
        self.again = None;
        self.window = Window::Closing(now.mono + PATIENCE);
        self.asks.push_back(Ask::Close { before: self.before.clone() });
    }

    pub(super) fn name_of(&self, device: Mac) -> Box<str> {
        let name = self.waiting.name(device);
        let name = name.or_else(|| self.bonds.get(&device).map(|it| &*it.name));
        name.map_or_else(|| device.to_string().into(), Into::into)
    }

    pub(super) fn tell(&mut self, name: &str, what: Happened, now: Now) {
        if self.told.len() >= MOST_TOLD {
            self.told.pop_front();
        }
        self.told.push_back(Told { at: now.wall, name: name.into(), what });
    }
}

fn silent() -> Trouble {
    Trouble { why: "the radio does not answer".into(), hint: None }
}

/// How long the radio may take for one thing: bluetoothd's own calls end after 25 s.
const PATIENCE: Duration = Duration::from_secs(30);
/// How soon putting back is tried again.
pub(super) const AGAIN: Duration = Duration::from_secs(30);
/// How long somebody has at least to register what paired before the hub was started again.
const AFTER_RESTART: Duration = Duration::from_mins(1);
/// People compare one number at a time.
pub(super) const MOST_ASKED: usize = 8;
/// What people read of the past.
const MOST_TOLD: usize = 20;
