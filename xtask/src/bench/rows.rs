//! What monitors send, from bytes to what is durable, in each store, when every fact is a reading of its
//! own; beside it the way of a fleet that writes to its database itself.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use muster_core::ingest::Ingest;
use muster_core::ports::{ReadingQuery, ReadingsOf, StoreError};
use muster_core::span::Span;
use muster_core::step::Step;
use muster_core::time::Now;
use muster_core::uplink::{Reply, Rights, StoreId};
use muster_store::Kept;
use muster_wire::batch;
use tokio::task::JoinHandle;

use super::building::{self, DEVICES, INTERVAL, MONITORS};
use super::facts;
use super::figure::{Figures, RUNS, rate, row, times};
use super::servers::Home;
use super::staging;
use super::stopwatch::{self, Stopwatch};

pub(super) fn measure() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).enable_all().build()?;
    let uploads = uploads();
    let bytes: usize = uploads.iter().map(|it| it.1.len()).sum();
    row("facts sent", &format!("{} in {} uploads", READINGS, uploads.len()));
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    row("bytes of a fact on its way", &format!("{:.2}", bytes as f64 / READINGS as f64));
    for home in Home::all(folder.path()) {
        let (mut speed, mut cpu, mut theirs) = <(Figures, Figures, Figures)>::default();
        for _ in 0..RUNS {
            home.empty()?;
            let begun = (Stopwatch::start(), stopwatch::cpu_of(std::process::id())?);
            let store = runtime.block_on(home.open())?;
            let used = runtime.block_on(take(&store, &uploads))?;
            speed.add(rate(READINGS, begun.0.elapsed()));
            cpu.add(rate(READINGS, used.saturating_sub(begun.1)));
            runtime.block_on(holds_all(&*store))?;
            runtime.block_on(store.close())?;
            drop(store);
            if let Home::MariaDb(server) = &home {
                theirs.add(staging::rate(server)?);
            }
        }
        let name = home.name();
        row(&format!("{name}: bytes of an upload to what is durable"), &speed.text("facts/s"));
        row(&format!("{name}: the same, a second of our processor time"), &cpu.text("facts/s"));
        if let Home::MariaDb(_) = home {
            row("row by row into staging, then a procedure", &theirs.text("facts/s"));
            times("the former to the latter", speed.median(), theirs.median());
        }
    }
    Ok(())
}

/// What each monitor sends, in order of time, as bytes.
fn uploads() -> Vec<(usize, Vec<u8>)> {
    let mut all = Vec::new();
    let mut first = 0;
    for round in 0..ROUNDS {
        let from = facts::START + INTERVAL * PER_UPLOAD * round;
        for monitor in 0..MONITORS.len() {
            let facts = building::heard(monitor, from, PER_UPLOAD);
            let sent = from + INTERVAL * PER_UPLOAD;
            let upload = building::upload(monitor, first, facts, sent);
            all.push((monitor, batch::compress(&batch::write(&upload))));
        }
        first += u64::from(PER_UPLOAD * DEVICES) + 1;
    }
    all
}

/// Takes all of them as a hub does: one commit is under way while the next come in. Processor time of
/// this process in the end.
async fn take(store: &Arc<dyn Kept>, uploads: &[(usize, Vec<u8>)]) -> anyhow::Result<Duration> {
    let mut step = facts::empty_step().with_ingest(Ingest::new(StoreId(1), Vec::new()));
    let mut under_way: Option<JoinHandle<Result<u64, StoreError>>> = None;
    let mut taken = 0;
    for round in uploads.chunks(MONITORS.len()) {
        let mut now = facts::after(Duration::ZERO);
        for (monitor, bytes) in round {
            let upload = batch::read(&batch::expand(bytes)?)?;
            let sent = upload.header.sent.context("a date")?;
            now = facts::after(sent.since(facts::START));
            let name = MONITORS.get(*monitor).copied().unwrap_or("none").into();
            let rights = Rights { monitor: name, sources: None, kinds: None };
            let (ticket, facts) =
                step.handle_upload(upload, &rights, now).context("nobody is let in")?;
            let intake = step.handle_facts(facts, now);
            ensure!(intake.refused.is_empty(), "facts were refused");
            step.handle_intake(ticket, &intake);
        }
        if let Some(commit) = under_way.take() {
            step.handle_committed(commit.await??);
        }
        taken += answered(&mut step, now);
        step.flush();
        let batch = step.poll_commit(now).context("nothing to store")?;
        let store = Arc::clone(store);
        under_way = Some(tokio::spawn(async move { store.commit(&batch).await }));
    }
    if let Some(commit) = under_way {
        step.handle_committed(commit.await??);
    }
    taken += answered(&mut step, facts::after(INTERVAL * PER_UPLOAD * ROUNDS));
    ensure!(taken == uploads.len(), "{taken} of {} uploads were acknowledged", uploads.len());
    stopwatch::cpu_of(std::process::id())
}

/// How many uploads were acknowledged since.
fn answered(step: &mut Step, now: Now) -> usize {
    let mut taken = 0;
    while let Some((_, reply)) = step.poll_reply(now) {
        taken += usize::from(matches!(reply, Reply::Taken(_)));
    }
    taken
}

/// Every fact is a reading, and every interval of a device has its winner.
async fn holds_all(store: &dyn Kept) -> anyhow::Result<()> {
    let window = Span::new(facts::START, facts::START + INTERVAL * PER_UPLOAD * ROUNDS);
    for (of, want) in
        [(ReadingsOf::Listeners, READINGS), (ReadingsOf::Winners, READINGS / MONITORS.len())]
    {
        let query = ReadingQuery { window, identities: Vec::new(), of };
        let found = store.readings(&query).await?.len();
        ensure!(found == want, "not every reading is stored: {found} of {want}");
    }
    Ok(())
}

/// Intervals in an upload.
const PER_UPLOAD: u32 = 16;
const ROUNDS: u32 = 38;
const READINGS: usize = (PER_UPLOAD * ROUNDS * DEVICES) as usize * MONITORS.len();
