//! Whether a fleet ended as it must.

use muster_core::fact::Fact;

use super::{Fleet, Met};
use crate::simulate::{Wrong, compare_with_reference};

/// Wants every fact with the hub that some disk had kept, unless it went with what came after a backup; nothing
/// that nobody told; the store that the reference makes of them; and no news from a restart.
pub(super) fn compare(mut fleet: Fleet<'_>) -> Result<Met, Wrong> {
    fleet.hub.blink()?;
    let tables = fleet.hub.tables();
    let mut facts = fleet.world.introduction();
    for (who, monitor) in fleet.monitors.iter().enumerate() {
        if !monitor.is_done() {
            return fleet.hub.wrong(format!("{} never got rid of all", monitor.rights.monitor));
        }
        for (boot, told) in &monitor.told {
            let key = (monitor.rights.monitor.clone(), *boot);
            let received = tables.received.get(&key).map(|it| it.runs.clone()).unwrap_or_default();
            let (lost, undated) = (monitor.lost.get(boot), fleet.undated.get(&(who, *boot)));
            let forgotten = fleet.forgotten.get(&(who, *boot));
            for (sequence, (index, _)) in (0..).zip(told) {
                if undated.is_some_and(|it| it.contains(sequence)) {
                    fleet.met.undated += 1;
                } else if forgotten.is_some_and(|it| it.contains(sequence)) {
                    // The monitor has told the hub that it let go of it.
                    fleet.met.forgotten += 1;
                } else if received.contains(sequence) {
                    fleet.met.arrived += 1;
                    let fact: Option<&Fact> = fleet.world.noticed.get(*index).map(|it| &it.1);
                    facts.extend(fact.cloned());
                } else if lost.is_some_and(|it| it.contains(sequence)) {
                    fleet.met.lost += 1;
                } else {
                    return fleet.hub.wrong(format!("fact {sequence} of {boot} is nowhere"));
                }
            }
        }
    }
    let frontier = fleet.hub.now().wall;
    match compare_with_reference(&tables, &facts, &fleet.world.policy, frontier) {
        Ok(()) => Ok(fleet.met),
        Err(what) => fleet.hub.wrong(what),
    }
}
