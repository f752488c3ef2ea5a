//! One watched interface: its ears, its questions and its coverage, put together.
//!
//! Waits for nothing: the source says when frames, table entries or time have come.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use muster_config::lan::LanSettings;
use muster_core::fact::{Detail, Fact, FactBody, Listener, Probe, Sighting};
use muster_core::identity::{Identity, Mac};
use muster_core::ports::ChannelStatus;
use muster_core::time::{Now, Time};
use muster_wire::lan::{LinkType, decode};

use super::asker::Asker;
use super::book::Book;
use super::coverage::Coverage;
use super::judge::{Finding, Scene, judge, judge_entry};
use super::links::Link;
use super::neighbours::Neighbours;
use super::netlink::{Entry, State};
use super::packet::PacketSocket;
use super::status;
use super::wants::Want;

/// A watched interface.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) link: Link,
    pub(super) listener: Arc<Listener>,
    packet: Result<PacketSocket, io::Error>,
    asker: Asker,
    book: Book,
    neighbours: Neighbours,
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
        let packet = PacketSocket::open(link.index);
        let asker = Asker::new(&link, settings, packet.is_ok())?;
        Ok(Self {
            trouble: link.deaf.map(str::to_owned),
            link,
            listener: Arc::new(listener),
            packet,
            asker,
            book: Book::default(),
            neighbours: Neighbours::new(now.mono),
            coverage: Coverage::default(),
            lately: None,
            told: None,
        })
    }

    /// The kernel describes the link differently now.
    pub(super) fn set_link(&mut self, link: Link, settings: &LanSettings) {
        let moved = link.addresses != self.link.addresses || link.ranges != self.link.ranges;
        if let Some(why) = link.deaf {
            self.trouble = Some(why.to_owned());
            self.coverage.interrupt();
            self.asker.spoil();
        } else if self.link.deaf.is_some() {
            self.trouble = None;
            self.coverage.interrupt();
            self.reopen();
        }
        self.link = link;
        if moved {
            self.asker.set_link(&self.link, settings);
        }
    }

    /// Whether this link may be where `mac` is heard.
    pub(super) fn knows(&self, mac: Mac) -> bool {
        self.book.knows(mac)
    }

    /// Whom to ask from now on.
    pub(super) fn set_wants(&mut self, wants: Vec<Want>, now: Now) {
        for want in &wants {
            for ip in &want.ips {
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
            let Ok(socket) = &mut self.packet else { return any };
            match socket.poll_frame(cx, buffer) {
                Poll::Pending => return any,
                Poll::Ready(Ok(length)) => {
                    self.frame(buffer.get(..length).unwrap_or(&[]), hub, out);
                }
                Poll::Ready(Err(error)) => {
                    // The interface went down or away; a later look opens the socket again.
                    self.lately = Some(format!("cannot hear: {error}"));
                    self.packet = Err(error);
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
            let scene = Scene { link: &self.link, own: hub.own, now: now.mono };
            let found = judge_entry(it.mac, it.ip, &mut self.book, scene);
            let at = now.wall - now.mono.saturating_sub(it.at);
            self.found(found, at, now, out);
            if let Asker::Pokes(poke, _) = &mut self.asker {
                if !self.book.is_proxy(it.mac, now.mono) {
                    poke.reassigned(it.ip, it.mac);
                }
                poke.confirmed(it.mac, it.ip, it.at, now.mono);
            }
        }
        if let Asker::Pokes(poke, _) = &mut self.asker {
            match entry.state {
                State::Failed => {
                    let ago = entry.updated_ago.unwrap_or_default();
                    poke.failed(entry.ip, now.mono.saturating_sub(ago), now.mono);
                }
                State::Incomplete => {}
                State::Reachable | State::Stale | State::Waiting | State::Fixed => {
                    poke.settled(entry.ip);
                }
            }
        }
        self.verdicts(now, out);
    }

    /// Sends what is due.
    pub(super) fn send(&mut self, now: Now, out: &mut Vec<Fact>) {
        if self.link.deaf.is_none()
            && let Err(error) = self.asker.send(&self.link, self.packet.as_ref().ok(), now.mono)
            && error.kind() != io::ErrorKind::AddrNotAvailable
        {
            self.lately = Some(format!("cannot send: {error}"));
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
            let Some(length) = self.packet.as_ref().ok().and_then(|it| it.try_frame(buffer)) else {
                break;
            };
            self.frame(buffer.get(..length).unwrap_or(&[]), hub, out);
        }
        self.neighbours.complete(began.mono);
        self.trouble = self.check();
        if self.trouble.is_some() {
            self.coverage.interrupt();
            self.asker.spoil();
        }
        self.verdicts(hub.now, out);
        if let Some(span) = self.coverage.look(began, self.trouble.is_none()) {
            self.push(FactBody::Coverage(span), out);
        }
    }

    /// What the channel can and cannot hear, if that has changed since it was last told.
    pub(super) fn news(&mut self, settings: &LanSettings) -> Option<ChannelStatus> {
        let status = status::of_channel(&status::Described {
            listener: &self.listener,
            link: &self.link,
            packet: self.packet.as_ref().err(),
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
        let mute = matches!(self.asker, Asker::Frames(_)) && self.packet.is_err();
        if mute || self.link.deaf.is_some() { None } else { self.asker.poll_timeout() }
    }

    /// Whether everybody on the link has been asked once and could answer.
    pub(super) fn is_closed(&self, now: Duration) -> bool {
        self.link.deaf.is_some() || self.asker.is_closed(now)
    }

    /// What is wrong, if anything; what was lost since the last look is counted in.
    fn check(&mut self) -> Option<String> {
        let lately = self.lately.take();
        if let Some(why) = self.link.deaf {
            return Some(why.to_owned());
        }
        match (&self.packet, &self.asker) {
            (Ok(socket), _) => {
                let trouble = check_socket(socket);
                if trouble.as_deref() == Some(FILTER_GONE) {
                    // What it hears without its filter is not what it was made for: begin anew.
                    self.packet = PacketSocket::open(self.link.index);
                }
                trouble.or(lately)
            }
            (Err(error), Asker::Frames(_)) => {
                let trouble = format!("cannot hear: {error}");
                self.reopen();
                Some(lately.unwrap_or(trouble))
            }
            (Err(_), Asker::Nobody) => {
                Some("nobody keeps the neighbour table fresh: pokes are switched off".into())
            }
            (Err(_), Asker::Pokes(..)) if self.link.addresses.is_empty() => {
                Some("nobody can be poked: the interface has no address".into())
            }
            (Err(_), Asker::Pokes(..)) => lately,
        }
    }

    /// Opens the packet socket again if it was lost; what is not allowed is not tried.
    fn reopen(&mut self) {
        if let Err(error) = &self.packet
            && error.kind() != io::ErrorKind::PermissionDenied
        {
            self.packet = PacketSocket::open(self.link.index);
        }
    }

    fn frame(&mut self, bytes: &[u8], hub: &Hub<'_>, out: &mut Vec<Fact>) {
        let Ok(Some(frame)) = decode(LinkType::ETHERNET, bytes) else { return };
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
            let identity = Identity::Mac(it.mac);
            let probe = Probe { identity, at: now.wall, outcome: it.outcome };
            self.push(FactBody::Probe(probe), out);
        }
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

fn check_socket(socket: &PacketSocket) -> Option<String> {
    if let Some(error) = socket.take_error() {
        return Some(format!("cannot hear: {error}"));
    }
    if !socket.filter_stands() {
        return Some(FILTER_GONE.to_owned());
    }
    match socket.take_drops() {
        Ok(0) => None,
        Ok(lost) => Some(format!("too busy to hear everything: {lost} frames lost")),
        Err(error) => Some(format!("cannot hear: {error}")),
    }
}

pub(super) fn shortened(mut text: String) -> String {
    while text.len() > Detail::MAX_VALUE {
        text.pop();
    }
    text
}

const FILTER_GONE: &str = "the kernel's filter is gone from the socket";
/// Frames taken before others get their turn.
const FRAMES_AT_ONCE: usize = 256;
/// Frames taken at a look: more than the socket holds, so that all before the look are judged.
const FRAMES_AT_MOST: usize = 100_000;

#[cfg(test)]
mod tests;
