//! The house as the web sees it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use muster_core::broadcast::Broadcast;
use muster_core::change::ChangeKind;
use muster_core::directory::Edit;
use muster_core::fact::{Listener, SourceKind};
use muster_core::identity::{DeviceId, Identity, IdentityId, PersonId};
use muster_core::pairing::{PairingView, Refused};
use muster_core::policy::Policy;
use muster_core::ports::{BoxFuture, ChannelStatus, Inability, Store};
use muster_core::series::SinkHealth;
use muster_core::snapshot::{DeviceView, Evidence, Missing, Snapshot, Why};
use muster_core::stay::Subject;
use muster_core::time::{Now, Time};
use muster_web::{
    EditRefused, Hub, Invitation, InviteWish, Invitee, PairingRefused, PairingWish, Pulse,
    WhyRefused,
};
use muster_wire::bluetooth::key::Irk;
use tokio::sync::watch;

use super::House;
use super::shelf::Shelf;

impl Hub for House {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(self.lock().snapshot((self.clock)(), *self.watched.borrow()))
    }

    fn now(&self) -> Now {
        Now { mono: Duration::from_hours(1), wall: (self.clock)() }
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::<Shelf>::clone(&self.shelf)
    }

    fn committed(&self) -> watch::Receiver<u64> {
        self.watched.clone()
    }

    fn channels(&self) -> Vec<ChannelStatus> {
        vec![ChannelStatus {
            listener: Listener::new("hub", SourceKind::Lan, "eth0"),
            hears: true,
            can: vec!["neighbour table".into(), "arp, dhcp, mdns as they pass".into()],
            cannot: vec![Inability {
                what: "ask by ARP".into(),
                why: "no right to open a packet socket".into(),
                hint: Some("setcap cap_net_raw=ep muster".into()),
            }],
        }]
    }

    fn keep_key(&self, _key: Irk) -> BoxFuture<'_, Result<(), EditRefused>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn pairing(&self) -> PairingView {
        let told = self.lock();
        told.pairing
            .clone()
            .unwrap_or_else(|| PairingView::none("there is no Bluetooth adapter", None))
    }

    /// Does as told: nothing where there is no radio, else it is noted down.
    fn pair(&self, wish: PairingWish) -> BoxFuture<'_, Result<(), PairingRefused>> {
        let away = self.pairing().away;
        let mut told = self.lock();
        let done = match (away, &wish) {
            (Some(away), _) => Err(PairingRefused::Rules(Refused::Away(away))),
            (None, PairingWish::Answer { number: 99, .. }) => {
                Err(PairingRefused::Rules(Refused::Missing(99)))
            }
            (None, PairingWish::Forget(DeviceId(2))) => {
                Err(PairingRefused::StillPaired("bluetoothd refused: NotReady".to_owned()))
            }
            (None, _) => {
                told.wishes.push(wish);
                Ok(())
            }
        };
        Box::pin(std::future::ready(done))
    }

    fn invite(&self, wish: InviteWish) -> BoxFuture<'_, Result<Invitation, EditRefused>> {
        let mut told = self.lock();
        let may = told.directory.may_enrol(&wish.monitor, wish.kinds.as_deref(), wish.place);
        let line = format!("muster monitor --hub https://hub:8129 --enrol {}", wish.monitor);
        let until = (self.clock)() + Duration::from_mins(15);
        if may.is_ok() {
            told.invited.insert(wish.monitor.clone(), Invitee { place: wish.place, until });
        }
        drop(told);
        let invited = may.map(|()| Invitation { line, until }).map_err(EditRefused::from);
        Box::pin(std::future::ready(invited))
    }

    fn invitations(&self) -> BTreeMap<String, Invitee> {
        self.lock().invited.clone()
    }

    fn strangers(&self) -> BTreeMap<Listener, usize> {
        self.lock().strangers.clone()
    }

    fn broadcasts(&self, identity: &Identity) -> Vec<Arc<Broadcast>> {
        let told = self.lock();
        told.broadcasts.iter().filter(|it| it.identities.contains(identity)).cloned().collect()
    }

    fn pulses(&self) -> BTreeMap<Listener, Pulse> {
        self.lock().pulses.clone()
    }

    fn sinks(&self) -> Vec<SinkHealth> {
        self.lock().sinks.clone()
    }

    fn edit(&self, edit: Edit, expect: Option<u64>) -> BoxFuture<'_, Result<u64, EditRefused>> {
        Box::pin(async move {
            let mut told = self.lock();
            if told.read_only {
                return Err(EditRefused::ReadOnly);
            }
            let version = told.directory.version;
            if expect.is_some_and(|it| it != version) {
                return Err(EditRefused::Stale { version });
            }
            edit.check((self.clock)() + Policy::default().future)?;
            let set = overridden(&edit);
            told.directory.apply(edit)?;
            let version = told.directory.version;
            drop(told);
            match set {
                Some((kind, person)) => self.journal(kind, Subject::Person(person)),
                None => self.nudge(),
            }
            Ok(version)
        })
    }

    fn why(
        &self,
        subject: Subject,
        at: Option<Time>,
    ) -> BoxFuture<'_, Result<Option<Why>, WhyRefused>> {
        Box::pin(async move {
            let snapshot = self.snapshot();
            let (standing, devices) = match subject {
                Subject::Device(id) => match snapshot.device(id) {
                    Some(it) => (it.standing, vec![id]),
                    None => return Ok(None),
                },
                Subject::Person(id) => match snapshot.person(id) {
                    Some(it) => (it.standing, it.devices.clone()),
                    None => return Ok(None),
                },
            };
            let at = at.unwrap_or(snapshot.at);
            let devices = devices.iter().filter_map(|it| snapshot.device(*it));
            Ok(Some(Why {
                subject,
                at,
                standing,
                rule: "a carried device was heard a moment ago".into(),
                until: match subject {
                    Subject::Device(_) => None,
                    Subject::Person(id) => {
                        snapshot.person(id).and_then(|it| it.overridden.as_ref().map(|it| it.1))
                    }
                },
                next: devices.clone().map(missing).collect(),
                evidence: devices.flat_map(|it| evidence(it, at)).collect(),
            }))
        })
    }

    fn damage(&self) -> Option<String> {
        self.lock().damage.clone()
    }

    fn version(&self) -> &'static str {
        "0.0.0-test"
    }

    fn declares(&self, subject: Subject) -> bool {
        self.lock().declared.contains(&subject)
    }
}

fn missing(device: &DeviceView) -> Missing {
    Missing {
        device: device.id,
        listener: Listener::new("hub", SourceKind::Lan, "eth0"),
        covered: device.id.0 != 3,
        silence: Duration::from_mins(26),
        misses: device.id.0,
        asking: true,
    }
}

fn evidence(device: &DeviceView, at: Time) -> Vec<Evidence> {
    let last = device.last_seen.unwrap_or(at);
    let line = |(_, identity): &(IdentityId, Identity)| Evidence {
        device: device.id,
        identity: identity.clone(),
        listener: Listener::new("hub", SourceKind::Lan, "eth0"),
        last,
        rssi: None,
        decisive: true,
        covered: true,
        silence: at.since(last),
        away_after: Duration::from_mins(30),
        misses: 0,
        misses_needed: 5,
        asking: true,
    };
    device.identities.iter().map(line).collect()
}

fn overridden(edit: &Edit) -> Option<(ChangeKind, PersonId)> {
    if let Edit::Override { person, .. } = edit {
        return Some((ChangeKind::Overridden, *person));
    }
    if let Edit::ClearOverride { person, .. } = edit {
        return Some((ChangeKind::OverrideEnded, *person));
    }
    None
}
