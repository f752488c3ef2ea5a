//! Does what a relay says: carries facts in, uploads out, and asks the spool one thing at a time.
//!
//! Decides nothing about facts. **Invariant:** the relay is asked again after everything that happens;
//! when the driver ends, what is not with the hub is in the spool, or it said what is not.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::Fact;
use muster_core::ports::{BoxFuture, Clock};
use muster_core::relay::spool::{ReadWork, SpoolRead, SpoolWork, Spooled};
use muster_core::relay::{Do, Relay, Sending, Trouble};
use muster_core::time::Now;
use muster_core::uplink::{Health, Reply};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::hub::{Hub, Unreached};
use crate::spool::{Spool, SpoolError};

#[cfg(test)]
mod tests;

/// What a monitor's program tells its relay.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// What sources noticed, in the order in which they did.
    Facts(Vec<Fact>),
    /// What is wrong with a source, in plain words; none: nothing any more.
    Error(Option<Box<str>>),
}

/// How things stand between a monitor and its hub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the hub answered the last time; none: it was not asked yet.
    pub reached: Option<bool>,
    /// Why it did not, in plain words.
    pub why: Option<Box<str>>,
    /// What to do about that.
    pub hint: Option<&'static str>,
    /// Why facts do not reach the hub though it answers, or why they do not reach the disk.
    pub trouble: Option<Trouble>,
    /// How many facts wait in the spool.
    pub waiting: u64,
    /// How many facts were thinned away, ever.
    pub thinned: u64,
    /// How many facts were dropped, ever.
    pub dropped: u64,
    /// How many facts the hub refused since the start.
    pub refused: u64,
    /// Why the hub refused some the last time.
    pub refusal: Option<Box<str>>,
}

/// A relay with its machine.
pub struct Driver {
    relay: Relay,
    hub: Arc<Hub>,
    /// None while it is asked.
    spool: Option<Spool>,
    asked: Option<BoxFuture<'static, (Spool, Outcome)>>,
    uploads: JoinSet<(u64, Result<Reply, Unreached>)>,
    clock: Arc<dyn Clock>,
    synchronised: fn() -> bool,
    /// What is wrong with a source.
    error: Option<Box<str>>,
    standing: watch::Sender<Standing>,
}

/// What became of what was asked of the spool.
enum Outcome {
    Written(Result<(), SpoolError>),
    Read(Result<SpoolRead, SpoolError>),
}

impl Driver {
    /// A relay that goes on where the spool ends; `synchronised` says whether somebody keeps the
    /// machine's wall clock right.
    #[must_use]
    pub fn new(
        relay: Relay,
        hub: Hub,
        spool: Spool,
        clock: Arc<dyn Clock>,
        synchronised: fn() -> bool,
    ) -> Self {
        let Spooled { thinned, dropped, .. } = *relay.spooled();
        let waiting = relay.spooled().rows();
        let standing = Standing { waiting, thinned, dropped, ..Standing::default() };
        Self {
            relay,
            hub: Arc::new(hub),
            spool: Some(spool),
            asked: None,
            uploads: JoinSet::new(),
            clock,
            synchronised,
            error: None,
            standing: watch::Sender::new(standing),
        }
    }

