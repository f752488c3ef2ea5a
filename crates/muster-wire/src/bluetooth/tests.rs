//! Stories of whole packets: the monitor channel, the management socket, the air; and of identities.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks what it looks at")]

use muster_core::identity::Mac;

use super::address::Address;
use super::advertisement::Kind;
use super::tag::{Candidate, CarrierKind, TagRules, Verdict, explain};
use super::*;

const A: [u8; 6] = [6, 5, 4, 3, 2, 0x41];

fn packet(link: LinkType, bytes: &[u8]) -> Packet<'_> {
    decode(link, bytes).unwrap().expect("it tells something")
}

/// A message of the monitor channel.
fn monitored(adapter: u16, opcode: u16, rest: &[u8]) -> Vec<u8> {
    [&adapter.to_be_bytes()[..], &opcode.to_be_bytes(), rest].concat()
}

#[test]
fn the_monitor_channel() {
    let new = monitored(0, 0, &[&[0, 1][..], &A, b"hci0\0\0\0\0"].concat());
    let it = packet(LinkType::BLUETOOTH_MONITOR, &new);
    assert_eq!(it.adapter, Some(0));
    let Body::Monitor(monitor::Body::Adapter { word, address, name }) = it.body else { panic!() };
    assert_eq!((word, address), ("new_index", Some(Mac([0x41, 2, 3, 4, 5, 6]))));
    assert_eq!(name.and_then(text::shown).as_deref(), Some("hci0"));

    let note = monitored(0xffff, 13, b"\x06\x0bbluetoothd\0Terminating\0");
    let it = packet(LinkType::BLUETOOTH_MONITOR, &note);
    assert_eq!(it.adapter, None);
    let Body::Monitor(monitor::Body::Note { by, text }) = it.body else { panic!() };
    assert_eq!(text::shown(by).as_deref(), Some("bluetoothd"));
    assert_eq!(text::shown(text).as_deref(), Some("Terminating"));

    let event = monitored(1, 3, &[0x0e, 4, 1, 3, 0x0c, 0]);
    let it = packet(LinkType::BLUETOOTH_MONITOR, &event);
    assert!(matches!(it.body, Body::Hci(Hci::Event(_))));
    // Data of connections, and opcodes of the future.
    for opcode in [4, 5, 6, 7, 18, 200] {
        assert_eq!(decode(LinkType::BLUETOOTH_MONITOR, &monitored(0, opcode, &[1])), Ok(None));
    }
    for (opcode, rest) in
        [(0, &[0; 15][..]), (10, &[0; 5]), (13, &[6, 3, 1]), (14, &[0; 13]), (17, &[0; 5])]
    {
        decode(LinkType::BLUETOOTH_MONITOR, &monitored(0, opcode, rest)).unwrap_err();
    }
}

#[test]
fn the_management_socket() {
    let found = [&A[..], &[2, 0xc4], &[0; 4], &[3, 0, 2, 1, 6]].concat();
    let head = |code: u16, length: usize| {
        let length = u16::try_from(length).unwrap();
        [code, 7, length].map(u16::to_le_bytes).concat()
    };
    let whole = [&head(0x12, found.len())[..], &found].concat();
    let (adapter, it) = Message::of_socket(&whole).unwrap();
    assert_eq!((adapter, it.word()), (Some(7), Some("device_found")));
    let management::Body::Found(told) = it.body else { panic!() };
    assert_eq!((told.rssi, told.kind, told.data), (Some(-60), Kind::Unknown, &[2, 1, 6][..]));
    assert_eq!(told.address.unwrap().kind.word(), "rpa");
    for length in 0..whole.len() {
        Message::of_socket(&whole[..length]).unwrap_err();
    }

    // What an advertisement monitor reports is laid out alike, behind the number of the pattern.
    let monitored = [&[5, 0][..], &found].concat();
    let it = Message::event(0x2f, &monitored).unwrap();
    assert_eq!(
        (it.word(), it.body),
        (Some("advertisement_monitor_device_found"), management::Body::Found(told))
    );

    let device = |code, parameters: &[u8]| match Message::event(code, parameters).unwrap().body {
        management::Body::Device { address, reason, .. } => (address, reason),
        other => panic!("{other:?}"),
    };
    let classic = Address::classic(Mac([0x41, 2, 3, 4, 5, 6]));
    assert_eq!(device(0x0c, &[&A[..], &[0, 3]].concat()), (classic, Some(3)));
    assert_eq!(device(0x0d, &[&A[..], &[0, 4]].concat()), (classic, Some(4)));
    assert_eq!(device(0x30, &[&[5, 0][..], &A, &[0]].concat()), (classic, None));
    let connected = [&A[..], &[0], &[0; 4], &[3, 0, 2, 10, 4]].concat();
    assert_eq!(device(0x0b, &connected), (classic, None));
    // A key: whose it is, behind the private address that it resolved; the key is not looked at.
    let key = [&[1][..], &[9; 6], &A, &[1], &[0x55; 16]].concat();
    assert_eq!(device(0x18, &key).0, Address::low_energy(classic.mac, false));
    assert_eq!(device(0x0a, &[&[1][..], &A, &[0], &[0x55; 16]].concat()).0, classic);
    let answer = Message::event(0x01, &[0x23, 0, 0, 7]).unwrap();
    assert_eq!(
        (answer.word(), answer.answered()),
        (Some("command_complete"), Some("start_discovery"))
    );
    let discovering = Message::event(0x13, &[7, 1]).unwrap().body;
    let what = management::Transports(7);
    assert_eq!(discovering, management::Body::Discovering { what, on: true });
    assert_eq!(Message::event(0x04, &[]).unwrap().body, management::Body::Adapter(true));
    assert_eq!(Message::event(0x05, &[]).unwrap().body, management::Body::Adapter(false));
    let settings = Message::event(0x06, &[0x01, 0x02, 0, 0]).unwrap().body;
    let management::Body::Settings(settings) = settings else { panic!("{settings:?}") };
    assert!(settings.is_powered() && settings.has_low_energy());
    let add = [&A[..], &[1, 2]].concat();
    let ask = Message::command(0x33, &add).unwrap();
    assert!(matches!(ask.body, management::Body::Device { .. }));
    assert_eq!(Message::event(0x33, &[1]).unwrap().body, management::Body::Other);
    // An address of a kind that is not known yet.
    assert_eq!(device_of_kind_7(), management::Body::Other);
}

