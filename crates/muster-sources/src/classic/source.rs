//! The source itself: finds the adapters, hands them whom to ask, waits for them, reports.
//!
//! All state is in [`Classic`], so the future of `next` can be dropped at any time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use muster_config::classic::ClassicSettings;
use muster_core::fact::{Fact, Listener, SourceKind};
use muster_core::identity::{Identity, Mac};
use muster_core::ports::{BoxFuture, Clock, Report, Source, SourceError};
use muster_core::snapshot::Interest;
use muster_core::time::Now;
use tokio::time::Sleep;

use super::channel::{Channel, Found, Known};
use super::daemon::Daemon;
use super::schedule::Wanted;
use super::status;
use crate::adapters;

/// Classic Bluetooth as a source: one channel per adapter.
#[derive(Debug)]
pub struct Classic {
    settings: ClassicSettings,
    monitor: Listener,
    clock: Arc<dyn Clock>,
    channels: BTreeMap<u16, Channel>,
    daemon: Daemon,
    interest: Vec<Interest>,
    /// When to look for adapters.
    look_at: Duration,
    facts: Vec<Fact>,
    ready: VecDeque<Report>,
    buffer: Vec<u8>,
}

impl Classic {
    /// Opens the source. It needs no rights, and no adapter yet. Call it inside a tokio runtime.
    #[must_use]
    pub fn open(settings: ClassicSettings, monitor: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            monitor: Listener::new(monitor, SourceKind::Classic, ""),
            clock,
            channels: BTreeMap::new(),
            daemon: Daemon::default(),
            interest: Vec::new(),
            look_at: Duration::ZERO,
            facts: Vec::new(),
            ready: VecDeque::new(),
            buffer: vec![0; LONGEST_EVENT],
        }
    }

    /// Whether every adapter has asked everybody once.
    pub(super) fn is_through(&self) -> bool {
        let begun = self.look_at > Duration::ZERO && self.daemon.has_told();
        begun && self.channels.values().all(|it| it.is_through(&self.settings))
    }

    /// What inquiries found since this was asked last, by the adapter's channel.
    pub(super) fn take_found(&mut self) -> Vec<(Arc<Listener>, Found)> {
        let all = self.channels.values_mut();
        all.flat_map(|it| {
            let listener = Arc::clone(&it.listener);
            it.take_found().into_iter().map(move |found| (Arc::clone(&listener), found))
        })
        .collect()
    }

    async fn next_report(&mut self) -> Report {
        loop {
            if let Some(report) = self.ready.pop_front() {
                return report;
            }
            let now = self.clock.now();
            let next = self.channels.values().map(Channel::next).min().unwrap_or(Duration::MAX);
            let next = next.min(self.look_at).min(self.daemon.next());
            let wait = next.saturating_sub(now.mono).min(LONGEST_WAIT);
            let mut sleep = pin!(tokio::time::sleep(wait));
            std::future::poll_fn(|cx| self.poll_wake(cx, sleep.as_mut())).await;
            self.act();
        }
    }

    /// Ready when time has come or a controller told something.
    fn poll_wake(&mut self, cx: &mut Context<'_>, sleep: Pin<&mut Sleep>) -> Poll<()> {
        let timer = sleep.poll(cx).is_ready();
        let now = self.clock.now();
        let mut told = false;
        for channel in self.channels.values_mut() {
            told |= channel.poll(cx, &mut self.buffer, now, &mut self.facts).is_ready();
        }
        if self.daemon.poll(cx, now.mono).is_ready() {
            told = true;
            self.hand_out(now);
        }
        if timer || told { Poll::Ready(()) } else { Poll::Pending }
    }

    fn act(&mut self) {
        let now = self.clock.now();
        if self.look_at <= now.mono {
            self.look_at = now.mono + LOOK;
            self.look(now);
        }
        self.daemon.act(now.mono);
        for channel in self.channels.values_mut() {
            channel.act(&self.settings, now, &mut self.facts);
        }
        if !self.facts.is_empty() {
            self.ready.push_back(Report::Facts(std::mem::take(&mut self.facts)));
        }
        for channel in self.channels.values_mut() {
            self.ready.extend(channel.news(&self.settings).map(Report::Channel));
        }
    }

    /// Opens and closes channels so that they are the adapters that are there.
    fn look(&mut self, now: Now) {
        let wanted = &self.settings.adapters;
        let is_wanted =
            |it: &u16| wanted.is_empty() || wanted.iter().any(|name| name.index() == *it);
        let there: BTreeSet<u16> = adapters::present().into_iter().filter(is_wanted).collect();
        let gone: Vec<Channel> =
            self.channels.extract_if(.., |it, _| !there.contains(it)).map(|it| it.1).collect();
        for channel in gone {
            let status = status::gone(&channel.listener, &self.settings);
            self.ready.push_back(Report::Channel(status));
        }
        let mut new = false;
        for index in there {
            let listener =
                Listener { channel: format!("hci{index}").into(), ..self.monitor.clone() };
            self.channels.entry(index).or_insert_with(|| {
                new = true;
                Channel::new(index, listener, &self.settings)
            });
        }
        if new {
            self.hand_out(now);
        }
    }

    /// Tells every adapter whom to ask: those whom people described, listed or paired, and who is here.
    fn hand_out(&mut self, now: Now) {
        let mut wanted: BTreeMap<Mac, Wanted> = BTreeMap::new();
        let mut judged = BTreeSet::new();
        let listed = self.settings.devices.iter().filter_map(|it| {
            let Identity::Bt(mac) = *it.identity() else { return None };
            Some(mac)
        });
        for mac in listed.chain(self.daemon.paired()) {
            wanted.insert(mac, Wanted { mac, here: false, due: Duration::MAX });
        }
        for it in &self.interest {
            let Identity::Bt(mac) = it.identity else { continue };
            if it.described || it.present || wanted.contains_key(&mac) {
                let due = now.mono + it.due.since(now.wall);
                wanted.insert(mac, Wanted { mac, here: it.present, due });
                judged.insert(mac);
            }
        }
        let wanted: Vec<Wanted> = wanted.into_values().collect();
        for (index, channel) in &mut self.channels {
            let reach = self.daemon.reach(*index);
            let known = Known { wanted: wanted.clone(), judged: judged.clone(), reach };
            channel.set_known(known, now.mono);
        }
    }
}

impl Source for Classic {
    fn next(&mut self) -> BoxFuture<'_, Result<Report, SourceError>> {
        Box::pin(async { Ok(self.next_report().await) })
    }

    fn set_interest(&mut self, interest: &[Interest]) {
        self.interest = interest.to_vec();
        self.hand_out(self.clock.now());
    }
}

/// Adapters are looked for so often.
const LOOK: Duration = Duration::from_secs(4);
/// Nothing waits longer than this, whatever the machines think.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// An event behind its type: code, length, and up to 255 octets (Core Specification, Vol 4, Part E,
/// 5.4.4).
const LONGEST_EVENT: usize = 258;
