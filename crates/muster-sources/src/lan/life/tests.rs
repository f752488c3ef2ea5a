//! Networks that live, die and are exchanged, second by second.

use std::collections::BTreeMap;

use super::*;

const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 9]);
const NAS: Mac = Mac([2, 0, 0, 0, 0, 3]);
const ANNA: Mac = Mac([2, 0, 0, 0, 0, 1]);
const OTHER: Mac = Mac([2, 0, 0, 0, 0, 0xff]);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn link(own: &[&str], gateways: &[&str]) -> Link {
    let length = |ip: &IpAddr| if ip.is_ipv4() { 24 } else { 64 };
    Link {
        index: 2,
        name: "eth0".to_owned(),
        mac: Some(Mac([2, 0, 0, 0, 0, 0x77])),
        addresses: own.iter().map(|it| ip(it)).map(|it| (it, length(&it))).collect(),
        gateways: gateways.iter().map(|it| ip(it)).collect(),
        ranges: Vec::new(),
        unswept: Vec::new(),
        deaf: None,
    }
}

/// A link with its memory of who was heard when.
struct Room {
    life: Life,
    heard: BTreeMap<Mac, Duration>,
    now: u64,
}

impl Room {
    fn new(link: &Link, rhythm: Rhythm) -> Self {
        let life = Life::new(rhythm, link, &LanSettings::default(), at(0));
        Self { life, heard: BTreeMap::new(), now: 0 }
    }

    /// A household behind a router, proved from 0 to 100.
    fn with_router() -> Self {
        let mut room = Self::new(&link(&["10.0.0.1", "fe80::1"], &["10.0.0.9"]), Rhythm::FRAMES);
        room.hears(0, NAS, None);
        for second in (0..=100).step_by(10) {
            room.hears(second, ROUTER, Some("10.0.0.9"));
        }
        room.hears(95, ANNA, None);
        assert_eq!(room.proved(100), Some((0, 100)));
        room
    }

    fn hears(&mut self, second: u64, mac: Mac, claims: Option<&str>) {
        let heard = self.heard.clone();
        let company = |from, to| company(&heard, from, to);
        self.life.heard(mac, claims.map(ip), at(second), company);
        self.heard.insert(mac, at(second));
        self.now = second;
    }

    fn set_link(&mut self, second: u64, link: &Link) {
        let heard = self.heard.clone();
        let company = |from, to| company(&heard, from, to);
        self.life.set_link(link, &LanSettings::default(), at(second), company);
    }

    fn proved(&self, now: u64) -> Option<(u64, u64)> {
        self.life.proved(at(now)).map(|(from, to)| (from.as_secs(), to.as_secs()))
    }
}

fn company(heard: &BTreeMap<Mac, Duration>, from: Duration, to: Duration) -> BTreeSet<Mac> {
    heard.iter().filter(|it| from <= *it.1 && *it.1 <= to).map(|it| *it.0).collect()
}

#[test]
fn a_gateway_proves_up_to_its_last_sign_and_no_other_station_does() {
    let mut room = Room::with_router();
    for second in 101..2500 {
        room.hears(second, NAS, Some("10.0.0.3"));
        assert_eq!(room.proved(second), Some((0, 100)), "it hangs on the same switch");
    }
    let why = "the network behind the link may be down: no answer from 10.0.0.9";
    assert_eq!(room.life.trouble(at(130)), None);
    assert_eq!(room.life.trouble(at(131)).as_deref(), Some(why));
    assert_eq!(room.life.could_answer(at(100), at(101)), Some(true));
    assert_eq!(room.life.could_answer(at(110), at(120)), None);
    assert_eq!(room.life.could_answer(at(110), at(141)), Some(false));
    room.hears(2500, ROUTER, Some("10.0.0.9"));
    assert_eq!(room.proved(2501), Some((2500, 2500)), "the same router: nothing has changed");
    room.hears(2510, ROUTER, None);
    assert_eq!(room.proved(2511), Some((2500, 2510)), "any frame of it will do");
    assert_eq!(room.life.trouble(at(2511)), None);
    assert_eq!(room.life.could_answer(at(2400), at(2511)), Some(false));
}

