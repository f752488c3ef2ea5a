//! Drives a series sink: asks the feed what to send next, computes it from what is stored, and
//! hands it over.
//!
//! Runs beside the loop and only reads: a sink that hangs delays nobody. What to send and when to
//! try again is the core's [`Feed`]. **Invariant:** only what is stored is sampled; while nothing
//! can be stored nothing is sent, and it is made up for afterwards. The cursor in the store is
//! never ahead of what the peer has for good.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use muster_core::ports::{Clock, Sample, SeriesSink, SinkError, Store, StoreError};
use muster_core::series::feed::{Feed, Lane, Pace, Piece};
use muster_core::series::{SinkHealth, SinkState, SinkTrouble};
use muster_core::snapshot::Snapshot;
use muster_core::time::{Now, Time};
use tokio::sync::watch;
use tracing::warn;

use self::reader::{Late, Reader};

mod reader;

/// A sink, and how it wants to be driven.
pub(crate) struct Sending {
    /// The name under which its cursor is kept.
    pub(crate) name: &'static str,
    /// Where it sends, for people.
    pub(crate) target: String,
    /// The sink.
    pub(crate) sink: Box<dyn SeriesSink>,
    /// Its cadence.
    pub(crate) every: Duration,
    /// How far back an outage is made good.
    pub(crate) backfill: Duration,
}

/// What a driven sink is connected to.
pub(crate) struct Wires {
    /// Where the journal and the cursor are.
    pub(crate) store: Arc<dyn Store>,
    /// The picture of now: who there is, and whether anything is being stored.
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The id of the last stored change.
    pub(crate) committed: watch::Receiver<u64>,
    /// The clocks.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where it is shown how the sink is doing.
    pub(crate) health: watch::Sender<SinkHealth>,
}

/// Runs until `stop`, or until nobody publishes pictures any more; then the cursor is stored.
pub(crate) async fn series(sending: Sending, wires: Wires, stop: impl Future<Output = ()>) {
    let name = sending.name;
    let mut dispatch = Dispatch::new(sending, wires);
    let mut stop = pin!(stop);
    loop {
        let nap = tokio::select! {
            biased;
            () = &mut stop => break,
            nap = dispatch.turn() => nap,
        };
        let snapshots = &mut dispatch.wires.snapshots;
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = tokio::time::sleep(nap) => {}
            seen = snapshots.changed(), if dispatch.waits => if seen.is_err() { break },
        }
    }
    if tokio::time::timeout(LAST_WRITE, dispatch.save()).await.is_err() {
        warn!(sink = name, "the store does not answer: the last samples are sent again next time");
    }
}

struct Dispatch {
    name: &'static str,
    sink: Box<dyn SeriesSink>,
    pace: Pace,
    wires: Wires,
    /// None until the first picture, and until the store has told where to go on.
    feed: Option<Feed>,
    in_order: Option<Reader>,
    ahead: Option<Reader>,
    /// The cursor as stored, and when that was (monotonic).
    saved: Option<(Time, Duration)>,
    /// Whether it waits for another picture.
    waits: bool,
    trouble: Option<String>,
    /// What is shown of it.
    shown: SinkHealth,
    /// How many given up samples the log tells of.
    told: u64,
}

impl Dispatch {
    fn new(sending: Sending, wires: Wires) -> Self {
        let Sending { name, target, sink, every, backfill } = sending;
        let shown = SinkHealth { name: name.to_owned(), target, ..SinkHealth::default() };
        let pace = Pace { every, backfill, unsure: sink.unsure() };
        let (in_order, ahead) = (None, None);
        let (feed, saved, trouble) = (None, None, None);
        let (waits, told) = (false, 0);
        Self { name, sink, pace, wires, feed, in_order, ahead, saved, waits, trouble, shown, told }
    }

    /// Sends what is due, if anything, and says how long to wait before the next turn.
    async fn turn(&mut self) -> Duration {
        let snapshot = Arc::clone(&self.wires.snapshots.borrow_and_update());
        self.waits = snapshot.at == Time::default() || snapshot.degraded.is_some();
        let nap = if self.waits {
            if let Some(why) = &snapshot.degraded {
                self.note(Some(format!("nothing is being stored: {why}")));
            }
            LONGEST_NAP
        } else {
            match self.step(&snapshot).await {
                Ok(nap) => nap,
                Err(error) => {
                    self.note(Some(said(&error)));
                    STORE_AGAIN
                }
            }
        };
        self.report();
        nap.min(LONGEST_NAP)
    }

    async fn step(&mut self, snapshot: &Snapshot) -> Result<Duration, StoreError> {
        let now = self.wires.clock.now();
        if self.feed.is_none() {
            let cursor = self.wires.store.cursor(self.name).await?.map(Time::from_micros);
            self.feed = Some(Feed::new(self.pace, cursor, now));
        }
        let Some(feed) = &mut self.feed else { return Ok(LONGEST_NAP) };
        if let Some(piece) = feed.poll(now)
            && let Some(samples) = self.sample(piece, snapshot).await?
        {
            self.deliver(piece, &samples).await;
        }
        let now = self.wires.clock.now();
        if self.is_to_be_saved(now) {
            self.save().await;
        }
        Ok(self.feed.as_ref().map_or(LONGEST_NAP, |it| it.next_in(now)))
    }

