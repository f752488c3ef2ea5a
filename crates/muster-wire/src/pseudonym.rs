//! What stands for a stranger's identity: a keyed hash of it, of which nothing is learned without the key.
//!
//! Refuses to know where keys are kept and for how long. **Invariant:** no key is in any text that this
//! makes but [`StrangersKey::reveal`]'s; where one lay is zeroed.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use muster_core::identity::Identity;
use muster_core::time::Time;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::bluetooth::text::hex;

/// A key, of which whoever has it can tell whether a pseudonym is that of an address.
pub struct StrangersKey(Zeroizing<[u8; StrangersKey::LENGTH]>);

impl StrangersKey {
    /// As many octets as the hash has (RFC 2104, 3).
    pub const LENGTH: usize = 32;

    /// A key, of octets that were drawn at random.
    #[must_use]
    pub fn new(octets: [u8; Self::LENGTH]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// Reads what [`StrangersKey::reveal`] writes; none: it is something else.
    #[must_use]
    pub fn read(digits: &str) -> Option<Self> {
        let mut key = Self::new([0; Self::LENGTH]);
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if pairs.len() != Self::LENGTH || !rest.is_empty() {
            return None;
        }
        let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
        for (octet, [high, low]) in key.0.iter_mut().zip(pairs) {
            *octet = digit(*high)? << 4 | digit(*low)?;
        }
        Some(key)
    }

    /// Its digits, for the one file that keeps it.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(&*self.0))
    }

    /// What stands for an identity throughout a period, given by its beginning: the first 64 bits of
    /// HMAC-SHA-256 (RFC 2104) of both. Among 100,000 strangers two share one once in 3.7 billion periods.
    #[must_use]
    pub fn pseudonym(&self, period: Time, identity: &Identity) -> Identity {
        // A key is filled up with zeros to a block of the hash (RFC 2104, 2).
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(self.0.iter()) {
            *to = *from;
        }
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(&period.micros().to_be_bytes());
        mac.update(identity.to_string().as_bytes());
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        Identity::pseudonym(u64::from_be_bytes(first))
    }
}

impl fmt::Debug for StrangersKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StrangersKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use muster_core::identity::Mac as Address;
    use proptest::prelude::*;

    use super::*;

    fn key(first: u8) -> StrangersKey {
        let mut octets = [0x5a; StrangersKey::LENGTH];
        octets[0] = first;
        StrangersKey::new(octets)
    }

    #[test]
    fn it_is_the_hash_that_other_programs_compute() {
        // hmac.new(key, period.to_bytes(8, "big") + b"mac:b8:27:eb:01:02:03", "sha256") in Python.
        let it =
            key(1).pseudonym(Time::from_secs(PERIOD), &"mac:b8:27:eb:01:02:03".parse().unwrap());
        assert_eq!(it.to_string(), "pseudonym:561f36e6ea5564e4");
    }

    #[test]
    fn a_corpus_of_neighbours_has_no_two_alike() {
        let key = key(2);
        let addresses = (0..=u16::MAX).map(|it| {
            let [high, low] = it.to_be_bytes();
            Address([0xb8, 0x27, 0xeb, 0, high, low])
        });
        let all = addresses.flat_map(|it| [Identity::Mac(it), Identity::Ble(it), Identity::Bt(it)]);
        let pseudonyms: BTreeSet<Identity> =
            all.map(|it| key.pseudonym(Time::default(), &it)).collect();
        assert_eq!(pseudonyms.len(), 3 << 16);
    }

    #[test]
    fn a_key_is_shown_only_where_it_is_kept() {
        let digits = key(3).reveal();
        let again = StrangersKey::read(&digits).unwrap();
        assert_eq!(again.reveal(), digits);
        assert!(!format!("{:?}", key(3)).contains("5a"));
        let (short, long) = (digits.replacen('5', "", 1), format!("{}0", *digits));
        for wrong in ["", "03", &short, &long, &digits.replace('5', "+")] {
            assert!(StrangersKey::read(wrong).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn the_same_gives_the_same_and_another_key_or_period_another(
            octets: [u8; 6],
            keys: (u8, u8),
            days in (0_i64..30_000, 0_i64..30_000),
        ) {
            let (one, two) = (key(keys.0), key(keys.1));
            let (first, second) = (Time::from_secs(days.0 * 86_400), Time::from_secs(days.1 * 86_400));
            let identity = Identity::Ble(Address(octets));
            let it = one.pseudonym(first, &identity);
            prop_assert_eq!(it.to_string().parse::<Identity>().unwrap(), it.clone());
            prop_assert_eq!(keys.0 == keys.1, two.pseudonym(first, &identity) == it);
            prop_assert_eq!(days.0 == days.1, one.pseudonym(second, &identity) == it);
        }

        #[test]
        fn any_text_is_a_pseudonym_that_is_written_so_or_none(text in "\\PC{0,40}") {
            if let Ok(it) = format!("pseudonym:{text}").parse::<Identity>() {
                prop_assert!(it.is_pseudonym());
                prop_assert_eq!(it.to_string(), format!("pseudonym:{text}"));
            }
        }
    }

    const PERIOD: i64 = 1_772_409_600;
}
