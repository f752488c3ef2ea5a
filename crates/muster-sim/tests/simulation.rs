//! The hub's real machines in virtual time, against the reference: fixed seeds.

use muster_sim::generator::World;
use muster_sim::simulate::{run, run_worlds};

#[test]
fn worlds_end_as_the_reference_says() {
    let (first, count) = seeds();
    let report = run(first..first + count);
    let first = report.failures.first().map(ToString::to_string).unwrap_or_default();
    let brief = report.failures.iter().map(|it| format!("seed {}: {}", it.seed, it.what));
    let told: Vec<String> = std::iter::once(first).chain(brief.take(12)).collect();
    assert!(
        report.failures.is_empty(),
        "{} of {} runs failed: {:?}\n{}",
        report.failures.len(),
        report.runs,
        report.failures.iter().map(|it| it.seed).collect::<Vec<_>>(),
        told.join("\n")
    );
    let met = report.tally;
    for (what, often, least) in [
        ("bridges", met.bridges, 20),
        ("splits", met.splits, 20),
        ("corrections", met.corrections, 500),
        ("assumed ends", met.assumed, 10),
        ("moves", met.moved, 10),
        ("conflicts", met.conflicts, 10),
        ("failed commits", met.faults, 50),
        ("kills", met.crashes, 20),
        ("restarts", met.restarts, 20),
        ("sleeps", met.sleeps, 5),
        ("clock steps", met.clock_steps, 5),
    ] {
        let often = often * 40 / report.runs;
        assert!(often >= least, "too seldom to mean anything: {what}: {often} in 40 worlds");
    }
}

/// Memory ends after three hours here, and is read again where something reaches further back: a
/// late fact, an edit, coverage after a long darkness. What memory forgets makes no difference.
#[test]
fn a_hub_that_forgets_ends_as_the_reference_says() {
    let report = run_worlds(0..100, World::forgetful);
    let first = report.failures.first().map(ToString::to_string).unwrap_or_default();
    assert!(report.failures.is_empty(), "{first}");
    assert!(report.tally.fetches >= 400, "memory hardly ever ended: {}", report.tally.fetches);
}

fn seeds() -> (u64, u64) {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    (number("MUSTER_FIRST").unwrap_or(0), number("MUSTER_SEEDS").unwrap_or(40))
}
