//! Facts merge: however they travel, the store ends the same.

use muster_core::fact::Fact;
use muster_sim::generator::{Uplink, World};
use muster_sim::reference::{Case, Told, rows, stays};
use muster_sim::rng::Rng;
use muster_sim::simulate::{Disturbances, play};

#[test]
fn the_whole_store_is_equal_after_any_way_of_travelling() {
    for seed in 100..112 {
        let world = World::new(seed);
        let mut ends = Vec::new();
        for (way, uplink) in [(0, Uplink::Prompt), (1, Uplink::Loose), (2, Uplink::Awful)] {
            let hub = play(&world, seed ^ (way << 32), uplink, Disturbances::Faults, false)
                .unwrap_or_else(|it| panic!("seed {seed}, {uplink:?}: {}", it.what));
            ends.push(hub.content());
        }
        assert_eq!(ends[0], ends[1], "seed {seed}: prompt and loose");
        assert_eq!(ends[0], ends[2], "seed {seed}: prompt and awful");
    }
}

#[test]
fn merging_commutes_associates_and_repeats() {
    for seed in 0..20 {
        let world = World::new(seed);
        let facts = world.facts();
        let interval = world.policy.interval;
        let whole = rows(&facts, interval);
        let mut rng = Rng::new(seed);
        let mut shuffled = facts.clone();
        rng.shuffle(&mut shuffled);
        let twice: Vec<Fact> = shuffled.iter().chain(&facts).cloned().collect();
        assert!(rows(&shuffled, interval) == whole, "seed {seed}: order matters");
        assert!(rows(&twice, interval) == whole, "seed {seed}: repeats matter");
        assert_eq!(judged(&world, &shuffled), judged(&world, &facts), "seed {seed}: order matters");
        assert_eq!(judged(&world, &twice), judged(&world, &facts), "seed {seed}: repeats matter");
    }
}

fn judged(world: &World, facts: &[Fact]) -> Vec<Told> {
    let directory = world.directory(world.end).unwrap_or_default();
    stays(&Case {
        facts,
        policy: &world.policy,
        directory: &directory,
        identities: &world.numbered(),
        frontier: world.end,
    })
}