#[test]
fn answers_of_the_management_socket_are_read() {
    let told = [&A[..], &[9, 2, 0], &[0x01, 0x02, 0, 0], &[0x00, 0x02, 0, 0], &[0; 9]].concat();
    let it = management::Controller::of_answer(&told).unwrap();
    assert_eq!(
        it.address,
        Message::event(0x18, &[&[1][..], &[9; 6], &A, &[1], &[0; 16]].concat())
            .map(|it| match it.body {
                management::Body::Device { address, .. } => address.mac,
                other => panic!("{other:?}"),
            })
            .unwrap()
    );
    assert!(it.supported.is_powered() && !it.current.is_powered());
    assert_eq!(management::Controller::of_answer(&told[..16]), None);
    let adapters = management::adapters_of_answer;
    assert_eq!(adapters(&[2, 0, 0, 0, 7, 0]), Some(vec![0, 7]));
    assert_eq!(adapters(&[2, 0, 0, 0, 7]), None);
    assert_eq!(adapters(&[0, 0]), Some(vec![]));
}

fn device_of_kind_7() -> management::Body<'static> {
    Message::event(0x0c, &[6, 5, 4, 3, 2, 1, 7, 3]).unwrap().body
}

/// A packet of the air, its check sum as given or right.
fn aired(head: u8, payload: &[u8]) -> Vec<u8> {
    let pdu = [&[head, u8::try_from(payload.len()).unwrap()], payload].concat();
    let mut bytes = 0x8e89_bed6_u32.to_le_bytes().to_vec();
    bytes.extend(&pdu);
    bytes.extend(air::check_sum(&pdu));
    bytes
}

