//! A house that a test tells what to believe: the hub and the store in memory.
//!
//! It decides nothing by itself. Devices are here or not because the test said so; a person is here
//! if a carried device of theirs is. The directory and its refusals are the real ones.

#![allow(dead_code, reason = "every test file and the example use another part of it")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster_core::batch::MonitorRow;
use muster_core::broadcast::Broadcast;
use muster_core::change::{Change, ChangeKind};
use muster_core::directory::{Directory, Edit};
use muster_core::fact::{Listener, SourceKind};
use muster_core::fleet::Fleet;
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId, Mac, PersonId};
use muster_core::pairing::PairingView;
use muster_core::series::{SinkHealth, SinkState, SinkTrouble};
use muster_core::snapshot::{DeviceView, ListenerView, PersonView, Presence, Snapshot, Standing};
use muster_core::span::Span;
use muster_core::stay::Subject;
use muster_core::time::{Now, Time};
use muster_web::{Hub, Invitee, PairingWish, Pulse};
use tokio::sync::watch;

#[cfg(test)]
pub(crate) mod ask;

mod hub;

mod fleet;

mod radio;

pub(crate) mod shelf;

use shelf::Shelf;

/// A scripted hub.
pub(crate) struct House {
    told: Mutex<Told>,
    shelf: Arc<Shelf>,
    committed: Mutex<Option<watch::Sender<u64>>>,
    watched: watch::Receiver<u64>,
    clock: Box<dyn Fn() -> Time + Send + Sync>,
}

/// What the house was told.
#[derive(Default)]
struct Told {
    directory: Directory,
    things: Vec<Thing>,
    degraded: Option<Box<str>>,
    simulated: bool,
    read_only: bool,
    declared: Vec<Subject>,
    sinks: Vec<SinkHealth>,
    damage: Option<String>,
    strangers: BTreeMap<Listener, usize>,
    broadcasts: Vec<Arc<Broadcast>>,
    pulses: BTreeMap<Listener, Pulse>,
    pairing: Option<PairingView>,
    wishes: Vec<PairingWish>,
    signs: Vec<MonitorRow>,
    /// Listeners besides those of the house itself.
    ears: Vec<ListenerView>,
    invited: BTreeMap<String, Invitee>,
}

/// One identity and what is believed of it.
struct Thing {
    identity: Identity,
    hostname: Option<Box<str>>,
    ip: Ipv4Addr,
    standing: Standing,
    first: Time,
    signal: Option<(i8, Time)>,
}

impl House {
    /// A house in which nothing was ever heard, at a time that the test sets.
    pub(crate) fn at(clock: impl Fn() -> Time + Send + Sync + 'static) -> Arc<Self> {
        let (committed, watched) = watch::channel(0);
        Arc::new(Self {
            told: Mutex::default(),
            shelf: Arc::default(),
            committed: Mutex::new(Some(committed)),
            watched,
            clock: Box::new(clock),
        })
    }

    /// The same at one fixed time.
    pub(crate) fn empty() -> Arc<Self> {
        Self::at(noon)
    }

    /// Four devices, of which two are here, and one person, Anna, who owns the first.
    pub(crate) async fn small() -> Arc<Self> {
        let house = Self::empty();
        house.meet("b8:27:eb:00:00:01", Some("annas-phone"), true);
        house.meet("b8:27:eb:00:00:02", Some("printer"), false);
        house.meet("02:00:00:00:00:03", None, true);
        house.meet("b8:27:eb:00:00:04", None, false);
        let add = Edit::AddPerson { name: "anna".into(), display: "Anna".into() };
        house.told(add).await;
        let phone = muster_core::directory::DeviceKind::Phone;
        house.told(described(1, Some("Anna's phone"), Some(phone))).await;
        let anna = house.lock().directory.person_named("anna");
        let assign = Edit::Assign { device: DeviceId(1), person: anna, from: Time::from_secs(0) };
        house.told(assign).await;
        house
    }

    /// A new device, heard now; its number.
    pub(crate) fn meet(&self, mac: &str, hostname: Option<&str>, here: bool) -> u32 {
        let identity = Identity::Mac(mac.parse().unwrap_or(Mac([0; 6])));
        self.encounter(identity, hostname, here)
    }

