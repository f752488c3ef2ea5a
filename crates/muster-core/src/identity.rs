//! How things name themselves on a medium, and the keys that stand for those names inside.
//!
//! Facts are keyed by [`Identity`]. A device is a reversible grouping of identities that is applied
//! when asked: by default each identity is a device of its own, with the same number.

use std::fmt;
use std::str::FromStr;

/// A 48-bit link-layer or Bluetooth device address, in transmission order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Whether the address is locally administered (IEEE 802-2014, 8.2.2): chosen by software, on
    /// phones and laptops nearly always at random.
    #[must_use]
    pub const fn is_local(self) -> bool {
        self.0[0] & 0b10 != 0
    }

    /// Whether it names a group of stations, not one.
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 0b01 != 0
    }

    /// Whether one station can own it: neither a group address nor all zeros.
    #[must_use]
    pub fn is_station(self) -> bool {
        !self.is_multicast() && self.0 != [0; 6]
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            write!(f, "{}{octet:02x}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl FromStr for Mac {
    type Err = InvalidIdentity;

    /// Reads six hexadecimal octets with colons or dashes between them, in either case.
    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let wrong = || InvalidIdentity::Address { given: text.to_owned() };
        let mut octets = [0; 6];
        let mut parts = text.split([':', '-']);
        for octet in &mut octets {
            let part = parts.next().filter(|it| it.len() == 2).ok_or_else(wrong)?;
            if !part.bytes().all(|it| it.is_ascii_hexdigit()) {
                return Err(wrong());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        if parts.next().is_some() { Err(wrong()) } else { Ok(Self(octets)) }
    }
}

/// What a thing calls itself on one medium. Written `kind:value`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// `mac:`, a link-layer address on the local network.
    Mac(Mac),
    /// `ble:`, a Bluetooth low energy address.
    Ble(Mac),
    /// `bt:`, a classic Bluetooth address.
    Bt(Mac),
    /// `private:`, an address of low energy that its device gives up while it is there. It names nobody
    /// by itself: a hub that has the key to it puts an `irk:` in its place, and counts all others.
    Private(Mac),
    /// Every kind whose value is text.
    Text(TextKind, Box<str>),
}

/// The kinds of identity whose value is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextKind {
    /// `ibeacon:UUID-MAJOR-MINOR`.
    Ibeacon,
    /// `altbeacon:UUID-MAJOR-MINOR`.
    Altbeacon,
    /// `eddystone:NAMESPACE-INSTANCE`.
    Eddystone,
    /// `irk:HEX`, a hash of an identity resolving key, never the key.
    Irk,
    /// `tag:TEXT`, an identifier carried in a name, service data or manufacturer data.
    Tag,
    /// `name:TEXT`.
    Name,
    /// `entity:person.anna`, an entity of another system.
    Entity,
    /// `pseudonym:HEX`, 16 lower-case digits that a hub puts in the place of a stranger's identity. It is
    /// given by a hub, for some time, and never told to it.
    Pseudonym,
}

impl TextKind {
    const ALL: [(&'static str, Self); 8] = [
        ("ibeacon", Self::Ibeacon),
        ("altbeacon", Self::Altbeacon),
        ("eddystone", Self::Eddystone),
        ("irk", Self::Irk),
        ("tag", Self::Tag),
        ("name", Self::Name),
        ("entity", Self::Entity),
        ("pseudonym", Self::Pseudonym),
    ];

    /// The word before the colon.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }

    /// Why a text is no value of this kind, if it is none.
    fn objection(self, value: &str) -> Option<InvalidIdentity> {
        let given = || value.to_owned();
        if self == Self::Pseudonym {
            let is_digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
            let is_one = value.len() == 16 && value.bytes().all(is_digit);
            return (!is_one).then(|| InvalidIdentity::Pseudonym { given: given() });
        }
        let is_sound = !value.is_empty()
            && value.len() <= Identity::MAX_TEXT
            && !value.chars().any(char::is_control);
        (!is_sound).then(|| InvalidIdentity::Text { given: given() })
    }
}

impl Identity {
    /// The longest text value accepted, in bytes: no medium carries a longer one in an identifier.
    pub const MAX_TEXT: usize = 255;

