//! What the radio says, and what that changes.

use std::collections::BTreeSet;

use crate::identity::Mac;
use crate::time::Now;

use super::machine::{AGAIN, MOST_ASKED, News, Pairing, Window};
use super::{Ask, Asked, Before, Bond, Happened, Said, Trouble, Wish, is_audio};

impl Pairing {
    /// The radio says something.
    pub fn handle(&mut self, said: Said, now: Now) {
        match said {
            Said::Here { bonds } => self.here(bonds, now),
            Said::Away(why) => self.gone(&why),
            Said::Looked(before) => self.looked(before),
            Said::Opened { adapters, low_energy } => {
                if let Window::Opening(wanted) = &self.window {
                    self.window = Window::Open(wanted.clone(), adapters, low_energy);
                }
            }
            Said::NotOpened(why) => {
                self.trouble = Some(why);
                match self.window {
                    Window::Looking(_) => self.window = Window::Closed,
                    Window::Opening(_) | Window::Open(..) => self.put_back(now),
                    Window::Closed | Window::Closing(_) => {}
                }
            }
            Said::Closed(outcome) => self.closed(outcome, now),
            Said::Asks { number, device, name, what } => {
                self.asks_for(Asked { number, device, name, passkey: 0 }, what, now);
            }
            Said::Withdrawn { number } => self.asked.retain(|it| it.number != number),
            Said::Paired(bond) => self.paired(bond, now),
            Said::Parted { device } => {
                if self.bonds.remove(&device).is_some() && !self.leaving.contains(&device) {
                    self.parted(device);
                }
            }
            Said::Unpaired { device, outcome } => self.unpaired(device, outcome, now),
        }
    }

    fn here(&mut self, bonds: Vec<Bond>, now: Now) {
        self.away = None;
        let paired: BTreeSet<Mac> = bonds.iter().map(|it| it.device).collect();
        self.waiting.keep_only(&paired);
        self.bonds = bonds.iter().map(|it| (it.device, it.clone())).collect();
        self.news.push_back(News::Bonds(bonds.clone()));
        if self.window == Window::Closed {
            // A window was open when the hub or bluetoothd ended: who came through it meanwhile is
            // not known by anybody.
            for bond in bonds {
                if self.known.as_ref().is_some_and(|it| !it.contains(&bond.device)) {
                    self.wait_for(bond, now);
                }
            }
            if self.known.is_some() || !self.before.is_empty() {
                self.put_back(now);
            }
        }
        self.keeps = true;
    }

    fn gone(&mut self, why: &Trouble) {
        let was_shut = matches!(self.window, Window::Closed | Window::Closing(_));
        if !was_shut {
            self.trouble = Some(why.clone());
        }
        self.away = Some(why.clone());
        self.window = Window::Closed;
        self.again = None;
        self.asked.clear();
        self.asks.clear();
        self.waiting.interrupted();
        for device in std::mem::take(&mut self.leaving) {
            self.news.push_back(News::Unpaired { device, outcome: Err(why.why.clone()) });
        }
    }

    fn looked(&mut self, before: Vec<Before>) {
        let Window::Looking(wanted) = &self.window else { return };
        let wanted = wanted.clone();
        // What is not put back yet is what was before, whatever it is like now.
        let is_new = |it: &Before| !self.before.iter().any(|old| old.adapter == it.adapter);
        let new: Vec<Before> = before.into_iter().filter(is_new).collect();
        self.before.extend(new);
        self.known = Some(self.bonds.keys().copied().collect());
        self.keeps = true;
        self.ask_to_open(wanted);
    }

    pub(super) fn closed(&mut self, outcome: Result<Vec<Before>, Box<str>>, now: Now) {
        let Window::Closing(_) = self.window else { return };
        self.window = Window::Closed;
        match outcome {
            Ok(gone) => {
                self.before = gone;
                self.known = None;
                self.keeps = true;
            }
            Err(why) => {
                self.trouble = Some(Trouble { why, hint: None });
                self.again = Some(now.mono + AGAIN);
            }
        }
    }

    fn asks_for(&mut self, asked: Asked, what: Wish, now: Now) {
        let Asked { number, .. } = asked;
        let may = self.is_open() && self.waiting.has_room();
        let (accept, happened) = match what {
            Wish::Compare(passkey) if may && self.asked.len() < MOST_ASKED => {
                self.asked.push(Asked { passkey, ..asked });
                return;
            }
            Wish::Pair if may => (true, None),
            Wish::Service(it) if is_audio(it) => (false, Some(Happened::NoAudio)),
            Wish::Service(_) if self.is_open() => (true, None),
            Wish::Compare(_) | Wish::Pair | Wish::Service(_) => (false, Some(Happened::Refused)),
        };
        self.asks.push_back(Ask::Answer { number, accept });
        if let Some(happened) = happened {
            self.tell(&asked.name, happened, now);
        }
    }

    fn paired(&mut self, bond: Bond, now: Now) {
        self.asked.retain(|it| it.device != bond.device);
        self.bonds.insert(bond.device, bond.clone());
        self.news.push_back(News::Bonds(vec![bond.clone()]));
        // What was accepted just before the end may come just behind it.
        if matches!(self.window, Window::Open(..) | Window::Closing(_)) {
            self.tell(&bond.name, Happened::Paired, now);
            self.wait_for(bond, now);
        }
    }

    fn wait_for(&mut self, bond: Bond, now: Now) {
        if !self.registered.contains(&bond.device) {
            self.waiting.add(bond, now.wall, self.rules.grace, now);
            self.keeps = true;
        }
    }

    /// Somebody else removed a pairing.
    fn parted(&mut self, device: Mac) {
        if self.waiting.remove(device).is_some() {
            self.keeps = true;
        }
        self.news.push_back(News::Unpaired { device, outcome: Ok(()) });
    }

    fn unpaired(&mut self, device: Mac, outcome: Result<(), Box<str>>, now: Now) {
        let by_hand = self.leaving.remove(&device);
        let name = self.name_of(device);
        let happened = match &outcome {
            Ok(()) => {
                self.bonds.remove(&device);
                if self.waiting.remove(device).is_some() {
                    self.keeps = true;
                }
                if by_hand { Happened::Forgotten } else { Happened::Expired }
            }
            Err(why) => {
                self.waiting.stays(device, why, now);
                Happened::NotForgotten
            }
        };
        self.tell(&name, happened, now);
        self.news.push_back(News::Unpaired { device, outcome });
    }
}
