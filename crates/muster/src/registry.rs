//! Which adapters this configuration wants: one closed match a port, nothing is found at run time.

use std::fs;
use std::io;
use std::path::Path;
use std::process;
use std::sync::Arc;

use muster_config::Config;
use muster_config::ble::Way;
use muster_config::classic::{ClassicDevice, ClassicSettings};
use muster_config::store::{StoreSettings, Tls};
use muster_config::value::{Database, ServerKind};
use muster_core::fact::SourceKind;
use muster_core::ports::{Clock, StoreError};
use muster_sinks::graphite::Graphite;
use muster_sources::ble::Ble;
use muster_sources::classic::Classic;
use muster_sources::lan::Lan;
use muster_sources::management::Trusted;
use muster_sources::mqtt::{Memory, Mqtt};
use muster_sources::tags;
use muster_store::server::{Address, Encryption, Survey, Way as Road};
use muster_store::sqlite::{Filling, Sqlite};
use muster_store::transfer::Blank;
use muster_store::{Access, Kept, mariadb, postgres};

use crate::dispatch::Sending;
use crate::password;
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
            name: SourceKind::Lan.word(),
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
            name: SourceKind::Ble.word(),
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
            name: SourceKind::Mqtt.word(),
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
            name: SourceKind::Classic.word(),
            open: Box::new(move || {
                Ok(Box::new(Classic::open(settings.clone(), &monitor, Arc::clone(&clock))))
            }),
        });
    }
    plans
}

/// The same socket once more, or the same reason once more.
pub(crate) fn again(radio: &io::Result<Trusted>) -> io::Result<Trusted> {
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

/// The store, opened.
pub(crate) struct Opened {
    /// Wherever it is.
    pub(crate) store: Arc<dyn Kept>,
    /// The same, if it is a file: what a torn page did to that is for us to find.
    pub(crate) file: Option<Arc<Sqlite>>,
}

/// Opens the store: on the server that the settings name, else in `file`.
pub(crate) async fn store(
    settings: Option<&StoreSettings>,
    file: &Path,
    access: Access,
) -> Result<Opened, StoreError> {
    let Some((settings, url)) = settings.and_then(|it| Some((it, it.url.as_ref()?))) else {
        let file = Arc::new(Sqlite::open(file, access).await?);
        return Ok(Opened { store: Arc::clone(&file) as _, file: Some(file) });
    };
    let address = address(settings, url.get())?;
    let store = match url.get().kind {
        ServerKind::Postgres => postgres::open(address, access).await?,
        ServerKind::MariaDb => mariadb::open(address, access).await?,
    };
    Ok(Opened { store, file: None })
}

/// Begins to copy a store into an empty place: the server that the settings name, else `file`.
pub(crate) async fn fill(
    settings: Option<&StoreSettings>,
    file: &Path,
) -> Result<Box<dyn Blank>, StoreError> {
    let Some((settings, url)) = settings.and_then(|it| Some((it, it.url.as_ref()?))) else {
        return Ok(Box::new(Filling::begin(file).await?));
    };
    let address = address(settings, url.get())?;
    match url.get().kind {
        ServerKind::Postgres => postgres::fill(address).await,
        ServerKind::MariaDb => mariadb::fill(address).await,
    }
}

/// Looks at the database that the settings name; none: the store is a file.
pub(crate) async fn survey(
    settings: &StoreSettings,
    clock: &dyn Clock,
) -> Option<Result<Survey, StoreError>> {
    let url = settings.url.as_ref()?.get();
    let address = match address(settings, url) {
        Ok(it) => it,
        Err(error) => return Some(Err(error)),
    };
    Some(match url.kind {
        ServerKind::Postgres => postgres::survey(address, clock).await,
        ServerKind::MariaDb => mariadb::survey(address, clock).await,
    })
}

/// Where a database is, and who asks.
pub(crate) fn address(
    settings: &StoreSettings,
    database: &Database,
) -> Result<Address, StoreError> {
    let way = match &database.socket {
        Some(path) => Road::Socket {
            path: path.to_string().into(),
            port: database.port.unwrap_or(database.kind.port()),
        },
        None => Road::Network {
            host: database.host.to_string(),
            port: database.port.unwrap_or(database.kind.port()),
        },
    };
    let ca_file = settings.ca_file.as_ref().map(|it| it.as_str().into());
    let password = settings.password_file.as_ref();
    let password =
        password.map(|it| password::read(it.as_str(), "store.password_file")).transpose()?;
    Ok(Address {
        way,
        user: database.user.to_string(),
        password,
        database: database.name.to_string(),
        holder: holder(),
        encryption: match settings.encryption() {
            Tls::Off => Encryption::None,
            Tls::Require => Encryption::Unchecked,
            Tls::Verify => Encryption::Checked { ca_file },
        },
    })
}

/// Who this is, for those who find the store in use.
fn holder() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let host = if host.is_empty() { "an unnamed machine" } else { host };
    format!("process {} on {host}", process::id())
}