    /// The samples of a piece; none, if what was sent before turned out to be wrong: the feed is
    /// told, and goes back.
    async fn sample(
        &mut self,
        piece: Piece,
        snapshot: &Snapshot,
    ) -> Result<Option<Vec<Sample>>, StoreError> {
        let Some(feed) = &mut self.feed else { return Ok(None) };
        let stored = *self.wires.committed.borrow();
        let now = self.wires.clock.now().wall;
        let store = &*self.wires.store;
        let slot = match piece.lane {
            Lane::InOrder => &mut self.in_order,
            Lane::Ahead => &mut self.ahead,
        };
        // Taken out: one that failed half-way is loaded again.
        let mut reader = match slot.take() {
            Some(it) if it.reached() < piece.first => it,
            Some(_) | None => Reader::load(store, piece.first, stored).await?,
        };
        let last = feed.times(piece).last().unwrap_or(piece.first);
        if let Some(Late(decided)) = reader.read_to(store, last, stored, now).await? {
            feed.handle_late(decided);
            return Ok(None);
        }
        let samples = feed.times(piece).map(|at| reader.sample(at, &snapshot.directory)).collect();
        *slot = Some(reader);
        Ok(Some(samples))
    }

    async fn deliver(&mut self, piece: Piece, samples: &[Sample]) {
        let delivered = self.sink.deliver(samples).await;
        let now = self.wires.clock.now();
        let Some(feed) = &mut self.feed else { return };
        match delivered {
            Ok(()) => {
                feed.handle_delivered(piece, now);
                let dropped = feed.dropped();
                self.note(None);
                self.tell_dropped(dropped);
            }
            Err(SinkError::Retry(cause)) => {
                feed.handle_failed(now);
                self.note(Some(said(&*cause)));
            }
            Err(SinkError::Refused(cause)) => {
                feed.handle_refused(piece);
                self.note(Some(format!("samples were refused: {}", said(&*cause))));
            }
        }
    }

    /// Once in a while, to spare memory cards; at once when it must go back.
    fn is_to_be_saved(&self, now: Now) -> bool {
        let cursor = self.feed.as_ref().map(|it| it.cursor(now));
        match (self.saved, cursor) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some((at, when)), Some(cursor)) => {
                cursor < at || (cursor > at && now.mono.saturating_sub(when) >= SAVED_EVERY)
            }
        }
    }

    async fn save(&mut self) {
        let now = self.wires.clock.now();
        let Some(cursor) = self.feed.as_ref().map(|it| it.cursor(now)) else { return };
        if self.saved.is_some_and(|(at, _)| at == cursor) {
            return;
        }
        if let Err(error) = self.wires.store.set_cursor(self.name, cursor.micros()).await {
            warn!(sink = self.name, "where to go on is not stored: {}", said(&error));
        }
        self.saved = Some((cursor, now.mono));
    }

    /// Logs trouble when it begins, changes and ends.
    fn note(&mut self, trouble: Option<String>) {
        let now = self.wires.clock.now().wall;
        let state = match trouble {
            Some(_) => SinkState::Failing,
            None => SinkState::Delivering,
        };
        if self.shown.state != state {
            (self.shown.state, self.shown.since) = (state, Some(now));
        }
        if self.trouble == trouble {
            return;
        }
        if let Some(it) = &trouble {
            self.shown.last_error = Some(SinkTrouble { at: now, what: it.clone() });
            warn!(sink = self.name, "not delivered, kept for later: {it}");
        } else {
            // As loud as its beginning: whoever reads of trouble must not have to guess.
            warn!(sink = self.name, "delivers again");
        }
        self.trouble = trouble;
    }

    /// Not while it fails: then there are more of them every few seconds.
    fn tell_dropped(&mut self, dropped: u64) {
        if dropped > self.told {
            let samples = dropped - self.told;
            warn!(sink = self.name, samples, "given up: refused, or older than backfill allows");
            self.told = dropped;
        }
    }

    fn report(&mut self) {
        let now = self.wires.clock.now();
        if let Some(feed) = &self.feed {
            self.shown.delivered_to = Some(feed.delivered_to());
            self.shown.backlog = feed.backlog(now);
            (self.shown.dropped, self.shown.lost) = (feed.dropped(), feed.lost());
        }
        self.wires.health.send_if_modified(|old| {
            let changed = *old != self.shown;
            old.clone_from(&self.shown);
            changed
        });
    }
}

fn said(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        text = format!("{text}: {cause}");
        at = cause.source();
    }
    text
}

/// The longest sleep: a clock that was set is noticed after at most so long.
const LONGEST_NAP: Duration = Duration::from_secs(10);
/// How soon a store that could not answer is asked again.
const STORE_AGAIN: Duration = Duration::from_secs(5);
/// How often the cursor is stored: what was sent since is sent again after a crash.
const SAVED_EVERY: Duration = Duration::from_mins(5);
/// How long storing the cursor may take at the end.
const LAST_WRITE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
