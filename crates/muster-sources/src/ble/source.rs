//! The source itself: waits for its back end, hands what that tells to the adapters' channels, reports.
//!
//! All state is in [`Ble`], so the future of `next` can be dropped at any time.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use muster_config::ble::{BleSettings, Mode, Way as Wanted};
use muster_core::fact::Fact;
use muster_core::ports::{BoxFuture, Clock, Report, Source, SourceError};
use muster_core::snapshot::Interest;
use muster_wire::bluetooth::tag::TagRules;
use tokio::time::Sleep;

use super::channel::Channel;
use super::daemon::Daemon;
use super::kernel::Kernel;
use super::news::News;
use super::seen::{Neighbour, Seen};
use super::status::{Way, capability};
use super::turns::Trouble;
use crate::adapters;
use crate::bluez::BluezError;
use crate::management::Trusted;

/// Bluetooth low energy as a source: one channel per adapter.
#[derive(Debug)]
pub struct Ble {
    settings: BleSettings,
    rules: Arc<TagRules>,
    monitor: String,
    clock: Arc<dyn Clock>,
    kernel: io::Result<Trusted>,
    /// Why the kernel is not asked, in words.
    no_kernel: Option<Arc<str>>,
    backend: Option<Backend>,
    /// Why there is no way to any adapter, while there is none.
    unreachable: Option<Trouble>,
    channels: BTreeMap<u16, Channel>,
    seen: Option<Seen>,
    facts: Vec<Fact>,
    ready: VecDeque<Report>,
    next_try: Duration,
    next_look: Duration,
}

#[derive(Debug)]
enum Backend {
    Kernel(Kernel),
    Daemon(Box<Daemon>),
}

impl Ble {
    /// Makes the source. `rules` tell which texts identify somebody; `kernel` is the management socket, opened before rights were given up, or why
    /// there is none.
    #[must_use]
    pub fn new(
        settings: BleSettings,
        rules: TagRules,
        monitor: &str,
        clock: Arc<dyn Clock>,
        kernel: io::Result<Trusted>,
    ) -> Self {
        Self {
            settings,
            rules: Arc::new(rules),
            monitor: monitor.to_owned(),
            clock,
            no_kernel: kernel.as_ref().err().map(|it| why_no_kernel(it).into()),
            kernel,
            backend: None,
            unreachable: None,
            channels: BTreeMap::new(),
            seen: None,
            facts: Vec::new(),
            ready: VecDeque::new(),
            next_try: Duration::ZERO,
            next_look: Duration::ZERO,
        }
    }

    /// Whether it takes whatever adapters there are.
    pub(super) fn names_none(&self) -> bool {
        self.settings.adapters.is_empty()
    }

    /// Keeps what it hears, for [`Self::seen`].
    pub(super) fn keep_seen(&mut self) {
        self.seen = Some(Seen::default());
    }

    /// Everybody whom it heard since then.
    pub(super) fn seen(self) -> Vec<Neighbour> {
        self.seen.map(Seen::all).unwrap_or_default()
    }

    /// Whether every adapter has listened through a turn or cannot, and there is one.
    pub(super) fn has_listened(&self) -> bool {
        !self.channels.is_empty() && self.channels.values().all(Channel::has_listened)
    }

    async fn next_report(&mut self) -> Report {
        loop {
            if let Some(report) = self.ready.pop_front() {
                return report;
            }
            let now = self.clock.now();
            if self.backend.is_none() && self.next_try <= now.mono {
                self.next_try = now.mono + RETRY;
                self.connect().await;
            }
            let wait = self.wake_at().saturating_sub(now.mono).min(LONGEST_WAIT);
            let mut sleep = pin!(tokio::time::sleep(wait));
            let polled = std::future::poll_fn(|cx| self.poll_wake(cx, sleep.as_mut())).await;
            if let Err(error) = polled {
                let why = format!("the connection to it was lost: {error}");
                self.unreachable = Some(Trouble::Unreachable { why, hint: None });
                self.backend = None;
            }
            self.act();
        }
    }

