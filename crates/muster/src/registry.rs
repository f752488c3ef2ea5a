//! Which adapters this configuration wants: one closed match a port, nothing is found at run time.

use std::io;
use std::sync::Arc;

use muster_config::Config;
use muster_config::ble::Way;
use muster_config::classic::{ClassicDevice, ClassicSettings};
use muster_core::fact::SourceKind;
use muster_core::ports::Clock;
use muster_sinks::graphite::Graphite;
use muster_sources::ble::Ble;
use muster_sources::classic::Classic;
use muster_sources::lan::Lan;
use muster_sources::management::Trusted;
use muster_sources::mqtt::{Memory, Mqtt};
use muster_sources::tags;

use crate::dispatch::Sending;
use crate::supervisor::Plan;

/// The kernel's management socket where a source may want it, or why there is none. It takes a right that
/// is given up afterwards.
pub(crate) fn radio(config: &Config) -> io::Result<Trusted> {
    let ble = &config.sources.ble;
    if ble.enabled && ble.way != Way::Dbus {
        Trusted::open()
    } else {
        Err(io::Error::other("nobody wants it"))
    }
}

/// The sources of this machine; `radio` is what [`radio`] brought.
pub(crate) fn sources(
    config: &Config,
    clock: &Arc<dyn Clock>,
    radio: &io::Result<Trusted>,
) -> Vec<Plan> {
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
    if config.sources.ble.enabled {
        let (settings, monitor) = (config.sources.ble.clone(), config.monitor.to_string());
        let (clock, radio) = (Arc::clone(clock), again(radio));
        let rules = tags::rules(&config.tags);
        plans.push(Plan {
            monitor: monitor.as_str().into(),
            kind: SourceKind::Ble,
            open: Box::new(move || {
                let (settings, clock) = (settings.clone(), Arc::clone(&clock));
                let rules = rules.clone();
                Ok(Box::new(Ble::new(settings, rules, &monitor, clock, again(&radio))))
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
    if config.sources.classic.enabled {
        let (settings, monitor) = (classic(config), config.monitor.to_string());
        let clock = Arc::clone(clock);
        plans.push(Plan {
            monitor: monitor.as_str().into(),
            kind: SourceKind::Classic,
            open: Box::new(move || {
                Ok(Box::new(Classic::open(settings.clone(), &monitor, Arc::clone(&clock))))
            }),
        });
    }
    plans
}

/// The same socket once more, or the same reason once more.
fn again(radio: &io::Result<Trusted>) -> io::Result<Trusted> {
    match radio {
        Ok(socket) => socket.again(),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
}

/// The settings for classic Bluetooth: whom the file gives to people is asked as well, because nobody
/// hears a phone that is not.
pub(crate) fn classic(config: &Config) -> ClassicSettings {
    let mut settings = config.sources.classic.clone();
    let owned = config.people.iter().flat_map(|it| &it.devices);
    let more = owned.filter_map(|it| ClassicDevice::try_from(it.get().to_string()).ok());
    settings.devices.extend(more);
    settings
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
