//! One receiver: when it hears, whom it tells of, and how much of what it says is taken.
//!
//! **Invariant:** it counts as covered only between two signs of a working radio that are as close as
//! such a receiver's are, or, where somebody said so, while it is online and quiet. A last will, a lost
//! connection and a flood end that at its last sign. What is remembered of identities is bounded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::{Detail, DetailKind, Fact, FactBody, Listener, Sighting};
use muster_core::identity::{Identity, TextKind};
use muster_core::ports::{ChannelStatus, Inability};
use muster_core::span::Span;
use muster_core::time::{Now, Time};
use muster_wire::mqtt::Heard;

/// One receiver.
#[derive(Debug)]
pub(super) struct Receiver {
    listener: Arc<Listener>,
    /// The longest time between two signs of work.
    rhythm: Duration,
    /// How long it may be quiet all the same.
    quiet: Option<Duration>,
    online: Online,
    /// What it counted last.
    adverts: Option<u64>,
    cover: Option<Cover>,
    allowance: Allowance,
    told: BTreeMap<Identity, Told>,
    /// When there was last no room for another identity.
    swept: Duration,
    dropped: Dropped,
    shown: Option<ChannelStatus>,
}

/// Whether it is connected to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Online {
    /// Nothing but what the broker had kept speaks for it.
    Perhaps,
    Yes,
    No,
}

/// A stretch of time in which it hears.
#[derive(Clone, Copy, Debug)]
struct Cover {
    /// Up to where that was told.
    told: Time,
    /// Up to where it is known.
    to: Now,
    /// The last sign of work.
    sign: Now,
}

/// What was last told of an identity.
#[derive(Debug)]
struct Told {
    at: Duration,
    name: Option<Box<str>>,
}

/// What was not taken, ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dropped {
    messages: u64,
    identities: u64,
}

impl Receiver {
    /// One of which nothing is known.
    pub(super) fn new(listener: Listener, rhythm: Duration, quiet: Option<Duration>) -> Self {
        Self {
            listener: Arc::new(listener),
            rhythm,
            quiet,
            online: Online::Perhaps,
            adverts: None,
            cover: None,
            allowance: Allowance::default(),
            told: BTreeMap::new(),
            swept: Duration::ZERO,
            dropped: Dropped::default(),
            shown: None,
        }
    }

    /// Whether one more message of it is taken now. One that is not may have been about anybody, so
    /// nothing before the next counts as heard.
    pub(super) fn admits(&mut self, now: Now, facts: &mut Vec<Fact>) -> bool {
        let taken = self.allowance.take(now.mono);
        if !taken {
            self.dropped.messages += 1;
            self.end(facts);
        }
        taken
    }

    /// It said, or its last will did, whether it is online.
    pub(super) fn online(&mut self, is_online: bool, retained: bool, facts: &mut Vec<Fact>) {
        match (is_online, retained) {
            (true, true) => {}
            (true, false) => self.online = Online::Yes,
            (false, _) => {
                self.online = Online::No;
                self.end(facts);
            }
        }
    }

    /// It is at work; a count of advertisements proves its radio if it is another than before.
    pub(super) fn works(&mut self, adverts: Option<u64>, now: Now, facts: &mut Vec<Fact>) {
        self.online = Online::Yes;
        let counted = adverts.is_some() && self.adverts.is_some() && adverts != self.adverts;
        self.adverts = adverts;
        if counted {
            self.sign(now, facts);
        }
    }

    /// It heard somebody; `trusted`: whether its own words count.
    pub(super) fn heard(&mut self, heard: Heard, trusted: bool, now: Now, facts: &mut Vec<Fact>) {
        self.online = Online::Yes;
        let mut at = now.wall;
        if let Some(said) = heard.at.filter(|_| trusted)
            && said <= now.wall
            && now.wall.since(said) <= BELIEVED
        {
            at = said;
        }
        let label = heard.label.filter(|_| trusted);
        let label = label.map(|it| Identity::Text(TextKind::Tag, it));
        let every = heard.every.max(SHORTEST);
        for identity in heard.identities.into_iter().chain(label) {
            self.sighted(identity, at, heard.rssi, heard.name.as_deref(), every, now, facts);
        }
        self.sign(now, facts);
    }