    /// The same on any medium.
    pub(crate) fn encounter(&self, identity: Identity, hostname: Option<&str>, here: bool) -> u32 {
        let now = (self.clock)();
        let mut told = self.lock();
        let number = u32::try_from(told.things.len()).unwrap_or(u32::MAX - 1) + 1;
        let last = u8::try_from(number % 250).unwrap_or(0) + 1;
        let since = now - Duration::from_secs(720 * u64::from(number));
        let presence = if here { Presence::Present } else { Presence::Away };
        told.things.push(Thing {
            identity,
            hostname: hostname.map(Into::into),
            ip: Ipv4Addr::new(192, 168, 1, last),
            standing: Standing {
                presence,
                since: Some(since),
                last: Some(if here { now } else { since }),
                site: Some(Directory::FIRST_SITE),
                stay: None,
            },
            first: since - Duration::from_hours(72),
            signal: None,
        });
        drop(told);
        number
    }

    /// A device comes or goes, and the journal says so.
    pub(crate) fn hear(&self, device: u32, presence: Presence) {
        let now = (self.clock)();
        let mut told = self.lock();
        let Some(thing) = told.things.get_mut(device as usize - 1) else { return };
        thing.standing.presence = presence;
        thing.standing.since = Some(now);
        thing.standing.last = Some(now);
        drop(told);
        let kind = match presence {
            Presence::Present => ChangeKind::Arrived,
            Presence::Away | Presence::Arriving => ChangeKind::Left,
            Presence::Unknown => ChangeKind::Unknown,
        };
        self.journal(kind, Subject::Device(DeviceId(device)));
    }

    /// What there is to see of pairing from now on.
    pub(crate) fn pairs(&self, view: PairingView) {
        self.lock().pairing = Some(view);
    }

    /// What people wanted of pairing since the last time.
    pub(crate) fn take_wishes(&self) -> Vec<PairingWish> {
        std::mem::take(&mut self.lock().wishes)
    }

    fn journal(&self, kind: ChangeKind, subject: Subject) {
        let now = (self.clock)();
        let mut change = Change::new(kind, now, now);
        change.subject = Some(subject);
        change.site = Some(Directory::FIRST_SITE);
        change.source = matches!(subject, Subject::Device(_)).then_some(SourceKind::Lan);
        let id = self.shelf.journal(change);
        self.publish(|it| *it = id);
    }

    /// The picture changed without a change.
    pub(crate) fn nudge(&self) {
        self.publish(|_| {});
    }

