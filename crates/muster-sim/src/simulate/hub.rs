//! The shell's loop in virtual time: a step, a store in memory and two clocks.
//!
//! What is handed in and not yet stored is handed in again after a crash, as a monitor does that
//! waits for its acknowledgement.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use muster_core::batch::{Batch, Restored};
use muster_core::change::ChangeKind;
use muster_core::directory::Edit;
use muster_core::engine::{Engine, Intake};
use muster_core::fact::Fact;
use muster_core::fleet::Fleet;
use muster_core::policy::Policy;
use muster_core::ports::{Store, StoreError};
use muster_core::step::Step;
use muster_core::time::{Now, Time};

mod uploads;

use super::check;
use super::tally::Tally;
use crate::reference::{Rows, Told};
use crate::store::{Fault, ModelStore, Tables};

/// A hub in virtual time.
#[derive(Debug)]
pub struct Hub {
    policy: Policy,
    store: ModelStore,
    step: Step,
    now: Now,
    /// Handed in, not yet in any batch.
    loose: Taken,
    /// In the batch that is under way.
    under_way: Option<(Arc<Batch>, Taken)>,
    /// Stored.
    stored: Vec<Fact>,
    tally: Tally,
    story: Vec<String>,
}

/// What was handed in and is not known to be stored.
#[derive(Clone, Debug, Default)]
struct Taken {
    facts: Vec<Fact>,
    edits: Vec<Edit>,
}

/// Something that must never happen, happened.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// What.
    pub what: String,
    /// What led to it.
    pub story: Vec<String>,
}

impl Hub {
    /// A hub with an empty store.
    #[must_use]
    pub fn new(policy: Policy, start: Time) -> Self {
        let now = Now { mono: Duration::from_hours(1), wall: start };
        let store = ModelStore::default();
        let step = Step::new(Engine::new(policy.clone(), Restored::default(), now), now);
        let step = step.with_ingest(uploads::ingest(&store));
        Self {
            policy,
            store,
            step,
            now,
            loose: Taken::default(),
            under_way: None,
            stored: Vec::new(),
            tally: Tally::default(),
            story: Vec::new(),
        }
    }