#[test]
fn the_air() {
    let legacy = aired(0x40, &[&A[..], &[2, 1, 6]].concat());
    let it = packet(LinkType::BLE, &legacy).advertisements().next().unwrap();
    assert_eq!((it.kind.event().unwrap().word(), it.data), ("adv_ind", &[2, 1, 6][..]));
    assert_eq!(it.address.unwrap().kind.word(), "rpa");

    // With channel 12 of the band and -60 dBm.
    let head = [12, 0xc4, 0, 0, 0, 0, 0, 0, 0x03, 0];
    let with_radio = [&head[..], &legacy].concat();
    let it = packet(LinkType::BLE_RADIO, &with_radio).advertisements().next().unwrap();
    assert_eq!((it.channel, it.rssi), (Some(38), Some(-60)));
    // The receiver says that the sum is wrong; or nothing, and it is.
    let mut wrong = with_radio.clone();
    wrong[9] = 0x04;
    decode(LinkType::BLE_RADIO, &wrong).unwrap_err();
    wrong[9] = 0x0c;
    assert!(decode(LinkType::BLE_RADIO, &wrong).is_ok());
    *wrong.last_mut().unwrap() ^= 1;
    assert!(decode(LinkType::BLE_RADIO, &wrong).is_ok());
    wrong[9] = 0;
    let said = decode(LinkType::BLE_RADIO, &wrong).unwrap_err().to_string();
    assert_eq!(said, "malformed ble link layer frame: its check sum is wrong");

    let ask = aired(0xc3, &[A, [9; 6]].concat());
    let Body::Air(Air::Request { word, from, to, .. }) = packet(LinkType::BLE, &ask).body else {
        panic!()
    };
    assert_eq!((word, from.unwrap().mac.to_string()), ("scan_req", "41:02:03:04:05:06".to_owned()));
    assert_eq!(to.unwrap().mac, Mac([9; 6]));

    // Connectable; address, set and power in the header, then data.
    let extended = [&[0x4a, 0x49][..], &A, &[0, 0, 0xf6], &[2, 1, 6]].concat();
    let whole = aired(0x07, &extended);
    let it = packet(LinkType::BLE, &whole).advertisements().next().unwrap();
    let event = it.kind.event().unwrap();
    assert_eq!((event.word(), event.is_connectable()), ("adv_ext_ind", Some(true)));
    assert_eq!((it.tx_power, it.data), (Some(-10), &[2, 1, 6][..]));
    assert_eq!(it.address.unwrap().kind.word(), "public");
    let pointer = aired(0x07, &[6, 0x18, 1, 2, 3, 4, 5]);
    let it = packet(LinkType::BLE, &pointer).advertisements().next().unwrap();
    assert_eq!((it.address, it.data), (None, &[][..]));

    // Connections, unknown types, and what is cut.
    let mut other = legacy.clone();
    other[0] ^= 1;
    assert_eq!(decode(LinkType::BLE, &other), Ok(None));
    assert_eq!(decode(LinkType::BLE, &aired(0x0b, &[1])), Ok(None));
    for length in 0..legacy.len() {
        assert!(decode(LinkType::BLE, &legacy[..length]).is_err(), "{length}");
    }
    assert!(decode(LinkType::BLE, &aired(0x40, &A[..5])).is_err());
    assert!(decode(LinkType::BLE, &aired(0x07, &[])).is_err());
}

/// Flags, service 0xfff0 and an ASCII identifier behind company 0xffff, as the attendance reference's
/// phone app sends them.
fn phone(text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len() + 3).unwrap();
    [&[2, 1, 6, 3, 3, 0xf0, 0xff, length, 0xff, 0xff, 0xff], text].concat()
}

fn ids(data: &[u8], address: Option<Address>) -> Vec<String> {
    let mut all = Vec::new();
    let it = Advertisement { address, ..Advertisement::bare(data) };
    identify::identify(&it, &TagRules::default(), &mut |id| {
        all.push(id.to_identity().unwrap().to_string());
    });
    all
}

#[test]
fn a_text_is_an_identity_wherever_it_travels() {
    let want = ["tag:ATT-USER-1a2b3c4d"];
    assert_eq!(ids(&phone(b"ATT-USER-1a2b3c4d"), None), want);
    assert_eq!(ids(&phone(b"ATT-USER-1a2b3c4d\0\0"), None), want);
    let service = [&[20, 0x16, 0xf0, 0xff][..], b"ATT-USER-1a2b3c4d"].concat();
    assert_eq!(ids(&service, None), want);
    let name = [&[18, 0x09][..], b"ATT-USER-1a2b3c4d"].concat();
    assert_eq!(ids(&name, None), ["name:ATT-USER-1a2b3c4d", "tag:ATT-USER-1a2b3c4d"]);
    let short = [&[18, 0x08][..], b"ATT-USER-1a2b3c4d"].concat();
    assert_eq!(ids(&short, None), want);
    // Spelled out in an identifier, which travels backwards.
    let mut spelled = *b"ATT-USER-1a2b3c4";
    spelled.reverse();
    let uuid = [&[17, 0x07][..], &spelled].concat();
    assert_eq!(ids(&uuid, None), ["tag:ATT-USER-1a2b3c4"]);
}

