//! Identity resolving keys: who is behind addresses that change, and that no key is anywhere but in the
//! one file that keeps it.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

use std::fs;
use std::path::Path;

use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};
use serde_json::Value;

use crate::support::House;

/// Of the sample data of `ah` (Core Specification, Vol 3, Part H, D.7).
const KEY: [u8; 16] = [
    0xec, 0x02, 0x34, 0xa3, 0x57, 0xc8, 0xad, 0x05, 0x34, 0x10, 0x10, 0xa6, 0x0a, 0x39, 0x7d, 0x9b,
];
const IDENTITY: &str = "irk:6c86d9b76b3f5a75";

fn digits(key: &[u8]) -> String {
    let digit = |it: u8| char::from_digit(it.into(), 16).unwrap();
    key.iter().flat_map(|it| [digit(it >> 4), digit(it & 0xf)]).collect()
}

/// A resolvable private address, octets in the order of the air.
fn address(key: &[u8; 16], number: u8) -> [u8; 6] {
    let upper = [0x40 | number, 0x81, 0x94];
    let mut block = Array([0; 16]);
    block[13..].copy_from_slice(&upper);
    Aes128Enc::new(key.into()).encrypt_block(&mut block);
    [block[15], block[14], block[13], upper[2], upper[1], upper[0]]
}

/// A btsnoop file of host packets, each at a second of the first of January 2027.
#[derive(Default)]
struct Capture(Vec<u8>);

impl Capture {
    fn packet(&mut self, second: u64, received: bool, packet: &[u8]) {
        if self.0.is_empty() {
            self.0.extend(b"btsnoop\0\0\0\0\x01\0\0\x03\xea");
        }
        let length = u32::try_from(packet.len()).unwrap().to_be_bytes();
        let at = 0x00dc_ddb3_0f2f_8000 + (1_798_761_600 + second) * 1_000_000;
        self.0.extend([length, length, u32::from(received).to_be_bytes(), [0; 4]].concat());
        self.0.extend(at.to_be_bytes());
        self.0.extend(packet);
    }

    /// The host tells its controller to listen, or to stop.
    fn listen(&mut self, second: u64, on: u8) {
        self.packet(second, false, &[1, 0x0c, 0x20, 2, on, 0]);
        self.packet(second, true, &[4, 0x0e, 4, 1, 0x0c, 0x20, 0]);
    }

    /// An advertisement that says nothing, from a random address.
    fn heard(&mut self, second: u64, address: [u8; 6]) {
        let head = [4, 0x3e, 12, 0x02, 1, 0, 1];
        self.packet(second, true, &[&head[..], &address, &[0, 0xc4]].concat());
    }
}

/// For an hour a phone changes its address every quarter, and a stranger every minute; then they go,
/// and the host listens on.
fn an_hour(key: &[u8; 16]) -> Vec<u8> {
    let mut capture = Capture::default();
    capture.listen(0, 1);
    for second in (0..3_600).step_by(5) {
        capture.heard(second, address(key, u8::try_from(second / 900).unwrap()));
        capture.heard(second, address(&[9; 16], u8::try_from(second / 60).unwrap()));
    }
    capture.listen(4_800, 0);
    capture.0
}

#[test]
fn one_phone_is_followed_through_its_addresses_into_one_stay() {
    let house = House::empty();
    fs::write(house.path().join("hour.btsnoop"), an_hour(&KEY)).unwrap();
    let mut backwards = KEY;
    backwards.reverse();
    for (name, key) in [("forwards", KEY), ("backwards", backwards)] {
        house.file(name, &digits(&key));
        let said = house.ask(&["replay", "hour.btsnoop", "--irk-file", name, "--format", "json"]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.err.contains("60 private Bluetooth addresses were heard"), "{}", said.err);
        let stays: Value = serde_json::from_str(&said.out).unwrap();
        let [stay] = stays.as_array().unwrap().as_slice() else { panic!("{stays}") };
        assert_eq!(stay["who"], IDENTITY);
        assert_eq!(stay["from"], "2027-01-01T00:00:00Z");
        assert_eq!(stay["to"], "2027-01-01T00:59:55Z");
        assert_eq!(stay["ended"], "left");
    }
    let without = house.ask(&["replay", "hour.btsnoop"]);
    assert!(without.err.contains("64 private Bluetooth addresses were heard"), "{}", without.err);
    assert!(without.err.contains("nobody was heard"), "{}", without.err);
}