    #[expect(clippy::too_many_arguments, reason = "they are what a sighting is made of")]
    fn sighted(
        &mut self,
        identity: Identity,
        at: Time,
        rssi: Option<i8>,
        name: Option<&str>,
        every: Duration,
        now: Now,
        facts: &mut Vec<Fact>,
    ) {
        if !self.has_room_for(&identity, now.mono) {
            self.dropped.identities += 1;
            return;
        }
        let told = self.told.get(&identity);
        // What a clock of milliseconds told in time is not late by one.
        let due = told.is_none_or(|it| now.mono.saturating_sub(it.at) + SLACK >= every);
        let known = told.and_then(|it| it.name.as_deref());
        let renamed = name.filter(|it| known != Some(it));
        if !due {
            return;
        }
        let listener = &self.listener;
        let mut tell = |body| facts.push(Fact { listener: Arc::clone(listener), body });
        tell(FactBody::Sighting(Sighting { identity: identity.clone(), at, rssi }));
        if let Some(value) = renamed {
            let (identity, value) = (identity.clone(), value.into());
            tell(FactBody::Detail(Detail { identity, at, kind: DetailKind::Hostname, value }));
        }
        let name = name.or(known).map(Box::from);
        self.told.insert(identity, Told { at: now.mono, name });
    }

    /// Whether the identity is known, or may become so.
    fn has_room_for(&mut self, identity: &Identity, now: Duration) -> bool {
        if self.told.len() < MOST_IDENTITIES || self.told.contains_key(identity) {
            return true;
        }
        if now.saturating_sub(self.swept) >= SWEEP {
            self.swept = now;
            self.told.retain(|_, it| now.saturating_sub(it.at) < REMEMBERED);
        }
        self.told.len() < MOST_IDENTITIES
    }