#[test]
fn a_gateway_that_is_quiet_is_asked() {
    let mut room = Room::with_router();
    assert_eq!(room.life.poll_ask(at(103)), None);
    assert_eq!(room.life.ready_at(), Some(at(104)));
    let gateway = ip("10.0.0.9");
    let asks: Vec<_> =
        (103..122).filter_map(|it| Some((it, room.life.poll_ask(at(it))?.to))).collect();
    let router = Some(ROUTER);
    let want = [(104, router), (108, router), (112, None), (116, None), (120, None)];
    assert_eq!(asks, want, "in the end everybody is asked");
    let unknown =
        Room::new(&link(&["10.0.0.1"], &["10.0.0.9"]), Rhythm::FRAMES).life.poll_ask(at(0));
    assert_eq!(unknown, Some(Ask { ip: gateway, to: None }));
    let exclude = vec!["10.0.0.9".to_owned().try_into().unwrap()];
    let settings = LanSettings { exclude, ..LanSettings::default() };
    let link = link(&["10.0.0.1"], &["10.0.0.9"]);
    let mut shy = Life::new(Rhythm::FRAMES, &link, &settings, at(0));
    assert_eq!((shy.poll_ask(at(50)), shy.ready_at()), (None, None), "never spoken to");
}

#[test]
fn without_a_gateway_the_carrier_proves_and_without_an_address_nothing() {
    let room = Room::new(&link(&["10.0.0.1"], &[]), Rhythm::FRAMES);
    assert_eq!(room.proved(50), Some((0, 50)));
    assert_eq!(room.life.ready_at(), None);
    assert_eq!(room.life.could_answer(at(49), at(50)), Some(true));
    for own in [&[][..], &["169.254.7.7"], &["fe80::1"]] {
        let room = Room::new(&link(own, &[]), Rhythm::FRAMES);
        assert_eq!(room.proved(50), None, "{own:?}");
        assert!(room.life.trouble(at(50)).unwrap().contains("neither an address nor"), "{own:?}");
    }
    let later = Room::new(&link(&["2001:db8::1"], &[]), Rhythm::FRAMES);
    assert_eq!(later.proved(50), Some((0, 50)));
}

#[test]
fn a_link_that_lost_its_route_in_an_outage_is_held_to_its_gateway() {
    let mut room = Room::with_router();
    room.set_link(400, &link(&["10.0.0.1"], &[]));
    assert_eq!(room.proved(401), Some((0, 100)));
    room.set_link(500, &link(&["fe80::1"], &[]));
    assert_eq!(room.proved(501), Some((0, 100)));
    room.set_link(600, &link(&["10.0.0.1"], &["10.0.0.9"]));
    room.hears(600, ROUTER, Some("10.0.0.9"));
    assert_eq!(room.proved(601), Some((600, 600)), "it is the same network");
}

#[test]
fn another_station_behind_the_gateways_address_is_another_network() {
    let mut room = Room::with_router();
    room.hears(104, OTHER, None);
    room.hears(105, OTHER, Some("10.0.0.9"));
    assert_eq!(room.proved(106), None, "this may be another house");
    let why = "the network changed: nobody who was here before has been heard since";
    assert_eq!(room.life.trouble(at(106)).as_deref(), Some(why));
    for second in 106..300 {
        room.hears(second, OTHER, Some("10.0.0.9"));
    }
    assert_eq!(room.proved(300), None);
    assert_eq!(room.life.could_answer(at(110), at(300)), Some(false));
    room.hears(300, ANNA, None);
    room.hears(301, OTHER, Some("10.0.0.9"));
    assert_eq!(room.proved(302), Some((301, 301)), "it is the old house with a new router");

    let mut back = Room::with_router();
    back.hears(105, OTHER, Some("10.0.0.9"));
    back.hears(200, ROUTER, Some("10.0.0.9"));
    back.hears(201, NAS, None);
    back.hears(202, ROUTER, Some("10.0.0.9"));
    assert_eq!(back.proved(203), Some((202, 202)), "home again");

    let mut alone = Room::new(&link(&["10.0.0.1"], &["10.0.0.9"]), Rhythm::FRAMES);
    alone.hears(0, ROUTER, Some("10.0.0.9"));
    alone.hears(5, OTHER, Some("10.0.0.9"));
    assert_eq!(alone.proved(6), Some((5, 5)), "a gap; nobody is there to be missed");

    let mut given_up = Room::with_router();
    given_up.hears(105, OTHER, Some("10.0.0.9"));
    let day = 24 * 3600;
    given_up.hears(105 + day, OTHER, Some("10.0.0.9"));
    assert!(given_up.proved(106 + day).is_some());
}