#[test]
fn a_decoded_address_says_whose_it_is() {
    let house = House::empty();
    house.file("key.txt", &digits(&KEY));
    let report = "043e0c02010001aafb0d94817000c4";
    let line = |args: &[&str]| -> Value {
        serde_json::from_str(&house.tell(&[&["decode", "--as", "hci", report], args].concat()))
            .unwrap()
    };
    let known = line(&["--irk-file", "key.txt"]);
    assert_eq!((&known["resolved"], &known["ids"][0]), (&IDENTITY.into(), &IDENTITY.into()));
    assert_eq!(known["address"], "70:81:94:0d:fb:aa");
    let unknown = line(&[]);
    assert_eq!((unknown.get("resolved"), unknown.get("ids")), (None, None));
}

#[test]
fn a_device_is_added_by_its_key_and_the_key_is_nowhere_else() {
    let house = House::until_ten_minutes_ago();
    let key = digits(&KEY);
    let folder = tempfile::tempdir().unwrap();
    let info = folder.path().join("info");
    let content =
        format!("[General]\nName=x\n\n[IdentityResolvingKey]\nKey={}\n", key.to_uppercase());
    fs::write(&info, content).unwrap();
    let add = ["device", "add", "--irk-file", info.to_str().unwrap()];
    let named = [&add[..], &["--name", "Anna's watch", "-vv"]].concat();
    let mut said: Vec<_> = vec![house.ask(&named), house.ask(&add)];
    for it in &said {
        assert_eq!(it.code, 0, "{}", it.err);
        assert!(it.err.contains("Anna's watch"), "{}", it.err);
    }
    for ask in [
        &["device", "list", "--format", "json"][..],
        &["device", "show", IDENTITY, "--format", "json"],
        &["explain", IDENTITY, "--format", "json"],
    ] {
        said.push(house.ask(ask));
    }
    assert!(said.iter().filter(|it| it.out.contains(IDENTITY)).count() >= 2);
    for wrong in
        ["", "ec0234a357c8ad05", key.split_at(1).1, &"0".repeat(32), &format!("{key}\n{key}")]
    {
        fs::write(&info, wrong).unwrap();
        let refused = house.ask(&add);
        assert_eq!(refused.code, 2, "{wrong}: {}", refused.err);
        said.push(refused);
    }
    assert_eq!(house.ask(&["device", "add", "--irk-file", "nowhere"]).code, 3);
    let backup = folder.path().join("backup.db");
    house.tell(&["backup", backup.to_str().unwrap()]);

    let mut holding = Vec::new();
    search(house.path(), &mut holding);
    let kept = house.path().join("secrets/irk/6c86d9b76b3f5a75");
    assert_eq!(holding, [kept]);
    assert!(!holds(&fs::read(&backup).unwrap()));
    for it in said {
        assert!(!holds(it.out.as_bytes()) && !holds(it.err.as_bytes()), "{it:?}");
    }
}

/// Files that hold the key, as octets or digits, in either order.
fn search(folder: &Path, holding: &mut Vec<std::path::PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
        if path.is_dir() {
            search(&path, holding);
        } else if path.is_file() && holds(&fs::read(&path).unwrap()) {
            holding.push(path);
        }
    }
}

/// A part of the key is bad enough.
fn holds(bytes: &[u8]) -> bool {
    let mut backwards = KEY;
    backwards.reverse();
    [KEY, backwards].iter().any(|key| {
        let part = &key[..6];
        let text = bytes.to_ascii_lowercase();
        let has = |all: &[u8], part: &[u8]| all.windows(part.len()).any(|it| it == part);
        has(bytes, part) || has(&text, digits(part).as_bytes())
    })
}
