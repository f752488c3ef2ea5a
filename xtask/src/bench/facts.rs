//! The facts that the benchmarks feed: made from numbers, so every run has the same ones.

use std::sync::Arc;
use std::time::Duration;

use muster_core::batch::Restored;
use muster_core::engine::Engine;
use muster_core::fact::{Fact, FactBody, Listener, Sighting, SourceKind};
use muster_core::identity::{Identity, Mac};
use muster_core::policy::Policy;
use muster_core::span::Span;
use muster_core::step::Step;
use muster_core::time::{Now, Time};

/// When all of them begin: on an hour.
pub(super) const START: Time = Time::from_secs(1_800_000_000);

pub(super) fn listener(monitor: &str) -> Arc<Listener> {
    Arc::new(Listener::new(monitor, SourceKind::Lan, "eth0"))
}

/// A device by number.
pub(super) fn identity(device: u32) -> Identity {
    let [_, a, b, c] = device.to_be_bytes();
    Identity::Mac(Mac([0xb8, 0x27, 0xeb, a, b, c]))
}

pub(super) fn sighting(listener: &Arc<Listener>, device: u32, at: Time) -> Fact {
    let body = Sighting { identity: identity(device), at, rssi: Some(-60) };
    Fact { listener: Arc::clone(listener), body: FactBody::Sighting(body) }
}

pub(super) fn coverage(listener: &Arc<Listener>, from: Time, length: Duration) -> Fact {
    let span = Span::new(from, from + length);
    Fact { listener: Arc::clone(listener), body: FactBody::Coverage(span) }
}

/// Every device once in a span of time, evenly, and the coverage behind it.
pub(super) fn round(
    listener: &Arc<Listener>,
    devices: u32,
    from: Time,
    length: Duration,
) -> Vec<Fact> {
    let every = length / devices.max(1);
    let one = |it| sighting(listener, it, from + every * it);
    let mut facts: Vec<Fact> = (0..devices).map(one).collect();
    facts.push(coverage(listener, from, length));
    facts
}

/// Both clocks, this long after the start.
pub(super) fn after(passed: Duration) -> Now {
    Now { mono: passed, wall: START + passed }
}

/// An engine that knows nothing.
pub(super) fn empty() -> Engine {
    empty_at(after(Duration::ZERO))
}

/// The same, that starts then.
pub(super) fn empty_at(now: Now) -> Engine {
    // Everybody comes at once, by one listener.
    let policy = Policy { newcomers: u32::MAX, ..Policy::default() };
    let since = Engine::since(&policy, now.wall);
    let restored = Restored { since, frontier: now.wall, ..Restored::default() };
    Engine::new(policy, restored, now)
}

/// A step that knows nothing.
pub(super) fn empty_step() -> Step {
    Step::new(empty(), after(Duration::ZERO))
}
