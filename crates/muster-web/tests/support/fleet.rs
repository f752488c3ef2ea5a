//! Far monitors of a house of the tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::time::Duration;

use muster_core::batch::MonitorRow;
use muster_core::directory::{Directory, Edit, Enrol, Enrolment, TokenHash};
use muster_core::fact::{Listener, SourceKind};
use muster_core::identity::ListenerId;
use muster_core::snapshot::ListenerView;
use muster_core::time::Time;
use muster_core::uplink::{Health, Liveness, StoreId};

use super::House;

impl House {
    /// A far monitor that was let in, and, if it is any, was heard of a minute ago.
    pub(crate) fn far(&self, monitor: &str, heard: Option<(Liveness, Health)>) {
        let at = (self.clock)() - Duration::from_mins(1);
        let mut told = self.lock();
        let token = TokenHash([u8::try_from(told.directory.enrolments.len()).unwrap(); 32]);
        let enrolment = Enrolment { token, sources: None, kinds: None, at, revoked: None };
        let (monitor, store) = (monitor.to_owned(), StoreId(1));
        let enrol = Enrol { monitor: monitor.clone(), enrolment, place: None, store };
        told.directory.apply(Edit::Enrol(enrol)).unwrap();
        told.signs.extend(heard.map(|(liveness, health)| MonitorRow {
            monitor: monitor.into(),
            at,
            liveness,
            oldest_unsent: (health.spooled > 0).then_some(at),
            health,
        }));
        // Whoever was let in has used the code.
        told.invited.clear();
        drop(told);
        self.nudge();
    }

    /// A channel of a far monitor that told something, and perhaps up to when it listened.
    pub(crate) fn ear(&self, monitor: &str, covered_to: Option<Time>) {
        let mut told = self.lock();
        let number = u32::try_from(told.ears.len()).unwrap();
        told.ears.push(ListenerView {
            id: ListenerId(100 + number),
            listener: Listener::new(monitor, SourceKind::Ble, "hci0"),
            site: Directory::FIRST_SITE,
            covered: covered_to.is_some(),
            covered_to,
        });
        drop(told);
        self.nudge();
    }
}
