//! The hub's real machines in virtual time, against the reference: fixed seeds.

use muster_sim::simulate::{Game, run};

#[test]
fn worlds_end_as_the_reference_says() {
    let (first, count) = seeds();
    let report = run(Game::Usual, first..first + count);
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
    let report = run(Game::Forgetful, 0..100);
    let first = report.failures.first().map(ToString::to_string).unwrap_or_default();
    assert!(report.failures.is_empty(), "{first}");
    assert!(report.tally.fetches >= 400, "memory hardly ever ended: {}", report.tally.fetches);
}

/// Whoever is heard at two sites in the same moment moves in it, also where memory ends in between.
#[test]
fn a_move_at_the_end_of_memory_is_carried() {
    let report = run(Game::Forgetful, 3_716..3_717);
    let first = report.failures.first().map(ToString::to_string).unwrap_or_default();
    assert!(report.failures.is_empty(), "{first}");
}

/// A stay of a person that was over goes on after all, by what came late; and history leads back to where a
/// conflict was met. Of what an edit cuts before the floor no record tells the end or what was uncovered; two
/// stays begin in one moment at two sites; what was set by hand runs out while nobody is there.
#[test]
fn what_memory_forgot_is_judged_with_the_history_before_it() {
    for seed in [2_178, 3_114, 4_273, 4_402, 4_911, 4_935, 4_976, 5_171, 5_422, 5_899] {
        let report = run(Game::Forgetful, seed..seed + 1);
        let first = report.failures.first().map(ToString::to_string).unwrap_or_default();
        assert!(report.failures.is_empty(), "{first}");
    }
}

/// Two media are out, and the one that is back decides for the other as soon as it is.
#[test]
fn a_medium_that_is_back_decides_for_one_that_is_not() {
    for seed in [20_210, 21_232] {
        let report = run(Game::Usual, seed..seed + 1);
        let first = report.failures.first().map(ToString::to_string).unwrap_or_default();
        assert!(report.failures.is_empty(), "{first}");
    }
}

/// Only what a fact can change is judged again when it comes; judging everything again says the same.
#[test]
fn what_is_at_hand_is_what_a_fresh_start_says() {
    let report = run(Game::Close, 0..40);
    let first = report.failures.first().map(ToString::to_string).unwrap_or_default();
    assert!(report.failures.is_empty(), "{first}");
    assert!(report.tally.commits > 4_000, "hardly anything happened: {:?}", report.tally);
}

fn seeds() -> (u64, u64) {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    (number("MUSTER_FIRST").unwrap_or(0), number("MUSTER_SEEDS").unwrap_or(40))
}
