//! A hub and its monitors over an awful network, against the reference: fixed seeds.

use muster_sim::fleet::{Met, play};

#[test]
fn fleets_end_as_the_reference_says() {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
    let first = number("MUSTER_FIRST").unwrap_or(0);
    let count = number("MUSTER_SEEDS").unwrap_or(24);
    let mut met = Met::default();
    let mut failures = Vec::new();
    for seed in first..first + count {
        match play(seed) {
            Ok(it) => met += it,
            Err(it) => {
                failures.push(format!("seed {seed}: {}\n  {}", it.what, it.story.join("\n  ")));
            }
        }
    }
    let all: Vec<_> = failures.iter().map(|it| it.lines().next().unwrap_or_default()).collect();
    assert!(failures.is_empty(), "{}\n{}", all.join("\n"), failures[0]);
    for (what, often, least) in [
        ("uploads", met.uploads, 20_000),
        ("repeats", met.repeats, 500),
        ("backlog", met.backlog, 200),
        ("lost messages", met.cut, 2_000),
        ("ends", met.ends, 40),
        ("kills of the hub", met.hub_kills, 10),
        ("facts", met.arrived, 20_000),
        ("lost facts", met.lost, 20),
        ("facts that a backup had not", met.forgotten, 500),
        ("writes to a full disk", met.unwritten, 50),
    ] {
        let often = often * 24 / count;
        assert!(
            often >= least,
            "too seldom to mean anything: {what}: {often} in 24 fleets: {met:?}"
        );
    }
}
