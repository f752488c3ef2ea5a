//! What a hub takes of what its monitors send, and when it says that it has it.
//!
//! An upload is checked against what its monitor was allowed, and what was taken before is taken out
//! by its sequence. The rest goes to the engine; the acknowledgement waits for the commit that stores
//! it, together with what must be known to take nothing twice.
//!
//! **Invariant:** what is acknowledged is stored; what is stored as received went into the engine in
//! the same or an earlier commit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::batch::ReceivedRanges;
use crate::engine::Intake;
use crate::fact::{Fact, FactBody, Listener, SourceKind};
use crate::time::{Now, Time};
use crate::uplink::{
    Answer, BootId, Header, Lane, Reply, Rights, Row, SequenceSet, StoreId, Upload,
};

#[cfg(test)]
mod tests;

/// The uploads of all monitors.
#[derive(Debug)]
pub struct Ingest {
    store: StoreId,
    received: BTreeMap<Key, Received>,
    /// Keys whose sets are in no batch yet, and those in the batch that is under way.
    dirty: BTreeSet<Key>,
    riding_dirty: BTreeSet<Key>,
    /// Keys that were forgotten, and that a store still has.
    forgotten: BTreeSet<Key>,
    /// Which channels each monitor has told of, ever.
    channels: BTreeMap<Box<str>, Channels>,
    waiting: VecDeque<Waiting>,
    riding: Vec<Waiting>,
    replies: VecDeque<(Ticket, Reply)>,
    /// Facts handed to the engine that are in no batch yet.
    pending: usize,
    tickets: u64,
}

/// Which upload a reply is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A monitor's name, and a start of its program.
type Key = (Box<str>, BootId);

type Channels = BTreeSet<(SourceKind, Box<str>)>;

#[derive(Clone, Debug)]
struct Received {
    runs: SequenceSet,
    at: Time,
}

/// An upload whose answer waits for a commit.
#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    since: Duration,
    answer: Answer,
}

impl Ingest {
    /// An upload is stored after at most so long, with those of all other monitors.
    pub const COMMIT_WITHIN: Duration = Duration::from_secs(2);
    /// So many facts are worth a commit at once: a backlog comes in at the store's speed.
    pub const COMMIT_AT: usize = 4_096;
    /// No more facts than this wait for a commit; a store that takes none for long fills no memory.
    pub const MAX_PENDING: usize = 200_000;
    /// No more answers than this wait for a commit: who sent it may be gone.
    pub const MAX_WAITING: usize = 1_024;
    /// The most runs kept of one start: a monitor that leaves more gaps has to fill some first.
    pub const MAX_RUNS: usize = 4_096;
    /// Of how many starts of each monitor's program it is known what was received. Facts of one that
    /// was forgotten merge with themselves.
    pub const MAX_BOOTS: usize = 256;
    /// The most channels of one monitor, ever: more than adapters and interfaces come and go in a
    /// machine. Each is a listener, which is never forgotten.
    pub const MAX_CHANNELS: usize = 64;

    /// An ingest that goes on where a store ends.
    #[must_use]
    pub fn new(store: StoreId, received: Vec<ReceivedRanges>) -> Self {
        let known =
            |it: ReceivedRanges| ((it.monitor, it.boot), Received { runs: it.runs, at: it.at });
        let monitors: BTreeSet<Box<str>> = received.iter().map(|it| it.monitor.clone()).collect();
        let mut it = Self {
            store,
            received: received.into_iter().map(known).collect(),
            dirty: BTreeSet::new(),
            riding_dirty: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            channels: BTreeMap::new(),
            waiting: VecDeque::new(),
            riding: Vec::new(),
            replies: VecDeque::new(),
            pending: 0,
            tickets: 0,
        };
        for monitor in &monitors {
            it.bound_boots(monitor);
        }
        it
    }

