//! Fact file, engine, `SQLite`: how fast a recording comes in when every sighting is a reading of
//! its own, so that nothing is merged away.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use muster_core::fact::{Fact, FactBody};
use muster_core::ports::{ReadingQuery, ReadingsOf, Store as _, StoreError};
use muster_core::span::Span;
use muster_core::time::{Now, Time};
use muster_store::Access;
use muster_store::sqlite::Sqlite;
use muster_wire::fact_file::{FactReader, write_line};
use tokio::task::JoinHandle;

use super::facts;
use super::figure::{Figures, RUNS, rate, row, times};
use super::stopwatch::{self, Stopwatch, timed};

pub(super) fn measure() -> anyhow::Result<()> {
    SHAPES.iter().try_for_each(Shape::measure)
}

/// What is in a file: every sighting is of another (device, interval, monitor).
struct Shape {
    devices: u32,
    monitors: u32,
    /// Of five minutes, the length of a reading.
    intervals: u32,
}

impl Shape {
    fn measure(&self) -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("facts.jsonl");
        self.write(&file)?;
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build()?;
        let mut all = [(); 5].map(|()| Figures::default());
        let [read_only, judged, whole, cpu, plain] = &mut all;
        let (readings, lines) = (self.readings(), self.lines());
        for run in 0..RUNS {
            let (taken, count) = timed(|| read(&file));
            ensure!(count? == lines, "not every fact was read");
            read_only.add(rate(lines, taken));
            let (taken, count) = timed(|| judge(&file));
            ensure!(count? == lines as u64, "not every fact was judged");
            judged.add(rate(lines, taken));
            let path = folder.path().join(format!("{run}.db"));
            let begun = (Stopwatch::start(), stopwatch::cpu_of(std::process::id())?);
            let used = runtime.block_on(store(&file, &path))?;
            whole.add(rate(lines, begun.0.elapsed()));
            cpu.add(rate(lines, used.saturating_sub(begun.1)));
            let kept = runtime.block_on(stored(&path))?;
            ensure!(kept == readings, "not every reading is stored: {kept} of {readings}");
            let taken = row_by_row(&file, &folder.path().join(format!("{run}.plain.db")))?;
            plain.add(rate(lines, taken));
        }
        let Self { devices, monitors, .. } = self;
        let [read_only, judged, whole, cpu, plain] = all;
        row(&format!("{devices} devices, {monitors} monitors"), &format!("{lines} facts"));
        row("file, engine, SQLite", &whole.text("facts/s"));
        row("the same, a second of processor time", &cpu.text("facts/s"));
        row("file and engine alone", &judged.text("facts/s"));
        row("file alone", &read_only.text("facts/s"));
        row("a script: parse, one INSERT for each fact", &plain.text("facts/s"));
        times("the whole to the script", whole.median(), plain.median());
        Ok(())
    }

    fn readings(&self) -> usize {
        (self.devices * self.monitors * self.intervals) as usize
    }

    /// Readings, and the coverage of each monitor behind each interval of them.
    fn lines(&self) -> usize {
        self.readings() + (self.monitors * self.intervals) as usize
    }

    /// Every device once in every interval at every monitor, in order of time.
    fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        let listeners = (1..=self.monitors).map(|it| facts::listener(&format!("monitor{it}")));
        let listeners: Vec<_> = listeners.collect();
        for interval in 0..self.intervals {
            let from = facts::START + INTERVAL * interval;
            let mut rounds: Vec<_> = listeners
                .iter()
                .map(|it| facts::round(it, self.devices, from, INTERVAL).into_iter())
                .collect();
            for _ in 0..=self.devices {
                for fact in rounds.iter_mut().filter_map(Iterator::next) {
                    writeln!(out, "{}", write_line(&fact))?;
                }
            }
        }
        out.flush()?;
        Ok(())
    }
}

/// A fact file, some facts at a time.
struct Recording {
    lines: BufReader<File>,
    reader: FactReader,
    line: String,
}

