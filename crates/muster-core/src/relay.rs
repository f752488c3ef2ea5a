//! What a monitor does with its facts until the hub has them: numbers, dates, sends and keeps them.
//!
//! Facts that the hub acknowledges within [`Settings::patience`] never touch the disk; the rest go
//! into a spool, many in one transaction, and reach the hub on a lane of their own, oldest first, while
//! what is just noticed goes on straight from memory. Coverage never overtakes what waits: it is what
//! silence is judged by.
//!
//! **Invariant:** a fact is in the queue, in what is being written, or in the spool, until the hub has
//! it, or until it was let go and counted; everything in the queue has a higher sequence than
//! everything in the spool; on each lane at most one upload is under way, and at most one thing is
//! asked of the spool at a time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::fact::{Detail, Fact, FactBody};
use crate::identity::Identity;
use crate::time::{Now, Time, micros};
use crate::uplink::{Answer, BootId, Health, Lane, Reply, Run, StoreId};

use dates::MachineId;
use link::Link;
use spool::{Entry, ReadWork, Spooled};

pub use terms::{Do, Sending, Settings, Start, Trouble};

pub mod dates;
mod link;
mod pack;
pub mod spool;
mod stock;
mod terms;
#[cfg(test)]
mod tests;
pub mod thin;

/// The relay of one start of a monitor's program.
#[derive(Debug)]
pub struct Relay {
    settings: Settings,
    boot: BootId,
    machine: MachineId,
    started: Duration,
    /// When it was last called, on the boot-time clock.
    now: Duration,
    next: u64,
    /// Noticed, not acknowledged, not in the spool; by sequence.
    queue: VecDeque<Queued>,
    spooled: Spooled,
    /// What is asked of the spool.
    at_spool: Option<AtSpool>,
    /// Facts that the spool is to delete: the hub has them, or they are thinned or dropped.
    removed: Vec<(BootId, Run)>,
    /// What stays of those that were thinned.
    thinned: Vec<(BootId, Entry)>,
    /// Whether `spooled` is not written as it stands.
    is_dirty: bool,
    /// When the spool is asked again after it failed.
    spool_again: Duration,
    /// Read from the spool, to be sent.
    ready: Option<(BootId, Vec<Entry>)>,
    live: Option<UnderWay>,
    backlog: Option<UnderWay>,
    /// Counts uploads, so that an answer finds the one that it answers.
    uploads: u64,
    last_sent: Option<Duration>,
    link: Link,
    trouble: Option<Trouble>,
    health: Health,
    is_closing: bool,
}

/// A fact in memory.
#[derive(Debug)]
struct Queued {
    entry: Entry,
    /// When it was handed in, on the boot-time clock.
    since: Duration,
}

/// An upload that is not answered.
#[derive(Debug)]
struct UnderWay {
    number: u64,
    sent: Duration,
    boot: BootId,
    /// What it holds.
    rows: Held,
}

/// Rows of the spool, from its first one on.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// How many.
    count: u64,
    /// What they weigh.
    weight: u64,
    /// The last one's sequence.
    last: u64,
    /// When that was noticed, on the boot-time clock.
    upto: Duration,
}

/// What the spool is doing.
#[derive(Debug)]
enum AtSpool {
    /// Deleting these, and writing what stays of some and these of the queue.
    Writing { removed: Vec<(BootId, Run)>, thinned: Vec<(BootId, Entry)>, entries: Vec<Queued> },
    /// Reading for the backlog.
    Reading(ReadWork),
    /// Reading what is to be thinned.
    Thinning(ReadWork),
    /// Reading what is to be dropped.
    Dropping(ReadWork),
}

