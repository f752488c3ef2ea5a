//! The same ARP request under every wrapping.

use super::*;

fn request() -> build::ArpFrame {
    build::arp_request((ANNA, ANNA_4), BORIS_4, None)
}

/// The `EtherType` and what is behind it.
fn inside() -> Vec<u8> {
    request()[12..].to_vec()
}

fn snap() -> Vec<u8> {
    [&[0xaa, 0xaa, 3, 0, 0, 0][..], &inside()].concat()
}

#[test]
fn ethernet_with_tags_and_snap() {
    let addresses = &request()[..12];
    let tagged = |tags: &[u8]| [addresses, tags, &inside()].concat();
    for (frame, vlan) in [
        (request().to_vec(), &[][..]),
        (tagged(&[0x81, 0, 0xe0, 7]), &[7]),
        (tagged(&[0x88, 0xa8, 0, 200, 0x81, 0, 7, 0xd1]), &[200, 2001]),
        (tagged(&[0x91, 0, 0, 1, 0x92, 0, 0, 2, 0x81, 0, 0, 3]), &[1, 2, 3]),
        ([addresses, &[0, 36], &snap()].concat(), &[]),
        ([addresses, &[0x81, 0, 0, 5, 0, 36], &snap()].concat(), &[5]),
    ] {
        let frame = good(&frame);
        assert_eq!(frame.vlan, vlan);
        assert_eq!(frame.mac(), Some(ANNA));
        assert_eq!(frame.source, Some(ANNA));
    }
    let nine: Vec<u8> = [0x81, 0, 0, 1].repeat(9);
    assert_eq!(ethernet(&tagged(&nine)), Ok(None));
    // Spanning tree: 802.2 without SNAP.
    assert_eq!(ethernet(&[addresses, &[0, 38, 0x42, 0x42, 3, 0]].concat()), Ok(None));
    assert!(ethernet(&[addresses, &[0x81, 0, 0]].concat()).is_err());
}

#[test]
fn linux_cooked() {
    let one = [&[0, 1, 0, 1, 0, 6][..], &ANNA.0, &[0, 0], &inside()].concat();
    let two =
        [&[8, 6, 0, 0, 0, 0, 0, 2, 0, 1, 1, 6][..], &ANNA.0, &[0, 0], &inside()[2..]].concat();
    for (link, bytes) in [(LinkType::COOKED, one), (LinkType::COOKED_2, two)] {
        let frame = decode(link, &bytes).unwrap().unwrap();
        assert_eq!((frame.source, frame.destination, frame.mac()), (Some(ANNA), None, Some(ANNA)));
        assert!(decode(link, &bytes[..15]).is_err());
    }
    // A tunnel's end has no link address.
    let other = [&[0, 1, 3, 8, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0][..], &inside()].concat();
    assert_eq!(decode(LinkType::COOKED, &other).unwrap().unwrap().source, None);
}

/// A data frame: its first control bytes, three addresses, what follows them.
fn data(control: [u8; 2], addresses: [Mac; 3], more: &[u8]) -> Vec<u8> {
    let [one, two, three] = addresses.map(|it| it.0);
    [&control[..], &[0, 0], &one, &two, &three, &[0, 0], more, &snap()].concat()
}

#[test]
fn wifi() {
    let router = Mac([0x8a, 0x15, 0x14, 0x9b, 0x5a, 0xe0]);
    let all = build::BROADCAST;
    for (what, frame) in [
        ("to the access point", data([0x08, 1], [router, ANNA, all], &[])),
        ("from the access point", data([0x08, 2], [all, router, ANNA], &[])),
        ("between stations", data([0x08, 0], [all, ANNA, router], &[])),
        ("between access points", data([0x08, 3], [router, router, all], &ANNA.0)),
        ("with quality", data([0x88, 1], [router, ANNA, all], &[0, 0])),
        ("with high throughput", data([0x88, 0x81], [router, ANNA, all], &[0, 0, 1, 2, 3, 4])),
    ] {
        let decoded = decode(LinkType::WIFI, &frame).unwrap().expect(what);
        let found = (decoded.source, decoded.destination, decoded.mac());
        assert_eq!(found, (Some(ANNA), Some(all), Some(ANNA)), "{what}");
    }
    for (what, frame) in [
        ("encrypted", data([0x08, 0x41], [router, ANNA, all], &[])),
        ("a beacon", data([0x80, 0], [all, router, router], &[])),
        ("without a body", data([0x48, 1], [router, ANNA, all], &[])),
        ("several in one", data([0x88, 1], [router, ANNA, all], &[0x80, 0])),
    ] {
        assert_eq!(decode(LinkType::WIFI, &frame), Ok(None), "{what}");
    }
    assert!(decode(LinkType::WIFI, &[8, 1, 0]).is_err());
}

#[test]
fn radiotap() {
    let frame = data([0x88, 1], [BORIS, ANNA, build::BROADCAST], &[0, 0]);
    let padded = data([0x88, 1], [BORIS, ANNA, build::BROADCAST], &[0, 0, 0, 0]);
    let time = [1, 2, 3, 4, 5, 6, 7, 8];
    let source = |header: &[u8], frame: &[u8]| {
        let frame = decode(LinkType::RADIOTAP, &[header, frame].concat());
        frame.map(|it| it.unwrap().source)
    };
    assert_eq!(source(&[0, 0, 8, 0, 0, 0, 0, 0], &frame), Ok(Some(ANNA)));
    // Two words of presence, so that the time begins at 16 rather than at 8; then the flags.
    let head = |flags| {
        [&[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 9, 9, 9, 9][..], &time, &[flags]].concat()
    };
    assert_eq!(source(&head(0x10), &frame), Ok(Some(ANNA)));
    assert_eq!(source(&head(0x20), &padded), Ok(Some(ANNA)));
    let wrong = source(&head(0x50), &frame).unwrap_err().to_string();
    assert_eq!(wrong, "malformed 802.11 frame: its check sum was wrong when it was received");
    assert!(source(&[1, 0, 8, 0, 0, 0, 0, 0], &frame).is_err());
    assert!(source(&[0, 0, 0xff, 0xff, 0, 0, 0, 0], &frame).is_err());
}
