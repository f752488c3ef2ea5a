//! Drives the hub's real machines through made-up worlds: crashes, restarts, suspend, steps of the
//! clock, failing commits, awful uplinks; and compares what is stored in the end with the naive
//! reference.
//!
//! **Invariant:** a seed determines a run. A run that fails says what was wrong and tells its story.

mod check;
mod hub;
mod scenario;
mod tally;

use std::fmt;
use std::ops::Range;

use crate::generator::{Uplink, World};

pub use self::check::compare_with_reference;
pub use self::hub::{Hub, Wrong};
pub use self::scenario::{Disturbances, play};
pub use self::tally::Tally;

/// What came of many runs.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many worlds were played.
    pub runs: u64,
    /// What they met.
    pub tally: Tally,
    /// The runs that went wrong.
    pub failures: Vec<Failure>,
}

/// A run that went wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which.
    pub seed: u64,
    /// What was wrong.
    pub what: String,
    /// What had happened.
    pub story: Vec<String>,
}

/// How worlds are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Game {
    /// For a hub that remembers all of it.
    Usual,
    /// For a hub with so little memory that hours exhaust it.
    Forgetful,
    /// What is at hand is compared with a fresh start after each event.
    Close,
}

/// Plays the worlds of these seeds, each with a way to the hub and disturbances of its own.
#[must_use]
pub fn run(game: Game, seeds: Range<u64>) -> Report {
    let world = if game == Game::Forgetful { World::forgetful } else { World::new };
    let mut report = Report::default();
    for seed in seeds {
        let world = world(seed);
        let uplink = match seed % 4 {
            0 => Uplink::Prompt,
            1 => Uplink::Loose,
            _ => Uplink::Awful,
        };
        report.runs += 1;
        match play(&world, seed, uplink, Disturbances::All, game == Game::Close) {
            Ok(hub) => report.tally.add(&hub.tally()),
            Err(wrong) => {
                report.failures.push(Failure { seed, what: wrong.what, story: wrong.story });
            }
        }
    }
    report
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        for line in &self.story {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