#[test]
fn two_stations_that_share_a_gateways_address_are_one_network() {
    let mut room = Room::with_router();
    room.hears(105, OTHER, Some("10.0.0.9"));
    room.hears(105, ROUTER, Some("10.0.0.9"));
    room.hears(106, NAS, None);
    for second in (110..200).step_by(5) {
        room.hears(second, OTHER, Some("10.0.0.9"));
        room.hears(second, ROUTER, Some("10.0.0.9"));
    }
    assert_eq!(room.proved(200), Some((110, 195)));
    let two = link(&["10.0.0.1", "fe80::1"], &["10.0.0.9", "fe80::ff"]);
    let mut room = Room::with_router();
    room.set_link(100, &two);
    room.hears(101, OTHER, Some("fe80::ff"));
    assert_eq!(room.proved(102), Some((0, 101)), "the gateway of the other protocol");
}

#[test]
fn other_prefixes_or_gateways_are_another_network() {
    let mut room = Room::with_router();
    room.set_link(102, &link(&["10.0.0.1", "10.0.0.2", "2001:db8::1"], &["10.0.0.9"]));
    assert_eq!(room.proved(103), Some((0, 100)), "the same prefix; IPv6 ones come and go");
    room.set_link(104, &link(&["192.168.1.7"], &["10.0.0.9"]));
    assert_eq!(room.proved(105), None);

    let mut room = Room::with_router();
    room.set_link(104, &link(&["10.0.0.1"], &["10.0.0.254"]));
    assert_eq!(room.proved(105), None, "same prefix, other gateway");
    room.hears(105, OTHER, Some("10.0.0.254"));
    room.hears(106, NAS, None);
    room.hears(107, OTHER, Some("10.0.0.254"));
    assert_eq!(room.proved(108), Some((107, 107)));

    let mut plain = Room::new(&link(&["10.0.0.1"], &[]), Rhythm::FRAMES);
    plain.hears(50, ANNA, None);
    plain.set_link(100, &link(&["10.9.0.1"], &[]));
    assert_eq!(plain.proved(101), None);
    plain.hears(110, ANNA, None);
    assert_eq!(plain.proved(120), Some((110, 120)));
}

#[test]
fn the_kernels_slow_answers_prove_too() {
    let mut room = Room::new(&link(&["10.0.0.1"], &["10.0.0.9"]), Rhythm::POKES);
    room.hears(0, ROUTER, Some("10.0.0.9"));
    assert_eq!(room.proved(20), Some((0, 20)), "taken for granted, for 30 s");
    assert_eq!(room.proved(50), Some((0, 30)));
    assert_eq!(room.life.could_answer(at(20), at(50)), None, "but no silence is believed by it");
    room.hears(55, ROUTER, Some("10.0.0.9"));
    assert_eq!(room.proved(60), Some((0, 60)));
    assert_eq!(room.life.could_answer(at(20), at(60)), Some(true));
    room.hears(131, ROUTER, Some("10.0.0.9"));
    assert_eq!(room.proved(131), Some((131, 131)), "the time between is not proved");
    room.life.failed(ip("10.0.0.9"), at(120));
    room.life.failed(ip("10.0.0.8"), at(140));
    assert_eq!(room.proved(150), Some((131, 150)), "before its answer, and another");
    room.life.failed(ip("10.0.0.9"), at(140));
    assert_eq!(room.proved(150), Some((131, 131)));
    assert!(room.life.trouble(at(150)).unwrap().contains("no answer from 10.0.0.9"));
    room.hears(160, ROUTER, Some("10.0.0.9"));
    assert_eq!(room.life.trouble(at(160)), None);
}

#[test]
fn a_crowd_that_takes_the_gateways_address_in_turns_costs_little_and_passes() {
    let mut room = Room::with_router();
    let asked = std::cell::Cell::new(0);
    for number in 0..5_000_u16 {
        let [high, low] = number.to_be_bytes();
        let spoofer = Mac([2, 0x11, 0, 0, high, low]);
        room.life.heard(spoofer, Some(ip("10.0.0.9")), at(101), |_, _| {
            asked.set(asked.get() + 1);
            BTreeSet::from([ANNA, NAS])
        });
    }
    assert!(asked.get() <= MOST_FACES, "{}", asked.get());
    assert_eq!(room.proved(102), None, "another house, as far as can be told");
    room.hears(103, ANNA, None);
    room.hears(104, ROUTER, Some("10.0.0.9"));
    assert_eq!(room.proved(104), Some((104, 104)), "it is the same one");
    // A minute after the crowd a new router is believed, as on any other day.
    room.hears(164, OTHER, Some("10.0.0.9"));
    room.hears(165, ANNA, None);
    room.hears(170, OTHER, Some("10.0.0.9"));
    assert_eq!(room.proved(170), Some((170, 170)));
}
