//! One step of the hub: an engine, and the life of what it wants stored.
//!
//! A batch is drained when there is news, or after a while, and offered to the shell until the
//! store has taken it; meanwhile the engine goes on and live answers are marked degraded.
//!
//! **Invariant:** at most one batch is under way, and batches are stored in the order in which
//! they were drained; so what is stored is always a prefix of what was decided.

use std::sync::Arc;
use std::time::Duration;

use crate::batch::{Batch, Restored};
use crate::directory::Edit;
use crate::engine::{Deadline, EditRefused, Engine, Intake};
use crate::fact::{Fact, SourceKind};
use crate::fleet::Fleet;
use crate::ingest::{Ingest, Ticket};
use crate::policy::Policy;
use crate::snapshot::{Interest, Snapshot, Why};
use crate::stay::Subject;
use crate::time::{Now, Time};
use crate::uplink::{Header, Reply, Rights, Upload};

/// An engine with a store behind it.
#[derive(Debug)]
pub struct Step {
    engine: Engine,
    under_way: Option<UnderWay>,
    /// Why the store does not take anything at the moment.
    degraded: Option<Box<str>>,
    last_commit: Duration,
    flush: bool,
    /// What monitors send; none: no monitors are let in.
    ingest: Option<Ingest>,
    fleet: Fleet,
}

/// A batch that is not stored yet.
#[derive(Debug)]
struct UnderWay {
    batch: Arc<Batch>,
    failures: u32,
    /// When to offer it again; none: the shell has it.
    again: Option<Duration>,
}

impl Step {
    /// Facts are stored at the latest after this long, news at once. A power cut loses at most so
    /// much evidence, and a flash card is spared.
    pub const COMMIT_EVERY: Duration = Duration::from_mins(1);
    /// The longest pause between two tries to store a batch.
    pub const LONGEST_RETRY: Duration = Duration::from_secs(30);

    /// A hub that goes on where a store ends.
    #[must_use]
    pub fn new(engine: Engine, now: Now) -> Self {
        let (under_way, degraded, ingest) = (None, None, None);
        let fleet = Fleet::new(Vec::new(), now);
        Self { engine, under_way, degraded, last_commit: now.mono, flush: false, ingest, fleet }
    }

    /// The same, with far monitors that were heard of before.
    #[must_use]
    pub fn with_fleet(mut self, fleet: Fleet) -> Self {
        self.fleet = fleet;
        self
    }

    /// A hub that goes on where a store ends, with its far monitors.
    #[must_use]
    pub fn resume(policy: Policy, mut restored: Restored, now: Now) -> Self {
        let received = std::mem::take(&mut restored.received);
        let fleet = Fleet::new(std::mem::take(&mut restored.monitors), now);
        let store = restored.directory.store;
        let step = Self::new(Engine::new(policy, restored, now), now).with_fleet(fleet);
        match store {
            Some(store) => step.with_ingest(Ingest::new(store, received)),
            None => step,
        }
    }

    /// The same, with monitors that send what they notice.
    #[must_use]
    pub fn with_ingest(mut self, ingest: Ingest) -> Self {
        self.begin_ingest(ingest);
        self
    }

    fn begin_ingest(&mut self, mut ingest: Ingest) {
        ingest.know(self.engine.listeners());
        self.ingest = Some(ingest);
    }

    /// See [`Ingest::handle_upload`]; none: no monitors are let in. The facts go to
    /// [`Step::handle_facts`] before anything else, and what came of it to [`Step::handle_intake`].
    pub fn handle_upload(
        &mut self,
        upload: Upload,
        rights: &Rights,
        now: Now,
    ) -> Option<(Ticket, Vec<Fact>)> {
        self.handle_sign_of_life(&rights.monitor, &upload.header, now);
        let is_degraded = self.degraded.is_some();
        self.ingest.as_mut().map(|it| it.handle_upload(upload, rights, is_degraded, now))
    }

    /// An upload came in, whether anything of it is taken or not.
    pub fn handle_sign_of_life(&mut self, monitor: &str, header: &Header, now: Now) {
        let now = self.judged(now);
        self.fleet.handle_upload(monitor, header, self.engine.directory(), now);
    }

    /// See [`Ingest::handle_intake`].
    pub fn handle_intake(&mut self, ticket: Ticket, intake: &Intake) {
        if let Some(it) = &mut self.ingest {
            it.handle_intake(ticket, intake);
        }
    }

    /// A reply to send to a monitor now, if there is one.
    pub fn poll_reply(&mut self, now: Now) -> Option<(Ticket, Reply)> {
        self.ingest.as_mut().and_then(|it| it.poll_reply(now))
    }

    /// See [`Engine::handle_facts`].
    pub fn handle_facts(&mut self, facts: Vec<Fact>, now: Now) -> Intake {
        let intake = self.engine.handle_facts(facts, now);
        self.watch(now);
        intake
    }

    /// See [`Engine::handle_edit`].
    pub fn handle_edit(
        &mut self,
        edit: Edit,
        expect: Option<u64>,
        now: Now,
    ) -> Result<u64, EditRefused> {
        let version = self.engine.handle_edit(edit, expect, now)?;
        if let (None, Some(store)) = (&self.ingest, self.engine.directory().store) {
            // The first far monitor is let in: nothing was received of any before.
            self.begin_ingest(Ingest::new(store, Vec::new()));
        }
        self.watch(now);
        Ok(version)
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Now) {
        self.engine.handle_timeout(now);
        self.watch(now);
    }

