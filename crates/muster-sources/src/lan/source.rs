//! The source itself: waits for the kernel, hands what it hears to the channels, reports.
//!
//! All state is in [`Lan`], so the future of `next` can be dropped at any time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use muster_config::lan::LanSettings;
use muster_core::fact::{Fact, Listener, SourceKind};
use muster_core::identity::Mac;
use muster_core::ports::{BoxFuture, ChannelStatus, Clock, Report, Source, SourceError};
use muster_core::snapshot::Interest;
use muster_core::time::Now;
use tokio::time::Sleep;

use super::channel::{Channel, Hub};
use super::links::{Link, Links};
use super::netlink::{Dump, Netlink, Told};
use super::status;
use super::wants::Want;

/// The local network as a source: one channel per watched interface.
#[derive(Debug)]
pub struct Lan {
    settings: LanSettings,
    monitor: Listener,
    clock: Arc<dyn Clock>,
    net: Netlink,
    links: Links,
    own: BTreeSet<Mac>,
    channels: BTreeMap<u32, Channel>,
    /// Last told status of interfaces that are not watched.
    unwatched: BTreeMap<String, ChannelStatus>,
    interest: Vec<(Mac, Interest)>,
    look: Look,
    told: Vec<Told>,
    facts: Vec<Fact>,
    ready: VecDeque<Report>,
    buffer: Vec<u8>,
}

/// The looks at the neighbour table, one after the other.
#[derive(Debug)]
struct Look {
    /// The first description of all links is complete.
    started: bool,
    /// The one under way.
    began: Option<Now>,
    /// When the last one was complete.
    done: Duration,
    next: Duration,
}

/// The capabilities that this source makes use of; it works, less well, without them.
#[must_use]
pub const fn needed_capabilities() -> &'static [&'static str] {
    &["CAP_NET_RAW"]
}

impl Lan {
    /// Opens the source in the network namespace of the calling thread. Call it inside a tokio
    /// runtime.
    pub fn open(
        settings: LanSettings,
        monitor: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let net = Netlink::open().map_err(|cause| SourceError::Unusable {
            what: "the kernel's list of network interfaces (netlink)".to_owned(),
            cause: cause.into(),
        })?;
        Ok(Self {
            settings,
            monitor: Listener::new(monitor, SourceKind::Lan, ""),
            clock,
            net,
            links: Links::default(),
            own: BTreeSet::new(),
            channels: BTreeMap::new(),
            unwatched: BTreeMap::new(),
            interest: Vec::new(),
            look: Look { started: false, began: None, done: Duration::ZERO, next: Duration::ZERO },
            told: Vec::new(),
            facts: Vec::new(),
            ready: VecDeque::new(),
            buffer: vec![0; LONGEST_FRAME],
        })
    }

    /// Whether every range has been asked once and everybody had time to answer.
    pub(super) fn is_closed(&self, now: Duration) -> bool {
        self.look.started && self.channels.values().all(|it| it.is_closed(now))
    }

    async fn next_report(&mut self) -> Result<Report, SourceError> {
        loop {
            if let Some(report) = self.ready.pop_front() {
                return Ok(report);
            }
            let now = self.clock.now();
            let wait = self.wake_at().saturating_sub(now.mono).min(LONGEST_WAIT);
            let mut sleep = pin!(tokio::time::sleep(wait));
            let lost = |cause: io::Error| SourceError::Lost {
                what: "the kernel's notifications (netlink)".to_owned(),
                cause: cause.into(),
            };
            std::future::poll_fn(|cx| self.poll_wake(cx, sleep.as_mut())).await.map_err(lost)?;
            self.act().map_err(lost)?;
        }
    }

    fn wake_at(&self) -> Duration {
        let asking = self.channels.values().filter_map(Channel::poll_timeout).min();
        asking.unwrap_or(Duration::MAX).min(self.look.next)
    }