    /// How things stand, whenever that changes.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Carries until `stop`, then writes down what the hub does not have.
    pub async fn run(
        mut self,
        mut told: mpsc::Receiver<Told>,
        stop: impl Future<Output = ()>,
    ) -> Result<Standing, Unkept> {
        let mut stop = pin!(stop);
        let mut is_open = true;
        loop {
            self.turn();
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = self.happens() => {}
                it = told.recv(), if is_open && !self.relay.is_full() => match it {
                    Some(it) => self.take(it),
                    None => is_open = false,
                },
            }
        }
        told.close();
        while let Ok(it) = told.try_recv() {
            self.take(it);
        }
        // What the hub is just answering need not be written down and told again.
        let answered = async {
            while !self.uploads.is_empty() {
                self.happens().await;
            }
        };
        if tokio::time::timeout(LAST_ANSWERS, answered).await.is_err() {
            tracing::debug!("the hub was still to answer at the end");
        }
        self.finish().await
    }

    /// Delivers facts, and what waited before them, and ends: when the hub has all, when it was not
    /// reached or took nothing, at `stop`, or after [`DELIVER_WITHIN`]. What it does not have by then is
    /// written down.
    pub async fn deliver(
        mut self,
        facts: Vec<Fact>,
        stop: impl Future<Output = ()>,
    ) -> Result<Standing, Unkept> {
        self.take(Told::Facts(facts));
        let delivering = async {
            loop {
                self.turn();
                let it = self.standing.borrow().clone();
                let is_done = it.waiting == 0 && self.relay.unkept() == 0;
                if it.reached == Some(false) || it.trouble.is_some() || is_done {
                    return;
                }
                self.happens().await;
            }
        };
        let late = tokio::select! {
            () = delivering => None,
            () = stop => Some("it was stopped before there was an answer"),
            () = tokio::time::sleep(DELIVER_WITHIN) => Some("it takes too long"),
        };
        if let Some(why) = late {
            self.standing.send_modify(|it| it.why = Some(why.into()));
        }
        self.finish().await
    }

    fn take(&mut self, it: Told) {
        match it {
            Told::Facts(facts) => {
                let now = self.clock.now();
                self.relay.handle_facts(facts, now);
            }
            Told::Error(error) => self.error = error,
        }
    }

    /// Does all that the relay wants done.
    fn turn(&mut self) {
        let now = self.clock.now();
        self.relay.handle_clock(now, (self.synchronised)());
        let spool = match self.relay.trouble() {
            Some(Trouble::Spool(why)) => Some(why.clone()),
            Some(_) | None => None,
        };
        self.relay.handle_error(spool.or_else(|| self.error.clone()));
        while let Some(what) = self.relay.poll(now) {
            match what {
                Do::Send(it) => self.send(it),
                Do::Write(it) => self.ask(move |spool| write(spool, it)),
                Do::Read(it) => self.ask(move |spool| read(spool, it)),
            }
        }
        let Spooled { thinned, dropped, .. } = *self.relay.spooled();
        let (waiting, trouble) = (self.relay.spooled().rows(), self.relay.trouble().cloned());
        self.standing.send_if_modified(|it| {
            let next = Standing { trouble, waiting, thinned, dropped, ..it.clone() };
            let is_news = *it != next;
            *it = next;
            is_news
        });
    }

    fn send(&mut self, it: Sending) {
        let hub = Arc::clone(&self.hub);
        self.uploads.spawn(async move { (it.number, hub.upload(it.upload).await) });
    }

    fn ask(&mut self, how: impl FnOnce(Spool) -> BoxFuture<'static, (Spool, Outcome)>) {
        // The relay asks one thing at a time.
        self.asked = self.spool.take().map(how);
    }

    /// Waits for the next thing that the relay has to know, and tells it. Cancel-safe.
    async fn happens(&mut self) {
        let now = self.clock.now();
        let due = self.relay.poll_timeout().map_or(LONGEST_NAP, |it| it.saturating_sub(now.mono));
        tokio::select! {
            (spool, outcome) = landed(&mut self.asked) => {
                self.asked = None;
                self.spool = Some(spool);
                self.spooled(outcome);
            }
            Some(joined) = self.uploads.join_next() => match joined {
                Ok((number, replied)) => self.replied(number, replied),
                // The relay gives it up when its time is over.
                Err(it) => tracing::error!("an upload ended by a defect: {it}"),
            },
            () = tokio::time::sleep(due.clamp(SHORTEST_NAP, LONGEST_NAP)) => {
                let now = self.clock.now();
                self.relay.handle_timeout(now);
            }
        }
    }

    fn spooled(&mut self, outcome: Outcome) {
        let now = self.clock.now();
        let plain = |it: &SpoolError| -> Box<str> { it.to_string().into() };
        match outcome {
            Outcome::Written(it) => self.relay.handle_written(it.map_err(|it| plain(&it)), now),
            Outcome::Read(it) => self.relay.handle_read(it.map_err(|it| plain(&it)), now),
        }
    }

    fn replied(&mut self, number: u64, replied: Result<Reply, Unreached>) {
        let now: Now = self.clock.now();
        match replied {
            Ok(reply) => {
                let refused = match &reply {
                    Reply::Taken(it) => it.refused.as_slice(),
                    Reply::Busy { .. }
                    | Reply::OtherStore { .. }
                    | Reply::Unauthorised
                    | Reply::Malformed { .. } => &[],
                };
                let count = refused.iter().map(|(_, count)| count).sum::<u64>();
                let why = refused.first().map(|(why, _)| Health::line(why, Health::MAX_ERROR));
                self.standing.send_if_modified(|it| {
                    let is_news = it.reached != Some(true) || count > 0;
                    (it.reached, it.why, it.hint) = (Some(true), None, None);
                    it.refused = it.refused.saturating_add(count);
                    it.refusal = why.or(it.refusal.take());
                    is_news
                });
                self.relay.handle_reply(number, reply, now);
            }
            Err(error) => {
                tracing::debug!("an upload did not arrive: {}", said(&error));
                let why = Some(said(&error).into_boxed_str());
                self.standing.send_if_modified(|it| {
                    let is_news = it.reached != Some(false) || it.why != why;
                    (it.reached, it.why, it.hint) = (Some(false), why, error.hint());
                    is_news
                });
                self.relay.handle_unreachable(number, now);
            }
        }
    }

    /// Writes down what is left, and lets go of the spool.
    async fn finish(mut self) -> Result<Standing, Unkept> {
        self.relay.close();
        self.uploads.abort_all();
        let writing = async {
            loop {
                self.turn();
                // What is read now is sent the next time.
                if self.relay.unkept() == 0 && !self.is_writing() {
                    return;
                }
                self.happens().await;
            }
        };
        let is_late = tokio::time::timeout(LAST_WRITES, writing).await.is_err();
        let (count, standing) = (self.relay.unkept(), self.standing.borrow().clone());
        if is_late || count > 0 {
            let why = match standing.trouble {
                Some(Trouble::Spool(why)) => why,
                Some(_) | None => "the disk does not answer".into(),
            };
            return Err(Unkept { count, why });
        }
        if let Some(spool) = self.spool
            && let Err(cause) = spool.close().await
        {
            tracing::warn!("the spool was not closed in order, which loses nothing: {cause}");
        }
        Ok(standing)
    }

    fn is_writing(&self) -> bool {
        self.asked.is_some()
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("relay", &self.relay).finish_non_exhaustive()
    }
}