    /// The hub shuts down.
    pub(crate) fn stop(&self) {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The number of the person called `anna`.
    pub(crate) fn anna(&self) -> PersonId {
        self.lock().directory.person_named("anna").unwrap_or(PersonId(0))
    }

    /// The store takes nothing any more, or takes everything again.
    pub(crate) fn degrade(&self, why: Option<&str>) {
        self.lock().degraded = why.map(Into::into);
        self.shelf.break_down(why.is_some());
        self.nudge();
    }

    /// A part of the store cannot be read any more.
    pub(crate) fn damage(&self, what: &str) {
        self.lock().damage = Some(what.to_owned());
        self.nudge();
    }

    /// Everything shown is simulated.
    pub(crate) fn simulate(&self) {
        self.lock().simulated = true;
    }

    /// An adapter hears this many addresses that no key resolves.
    pub(crate) fn pass_by(&self, count: usize) {
        let listener = Listener::new("hub", SourceKind::Ble, "hci0");
        self.lock().strangers.insert(listener, count);
    }

    /// A sink whose peer has been away for a while, and that has begun to lose samples.
    pub(crate) fn lose_the_sink(&self) {
        let ago = |minutes| (self.clock)() - Duration::from_mins(minutes);
        let what = "cannot connect to graphite.local:2003: Connection refused".to_owned();
        self.lock().sinks = vec![SinkHealth {
            name: "graphite".into(),
            target: "graphite.local:2003".into(),
            state: SinkState::Failing,
            since: Some(ago(1_500)),
            delivered_to: Some(ago(1_440)),
            backlog: 17_280,
            dropped: 720,
            lost: Some(Span::new(ago(1_500), ago(1_440))),
            last_error: Some(SinkTrouble { at: ago(1_500), what }),
        }];
        self.nudge();
    }

    /// Nothing can be changed.
    pub(crate) fn only_read(&self) {
        self.lock().read_only = true;
    }

    /// The configuration file says this.
    pub(crate) fn declare(&self, subject: Subject) {
        self.lock().declared.push(subject);
    }

    /// An edit that cannot be refused.
    pub(crate) async fn told(&self, edit: Edit) {
        let done = self.edit(edit, None).await;
        assert!(done.is_ok(), "{done:?}");
    }

    /// What was given to the store.
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    fn publish(&self, change: impl FnOnce(&mut u64)) {
        let sender = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = sender.as_ref() {
            sender.send_modify(change);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the house believes a moment ago: fixed, so that pages and answers are the same every time.
pub(crate) fn noon() -> Time {
    Time::from_secs(1_795_000_000)
}

/// An edit of a device's description.
pub(crate) fn described(
    id: u32,
    name: Option<&str>,
    kind: Option<muster_core::directory::DeviceKind>,
) -> Edit {
    let name = name.map(str::to_owned);
    Edit::EditDevice { device: DeviceId(id), name, kind, mark: None, carried: None }
}

impl Told {
    fn snapshot(&self, at: Time, last_change: u64) -> Snapshot {
        let devices = self.devices(at);
        let people = self.directory.people.keys().map(|id| {
            let owned: Vec<&DeviceView> =
                devices.iter().filter(|it| it.owner == Some(*id)).collect();
            let carried = owned.iter().filter(|it| it.carried).map(|it| it.standing);
            let mut standing = carried.fold(Standing::default(), better);
            let set = self.directory.overrides.get(id).and_then(|it| it.last());
            let set = set.filter(|it| it.until > at);
            if let Some(set) = set {
                standing.presence = if set.home { Presence::Present } else { Presence::Away };
                standing.since = Some(set.at);
            }
            let heard = set.is_none() && standing.presence == Presence::Present;
            PersonView {
                id: *id,
                standing,
                overridden: set.map(|it| (it.by.clone(), it.until)),
                devices: owned.iter().map(|it| it.id).collect(),
                sources: if heard { vec![SourceKind::Lan] } else { Vec::new() },
            }
        });
        Snapshot {
            at,
            last_change,
            simulated: self.simulated,
            degraded: self.degraded.clone(),
            people: people.collect(),
            listeners: listeners(at).into_iter().chain(self.ears.iter().cloned()).collect(),
            monitors: Fleet::new(self.signs.clone(), Now { mono: Duration::ZERO, wall: at })
                .views(&self.directory),
            directory: self.directory.clone(),
            devices,
        }
    }

    fn devices(&self, at: Time) -> Vec<DeviceView> {
        let mut all: Vec<DeviceView> = Vec::new();
        for (index, thing) in self.things.iter().enumerate() {
            let number = IdentityId(u32::try_from(index).unwrap_or(u32::MAX - 1) + 1);
            let id = self.directory.device_of(number);
            let described = self.directory.device(id);
            let identity = (number, thing.identity.clone());
            if let Some(known) = all.iter_mut().find(|it| it.id == id) {
                known.identities.push(identity);
                known.standing = better(known.standing, thing.standing);
                continue;
            }
            all.push(DeviceView {
                id,
                standing: thing.standing,
                identities: vec![identity],
                first_seen: Some(thing.first),
                last_seen: thing.standing.last,
                signal: thing.signal,
                randomised: thing.identity.is_randomised(),
                hostname: thing.hostname.clone(),
                vendor_class: None,
                ips: vec![IpAddr::V4(thing.ip)],
                proxy_for: None,
                owner: described.owner_at(at),
                carried: described.is_carried(),
                mark: described.mark,
                source: Some(SourceKind::Lan),
            });
        }
        all.sort_by_key(|it| it.id);
        all
    }
}

/// Present wins; then whoever was seen last.
fn better(a: Standing, b: Standing) -> Standing {
    let rank = |it: &Standing| (it.presence == Presence::Present, it.last);
    if rank(&b) > rank(&a) { b } else { a }
}

fn listeners(at: Time) -> Vec<ListenerView> {
    let view = |id, channel, covered, to| ListenerView {
        id: ListenerId(id),
        listener: Listener::new("hub", SourceKind::Lan, channel),
        site: Directory::FIRST_SITE,
        covered,
        covered_to: Some(to),
    };
    vec![view(1, "eth0", true, at), view(2, "wlan0", false, at - Duration::from_hours(3))]
}
