//! Which company made a network interface, from the longest prefix of its address.
//!
//! The table is embedded and read in place: nothing of it is copied to the heap. Its making and its
//! layout are described in `data/oui/README.md`. Addresses chosen by software have no vendor.

use muster_core::identity::Mac;

use crate::bytes::Bytes;
use crate::names::{Names, begin_count, find, rows};

/// The company to which the block with `mac` in it was assigned.
///
/// None for addresses that are locally administered or name a group, and for unassigned blocks.
pub fn vendor(mac: Mac) -> Option<&'static str> {
    if mac.is_local() || !mac.is_station() {
        return None;
    }
    let table = Table::read(TABLE)?;
    let [a, b, c, rest @ ..] = mac.0;
    let number = find(table.rows_36, &[a, b, c, rest[0], rest[1] & 0xf0])
        .or_else(|| find(table.rows_28, &[a, b, c, rest[0] & 0xf0]))
        .or_else(|| find(table.rows_24, &[a, b, c]))?;
    table.names.name(number)
}

struct Table<'a> {
    rows_24: &'a [[u8; 5]],
    rows_28: &'a [[u8; 6]],
    rows_36: &'a [[u8; 7]],
    names: Names<'a>,
}

impl<'a> Table<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut at = Bytes::new(bytes);
        at.array().filter(|it: &[u8; 4]| it == b"MOUI")?;
        let mut count = || at.u32().and_then(|it| usize::try_from(it).ok());
        let (names, of_24, of_28, of_36) = (count()?, count()?, count()?, count()?);
        let begins = rows(&mut at, begin_count(names))?;
        Some(Self {
            rows_24: rows(&mut at, of_24)?,
            rows_28: rows(&mut at, of_28)?,
            rows_36: rows(&mut at, of_36)?,
            names: Names::new(begins, at.rest()),
        })
    }
}

static TABLE: &[u8] = include_bytes!("../data/oui/vendors.bin");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_vendors() {
        for (address, want) in [
            ("b8:27:eb:01:02:03", Some("Raspberry Pi Foundation")),
            ("00:1f:29:da:2d:79", Some("Hewlett Packard")),
            // A 28-bit and a 36-bit block inside blocks that the authority keeps.
            ("20:85:93:b1:02:03", Some("IOG Products")),
            ("70:b3:d5:f2:f1:23", Some("TELEPLATFORMS")),
            ("70:b3:d5:71:91:23", Some("2M Technology")),
            // Of the old kind of small block.
            ("00:50:c2:7d:5f:ff", Some("DEUTA-WERKE")),
            ("40:d8:55:11:c0:00", Some("DEUTA-WERKE")),
            // Chosen by software, a group, nobody.
            ("ba:27:eb:01:02:03", None),
            ("01:00:5e:00:00:fb", None),
            ("00:00:00:00:00:00", None),
            ("fc:ff:ff:ff:ff:ff", None),
        ] {
            assert_eq!(vendor(address.parse().unwrap()), want, "{address}");
        }
    }

    #[test]
    fn the_table_is_sound() {
        let table = Table::read(TABLE).unwrap();
        assert!(table.rows_24.len() > 30_000 && table.rows_28.len() > 3_000);
        assert!(table.rows_36.len() > 8_000);
        assert!(
            table.rows_24.is_sorted() && table.rows_28.is_sorted() && table.rows_36.is_sorted()
        );
        let last = |row: &[u8]| u16::from_be_bytes(*row.last_chunk().unwrap());
        let numbers = (table.rows_24.iter().map(|it| last(it)))
            .chain(table.rows_28.iter().map(|it| last(it)))
            .chain(table.rows_36.iter().map(|it| last(it)));
        for number in numbers {
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
            if let Some(table) = Table::read(&[&b"MOUI"[..], &head, &bytes].concat()) {
                table.names.name(number);
                find(table.rows_24, &[1, 2, 3]);
            }
        }
    }
}
