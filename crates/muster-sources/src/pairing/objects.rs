//! bluetoothd's objects as pairing sees them: adapters, and devices that are paired.

use muster_core::identity::Mac;
use muster_core::pairing::{Bond, Trouble};

use super::bonds::{Properties, bond, flag, text};
use super::trouble;
use crate::bluez::{Bluez, BluezError};

/// All of them at one moment.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// Adapters by path.
    pub(super) adapters: Vec<Adapter>,
    /// Paired devices: path of the adapter, path of the device, and who it is.
    pub(super) bonds: Vec<(String, String, Bond)>,
}

/// An adapter.
#[derive(Clone, Debug)]
pub(super) struct Adapter {
    pub(super) path: String,
    pub(super) address: Mac,
    pub(super) powered: bool,
}

impl Adapter {
    /// What people call it: `hci0`.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl Objects {
    /// Asks for all of them.
    pub(super) async fn read(bluez: &Bluez) -> Result<Self, Trouble> {
        let objects = bluez.objects().await.map_err(|it| trouble(&it))?;
        let all = objects.get_managed_objects().await;
        let all = all.map_err(|it| trouble(&BluezError::from(it)))?;
        let mut found = Self::default();
        for (path, mut interfaces) in all {
            let path = path.to_string();
            let mut take = |name: &str| -> Option<Properties> {
                interfaces.remove(name).map(|it| it.into_iter().collect())
            };
            if let Some(properties) = take("org.bluez.Adapter1")
                && let Some(address) = text(&properties, "Address").and_then(|it| it.parse().ok())
            {
                let powered = flag(&properties, "Powered");
                found.adapters.push(Adapter { path, address, powered });
            } else if let Some(bond) = take("org.bluez.Device1").as_ref().and_then(bond)
                && let Some((adapter, _)) = path.rsplit_once('/')
            {
                found.bonds.push((adapter.to_owned(), path, bond));
            }
        }
        found.adapters.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Everybody who is paired, once each.
    pub(super) fn paired(&self) -> Vec<Bond> {
        let mut all: Vec<Bond> = self.bonds.iter().map(|(_, _, it)| it.clone()).collect();
        all.sort_by_key(|it| it.device);
        all.dedup_by_key(|it| it.device);
        all
    }
}
