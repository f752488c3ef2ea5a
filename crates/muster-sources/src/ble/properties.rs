//! A device's properties on D-Bus, written back as the advertising data that they were made from, so that
//! there is one way to read an advertisement.

use std::collections::{BTreeMap, HashMap};

use muster_core::identity::Mac;
use muster_wire::bluetooth::address::Address;
use muster_wire::bluetooth::advertisement::Advertisement;
use zbus::Variant;

/// Properties by their names, as they stand in a message: most come with every report and are read once, so
/// nothing of them is copied.
pub(super) type Properties<'a> = HashMap<&'a str, Variant<'a>>;

/// What is known of a device: what it last said.
#[derive(Debug, Default)]
pub(super) struct Device {
    address: Option<Address>,
    rssi: Option<i8>,
    /// Structures by the property that tells them.
    parts: BTreeMap<String, Vec<u8>>,
}

impl Device {
    /// Takes in what was told of it: whether that is a report of the radio.
    pub(super) fn learn(&mut self, told: &Properties<'_>) -> bool {
        if let Some(address) = address(told) {
            self.address = Some(address);
        }
        if let Some(rssi) = told.get("RSSI") {
            self.rssi = i16::try_from(rssi).ok().and_then(|it| i8::try_from(it).ok());
        }
        for (name, value) in told {
            if let Some(part) = structures(name, value) {
                self.parts.insert((*name).to_owned(), part);
            }
        }
        REPORTED.iter().any(|it| told.contains_key(*it))
    }

    /// The last advertisement, as far as it is known; its data is put into `data`.
    pub(super) fn advertisement<'a>(&self, data: &'a mut Vec<u8>) -> Advertisement<'a> {
        data.clear();
        data.extend(self.parts.values().flatten());
        Advertisement { address: self.address, rssi: self.rssi, ..Advertisement::bare(data) }
    }
}

fn address(told: &Properties<'_>) -> Option<Address> {
    let mac: Mac = <&str>::try_from(told.get("Address")?).ok()?.parse().ok()?;
    match <&str>::try_from(told.get("AddressType")?).ok()? {
        "public" => Some(Address::low_energy(mac, false)),
        "random" => Some(Address::low_energy(mac, true)),
        _ => None,
    }
}

/// The structures (Core Specification, Vol 3, Part C, 11) that a property was made from.
fn structures(name: &str, value: &Variant<'_>) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    match (name, value) {
        ("Name", Variant::Str(it)) => push(&mut data, COMPLETE_NAME, &[it.as_str().as_bytes()]),
        ("ManufacturerData", Variant::Dict(all)) => {
            for (company, told) in all.iter() {
                let Variant::U16(company) = company else { return None };
                push(&mut data, MANUFACTURER, &[&company.to_le_bytes(), &octets(told)?]);
            }
        }
        ("ServiceData", Variant::Dict(all)) => {
            for (uuid, told) in all.iter() {
                let (Variant::Str(uuid), told) = (uuid, octets(told)?) else { return None };
                match service(uuid)? {
                    Service::Short(it) => push(&mut data, SERVICE_DATA_16, &[&it, &told]),
                    Service::Long(it) => push(&mut data, SERVICE_DATA_128, &[&it, &told]),
                }
            }
        }
        ("UUIDs", Variant::Array(all)) => {
            for uuid in all.inner() {
                let Variant::Str(uuid) = uuid else { return None };
                match service(uuid)? {
                    Service::Short(it) => push(&mut data, SERVICES_16, &[&it]),
                    Service::Long(it) => push(&mut data, SERVICES_128, &[&it]),
                }
            }
        }
        _ => return None,
    }
    Some(data)
}

/// A structure; one that is longer than its length can say is left out.
fn push(data: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) {
    let length = 1 + parts.iter().map(|it| it.len()).sum::<usize>();
    if let Ok(length) = u8::try_from(length) {
        data.extend([length, kind]);
        data.extend(parts.iter().copied().flatten());
    }
}

fn octets(value: &Variant<'_>) -> Option<Vec<u8>> {
    let value = if let Variant::Variant(inner) = value { inner } else { value };
    let Variant::Array(all) = value else { return None };
    let octet = |it: &Variant<'_>| if let Variant::U8(it) = it { Some(*it) } else { None };
    all.inner().iter().map(octet).collect()
}

/// An identifier, with its last octet first as the air has it.
enum Service {
    Short([u8; 2]),
    Long([u8; 16]),
}

