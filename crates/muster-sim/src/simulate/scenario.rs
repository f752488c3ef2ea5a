//! One run: a world's facts and edits in the order of their arrival, and what goes wrong meanwhile.

use std::sync::Arc;
use std::time::Duration;

use muster_core::directory::{Edit, Override};
use muster_core::fact::{Fact, FactBody};
use muster_core::span::Span;
use muster_core::time::Time;

use super::check;
use super::hub::{Hub, Wrong};
use crate::generator::{Uplink, World};
use crate::rng::Rng;
use crate::store::Fault;

/// What goes wrong besides the uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbances {
    /// Nothing.
    None,
    /// Kills, restarts, sleep and failing commits.
    Faults,
    /// Also steps of the wall clock: forward by hours, back by as little as facts may be ahead.
    All,
}

enum Event {
    Deliver(Vec<Fact>),
    Edit(Edit),
    Crash,
    Restart,
    Sleep(Duration),
    Step(i64),
    Fail(Vec<Fault>),
    Heal,
}

/// Plays a world to its end, heals everything, and compares the whole store with the reference;
/// `closely`: and after each event what is at hand with a fresh start.
pub fn play(
    world: &World,
    seed: u64,
    uplink: Uplink,
    disturbances: Disturbances,
    closely: bool,
) -> Result<Hub, Wrong> {
    let mut hub = Hub::new(world.policy.clone(), world.start);
    let mut events = arrivals(world, seed, uplink);
    let mut rng = Rng::new(seed).fork(99);
    disturb(world, &mut rng, disturbances, &mut events);
    events.sort_by_key(|(at, _)| *at);
    let mut at = world.start;
    let mut offset = 0;
    for (due, event) in events {
        hub.advance(due.since(at))?;
        at = at.max(due);
        match event {
            Event::Deliver(facts) => {
                hub.deliver(facts.into_iter().map(|it| shifted(it, offset)).collect())?;
            }
            Event::Edit(edit) => hub.edit(shifted_edit(edit, offset))?,
            Event::Crash => hub.crash()?,
            Event::Restart if rng.percent(50) => hub.blink()?,
            Event::Restart => hub.restart()?,
            Event::Sleep(by) => {
                hub.sleep(by)?;
                at = at + by;
            }
            Event::Step(by) => {
                offset += by;
                hub.step_clock(by);
            }
            Event::Fail(faults) => hub.fail(&faults),
            Event::Heal => hub.heal(),
        }
        if closely {
            hub.compare_with_fresh()?;
        }
    }
    hub.heal();
    hub.advance(world.healed().since(at))?;
    hub.blink()?;
    finish(hub, world)
}

fn finish(mut hub: Hub, world: &World) -> Result<Hub, Wrong> {
    let tables = hub.tables();
    let facts = hub.facts().to_vec();
    let frontier = hub.now().wall;
    if let Err(what) = check::compare_with_reference(&tables, &facts, &world.policy, frontier) {
        return hub.wrong(what);
    }
    if let Some(what) = check::last_seen(&tables, &facts) {
        return hub.wrong(what);
    }
    hub.count_stored();
    Ok(hub)
}

fn arrivals(world: &World, seed: u64, uplink: Uplink) -> Vec<(Time, Event)> {
    let mut deliveries = world.deliver(seed, uplink).into_iter();
    let first = deliveries.next().map(|it| (it.at, Event::Deliver(it.facts)));
    let edits = world.edits.iter().map(|(at, it)| (*at, Event::Edit(it.clone())));
    let rest = deliveries.map(|it| (it.at, Event::Deliver(it.facts)));
    first.into_iter().chain(edits).chain(rest).collect()
}

fn disturb(world: &World, rng: &mut Rng, which: Disturbances, events: &mut Vec<(Time, Event)>) {
    if which == Disturbances::None {
        return;
    }
    let span = (world.start.secs() + 1, world.end.secs());
    for _ in 0..rng.below(8) {
        let at = Time::from_secs(rng.within(span.0, span.1));
        let event = match rng.below(6) {
            0 | 1 => Event::Crash,
            2 => Event::Restart,
            3 => Event::Sleep(Duration::from_secs(rng.within(5, 3600).unsigned_abs())),
            _ => {
                let kinds = [Fault::Full, Fault::Unheard];
                let count = 1 + rng.below(6);
                let faults = (0..count).filter_map(|_| rng.pick(&kinds).copied()).collect();
                let healed = at + Duration::from_secs(rng.within(1, 1800).unsigned_abs());
                events.push((healed, Event::Heal));
                Event::Fail(faults)
            }
        };
        events.push((at, event));
    }
    if which == Disturbances::All && rng.percent(40) {
        for _ in 0..=rng.below(2) {
            let at = Time::from_secs(rng.within(span.0, span.1));
            let by = match rng.below(3) {
                0 => rng.within(-100, 300),
                1 => rng.within(300, 7200),
                _ => rng.within(7200, 20 * 3600),
            };
            events.push((at, Event::Step(by)));
        }
    }
}

/// The fact as a monitor stamps it whose clock is off by so many seconds.
fn shifted(fact: Fact, by: i64) -> Fact {
    let later = |it: Time| Time::from_micros(it.micros() + by * 1_000_000);
    let mut body = fact.body;
    match &mut body {
        FactBody::Sighting(it) => it.at = later(it.at),
        FactBody::Probe(it) => it.at = later(it.at),
        FactBody::Level(it) => it.at = later(it.at),
        FactBody::Detail(it) => it.at = later(it.at),
        FactBody::Coverage(it) => *it = Span::new(later(it.from), later(it.to)),
    }
    Fact { listener: Arc::clone(&fact.listener), body }
}

fn shifted_edit(edit: Edit, by: i64) -> Edit {
    let later = |it: Time| Time::from_micros(it.micros() + by * 1_000_000);
    if let Edit::Override { person, set } = edit {
        let set = Override { at: later(set.at), until: later(set.until), ..set };
        return Edit::Override { person, set };
    }
    if let Edit::ClearOverride { person, at } = edit {
        return Edit::ClearOverride { person, at: later(at) };
    }
    edit
}
