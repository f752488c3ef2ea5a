//! By what somebody may be known again of whom a receiver tells an address or an id.
//!
//! Receivers make ids of whatever they find in an advertisement. Those made of an address, a beacon or
//! a key name one device; fingerprints (`apple:1007:10-12`, `md:004c:25`, `name:...`) are shared by all
//! phones of a make and name nobody. What remains then is the address.

use std::fmt::Write as _;

use muster_core::identity::{Identity, Mac, TextKind};
use muster_core::legible::is_legible;

use crate::bluetooth::address::Address;
use crate::bluetooth::key::Irk;
use crate::bluetooth::text::hex;
use crate::oui::vendor;

/// What is told of an address beside itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// That it stays with its device.
    Steady,
    /// That it is random: its top bits tell which kind.
    Random,
    /// Nothing.
    Untold,
}

/// Who it is, as far as the radio can tell, and as somebody called them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) identities: Vec<Identity>,
    pub(super) label: Option<Box<str>>,
}

/// The identity that an address is.
pub(super) fn of_address(mac: Mac, kind: Kind) -> Option<Identity> {
    if mac.0 == [0; 6] || mac.0 == [0xff; 6] {
        return None;
    }
    let random = Address::low_energy(mac, true);
    let stays = match kind {
        Kind::Steady => true,
        Kind::Random => !random.kind.rotates(),
        // A random address looks like one of a known maker once in some hundred times.
        Kind::Untold => !random.kind.rotates() || vendor(mac).is_some(),
    };
    Some(if stays { Identity::Ble(mac) } else { Identity::Private(mac) })
}

/// An address of 12 hexadecimal digits, perhaps with colons or dashes between octets.
pub(super) fn address(text: &str) -> Option<Mac> {
    if text.len() != 12 {
        return text.parse().ok();
    }
    let mut mac = [0; 6];
    for (octet, digits) in mac.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *octet = octet_of(digits)?;
    }
    Some(Mac(mac))
}

/// Whom an id of `ESPresense` names, and others that are written like it: see the head of this file.
/// `address`, if it is told, and its kind for ids that are nothing but an address.
pub(super) fn of_id(id: &str, told: Option<Mac>, bare: Kind) -> Who {
    if let Some(mac) = address(id) {
        return Who { identities: of_address(mac, bare).into_iter().collect(), label: None };
    }
    let and = |more: Option<Identity>, kind| {
        let mut identities: Vec<Identity> = more.into_iter().collect();
        identities.extend(told.and_then(|it| of_address(it, kind)));
        Who { identities, label: None }
    };
    let Some((sort, value)) = id.split_once(':') else {
        return match beacon(id) {
            Some(it) => and(Some(Identity::Text(TextKind::Ibeacon, it)), Kind::Untold),
            None => Who { label: label(id), ..and(None, Kind::Untold) },
        };
    };
    match sort {
        // Another receiver: it stays where it is.
        "node" => Who::default(),
        "irk" => {
            let key = Irk::read(value.as_bytes()).filter(|it| !it.is_null());
            Who { identities: key.map(|it| it.id().identity()).into_iter().collect(), label: None }
        }
        "iBeacon" | "ibeacon" => match beacon(value) {
            Some(it) if it.starts_with(RECEIVER) => Who::default(),
            it => and(it.map(|it| Identity::Text(TextKind::Ibeacon, it)), Kind::Untold),
        },
        "altBeacon" | "altbeacon" => {
            let it = beacon(value).map(|it| Identity::Text(TextKind::Altbeacon, it));
            and(it, Kind::Untold)
        }
        "eddy" => {
            let it = eddystone(value).map(|it| Identity::Text(TextKind::Eddystone, it));
            and(it, Kind::Untold)
        }
        // Whoever lost something makes its address from a key that nobody else has.
        "apple" if value == "findmy" => Who::default(),
        // Their senders use random addresses.
        "apple" | "msft" | "exp" | "smarttag" | "samsung" | "tile" | "md" | "sd" | "ad" => {
            and(None, Kind::Random)
        }
        "name" => and(None, Kind::Untold),
        _ => match address(value) {
            // `known:`, which somebody listed, and makes whose devices keep their address.
            Some(mac) => {
                let identities = of_address(mac, Kind::Steady).into_iter().collect();
                Who { identities, label: None }
            }
            None => Who { label: label(id), ..and(None, Kind::Untold) },
        },
    }
}

/// What somebody called a device, if it can be read.
pub(super) fn label(text: &str) -> Option<Box<str>> {
    let fits = (1..=Identity::MAX_TEXT).contains(&text.len()) && is_legible(text);
    fits.then(|| text.into())
}

/// `UUID-MAJOR-MINOR`, written as [`TextKind::Ibeacon`] has it.
fn beacon(text: &str) -> Option<Box<str>> {
    let (rest, minor) = text.rsplit_once('-')?;
    let (uuid, major) = rest.rsplit_once('-')?;
    numbered(uuid, major.parse().ok()?, minor.parse().ok()?)
}

/// The text of a beacon with this UUID, with or without dashes.
pub(super) fn numbered(uuid: &str, major: u16, minor: u16) -> Option<Box<str>> {
    let digits: String = uuid.chars().filter(|it| *it != '-').collect();
    let shaped = uuid.len() == 32 || (uuid.len() == 36 && digits.len() == 32);
    if !shaped || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    let digits = digits.to_ascii_lowercase();
    let mut out = String::with_capacity(48);
    for (from, to) in [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)] {
        out.push_str(digits.get(from..to)?);
        out.push('-');
    }
    write!(out, "{major}-{minor}").ok()?;
    Some(out.into())
}