fn service(text: &str) -> Option<Service> {
    let digits: String = text.split('-').collect();
    let value = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32)?;
    let short = u16::try_from(value >> 96).ok().filter(|it| u128::from(*it) << 96 | BASE == value);
    Some(match short {
        Some(it) => Service::Short(it.to_le_bytes()),
        None => Service::Long(value.to_le_bytes()),
    })
}

/// What bluetoothd sets or sets again because of a report and for no other reason.
const REPORTED: [&str; 3] = ["RSSI", "ManufacturerData", "ServiceData"];
/// Assigned Numbers, 2.3.
const SERVICES_16: u8 = 0x03;
const SERVICES_128: u8 = 0x07;
const COMPLETE_NAME: u8 = 0x09;
const SERVICE_DATA_16: u8 = 0x16;
const SERVICE_DATA_128: u8 = 0x21;
const MANUFACTURER: u8 = 0xff;
/// `00000000-0000-1000-8000-00805f9b34fb`, of which short identifiers are a part (Vol 3, Part B, 2.5.1).
const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5f9b_34fb;

#[cfg(test)]
mod tests {
    use muster_core::identity::Identity;
    use muster_wire::bluetooth::identify::identify;
    use muster_wire::bluetooth::tag::TagRules;

    use super::*;

    fn told<'a>(all: Vec<(&'a str, Variant<'a>)>) -> Properties<'a> {
        all.into_iter().collect()
    }

    fn data<K: zbus::Basic + Into<Variant<'static>> + std::hash::Hash + Eq>(
        key: K,
        octets: &[u8],
    ) -> Variant<'static> {
        Variant::from(HashMap::from([(key, Variant::from(octets.to_vec()))]))
    }

    fn identities(device: &Device) -> Vec<String> {
        let (mut all, mut buffer): (Vec<Identity>, _) = (Vec::new(), Vec::new());
        let it = device.advertisement(&mut buffer);
        identify(&it, &TagRules::default(), &mut |id| all.extend(id.to_identity()));
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reports_are_told_from_what_was_there_before() {
        let mut device = Device::default();
        let mut is_report = |all| device.learn(&told(all));
        let address = ("Address", Variant::from("C0:11:22:33:44:55"));
        assert!(!is_report(vec![address, ("AddressType", Variant::from("random"))]));
        assert!(!is_report(vec![("Connected", Variant::from(true))]));
        assert!(is_report(vec![("RSSI", Variant::from(-47_i16))]));
        assert!(is_report(vec![("ServiceData", data("feaa".to_owned(), &[1]))]));
        let mut buffer = Vec::new();
        let it = device.advertisement(&mut buffer);
        assert_eq!((it.address.unwrap().kind.word(), it.rssi), ("random_static", Some(-47)));
    }

    #[test]
    fn what_it_says_is_what_it_sent() {
        let mut device = Device::default();
        let uuid = "0000fff0-0000-1000-8000-00805f9b34fb".to_owned();
        let long = "41545420-2d55-5345-522d-313233343536".to_owned();
        device.learn(&told(vec![
            ("Address", Variant::from("4A:11:22:33:44:55")),
            ("AddressType", Variant::from("random")),
            ("ManufacturerData", data(0xffff_u16, b"ATT-USER-1a2b3c4d")),
            ("ServiceData", data(uuid, b"ATT-ROOM-7")),
            ("UUIDs", Variant::from(vec![long])),
            ("Name", Variant::from("Keys")),
        ]));
        let all = identities(&device);
        for want in ["tag:ATT-USER-1a2b3c4d", "tag:ATT-ROOM-7", "name:Keys"] {
            assert!(all.contains(&want.to_owned()), "{want}: {all:?}");
        }
        assert!(!all.iter().any(|it| it.starts_with("ble:")), "it rotates: {all:?}");
    }

    #[test]
    fn nonsense_is_nothing() {
        let mut device = Device::default();
        device.learn(&told(vec![
            ("Address", Variant::from("nobody")),
            ("AddressType", Variant::from("loud")),
            ("RSSI", Variant::from(-4_000_i16)),
            ("ManufacturerData", Variant::from("text")),
            ("ServiceData", data("zzz".to_owned(), &[1])),
            ("UUIDs", Variant::from(vec!["+0000000000000000000000000000000".to_owned()])),
            ("Name", Variant::from("x".repeat(300))),
        ]));
        assert_eq!(identities(&device), [""; 0]);
        assert_eq!(device.advertisement(&mut Vec::new()).rssi, None);
    }
}
