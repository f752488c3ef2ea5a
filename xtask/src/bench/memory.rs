//! Memory for many devices: the peak of a process that has heard each of them, less that of one
//! that has heard nobody.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use muster_core::fact::Fact;
use muster_core::step::Step;

use super::facts;
use super::figure::{Figures, RUNS, mib, row};
use super::stopwatch::status_of;

pub(super) fn measure() -> anyhow::Result<()> {
    let (mut peak, mut kept) = <(Figures, Figures)>::default();
    for _ in 0..RUNS {
        let (empty, full) = (child(0)?, child(DEVICES)?);
        peak.add(mib(full.0.saturating_sub(empty.0)));
        kept.add(mib(full.1.saturating_sub(empty.1)));
    }
    row("100,000 devices present, peak less an empty process", &peak.text("MiB"));
    row("the same, resident in the end", &kept.text("MiB"));
    let each = peak.median() * f64::from(1 << 20) / f64::from(DEVICES);
    row("a device", &format!("{each:.0} bytes"));
    Ok(())
}

/// Peak and resident memory of a process with so many devices.
fn child(devices: u32) -> anyhow::Result<(u64, u64)> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["bench", "--child", "memory", &devices.to_string()]).output()?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success(),
        "the process failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (peak, kept) = text.trim().split_once(' ').context("no figures came")?;
    Ok((peak.parse()?, kept.parse()?))
}

/// The child's work: hears every device twice, and prints what that took.
pub(super) fn fill(arguments: &[String]) -> anyhow::Result<()> {
    let devices: u32 = arguments.first().context("how many devices?")?.parse()?;
    let mut step = facts::empty_step();
    let listener = facts::listener("hub");
    for round in 0..ROUNDS {
        let begin = ROUND * round;
        for first in (0..devices).step_by(CHUNK) {
            let last = devices.min(first + u32::try_from(CHUNK)?);
            let at = |it: u32| facts::START + begin + EACH * it;
            let some: Vec<Fact> =
                (first..last).map(|it| facts::sighting(&listener, it, at(it))).collect();
            take(&mut step, some, begin + EACH * last)?;
        }
        let covered = facts::coverage(&listener, facts::START + begin, ROUND);
        take(&mut step, vec![covered], begin + ROUND)?;
    }
    let here = step.engine().stays().count();
    ensure!(here == devices as usize, "not everybody is here: {here}");
    println!("{} {}", status_of("self", "VmHWM")?, status_of("self", "VmRSS")?);
    Ok(())
}

/// Hands facts in and has everything stored, as a hub does whose store takes it.
fn take(step: &mut Step, facts: Vec<Fact>, passed: Duration) -> anyhow::Result<()> {
    let now = facts::after(passed);
    let intake = step.handle_facts(facts, now);
    ensure!(intake.refused.is_empty(), "facts were refused");
    while let Some(batch) = step.poll_commit(now) {
        step.handle_committed(batch.changes.len() as u64);
    }
    Ok(())
}

const DEVICES: u32 = 100_000;
const ROUNDS: u32 = 3;
const ROUND: Duration = Duration::from_secs(20);
const EACH: Duration = Duration::from_micros(190);
/// Devices that are heard together.
const CHUNK: usize = 1_000;
