//! Which devices bluetoothd has paired, out of its objects. Pure.

use std::collections::HashMap;

use muster_core::identity::Mac;
use muster_core::legible::{hides, is_legible};
use muster_core::pairing::Bond;
use zbus::OwnedVariant;

/// An object's interfaces with their properties.
pub(super) type Properties = HashMap<String, OwnedVariant>;

/// The pairing that a device's properties tell of; none if it is not paired, or is cut.
pub(super) fn bond(properties: &Properties) -> Option<Bond> {
    if !flag(properties, "Paired") {
        return None;
    }
    let device: Mac = text(properties, "Address")?.parse().ok()?;
    let random = text(properties, "AddressType").as_deref() == Some("random");
    let name = text(properties, "Name").or_else(|| text(properties, "Alias"));
    Some(Bond { device, random, name: shown(name.as_deref(), device) })
}

/// Whether the address is one that the device gives up: who it is comes a moment later.
pub(super) fn is_private(bond: &Bond) -> bool {
    bond.random && bond.device.0[0] >> 6 != 0b11
}

/// The address in a device's path, as in `/org/bluez/hci0/dev_00_1A_7D_00_00_01`.
pub(super) fn address_in(path: &str) -> Option<Mac> {
    path.rsplit_once("/dev_")?.1.get(..17)?.replace('_', ":").parse().ok()
}

/// A stranger's text, so that people can read it and it ends.
pub(super) fn shown(name: Option<&str>, device: Mac) -> Box<str> {
    let name: String =
        name.unwrap_or_default().chars().filter(|it| !hides(*it)).take(LONGEST_NAME).collect();
    let name = name.trim();
    if is_legible(name) { name.into() } else { device.to_string().into() }
}

pub(super) fn text(properties: &Properties, name: &str) -> Option<String> {
    let value = properties.get(name)?.try_clone().ok()?;
    String::try_from(value).ok()
}

pub(super) fn flag(properties: &Properties, name: &str) -> bool {
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
