//! What bluetoothd says of itself on the system bus. Starts nobody: the bus would start bluetoothd for
//! whoever calls it, so who has its name is asked first.

use std::error::Error as _;
use std::time::Duration;

use muster_sources::bluez::{Bluez, BluezError};

use crate::doctor::{Adapter, Daemon};

/// Asks; whoever does not answer in time is silent.
pub(super) async fn ask() -> Daemon {
    let bluez = match tokio::time::timeout(PATIENCE, Bluez::connect()).await {
        Ok(Ok(bluez)) => bluez,
        Ok(Err(error)) => return Daemon::NoBus(reason(&error)),
        Err(_) => return Daemon::NoBus("it does not answer".to_owned()),
    };
    match tokio::time::timeout(PATIENCE, ask_over(&bluez)).await {
        Ok(Ok(daemon)) => daemon,
        Ok(Err(BluezError::Denied(_))) => Daemon::Denied,
        Ok(Err(error)) => Daemon::Silent(reason(&error)),
        Err(_) => Daemon::Silent(format!("not within {} s", PATIENCE.as_secs())),
    }
}

/// What the bus said.
fn reason(error: &BluezError) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

async fn ask_over(bluez: &Bluez) -> Result<Daemon, BluezError> {
    if bluez.owner().await?.is_none() {
        return Ok(Daemon::Absent);
    }
    let mut adapters = Vec::new();
    for (path, interfaces) in bluez.objects().await?.get_managed_objects().await? {
        if interfaces.keys().any(|it| it.as_str() == "org.bluez.Adapter1") {
            adapters.push(describe(bluez, path.as_str()).await?);
        }
    }
    adapters.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Daemon::Runs(adapters))
}

async fn describe(bluez: &Bluez, path: &str) -> Result<Adapter, BluezError> {
    let adapter = bluez.adapter(path).await?;
    // What is too old to know the question has no answer.
    let filters = match adapter.get_discovery_filters().await.map_err(BluezError::from) {
        Ok(filters) => filters,
        Err(error @ BluezError::Denied(_)) => return Err(error),
        Err(_) => Vec::new(),
    };
    Ok(Adapter {
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        is_powered: adapter.powered().await?,
        version: adapter.modalias().await.ok().as_deref().and_then(version),
        filters,
    })
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