    /// Takes the way that is wanted and possible. Which it is shows in the channels' status.
    async fn connect(&mut self) {
        let kernel = match (self.settings.way, &self.kernel) {
            (Wanted::Auto | Wanted::Management, Ok(socket)) => {
                let mode = self.settings.mode;
                match socket.again().and_then(|it| Kernel::open(it, mode)) {
                    Ok(kernel) => Some(kernel),
                    Err(error) => {
                        let why = format!("the kernel cannot be asked: {error}");
                        self.unreachable = Some(Trouble::Unreachable { why, hint: None });
                        return;
                    }
                }
            }
            (_, Err(error)) if self.settings.mode == Mode::Passive => {
                let why = format!("listening passively is the kernel's: {}", why_no_kernel(error));
                let hint = (error.kind() == io::ErrorKind::PermissionDenied).then(capability);
                self.unreachable = Some(Trouble::Unreachable { why, hint });
                return;
            }
            (Wanted::Management, Err(error)) => {
                let (why, hint) = (why_no_kernel(error), Some(capability()));
                self.unreachable = Some(Trouble::Unreachable { why, hint });
                return;
            }
            (Wanted::Auto, Err(_)) | (Wanted::Dbus, _) => None,
        };
        if let Some(kernel) = kernel {
            self.unreachable = None;
            self.backend = Some(Backend::Kernel(kernel));
            return;
        }
        let connected =
            tokio::time::timeout(PATIENCE, Daemon::connect(self.settings.recover)).await;
        self.unreachable = match connected {
            Ok(Ok(daemon)) => {
                self.backend = Some(Backend::Daemon(Box::new(daemon)));
                None
            }
            Ok(Err(error)) => Some(no_bus(&error)),
            Err(_) => {
                let why = "the system bus does not answer".to_owned();
                Some(Trouble::Unreachable { why, hint: None })
            }
        };
    }

    fn wake_at(&self) -> Duration {
        let asking = self.channels.values().filter_map(Channel::poll_timeout).min();
        asking.unwrap_or(Duration::MAX).min(self.next_look)
    }

