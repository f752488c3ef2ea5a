//! Stories of beacons.

use super::*;

/// The beacon in manufacturer data or service data.
fn maker(company: u16, data: &[u8]) -> Option<Beacon<'_>> {
    Beacon::of(Field::Manufacturer(company, data))
}

fn service(uuid: u16, data: &[u8]) -> Option<Beacon<'_>> {
    Beacon::of(Field::ServiceData(Uuid::Short(uuid), data))
}

#[test]
fn ibeacon_and_altbeacon() {
    let mut data = vec![0x02, 0x15];
    data.extend(0..16);
    data.extend([0, 100, 1, 2, 0xc5]);
    let uuid = std::array::from_fn(|it| u8::try_from(it).unwrap());
    let want = Beacon::Ibeacon { uuid, major: 100, minor: 258, power: -59 };
    assert_eq!(maker(APPLE, &data), Some(want));
    assert_eq!(want.power_at_1_m(), Some(-59));
    // A maker's own octet behind it does not disturb; a cut one is none.
    assert_eq!(maker(APPLE, &[&data[..], &[0x64]].concat()), Some(want));
    assert_eq!(maker(APPLE, &data[..22]), None);

    data[..2].copy_from_slice(&[0xbe, 0xac]);
    let number = [0, 100, 1, 2];
    let want = Beacon::Altbeacon { company: 0xffff, organisation: uuid, number, power: -59 };
    assert_eq!(maker(0xffff, &data), Some(want));
    assert_eq!(maker(0xffff, &data[..22]), None);
}

#[test]
fn eddystone() {
    let uid = [&[0x00, 0xe7][..], &[1; 10], &[2; 6], &[0, 0]].concat();
    let it = service(EDDYSTONE, &uid).unwrap();
    assert_eq!(it.word(), "eddystone_uid");
    // Sent with -25 dBm at no distance.
    assert_eq!(it.power_at_1_m(), Some(-66));
    let want = Eddystone::Uid { power: -25, namespace: [1; 10], instance: [2; 6] };
    assert_eq!(it, Beacon::Eddystone(want));

    let url = |octets: &[u8]| match service(EDDYSTONE, octets) {
        Some(Beacon::Eddystone(it)) => it.url(),
        other => panic!("{other:?}"),
    };
    assert_eq!(url(b"\x10\x00\x03goo.gl/A\x07").as_deref(), Some("https://goo.gl/A.com"));
    assert_eq!(url(b"\x10\x00\x00a\x00b\x7f\xff").as_deref(), Some("http://www.a.com/b%7f%ff"));
    assert_eq!(url(b"\x10\x00\x04a"), None);
    assert_eq!(service(EDDYSTONE, b"\x10\x00"), None);

    let plain = [0x20, 0, 0x0b, 0xb8, 0x16, 0x80, 0, 0, 1, 0, 0, 0, 0, 99];
    let want = Telemetry::Plain { millivolts: 3000, temperature: 5760, count: 256, uptime_ds: 99 };
    assert_eq!(service(EDDYSTONE, &plain), Some(Beacon::Eddystone(Eddystone::Telemetry(want))));
    let encrypted = Beacon::Eddystone(Eddystone::Telemetry(Telemetry::Encrypted));
    assert_eq!(service(EDDYSTONE, &[0x20, 1, 9, 9]), Some(encrypted));
    let eid = service(EDDYSTONE, &[0x30, 0xe7, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    assert_eq!(eid.word(), "eddystone_eid");
    for broken in [&[][..], &[0x00, 1], &[0x20], &[0x20, 2], &[0x30, 1, 2], &[0x40, 1]] {
        assert_eq!(service(EDDYSTONE, broken), None, "{broken:?}");
    }
}

#[test]
fn messages_between_devices_give_their_types_only() {
    let types = |data: &[u8]| match maker(APPLE, data) {
        Some(Beacon::Apple(it)) => it.types().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(types(&[0x0c, 2, 1, 1, 0x10, 5, 1, 2, 3, 4, 5]), [0x0c, 0x10]);
    // HomeKit has 5 bits of length, the overflow area none; a cut message is the last.
    assert_eq!(types(&[0x06, 0x61, 9, 0x10, 0]), [0x06, 0x10]);
    assert_eq!(types(&[0x01, 0, 0, 0x10]), [0x01]);
    assert_eq!(types(&[0x10, 5, 1]), [0x10]);
    assert_eq!(types(&[0x12]), [0x12]);
    assert_eq!(types(&[]), [0; 0]);
    assert_eq!(Continuity::word(0x12), Some("find_my"));
    assert_eq!(maker(MICROSOFT, &[0x01, 9, 0x20]), Some(Beacon::Microsoft(1)));
    assert_eq!(maker(MICROSOFT, &[]), None);
    assert_eq!(microsoft_word(3), Some("swift_pair"));
    let exposure = service(EXPOSURE, &[7; 20]).unwrap();
    assert_eq!(exposure, Beacon::Exposure { rolling: [7; 16] });
    assert_eq!(service(EXPOSURE, &[7; 15]), None);
}

#[test]
fn bthome() {
    let objects = |data: &[u8]| match service(BTHOME, data) {
        Some(Beacon::Bthome(it)) => (it.is_encrypted, it.objects().collect::<Vec<_>>()),
        other => panic!("{other:?}"),
    };
    let two = [0x40, 0x02, 0xca, 0x09, 0x03, 0xbf, 0x13];
    assert_eq!(objects(&two), (false, vec!["temperature", "humidity"]));
    let text = [0x40, 0x53, 2, b'a', b'b', 0x01, 99];
    assert_eq!(objects(&text), (false, vec!["text", "battery"]));
    assert_eq!(objects(&[0x41, 1, 2, 3]), (true, vec![]));
    // Unknown identifiers and cut values end it.
    assert_eq!(objects(&[0x40, 0x01, 99, 0xee, 0x01, 99]), (false, vec!["battery"]));
    assert_eq!(objects(&[0x40, 0x01, 99, 0x02, 1]), (false, vec!["battery"]));
    assert_eq!(service(BTHOME, &[0x20, 1, 2]), None);
    assert_eq!(service(0x180f, &[0x40]), None);
}