/// A namespace of 20 digits, or of 22 with the fifth octet twice, as `ESPresense` writes it; a dash; an
/// instance of 12.
fn eddystone(text: &str) -> Option<Box<str>> {
    let (namespace, instance) = text.split_once('-')?;
    let mut namespace = octets(namespace)?;
    if namespace.len() == 11 && namespace.get(4) == namespace.get(5) {
        namespace.remove(5);
    }
    let instance = octets(instance)?;
    let fits = namespace.len() == 10 && instance.len() == 6;
    fits.then(|| format!("{}-{}", hex(&namespace), hex(&instance)).into())
}

/// Octets of hexadecimal digits; at most as many as an advertisement has.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 2 * MOST_OCTETS {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(octet_of).collect()
}

fn octet_of(digits: &[u8]) -> Option<u8> {
    let mut value = 0;
    for digit in digits {
        value = value << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
    }
    Some(value)
}

/// What `ESPresense` receivers send themselves.
const RECEIVER: &str = "e5ca1ade-f007-ba11-";
/// Of one structure: its length is one octet.
const MOST_OCTETS: usize = 252;

#[cfg(test)]
mod tests {
    use super::*;

    /// Identities, and `label:` behind them.
    fn shown(id: &str, mac: Option<&str>) -> String {
        let who = of_id(id, mac.and_then(address), Kind::Steady);
        let mut all: Vec<String> = who.identities.iter().map(ToString::to_string).collect();
        all.extend(who.label.map(|it| format!("label:{it}")));
        all.join(" ")
    }

    #[test]
    fn ids() {
        let rpa = Some("5a3c10f4a7e2");
        let fixed = Some("d4a3b2c1e0f9");
        for (id, mac, want) in [
            // Addresses and what is made of them.
            ("a4c138e1212e", Some("a4c138e1212e"), "ble:a4:c1:38:e1:21:2e"),
            ("known:5a3c10f4a7e2", rpa, "ble:5a:3c:10:f4:a7:e2"),
            ("mifit:f647c1324173", Some("f647c1324173"), "ble:f6:47:c1:32:41:73"),
            ("itag:ffff1000abcd", None, "ble:ff:ff:10:00:ab:cd"),
            // A key names the device; the key itself is nowhere.
            ("irk:ec0234a357c8ad05341010a60a397d9b", rpa, "irk:6c86d9b76b3f5a75"),
            ("irk:00000000000000000000000000000000", rpa, ""),
            ("irk:ec02", rpa, ""),
            // Beacons.
            (
                "iBeacon:FDA50693-A4E2-4FB1-AFCF-C6EB07647825-10011-49124",
                fixed,
                "ibeacon:fda50693-a4e2-4fb1-afcf-c6eb07647825-10011-49124 ble:d4:a3:b2:c1:e0:f9",
            ),
            (
                "fda50693a4e24fb1afcfc6eb07647825-1-2",
                None,
                "ibeacon:fda50693-a4e2-4fb1-afcf-c6eb07647825-1-2",
            ),
            ("iBeacon:e5ca1ade-f007-ba11-0000-000000000000-1-2", fixed, ""),
            ("iBeacon:fda50693-a4e2-4fb1-afcf-c6eb07647825-1-70000", None, ""),
            ("eddy:001122334444556677889-aabbccddeeff", None, ""),
            (
                "eddy:0011223344445566778899-aabbccddeeff",
                None,
                "eddystone:00112233445566778899-aabbccddeeff",
            ),
            (
                "eddy:00112233445566778899-aabbccddeeff",
                None,
                "eddystone:00112233445566778899-aabbccddeeff",
            ),
            // Fingerprints name nobody; a private address may be somebody's whose key the hub has.
            ("apple:1007:10-12", rpa, "private:5a:3c:10:f4:a7:e2"),
            ("apple:findmy", fixed, ""),
            ("msft:cdp:0902", rpa, "private:5a:3c:10:f4:a7:e2"),
            ("md:004c:25", rpa, "private:5a:3c:10:f4:a7:e2"),
            ("name:mi-band-3", fixed, "ble:d4:a3:b2:c1:e0:f9"),
            ("exp:20", None, ""),
            ("samsung:5a3c10f4a7e2", rpa, "private:5a:3c:10:f4:a7:e2"),
            ("node:kitchen", fixed, ""),
            // What somebody called it.
            ("anna_phone", rpa, "private:5a:3c:10:f4:a7:e2 label:anna_phone"),
            ("phone:anna", None, "label:phone:anna"),
            ("\u{202e}", None, ""),
        ] {
            assert_eq!(shown(id, mac), want, "{id}");
        }
    }

    #[test]
    fn addresses() {
        for (text, kind, want) in [
            ("B8:27:EB:01:02:03", Kind::Untold, "ble:b8:27:eb:01:02:03"),
            ("5A:3C:10:F4:A7:E2", Kind::Untold, "private:5a:3c:10:f4:a7:e2"),
            ("C5:3C:10:F4:A7:E2", Kind::Untold, "ble:c5:3c:10:f4:a7:e2"),
            ("B8:27:EB:01:02:03", Kind::Random, "private:b8:27:eb:01:02:03"),
            ("5A:3C:10:F4:A7:E2", Kind::Steady, "ble:5a:3c:10:f4:a7:e2"),
        ] {
            let shown = of_address(address(text).unwrap(), kind).unwrap().to_string();
            assert_eq!(shown, want);
        }
        assert_eq!(of_address(Mac([0; 6]), Kind::Steady), None);
        assert_eq!(address("b827eb0102"), None);
        assert_eq!(address("b827eb01020\u{e9}"), None);
    }
}