    /// Ready when time has come, or the back end told something.
    fn poll_wake(&mut self, cx: &mut Context<'_>, sleep: Pin<&mut Sleep>) -> Poll<io::Result<()>> {
        let timer = sleep.poll(cx).is_ready();
        let now = self.clock.now();
        let Self { settings, rules, monitor, channels, seen, facts, backend, .. } = self;
        let mut each = |adapter: u16, news: News<'_>| {
            if !settings.watches(adapter) {
                return;
            }
            let new = || Channel::new(adapter, monitor, settings.scan.duty(), rules);
            let channel = channels.entry(adapter).or_insert_with(new);
            channel.take(news, now, seen.as_mut(), facts);
        };
        let told = match backend {
            Some(Backend::Kernel(it)) => it.poll(cx, &mut each),
            Some(Backend::Daemon(it)) => it.poll(cx, &mut each),
            None => Poll::Pending,
        };
        if told.is_pending() && timer { Poll::Ready(Ok(())) } else { told }
    }

    /// Everything that is due: questions, a look, reports.
    fn act(&mut self) {
        self.notice_daemon();
        let now = self.clock.now();
        for (adapter, channel) in &mut self.channels {
            while let Some(ask) = channel.poll(now) {
                match &mut self.backend {
                    // A question that could not be put is not answered, and that shows.
                    Some(Backend::Kernel(it)) => drop(it.ask(*adapter, ask)),
                    Some(Backend::Daemon(it)) => it.ask(*adapter, ask),
                    None => {}
                }
            }
        }
        if self.next_look <= now.mono {
            self.next_look = now.mono + LOOK;
            self.look();
        }
        if !self.facts.is_empty() {
            self.ready.push_back(Report::Facts(std::mem::take(&mut self.facts)));
        }
        let sent: Vec<_> = self.channels.values_mut().flat_map(Channel::take_broadcasts).collect();
        if !sent.is_empty() {
            self.ready.push_back(Report::Broadcasts(sent));
        }
        let way = match (&self.backend, self.settings.way) {
            (Some(Backend::Daemon(_)), Wanted::Auto) => {
                Way::Daemon { instead: self.no_kernel.clone() }
            }
            (Some(Backend::Daemon(_)), _) => Way::Daemon { instead: None },
            (Some(Backend::Kernel(_)) | None, _) => Way::Kernel(self.settings.mode),
        };
        for channel in self.channels.values_mut() {
            self.ready.extend(channel.news(&way).map(Report::Channel));
        }
    }

    /// Whether bluetoothd runs, where it is needed.
    fn notice_daemon(&mut self) {
        if let Some(Backend::Daemon(it)) = &self.backend {
            let gone = || Trouble::Unreachable {
                why: "bluetoothd does not run".to_owned(),
                hint: Some("sudo systemctl start bluetooth".to_owned()),
            };
            self.unreachable = (!it.runs()).then(gone);
        }
        self.pass_on_unreachable(false);
    }

    /// Tells the channels that there is no way to them. `all`: to those as well that nobody told of.
    fn pass_on_unreachable(&mut self, all: bool) {
        let Some(why) = &self.unreachable else { return };
        let now = self.clock.now();
        let present = adapters::present();
        for adapter in present.iter().filter(|it| all && self.settings.watches(**it)) {
            // Whoever has one wants to know why it is deaf.
            let duty = self.settings.scan.duty();
            let new = || Channel::new(*adapter, &self.monitor, duty, &self.rules);
            self.channels.entry(*adapter).or_insert_with(new);
        }
        for (adapter, channel) in &mut self.channels {
            let why = if present.contains(adapter) { why.clone() } else { Trouble::Gone };
            channel.take(News::Unavailable(why), now, None, &mut self.facts);
        }
    }

    fn look(&mut self) {
        let now = self.clock.now();
        self.pass_on_unreachable(true);
        self.miss_named();
        let lost = match &mut self.backend {
            Some(Backend::Kernel(it)) => it.take_loss().unwrap_or(true),
            Some(Backend::Daemon(_)) | None => false,
        };
        for channel in self.channels.values_mut() {
            channel.look(now, lost, &mut self.facts);
        }
    }

    /// Who is named and was never there is told; who is not named may come or not.
    fn miss_named(&mut self) {
        let (now, present) = (self.clock.now(), adapters::present());
        for adapter in self.settings.adapters.iter().map(|it| it.number()) {
            if !present.contains(&adapter) && !self.channels.contains_key(&adapter) {
                let duty = self.settings.scan.duty();
                let mut channel = Channel::new(adapter, &self.monitor, duty, &self.rules);
                channel.take(News::Unavailable(Trouble::Gone), now, None, &mut self.facts);
                self.channels.insert(adapter, channel);
            }
        }
    }
}

impl Source for Ble {
    fn next(&mut self) -> BoxFuture<'_, Result<Report, SourceError>> {
        Box::pin(async { Ok(self.next_report().await) })
    }

    fn set_interest(&mut self, _interest: &[Interest]) {
        // It hears whoever sends; nobody can be asked.
    }
}

fn why_no_kernel(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "it takes the right to ask it (CAP_NET_ADMIN) at the start".to_owned()
    } else if error.kind() == io::ErrorKind::Unsupported {
        "it had no Bluetooth at the start".to_owned()
    } else {
        error.to_string()
    }
}

fn no_bus(error: &BluezError) -> Trouble {
    let hint = if matches!(error, BluezError::NoBus(_)) {
        format!("sudo systemctl start dbus bluetooth, or: {}", capability())
    } else {
        capability()
    };
    Trouble::Unreachable { why: error.to_string(), hint: Some(hint) }
}

/// How often coverage is looked at.
const LOOK: Duration = Duration::from_secs(4);
/// Nothing waits longer than this, whatever the machines think.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How soon a way that is closed is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// A bus answers at once.
const PATIENCE: Duration = Duration::from_secs(5);
