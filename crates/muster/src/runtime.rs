//! The loop: facts, edits, questions and time-outs into the core's step; its batches into the
//! store; the picture of now out to whoever looks.
//!
//! Decides nothing about presence and knows no medium, page or SQL. **Invariant:** one commit is in
//! flight at a time, an edit is said to be made only when it is stored, and the picture is published
//! before anybody is told of the change that made it.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use muster_core::directory::Edit;
use muster_core::engine::{Engine, Intake};
use muster_core::policy::Policy;
use muster_core::ports::{BoxFuture, Clock, Store, StoreError};
use muster_core::step::Step;
use muster_core::time::Now;
use muster_web::EditRefused;
use muster_wire::bluetooth::key::KeyId;
use tokio::sync::mpsc;
use tracing::{debug, warn};

use crate::belief::Belief;
use crate::broadcasts::Broadcasts;
use crate::clock::stepped;
use crate::hold::Hold;
use crate::picture::Picture;
use crate::pseudonyms::Pseudonyms;
use crate::pulse::Pulses;
use crate::recognise::Recogniser;
use crate::refusals::Refusals;
use crate::trouble::{Trouble, said};

pub(crate) use input::{Answer, Input, Start};
use noticed::Waiting;

mod input;
mod noticed;

/// The hub's one writer.
pub(crate) struct Runtime {
    policy: Policy,
    synchronised: fn() -> bool,
    step: Step,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    inputs: mpsc::Receiver<Input>,
    picture: Picture,
    /// What the clock said last.
    last: Now,
    belief: Belief,
    /// The commit under way, and the edits that it stores.
    in_flight: Option<Commit>,
    /// When it began.
    sent: Duration,
    riding: Vec<Made>,
    /// Edits made since, that the next commit stores.
    made: Vec<Made>,
    /// Who waits for the answer to an upload.
    uploads: Waiting,
    /// Why nothing is stored at the moment.
    trouble: Option<Trouble>,
    /// What came in before the machine's clock was set; none once it can be trusted.
    hold: Option<Hold>,
    /// When the store last failed to give older facts.
    asked: Option<Now>,
    refusals: Refusals,
    recogniser: Recogniser,
    pseudonyms: Option<Pseudonyms>,
    broadcasts: Broadcasts,
    pulses: Pulses,
    found: mpsc::UnboundedSender<(KeyId, bool)>,
}

type Commit = BoxFuture<'static, Result<u64, StoreError>>;

struct Made {
    version: u64,
    answer: Answer,
}

impl Runtime {
    /// The loop over what was restored from this store; what was is shown at once.
    pub(crate) fn new(
        start: Start,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        inputs: mpsc::Receiver<Input>,
        picture: Picture,
    ) -> Self {
        let Start { policy, restored, synchronised, recogniser, broadcasts, pulses, found } = start;
        let last = clock.now();
        let mut belief = Belief::default();
        let now = belief.time(last, restored.frontier, policy.future, synchronised);
        let hold = Hold::is_due(last, synchronised(), belief.doubts());
        let hold = hold.then(|| Hold::begin(belief.doubts()));
        let mut it = Self {
            step: Step::resume(policy.clone(), restored, now),
            policy,
            synchronised,
            store,
            clock,
            inputs,
            picture,
            last,
            belief,
            in_flight: None,
            sent: Duration::ZERO,
            riding: Vec::new(),
            made: Vec::new(),
            uploads: Waiting::new(),
            trouble: None,
            hold,
            asked: None,
            refusals: Refusals::default(),
            recogniser,
            pseudonyms: None,
            broadcasts,
            pulses,
            found,
        };
        it.picture.waits_for_clock = it.hold.is_some();
        it.picture.publish(&it.step, now);
        it
    }

