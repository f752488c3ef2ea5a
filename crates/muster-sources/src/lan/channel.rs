//! One watched interface: its ears, its questions and its coverage, put together.
//!
//! Waits for nothing: the source says when frames, table entries or time have come.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use muster_config::lan::LanSettings;
use muster_core::fact::{Detail, Fact, FactBody, Listener, Outcome, Probe, Sighting};
use muster_core::identity::{Identity, Mac};
use muster_core::ports::ChannelStatus;
use muster_core::time::{Now, Time};
use muster_wire::frame::LinkType;
use muster_wire::lan::{LanBody, LanFrame, decode};

use crate::coverage::Coverage;

use super::asker::Asker;
use super::book::Book;
use super::ears::Ears;
use super::judge::{Finding, Scene, judge, judge_entry};
use super::life::{Life, Rhythm};
use super::links::Link;
use super::neighbours::Neighbours;
use super::netlink::{Entry, State};
use super::reach::Reach;
use super::silences::Silences;
use super::status;
use super::wants::Want;

/// A watched interface.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) link: Link,
    pub(super) listener: Arc<Listener>,
    ears: Ears,
    asker: Asker,
    book: Book,
    neighbours: Neighbours,
    life: Life,
    silences: Silences,
    coverage: Coverage,
    /// What was wrong at the last look, in plain words.
    trouble: Option<String>,
    /// What went wrong since the last look.
    lately: Option<String>,
    told: Option<ChannelStatus>,
}

impl Channel {
    /// Opens what can be opened on the link.
    pub(super) fn open(
        link: Link,
        listener: Listener,
        settings: &LanSettings,
        now: Now,
    ) -> io::Result<Self> {
        let ears = Ears::open(link.index);
        let asker = Asker::new(&link, settings, ears.socket().is_some())?;
        let rhythm = if asker.sends_frames() { Rhythm::FRAMES } else { Rhythm::POKES };
        Ok(Self {
            life: Life::new(rhythm, &link, settings, now.mono),
            trouble: link.deaf.map(str::to_owned),
            link,
            listener: Arc::new(listener),
            ears,
            asker,
            book: Book::default(),
            neighbours: Neighbours::new(now.mono),
            silences: Silences::default(),
            coverage: Coverage::default(),
            lately: None,
            told: None,
        })
    }

    /// The kernel describes the link differently now.
    pub(super) fn set_link(&mut self, link: Link, settings: &LanSettings, now: Now) {
        let moved = link.addresses != self.link.addresses || link.ranges != self.link.ranges;
        if let Some(why) = link.deaf {
            self.trouble = Some(why.to_owned());
            self.coverage.interrupt();
            self.asker.spoil();
        } else if self.link.deaf.is_some() {
            self.trouble = None;
            self.coverage.interrupt();
            self.ears.reopen();
        }
        self.life.set_link(&link, settings, now.mono, |from, to| self.book.company(from, to));
        self.link = link;
        if moved {
            self.asker.set_link(&self.link, settings);
        }
    }

    /// Whether this link may be where `mac` is heard.
    pub(super) fn knows(&self, mac: Mac) -> bool {
        self.book.knows(mac)
    }

    /// Where stations can be asked on it.
    pub(super) fn reach<'a>(&'a self, settings: &'a LanSettings) -> Reach<'a> {
        Reach { link: &self.link, settings, frames: self.asker.sends_frames() }
    }

    /// Something went wrong outside: the time since the last look is not covered.
    pub(super) fn stumble(&mut self, why: &str) {
        self.lately = Some(why.to_owned());
    }

    /// Whom to ask from now on.
    pub(super) fn set_wants(&mut self, wants: Vec<Want>, now: Now) {
        for want in wants.iter().filter(|it| it.doors.sure) {
            for ip in &want.doors.ips {
                self.book.recall(want.mac, *ip, now.mono);
            }
        }
        self.asker.set_wants(wants, now.mono);
    }

