//! Everybody whom the radio heard, with what they last said: for whoever looks around once.

use std::collections::BTreeMap;

use muster_core::time::Time;
use muster_wire::bluetooth::address::Address;
use muster_wire::bluetooth::advertisement::Advertisement;

/// By address; [`MOST`] at most, newcomers beyond that are left out.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<Address, Neighbour>);

/// What was heard of one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Which.
    pub address: Address,
    /// The strongest signal, dBm.
    pub rssi: Option<i8>,
    /// How many reports there were of it.
    pub reports: u64,
    /// The last of them.
    pub last: Time,
    /// Its advertising data, the last that was not empty.
    pub data: Vec<u8>,
    /// The adapter that heard it last.
    pub channel: String,
}

impl Seen {
    pub(super) fn take(&mut self, it: &Advertisement<'_>, at: Time, channel: &str) {
        let Some(address) = it.address else { return };
        if self.0.len() >= MOST && !self.0.contains_key(&address) {
            return;
        }
        let neighbour = self.0.entry(address).or_insert_with(|| Neighbour {
            address,
            rssi: None,
            reports: 0,
            last: at,
            data: Vec::new(),
            channel: String::new(),
        });
        neighbour.rssi = neighbour.rssi.max(it.rssi);
        neighbour.reports += 1;
        neighbour.last = at;
        channel.clone_into(&mut neighbour.channel);
        if !it.data.is_empty() {
            it.data.clone_into(&mut neighbour.data);
        }
    }

    pub(super) fn all(self) -> Vec<Neighbour> {
        self.0.into_values().collect()
    }
}

const MOST: usize = 50_000;
