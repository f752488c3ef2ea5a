//! What bluetoothd says of itself on the system bus. Starts nobody: the bus would start bluetoothd for
//! whoever calls it, so who has its name is asked first.

use std::time::Duration;

use zbus::Connection;
use zbus::fdo::{self, DBusProxy};
use zbus::names::BusName;
use zbus::proxy;

use crate::doctor::{Adapter, Daemon};

/// The parts of an adapter that tell whether it is of use (`doc/org.bluez.Adapter.rst` of `BlueZ`).
#[proxy(interface = "org.bluez.Adapter1", default_service = "org.bluez")]
trait Adapter1 {
    fn get_discovery_filters(&self) -> zbus::Result<Vec<String>>;
    #[zbus(property)]
    fn powered(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn modalias(&self) -> zbus::Result<String>;
}

/// Asks; whoever does not answer in time is silent.
pub(super) async fn ask() -> Daemon {
    let connection = match tokio::time::timeout(PATIENCE, Connection::system()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Daemon::NoBus(error.to_string()),
        Err(_) => return Daemon::NoBus("it does not answer".to_owned()),
    };
    match tokio::time::timeout(PATIENCE, ask_over(&connection)).await {
        Ok(Ok(daemon)) => daemon,
        Ok(Err(error)) if is_denied(&error) => Daemon::Denied,
        Ok(Err(error)) => Daemon::Silent(error.to_string()),
        Err(_) => Daemon::Silent(format!("not within {} s", PATIENCE.as_secs())),
    }
}

async fn ask_over(connection: &Connection) -> zbus::Result<Daemon> {
    let bus = DBusProxy::new(connection).await?;
    if !bus.name_has_owner(BusName::try_from(NAME)?).await? {
        return Ok(Daemon::Absent);
    }
    let objects = fdo::ObjectManagerProxy::new(connection, NAME, "/").await?;
    let mut adapters = Vec::new();
    for (path, interfaces) in objects.get_managed_objects().await? {
        if interfaces.keys().any(|it| it.as_str() == "org.bluez.Adapter1") {
            adapters.push(describe(connection, path.as_str()).await?);
        }
    }
    adapters.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Daemon::Runs(adapters))
}

async fn describe(connection: &Connection, path: &str) -> zbus::Result<Adapter> {
    let adapter = Adapter1Proxy::new(connection, path.to_owned()).await?;
    // What is too old to know the question has no answer.
    let filters = match adapter.get_discovery_filters().await {
        Ok(filters) => filters,
        Err(error) if is_denied(&error) => return Err(error),
        Err(_) => Vec::new(),
    };
    Ok(Adapter {
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        is_powered: adapter.powered().await?,
        version: adapter.modalias().await.ok().as_deref().and_then(version),
        filters,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is about rights")]
fn is_denied(error: &zbus::Error) -> bool {
    match error {
        zbus::Error::MethodError(it, ..) => {
            it.as_str() == "org.freedesktop.DBus.Error.AccessDenied"
        }
        zbus::Error::FDO(it) => matches!(**it, fdo::Error::AccessDenied(_)),
        _ => false,
    }
}

/// bluetoothd's version in what it calls an adapter, unless somebody configured another name: as in
/// `usb:v1D6Bp0246d0542`, the Linux Foundation's number for it and then 5.66.
fn version(modalias: &str) -> Option<String> {
    let digits = modalias.strip_prefix("usb:v1D6Bp0246d")?;
    let number = u16::from_str_radix(digits, 16).ok()?;
    if digits.len() != 4 || digits.starts_with('+') {
        return None;
    }
    let [major, minor] = number.to_be_bytes();
    Some(format!("{major}.{minor}"))
}

const NAME: &str = "org.bluez";
/// bluetoothd answers within a second, also on a small board that is busy.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_where_there_is_one() {
        assert_eq!(version("usb:v1D6Bp0246d0542").as_deref(), Some("5.66"));
        for other in ["", "usb:v1D6Bp0246d05", "usb:v0A12p0001d0542", "usb:v1D6Bp0246d+542"] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