    /// Both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// The step that it drives.
    #[must_use]
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// What is stored.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.store.tables()
    }

    /// What is stored, without what depends on the order of arrival.
    #[must_use]
    pub fn content(&self) -> (Rows, Vec<Told>) {
        check::content(&self.store.tables())
    }

    /// Every fact that was taken and is stored.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.stored
    }

    /// What it has met.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    pub(super) fn count_stored(&mut self) {
        self.tally.finish(&self.store.tables());
    }

    /// Makes the next commits fail.
    pub fn fail(&mut self, faults: &[Fault]) {
        self.note(&format!("the store will fail: {faults:?}"));
        self.tally.faults += faults.len() as u64;
        self.store.fail(faults.iter().copied());
    }

    /// Lets the store work again.
    pub fn heal(&mut self) {
        self.store.heal();
    }

    /// Hands in facts.
    pub fn deliver(&mut self, facts: Vec<Fact>) -> Result<(), Wrong> {
        let intake = self.step.handle_facts(facts.clone(), self.now);
        if intake.accepted + intake.refused.len() as u64 != facts.len() as u64 {
            return self.wrong(format!("of {} facts it took {intake:?}", facts.len()));
        }
        let refused = self.refused(&intake);
        self.loose.facts.extend(facts.into_iter().filter(|it| !refused.contains(it)));
        self.turn()
    }

    /// Wants the same from a fresh start as from what has gone on all the time; nothing while the
    /// store fails.
    pub fn compare_with_fresh(&mut self) -> Result<(), Wrong> {
        if self.under_way.is_some() {
            return Ok(());
        }
        self.flush()?;
        let (live, fresh) = (check::at_hand(self.step.engine()), check::at_hand(&self.fresh()?));
        match check::difference(("fresh", &fresh), ("live ", &live)) {
            Some(what) => self.wrong(format!("a fresh start judges otherwise:{what}")),
            None => Ok(()),
        }
    }

    /// Changes the directory; what makes no sense is refused and forgotten.
    pub fn edit(&mut self, edit: Edit) -> Result<(), Wrong> {
        self.note(&format!("{edit:?}"));
        if self.step.handle_edit(edit.clone(), None, self.now).is_ok() {
            self.loose.edits.push(edit);
        }
        self.turn()
    }

    /// Lets time pass, and handles every deadline on the way.
    pub fn advance(&mut self, by: Duration) -> Result<(), Wrong> {
        let until = self.now.mono + by;
        let mut idle = 0;
        while let Some(due) = self.step.poll_timeout().filter(|it| it.mono <= until) {
            let pass = due.mono.saturating_sub(self.now.mono);
            idle = if pass.is_zero() { idle + 1 } else { 0 };
            if idle > 4 {
                return self.wrong(format!("a deadline does not go away: {}", due.why));
            }
            self.pass(pass);
            self.step.handle_timeout(self.now);
            self.turn()?;
        }
        self.pass(until.saturating_sub(self.now.mono));
        Ok(())
    }

    /// Lets time pass without anybody noticing: the machine sleeps.
    pub fn sleep(&mut self, by: Duration) -> Result<(), Wrong> {
        self.note(&format!("asleep for {} s", by.as_secs()));
        self.tally.sleeps += 1;
        self.pass(by);
        self.step.handle_timeout(self.now);
        self.turn()
    }

    /// Steps the wall clock.
    pub fn step_clock(&mut self, seconds: i64) {
        self.note(&format!("the wall clock steps by {seconds} s"));
        self.tally.clock_steps += 1;
        let micros = seconds.saturating_mul(1_000_000);
        self.now.wall = Time::from_micros(self.now.wall.micros().saturating_add(micros));
    }

    /// Drops everything that is not stored, and starts again from the store.
    pub fn crash(&mut self) -> Result<(), Wrong> {
        self.note("killed");
        self.tally.crashes += 1;
        let mut lost = self.under_way.take().map(|(_, it)| it).unwrap_or_default();
        lost.facts.append(&mut self.loose.facts);
        lost.edits.append(&mut self.loose.edits);
        self.restore()?;
        for edit in lost.edits {
            // It may have been stored without anybody hearing of it: then it may be refused.
            if self.step.handle_edit(edit.clone(), None, self.now).is_ok() {
                self.loose.edits.push(edit);
            }
        }
        self.deliver(lost.facts)
    }

    /// Goes on with a backup: what came after it is gone.
    pub fn go_back(&mut self, backup: Tables) -> Result<(), Wrong> {
        self.note("restored from a backup");
        self.store = ModelStore::with(backup);
        self.loose = Taken::default();
        self.restore()
    }

    /// Stops in an orderly way and starts again.
    pub fn restart(&mut self) -> Result<(), Wrong> {
        self.note("restarted");
        self.tally.restarts += 1;
        self.heal();
        self.flush()?;
        self.restore()
    }

    /// Stores everything that there is.
    pub fn flush(&mut self) -> Result<(), Wrong> {
        for _ in 0..20 {
            self.step.flush();
            self.step.handle_timeout(self.now);
            self.turn()?;
            let wants = self.step.engine().wants_commit().0;
            if self.under_way.is_none() && !wants && self.step.poll_history().is_none() {
                // What is left went with an earlier batch, or told nothing new.
                self.stored.append(&mut self.loose.facts);
                self.loose.edits.clear();
                return Ok(());
            }
        }
        self.wrong("it never finishes storing".to_owned())
    }

    /// What has happened; with the time of each.
    pub fn note(&mut self, what: &str) {
        self.story.push(format!("{} {what}", self.now.wall));
    }

    /// An error with the story so far.
    pub fn wrong<T>(&self, what: String) -> Result<T, Wrong> {
        let from = self.story.len().saturating_sub(MOST_LINES);
        Err(Wrong { what, story: self.story.get(from..).unwrap_or(&[]).to_vec() })
    }

    fn restore(&mut self) -> Result<(), Wrong> {
        let step = Step::new(self.fresh()?, self.now);
        let fleet = Fleet::new(self.tables().monitors.into_values().collect(), self.now);
        self.step = step.with_ingest(uploads::ingest(&self.store)).with_fleet(fleet);
        self.under_way = None;
        Ok(())
    }

    /// An engine that starts with what is stored.
    fn fresh(&self) -> Result<Engine, Wrong> {
        let since = Engine::since(&self.policy, self.now.wall);
        match now_or_never(self.store.restore(since)) {
            Some(Ok(it)) => Ok(Engine::new(self.policy.clone(), it, self.now)),
            other => self.wrong(format!("no restore: {other:?}")),
        }
    }

    /// Restarts without any time passing, and wants no news from it.
    pub fn blink(&mut self) -> Result<(), Wrong> {
        self.heal();
        self.flush()?;
        self.restore()?;
        self.tally.restarts += 1;
        let before = self.store.tables().last_change;
        self.flush()?;
        let after = self.store.tables();
        let news = after.changes.range(before + 1..).map(|(_, it)| it).find(|it| {
            matches!(it.kind, ChangeKind::Arrived | ChangeKind::Left | ChangeKind::Moved)
        });
        match news {
            Some(it) => self.wrong(format!("a restart alone made news: {it:?}")),
            None => Ok(()),
        }
    }

    fn pass(&mut self, by: Duration) {
        self.now.mono += by;
        self.now.wall = self.now.wall + by;
    }

    /// Stores what is due and fetches what is asked for.
    fn turn(&mut self) -> Result<(), Wrong> {
        loop {
            if let Some(since) = self.step.poll_history() {
                self.fetch(since)?;
            } else if let Some(batch) = self.step.poll_commit(self.now) {
                if !self.commit(&batch)? {
                    return Ok(());
                }
            } else {
                return Ok(());
            }
        }
    }

    fn fetch(&mut self, since: Time) -> Result<(), Wrong> {
        self.note(&format!("fetched what is stored since {since}"));
        self.tally.fetches += 1;
        match now_or_never(self.store.restore(since)) {
            Some(Ok(it)) => {
                let intake = self.step.handle_restored(it, self.now);
                let refused = self.refused(&intake);
                self.loose.facts.retain(|it| !refused.contains(it));
                Ok(())
            }
            other => self.wrong(format!("no restore: {other:?}")),
        }
    }

    /// Whether the store took it.
    fn commit(&mut self, batch: &Arc<Batch>) -> Result<bool, Wrong> {
        let again = self.under_way.as_ref().is_some_and(|(it, _)| Arc::ptr_eq(it, batch));
        if !again {
            // Facts that wait for history are in no batch yet.
            let parked = self.step.engine().waits_for_history();
            let taken = if parked { Taken::default() } else { std::mem::take(&mut self.loose) };
            self.under_way = Some((Arc::clone(batch), taken));
        }
        let mut tally = self.tally;
        self.store.look(|it| tally.count(it, batch));
        match now_or_never(self.store.commit(batch)) {
            Some(Ok(last)) => {
                self.step.handle_committed(last);
                if let Some((_, taken)) = self.under_way.take() {
                    self.stored.extend(taken.facts);
                }
                for change in batch.changes.iter().filter(|it| check::is_told(it)) {
                    self.note(&check::tell(change));
                }
                self.tally = tally;
                self.tally.commits += 1;
                if let Some(what) = self.store.look(check::always) {
                    return self.wrong(what);
                }
                Ok(true)
            }
            Some(Err(StoreError::Unavailable { what, .. })) => {
                self.note(&format!("not stored: {what}"));
                self.step.handle_refused(&what, self.now);
                Ok(false)
            }
            other => self.wrong(format!("no commit: {other:?}")),
        }
    }

    fn refused(&mut self, intake: &Intake) -> Vec<Fact> {
        self.tally.refused += intake.refused.len() as u64;
        if let Some(it) = intake.refused.first() {
            self.note(&format!("refused {} facts: {}", intake.refused.len(), it.why));
        }
        intake.refused.iter().map(|it| it.fact.clone()).collect()
    }
}

/// The value of a future that is ready.
fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(it) => Some(it),
        Poll::Pending => None,
    }
}

/// A story longer than this is not read.
const MOST_LINES: usize = 120;
