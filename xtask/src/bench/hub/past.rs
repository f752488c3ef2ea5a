//! Thirty days of a pretend household, in a store.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use muster_core::batch::Restored;
use muster_core::directory::Edit;
use muster_core::engine::Engine;
use muster_core::policy::Policy;
use muster_core::ports::Store as _;
use muster_core::step::Step;
use muster_core::time::Now;
use muster_sim::household::{Household, TICK};
use muster_store::Access;
use muster_store::sqlite::Sqlite;

use super::super::stopwatch;

/// Plays the thirty days up to now into a new store.
pub(super) fn write(path: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(play(path))
}

async fn play(path: &Path) -> anyhow::Result<()> {
    let start = (stopwatch::civil() - PAST).floor(TICK);
    let store = Sqlite::open(path, Access::ReadWrite).await?;
    let at = |passed| Now { mono: passed, wall: start + passed };
    let restored = Restored {
        since: Engine::since(&Policy::default(), start),
        frontier: start,
        ..store.restore(start).await?
    };
    let now = at(Duration::ZERO);
    let mut step = Step::new(Engine::new(Policy::default(), restored, now), now);
    let mut household = Household::new(SEED, start);
    for person in household.people() {
        let (name, display) = (person.name.to_owned(), person.display.to_owned());
        step.handle_edit(Edit::AddPerson { name, display }, None, now)?;
    }
    let mut passed = Duration::ZERO;
    while passed < PAST {
        passed += TICK;
        let facts = household.facts_until(start + passed);
        ensure!(step.handle_facts(facts, at(passed)).refused.is_empty(), "facts were refused");
        if passed.as_secs().is_multiple_of(COMMIT_EVERY.as_secs()) {
            step.flush();
            while let Some(batch) = step.poll_commit(at(passed)) {
                step.handle_committed(store.commit(&batch).await?);
            }
        }
        if passed == DAY {
            assign(&mut step, &household, at(passed))?;
        }
    }
    store.close().await?;
    Ok(())
}

/// Gives everybody what is theirs, once it has been heard.
fn assign(step: &mut Step, household: &Household, now: Now) -> anyhow::Result<()> {
    let picture = step.snapshot(now);
    for thing in household.devices() {
        let is_it = |it: &&muster_core::snapshot::DeviceView| {
            it.identities.iter().any(|(_, identity)| *identity == thing.identity)
        };
        let device = picture.devices.iter().find(is_it).map(|it| it.id);
        let owner = picture.directory.people.iter().find(|(_, it)| Some(&*it.name) == thing.owner);
        if let (Some(device), Some((person, _))) = (device, owner) {
            let person = Some(*person);
            step.handle_edit(Edit::Assign { device, person, from: now.wall - DAY }, None, now)?;
        }
    }
    Ok(())
}

const SEED: u64 = 1;
const DAY: Duration = Duration::from_hours(24);
const PAST: Duration = Duration::from_hours(24 * 30);
const COMMIT_EVERY: Duration = Duration::from_hours(1);