    /// Takes frames that have come, a bounded number; ready if there was one.
    pub(super) fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        hub: &Hub<'_>,
        out: &mut Vec<Fact>,
    ) -> Poll<()> {
        let mut any = Poll::Pending;
        for _ in 0..FRAMES_AT_ONCE {
            match self.ears.poll_frame(cx, buffer) {
                Poll::Pending => return any,
                Poll::Ready(Ok(length)) => {
                    self.frame(buffer.get(..length).unwrap_or(&[]), hub, out);
                }
                Poll::Ready(Err(why)) => {
                    // The interface went down or away; a later look opens the socket again.
                    self.lately = Some(why);
                    return Poll::Ready(());
                }
            }
            any = Poll::Ready(());
        }
        // More may be waiting: come back without being woken.
        cx.waker().wake_by_ref();
        any
    }

    /// An entry of the neighbour table, told or read.
    pub(super) fn entry(&mut self, entry: &Entry, hub: &Hub<'_>, out: &mut Vec<Fact>) {
        let now = hub.now;
        let confirmed = self.neighbours.entry(entry, now.mono);
        if let Some(it) = confirmed {
            let company = |from, to| self.book.company(from, to);
            self.life.heard(it.mac, Some(it.ip), it.at, company);
            let scene = Scene { link: &self.link, own: hub.own, now: now.mono };
            let found = judge_entry(it.mac, it.ip, &mut self.book, scene);
            let at = now.wall - now.mono.saturating_sub(it.at);
            self.found(found, at, now, out);
            if let Asker::Pokes(poke, _) = &mut self.asker {
                if !self.book.is_proxy(it.mac, now.mono) {
                    poke.reassigned(it.ip, it.mac, now.mono);
                }
                poke.confirmed(it.mac, it.ip, it.at, now.mono);
            }
        }
        self.settled(entry, now.mono);
        self.verdicts(now, out);
    }

    /// The kernel is done with asking for an address, or is not.
    fn settled(&mut self, entry: &Entry, now: Duration) {
        let at = now.saturating_sub(entry.updated_ago.unwrap_or_default());
        if entry.state == State::Failed {
            self.life.failed(entry.ip, at);
        }
        let Asker::Pokes(poke, _) = &mut self.asker else { return };
        match entry.state {
            State::Failed => poke.failed(entry.ip, at, now),
            State::Incomplete => {}
            State::Reachable | State::Stale | State::Waiting | State::Fixed => {
                poke.settled(entry.ip);
            }
        }
    }

    /// Sends what is due.
    pub(super) fn send(&mut self, now: Now, out: &mut Vec<Fact>) {
        if self.link.deaf.is_none() {
            let socket = self.ears.socket();
            let mut sent = self.asker.send(&self.link, socket, now.mono);
            while let Some(ask) = self.life.poll_ask(now.mono) {
                sent = sent.and(self.asker.ask(&self.link, socket, ask));
            }
            if let Err(error) = sent {
                self.lately = Some(format!("cannot send: {error}"));
            }
        }
        self.verdicts(now, out);
    }

    /// A look is complete: everything told up to `began` has been judged but waiting frames.
    pub(super) fn look(
        &mut self,
        began: Now,
        buffer: &mut [u8],
        hub: &Hub<'_>,
        out: &mut Vec<Fact>,
    ) {
        for _ in 0..FRAMES_AT_MOST {
            let Some(length) = self.ears.try_frame(buffer) else { break };
            self.frame(buffer.get(..length).unwrap_or(&[]), hub, out);
        }
        self.neighbours.complete(began.mono);
        self.trouble = self.check(hub.now.mono);
        let clean = self.trouble.is_none();
        if !clean {
            self.coverage.interrupt();
            self.asker.spoil();
        }
        self.verdicts(hub.now, out);
        let could_answer = |at| self.life.could_answer(at, hub.now.mono);
        for (mac, at, outcome) in self.silences.settle(began.mono, clean, could_answer) {
            self.probe(mac, at, outcome, out);
        }
        let proved = self.life.proved(hub.now.mono);
        if let Some(span) = self.coverage.look(began, clean, proved) {
            self.push(FactBody::Coverage(span), out);
        }
    }

    /// What the channel can and cannot hear, if that has changed since it was last told.
    pub(super) fn news(&mut self, settings: &LanSettings) -> Option<ChannelStatus> {
        let status = status::of_channel(&status::Described {
            listener: &self.listener,
            link: &self.link,
            packet: self.ears.error(),
            asker: &self.asker,
            trouble: self.trouble.as_deref(),
            settings,
        });
        let news = self.told.as_ref() != Some(&status);
        if news {
            self.told = Some(status.clone());
        }
        news.then_some(status)
    }

    /// When [`Self::send`] has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let mute = self.asker.sends_frames() && self.ears.socket().is_none();
        if mute || self.link.deaf.is_some() {
            return None;
        }
        [self.asker.poll_timeout(), self.life.ready_at()].into_iter().flatten().min()
    }

    /// Whether everybody on the link has been asked once and could answer.
    pub(super) fn is_closed(&self, now: Duration) -> bool {
        self.link.deaf.is_some() || self.asker.is_closed(now)
    }

    /// What is wrong, if anything; what was lost since the last look is counted in.
    fn check(&mut self, now: Duration) -> Option<String> {
        let lately = self.lately.take();
        if let Some(why) = self.link.deaf {
            return Some(why.to_owned());
        }
        let deaf = self.ears.check();
        if self.asker.sends_frames()
            && let Some(error) = self.ears.error()
        {
            let trouble = format!("cannot hear: {error}");
            self.ears.reopen();
            return Some(lately.unwrap_or(trouble));
        }
        let mute = match &self.asker {
            Asker::Pokes(..) if self.link.addresses.is_empty() => {
                Some("nobody can be poked: the interface has no address")
            }
            Asker::Frames(_) | Asker::Pokes(..) => None,
            Asker::Nobody if self.ears.socket().is_some() => {
                Some("nobody may be asked, so nobody's silence tells anything")
            }
            Asker::Nobody => Some("nobody keeps the neighbour table fresh: pokes are switched off"),
        };
        deaf.or(lately).or(mute.map(str::to_owned)).or_else(|| self.life.trouble(now))
    }

    fn frame(&mut self, bytes: &[u8], hub: &Hub<'_>, out: &mut Vec<Fact>) {
        let Ok(Some(frame)) = decode(LinkType::ETHERNET, bytes) else { return };
        self.proof(&frame, hub);
        let scene = Scene { link: &self.link, own: hub.own, now: hub.now.mono };
        let found = judge(&frame, &mut self.book, scene);
        if let Asker::Frames(sweep) = &mut self.asker {
            for it in &found {
                match it {
                    Finding::Here(mac) => sweep.heard(*mac, hub.now.mono),
                    Finding::At(_, ip) => sweep.heard_at(*ip),
                    Finding::Detail(..) => {}
                }
            }
        }
        self.found(found, hub.now.wall, hub.now, out);
        self.verdicts(hub.now, out);
    }

    /// A frame may prove the network; whoever sends in a gateway's name answers for it.
    fn proof(&mut self, frame: &LanFrame, hub: &Hub<'_>) {
        let Some(mac) = frame.heard().filter(|it| !hub.own.contains(it)) else { return };
        if !frame.vlan.is_empty() {
            return;
        }
        let claims = match &frame.body {
            LanBody::Arp(it) => it.sender_ip.map(IpAddr::V4),
            LanBody::Nd(it) => it.ip().map(IpAddr::V6),
            LanBody::Dhcp(_) | LanBody::Dhcp6(_) | LanBody::Mdns(_) => None,
        };
        self.life.heard(mac, claims, hub.now.mono, |from, to| self.book.company(from, to));
    }

    fn found(&mut self, found: Vec<Finding>, at: Time, now: Now, out: &mut Vec<Fact>) {
        for it in found {
            match it {
                Finding::Here(mac) => {
                    if self.book.is_news(mac, now.mono) {
                        let identity = Identity::Mac(mac);
                        self.push(FactBody::Sighting(Sighting { identity, at, rssi: None }), out);
                    }
                }
                Finding::At(..) => {}
                Finding::Detail(mac, kind, value) => {
                    let identity = Identity::Mac(mac);
                    let value = shortened(value).into();
                    self.push(FactBody::Detail(Detail { identity, at, kind, value }), out);
                }
            }
        }
    }

    fn verdicts(&mut self, now: Now, out: &mut Vec<Fact>) {
        while let Some(it) = self.asker.poll_verdict() {
            match it.outcome {
                Outcome::Silent => self.silences.hold(it.mac, now),
                Outcome::Answered | Outcome::NoEvidence | Outcome::Unaskable => {
                    self.probe(it.mac, now, it.outcome, out);
                }
            }
        }
    }

    fn probe(&self, mac: Mac, at: Now, outcome: Outcome, out: &mut Vec<Fact>) {
        let identity = Identity::Mac(mac);
        self.push(FactBody::Probe(Probe { identity, at: at.wall, outcome }), out);
    }

    fn push(&self, body: FactBody, out: &mut Vec<Fact>) {
        out.push(Fact { listener: Arc::clone(&self.listener), body });
    }
}

/// What all channels share.
#[derive(Debug)]
pub(super) struct Hub<'a> {
    pub(super) own: &'a BTreeSet<Mac>,
    pub(super) now: Now,
}

pub(super) fn shortened(mut text: String) -> String {
    while text.len() > Detail::MAX_VALUE {
        text.pop();
    }
    text
}

/// Frames taken before others get their turn.
const FRAMES_AT_ONCE: usize = 256;
/// Frames taken at a look: more than the socket holds, so that all before the look are judged.
const FRAMES_AT_MOST: usize = 100_000;

#[cfg(test)]
mod tests;