    /// Runs until `stop`, then stores what there is; an error says that the last of it was not.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), StoreError> {
        let mut stop = pin!(stop);
        self.settle().await;
        loop {
            let nap = self.nap();
            tokio::select! {
                biased;
                () = &mut stop => break,
                taken = landed(&mut self.in_flight) => self.committed(taken),
                input = self.inputs.recv(), if self.waits_for_history().is_zero() => match input {
                    Some(input) => self.take(input),
                    None => break,
                },
                () = tokio::time::sleep(nap) => {
                    let now = self.now();
                    self.step.handle_timeout(now);
                }
            }
            self.settle().await;
        }
        tokio::time::timeout(LAST_COMMIT, self.finish()).await.unwrap_or_else(|late| {
            Err(StoreError::Unavailable {
                what: "it does not answer".to_owned(),
                cause: late.into(),
            })
        })
    }

    fn take(&mut self, input: Input) {
        let now = self.now();
        self.turn(now);
        self.take_at(input, now);
        for _ in 1..BURST {
            match self.inputs.try_recv() {
                Ok(input) => self.take_at(input, now),
                Err(_) => break,
            }
        }
    }

    fn take_at(&mut self, input: Input, now: Now) {
        match input {
            Input::Facts(facts) => self.facts(facts, now),
            Input::Broadcasts(all) => self.broadcasts(all),
            Input::Upload { token, upload, answer } => self.upload(&token, upload, answer, now),
            Input::Edit { edit, expect, answer } => self.edit(edit, expect, answer, now),
            Input::Key(key) => self.recogniser.add(&key),
            Input::Unkey(key) => self.recogniser.remove(key),
            Input::Why { subject, answer } => {
                // Whoever asked may have gone.
                drop(answer.send(self.step.why(subject, now)));
            }
        }
    }

    fn edit(&mut self, edit: Edit, expect: Option<u64>, answer: Answer, now: Now) {
        let waiting = self.hold.as_ref().map(|_| CLOCK_NOT_SET.to_owned());
        let made = match self.trouble.as_ref().map(|it| it.what.clone()).or(waiting) {
            Some(what) => Err(EditRefused::Unavailable(what)),
            None => self.step.handle_edit(edit, expect, now).map_err(Into::into),
        };
        match made {
            Ok(version) => self.made.push(Made { version, answer }),
            Err(it) => drop(answer.send(Err(it))),
        }
    }

    /// Lets the step have what it asks for, and shows what came of it.
    async fn settle(&mut self) {
        let now = self.now();
        self.turn(now);
        self.release(now).await;
        self.look_up(now).await;
        if self.in_flight.is_none()
            && self.stores()
            && let Some(batch) = self.step.poll_commit(now)
        {
            self.riding.append(&mut self.made);
            let store = Arc::clone(&self.store);
            self.sent = now.mono;
            self.in_flight = Some(Box::pin(async move { store.commit(&batch).await }));
        }
        self.answer_uploads(now);
        self.picture.refresh(&self.step, now);
    }

    /// Whether it makes sense to give the store anything.
    fn stores(&self) -> bool {
        self.hold.is_none() && self.trouble.as_ref().is_none_or(|it| it.passes)
    }

    /// How long no input is taken yet. Older facts are looked up only while nothing waits to be
    /// stored, and with more coming in all the time something would always be. Not for longer than
    /// a store takes that is well: live answers are inputs too.
    fn waits_for_history(&self) -> Duration {
        let wanted = self.step.engine().poll_history().is_some();
        let is_well = self.trouble.is_none() && self.asked.is_none() && self.hold.is_none();
        if !(wanted && is_well && self.in_flight.is_some()) {
            return Duration::ZERO;
        }
        (self.sent + LONGEST_STANDSTILL).saturating_sub(self.clock.now().mono)
    }

    fn committed(&mut self, taken: Result<u64, StoreError>) {
        let now = self.now();
        self.in_flight = None;
        match taken {
            Ok(last_change) => {
                self.step.handle_committed(last_change);
                if self.trouble.take().is_some() {
                    warn!("the store takes commits again");
                }
                self.picture.publish(&self.step, now);
                for Made { version, answer } in self.riding.drain(..) {
                    drop(answer.send(Ok(version)));
                }
            }
            Err(error) => {
                let trouble = Trouble::from(&error);
                // It is tried again and again: what is known is not news.
                if self.trouble.as_ref().is_none_or(|it| it.what != trouble.what) {
                    warn!("{}", trouble.what);
                }
                self.step.handle_refused(&trouble.what, now);
                self.picture.publish(&self.step, now);
                // The edit is judged already and goes with the batch when that is taken.
                for Made { answer, .. } in self.riding.drain(..).chain(self.made.drain(..)) {
                    drop(answer.send(Err(EditRefused::Kept(trouble.what.clone()))));
                }
                self.trouble = Some(trouble);
            }
        }
    }

    /// Lets go of what was held once the clock can be trusted: judged again, if its dates were wrong.
    async fn release(&mut self, now: Now) {
        let (last, behind, is_synchronised) = (self.last, self.belief.doubts(), self.synchronised);
        let is_over = |_: &mut Hold| !Hold::is_due(last, is_synchronised(), behind);
        let Some(hold) = self.hold.take_if(is_over) else { return };
        self.picture.waits_for_clock = false;
        let Some(facts) = hold.dated_again(now) else { return };
        match self.store.restore(Engine::since(&self.policy, now.wall)).await {
            Ok(restored) => {
                self.step = Step::resume(self.policy.clone(), restored, now);
                let facts = self.masked(facts);
                self.step.handle_facts(facts, now);
            }
            Err(error) => warn!("dates before the clock was set stay wrong: {}", said(&error)),
        }
    }

    /// Facts older than what the engine has at hand: it goes on with more of what is stored.
    async fn look_up(&mut self, now: Now) {
        if self.asked.is_some_and(|asked| now.since(asked) < ASK_AGAIN) {
            return;
        }
        let Some(since) = self.step.poll_history() else { return };
        match self.store.restore(since).await {
            Ok(restored) => {
                if self.asked.take().is_some() {
                    warn!("history is read again");
                }
                let intake = self.step.handle_restored(restored, now);
                self.log_refused(&intake, now);
            }
            Err(error) => {
                warn!("history not read: {}", said(&error));
                self.asked = Some(now);
            }
        }
    }

    /// Stores whatever there is, at once.
    async fn finish(mut self) -> Result<(), StoreError> {
        self.inputs.close();
        while let Ok(input) = self.inputs.try_recv() {
            let now = self.now();
            self.take_at(input, now);
        }
        if let Some(commit) = self.in_flight.take() {
            let taken = commit.await;
            self.committed(taken);
        }
        let now = self.now();
        if self.belief.doubts() && self.hold.take().is_some() {
            warn!("what was heard is not stored: {CLOCK_NOT_SET}");
            return Ok(());
        }
        self.hold = None;
        self.look_up(now).await;
        self.step.flush();
        while let Some(batch) = self.step.poll_commit(now) {
            self.riding.append(&mut self.made);
            match self.store.commit(&batch).await {
                Ok(last) => self.committed(Ok(last)),
                Err(error) => return Err(error),
            }
        }
        self.answer_uploads(now);
        debug!("everything is stored");
        Ok(())
    }

    fn nap(&self) -> Duration {
        let now = self.clock.now();
        // While nothing is stored only what the engine waits for can come due.
        let due = if self.stores() {
            self.step.poll_timeout()
        } else {
            self.step.engine().poll_timeout()
        };
        let due = due.map(|it| it.mono);
        let shown = self.picture.due();
        let longest = if self.hold.is_some() { LOOK_AT_CLOCK } else { LONGEST_NAP };
        let next = due.into_iter().chain(shown).min();
        let standstill = Some(self.waits_for_history()).filter(|it| !it.is_zero());
        let next = next.map(|it| it.saturating_sub(now.mono));
        next.into_iter().chain(standstill).min().unwrap_or(longest).min(longest)
    }

    fn log_refused(&mut self, intake: &Intake, now: Now) {
        for line in self.refusals.lines(intake, now) {
            warn!("{line}");
        }
    }

    fn now(&mut self) -> Now {
        let now = self.clock.now();
        let step = stepped(self.last, now);
        if step != 0 {
            warn!("the wall clock was set: by {} s", step / 1_000_000);
        }
        self.last = now;
        let known = self.step.engine().frontier();
        self.belief.time(now, known, self.policy.future, self.synchronised)
    }
}

async fn landed(commit: &mut Option<Commit>) -> Result<u64, StoreError> {
    match commit {
        Some(commit) => commit.await,
        None => pending().await,
    }
}

/// The longest sleep: tokio's timer does not count suspend, and nobody tells of a clock that was
/// set; both are noticed after at most so long.
const LONGEST_NAP: Duration = Duration::from_secs(10);
/// How often a clock that is not set yet is looked at.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(1);
/// Why nothing is stored meanwhile.
pub(crate) const CLOCK_NOT_SET: &str = "the machine's clock is not set yet";
/// How long storing the rest may take at the end: service managers wait 90 s before they kill.
const LAST_COMMIT: Duration = Duration::from_secs(10);
/// How soon a store that could not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// How long a commit may keep inputs waiting while older facts are to be looked up.
const LONGEST_STANDSTILL: Duration = Duration::from_secs(2);
/// How many waiting inputs are taken before the store and the picture have their turn.
const BURST: usize = 64;

#[cfg(test)]
mod tests;
