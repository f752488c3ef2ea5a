//! Universally unique identifiers of services, in the three lengths that travel.

use std::fmt;

/// An identifier of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Uuid {
    /// Assigned, 16 bits.
    Short(u16),
    /// Assigned, 32 bits.
    Middle(u32),
    /// Anybody's, most significant octet first.
    Long([u8; 16]),
}

impl Uuid {
    /// The identifier in `octets`, least significant first as on the air; none when they are
    /// neither 2, 4 nor 16.
    pub(super) fn of_air(octets: &[u8]) -> Option<Self> {
        match octets.len() {
            2 => octets.try_into().ok().map(|it| Self::Short(u16::from_le_bytes(it))),
            4 => octets.try_into().ok().map(|it| Self::Middle(u32::from_le_bytes(it))),
            16 => <[u8; 16]>::try_from(octets).ok().map(|mut it| {
                it.reverse();
                Self::Long(it)
            }),
            _ => None,
        }
    }

    /// In full length, most significant octet first.
    #[must_use]
    pub const fn full(self) -> [u8; 16] {
        match self {
            Self::Short(it) => with_base(it as u32),
            Self::Middle(it) => with_base(it),
            Self::Long(it) => it,
        }
    }
}

impl fmt::Display for Uuid {
    /// Four digits where that is all of it, else the full form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(it) => write!(f, "{it:04x}"),
            Self::Middle(_) | Self::Long(_) => write_full(f, &self.full()),
        }
    }
}

/// Octets as `8-4-4-4-12` hexadecimal digits, in ASCII. Every identifier heard goes through here.
pub(super) fn digits(octets: &[u8; 16]) -> [u8; 36] {
    let digit = |it: u8| if it < 10 { b'0' + it } else { b'a' - 10 + it };
    let mut text = [b'-'; 36];
    let places = (0..36).filter(|it| !matches!(it, 8 | 13 | 18 | 23));
    let halves = octets.iter().flat_map(|it| [it >> 4, it & 0x0f]);
    for (place, half) in places.zip(halves) {
        if let Some(it) = text.get_mut(place) {
            *it = digit(half);
        }
    }
    text
}

/// Writes octets as `8-4-4-4-12` hexadecimal digits.
pub(super) fn write_full(f: &mut impl fmt::Write, octets: &[u8; 16]) -> fmt::Result {
    digits(octets).into_iter().try_for_each(|it| f.write_char(char::from(it)))
}

/// The Bluetooth base identifier with a number put in (Vol 3, Part B, 2.5.1).
const fn with_base(number: u32) -> [u8; 16] {
    let [a, b, c, d] = number.to_be_bytes();
    [a, b, c, d, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5f, 0x9b, 0x34, 0xfb]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lengths() {
        let of = |it: &[u8]| Uuid::of_air(it).map(|it| it.to_string());
        assert_eq!(of(&[0x12, 0x18]).as_deref(), Some("1812"));
        let middle = of(&[0x11, 0x22, 0x33, 0x44]);
        assert_eq!(middle.as_deref(), Some("44332211-0000-1000-8000-00805f9b34fb"));
        let long: Vec<u8> = (0..16).collect();
        assert_eq!(of(&long).as_deref(), Some("0f0e0d0c-0b0a-0908-0706-050403020100"));
        assert_eq!(of(&[1, 2, 3]), None);
    }
}
