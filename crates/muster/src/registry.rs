//! Which adapters this configuration wants: one closed match a port, nothing is found at run time.

use std::sync::Arc;

use muster_config::Config;
use muster_core::fact::SourceKind;
use muster_core::ports::Clock;
use muster_sinks::graphite::Graphite;
use muster_sources::lan::Lan;
use muster_sources::mqtt::{Memory, Mqtt};

use crate::dispatch::Sending;
use crate::supervisor::Plan;

/// The sources of this machine.
pub(crate) fn sources(config: &Config, clock: &Arc<dyn Clock>) -> Vec<Plan> {
    let mut plans = Vec::new();
    if config.sources.lan.enabled {
        let (settings, monitor) = (config.sources.lan.clone(), config.monitor.to_string());
        let clock = Arc::clone(clock);
        plans.push(Plan {
            monitor: monitor.as_str().into(),
            kind: SourceKind::Lan,
            open: Box::new(move || {
                let lan = Lan::open(settings.clone(), &monitor, Arc::clone(&clock))?;
                Ok(Box::new(lan))
            }),
        });
    }
    if config.sources.mqtt.enabled {
        let (settings, monitor) = (config.sources.mqtt.clone(), config.monitor.to_string());
        let (memory, clock) = (Memory::default(), Arc::clone(clock));
        plans.push(Plan {
            monitor: monitor.as_str().into(),
            kind: SourceKind::Mqtt,
            open: Box::new(move || {
                let (memory, clock) = (memory.clone(), Arc::clone(&clock));
                Ok(Box::new(Mqtt::open(&settings, &monitor, memory, clock)?))
            }),
        });
    }
    plans
}

/// The series sinks of this machine.
pub(crate) fn sinks(config: &Config) -> Vec<Sending> {
    let mut all = Vec::new();
    let graphite = &config.sinks.graphite;
    if graphite.enabled {
        all.push(Sending {
            name: "graphite",
            target: graphite.address.as_str().to_owned(),
            sink: Box::new(Graphite::new(graphite)),
            every: graphite.every.get(),
            backfill: graphite.backfill.get(),
        });
    }
    all
}
