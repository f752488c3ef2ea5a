//! Stories of advertising data.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks what it looks at")]

use proptest::prelude::*;

use super::*;
use crate::bluetooth::uuid::Uuid;

fn fields(bytes: &[u8]) -> Vec<Field<'_>> {
    AdStructures::new(bytes).fields().collect()
}

/// The only field of a structure with this type and these data.
fn one(kind: u8, data: &[u8]) -> String {
    let length = u8::try_from(data.len() + 1).unwrap();
    let bytes = [&[length, kind], data].concat();
    let all = fields(&bytes);
    assert_eq!(all.len(), 1, "{bytes:?}");
    match all[0] {
        Field::Services(it) => {
            format!(
                "services {:?} {}",
                it.iter().map(|it| it.to_string()).collect::<Vec<_>>(),
                it.is_whole
            )
        }
        Field::Solicited(it) => {
            format!("solicited {:?}", it.iter().map(|it| it.to_string()).collect::<Vec<_>>())
        }
        Field::LeAddress(it) => format!("address {} {}", it.mac, it.kind.word()),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_type_that_is_read() {
    for (kind, data, want) in [
        (0x01, &[0x06][..], "Flags(6)"),
        (0x01, &[0x1a, 0xff], "Flags(26)"),
        (0x02, &[0x12, 0x18, 0x0d, 0x18], "services [\"1812\", \"180d\"] false"),
        (0x03, &[0x12, 0x18, 0x99], "services [\"1812\"] true"),
        (0x05, &[1, 2, 3, 4], "services [\"04030201-0000-1000-8000-00805f9b34fb\"] true"),
        (0x07, &[0xfb; 16], "services [\"fbfbfbfb-fbfb-fbfb-fbfb-fbfbfbfbfbfb\"] true"),
        (0x07, &[0xfb; 15], "services [] true"),
        (0x08, b"LF", "Name { text: [76, 70], is_whole: false }"),
        (0x09, b"", "Name { text: [], is_whole: true }"),
        (0x0a, &[0xce], "TxPower(-50)"),
        (0x0d, &[0x0c, 0x02, 0x5a], "Class(5898764)"),
        (0x12, &[6, 0, 0x80, 0x0c], "ConnectionInterval { least: 6, most: 3200 }"),
        (0x14, &[0x0a, 0x18], "solicited [\"180a\"]"),
        (0x1f, &[1, 2, 3, 4], "solicited [\"04030201-0000-1000-8000-00805f9b34fb\"]"),
        (0x16, &[0x0f, 0x18, 7], "ServiceData(Short(6159), [7])"),
        (0x20, &[1, 2, 3, 4, 5], "ServiceData(Middle(67305985), [5])"),
        (0x19, &[0xc1, 3], "Appearance(961)"),
        (0x1a, &[0xa0, 0], "AdvertisingInterval(160)"),
        (0x2f, &[0xa0, 0, 1], "AdvertisingInterval(65696)"),
        (0x1b, &[6, 5, 4, 3, 2, 0xc1, 1], "address c1:02:03:04:05:06 random_static"),
        (0x1c, &[2], "LeRole(2)"),
        (0x24, b"\x17//a.b", "Uri([23, 47, 47, 97, 46, 98])"),
        (0xff, &[0x4c, 0], "Manufacturer(76, [])"),
        (0x18, &[1, 2, 3, 4, 5, 6], "Target { addresses: [[1, 2, 3, 4, 5, 6]], is_random: true }"),
        // Too short, too long, or of a type without a reading: handed on.
        (0x01, &[], "Other(AdKind(1), [])"),
        (0x0a, &[1, 2], "Other(AdKind(10), [1, 2])"),
        (0x19, &[1], "Other(AdKind(25), [1])"),
        (0x16, &[1], "Other(AdKind(22), [1])"),
        (0x17, &[1, 2, 3], "Other(AdKind(23), [1, 2, 3])"),
        (0x1a, &[1], "Other(AdKind(26), [1])"),
        (0x2f, &[1; 5], "Other(AdKind(47), [1, 1, 1, 1, 1])"),
        (0xff, &[1], "Other(AdKind(255), [1])"),
        (0x2b, &[0, 1], "Other(AdKind(43), [0, 1])"),
        (0x13, &[9], "Other(AdKind(19), [9])"),
    ] {
        assert_eq!(one(kind, data), want, "{kind:#04x} {data:?}");
    }
}

#[test]
fn padding_is_passed_over_and_a_cut_structure_ends_it() {
    let padded = [2, 1, 6, 0, 0, 0, 3, 0x19, 1, 2, 0, 0];
    assert_eq!(fields(&padded), [Field::Flags(6), Field::Appearance(0x0201)]);
    assert!(!AdStructures::new(&padded).is_cut());
    let cut = [2, 1, 6, 9, 0xff, 1, 2];
    assert_eq!(fields(&cut), [Field::Flags(6)]);
    assert!(AdStructures::new(&cut).is_cut());
    assert!(fields(&[]).is_empty() && fields(&[0; 31]).is_empty());
    assert!(!AdStructures::new(&[0; 31]).is_cut() && AdStructures::new(&[1]).is_cut());
}

proptest! {
    #[test]
    fn any_bytes_give_fields_of_what_they_hold(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut told = 0;
        for structure in AdStructures::new(&bytes) {
            told += structure.data.len() + 2;
            if let Field::Services(all) | Field::Solicited(all) = structure.field() {
                let widths = all.iter().map(|it| match it {
                    Uuid::Short(_) => 2,
                    Uuid::Middle(_) => 4,
                    Uuid::Long(_) => 16,
                });
                prop_assert!(widths.sum::<usize>() <= structure.data.len());
            }
        }
        prop_assert!(told <= bytes.len());
    }

    /// What was put together is taken apart, whatever it is.
    #[test]
    fn structures_come_back(
        all in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..8),
    ) {
        let mut bytes = Vec::new();
        for (kind, data) in &all {
            bytes.extend([u8::try_from(data.len() + 1).unwrap(), *kind]);
            bytes.extend(data);
        }
        let read: Vec<(u8, Vec<u8>)> =
            AdStructures::new(&bytes).map(|it| (it.kind.0, it.data.to_vec())).collect();
        prop_assert_eq!(read, all);
        prop_assert!(!AdStructures::new(&bytes).is_cut());
    }
}
