//! What a day of a household writes: flash cards wear out by bytes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use muster_core::fact::{Fact, FactBody, Outcome, Probe};
use muster_core::ports::Store as _;
use muster_core::step::Step;
use muster_store::Access;
use muster_store::sqlite::Sqlite;

use super::facts;
use super::figure::{mib, row, times};
use super::stopwatch::io_of;

pub(super) fn measure() -> anyhow::Result<()> {
    let muster = child("muster")?;
    row("a day of 30 devices, log included", &format!("{:.1} MiB", mib(muster)));
    let plain = child("plain")?;
    row("one INSERT and commit for each answer", &format!("{:.1} MiB", mib(plain)));
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    times("the latter to the former", plain as f64, muster as f64);
    Ok(())
}

/// Bytes that a process of its own handed to the kernel.
fn child(way: &str) -> anyhow::Result<u64> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["bench", "--child", "wear", way]).arg(folder.path()).output()?;
    ensure!(output.status.success(), "it failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// The child's work: a day, and how many bytes it took.
pub(super) fn live(arguments: &[String]) -> anyhow::Result<()> {
    let [way, folder] = arguments else { anyhow::bail!("which way, and where?") };
    let path = Path::new(folder).join("muster.db");
    if way == "plain" {
        return plain(&path);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(a_day(&path))
}

/// Every device is asked once a minute and answers, as busy as a household can be; the hub has a
/// sink that keeps its place every five seconds.
async fn a_day(path: &Path) -> anyhow::Result<()> {
    let store = Sqlite::open(path, Access::ReadWrite).await?;
    let mut step = facts::empty_step();
    let listener = facts::listener("hub");
    let before = io_of("self", "wchar")?;
    for tick in 0..DAY.as_secs() / TICK.as_secs() {
        let begin = TICK * u32::try_from(tick)?;
        let turn = u32::try_from(tick % 6)?;
        let mut facts: Vec<Fact> = Vec::new();
        for device in (0..DEVICES).filter(|it| it % 6 == turn) {
            let at = facts::START + begin + Duration::from_millis(u64::from(device) * 300);
            let identity = facts::identity(device);
            let body = FactBody::Probe(Probe { identity, at, outcome: Outcome::Answered });
            facts.push(Fact { listener: Arc::clone(&listener), body });
        }
        facts.push(facts::coverage(&listener, facts::START + begin, TICK));
        let now = facts::after(begin + TICK);
        ensure!(step.handle_facts(facts, now).refused.is_empty(), "facts were refused");
        commit(&mut step, &store, begin + TICK).await?;
        store.set_cursor("graphite", now.wall.micros()).await?;
    }
    step.flush();
    commit(&mut step, &store, DAY).await?;
    ensure!(step.engine().stays().count() == DEVICES as usize, "not everybody is here");
    store.close().await?;
    println!("{}", io_of("self", "wchar")? - before);
    Ok(())
}

async fn commit(step: &mut Step, store: &Sqlite, passed: Duration) -> anyhow::Result<()> {
    while let Some(batch) = step.poll_commit(facts::after(passed)) {
        step.handle_committed(store.commit(&batch).await?);
    }
    Ok(())
}

/// The comparison, for an hour, times 24.
fn plain(path: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("python3");
    command.args(["-c", include_str!("wear_row_by_row.py")]).arg(path);
    let output = command.output().context("cannot start python3\nhint: apt-get install python3")?;
    ensure!(output.status.success(), "it failed: {}", String::from_utf8_lossy(&output.stderr));
    print!("{}", String::from_utf8(output.stdout)?);
    Ok(())
}

const DEVICES: u32 = 30;
const TICK: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_hours(24);
