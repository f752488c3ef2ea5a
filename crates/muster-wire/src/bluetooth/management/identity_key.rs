//! The one message of the management socket whose key is read: New Identity Resolving Key, which the
//! kernel tells whoever has `CAP_NET_ADMIN` when a device has paired. It is read here and by no decoder
//! of captures, so that no line of those holds a key.

use std::fmt;

use crate::bluetooth::address::Address;
use crate::bluetooth::key::Irk;
use crate::bytes::Bytes;

use super::NEW_IDENTITY_KEY;

/// A device's key, and who it is behind its private addresses.
pub struct IdentityKey {
    /// Its lasting address.
    pub address: Address,
    /// The key, its octets in the order of the air.
    pub key: Irk,
}

impl IdentityKey {
    /// Reads a message from the socket; none if it is any other, or cut.
    #[must_use]
    pub fn of_socket(bytes: &[u8]) -> Option<Self> {
        let mut at = Bytes::new(bytes);
        let (code, _adapter, length) = (at.u16_le()?, at.u16_le()?, at.u16_le()?);
        let mut at = Bytes::new(at.take(length.into())?);
        if code != NEW_IDENTITY_KEY {
            return None;
        }
        // Whether to keep it, and the private address under which the device is connected.
        at.skip(7)?;
        let mac = at.mac_le()?;
        let address = Address::of_management(at.u8()?, mac)?;
        let key = Irk::new(at.take(16)?.try_into().ok()?);
        Some(Self { address, key })
    }
}

/// Shows whose it is, and which, and not the key.
impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityKey")
            .field("address", &self.address)
            .field("key", &self.key)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bluetooth::address::AddressKind;

    /// As the kernel writes it: header, store hint, private address, identity address and type, key.
    fn message() -> Vec<u8> {
        let mut all = vec![0x18, 0, 0, 0, 30, 0, 1, 0xaa, 0xfb, 0x0d, 0x94, 0x81, 0x70];
        all.extend([0x55, 0x44, 0x33, 0x22, 0x11, 0xc0, 2]);
        all.extend(0x10..0x20);
        all
    }

    #[test]
    fn a_key_is_read_with_whose_it_is_and_shown_to_nobody() {
        let it = IdentityKey::of_socket(&message()).unwrap();
        assert_eq!(it.address.mac.to_string(), "c0:11:22:33:44:55");
        assert_eq!(it.address.kind, AddressKind::RandomStatic);
        assert_eq!(&*it.key.reveal(), "101112131415161718191a1b1c1d1e1f");
        let shown = format!("{it:?}");
        assert!(!shown.contains("1011") && shown.contains(&it.key.id().to_string()), "{shown}");
    }

    #[test]
    fn whatever_is_cut_or_another_message_is_none() {
        for length in 0..message().len() {
            assert!(IdentityKey::of_socket(&message()[..length]).is_none(), "{length}");
        }
        let changed = |at: usize, to: u8| {
            let mut it = message();
            it[at] = to;
            IdentityKey::of_socket(&it).is_none()
        };
        // Another code, a length that is too short, and a type of address that there is not.
        assert!(changed(0, 0x19) && changed(4, 29) && changed(19, 7));
    }
}
