//! An advertisement in the form in which it is kept for people to look at: what it says, without the
//! address where that is private, without whom it is meant for, and without what is exchanged to pair.
//!
//! Head, then advertising data. The head is `HEAD` octets: the kind of address and the address; a
//! set of flags for what is known; strength of sending, channel; properties; class.
//!
//! **Invariant:** neither a private address nor anything of a key is in what is written, and reading is
//! total.

use std::sync::Arc;

use muster_core::broadcast::Broadcast;
use muster_core::fact::Listener;
use muster_core::identity::{Identity, Mac};
use muster_core::time::Time;

use super::ad::{Ad, AdKind};
use super::address::{Address, AddressKind};
use super::advertisement::{Advertisement, Event, Kind};
use crate::bytes::Bytes;

/// What is told of an advertisement beside the sightings of the identities that it gives.
#[must_use]
pub fn broadcast(
    it: &Advertisement<'_>,
    identities: Vec<Identity>,
    listener: &Arc<Listener>,
    at: Time,
) -> Broadcast {
    Broadcast { listener: Arc::clone(listener), identities, at, rssi: it.rssi, octets: write(it) }
}

/// The form in which an advertisement is kept.
#[must_use]
pub fn write(it: &Advertisement<'_>) -> Box<[u8]> {
    let kind = it.address.and_then(|it| KINDS.iter().position(|kind| *kind == it.kind));
    let kind = kind.and_then(|it| u8::try_from(it + 1).ok()).unwrap_or(0);
    let mac = it.address.filter(|it| !it.kind.rotates()).map_or(NONE, |it| it.mac);
    let (shape, properties) = match it.kind {
        Kind::Unknown => (0, 0),
        Kind::LowEnergy(Event(properties)) => (LOW_ENERGY, properties),
        Kind::Inquiry => (INQUIRY, 0),
    };
    let known = |is_there, flag| if is_there { flag } else { 0 };
    let flags = shape
        | known(it.tx_power.is_some(), TX_POWER)
        | known(it.channel.is_some(), CHANNEL)
        | known(it.class.is_some(), CLASS);
    let mut octets = Vec::with_capacity(HEAD + it.data.len().min(MOST_DATA));
    octets.push(kind);
    octets.extend(mac.0);
    octets.push(flags);
    octets.extend(it.tx_power.unwrap_or(0).to_be_bytes());
    octets.push(it.channel.unwrap_or(0));
    octets.extend(properties.to_be_bytes());
    octets.extend(it.class.unwrap_or(0).to_be_bytes());
    let mut is_cut = it.structures().is_cut();
    for Ad { kind, data } in it.structures().filter(|it| !SECRET.contains(&it.kind)) {
        let Some(length) = u8::try_from(data.len() + 1).ok() else { continue };
        if octets.len() + usize::from(length) + 1 > HEAD + MOST_DATA {
            is_cut = true;
            break;
        }
        octets.extend([length, kind.0]);
        octets.extend(data);
    }
    // A structure that is longer than what is left.
    octets.extend(is_cut.then_some(u8::MAX));
    octets.into()
}

/// The advertisement that was kept; a private address is all zeros. None: this is no such form.
#[must_use]
pub fn read(octets: &[u8]) -> Option<Advertisement<'_>> {
    let mut at = Bytes::new(octets);
    let (kind, mac, flags) = (at.u8()?, at.mac()?, at.u8()?);
    let (tx_power, channel, properties, class) = (at.i8()?, at.u8()?, at.u16()?, at.u32()?);
    let kind = match usize::from(kind).checked_sub(1) {
        Some(place) => Some(*KINDS.get(place)?),
        None => None,
    };
    let has = |flag| flags & flag != 0;
    Some(Advertisement {
        address: kind.map(|kind| Address { kind, mac: if kind.rotates() { NONE } else { mac } }),
        rssi: None,
        tx_power: has(TX_POWER).then_some(tx_power),
        channel: has(CHANNEL).then_some(channel),
        kind: match (has(LOW_ENERGY), has(INQUIRY)) {
            (true, _) => Kind::LowEnergy(Event(properties)),
            (false, true) => Kind::Inquiry,
            (false, false) => Kind::Unknown,
        },
        class: has(CLASS).then_some(class),
        target: None,
        data: at.rest(),
    })
}