#[test]
fn why_a_text_is_taken_or_not() {
    let rules = rules(&["ATT-", "5eb0c2"]);
    let why = |data: &[u8]| {
        let it = Advertisement::bare(data);
        explain(&it, &rules)
            .map(|(it, verdict)| format!("{}: {verdict}", it.carrier))
            .collect::<Vec<_>>()
    };
    assert_eq!(why(&phone(b"ATT-1")), ["manufacturer data ffff: begins with ATT-"]);
    assert_eq!(why(&phone(b"BTT-1")), ["manufacturer data ffff: begins with no prefix"]);
    let other = "manufacturer data ffff: begins with no prefix; ATT- is written in other letters";
    assert_eq!(why(&phone(b"att-1")), [other]);
    let unreadable = "manufacturer data ffff: cannot be read, or has nothing behind its prefix";
    assert_eq!(why(&phone(b"ATT-")), [unreadable]);
    assert_eq!(why(&phone(b"ATT-\x01\xff")), [unreadable]);
    assert_eq!(why(&phone("ATT-\u{202e}x".as_bytes())), [unreadable]);
    // Octets that are no text are no candidates.
    assert_eq!(why(&phone(&[1, 2, 3])), [""; 0]);
    let name = [&[5, 0x09][..], b"Keys"].concat();
    assert_eq!(why(&name), ["name: begins with no prefix"]);
    // The digits of an identifier, for systems that give each phone a service of its own.
    let own =
        [&[17, 0x07][..], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xc2, 0xb0, 0x5e]].concat();
    let taken = "service 5eb0c20d-0c0b-0a09-0807-060504030201: begins with 5eb0c2";
    assert_eq!(why(&own), [taken]);
    let it = Advertisement::bare(&own);
    let (found, _) = explain(&it, &rules).next().unwrap();
    assert_eq!(found.text(), Some("5eb0c20d-0c0b-0a09-0807-060504030201"));

    let none = TagRules::new(Vec::new());
    let data = phone(b"ATT-1");
    let it = Advertisement::bare(&data);
    let all: Vec<Candidate<'_>> = it.fields().flat_map(Candidate::of).collect();
    assert!(!all.is_empty() && all.iter().all(|it| none.judge(it) == Verdict::NoPrefix));
}

#[test]
fn carriers_case_and_length_decide_as_well() {
    let judged = |rules: &TagRules, data: &[u8]| {
        let it = Advertisement::bare(data);
        let told = explain(&it, rules).map(|(it, verdict)| format!("{}: {verdict}", it.carrier));
        let mut taken = Vec::new();
        identify::identify(&it, rules, &mut |id| taken.push(id.to_identity().unwrap().to_string()));
        taken.retain(|it| it.starts_with("tag:"));
        (told.collect::<Vec<_>>().join("; "), taken.join(" "))
    };
    let refused = |why: &str| (why.to_owned(), String::new());
    let name = [&[18, 0x09][..], b"ATT-USER-1a2b3c4d"].concat();
    let only = |it| rules(&["ATT-"]).only_in(vec![it]);
    let not_so = refused("name: begins with ATT-, but texts that travel so do not count");
    assert_eq!(judged(&only(CarrierKind::ServiceData), &name), not_so);
    let taken = ("name: begins with ATT-".to_owned(), "tag:ATT-USER-1a2b3c4d".to_owned());
    assert_eq!(judged(&only(CarrierKind::Name), &name), taken);
    let long = refused("name: begins with ATT-, but is shorter or longer than texts that count");
    for (length, want) in [(1..=16, &long), (18..=255, &long), (17..=17, &taken)] {
        assert_eq!(judged(&rules(&["ATT-"]).of_length(length), &name), *want);
    }
    // Whoever writes the prefix otherwise is somebody else.
    let small = [&[18, 0x09][..], b"att-USER-1a2b3c4d"].concat();
    let kept = ("name: begins with ATT-".to_owned(), "tag:att-USER-1a2b3c4d".to_owned());
    assert_eq!(judged(&rules(&["ATT-"]).in_any_case(true), &small), kept);
}

fn rules(prefixes: &[&str]) -> TagRules {
    TagRules::new(prefixes.iter().map(|it| it.parse().unwrap()).collect())
}

#[test]
fn addresses_that_rotate_name_nobody() {
    let mac: Mac = "70:81:94:0d:fb:aa".parse().unwrap();
    let of = |address| ids(&[], Some(address));
    assert_eq!(of(Address::low_energy(mac, true)), [""; 0]);
    assert_eq!(of(Address::low_energy(mac, false)), ["ble:70:81:94:0d:fb:aa"]);
    assert_eq!(of(Address::classic(mac)), ["bt:70:81:94:0d:fb:aa"]);
    let fixed: Mac = "c5:09:3f:89:0b:4b".parse().unwrap();
    assert_eq!(of(Address::low_energy(fixed, true)), ["ble:c5:09:3f:89:0b:4b"]);
    let never: Mac = "00:01:ff:a0:3a:76".parse().unwrap();
    assert_eq!(of(Address::low_energy(never, true)), [""; 0]);
    // Neither do numbers that change, nor the types of messages that all of a make send.
    let exposure = [&[3, 3, 0x6f, 0xfd, 23, 0x16, 0x6f, 0xfd][..], &[7; 20]].concat();
    assert_eq!(ids(&exposure, None), [""; 0]);
    let ephemeral = [&[13, 0x16, 0xaa, 0xfe, 0x30, 0xe7][..], &[7; 8]].concat();
    assert_eq!(ids(&ephemeral, None), [""; 0]);
    assert_eq!(ids(&[10, 0xff, 0x4c, 0, 0x10, 5, 1, 0x18, 1, 2, 3], None), [""; 0]);
}