    /// Takes note of listeners that there were before.
    pub(crate) fn know<'a>(&mut self, listeners: impl Iterator<Item = &'a Listener>) {
        for it in listeners {
            let channels = self.channels.entry(it.monitor.clone()).or_default();
            channels.insert((it.source, it.channel.clone()));
        }
    }

    /// Takes an upload of a monitor that was let in: what of it goes to the engine, and what was
    /// refused already. The caller hands the facts to the engine before it asks for anything else, and
    /// what that refuses to [`Ingest::handle_intake`]. `degraded`: the store takes nothing now.
    pub fn handle_upload(
        &mut self,
        upload: Upload,
        rights: &Rights,
        degraded: bool,
        now: Now,
    ) -> (Ticket, Vec<Fact>) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let reply = |this: &mut Self, reply| {
            this.replies.push_back((ticket, reply));
            (ticket, Vec::new())
        };
        if upload.header.store.is_some_and(|it| it != self.store) {
            let store = self.store;
            return reply(self, Reply::OtherStore { store });
        }
        let is_empty = upload.is_empty();
        let key = (rights.monitor.clone(), upload.header.boot);
        let known = self.received.get(&key);
        let channels = self.channels.entry(rights.monitor.clone()).or_default();
        let simulated = upload.header.health.simulated;
        let names = Names { rights, channels, simulated, latest: None };
        let Screened { facts, settled, refused } = screen(upload, names, known.map(|it| &it.runs));
        let mut runs = known.map(|it| it.runs.clone()).unwrap_or_default();
        let is_known = runs.holds(&settled);
        runs.union(&settled);
        let is_new = known.is_none() && self.unstored(&key.0) >= Self::MAX_BOOTS;
        let waits = self.waiting.len() + self.riding.len() >= Self::MAX_WAITING;
        let too_much = is_new || waits || self.pending + facts.len() > Self::MAX_PENDING;
        if too_much || runs.runs().len() > Self::MAX_RUNS {
            return reply(self, Reply::Busy { after: BUSY });
        }
        let (store, received) = (self.store, now.wall);
        let answer = Answer { store, received, answered: received, settled, refused };
        if !is_known {
            self.received.insert(key.clone(), Received { runs, at: now.wall });
            self.dirty.insert(key.clone());
            self.forgotten.remove(&key);
            self.bound_boots(&key.0);
        }
        self.pending += facts.len();
        let is_stored = !self.dirty.contains(&key) && !self.riding_dirty.contains(&key);
        if is_empty || is_stored {
            self.replies.push_back((ticket, Reply::Taken(answer)));
        } else if degraded {
            // Live answers go on with what it tells; that it is stored is said when it is sent again.
            self.replies.push_back((ticket, Reply::Busy { after: BUSY }));
        } else {
            self.waiting.push_back(Waiting { ticket, since: now.mono, answer });
        }
        (ticket, facts)
    }

    /// What the engine refused of an upload.
    pub fn handle_intake(&mut self, ticket: Ticket, intake: &Intake) {
        if intake.refused.is_empty() {
            return;
        }
        let Some(it) = self.waiting.iter_mut().rev().find(|it| it.ticket == ticket) else { return };
        for refusal in &intake.refused {
            count(&mut it.answer.refused, &refusal.why);
        }
    }

    /// When a commit is due on account of uploads, on the monotonic clock; none: nothing waits.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let oldest = self.waiting.front()?.since;
        let is_much = self.pending >= Self::COMMIT_AT;
        Some(if is_much { oldest } else { oldest + Self::COMMIT_WITHIN })
    }

    /// What is to be stored with the facts that were handed to the engine, all of them; and of which
    /// starts nothing need be kept any more.
    pub fn drain(&mut self) -> (Vec<ReceivedRanges>, Vec<(Box<str>, BootId)>) {
        self.pending = 0;
        self.riding.extend(self.waiting.drain(..));
        let keys = std::mem::take(&mut self.dirty);
        let row = |key: &Key| {
            let Received { runs, at } = self.received.get(key)?.clone();
            Some(ReceivedRanges { monitor: key.0.clone(), boot: key.1, runs, at })
        };
        let rows = keys.iter().filter_map(row).collect();
        self.riding_dirty.extend(keys);
        (rows, std::mem::take(&mut self.forgotten).into_iter().collect())
    }

    /// What was drained is stored.
    pub fn handle_committed(&mut self) {
        self.riding_dirty.clear();
        let answered = self.riding.drain(..).map(|it| (it.ticket, Reply::Taken(it.answer)));
        self.replies.extend(answered);
    }

    /// What was drained is not stored, and is offered again: nobody waits for it.
    pub fn handle_refused(&mut self) {
        let all = self.riding.drain(..).chain(self.waiting.drain(..));
        self.replies.extend(all.map(|it| (it.ticket, Reply::Busy { after: BUSY })));
    }

    /// A reply to send now, if there is one.
    pub fn poll_reply(&mut self, now: Now) -> Option<(Ticket, Reply)> {
        let (ticket, mut reply) = self.replies.pop_front()?;
        if let Reply::Taken(answer) = &mut reply {
            answer.answered = now.wall;
        }
        Some((ticket, reply))
    }

    /// How many starts of a monitor's program wait to be stored.
    fn unstored(&self, monitor: &str) -> usize {
        let from = (Box::from(monitor), BootId(0));
        self.dirty.range(from..).take_while(|(it, _)| **it == *monitor).count()
    }

    /// Forgets what was received of starts that were longest not heard of.
    fn bound_boots(&mut self, monitor: &str) {
        let from = (Box::from(monitor), BootId(0));
        let its = || self.received.range(&from..).take_while(|((it, _), _)| **it == *monitor);
        let surplus = its().count().saturating_sub(Self::MAX_BOOTS);
        if surplus == 0 {
            return;
        }
        let stored = its().filter(|(key, _)| !self.dirty.contains(*key));
        let mut stored: Vec<_> = stored.map(|(key, it)| (it.at, key.clone())).collect();
        stored.sort_unstable();
        for (_, key) in stored.into_iter().take(surplus) {
            self.received.remove(&key);
            self.forgotten.insert(key);
        }
    }
}

