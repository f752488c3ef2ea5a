//! How fast the engine takes sightings on one core: 10,000 devices, each heard every ten seconds,
//! with the coverage and the commits of a busy hub in between.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use anyhow::ensure;
use muster_core::engine::Engine;
use muster_core::fact::{Fact, FactBody};
use muster_core::identity::Identity;
use muster_core::time::Time;

use super::facts;
use super::figure::{Figures, RUNS, rate, row, times};
use super::stopwatch::{own_cpu, timed};

pub(super) fn measure() -> anyhow::Result<()> {
    let (mut wall, mut cpu, mut table) = <(Figures, Figures, Figures)>::default();
    let count = (DEVICES * ROUNDS) as usize;
    for _ in 0..RUNS {
        let (taken, used) = engine()?;
        wall.add(rate(count, taken));
        cpu.add(rate(count, used));
        table.add(rate(count, last_seen()?));
    }
    row("the engine, by processor time", &cpu.text("sightings/s"));
    row("the engine, by the clock", &wall.text("sightings/s"));
    row("a table of last sightings alone, by processor time", &table.text("sightings/s"));
    times("the table to the engine", table.median(), cpu.median());
    Ok(())
}

/// The whole engine, from nothing; time on the clock and on the processor.
fn engine() -> anyhow::Result<(Duration, Duration)> {
    let rounds = rounds();
    let mut engine = facts::empty();
    let begun = own_cpu()?;
    let (taken, refused) = timed(|| play(&mut engine, rounds));
    let used = own_cpu()?.saturating_sub(begun);
    ensure!(refused == 0, "facts were refused: {refused}");
    ensure!(engine.stays().count() == DEVICES as usize, "not everybody is here");
    Ok((taken, used))
}

fn play(engine: &mut Engine, rounds: Vec<Vec<Fact>>) -> usize {
    let mut refused = 0;
    for (number, facts) in (1..).zip(rounds) {
        refused += engine.handle_facts(facts, facts::after(ROUND * number)).refused.len();
        if number % COMMIT_EVERY == 0 {
            black_box(engine.drain());
        }
    }
    refused
}

/// The least that any tracker does: first and last sighting by identity, nothing judged.
fn last_seen() -> anyhow::Result<Duration> {
    let rounds = rounds();
    let begun = own_cpu()?;
    let mut seen: BTreeMap<Identity, (Time, Time)> = BTreeMap::new();
    for fact in rounds.into_iter().flatten() {
        if let FactBody::Sighting(it) = fact.body {
            seen.entry(it.identity).or_insert((it.at, it.at)).1 = it.at;
        }
    }
    ensure!(black_box(seen).len() == DEVICES as usize, "not everybody was seen");
    Ok(own_cpu()?.saturating_sub(begun))
}

fn rounds() -> Vec<Vec<Fact>> {
    let listener = facts::listener("hub");
    let round = |it| facts::round(&listener, DEVICES, facts::START + ROUND * it, ROUND);
    (0..ROUNDS).map(round).collect()
}

const DEVICES: u32 = 10_000;
const ROUNDS: u32 = 30;
const ROUND: Duration = Duration::from_secs(10);
/// Rounds: once a minute.
const COMMIT_EVERY: u32 = 6;
