//! Finds the number of an identity.
//!
//! Addresses, which nearly all facts are about, are kept apart as integers: they compare at once
//! and lie close together.

use std::collections::BTreeMap;

use crate::identity::{Identity, IdentityId, Mac};

/// The numbers of all identities.
#[derive(Debug, Default)]
pub(super) struct Ids {
    addresses: BTreeMap<u64, IdentityId>,
    texts: BTreeMap<Identity, IdentityId>,
    /// The address found last: a fact is looked up when it is let in, and again when it is merged.
    latest: Option<(u64, IdentityId)>,
}

impl Ids {
    pub(super) fn get(&mut self, identity: &Identity) -> Option<IdentityId> {
        let Some(address) = packed(identity) else { return self.texts.get(identity).copied() };
        match self.latest {
            Some((latest, id)) if latest == address => Some(id),
            Some(_) | None => {
                let id = *self.addresses.get(&address)?;
                self.latest = Some((address, id));
                Some(id)
            }
        }
    }

    pub(super) fn insert(&mut self, identity: Identity, id: IdentityId) {
        match packed(&identity) {
            Some(address) => self.addresses.insert(address, id),
            None => self.texts.insert(identity, id),
        };
    }
}

/// An address with its kind above it.
fn packed(identity: &Identity) -> Option<u64> {
    let (kind, Mac(octets)) = match identity {
        Identity::Mac(mac) => (0, mac),
        Identity::Ble(mac) => (1, mac),
        Identity::Bt(mac) => (2, mac),
        Identity::Private(mac) => (3, mac),
        Identity::Text(..) => return None,
    };
    Some(octets.iter().fold(kind, |above, octet| above << 8 | u64::from(*octet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_identity_has_its_own_number() {
        let texts = ["mac:b8:27:eb:01:02:03", "ble:b8:27:eb:01:02:03", "bt:b8:27:eb:01:02:03"];
        let others =
            ["mac:03:02:01:eb:27:b8", "tag:b8:27:eb:01:02:03", "private:b8:27:eb:01:02:03"];
        let texts = texts.into_iter().chain(others);
        let all: Vec<Identity> = texts.map(|it| it.parse().unwrap()).collect();
        let mut ids = Ids::default();
        for (number, identity) in (1..).zip(&all) {
            assert_eq!(ids.get(identity), None, "{identity}");
            ids.insert(identity.clone(), IdentityId(number));
        }
        for (number, identity) in (1..).zip(&all) {
            assert_eq!(ids.get(identity), Some(IdentityId(number)), "{identity}");
        }
    }
}
