//! Plays random worlds against the hub's machines, far more of them than the check has time for.
//!
//! A world that ends otherwise than the reference says is named by its seed and told as a story.

use anyhow::bail;
use muster_sim::simulate::{self, Game, Tally};

/// Plays `seeds` worlds from `first` on; an error if one went wrong.
pub(crate) fn run(seeds: u64, first: u64, game: Game) -> anyhow::Result<()> {
    let end = first.saturating_add(seeds);
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    for from in (first..end).step_by(AT_ONCE) {
        let to = from.saturating_add(AT_ONCE as u64).min(end);
        let report = simulate::run(game, from..to);
        tally.add(&report.tally);
        for failure in &report.failures {
            if failed.len() < STORIES {
                println!("{failure}");
            }
            failed.push(failure.seed);
        }
        eprintln!("{} of {seeds} worlds, {} went wrong", to - first, failed.len());
    }
    println!("met: {tally:?}");
    if let Some(seed) = failed.first() {
        bail!(
            "{} of {seeds} worlds ended otherwise than the reference says: {failed:?}\n\
             hint: cargo xtask simulate --seeds 1 --first {seed}",
            failed.len()
        );
    }
    Ok(())
}

/// Progress is told after so many worlds.
const AT_ONCE: usize = 100;
/// So many failures are told in full.
const STORIES: usize = 3;
