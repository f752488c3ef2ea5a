//! bluetoothd's objects at one moment, as far as they tell of adapters and of devices that are paired.

use std::collections::HashMap;

use muster_core::identity::Mac;
use muster_core::legible::{hides, is_legible};
use muster_core::pairing::Bond;
use zbus::OwnedVariant;

use super::{Bluez, BluezError};

/// All of them at one moment.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    /// Adapters by path.
    pub(crate) adapters: Vec<Adapter>,
    pub(crate) bonds: Vec<Bonded>,
}

/// An adapter.
#[derive(Clone, Debug)]
pub(crate) struct Adapter {
    pub(crate) path: String,
    pub(crate) address: Mac,
    pub(crate) powered: bool,
}

/// A device that is paired with an adapter.
#[derive(Clone, Debug)]
pub(crate) struct Bonded {
    /// The adapter's path.
    pub(crate) adapter: String,
    /// The device's own, below it.
    pub(crate) path: String,
    pub(crate) bond: Bond,
    /// Whether it can be asked over classic Bluetooth, as far as bluetoothd tells.
    pub(crate) is_classic: bool,
}

/// An object's interfaces with their properties.
pub(crate) type Properties = HashMap<String, OwnedVariant>;

impl Adapter {
    /// What people call it: `hci0`.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl Objects {
    /// Asks for all of them.
    pub(crate) async fn read(bluez: &Bluez) -> Result<Self, BluezError> {
        let all = bluez.objects().await?.get_managed_objects().await?;
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
            } else if let Some(device) = take("org.bluez.Device1")
                && let Some(bond) = bond(&device)
                && let Some((adapter, _)) = path.rsplit_once('/')
            {
                let (adapter, is_classic) = (adapter.to_owned(), is_classic(&device));
                found.bonds.push(Bonded { adapter, path, bond, is_classic });
            }
        }
        found.adapters.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Everybody who is paired, once each.
    pub(crate) fn paired(&self) -> Vec<Bond> {
        let mut all: Vec<Bond> = self.bonds.iter().map(|it| it.bond.clone()).collect();
        all.sort_by_key(|it| it.device);
        all.dedup_by_key(|it| it.device);
        all
    }
}

/// The pairing that a device's properties tell of; none if it is not paired, or is cut.
fn bond(properties: &Properties) -> Option<Bond> {
    if !flag(properties, "Paired") {
        return None;
    }
    let device: Mac = text(properties, "Address")?.parse().ok()?;
    let random = text(properties, "AddressType").as_deref() == Some("random");
    let name = text(properties, "Name").or_else(|| text(properties, "Alias"));
    Some(Bond { device, random, name: shown(name.as_deref(), device) })
}

/// Whether a device's properties tell of classic Bluetooth: only that has a class, and what low energy
/// knows it by (a random address, an appearance) alone tells of no other. One that is blocked answers
/// nobody here.
fn is_classic(properties: &Properties) -> bool {
    let is_low_energy = text(properties, "AddressType").as_deref() != Some("public")
        || properties.contains_key("Appearance") && !properties.contains_key("Class");
    !is_low_energy && !flag(properties, "Blocked")
}

/// Whether the address is one that the device gives up: who it is comes a moment later.
pub(crate) fn is_private(bond: &Bond) -> bool {
    bond.random && bond.device.0[0] >> 6 != 0b11
}

/// The address in a device's path, as in `/org/bluez/hci0/dev_00_1A_7D_00_00_01`.
pub(crate) fn address_in(path: &str) -> Option<Mac> {
    path.rsplit_once("/dev_")?.1.get(..17)?.replace('_', ":").parse().ok()
}

/// A stranger's text, so that people can read it and it ends.
pub(crate) fn shown(name: Option<&str>, device: Mac) -> Box<str> {
    let name: String =
        name.unwrap_or_default().chars().filter(|it| !hides(*it)).take(LONGEST_NAME).collect();
    let name = name.trim();
    if is_legible(name) { name.into() } else { device.to_string().into() }
}

fn text(properties: &Properties, name: &str) -> Option<String> {
    let value = properties.get(name)?.try_clone().ok()?;
    String::try_from(value).ok()
}

fn flag(properties: &Properties, name: &str) -> bool {
    let value = properties.get(name).and_then(|it| it.try_clone().ok());
    value.is_some_and(|it| bool::try_from(it).unwrap_or(false))
}

/// In characters, as the names that people give.
const LONGEST_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use zbus::Variant;

    fn device(paired: bool, address: &str, kind: &str, name: &str) -> Properties {
        let owned = |it: Variant<'_>| it.try_to_owned().unwrap();
        HashMap::from([
            ("Paired".to_owned(), owned(paired.into())),
            ("Address".to_owned(), owned(address.into())),
            ("AddressType".to_owned(), owned(kind.into())),
            ("Name".to_owned(), owned(name.into())),
        ])
    }

    #[test]
    fn only_what_is_paired_is_a_pairing() {
        let it = bond(&device(true, "C0:11:22:33:44:55", "random", "Anna")).unwrap();
        assert_eq!((it.device.to_string().as_str(), it.random), ("c0:11:22:33:44:55", true));
        assert!(!is_private(&it));
        let private = bond(&device(true, "4A:11:22:33:44:55", "random", "Anna")).unwrap();
        assert!(is_private(&private));
        assert_eq!(bond(&device(false, "C0:11:22:33:44:55", "random", "Anna")), None);
        assert_eq!(bond(&device(true, "C0:11", "random", "Anna")), None);
        assert_eq!(bond(&HashMap::new()), None);
    }

    #[test]
    fn classic_is_what_low_energy_alone_does_not_explain() {
        let phone = || device(true, "00:1A:7D:00:00:01", "public", "Anna");
        let with = |more: &[(&str, Variant<'_>)]| {
            let mut it = phone();
            for (name, value) in more {
                it.insert((*name).to_owned(), value.try_to_owned().unwrap());
            }
            it
        };
        assert!(is_classic(&phone()), "neither told");
        let (class, appearance) = (Variant::from(0x005a_020c_u32), Variant::from(64_u16));
        assert!(is_classic(&with(&[("Class", class.try_clone().unwrap())])));
        assert!(!is_classic(&with(&[("Appearance", appearance.try_clone().unwrap())])));
        assert!(is_classic(&with(&[("Class", class), ("Appearance", appearance)])), "both");
        assert!(!is_classic(&with(&[("AddressType", Variant::from("random"))])));
        assert!(!is_classic(&with(&[("Blocked", Variant::from(true))])));
        assert!(!is_classic(&HashMap::new()));
    }

    #[test]
    fn names_are_strangers_texts() {
        let mac = Mac([1; 6]);
        for (given, want) in [
            ("Anna's \u{202e}phone\u{7}", "Anna's phone"),
            ("  ", "01:01:01:01:01:01"),
            ("\u{200b}", "01:01:01:01:01:01"),
            ("<img src=x>", "<img src=x>"),
        ] {
            assert_eq!(&*shown(Some(given), mac), want);
        }
        assert_eq!(shown(Some(&"x".repeat(248)), mac).len(), 64);
        assert_eq!(address_in("/org/bluez/hci0/dev_00_1A_7D_00_00_01").unwrap().0[1], 0x1a);
        assert_eq!(address_in("/org/bluez/hci0"), None);
    }
}
