//! Device addresses and what their kind promises: whether one stays with its device.

use muster_core::identity::Mac;

/// A device address as it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Its kind.
    pub kind: AddressKind,
    /// Its octets.
    pub mac: Mac,
}

/// The kinds of address (Core Specification, Vol 6, Part B, 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressKind {
    /// Of classic Bluetooth: assigned by the maker.
    Classic,
    /// Of low energy, assigned by the maker.
    Public,
    /// Chosen at random, kept at least until the device is switched off.
    RandomStatic,
    /// Changes every few minutes; whoever has the device's identity resolving key can tell whose.
    Resolvable,
    /// Changes whenever the device likes, and tells nobody whose it is.
    NonResolvable,
    /// Random with top bits that stand for none of the kinds.
    Reserved,
}

impl Address {
    /// An address of low energy.
    #[must_use]
    pub const fn low_energy(mac: Mac, is_random: bool) -> Self {
        let kind = match (is_random, mac.0[0] >> 6) {
            (false, _) => AddressKind::Public,
            (true, 0b00) => AddressKind::NonResolvable,
            (true, 0b01) => AddressKind::Resolvable,
            (true, 0b11) => AddressKind::RandomStatic,
            (true, _) => AddressKind::Reserved,
        };
        Self { kind, mac }
    }

    /// An address of classic Bluetooth.
    #[must_use]
    pub const fn classic(mac: Mac) -> Self {
        Self { kind: AddressKind::Classic, mac }
    }

    /// The address that HCI gives by a type: 0 public, 1 random; 2 and 3 the same, resolved by the
    /// controller (Vol 4, Part E, 7.7.65.2). None for 0xff, which is nobody's, and all others.
    pub(super) const fn of_hci(kind: u8, mac: Mac) -> Option<Self> {
        match kind {
            0 | 2 => Some(Self::low_energy(mac, false)),
            1 | 3 => Some(Self::low_energy(mac, true)),
            _ => None,
        }
    }

    /// The address that the management socket gives by a type: 0 classic, 1 public, 2 random.
    pub(super) const fn of_management(kind: u8, mac: Mac) -> Option<Self> {
        match kind {
            0 => Some(Self::classic(mac)),
            1 => Some(Self::low_energy(mac, false)),
            2 => Some(Self::low_energy(mac, true)),
            _ => None,
        }
    }
}

impl AddressKind {
    /// `classic`, `public`, `random_static`, `rpa`, `nrpa` or `reserved`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Public => "public",
            Self::RandomStatic => "random_static",
            Self::Resolvable => "rpa",
            Self::NonResolvable => "nrpa",
            Self::Reserved => "reserved",
        }
    }

    /// Whether the device gives up such an address while it runs, so that it names nobody.
    #[must_use]
    pub const fn rotates(self) -> bool {
        matches!(self, Self::Resolvable | Self::NonResolvable | Self::Reserved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_from_the_type_and_the_top_bits() {
        for (address, is_random, want) in [
            ("70:81:94:0d:fb:aa", true, "rpa"),
            ("40:01:02:0a:c4:a6", true, "rpa"),
            ("7f:ff:ff:ff:ff:ff", true, "rpa"),
            // The same octets are a maker's when the sender says so.
            ("7c:2f:80:a1:b2:c3", false, "public"),
            ("00:01:ff:a0:3a:76", true, "nrpa"),
            ("3f:01:ff:a0:3a:76", true, "nrpa"),
            ("c5:09:3f:89:0b:4b", true, "random_static"),
            ("80:00:00:00:00:01", true, "reserved"),
        ] {
            let it = Address::low_energy(address.parse().unwrap(), is_random);
            assert_eq!(it.kind.word(), want, "{address}");
            assert_eq!(it.kind.rotates(), !matches!(want, "public" | "random_static"));
        }
        let mac = Mac([1; 6]);
        assert_eq!(Address::of_hci(0xff, mac), None);
        assert_eq!(Address::of_hci(3, mac), Some(Address::low_energy(mac, true)));
        assert_eq!(Address::of_management(0, mac), Some(Address::classic(mac)));
        assert_eq!(Address::of_management(3, mac), None);
    }
}