    /// The words that [`Identity::kind`] says of what a source may tell of: all but `pseudonym`.
    pub const KINDS: [&str; 11] = [
        "mac",
        "ble",
        "bt",
        "private",
        "ibeacon",
        "altbeacon",
        "eddystone",
        "irk",
        "tag",
        "name",
        "entity",
    ];

    /// The word before the colon: `mac`, `ble`, `bt`, `private`, `ibeacon` ...
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mac(_) => "mac",
            Self::Ble(_) => "ble",
            Self::Bt(_) => "bt",
            Self::Private(_) => "private",
            Self::Text(kind, _) => kind.word(),
        }
    }

    /// The pseudonym with this number.
    #[must_use]
    pub fn pseudonym(number: u64) -> Self {
        Self::Text(TextKind::Pseudonym, format!("{number:016x}").into())
    }

    /// Whether a hub put it in the place of a stranger's.
    #[must_use]
    pub const fn is_pseudonym(&self) -> bool {
        matches!(self, Self::Text(TextKind::Pseudonym, _))
    }

    /// Its link-layer address, when it is one on the local network.
    #[must_use]
    pub const fn mac(&self) -> Option<Mac> {
        match self {
            Self::Mac(mac) => Some(*mac),
            Self::Ble(_) | Self::Bt(_) | Self::Private(_) | Self::Text(..) => None,
        }
    }

    /// Whether the address was chosen by software and may change (see [`Mac::is_local`]).
    #[must_use]
    pub fn is_randomised(&self) -> bool {
        self.mac().is_some_and(Mac::is_local)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) | Self::Ble(mac) | Self::Bt(mac) | Self::Private(mac) => {
                write!(f, "{}:{mac}", self.kind())
            }
            Self::Text(kind, value) => write!(f, "{}:{value}", kind.word()),
        }
    }
}

impl FromStr for Identity {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let (kind, value) = text
            .split_once(':')
            .ok_or_else(|| InvalidIdentity::Shape { given: text.to_owned() })?;
        match kind {
            "mac" => value.parse().map(Self::Mac),
            "ble" => value.parse().map(Self::Ble),
            "bt" => value.parse().map(Self::Bt),
            "private" => value.parse().map(Self::Private),
            _ => {
                let known = TextKind::ALL.iter().find(|(word, _)| *word == kind);
                let (_, kind) =
                    known.ok_or_else(|| InvalidIdentity::Kind { given: kind.to_owned() })?;
                match kind.objection(value) {
                    Some(wrong) => Err(wrong),
                    None => Ok(Self::Text(*kind, value.into())),
                }
            }
        }
    }
}

/// Why a text is no identity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidIdentity {
    /// No colon.
    #[error("an identity is written kind:value, as in mac:b8:27:eb:01:02:03: {given}")]
    Shape {
        /// What was given.
        given: String,
    },
    /// A kind nobody knows.
    #[error(
        "identity kind is one of mac, ble, bt, private, ibeacon, altbeacon, eddystone, irk, tag, \
         name, entity, pseudonym: {given}"
    )]
    Kind {
        /// What was given.
        given: String,
    },
    /// Not six octets.
    #[error("an address is six hexadecimal octets, as in b8:27:eb:01:02:03: {given}")]
    Address {
        /// What was given.
        given: String,
    },
    /// Not what a hub gives.
    #[error("a pseudonym is 16 of 0-9 and a-f, as in 1f2e3d4c5b6a7988: {given}")]
    Pseudonym {
        /// What was given.
        given: String,
    },
    /// Empty, too long, or with control characters.
    #[error("an identity's text has 1 to 255 bytes and no control characters: {given}")]
    Text {
        /// What was given.
        given: String,
    },
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