    /// A sign that its radio works.
    fn sign(&mut self, now: Now, facts: &mut Vec<Fact>) {
        let goes_on = self
            .cover
            .as_ref()
            .is_some_and(|it| now.since(it.to) <= self.rhythm && steady(it.to, now));
        if !goes_on {
            self.end(facts);
            self.cover = Some(Cover { told: now.wall, to: now, sign: now });
        }
        if let Some(it) = &mut self.cover {
            (it.to, it.sign) = (now, now);
            if now.wall.since(it.told) >= PIECE {
                self.tell(facts);
            }
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Now, facts: &mut Vec<Fact>) {
        let is_online = self.online == Online::Yes;
        let Some(it) = &mut self.cover else { return };
        let may_be_quiet = self.quiet.is_some_and(|quiet| now.since(it.sign) <= quiet);
        if is_online && may_be_quiet && steady(it.to, now) {
            it.to = now;
        }
        if now.since(it.to) > self.rhythm {
            self.end(facts);
        } else if it.to.wall.since(it.told) >= PIECE {
            self.tell(facts);
        }
    }

    /// The connection to the broker ended: nobody knows what became of it.
    pub(super) fn disconnected(&mut self, facts: &mut Vec<Fact>) {
        self.end(facts);
        self.online = Online::Perhaps;
        self.adverts = None;
    }

    /// It hears no more, since the last sign.
    fn end(&mut self, facts: &mut Vec<Fact>) {
        self.tell(facts);
        self.cover = None;
    }

    /// Tells up to where it heard.
    fn tell(&mut self, facts: &mut Vec<Fact>) {
        let Some(it) = &mut self.cover else { return };
        let span = Span::new(it.told, it.to.wall);
        if !span.is_empty() {
            it.told = it.to.wall;
            let body = FactBody::Coverage(span);
            facts.push(Fact { listener: Arc::clone(&self.listener), body });
        }
    }

    /// What it can and cannot hear, if that is another than last time.
    pub(super) fn news(&mut self) -> Option<ChannelStatus> {
        let status = self.status();
        if self.shown.as_ref() == Some(&status) {
            return None;
        }
        self.shown = Some(status.clone());
        Some(status)
    }

    /// Forgets what was shown, so that it is shown again.
    pub(super) fn show_again(&mut self) {
        self.shown = None;
    }

    fn status(&self) -> ChannelStatus {
        let hears = self.cover.is_some();
        let mut cannot = Vec::new();
        let mut add = |what: &str, why: String, hint: Option<&str>| {
            let hint = hint.map(str::to_owned);
            cannot.push(Inability { what: what.to_owned(), why, hint });
        };
        match self.online {
            _ if hears => {}
            Online::No => add("hear anything", "the receiver is offline".to_owned(), None),
            Online::Perhaps => {
                let why = "nothing has come from it yet, only what the broker had kept";
                add("tell whether it hears", why.to_owned(), None);
            }
            Online::Yes => {
                let why = format!("it reports nothing for {} s and longer", self.rhythm.as_secs());
                let hint =
                    "if few devices are around it: sources.mqtt.quiet says how long is usual";
                add("tell whether it hears", why, Some(hint));
            }
        }
        // Rounded, so that a flood is no flood of news.
        if self.dropped.messages > 0 {
            let why = format!(
                "more than {RATE} messages a second; dropped: {}",
                power(self.dropped.messages)
            );
            add("take all that it says", why, None);
        }
        if self.dropped.identities > 0 {
            let why = format!(
                "more than {MOST_IDENTITIES} at a time; dropped: {}",
                power(self.dropped.identities)
            );
            add("take all whom it hears", why, None);
        }
        let can = if hears { vec!["what it reports over MQTT".to_owned()] } else { Vec::new() };
        ChannelStatus { listener: Listener::clone(&self.listener), hears, can, cannot }
    }
}

/// Whether both clocks passed alike: across a step of the civil one nothing is claimed.
fn steady(from: Now, to: Now) -> bool {
    let passed = to.since(from);
    let civil = to.wall.since(from.wall);
    from.wall <= to.wall && civil.abs_diff(passed) < STEP
}

/// `over 1000`, in powers of ten.
fn power(count: u64) -> String {
    match 10_u64.pow(count.max(1).ilog10()) {
        1 => "some".to_owned(),
        it => format!("over {it}"),
    }
}

/// How many messages may come: so many a second, and some seconds' worth at once.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    left: u64,
    at: Duration,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: BURST * 1_000, at: Duration::ZERO }
    }
}

impl Allowance {
    /// Counted in thousandths of a message.
    fn take(&mut self, now: Duration) -> bool {
        let passed = u64::try_from(now.saturating_sub(self.at).as_millis()).unwrap_or(u64::MAX);
        self.left = self.left.saturating_add(passed.saturating_mul(RATE)).min(BURST * 1_000);
        // Only whole milliseconds were counted.
        self.at += Duration::from_millis(passed);
        let taken = self.left >= 1_000;
        self.left -= if taken { 1_000 } else { 0 };
        taken
    }
}

/// Twice as much as an `ESPresense` receiver can say that hears as many devices as it can hold (200, each
/// every half a second while it moves).
const RATE: u64 = 500;
/// What a broker had to hold back while the network was gone.
const BURST: u64 = 5_000;
/// Ten times as many as a receiver holds.
const MOST_IDENTITIES: usize = 2_000;
/// Shorter than devices keep a private address.
const REMEMBERED: Duration = Duration::from_mins(10);
/// How often it is looked whom to forget while there is no room.
const SWEEP: Duration = Duration::from_secs(1);
/// One device is told no more often, whoever tells of it.
const SHORTEST: Duration = Duration::from_secs(1);
const SLACK: Duration = Duration::from_millis(200);
/// Coverage is told in pieces of at least this length.
const PIECE: Duration = Duration::from_secs(5);
/// How old what a trusted receiver heard may be.
const BELIEVED: Duration = Duration::from_mins(2);
/// Civil time that was corrected by less was slewed, not set.
const STEP: Duration = Duration::from_secs(2);