/// What of an upload is new and allowed.
struct Screened {
    facts: Vec<Fact>,
    settled: SequenceSet,
    refused: Vec<(Box<str>, u64)>,
}

fn screen(upload: Upload, mut names: Names<'_>, known: Option<&SequenceSet>) -> Screened {
    let Upload { header, rows } = upload;
    let mut settled = header.settles.clone();
    let mut refused = Vec::new();
    let mut facts = Vec::with_capacity(rows.len());
    let mut overtaking = Vec::new();
    for row in rows {
        if known.is_some_and(|it| it.contains(row.sequence)) {
            continue;
        }
        if overtakes(&header, &row) {
            overtaking.push(row.sequence);
        } else if let Some(why) = objection(&header, &row.fact, names.rights) {
            count(&mut refused, &why);
        } else if let Some(fact) = names.rename(row.fact) {
            facts.push(fact);
        } else {
            count(&mut refused, CROWDED);
        }
    }
    // From the end, where nothing has to be moved.
    overtaking.sort_unstable();
    for it in overtaking.into_iter().rev() {
        settled.remove(it);
    }
    Screened { facts, settled, refused }
}

/// Whether it is coverage that came before sightings that fall into it or lie before it: silence would
/// be judged by it too early. It is sent again, behind what waits.
fn overtakes(header: &Header, row: &Row) -> bool {
    match (&row.fact.body, header.lane, header.oldest_unsent) {
        (FactBody::Coverage(span), Lane::Live, Some(oldest)) => span.to > oldest,
        _ => false,
    }
}

fn objection(header: &Header, fact: &Fact, rights: &Rights) -> Option<String> {
    let source = fact.listener.source;
    if rights.sources.as_ref().is_some_and(|it| !it.contains(&source)) {
        return Some(format!("this monitor may not tell of source {source}"));
    }
    if fact.body.identity().is_some_and(crate::identity::Identity::is_pseudonym) {
        return Some("a pseudonym is given by the hub, and told by nobody".to_owned());
    }
    let kind = fact.body.identity().map(crate::identity::Identity::kind);
    if let (Some(kind), Some(kinds)) = (kind, &rights.kinds)
        && !kinds.iter().any(|it| **it == *kind)
    {
        return Some(format!("this monitor may not tell of identities of kind {kind}"));
    }
    header.uncertain.map(|_| "the monitor did not know the time when it noticed this".to_owned())
}

/// Puts the monitor's name in place of what it calls itself, and a mark on what it makes up.
struct Names<'a> {
    rights: &'a Rights,
    channels: &'a mut Channels,
    simulated: bool,
    /// Facts of a listener come in rows: the one that came, and what it is here; none: one too many.
    latest: Option<(Arc<Listener>, Option<Arc<Listener>>)>,
}

impl Names<'_> {
    /// None: its channel is one more than a monitor may have.
    fn rename(&mut self, fact: Fact) -> Option<Fact> {
        let Fact { listener, body } = fact;
        let known = self.latest.as_ref().filter(|(from, _)| Arc::ptr_eq(from, &listener));
        let renamed = match known {
            Some((_, to)) => to.clone(),
            None => self.listener(&listener),
        };
        self.latest = Some((listener, renamed.clone()));
        renamed.map(|listener| Fact { listener, body })
    }

    fn listener(&mut self, from: &Arc<Listener>) -> Option<Arc<Listener>> {
        let mark = if self.simulated { SIMULATED } else { "" };
        let channel = (from.source, Box::from(format!("{mark}{}", from.channel).trim_end()));
        let is_full = self.channels.len() >= Ingest::MAX_CHANNELS;
        if is_full && !self.channels.contains(&channel) {
            return None;
        }
        self.channels.insert(channel.clone());
        if from.monitor == self.rights.monitor && !self.simulated {
            return Some(Arc::clone(from));
        }
        Some(Arc::new(Listener::new(&self.rights.monitor, channel.0, &channel.1)))
    }
}

/// Counts a reason; what comes after the last one of its own is one.
fn count(reasons: &mut Vec<(Box<str>, u64)>, why: &str) {
    let why = if why.len() > Answer::MAX_REASON { OTHER } else { why };
    let is_full = reasons.len() + 1 >= Answer::MAX_REASONS;
    let known = reasons.iter().any(|(it, _)| **it == *why);
    let why = if is_full && !known { OTHER } else { why };
    match reasons.iter_mut().find(|(it, _)| **it == *why) {
        Some((_, times)) => *times += 1,
        None => reasons.push((why.into(), 1)),
    }
}

const CROWDED: &str = "this monitor told of more than 64 channels";
const OTHER: &str = "other reasons";
/// Before the channel of what is made up: whatever is made of it says so.
const SIMULATED: &str = "simulated ";
/// How soon a monitor may try again: soon enough for a page that shows who is here.
const BUSY: Duration = Duration::from_secs(5);
