//! Who lives there and what they own: plausible names, real vendors' prefixes.

use muster_core::directory::{DeviceKind, Mark};
use muster_core::identity::{Identity, Mac};

use super::{Resident, Settings, Thing};
use crate::rng::Rng;

pub(super) fn residents(count: usize) -> &'static [Resident] {
    RESIDENTS.get(..count).unwrap_or(RESIDENTS)
}

pub(super) fn things(rng: &Rng, residents: &[Resident], settings: Settings) -> Vec<Thing> {
    let mut rng = rng.fork(1);
    let lives = |owner: &str| residents.iter().any(|it| it.name == owner);
    CAST.iter()
        .filter(|it| match it.role {
            Role::Of(owner) => lives(owner),
            Role::Stays => settings.appliances,
            Role::Visits => settings.guests,
        })
        .zip(10..)
        .map(|(it, host)| Thing {
            identity: Identity::Mac(address(&mut rng, it.prefix)),
            name: it.name,
            kind: it.kind,
            mark: it.mark(),
            owner: match it.role {
                Role::Of(owner) => Some(owner),
                Role::Stays | Role::Visits => None,
            },
            hostname: it.hostname,
            host,
        })
        .collect()
}

/// An address with a vendor's prefix, or one chosen at random as phones do.
fn address(rng: &mut Rng, prefix: Option<[u8; 3]>) -> Mac {
    let mut octets = [0; 6];
    octets.copy_from_slice(&rng.bits().to_be_bytes()[..6]);
    match prefix {
        Some(prefix) => octets[..3].copy_from_slice(&prefix),
        None => octets[0] = (octets[0] & 0xfc) | 0x02,
    }
    Mac(octets)
}

struct Part {
    role: Role,
    name: &'static str,
    kind: DeviceKind,
    prefix: Option<[u8; 3]>,
    hostname: &'static str,
}

#[derive(Clone, Copy)]
enum Role {
    Of(&'static str),
    Stays,
    Visits,
}

impl Part {
    fn mark(&self) -> Mark {
        let built_in = matches!(self.kind, DeviceKind::Network | DeviceKind::Appliance);
        if built_in { Mark::Infrastructure } else { Mark::Normal }
    }
}

const fn part(
    role: Role,
    name: &'static str,
    kind: DeviceKind,
    prefix: Option<[u8; 3]>,
    hostname: &'static str,
) -> Part {
    Part { role, name, kind, prefix, hostname }
}

const RESIDENTS: &[Resident] = &[
    Resident { name: "anna", display: "Anna" },
    Resident { name: "ben", display: "Ben" },
    Resident { name: "clara", display: "Clara" },
    Resident { name: "david", display: "David" },
];

/// Vendors by prefix (IEEE registration authority): Apple, Samsung, Google, AVM, LG, Brother,
/// Sonos, Philips Lighting, Espressif, TP-Link, Raspberry Pi, Synology, Hewlett Packard.
const CAST: &[Part] = &[
    part(Role::Of("anna"), "Anna's iPhone", DeviceKind::Phone, None, "Annas-iPhone"),
    part(
        Role::Of("anna"),
        "Anna's watch",
        DeviceKind::Watch,
        Some([0xf4, 0x5c, 0x89]),
        "Annas-AppleWatch",
    ),
    part(
        Role::Of("anna"),
        "Anna's MacBook",
        DeviceKind::Laptop,
        Some([0xf0, 0x18, 0x98]),
        "Annas-MacBook-Air",
    ),
    part(Role::Of("ben"), "Ben's Pixel", DeviceKind::Phone, Some([0x3c, 0x28, 0x6d]), "Pixel-8"),
    part(
        Role::Of("ben"),
        "Ben's laptop",
        DeviceKind::Laptop,
        Some([0x3c, 0xd9, 0x2b]),
        "ben-thinkbook",
    ),
    part(Role::Of("clara"), "Clara's Galaxy", DeviceKind::Phone, None, "Galaxy-A54-von-Clara"),
    part(
        Role::Of("clara"),
        "Clara's tablet",
        DeviceKind::Tablet,
        Some([0x8c, 0x79, 0xf5]),
        "Galaxy-Tab-S9",
    ),
    part(Role::Of("david"), "David's iPhone", DeviceKind::Phone, None, "iPhone-von-David"),
    part(Role::Stays, "Router", DeviceKind::Network, Some([0x3c, 0xa6, 0x2f]), "fritz.box"),
    part(Role::Stays, "Television", DeviceKind::Media, Some([0xa8, 0x23, 0xfe]), "LGwebOSTV"),
    part(Role::Stays, "Kitchen speaker", DeviceKind::Media, Some([0x5c, 0xaa, 0xfd]), "SonosZP"),
    part(Role::Stays, "Printer", DeviceKind::Printer, Some([0x30, 0x05, 0x5c]), "BRW30055C1A2B3C"),
    part(Role::Stays, "Hue bridge", DeviceKind::Appliance, Some([0x00, 0x17, 0x88]), "Philips-hue"),
    part(
        Role::Stays,
        "Washing machine plug",
        DeviceKind::Appliance,
        Some([0x24, 0x0a, 0xc4]),
        "shellyplug-s-7C2A",
    ),
    part(Role::Stays, "", DeviceKind::Appliance, Some([0x50, 0xc7, 0xbf]), "HS110"),
    part(
        Role::Stays,
        "Raspberry Pi",
        DeviceKind::Computer,
        Some([0xdc, 0xa6, 0x32]),
        "raspberrypi",
    ),
    part(Role::Stays, "Storage", DeviceKind::Computer, Some([0x00, 0x11, 0x32]), "diskstation"),
    part(Role::Visits, "", DeviceKind::Other, None, "iPhone"),
    part(Role::Visits, "", DeviceKind::Other, Some([0xac, 0xbc, 0x32]), "Omas-iPad"),
    part(Role::Visits, "", DeviceKind::Other, None, "Galaxy-S21"),
];