/// The same advertisement without the address of whoever sent it.
#[must_use]
pub fn unsigned(octets: &[u8]) -> Box<[u8]> {
    let mut unsigned: Box<[u8]> = octets.into();
    // The kind of address, and the address.
    unsigned.iter_mut().take(1 + NONE.0.len()).for_each(|it| *it = 0);
    unsigned
}

/// In the order of their numbers, from 1; 0 is no address.
const KINDS: [AddressKind; 6] = [
    AddressKind::Classic,
    AddressKind::Public,
    AddressKind::RandomStatic,
    AddressKind::Resolvable,
    AddressKind::NonResolvable,
    AddressKind::Reserved,
];
/// In the place of a private address.
const NONE: Mac = Mac([0; 6]);
const LOW_ENERGY: u8 = 1;
const INQUIRY: u8 = 1 << 1;
const TX_POWER: u8 = 1 << 2;
const CHANNEL: u8 = 1 << 3;
const CLASS: u8 = 1 << 4;
/// Octets before the data.
const HEAD: usize = 16;
/// The most that an advertisement says, in however many pieces (Core Specification, Vol 4, Part E,
/// 7.8.57): what is longer is cut.
const MOST_DATA: usize = 1650;
/// Hashes, randomisers and the temporary key of pairing out of band; the code of an audio broadcast;
/// addresses of whom it is meant for and of the sender, and what resolves to those (Assigned Numbers,
/// 2.3).
const SECRET: [AdKind; 12] = [
    AdKind(0x0e),
    AdKind(0x0f),
    AdKind(0x10),
    AdKind(0x17),
    AdKind(0x18),
    AdKind(0x1b),
    AdKind(0x1d),
    AdKind(0x1e),
    AdKind(0x22),
    AdKind(0x23),
    AdKind(0x2d),
    AdKind(0x2e),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(kind: AddressKind) -> Address {
        Address { kind, mac: Mac([0x5e, 0xc8, 0x12, 0x34, 0x56, 0x78]) }
    }

    #[test]
    fn what_is_kept_is_what_was_heard_but_for_private_addresses_and_targets() {
        for kind in KINDS {
            for shape in [Kind::Unknown, Kind::Inquiry, Kind::LowEnergy(Event::SCAN_RESPONSE)] {
                let heard = Advertisement {
                    address: Some(address(kind)),
                    rssi: None,
                    tx_power: Some(-7),
                    channel: Some(37),
                    kind: shape,
                    class: Some(0x5a_020c),
                    target: Some(address(AddressKind::Resolvable)),
                    data: &[2, 1, 6],
                };
                let octets = write(&heard);
                let mac = if kind.rotates() { NONE } else { address(kind).mac };
                let told =
                    Advertisement { address: Some(Address { kind, mac }), target: None, ..heard };
                assert_eq!(read(&octets), Some(told));
                let shows = octets.windows(6).any(|it| it == address(kind).mac.0);
                assert_eq!(shows, !kind.rotates(), "{kind:?}");
            }
        }
        let bare = Advertisement::bare(&[]);
        assert_eq!(read(&write(&bare)), Some(bare));
        let endless = [3, 0xff, 1, 2].repeat(1_000);
        let octets = write(&Advertisement::bare(&endless));
        assert!(octets.len() <= HEAD + MOST_DATA + 1);
        assert!(read(&octets).unwrap().structures().is_cut());
    }

    #[test]
    fn secrets_and_other_addresses_are_left_out() {
        let name = [3, 9, b'h', b'i'];
        for kind in SECRET {
            let data = [&[9, kind.0, 1, 2, 3, 4, 5, 6, 7, 8][..], &name, &[7, 9, b'c']].concat();
            let octets = write(&Advertisement::bare(&data));
            let told = read(&octets).unwrap();
            assert_eq!(told.structures().map(|it| it.kind.0).collect::<Vec<_>>(), [9], "{kind:?}");
            assert!(told.structures().is_cut());
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(it) = read(&octets) {
                let again = write(&it);
                let told = read(&again).unwrap();
                prop_assert_eq!(told.structures().is_cut(), it.structures().is_cut());
                let fields = it.structures().filter(|it| !SECRET.contains(&it.kind));
                prop_assert!(told.structures().eq(fields));
                prop_assert_eq!(Advertisement { data: &[], ..told }, Advertisement { data: &[], ..it });
            } else {
                prop_assert!(octets.len() < HEAD || octets[0] as usize > KINDS.len());
            }
        }
    }
}