/// Facts that are neither with the hub nor on the disk at the end: they are lost.
#[derive(Debug, thiserror::Error)]
#[error("{count} facts are lost, neither the hub nor the disk took them: {why}")]
pub struct Unkept {
    /// How many.
    pub count: usize,
    /// Why.
    pub why: Box<str>,
}

/// An error with all that lies beneath it.
fn said(error: &Unreached) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        text.push_str(": ");
        text.push_str(&it.to_string());
        cause = it.source();
    }
    Health::line(&text, LONGEST_LINE).into()
}

fn write(mut spool: Spool, work: SpoolWork) -> BoxFuture<'static, (Spool, Outcome)> {
    Box::pin(async move {
        let outcome = Outcome::Written(spool.write(&work).await);
        (spool, outcome)
    })
}

fn read(mut spool: Spool, work: ReadWork) -> BoxFuture<'static, (Spool, Outcome)> {
    Box::pin(async move {
        let outcome = Outcome::Read(spool.read(work).await);
        (spool, outcome)
    })
}

/// The end of what was asked; never, if nothing was.
async fn landed<T>(asked: &mut Option<BoxFuture<'static, T>>) -> T {
    match asked {
        Some(it) => it.await,
        None => std::future::pending().await,
    }
}

/// How long a single delivery may take: a commit of the hub is 2 s away.
pub const DELIVER_WITHIN: Duration = Duration::from_mins(1);
/// How long answers that are under way at the end may take.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// How long the last writes may take: a tired card makes a page durable in seconds.
const LAST_WRITES: Duration = Duration::from_secs(10);
/// The machine's clock is looked at so often.
const LONGEST_NAP: Duration = Duration::from_secs(30);
/// Timers are no finer.
const SHORTEST_NAP: Duration = Duration::from_millis(1);
/// A line of a log.
const LONGEST_LINE: usize = 400;
