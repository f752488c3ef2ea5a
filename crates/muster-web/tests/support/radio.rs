//! What the radio hears in a house of the tests.

use std::sync::Arc;
use std::time::Duration;

use muster_core::batch::Reading;
use muster_core::fact::{Listener, SourceKind};
use muster_core::identity::{Identity, IdentityId, ListenerId};
use muster_web::Pulse;
use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::kept;

use super::House;

impl House {
    /// A device by its identity that the radio hears now, and heard in these intervals of five minutes
    /// before this one; its number.
    pub(crate) fn near(&self, identity: &str, name: Option<&str>, signals: &[(u32, i8)]) -> u32 {
        let number = self.meet("00:00:00:00:00:00", name, true);
        let now = (self.clock)();
        let last = signals.first().map(|it| it.1);
        let mut told = self.lock();
        if let Some(thing) = told.things.last_mut() {
            if let Ok(identity) = identity.parse::<Identity>() {
                thing.identity = identity;
            }
            thing.signal = last.map(|it| (it, now));
        }
        let attic = Listener::new("hub", SourceKind::Ble, "hci0");
        told.pulses.insert(attic, Pulse { last: now, per_minute: 42 });
        drop(told);
        let five = Duration::from_mins(5);
        for (before, rssi) in signals {
            let at = now - five * *before;
            self.shelf.read(Reading {
                interval: at.floor(five),
                length: five,
                identity: IdentityId(number),
                // The one that listens all the time.
                listener: ListenerId(1),
                rssi: Some(*rssi),
                at,
            });
        }
        number
    }

    /// The hub begins anew: what was heard is in the store alone.
    pub(crate) fn begin_anew(&self) {
        let mut told = self.lock();
        for it in &mut told.things {
            it.signal = None;
        }
        told.pulses.clear();
    }

    /// An advertisement of whoever has these identities was heard a moment ago.
    pub(crate) fn said(&self, identities: &[&str], advertisement: &Advertisement<'_>) {
        let listener = Arc::new(Listener::new("hub", SourceKind::Ble, "hci0"));
        let identities = identities.iter().filter_map(|it| it.parse().ok()).collect();
        let at = (self.clock)() - Duration::from_secs(12);
        let broadcast = kept::broadcast(advertisement, identities, &listener, at);
        self.lock().broadcasts.push(Arc::new(broadcast));
    }
}
