//! What people see of the radio: who is near, what they send, and how well the receivers hear.

use muster_core::identity::Mac;
use muster_wire::bluetooth::address::Address;
use muster_wire::bluetooth::advertisement::{Advertisement, Event, Kind};

#[cfg(test)]
mod support;

use support::House;
use support::ask::{door, get};

/// An advertisement from a private address.
fn hidden(data: &[u8]) -> Advertisement<'_> {
    let address = Address::low_energy(Mac([0x5e, 0xc8, 0x12, 0x34, 0x56, 0x78]), true);
    Advertisement {
        address: Some(address),
        rssi: Some(-61),
        kind: Kind::LowEnergy(Event::BROADCAST),
        ..Advertisement::bare(data)
    }
}

/// What the reference's phone app sends.
const APP: &[u8] = b"\x02\x01\x06\x03\x03\xf0\xff\x14\xff\xff\xffATT-USER-1a2b3c4d";

#[tokio::test]
async fn who_is_near_comes_first_with_a_chart_and_strangers_are_a_number() {
    let house = House::empty();
    house.meet("b8:27:eb:00:00:01", Some("printer"), true);
    house.near("ble:c0:00:00:00:00:01", Some("Keys"), &[(1, -70), (2, -72), (9, -95)]);
    house.near("tag:ATT-USER-1a2b3c4d", Some("badge"), &[(1, -48)]);
    house.pass_by(17);
    let door = door(&house);
    let page = get(&door, "/nearby").await.text;
    let at =
        |page: &str, what: &str| page.find(what).unwrap_or_else(|| panic!("no {what}: {page}"));
    assert!(at(&page, "-48 dBm") < at(&page, "-70 dBm"));
    assert!(!page.contains("printer"), "it has no signal");
    assert!(page.contains("<strong>2</strong> devices heard by radio"), "{page}");
    assert!(page.contains("<strong>17</strong> private addresses of strangers"), "{page}");
    assert!(page.contains("hub · network eth0: at best -70 dBm in the last hour"), "{page}");
    assert_eq!(page.matches(r#"<rect class="heard""#).count(), 4);
    let by_name = get(&door, "/nearby?order=name").await.text;
    assert!(at(&by_name, "badge") < at(&by_name, "Keys"));
    assert_eq!(get(&door, "/nearby?order=colour").await.status, 400);
    let deaf = get(&support::ask::door(&House::empty()), "/nearby").await.text;
    assert!(deaf.contains("No radio listens here."), "{deaf}");
}

#[tokio::test]
async fn who_was_near_is_still_near_after_the_hub_begins_anew() {
    let house = House::empty();
    house.near("ble:c0:00:00:00:00:01", Some("Keys"), &[(1, -70), (2, -52), (9, -95)]);
    house.near("tag:ATT-USER-1a2b3c4d", Some("badge"), &[(3, -61)]);
    house.near("ble:c0:00:00:00:00:03", Some("bike"), &[(30, -40)]);
    house.begin_anew();
    house.near("ble:c0:00:00:00:00:04", Some("watch"), &[(0, -66)]);
    let door = door(&house);
    let page = get(&door, "/nearby").await.text;
    assert!(page.contains("<strong>3</strong> devices heard by radio"), "{page}");
    let at = |what: &str| page.find(what).unwrap_or_else(|| panic!("no {what}: {page}"));
    assert!(at("-61 dBm") < at("-66 dBm") && at("-66 dBm") < at("-70 dBm"), "the last of each");
    assert!(!page.contains("bike"), "it was heard two hours ago");
    let keys = get(&door, "/devices/1").await.text;
    assert!(keys.contains("-70 dBm"), "{keys}");
    house.shelf().break_down(true);
    assert_eq!(get(&door, "/nearby").await.status, 503);
}

#[tokio::test]
async fn thousands_are_near_and_the_page_stays_small() {
    let house = House::empty();
    for number in 0..3_000_u32 {
        let [_, a, b, c] = number.to_be_bytes();
        let identity = format!("ble:c0:00:00:{a:02x}:{b:02x}:{c:02x}");
        let rssi = -40 - i8::try_from(number % 50).unwrap();
        house.near(&identity, None, &[(1, rssi)]);
    }
    let page = get(&door(&house), "/nearby").await.text;
    assert!(page.contains("<strong>3000</strong> devices"), "{}", page.len());
    assert_eq!(page.matches(r#"<li id="near-"#).count(), 100);
    assert!(page.contains("2900 more"));
    assert!(!page.contains("-42 dBm"), "60 are heard with -40 dBm, 40 of the next with -41");
    assert!(page.len() < 250_000, "{}", page.len());
}

#[tokio::test]
async fn what_a_device_sent_is_read_with_what_it_is_known_by() {
    let house = House::empty();
    let badge = house.near("tag:ATT-USER-1a2b3c4d", None, &[(1, -61)]);
    house.said(&["tag:ATT-USER-1a2b3c4d"], &hidden(APP));
    let refused = b"\x09\x09BADGE-17";
    let other = house.near("ble:c0:00:00:00:00:01", None, &[]);
    house.said(&["ble:c0:00:00:00:00:01"], &hidden(refused));
    let door = door(&house);
    let page = get(&door, &format!("/devices/{badge}")).await.text;
    for text in [
        "Advertisement heard",
        "discoverable, low energy only",
        "ffff: 4154542d555345522d3161326233633464",
        "text ATT-USER-1a2b3c4d in manufacturer data ffff",
        "begins with ATT-",
        "no key that was given resolves it",
        "-61 dBm",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let page = page + &get(&door, &format!("/api/v1/devices/{badge}/advertisements")).await.text;
    assert!(!page.contains("5e:c8:12"), "a private address is shown");
    let page = get(&door, &format!("/devices/{other}")).await.text;
    assert!(page.contains("begins with no prefix"), "{page}");
    let silent = house.meet("b8:27:eb:00:00:01", None, true);
    let page = get(&door, &format!("/devices/{silent}")).await.text;
    assert!(!page.contains("What it says") && !page.contains("<h2>Signal"), "{page}");
}

#[tokio::test]
async fn the_interface_gives_the_same() {
    let house = House::empty();
    let badge = house.near("tag:ATT-USER-1a2b3c4d", None, &[(1, -61), (3, -70)]);
    house.said(&["tag:ATT-USER-1a2b3c4d"], &hidden(APP));
    let door = door(&house);
    for (name, path) in [
        ("advertisements", format!("/api/v1/devices/{badge}/advertisements")),
        ("signal", format!("/api/v1/devices/{badge}/signal?hours=1")),
        ("radio_monitors", "/api/v1/monitors?hours=1".to_owned()),
    ] {
        insta::assert_json_snapshot!(name, get(&door, &path).await.json());
    }
    let device = get(&door, &format!("/api/v1/devices/{badge}")).await.json();
    assert_eq!((&device["rssi"], device["rssi_at"].is_string()), (&(-61).into(), true));
    for wrong in ["/api/v1/devices/99/signal", "/api/v1/devices/99/advertisements"] {
        assert_eq!(get(&door, wrong).await.status, 404, "{wrong}");
    }
    let hours = format!("/api/v1/devices/{badge}/signal?hours=0");
    assert_eq!(get(&door, &hours).await.status, 400);
}

#[tokio::test]
async fn a_receiver_shows_how_much_it_hears() {
    let house = House::empty();
    let page = get(&door(&house), "/monitors").await.text;
    assert!(!page.contains("in the last minute"), "{page}");
    house.near("ble:c0:00:00:00:00:01", None, &[(1, -61)]);
    let page = get(&door(&house), "/monitors").await.text;
    assert!(page.contains("42 reports in the last minute, the last at"), "{page}");
}
