//! Identity resolving keys: read from what people have of them, and kept from everybody.
//!
//! Whoever has a device's key can follow it for as long as it lives. **Invariant:** no key is in any
//! text that this makes but [`Irk::reveal`]'s, errors included; where one lay is zeroed.

use std::fmt;

use muster_core::identity::{Identity, TextKind};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::text::hex;

/// An identity resolving key (Core Specification, Vol 3, Part H, 2.4.2.1), with its octets in the order
/// in which somebody wrote them down: the most significant first, as the specification writes them, or
/// last, as the air and some programs have them. Which it is shows when an address resolves.
pub struct Irk(Zeroizing<[u8; 16]>);

/// Which key, without the key: the first 8 octets of the SHA-256 of it, read in the order of octets
/// that is the smaller number, so that a key that is given both ways is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

impl Irk {
    /// A key.
    #[must_use]
    pub fn new(octets: [u8; 16]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// Reads the keys in a file: 32 hexadecimal digits on each line, perhaps behind `0x`, perhaps with
    /// colons, dashes or spaces between octets; or what bluetoothd keeps of a device in
    /// `/var/lib/bluetooth/ADAPTER/DEVICE/info`. Lines that are empty or begin with `#` say nothing.
    pub fn read_all(file: &[u8]) -> Result<Vec<Self>, KeyFileError> {
        let lines =
            || (1..).zip(file.split(|it| *it == b'\n')).map(|(at, it)| (at, it.trim_ascii()));
        let keys = if lines().any(|(_, it)| it.starts_with(b"[")) {
            vec![of_bluetoothd(lines())?]
        } else {
            let told = lines().filter(|(_, it)| !it.is_empty() && !it.starts_with(b"#"));
            told.map(|(line, it)| Self::read(it).ok_or(KeyFileError::Line { line }))
                .collect::<Result<_, _>>()?
        };
        if keys.is_empty() { Err(KeyFileError::Empty) } else { Ok(keys) }
    }

    /// Reads one key, written as on a line of such a file.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let digits = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")).unwrap_or(text);
        let mut key = Self::new([0; 16]);
        let mut filled = 0;
        let mut high = None;
        for letter in digits {
            let digit = char::from(*letter).to_digit(16).and_then(|it| u8::try_from(it).ok());
            match (digit, high.take()) {
                (Some(digit), None) => high = Some(digit),
                (Some(digit), Some(high)) => {
                    *key.0.get_mut(filled)? = high << 4 | digit;
                    filled += 1;
                }
                (None, None) if matches!(letter, b':' | b'-' | b' ') && filled > 0 => {}
                (None, _) => return None,
            }
        }
        (filled == 16 && high.is_none()).then_some(key)
    }

    /// Which key it is, in either order of octets.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let smaller = Zeroizing::new((*self.0).min(*self.backwards()));
        let mut id = [0; 8];
        for (to, from) in id.iter_mut().zip(Sha256::digest(*smaller)) {
            *to = from;
        }
        KeyId(id)
    }

    /// Whether it is the key of nobody: a device that gives this one hides nothing (Vol 6, Part B, 6.2),
    /// and whoever resolves by it finds others' addresses.
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self.0 == [0; 16]
    }

    /// Its digits, for the one file that keeps it and the way there.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new(String::with_capacity(32));
        for octet in self.0.iter() {
            for digit in [octet >> 4, octet & 0xf] {
                digits.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        digits
    }

    /// The same key, with its octets written the other way round.
    #[must_use]
    pub fn turned(&self) -> Self {
        Self(self.backwards())
    }

    pub(super) fn octets(&self) -> &[u8; 16] {
        &self.0
    }

    pub(super) fn backwards(&self) -> Zeroizing<[u8; 16]> {
        let mut octets = self.0.clone();
        octets.reverse();
        octets
    }
}

impl fmt::Debug for Irk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Irk({})", self.id())
    }
}

impl KeyId {
    /// The identity of whoever has the key.
    #[must_use]
    pub fn identity(self) -> Identity {
        Identity::Text(TextKind::Irk, self.to_string().into())
    }
}

