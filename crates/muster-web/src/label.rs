//! What a device is called, where nobody may have named it.

use muster_core::identity::Mac;
use muster_core::snapshot::{DeviceView, Snapshot};

/// The name people gave it, else the one it gives itself, else vendor and the address's end, else
/// its identity.
pub(crate) fn label(device: &DeviceView, snapshot: &Snapshot) -> String {
    if let Some(described) = snapshot.directory.devices.get(&device.id)
        && !described.name.is_empty()
    {
        return described.name.to_string();
    }
    if let Some(hostname) = &device.hostname {
        return hostname.to_string();
    }
    plain(device)
}

/// What it is called where neither people nor it itself gave it a name.
pub(crate) fn plain(device: &DeviceView) -> String {
    let Some((_, identity)) = device.identities.first() else {
        return format!("device {}", device.id);
    };
    match (vendor(device), identity.mac()) {
        (Some(vendor), Some(Mac([.., a, b, c]))) => format!("{vendor} {a:02x}:{b:02x}:{c:02x}"),
        _ => identity.to_string(),
    }
}

/// Who made it, by the address that the maker gave it.
pub(crate) fn vendor(device: &DeviceView) -> Option<&'static str> {
    let mut macs = device.identities.iter().filter_map(|(_, it)| it.mac());
    macs.find_map(|it| if it.is_local() { None } else { muster_wire::oui::vendor(it) })
}
