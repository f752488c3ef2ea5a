//! The names of assigned numbers: companies, services, appearances.
//!
//! The table is embedded and read in place. Its making and its layout are described in
//! `data/bluetooth/README.md`.

use super::uuid::Uuid;
use crate::bytes::Bytes;
use crate::names::{Names, begin_count, find, rows};

/// The company with an identifier.
#[must_use]
pub fn company(id: u16) -> Option<&'static str> {
    let table = Table::read(TABLE)?;
    table.names.name(find(table.companies, &id.to_be_bytes())?)
}

/// The service with an identifier.
#[must_use]
pub fn service(uuid: Uuid) -> Option<&'static str> {
    let table = Table::read(TABLE)?;
    table.names.name(find(table.services, &uuid.full())?)
}

/// What an appearance stands for: the kind of device, or the category where the kind is not known.
#[must_use]
pub fn appearance(value: u16) -> Option<&'static str> {
    let table = Table::read(TABLE)?;
    let category = value & !0x3f;
    let number = find(table.appearances, &value.to_be_bytes())
        .or_else(|| find(table.appearances, &category.to_be_bytes()));
    table.names.name(number?)
}

struct Table<'a> {
    companies: &'a [[u8; 4]],
    appearances: &'a [[u8; 4]],
    services: &'a [[u8; 18]],
    names: Names<'a>,
}

impl<'a> Table<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut at = Bytes::new(bytes);
        at.array().filter(|it: &[u8; 4]| it == b"MBTN")?;
        let mut count = || at.u32().and_then(|it| usize::try_from(it).ok());
        let (names, companies, appearances, services) = (count()?, count()?, count()?, count()?);
        let begins = rows(&mut at, begin_count(names))?;
        Some(Self {
            companies: rows(&mut at, companies)?,
            appearances: rows(&mut at, appearances)?,
            services: rows(&mut at, services)?,
            names: Names::new(begins, at.rest()),
        })
    }
}

static TABLE: &[u8] = include_bytes!("../../data/bluetooth/numbers.bin");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_numbers() {
        assert_eq!(company(0x004c), Some("Apple"));
        assert_eq!(company(0x0499), Some("Ruuvi Innovations"));
        assert_eq!(company(0xfffe), None);
        assert_eq!(service(Uuid::Short(0x180f)), Some("Battery Service"));
        let hue = 0x932c_32bd_0000_47a2_835a_a8d4_55b8_59dd_u128.to_be_bytes();
        assert_eq!(service(Uuid::Long(hue)), Some("Philips Hue Light Control Service"));
        assert_eq!(service(Uuid::Short(0)), None);
        assert_eq!(appearance(0x0040), Some("Phone"));
        assert_eq!(appearance(0x00c2), Some("Smartwatch"));
        // A watch of a kind that the table does not have.
        assert_eq!(appearance(0x00ff), Some("Watch"));
        assert_eq!(appearance(0xffff), None);
    }

    #[test]
    fn the_table_is_sound() {
        let table = Table::read(TABLE).unwrap();
        assert!(table.companies.len() > 3_900 && table.services.len() > 100);
        assert!(table.appearances.len() > 300);
        assert!(table.companies.is_sorted() && table.appearances.is_sorted());
        assert!(table.services.is_sorted());
        let last = |row: &[u8]| u16::from_be_bytes(*row.last_chunk().unwrap());
        let short = table.companies.iter().chain(table.appearances).map(|it| last(it));
        for number in short.chain(table.services.iter().map(|it| last(it))) {
            let name = table.names.name(number).unwrap();
            assert!(!name.is_empty() && !name.chars().any(char::is_control), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_table_or_none(
            head in prop::collection::vec(0..4_u8, 16),
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            number in any::<u16>(),
        ) {
            if let Some(table) = Table::read(&[&b"MBTN"[..], &head, &bytes].concat()) {
                table.names.name(number);
                find(table.services, &[0; 16]);
            }
        }
    }
}