impl KeyId {
    /// Which key an identity speaks of; none if it is of another kind.
    #[must_use]
    pub fn of_identity(identity: &Identity) -> Option<Self> {
        let Identity::Text(TextKind::Irk, text) = identity else { return None };
        let mut id = [0; 8];
        if text.len() != 16 || !text.is_ascii() {
            return None;
        }
        for (to, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(pair).ok()?;
            *to = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The key in what bluetoothd keeps of a device: sections, and keys with values in them.
fn of_bluetoothd<'a>(lines: impl Iterator<Item = (u64, &'a [u8])>) -> Result<Irk, KeyFileError> {
    let mut is_here = false;
    for (line, text) in lines {
        if text.starts_with(b"[") {
            is_here = text == b"[IdentityResolvingKey]";
        } else if is_here && let Some(value) = text.strip_prefix(b"Key=") {
            return Irk::read(value.trim_ascii()).ok_or(KeyFileError::Line { line });
        }
    }
    Err(KeyFileError::NotGiven)
}

/// Why no key was read from a file. Says nothing of what stands in it.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyFileError {
    /// Nothing in it.
    #[error("there is no key in it")]
    Empty,
    /// A file of bluetoothd's about a device that gave none when it was paired.
    #[error("this device gave no identity resolving key when it was paired")]
    NotGiven,
    /// A line that is no key.
    #[error("line {line} is no key: a key has 32 hexadecimal digits")]
    Line {
        /// Which, from 1.
        line: u64,
    },
}

/// A file of keys is shorter, in octets.
pub const LONGEST_FILE: u64 = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ec0234a357c8ad05341010a60a397d9b";

    #[test]
    fn a_key_is_read_in_every_form_that_people_have() {
        let colons = "ec:02:34:a3:57:c8:ad:05:34:10:10:a6:0a:39:7d:9b";
        let info = format!(
            "[General]\nName=Anna's phone\n\n[LongTermKey]\nKey=00112233445566778899AABBCCDDEEFF\n\
             [IdentityResolvingKey]\nKey={}\n",
            KEY.to_uppercase()
        );
        for text in [
            KEY,
            &format!("\n  0x{KEY}\r\n# of Anna's phone\n"),
            &KEY.to_uppercase(),
            colons,
            &colons.replace(':', "-"),
            &colons.replace(':', " "),
            &info,
        ] {
            let keys = Irk::read_all(text.as_bytes()).unwrap();
            assert_eq!(keys.iter().map(|it| it.reveal().to_string()).collect::<Vec<_>>(), [KEY]);
        }
        let two = format!("{KEY}\n{}\n", KEY.replace('e', "f"));
        assert_eq!(Irk::read_all(two.as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_key_is_said_by_line_and_not_repeated() {
        use KeyFileError as Wrong;
        for (text, want) in [
            ("", Wrong::Empty),
            ("# nothing\n\n", Wrong::Empty),
            (KEY.split_at(1).1, Wrong::Line { line: 1 }),
            (&format!("{KEY}\n{KEY}00"), Wrong::Line { line: 2 }),
            (&format!(":{KEY}"), Wrong::Line { line: 1 }),
            ("e:c0234a357c8ad05341010a60a397d9b", Wrong::Line { line: 1 }),
            ("ec0234a357c8ad05341010a60a397d9g", Wrong::Line { line: 1 }),
            ("[General]\nKey=ec0234a357c8ad05341010a60a397d9b", Wrong::NotGiven),
            ("[IdentityResolvingKey]\nKey=ec0234a357", Wrong::Line { line: 2 }),
        ] {
            let wrong = Irk::read_all(text.as_bytes()).unwrap_err();
            assert_eq!(wrong, want, "{text}");
            assert!(!format!("{wrong:?} {wrong}").contains("0234"), "{wrong}");
        }
    }

    #[test]
    fn which_key_it_is_tells_neither_the_key_nor_its_order() {
        let key = Irk::read(KEY.as_bytes()).unwrap();
        let backwards = Irk::new(*key.backwards());
        assert_eq!(key.id(), backwards.id());
        assert_eq!(key.id().identity(), backwards.id().identity());
        assert_eq!(KeyId::of_identity(&key.id().identity()), Some(key.id()));
        for other in ["tag:6c86d9b76b3f5a75", "irk:6c86d9b76b3f5a", "irk:6c86d9b76b3f5a7x"] {
            assert_eq!(KeyId::of_identity(&other.parse().unwrap()), None);
        }
        // Computed with another implementation of SHA-256, over 9b7d390aa6101034 05adc857a33402ec: of
        // both orders the smaller.
        assert_eq!(key.id().to_string(), "6c86d9b76b3f5a75");
        assert_eq!(format!("{key:?}"), format!("Irk({})", key.id()));
        assert!(!key.is_null() && Irk::new([0; 16]).is_null());
    }
}