    /// Ready when time has come, the kernel told something, or frames were judged.
    fn poll_wake(&mut self, cx: &mut Context<'_>, sleep: Pin<&mut Sleep>) -> Poll<io::Result<()>> {
        let timer = sleep.poll(cx).is_ready();
        let net = self.net.poll_told(cx, &mut self.told);
        let hub = Hub { own: &self.own, now: self.clock.now() };
        let mut heard = false;
        for channel in self.channels.values_mut() {
            heard |= channel.poll_frames(cx, &mut self.buffer, &hub, &mut self.facts).is_ready();
        }
        match net {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Pending if timer || heard => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Everything that is due: what the kernel told, a look, questions to send; then reports.
    fn act(&mut self) -> io::Result<()> {
        let mut changed = false;
        for told in std::mem::take(&mut self.told) {
            changed |= self.links.apply(&told);
            match told {
                Told::Neighbour(entry) => {
                    let hub = Hub { own: &self.own, now: self.clock.now() };
                    if let Some(channel) = self.channels.get_mut(&entry.link) {
                        channel.entry(&entry, &hub, &mut self.facts);
                    }
                }
                Told::Complete(dump) => self.complete(dump),
                Told::Lost => {
                    self.net.start_over();
                    for channel in self.channels.values_mut() {
                        channel.stumble("too busy to hear the kernel: notifications were lost");
                    }
                }
                Told::Link(_)
                | Told::LinkGone(_)
                | Told::Address(..)
                | Told::AddressGone(..)
                | Told::Gateway(..)
                | Told::GatewayGone(..)
                | Told::Begun(_) => {}
            }
        }
        let now = self.clock.now();
        if changed && self.look.started {
            self.reconsider(now);
        }
        if self.look.next <= now.mono {
            self.begin_look(now)?;
        }
        for channel in self.channels.values_mut() {
            channel.send(self.clock.now(), &mut self.facts);
        }
        if !self.facts.is_empty() {
            self.ready.push_back(Report::Facts(std::mem::take(&mut self.facts)));
        }
        for channel in self.channels.values_mut() {
            self.ready.extend(channel.news(&self.settings).map(Report::Channel));
        }
        Ok(())
    }

    fn begin_look(&mut self, now: Now) -> io::Result<()> {
        self.look.next = now.mono + LOOK;
        self.net.resume()?;
        if self.look.started {
            if self.look.done + LONGEST_LOOK < now.mono {
                for channel in self.channels.values_mut() {
                    channel.stumble("the kernel did not list the neighbours");
                }
            }
            // One that never completed is given up.
            self.look.began = Some(now);
            self.net.ask(Dump::Neighbours);
        }
        Ok(())
    }

    fn complete(&mut self, dump: Dump) {
        let now = self.clock.now();
        match dump {
            Dump::Gateways if !self.look.started => {
                self.look.started = true;
                self.look.began = Some(now);
                self.look.done = now.mono;
                self.look.next = now.mono + LOOK;
                self.reconsider(now);
            }
            Dump::Links | Dump::Addresses | Dump::Gateways => {}
            Dump::Neighbours => {
                let Some(began) = self.look.began.take() else { return };
                self.look.done = now.mono;
                let hub = Hub { own: &self.own, now };
                for channel in self.channels.values_mut() {
                    channel.look(began, &mut self.buffer, &hub, &mut self.facts);
                }
            }
        }
    }

    /// Opens and closes channels so that they are those that should be watched.
    fn reconsider(&mut self, now: Now) {
        self.own = self.links.own_macs();
        let (watched, others) = self.links.choose(&self.settings);
        let keep: BTreeMap<u32, &Link> = watched.iter().map(|it| (it.index, it)).collect();
        let kept = |index: &u32, channel: &mut Channel| {
            keep.get(index)
                .is_some_and(|it| it.name == channel.link.name && it.mac == channel.link.mac)
        };
        let gone: Vec<Channel> =
            self.channels.extract_if(.., |i, it| !kept(i, it)).map(|it| it.1).collect();
        for channel in gone {
            let renewed = watched.iter().any(|it| it.name == channel.link.name);
            if !renewed && !others.iter().any(|it| it.name == channel.link.name) {
                self.ready.push_back(Report::Channel(status::gone(&channel.listener)));
            }
        }
        for link in watched {
            self.unwatched.remove(&link.name);
            match self.channels.get_mut(&link.index) {
                Some(channel) => channel.set_link(link, &self.settings, now),
                None => self.watch(link, now),
            }
        }
        for it in others {
            let status = status::of_unwatched(&self.monitor, &it);
            if self.unwatched.insert(it.name, status.clone()).as_ref() != Some(&status) {
                self.ready.push_back(Report::Channel(status));
            }
        }
        self.hand_out_interest(now);
    }

    fn watch(&mut self, link: Link, now: Now) {
        let listener = Listener { channel: link.name.as_str().into(), ..self.monitor.clone() };
        let (name, index) = (link.name.clone(), link.index);
        match Channel::open(link, listener, &self.settings, now) {
            Ok(channel) => {
                self.channels.insert(index, channel);
                // What is in the table already belongs to the new channel too.
                self.net.ask(Dump::Neighbours);
            }
            Err(error) => {
                let why = error.to_string();
                let it = super::links::Unwatched { name, why, hint: None };
                let status = status::of_unwatched(&self.monitor, &it);
                self.ready.push_back(Report::Channel(status));
            }
        }
    }

    fn hand_out_interest(&mut self, now: Now) {
        let alone = self.channels.len() == 1;
        // Who was not heard anywhere since the start may be on any link.
        let known: BTreeSet<Mac> = self
            .interest
            .iter()
            .filter(|it| self.channels.values().any(|channel| channel.knows(it.0)))
            .map(|it| it.0)
            .collect();
        for channel in self.channels.values_mut() {
            let reach = channel.reach(&self.settings);
            let wants = self.interest.iter().filter_map(|(mac, it)| {
                let at_home = alone || channel.knows(*mac) || !known.contains(mac);
                let doors = reach.doors(*mac, &it.ips, at_home)?;
                let due = now.mono + it.due.since(now.wall);
                Some(Want { mac: *mac, stranger: !it.described, due, doors })
            });
            let wants = wants.collect();
            channel.set_wants(wants, now);
        }
    }
}

impl Source for Lan {
    fn next(&mut self) -> BoxFuture<'_, Result<Report, SourceError>> {
        Box::pin(self.next_report())
    }

    fn set_interest(&mut self, interest: &[Interest]) {
        self.interest = interest
            .iter()
            .filter_map(|it| it.identity.mac().map(|mac| (mac, it.clone())))
            .collect();
        self.hand_out_interest(self.clock.now());
    }
}

/// The table is looked at so often; coverage is told behind every second look.
const LOOK: Duration = Duration::from_secs(4);
/// Nothing waits longer than this, whatever the machines think.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A list of neighbours that takes longer than this is none.
const LONGEST_LOOK: Duration = Duration::from_secs(15);
/// mDNS fills up to 9,000 bytes (RFC 6762, 17).
const LONGEST_FRAME: usize = 9216;