    /// When time alone will change something or a batch is due, if ever.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let engine = self.engine.poll_timeout();
        let commit = match &self.under_way {
            Some(it) => it.again.map(|mono| Deadline { mono, why: "try to store again" }),
            None => self.wants_commit().0.then(|| Deadline {
                mono: self.last_commit + Self::COMMIT_EVERY,
                why: "store what was heard",
            }),
        };
        let uploads = self.uploads_due().filter(|_| self.under_way.is_none());
        let uploads = uploads.map(|mono| Deadline { mono, why: "store what monitors sent" });
        let fleet = self.fleet.poll_timeout();
        let fleet = fleet.map(|mono| Deadline { mono, why: "a far monitor's silence" });
        let all = [engine, commit, uploads, fleet];
        all.into_iter().flatten().min_by_key(|it| it.mono)
    }

    /// The batch to store now, if one is due. The shell answers with
    /// [`Step::handle_committed`] or [`Step::handle_refused`].
    pub fn poll_commit(&mut self, now: Now) -> Option<Arc<Batch>> {
        if let Some(it) = &mut self.under_way {
            let due = it.again.is_some_and(|again| again <= now.mono || self.flush);
            if !due {
                return None;
            }
            it.again = None;
            return Some(Arc::clone(&it.batch));
        }
        let (wants, news) = self.wants_commit();
        let waited = now.mono.saturating_sub(self.last_commit) >= Self::COMMIT_EVERY;
        let history = self.engine.poll_history().is_some();
        let sent = self.uploads_due().is_some_and(|due| due <= now.mono || self.flush);
        if !(wants && (news || waited || self.flush || history) || sent) {
            self.flush = false;
            return None;
        }
        // Facts that wait for history are in no batch yet, so nothing is said of them.
        let is_whole = !self.engine.waits_for_history();
        let mut batch = self.engine.drain();
        if let Some(ingest) = self.ingest.as_mut().filter(|_| is_whole) {
            (batch.received, batch.unreceived) = ingest.drain();
        }
        let (monitors, mut changes) = self.fleet.drain();
        batch.monitors = monitors;
        batch.changes.append(&mut changes);
        let batch = Arc::new(batch);
        self.last_commit = now.mono;
        self.under_way = Some(UnderWay { batch: Arc::clone(&batch), failures: 0, again: None });
        Some(batch)
    }

    /// The store has taken the batch; the journal ends with this change.
    pub fn handle_committed(&mut self, last_change: u64) {
        self.under_way = None;
        self.degraded = None;
        self.engine.handle_committed(last_change);
        if let Some(it) = &mut self.ingest {
            it.handle_committed();
        }
    }

    /// The store has not taken the batch: it is offered again, after longer and longer pauses.
    pub fn handle_refused(&mut self, why: &str, now: Now) {
        self.degraded = Some(why.into());
        self.flush = false;
        if let Some(it) = &mut self.ingest {
            it.handle_refused();
        }
        if let Some(it) = &mut self.under_way {
            let pause = Duration::from_secs(1 << it.failures.min(5)).min(Self::LONGEST_RETRY);
            it.failures = it.failures.saturating_add(1);
            it.again = Some(now.mono + pause);
        }
    }

    /// Makes everything due at once, as before a shutdown.
    pub fn flush(&mut self) {
        self.flush = true;
    }

    fn watch(&mut self, now: Now) {
        let now = self.judged(now);
        self.fleet.handle_timeout(self.engine.directory(), now);
    }

    /// Civil time as changes are dated: it does not go back.
    fn judged(&self, now: Now) -> Now {
        Now { wall: now.wall.max(self.engine.frontier()), ..now }
    }

    /// Whether there is anything to store, and whether it is news that should not wait.
    fn wants_commit(&self) -> (bool, bool) {
        let (engine, fleet) = (self.engine.wants_commit(), self.fleet.wants_commit());
        (engine.0 || fleet.0, engine.1 || fleet.1)
    }

    /// When uploads are to be stored, unless some of their facts wait for history.
    fn uploads_due(&self) -> Option<Duration> {
        let is_whole = !self.engine.waits_for_history();
        self.ingest.as_ref().filter(|_| is_whole).and_then(Ingest::poll_timeout)
    }

    /// If older facts are needed at hand: from when on. Asked only when nothing waits to be
    /// stored; the shell restores from the store and calls [`Step::handle_restored`].
    #[must_use]
    pub fn poll_history(&self) -> Option<Time> {
        let idle = self.under_way.is_none() && !self.wants_commit().0;
        self.engine.poll_history().filter(|_| idle)
    }

    /// Goes on with more history at hand.
    pub fn handle_restored(&mut self, restored: Restored, now: Now) -> Intake {
        self.engine.handle_restored(restored, now)
    }

    /// A picture of now.
    #[must_use]
    pub fn snapshot(&self, now: Now) -> Snapshot {
        let mut snapshot = self.engine.snapshot(now);
        snapshot.degraded.clone_from(&self.degraded);
        snapshot.monitors = self.fleet.views(self.engine.directory());
        snapshot
    }

    /// See [`Engine::interest`].
    #[must_use]
    pub fn interest(&self, monitor: &str, source: SourceKind, now: Now) -> Vec<Interest> {
        self.engine.interest(monitor, source, now)
    }

    /// See [`Engine::why`].
    #[must_use]
    pub fn why(&self, subject: Subject, now: Now) -> Option<Why> {
        self.engine.why(subject, now)
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}
