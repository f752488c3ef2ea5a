//! One adapter: what its back end tells becomes facts, coverage and a status.

use std::sync::Arc;

use muster_config::ble::Duty;
use muster_core::broadcast::Broadcast;
use muster_core::fact::{Fact, FactBody, Listener, SourceKind};
use muster_core::ports::ChannelStatus;
use muster_core::time::Now;
use muster_wire::bluetooth::kept;
use muster_wire::bluetooth::tag::TagRules;

use super::news::News;
use super::seen::Seen;
use super::status::{self, Way};
use super::turns::{Ask, Trouble, Turns};
use crate::adapters;
use crate::coverage::Coverage;
use crate::told::{Listeners, Told};

/// An adapter.
#[derive(Debug)]
pub(super) struct Channel {
    adapter: u16,
    duty: Option<Duty>,
    listeners: Listeners,
    turns: Turns,
    coverage: Coverage,
    rules: Arc<TagRules>,
    told: Told,
    /// What was sent by those of whom facts were told since they were taken.
    broadcasts: Vec<Broadcast>,
    status: Option<ChannelStatus>,
    /// What that was made from.
    judged: Option<(Way, Option<Trouble>)>,
    /// Turns that came to their end.
    whole_turns: u64,
}

impl Channel {
    /// The adapter with this number, which rests in this rhythm, if any; `rules` tell which texts
    /// identify somebody.
    pub(super) fn new(
        adapter: u16,
        monitor: &str,
        duty: Option<Duty>,
        rules: &Arc<TagRules>,
    ) -> Self {
        let name = adapters::name(adapter);
        let listener = |source| Arc::new(Listener::new(monitor, source, &name));
        let listeners =
            Listeners { ble: listener(SourceKind::Ble), classic: listener(SourceKind::Classic) };
        Self {
            adapter,
            duty,
            listeners,
            turns: Turns::new(duty),
            coverage: Coverage::default(),
            rules: Arc::clone(rules),
            told: Told::default(),
            broadcasts: Vec::new(),
            status: None,
            judged: None,
            whole_turns: 0,
        }
    }

    /// Takes in what its back end tells.
    pub(super) fn take(
        &mut self,
        news: News<'_>,
        now: Now,
        seen: Option<&mut Seen>,
        facts: &mut Vec<Fact>,
    ) {
        match news {
            News::Ready(pace) => self.turns.available(now.mono, pace),
            News::Unavailable(Trouble::Off { .. }) => {
                let is_blocked = adapters::is_blocked(self.adapter);
                self.turns.unavailable(Trouble::Off { is_blocked });
            }
            News::Unavailable(why) => self.turns.unavailable(why),
            News::StaysOff => self.turns.stays_off(),
            News::Began(what) => self.turns.began(now.mono, what),
            News::Ended { proves } => {
                self.turns.ended(now.mono, proves);
                self.whole_turns += 1;
            }
            News::Refused(why) => self.turns.refused(now.mono, why),
            News::Busy => self.turns.busy(now.mono),
            News::Heard(it) => {
                if let Some(address) = it.address {
                    self.turns.heard(now.mono, address);
                }
                let (before, at, to) = (facts.len(), now.wall, &self.listeners);
                let identities = self.told.advertisement(&it, at, &self.rules, to, facts);
                if facts.len() > before {
                    self.broadcasts.push(kept::broadcast(&it, identities, &to.ble, at));
                }
                if let Some(seen) = seen {
                    seen.take(&it, now.wall, &self.listeners.ble.channel);
                }
            }
        }
    }

    /// What was sent by those of whom facts were told since the last call.
    pub(super) fn take_broadcasts(&mut self) -> Vec<Broadcast> {
        std::mem::take(&mut self.broadcasts)
    }

    /// What is to be asked of it now.
    pub(super) fn poll(&mut self, now: Now) -> Option<Ask> {
        self.turns.poll(now.mono)
    }

    /// When it wants to be polled.
    pub(super) fn poll_timeout(&self) -> Option<std::time::Duration> {
        self.turns.poll_timeout()
    }

    /// A look, behind everything that came before `now`: what is covered becomes a fact.
    pub(super) fn look(&mut self, now: Now, lost: bool, facts: &mut Vec<Fact>) {
        if lost {
            self.coverage.interrupt();
            self.turns.lost();
        }
        if let Some(span) = self.coverage.look(now, !lost, self.turns.proved()) {
            let listener = Arc::clone(&self.listeners.ble);
            facts.push(Fact { listener, body: FactBody::Coverage(span) });
        }
    }

    /// Its status, if it is another than was told last. Asked after every message, so nothing is written
    /// while nothing changed.
    pub(super) fn news(&mut self, way: &Way) -> Option<ChannelStatus> {
        let trouble = self.turns.trouble();
        if self.judged.as_ref().is_some_and(|(by, of)| by == way && of.as_ref() == trouble) {
            return None;
        }
        self.judged = Some((way.clone(), trouble.cloned()));
        let status = status::of_channel(&self.listeners.ble, way, self.duty, trouble)?;
        let is_new = self.status.as_ref() != Some(&status);
        is_new.then(|| self.status.insert(status).clone())
    }

    /// Whether it has listened through a whole turn, or cannot listen.
    pub(super) fn has_listened(&self) -> bool {
        self.whole_turns > 0 || self.turns.trouble().is_some_and(|it| *it != Trouble::Starting)
    }
}