key! {
    /// The number of an [`Identity`] in one store. Given out in order of first appearance.
    IdentityId
}
key! {
    /// The number of a device: that of the identity which names it. Merging devices makes one
    /// identity point at another's device; undoing it points it back at its own.
    DeviceId
}
key! {
    /// The number of a listener: one (monitor, source, channel).
    ListenerId
}
key! {
    /// The number of a person.
    PersonId
}
key! {
    /// The number of a place.
    PlaceId
}

impl IdentityId {
    /// The device that this identity is while nobody has grouped it with another.
    #[must_use]
    pub const fn own_device(self) -> DeviceId {
        DeviceId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_agree() {
        for text in [
            "mac:b8:27:eb:01:02:03",
            "ble:7c:2f:80:a1:b2:c3",
            "bt:00:11:22:33:44:55",
            "private:40:01:02:0a:c4:a6",
            "irk:6c86d9b76b3f5a75",
            "tag:ATT-USER-1a2b3c4d",
            "entity:person.anna",
            "ibeacon:f7826da6-4fa2-4e98-8024-bc5b71e0893e-1-2",
            "altbeacon:d3162f5a-f3ee-4947-99db-09756062d0fc-90-5",
            "eddystone:00112233445566778899-aabbccddeeff",
            "pseudonym:1f2e3d4c5b6a7988",
        ] {
            assert_eq!(text.parse::<Identity>().unwrap().to_string(), text);
        }
        assert_eq!(
            "mac:B8-27-EB-01-02-03".parse::<Identity>().unwrap().to_string(),
            "mac:b8:27:eb:01:02:03"
        );
    }

    #[test]
    fn wrong_text_is_told_apart() {
        use InvalidIdentity as Wrong;
        let parse = |text: &str| text.parse::<Identity>().unwrap_err();
        assert!(matches!(parse("b8"), Wrong::Shape { .. }));
        assert!(matches!(parse("wifi:b8:27:eb:01:02:03"), Wrong::Kind { .. }));
        assert!(matches!(parse("mac:b8:27:eb:01:02"), Wrong::Address { .. }));
        assert!(matches!(parse("mac:b8:27:eb:01:02:03:04"), Wrong::Address { .. }));
        assert!(matches!(parse("mac:+8:27:eb:01:02:03"), Wrong::Address { .. }));
        assert!(matches!(parse("tag:"), Wrong::Text { .. }));
        assert!(matches!(parse("tag:a\u{7}b"), Wrong::Text { .. }));
    }

    #[test]
    fn a_pseudonym_has_one_form() {
        for number in [0, 1, 0x1f2e_3d4c_5b6a_7988, u64::MAX] {
            let it = Identity::pseudonym(number);
            assert_eq!(it.to_string().parse(), Ok(it.clone()));
            assert!(it.is_pseudonym() && it.to_string().len() == 26, "{it}");
        }
        for wrong in [
            "",
            "1",
            "1F2E3D4C5B6A7988",
            "1f2e3d4c5b6a79881",
            "1f2e3d4c5b6a798g",
            "+000000000000001",
        ] {
            let parsed = format!("pseudonym:{wrong}").parse::<Identity>();
            assert_eq!(parsed, Err(InvalidIdentity::Pseudonym { given: wrong.to_owned() }));
        }
        assert!(!Identity::KINDS.contains(&"pseudonym"), "no monitor tells of any");
    }

    #[test]
    fn bits_of_the_first_octet() {
        assert!(Mac([0x02, 0, 0, 0, 0, 1]).is_local());
        assert!(!Mac([0xb8, 0x27, 0xeb, 1, 2, 3]).is_local());
        assert!(!Mac([0x01, 0, 0x5e, 0, 0, 1]).is_station());
        assert!(!Mac([0; 6]).is_station());
    }
}
