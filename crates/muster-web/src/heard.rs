//! What a device sent last, read for people: what it says, and why that makes it known or does not.

use std::sync::Arc;

use muster_core::broadcast::Broadcast;
use muster_core::fact::Listener;
use muster_core::identity::Identity;
use muster_core::snapshot::DeviceView;
use muster_core::time::Time;
use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::kept;
use muster_wire::bluetooth::reasons::{Reason, reasons};
use muster_wire::decoded::DecodedRadio;

use crate::app::App;

/// One advertisement or answer.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) at: Time,
    pub(crate) listener: Arc<Listener>,
    /// What it says; without an address where that is private.
    pub(crate) says: DecodedRadio,
    /// What of it names the device, and what does not.
    pub(crate) reasons: Vec<Reason>,
}

/// What a device sent last under each of its identities, newest first.
pub(crate) fn of(app: &App, device: &DeviceView) -> Vec<Heard> {
    let mut all: Vec<Arc<Broadcast>> = Vec::new();
    for (_, identity) in device.identities.iter().filter(|(_, it)| is_radio(it)) {
        for broadcast in app.hub.broadcasts(identity) {
            if !all.contains(&broadcast) {
                all.push(broadcast);
            }
        }
    }
    all.sort_by_key(|it| std::cmp::Reverse(it.at));
    all.truncate(MOST);
    let rules = app.hub.tag_rules();
    let read = all.iter().filter_map(|it| {
        let advertisement = kept::read(&it.octets)?;
        let advertisement = Advertisement { rssi: it.rssi, ..advertisement };
        let mut says = DecodedRadio::of_advertisement(0, None, &advertisement, &rules);
        if advertisement.address.is_some_and(|it| it.kind.rotates()) {
            says.address = None;
        }
        Some(Heard {
            at: it.at,
            listener: Arc::clone(&it.listener),
            says,
            reasons: reasons(&advertisement, &rules, &it.identities),
        })
    });
    read.collect()
}

const fn is_radio(identity: &Identity) -> bool {
    !matches!(identity, Identity::Mac(_))
}

/// More than a device has ways to be known; one that was merged of many shows the newest.
const MOST: usize = 6;
