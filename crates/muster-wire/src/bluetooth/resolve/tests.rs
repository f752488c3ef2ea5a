//! Stories of addresses and keys, and that order makes no difference.

use proptest::prelude::*;
use serde_json::Value;

use super::cache::HALF;
use super::*;

fn key(digits: &str) -> Irk {
    Irk::read(digits.as_bytes()).unwrap()
}

fn reversed(key: &Irk) -> Irk {
    Irk::new(*key.backwards())
}

/// An address that a key with the most significant octet first resolves.
fn address(key: &Irk, prand: u32) -> Mac {
    let [_, upper @ ..] = (prand & 0x3f_ffff | 0x40_0000).to_be_bytes();
    let address = |lower: [u8; 3]| Mac(*[upper, lower].as_flattened().first_chunk().unwrap());
    let mut hashed = block(address([0; 3]));
    Aes128Enc::new(key.octets().into()).encrypt_block(&mut hashed);
    let [_, lower @ ..] = last_three(&hashed).to_be_bytes();
    address(lower)
}

fn resolver(keys: &[&Irk]) -> Resolver {
    let mut it = Resolver::default();
    for key in keys {
        assert!(it.add(key));
    }
    it
}

#[test]
fn the_vectors_of_others_resolve_in_either_order_of_octets() {
    let vectors = include_str!("../../../tests/data/bluetooth/rpa.jsonl");
    let mut seen = 0;
    for line in vectors.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let address = case["address"].as_str().unwrap().parse().unwrap();
        let irk = key(case["irk"].as_str().unwrap());
        let want = case["resolves"].as_bool().unwrap().then(|| irk.id());
        assert_eq!(resolver(&[&irk]).resolve(address), want, "{line}");
        assert_eq!(resolver(&[&reversed(&irk)]).resolve(address), want, "{line}");
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn the_right_order_is_remembered_after_two_addresses_and_not_after_one() {
    let irk = key("ec0234a357c8ad05341010a60a397d9b");
    for (given, turned) in [(irk.turned().turned(), false), (reversed(&irk), true)] {
        let mut it = resolver(&[&given]);
        assert_eq!(it.schedules.len(), 2);
        for _ in 0..3 {
            assert_eq!(it.resolve(address(&irk, 1)), Some(irk.id()));
            assert_eq!(it.schedules.len(), 2, "one address may be chance, however often");
        }
        // What the wrong order resolves counts as well, until the right one is known.
        let chance = address(&reversed(&irk), 7);
        assert_eq!(it.resolve(chance), Some(irk.id()));
        assert_eq!(it.resolve(address(&irk, 2)), Some(irk.id()));
        assert_eq!(it.schedules.len(), 2);
        assert_eq!(it.resolve(address(&irk, 3)), Some(irk.id()));
        assert_eq!(it.schedules.len(), 1);
        assert_eq!(it.resolve(chance), None);
        assert_eq!(it.resolve(address(&irk, 4)), Some(irk.id()));
        // It is told once, and whoever remembers it need not have it found again.
        assert_eq!(it.take_found(), [(irk.id(), turned)]);
        assert!(it.take_found().is_empty());
    }
    let mut again = Resolver::default();
    assert!(again.add_ordered(&irk));
    assert_eq!((again.schedules.len(), again.resolve(address(&irk, 1))), (1, Some(irk.id())));
    assert_eq!(again.resolve(address(&reversed(&irk), 7)), None);
    // One that is the same both ways is tried once.
    assert_eq!(resolver(&[&Irk::new([7; 16])]).schedules.len(), 1);
}

#[test]
fn a_new_key_is_tried_on_addresses_that_were_given_up_and_an_old_one_goes() {
    let (anna, bert) = (Irk::new([1; 16]), key("000102030405060708090a0b0c0d0e0f"));
    let mut it = resolver(&[&anna]);
    let his = address(&bert, 9);
    assert_eq!(it.resolve(his), None);
    assert!(it.add(&bert) && it.add(&reversed(&bert)));
    assert_eq!(it.keys.len(), 2);
    assert_eq!(it.resolve(his), Some(bert.id()));
    assert!(it.remove(bert.id()) && !it.remove(bert.id()));
    assert_eq!((it.resolve(his), it.resolve(address(&anna, 3))), (None, Some(anna.id())));
}

#[test]
fn memory_stays_whatever_is_heard_and_who_is_heard_is_not_forgotten() {
    let irk = Irk::new([1; 16]);
    let mut it = resolver(&[&irk]);
    let mine = address(&irk, 1);
    let strangers: Vec<Mac> = (0..3 * u32::try_from(HALF).unwrap())
        .map(|it| {
            let [a, b, c, d] = it.to_be_bytes();
            Mac([0x40, a, b, c, d, 0])
        })
        .collect();
    for some in strangers.chunks(1_000) {
        it.resolve_all(some);
        assert_eq!(it.resolve(mine), Some(irk.id()));
        assert!(it.verdicts.len() <= 2 * HALF);
    }
    assert!(it.verdicts.len() > HALF);
    assert!(it.verdicts.get(mine).is_some());
    // It was never tried again: what it told once it told once.
    assert_eq!(it.keys[0].forwards.resolved, 1);
}

#[test]
fn there_are_so_many_keys_and_no_more() {
    let mut it = Resolver::default();
    // Each insertion prepares anew, so that this fills the list itself.
    for number in 0..u16::try_from(Resolver::MOST_KEYS).unwrap() {
        let mut octets = [0; 16];
        octets[..2].copy_from_slice(&number.to_be_bytes());
        let irk = Irk::new(octets);
        let (forwards, backwards) = (Way::new(None), Way::new(None));
        it.keys.push(Key { id: irk.id(), forwards, backwards });
    }
    it.keys.sort_by_key(|it| it.id);
    assert!(!it.add(&Irk::new([9; 16])));
}

proptest! {
    /// Neither the order of keys, nor theirs of octets, nor how addresses are bundled changes what they
    /// resolve to.
    #[test]
    fn an_address_is_the_same_in_any_order(
        keys in prop::collection::vec(any::<[u8; 16]>(), 1..6),
        heard in prop::collection::vec((any::<prop::sample::Index>(), any::<u32>(), any::<bool>()), 1..90),
        turned in any::<u8>(),
        chunk in 1_usize..80,
    ) {
        let keys: Vec<Irk> = keys.into_iter().map(Irk::new).collect();
        let heard: Vec<Mac> = heard
            .iter()
            .map(|(whose, prand, known)| {
                if *known { return address(&keys[whose.index(keys.len())], *prand) }
                let [a, b, c, d] = prand.to_be_bytes();
                Mac([a, b, c, d, 1, 2])
            })
            .collect();
        let all: Vec<&Irk> = keys.iter().collect();
        let want = resolver(&all).resolve_all(&heard);
        let turned: Vec<Irk> = keys
            .iter()
            .rev()
            .enumerate()
            .map(|(at, it)| if turned >> at & 1 == 1 { reversed(it) } else { Irk::new(*it.octets()) })
            .collect();
        let mut other = resolver(&turned.iter().collect::<Vec<_>>());
        let got: Vec<_> = heard.chunks(chunk).flat_map(|it| other.resolve_all(it)).collect();
        prop_assert_eq!(&got, &want);
        prop_assert_eq!(&other.resolve_all(&heard), &want);
    }
}
