//! Measures false departures against leave delay and writes the numbers and the picture.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use muster_sim::leave_curve::{measure, picture};

/// Follows so many households for so many days; writes `leave.json` and `leave.svg` into a folder.
pub(crate) fn run(households: u64, days: u64, into: &Path) -> anyhow::Result<()> {
    let curve = measure(households, days);
    fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    for (name, text) in [("leave.json", curve.json()), ("leave.svg", picture(&curve))] {
        let path = into.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    for it in &curve.points {
        println!(
            "{:<15} {:>5} s  {:>8.3} false departures a device-day, told after {:>5} s (p50) {:>5} s \
             (p95), {:.2} times the best",
            it.rule.word(),
            it.wait.as_secs(),
            it.score.false_per_day(),
            it.score.delay(50).as_secs(),
            it.score.delay(95).as_secs(),
            it.times_best
        );
    }
    Ok(())
}