impl Relay {
    /// The most facts in memory: what a busy monitor notices in minutes while its disk is full.
    pub const MAX_QUEUE: usize = 20_000;
    /// A sign of life is sent after this long without anything else.
    pub const HEARTBEAT: Duration = Duration::from_secs(30);
    /// An upload that is not answered in this time is sent again.
    pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);

    /// A relay that goes on where a spool ends.
    #[must_use]
    pub fn new(settings: Settings, start: Start, now: Now) -> Self {
        let Start { boot, machine, mut spooled, seed } = start;
        let is_dirty = stock::begin(&mut spooled, machine);
        let health = Health {
            version: Health::line(&settings.version, Health::MAX_VERSION),
            simulated: settings.simulated,
            ..Health::default()
        };
        Self {
            settings,
            boot,
            machine,
            started: now.mono,
            now: now.mono,
            next: 0,
            queue: VecDeque::new(),
            spooled,
            at_spool: None,
            removed: Vec::new(),
            thinned: Vec::new(),
            is_dirty,
            spool_again: Duration::ZERO,
            ready: None,
            live: None,
            backlog: None,
            uploads: 0,
            last_sent: None,
            link: Link::new(seed),
            trouble: None,
            health,
            is_closing: false,
        }
    }

    /// Takes facts in the order in which they were noticed; their dates are those of `now.wall`.
    pub fn handle_facts(&mut self, facts: Vec<Fact>, now: Now) {
        let shift = micros(now.mono).saturating_sub(now.wall.micros());
        for fact in facts {
            self.health.facts += 1;
            if !is_sound(&fact) {
                self.spooled.dropped += 1;
                continue;
            }
            if let FactBody::Coverage(span) = &fact.body {
                self.health.listened += span.length();
            }
            let fact = fact.dated(|at| Time::from_micros(at.micros().saturating_add(shift)));
            let entry = Entry { sequence: self.next, fact };
            self.next += 1;
            self.queue.push_back(Queued { entry, since: now.mono });
        }
        self.bound_queue();
        if let Some(machine) = self.spooled.machines.last_mut() {
            machine.up = machine.up.max(now.mono);
        }
    }

    /// Takes note of the machine's own clock, and whether somebody keeps it right.
    pub fn handle_clock(&mut self, now: Now, synchronised: bool) {
        self.health.synchronised = synchronised;
        let Some(machine) = self.spooled.machines.last_mut() else { return };
        if synchronised && machine.dates.trust(now) {
            self.is_dirty = true;
        }
    }

    /// Takes note of what went wrong last; none: it is over.
    pub fn handle_error(&mut self, error: Option<Box<str>>) {
        self.health.last_error = error.map(|it| Health::line(&it, Health::MAX_ERROR));
    }

    /// Whether what comes in at once has room in memory.
    fn has_room(&self) -> bool {
        self.queue.len() < Self::MAX_QUEUE - ROOM
    }

    /// Whether sources should wait: what is in memory is just being written down. For a spool that fails
    /// nobody waits: what is new is worth more than what is old.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.has_room() && !matches!(self.trouble, Some(Trouble::Spool(_)))
    }

    /// Lets time pass: an upload that was not answered in time is given up.
    pub fn handle_timeout(&mut self, now: Now) {
        let under_way = [&self.live, &self.backlog].into_iter().flatten();
        let late = under_way.filter(|it| it.sent + Self::ANSWER_WITHIN <= now.mono);
        for number in late.map(|it| it.number).collect::<Vec<_>>() {
            self.handle_unreachable(number, now);
        }
    }

    /// When time alone will make something to do, if ever.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let answers = [&self.live, &self.backlog].into_iter().flatten();
        let answers = answers.map(|it| it.sent + Self::ANSWER_WITHIN);
        let patience = self.queue.front().map(|it| it.since + self.settings.patience);
        let spool =
            patience.into_iter().chain(self.wants_spool().then_some(self.spool_again)).min();
        let spool = spool.filter(|_| self.at_spool.is_none()).map(|it| it.max(self.spool_again));
        let heartbeat = self.last_sent.map_or(Duration::ZERO, |it| it + Self::HEARTBEAT);
        let sign = self.live.is_none().then_some(heartbeat.max(self.link.until()));
        let again = Some(self.link.until()).filter(|it| *it > self.now);
        answers.chain(spool).chain(sign).chain(again).min()
    }

    /// What to do now, if anything: asked again after every call and every answer.
    pub fn poll(&mut self, now: Now) -> Option<Do> {
        self.now = now.mono;
        if let Some(it) = self.poll_spool(now) {
            return Some(it);
        }
        if now.mono < self.link.until() {
            return None;
        }
        let sending = self.live_upload(now).or_else(|| self.backlog_upload(now))?;
        self.last_sent = Some(now.mono);
        Some(Do::Send(sending))
    }

    /// The hub replied to an upload.
    pub fn handle_reply(&mut self, number: u64, reply: Reply, now: Now) {
        let Some((lane, it)) = self.take_under_way(number) else { return };
        match reply {
            Reply::Taken(answer) => self.taken(lane, &it, &answer, now),
            Reply::Busy { after } => self.link.failed(now.mono, after),
            Reply::OtherStore { store } => self.refuse_store(store, now),
            Reply::Unauthorised => self.give_up(Trouble::Unauthorised, now),
            Reply::Malformed { why } => self.give_up(Trouble::Malformed(why), now),
        }
    }

    /// Nobody answered an upload.
    pub fn handle_unreachable(&mut self, number: u64, now: Now) {
        if self.take_under_way(number).is_some() {
            self.link.failed(now.mono, Duration::ZERO);
        }
    }

    /// Makes everything due at once, as before a shutdown.
    pub fn close(&mut self) {
        self.is_closing = true;
    }

    /// Whether nothing is left in memory that is not in the spool.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.queue.is_empty() && self.at_spool.is_none()
    }

    /// How many facts neither the hub nor the disk is known to have.
    #[must_use]
    pub fn unkept(&self) -> usize {
        let writing = match &self.at_spool {
            Some(AtSpool::Writing { entries, .. }) => entries.len(),
            Some(AtSpool::Reading(_) | AtSpool::Thinning(_) | AtSpool::Dropping(_)) | None => 0,
        };
        self.queue.len() + writing
    }

    /// What the spool holds.
    #[must_use]
    pub fn spooled(&self) -> &Spooled {
        &self.spooled
    }

    /// Why facts do not reach the hub, or the disk.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    fn taken(&mut self, lane: Lane, it: &UnderWay, answer: &Answer, now: Now) {
        if let Some(bound) = self.spooled.store.filter(|bound| *bound != answer.store) {
            self.trouble = Some(Trouble::OtherStore { bound, found: answer.store });
            self.link.refused(now.mono);
            return;
        }
        if self.spooled.store.is_none() {
            self.spooled.store = Some(answer.store);
            self.is_dirty = true;
        }
        if let Some(machine) = self.spooled.machines.last_mut()
            && machine.dates.meet(it.sent, answer.received, answer.answered, now.mono)
        {
            self.is_dirty |= self.spooled.rows() > 0;
        }
        self.trouble.take_if(|it| !matches!(it, Trouble::Spool(_)));
        match lane {
            Lane::Live => {
                self.queue.retain(|it| !answer.settled.contains(it.entry.sequence));
                self.link.succeeded();
            }
            Lane::Backlog => {
                let run = Run { first: 0, last: it.rows.last };
                if answer.settled.runs() == [run] {
                    self.let_go(it.boot, run, &it.rows);
                    self.link.succeeded();
                } else {
                    self.link.failed(now.mono, Duration::ZERO);
                }
            }
        }
    }

    fn refuse_store(&mut self, found: StoreId, now: Now) {
        match self.spooled.store {
            Some(bound) => self.give_up(Trouble::OtherStore { bound, found }, now),
            None => self.link.failed(now.mono, Duration::ZERO),
        }
    }

    fn give_up(&mut self, why: Trouble, now: Now) {
        self.trouble = Some(why);
        self.link.refused(now.mono);
    }

    fn take_under_way(&mut self, number: u64) -> Option<(Lane, UnderWay)> {
        let is_it = |it: &mut UnderWay| it.number == number;
        let live = self.live.take_if(is_it).map(|it| (Lane::Live, it));
        live.or_else(|| self.backlog.take_if(is_it).map(|it| (Lane::Backlog, it)))
    }
}

/// So many facts may come in at once.
const ROOM: usize = 2_000;

/// Whether a hub will be able to read it. One fact that it could not would hold up all behind it.
fn is_sound(fact: &Fact) -> bool {
    let fits = |it: &str, most| it.len() <= most && !it.chars().any(char::is_control);
    let whom = match fact.body.identity() {
        Some(Identity::Text(_, it)) => !it.is_empty() && fits(it, Identity::MAX_TEXT),
        Some(Identity::Mac(_) | Identity::Ble(_) | Identity::Bt(_) | Identity::Private(_))
        | None => true,
    };
    let value = match &fact.body {
        FactBody::Detail(it) => fits(&it.value, Detail::MAX_VALUE),
        FactBody::Sighting(_) | FactBody::Coverage(_) | FactBody::Probe(_) | FactBody::Level(_) => {
            true
        }
    };
    whom && value && fits(&fact.listener.channel, Detail::MAX_VALUE)
}
