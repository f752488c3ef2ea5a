//! How fast the engine takes sightings: 10,000 devices, each heard every ten seconds, with the
//! coverage and the commits of a busy hub in between.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use muster_core::batch::Restored;
use muster_core::engine::Engine;
use muster_core::fact::{Fact, FactBody, Listener, Sighting, SourceKind};
use muster_core::identity::{Identity, Mac};
use muster_core::policy::Policy;
use muster_core::span::Span;
use muster_core::time::{Now, Time};

const DEVICES: u32 = 10_000;
const ROUNDS: u32 = 30;

fn engine(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.throughput(Throughput::Elements(u64::from(DEVICES * ROUNDS)));
    group.bench_function("sightings of 10,000 devices", |b| {
        b.iter_batched(
            || (empty(), (0..ROUNDS).map(round).collect::<Vec<_>>()),
            |(mut engine, rounds)| {
                for (index, facts) in rounds.into_iter().enumerate() {
                    let now = at(u32::try_from(index).unwrap() * 10 + 10);
                    let intake = engine.handle_facts(facts, now);
                    assert!(intake.refused.is_empty());
                    if index % 6 == 5 {
                        std::hint::black_box(engine.drain());
                    }
                }
                engine
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn empty() -> Engine {
    let since = Engine::since(&Policy::default(), at(0).wall);
    let restored = Restored { since, frontier: at(0).wall, ..Restored::default() };
    Engine::new(Policy::default(), restored, at(0))
}

/// Ten seconds of sightings, and the coverage behind them.
fn round(index: u32) -> Vec<Fact> {
    let listener = Arc::new(Listener::new("hub", SourceKind::Lan, "eth0"));
    let from = at(index * 10).wall;
    let mut facts: Vec<Fact> = (0..DEVICES)
        .map(|device| {
            let [_, a, b, c] = device.to_be_bytes();
            let identity = Identity::Mac(Mac([0xb8, 0x27, 0xeb, a, b, c]));
            let at = from + Duration::from_micros(u64::from(device) * 900);
            let body = FactBody::Sighting(Sighting { identity, at, rssi: Some(-60) });
            Fact { listener: Arc::clone(&listener), body }
        })
        .collect();
    let covered = Span::new(from, from + Duration::from_secs(10));
    facts.push(Fact { listener, body: FactBody::Coverage(covered) });
    facts
}

fn at(s: u32) -> Now {
    let mono = Duration::from_secs(u64::from(s));
    Now { mono, wall: Time::from_secs(1_800_000_000) + mono }
}

criterion_group!(benches, engine);
criterion_main!(benches);
