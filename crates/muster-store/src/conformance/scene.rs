//! Made-up batches from a seed: everything that a batch can hold, in keys that often meet again.

use std::time::Duration;

use muster_core::batch::{
    Batch, CoverageHour, DetailRow, HOUR, HeardHour, LevelRow, MonitorRow, ProbeHour, Reading,
    ReceivedRanges, Seen,
};
use muster_core::change::{Change, ChangeKind};
use muster_core::directory::{
    Device, DeviceKind, Directory, Enrolment, Mark, Override, Ownership, Person, Place, TokenHash,
};
use muster_core::fact::{DetailKind, LevelState, Listener, Outcome, SourceKind};
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId, Mac, PersonId, PlaceId};
use muster_core::span::Span;
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;
use muster_core::uplink::{BootId, Health, Liveness, SequenceSet, StoreId};

/// A source of batches; the same seed gives the same ones.
#[derive(Clone, Debug)]
pub struct Scene {
    state: u64,
    identities: u32,
    listeners: u32,
    stays: u64,
}

impl Scene {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed, identities: 0, listeners: 0, stays: 0 }
    }

    /// The next batch.
    pub fn batch(&mut self) -> Batch {
        let mut batch = Batch { frontier: self.time(), ..Batch::default() };
        for _ in 0..self.count(3) {
            self.identities += 1;
            batch.identities.push((IdentityId(self.identities), self.identity()));
        }
        for _ in 0..self.count(2) {
            self.listeners += 1;
            batch.listeners.push((ListenerId(self.listeners), self.listener()));
        }
        if self.identities > 0 && self.listeners > 0 {
            self.facts(&mut batch);
        }
        for _ in 0..self.count(4) {
            let stay = self.stay();
            // A batch holds each stay once.
            if !batch.stays.iter().any(|it| it.id == stay.id) {
                batch.stays.push(stay);
            }
        }
        if self.stays > 0 && self.one_in(4) {
            let gone = StayId(self.below(self.stays) + 1);
            batch.stays.retain(|it| it.id != gone);
            batch.gone.push(gone);
        }
        if self.one_in(5) {
            batch.directory = Some(self.directory());
        }
        for _ in 0..self.count(2) {
            put(&mut batch.received, self.received(), |it| (it.monitor.clone(), it.boot));
        }
        if self.one_in(4) {
            let ReceivedRanges { monitor, boot, .. } = self.received();
            batch.unreceived.push((monitor, boot));
        }
        if self.one_in(3) {
            batch.monitors.push(self.sign_of_life());
        }
        batch.changes = (0..self.count(5)).map(|_| self.change()).collect();
        batch
    }

    /// A number below `limit`, which is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.state;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ (it >> 31)) % limit
    }

    /// A time within two days.
    pub fn time(&mut self) -> Time {
        START + Duration::from_micros(self.below(48 * 3_600_000_000))
    }

    fn facts(&mut self, batch: &mut Batch) {
        for _ in 0..self.count(6) {
            let (hour, identity) = (self.hour(), self.known());
            let (listener, spans) = (self.hearing(), self.spans(hour));
            put(&mut batch.heard, HeardHour { hour, identity, listener, spans }, |it| {
                (it.hour, it.identity, it.listener)
            });
        }
        for _ in 0..self.count(3) {
            let (hour, listener) = (self.hour(), self.hearing());
            let spans = self.spans(hour);
            put(&mut batch.coverage, CoverageHour { hour, listener, spans }, |it| {
                (it.hour, it.listener)
            });
        }
        for _ in 0..self.count(4) {
            let (hour, identity, listener) = (self.hour(), self.known(), self.hearing());
            let outcomes = self.outcomes(hour);
            put(&mut batch.probes, ProbeHour { hour, identity, listener, outcomes }, |it| {
                (it.hour, it.identity, it.listener)
            });
        }
        for _ in 0..self.count(3) {
            let state = self.one_of(&[LevelState::Home, LevelState::Away, LevelState::Unknown]);
            let (identity, listener) = (self.known(), self.hearing());
            let (at, sequence) = (self.time(), self.below(3));
            batch.levels.push(LevelRow { identity, listener, at, sequence, state });
        }
        for _ in 0..self.count(4) {
            let (_, kind) = self.one_of(&DetailKind::ALL);
            let value = format!("value {}", self.below(12)).into();
            let row = DetailRow { identity: self.known(), kind, value, at: self.time() };
            put(&mut batch.details, row, |it| (it.identity, it.kind, it.value.clone()));
        }
        for _ in 0..self.count(8) {
            let length = self.one_of(&[Duration::from_mins(5), Duration::from_mins(1)]);
            let interval = self.time().floor(length);
            let rssi = (!self.one_in(4)).then(|| i8::try_from(self.below(128)).unwrap_or(0) - 100);
            let (identity, listener) = (self.known(), self.hearing());
            let at = interval + Duration::from_micros(self.below(300_000_000));
            batch.readings.push(Reading { interval, length, identity, listener, rssi, at });
        }
        for _ in 0..self.count(3) {
            let (identity, first) = (self.known(), self.time());
            let last = first + Duration::from_secs(self.below(9_000));
            put(&mut batch.seen, Seen { identity, first, last }, |it| it.identity);
        }
    }

    fn stay(&mut self) -> Stay {
        if self.stays == 0 || self.one_in(2) {
            self.stays += 1;
        }
        let (_, ended) = self.one_of(&Ended::ALL);
        let from = self.time();
        let last = from + Duration::from_secs(self.below(20_000));
        Stay {
            id: StayId(self.below(self.stays) + 1),
            subject: self.subject(),
            site: PlaceId(self.small(3)),
            from,
            last,
            ended,
            to_latest: self.one_in(3).then(|| last + HOUR),
            uncovered: Duration::from_micros(self.below(9_000_000_000)),
            after_gap: self.one_in(3),
            revision: self.small(4),
        }
    }

    fn received(&mut self) -> ReceivedRanges {
        let mut runs = SequenceSet::new();
        for _ in 0..self.count(4) {
            let first = self.below(u64::MAX) >> self.below(64);
            runs.insert_run(first, first.saturating_add(self.below(9_000)));
        }
        let monitor = self.one_of(&["attic", "kitchen", "1st Floor"]).into();
        let boot = BootId(u128::from(self.below(4)) << 64 | u128::from(u64::MAX));
        ReceivedRanges { monitor, boot, runs, at: self.time() }
    }

    fn sign_of_life(&mut self) -> MonitorRow {
        let health = Health {
            version: self.text().into(),
            uptime: Duration::from_micros(self.below(1 << 50)),
            clock_ahead: self.one_in(2).then(|| self.below(1 << 40).cast_signed() - (1 << 39)),
            synchronised: self.one_in(2),
            spooled: self.below(u64::MAX),
            thinned: self.below(9),
            dropped: self.below(u64::MAX),
            facts: self.below(1 << 40),
            listened: Duration::from_micros(self.below(1 << 50)),
            simulated: self.one_in(3),
            last_error: self.one_in(2).then(|| self.text().into()),
        };
        let monitor = self.one_of(&["attic", "kitchen", "1st Floor"]).into();
        let (at, liveness) = (self.time(), self.one_of(&Liveness::ALL).1);
        let oldest_unsent = self.one_in(2).then(|| self.time());
        MonitorRow { monitor, at, liveness, oldest_unsent, health }
    }

    fn enrolment(&mut self) -> Enrolment {
        let some = self.count(3);
        let sources = (0..some).map(|_| self.one_of(&SourceKind::ALL).1).collect();
        let kinds = (0..some).map(|_| self.one_of(&Identity::KINDS).into()).collect();
        Enrolment {
            token: TokenHash([(); 32].map(|()| self.below(256).to_le_bytes()[0])),
            sources: self.one_in(2).then_some(sources),
            kinds: self.one_in(2).then_some(kinds),
            at: self.time(),
            revoked: self.one_in(2).then(|| self.time()),
        }
    }

    fn change(&mut self) -> Change {
        let (_, kind) = self.one_of(&ChangeKind::ALL);
        let mut change = Change::new(kind, self.time(), self.time());
        change.subject = (!self.one_in(6)).then(|| self.subject());
        change.owner = self.one_in(2).then(|| PersonId(self.small(4)));
        change.site = self.one_in(2).then(|| PlaceId(self.small(3)));
        change.stay = self.one_in(2).then(|| StayId(self.below(50)));
        change.source = self.one_in(2).then(|| self.one_of(&SourceKind::ALL).1);
        change.until = self.one_in(4).then(|| self.time());
        change.quiet = self.one_in(4);
        change.reason = self.text().into();
        change
    }

    fn directory(&mut self) -> Directory {
        let mut directory = Directory { version: self.below(1000), ..Directory::default() };
        for id in 1..=self.small(4) {
            let name = format!("person-{id}").into();
            directory.people.insert(PersonId(id), Person { name, display: self.text().into() });
            if self.one_in(2) {
                let all = directory.overrides.entry(PersonId(id)).or_default();
                for _ in 0..=self.below(3) {
                    let (home, at) = (self.one_in(2), self.time());
                    let by = self.text().into();
                    all.push(Override { home, at, until: at + HOUR, by });
                }
            }
        }
        for _ in 0..self.count(4) {
            let mut device = Device { name: self.text().into(), ..Device::default() };
            device.kind = self.one_of(&DeviceKind::ALL).1;
            device.mark = self.one_of(&Mark::ALL).1;
            device.carried = self.one_in(2).then(|| self.one_in(2));
            for _ in 0..self.count(3) {
                let person = (!self.one_in(3)).then(|| PersonId(self.small(4)));
                device.owners.push(Ownership { from: self.time(), person });
            }
            directory.devices.insert(DeviceId(self.small(9)), device);
        }
        for _ in 0..self.count(3) {
            directory.groups.insert(IdentityId(self.small(9)), DeviceId(self.small(9)));
        }
        for id in 2..2 + self.small(3) {
            let parent = self.one_in(2).then_some(PlaceId(1));
            directory.places.insert(PlaceId(id), Place { name: self.text().into(), parent });
            directory.monitors.insert(format!("monitor {id}").into(), PlaceId(id));
        }
        for _ in 0..self.count(3) {
            let monitor = self.one_of(&["attic", "kitchen", "1st_Floor"]);
            let enrolment = self.enrolment();
            directory.enrolments.insert(monitor.into(), enrolment);
            directory.store = Some(StoreId(u128::from(self.below(u64::MAX)) << self.below(60)));
        }
        directory.last_person = PersonId(4 + self.small(90));
        directory.last_place = PlaceId(4 + self.small(90));
        directory
    }

    fn identity(&mut self) -> Identity {
        let [_, _, mac @ ..] = self.below(1 << 48).to_be_bytes();
        let mac = Mac(mac);
        match self.below(4) {
            0 => Identity::Ble(mac),
            1 => Identity::Bt(mac),
            2 => match "tag:x".parse() {
                Ok(Identity::Text(kind, _)) => Identity::Text(kind, self.text().into()),
                Ok(_) | Err(_) => Identity::Mac(mac),
            },
            _ => Identity::Mac(mac),
        }
    }

    fn listener(&mut self) -> Listener {
        let monitor = self.one_of(&["hub", "kitchen", "garden"]);
        Listener::new(monitor, self.one_of(&SourceKind::ALL).1, self.one_of(&["", "eth0", "hci0"]))
    }

    fn spans(&mut self, hour: Time) -> Vec<Span> {
        let mut at = hour;
        let mut spans = Vec::new();
        for _ in 0..self.count(6) {
            let from = at + Duration::from_micros(self.below(200_000_000) + 1);
            at = from + Duration::from_micros(self.below(200_000_000) + 1);
            spans.push(Span::new(from, at));
        }
        spans
    }

    fn outcomes(&mut self, hour: Time) -> Vec<(Time, Outcome)> {
        let mut at = hour;
        let mut outcomes = Vec::new();
        for _ in 0..self.count(6) {
            at = at + Duration::from_micros(self.below(400_000_000));
            let all = [Outcome::Answered, Outcome::Silent, Outcome::NoEvidence, Outcome::Unaskable];
            outcomes.push((at, self.one_of(&all)));
        }
        outcomes
    }

    fn text(&mut self) -> String {
        let text = ["", "Anna", "Küche 2", "<img src=x onerror=y>", "'; DROP TABLE stay; --", "👩‍🔧"];
        self.one_of(&text).to_owned()
    }

    fn subject(&mut self) -> Subject {
        if self.one_in(2) {
            Subject::Device(DeviceId(self.small(6)))
        } else {
            Subject::Person(PersonId(self.small(3)))
        }
    }

    fn hour(&mut self) -> Time {
        self.time().floor(HOUR)
    }

    fn known(&mut self) -> IdentityId {
        IdentityId(self.small(self.identities))
    }

    fn hearing(&mut self) -> ListenerId {
        ListenerId(self.small(self.listeners))
    }

    /// From 1 to `most`.
    fn small(&mut self, most: u32) -> u32 {
        u32::try_from(self.below(most.max(1).into())).unwrap_or_default() + 1
    }

    /// From 0 to `most`, mostly less.
    fn count(&mut self, most: u64) -> u64 {
        let limit = self.below(most + 1) + 1;
        self.below(limit)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap_or_default();
        all[at]
    }
}

/// A batch holds each key once.
fn put<T, K: PartialEq>(rows: &mut Vec<T>, row: T, key: impl Fn(&T) -> K) {
    rows.retain(|it| key(it) != key(&row));
    rows.push(row);
}

/// 2026-11-21 06:00 UTC: an hour like any other.
const START: Time = Time::from_secs(1_795_240_800);