impl Recording {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let lines = BufReader::with_capacity(1 << 16, File::open(path)?);
        Ok(Self { lines, reader: FactReader::new(), line: String::new() })
    }

    /// The next facts; none at the end.
    fn take(&mut self) -> anyhow::Result<Option<Vec<Fact>>> {
        let mut facts = Vec::with_capacity(CHUNK + 1);
        while facts.len() < CHUNK && self.lines.read_line(&mut self.line)? > 0 {
            facts.extend(self.reader.read_line(&self.line)?);
            self.line.clear();
        }
        Ok((!facts.is_empty()).then_some(facts))
    }
}

/// The file alone: how many facts it holds.
fn read(path: &Path) -> anyhow::Result<usize> {
    let mut recording = Recording::open(path)?;
    let mut count = 0;
    while let Some(facts) = recording.take()? {
        count += facts.len();
    }
    Ok(count)
}

/// File and engine, with what is to be stored thrown away; how many facts were taken.
fn judge(path: &Path) -> anyhow::Result<u64> {
    let (mut recording, mut step, mut taken) = (Recording::open(path)?, facts::empty_step(), 0);
    while let Some(facts) = recording.take()? {
        let now = until(&facts);
        taken += step.handle_facts(facts, now).accepted;
        step.flush();
        if let Some(batch) = step.poll_commit(now) {
            step.handle_committed(batch.changes.len() as u64);
        }
    }
    Ok(taken)
}

/// The whole path. As in the hub, one commit is under way while the next facts come in. Processor
/// time of this process in the end, before the store's threads are gone.
async fn store(file: &Path, path: &Path) -> anyhow::Result<Duration> {
    let store = Arc::new(Sqlite::open(path, Access::ReadWrite).await?);
    let (mut recording, mut step) = (Recording::open(file)?, facts::empty_step());
    let mut under_way: Option<JoinHandle<Result<u64, StoreError>>> = None;
    while let Some(facts) = recording.take()? {
        let now = until(&facts);
        ensure!(step.handle_facts(facts, now).refused.is_empty(), "facts were refused");
        if let Some(commit) = under_way.take() {
            step.handle_committed(commit.await??);
        }
        step.flush();
        if let Some(batch) = step.poll_commit(now) {
            let store = Arc::clone(&store);
            under_way = Some(tokio::spawn(async move { store.commit(&batch).await }));
        }
    }
    if let Some(commit) = under_way {
        step.handle_committed(commit.await??);
    }
    ensure!(!step.engine().wants_commit().0, "not everything is stored");
    let used = stopwatch::cpu_of(std::process::id())?;
    Arc::into_inner(store).context("the store is still in use")?.close().await?;
    Ok(used)
}

/// How many readings a store holds.
async fn stored(path: &Path) -> anyhow::Result<usize> {
    let store = Sqlite::open(path, Access::ReadOnly).await?;
    let window = Span::new(facts::START, Time::MAX);
    let query = ReadingQuery { window, identities: Vec::new(), of: ReadingsOf::Listeners };
    let readings = store.readings(&query).await?;
    store.close().await?;
    Ok(readings.len())
}

/// The comparison: how long it takes.
fn row_by_row(file: &Path, store: &Path) -> anyhow::Result<Duration> {
    let mut command = Command::new("python3");
    command.args(["-c", include_str!("ingest_row_by_row.py")]).args([file, store]);
    let output = command.output().context("cannot start python3\nhint: apt-get install python3")?;
    ensure!(
        output.status.success(),
        "the script failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(Duration::from_secs_f64(seconds))
}

/// Both clocks when the last of these facts came.
fn until(facts: &[Fact]) -> Now {
    let at = facts.last().map_or(facts::START, |it| match &it.body {
        FactBody::Coverage(span) => span.to,
        FactBody::Sighting(it) => it.at,
        FactBody::Probe(it) => it.at,
        FactBody::Level(it) => it.at,
        FactBody::Detail(it) => it.at,
    });
    facts::after(at.since(facts::START))
}

/// A building as others track it, and a crowd whose every fact is another device's.
const SHAPES: [Shape; 2] = [
    Shape { devices: 200, monitors: 5, intervals: 600 },
    Shape { devices: 10_000, monitors: 1, intervals: 60 },
];
const INTERVAL: Duration = Duration::from_mins(5);
/// Facts in a commit, as `muster replay` makes them.
const CHUNK: usize = 16_384;
