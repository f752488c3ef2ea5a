//! What a relay does when the hub answers, is silent, is another one, or has too much to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::spool::{SpoolRead, SpoolWork};
use super::*;
use crate::fact::{DetailKind, Listener, Sighting, SourceKind};
use crate::identity::{Identity, Mac};
use crate::span::Span;
use crate::uplink::{SequenceSet, Upload};

const HUB: StoreId = StoreId(7);
const WALL: i64 = 1_772_438_400;

/// A relay, a spool that works, and whatever was sent.
struct Attic {
    relay: Relay,
    mono: u64,
    disk: BTreeMap<(BootId, u64), Entry>,
    /// What of it nobody can read any more.
    damaged: BTreeSet<u64>,
    state: Spooled,
    writes: usize,
    sent: Vec<Sending>,
}

impl Attic {
    fn new(capacity: u64, start: Start) -> Self {
        let settings = Settings {
            monitor: "attic".into(),
            patience: Settings::PATIENCE,
            capacity,
            interval: Duration::from_mins(5),
            version: "1".into(),
            simulated: false,
        };
        let state = start.spooled.clone();
        let mono = 100;
        let relay = Relay::new(settings, start, now(mono));
        let (disk, damaged, sent) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Self { relay, mono, disk, damaged, state, writes: 0, sent }
    }

    /// One that has met its hub.
    fn met(capacity: u64) -> Self {
        let mut it = Self::new(capacity, start(1));
        it.turn();
        it.answer();
        it
    }

    fn turn(&mut self) {
        while let Some(what) = self.relay.poll(now(self.mono)) {
            match what {
                Do::Send(it) => self.sent.push(it),
                Do::Write(it) => {
                    self.writes += 1;
                    self.write(it);
                    self.relay.handle_written(Ok(()), now(self.mono));
                }
                Do::Read(it) => {
                    let rows = self.disk.range((it.boot, it.from)..=(it.boot, u64::MAX));
                    let rows = rows.take(it.limit).map(|(_, it)| it.clone());
                    let is_damaged = |it: &Entry| self.damaged.contains(&it.sequence);
                    let (damaged, entries): (Vec<_>, Vec<_>) = rows.partition(is_damaged);
                    let damaged = damaged.into_iter().map(|it| it.sequence).collect();
                    let read = SpoolRead { entries, damaged };
                    self.relay.handle_read(Ok(read), now(self.mono));
                }
            }
        }
    }

    fn write(&mut self, work: SpoolWork) {
        for (boot, run) in work.removed {
            self.disk.retain(|(it, at), _| *it != boot || *at < run.first || *at > run.last);
        }
        self.disk.extend(work.added.into_iter().map(|(boot, it)| ((boot, it.sequence), it)));
        self.disk.retain(|(it, _), _| work.state.boots.iter().any(|boot| boot.id == *it));
        self.state = work.state;
        let counted = (self.state.rows(), self.state.weight());
        let there = (self.disk.len() as u64, self.disk.values().map(Entry::weight).sum());
        // How much a damaged fact weighed nobody knows.
        let is_whole = self.damaged.is_empty();
        assert_eq!(counted.0, there.0, "as many are counted as are there");
        assert!(!is_whole || counted == there, "and they weigh as much");
    }

    /// The hub takes the upload that was sent first.
    fn answer(&mut self) -> Upload {
        let Sending { number, upload } = self.sent.remove(0);
        let answer = Answer {
            store: HUB,
            received: now(self.mono).wall,
            answered: now(self.mono).wall,
            settled: upload.header.settles.clone(),
            refused: Vec::new(),
        };
        self.relay.handle_reply(number, Reply::Taken(answer), now(self.mono));
        self.turn();
        upload
    }

    /// The hub is back and takes all that it gets; what it took.
    fn recover(&mut self) -> Vec<Upload> {
        self.sent.clear();
        let mut taken = Vec::new();
        for _ in 0..60 {
            self.pass(5);
            while !self.sent.is_empty() {
                taken.push(self.answer());
            }
        }
        taken
    }

    fn hear(&mut self, bodies: impl IntoIterator<Item = FactBody>) {
        let listener = Arc::new(Listener::new("attic", SourceKind::Ble, "hci0"));
        let fact = |body| Fact { listener: Arc::clone(&listener), body };
        let facts = bodies.into_iter().map(fact).collect();
        self.relay.handle_facts(facts, now(self.mono));
        self.turn();
    }

    /// Lets time pass, deadline by deadline.
    fn pass(&mut self, seconds: u64) {
        let end = self.mono + seconds;
        while let Some(due) = self.relay.poll_timeout().filter(|it| it.as_secs() < end) {
            self.mono = (due.as_secs() + 1).max(self.mono);
            self.relay.handle_timeout(now(self.mono));
            self.turn();
        }
        self.mono = end;
        self.relay.handle_timeout(now(end));
        self.turn();
    }

    fn seen(&self, who: u8) -> FactBody {
        let identity = Identity::Ble(Mac([0x7c, 0, 0, 0, 0, who]));
        FactBody::Sighting(Sighting { identity, at: now(self.mono).wall, rssi: Some(-50) })
    }

    fn covered(&self) -> FactBody {
        let wall = now(self.mono).wall;
        FactBody::Coverage(Span::new(wall - Duration::from_secs(10), wall))
    }
}

fn now(mono: u64) -> Now {
    Now { mono: Duration::from_secs(mono), wall: Time::from_secs(WALL) + Duration::from_secs(mono) }
}

fn start(boot: u128) -> Start {
    Start { boot: BootId(boot), machine: MachineId(boot), spooled: Spooled::default(), seed: 1 }
}

fn numbers(upload: &Upload) -> Vec<u64> {
    upload.rows.iter().map(|it| it.sequence).collect()
}

#[test]
fn nothing_is_sent_before_the_hub_has_said_what_time_it_is() {
    let mut it = Attic::new(1 << 20, start(1));
    it.hear([it.seen(1)]);
    let first = it.answer();
    assert!(first.is_empty() && first.header.sent.is_none() && first.header.store.is_none());
    let second = it.answer();
    assert_eq!(numbers(&second), [0]);
    assert_eq!(second.header.store, Some(HUB));
    assert_eq!(second.rows[0].fact.noticed(), now(100).wall);
}

#[test]
fn what_is_acknowledged_in_time_never_touches_the_disk() {
    let mut it = Attic::met(1 << 20);
    let writes = it.writes;
    for _ in 0..50 {
        it.hear([it.seen(1), it.covered()]);
        it.pass(4);
        it.answer();
    }
    assert_eq!(it.writes, writes);
    assert!(it.disk.is_empty());
}

#[test]
fn without_patience_everything_is_written_first() {
    let mut it = Attic::met(1 << 20);
    it.relay.settings.patience = Duration::ZERO;
    it.hear([it.seen(1), it.covered()]);
    assert_eq!(it.disk.len(), 2);
    let upload = it.answer();
    assert_eq!((upload.header.lane, numbers(&upload)), (Lane::Backlog, vec![0, 1]));
    assert!(it.disk.is_empty() && it.sent.is_empty());
}

#[test]
fn what_is_not_is_written_together_and_sent_oldest_first() {
    let mut it = Attic::met(1 << 20);
    for _ in 0..10 {
        it.hear([it.seen(1), it.covered()]);
        it.pass(1);
    }
    it.pass(60);
    assert_eq!(it.disk.len(), 20);
    assert!(it.writes <= 5, "{} writes", it.writes);
    let uploads = it.recover();
    let upload = uploads.iter().find(|it| it.header.lane == Lane::Backlog).unwrap();
    assert_eq!(numbers(upload), (0..20).collect::<Vec<_>>());
    assert_eq!(upload.header.settles.runs(), [Run { first: 0, last: 19 }]);
    assert_eq!(upload.rows[0].fact.noticed(), now(100).wall);
    assert!(it.disk.is_empty(), "what the hub has is deleted");
}

#[test]
fn coverage_waits_for_what_is_older() {
    let mut it = Attic::met(1 << 20);
    it.hear([it.seen(1)]);
    it.pass(10);
    assert_eq!(it.disk.len(), 1);
    it.pass(100);
    it.hear([it.seen(2), it.covered()]);
    let uploads = it.recover();
    let order: Vec<_> = uploads.iter().flat_map(numbers).collect();
    assert_eq!(order.iter().filter(|it| **it == 0).count(), 1);
    let place = |number| order.iter().position(|it| *it == number).unwrap();
    assert!(place(0) < place(2), "{order:?}");
    let early = uploads.iter().find(|it| it.header.oldest_unsent.is_some()).unwrap();
    assert_eq!(early.header.oldest_unsent, Some(now(100).wall));
    assert!(it.disk.is_empty() && it.relay.queue.is_empty());
}

#[test]
fn another_hub_gets_nothing() {
    let mut it = Attic::met(1 << 20);
    it.hear([it.seen(1)]);
    let number = it.sent.remove(0).number;
    let other = Reply::OtherStore { store: StoreId(8) };
    it.relay.handle_reply(number, other, now(it.mono));
    let trouble = Trouble::OtherStore { bound: HUB, found: StoreId(8) };
    assert_eq!(it.relay.trouble(), Some(&trouble));
    it.pass(30);
    assert!(it.sent.is_empty(), "it makes no sense to try again soon");
    assert_eq!(it.disk.len(), 1, "and nothing is lost meanwhile");
}

#[test]
fn a_hub_that_has_too_much_to_do_is_left_alone() {
    let mut it = Attic::met(1 << 20);
    it.hear([it.seen(1)]);
    let number = it.sent.remove(0).number;
    it.relay.handle_reply(number, Reply::Busy { after: Duration::from_mins(1) }, now(it.mono));
    it.pass(59);
    assert!(it.sent.is_empty());
    it.pass(5);
    assert!(!it.sent.is_empty());
}

#[test]
fn a_full_spool_thins_then_drops_and_counts() {
    let mut it = Attic::met(100_000);
    it.hear([it.seen(9)]);
    for _ in 0..1_000 {
        it.hear((0..3).map(|who| it.seen(who)).collect::<Vec<_>>());
        it.pass(6);
    }
    let spooled = it.relay.spooled().clone();
    assert!(spooled.weight() <= 101_000 && spooled.thinned > 1_000, "{spooled:?}");
    assert_eq!(spooled.dropped, 0);
    for round in 0..4_000_u32 {
        let who = u8::try_from(round % 256).unwrap();
        it.hear([it.seen(who)]);
        it.pass(6);
    }
    let spooled = it.relay.spooled().clone();
    assert!(spooled.weight() <= 101_000 && spooled.dropped > 1_000, "{spooled:?}");
    let kept = spooled.rows() + spooled.thinned + spooled.dropped + it.relay.queue.len() as u64;
    assert_eq!(kept, it.relay.next, "every fact is kept, or counted");
}

#[test]
fn a_disk_that_fails_loses_nothing_that_fits_in_memory() {
    let mut it = Attic::met(1 << 20);
    it.hear([it.seen(1), it.covered()]);
    it.mono += 10;
    let mut wrote = 0;
    while let Some(what) = it.relay.poll(now(it.mono)) {
        if let Do::Write(work) = what {
            wrote += work.added.len();
            it.relay.handle_written(Err("no space left".into()), now(it.mono));
        }
    }
    assert_eq!(wrote, 2);
    assert!(matches!(it.relay.trouble(), Some(Trouble::Spool(_))));
    it.pass(10);
    assert_eq!(it.disk.len(), 2);
    assert_eq!(it.relay.trouble(), None);
}

#[test]
fn a_start_that_never_knew_the_time_is_dated_between_its_neighbours() {
    let mut first = Attic::met(1 << 20);
    first.hear([first.seen(1)]);
    first.pass(20);
    assert_eq!(first.disk.len(), 1);
    let again = Start { spooled: first.state.clone(), ..start(2) };
    let mut dark = Attic { disk: first.disk, ..Attic::new(1 << 20, again) };
    dark.hear([dark.seen(2)]);
    dark.pass(20);
    assert_eq!(dark.disk.len(), 2);
    let again = Start { spooled: dark.state.clone(), ..start(3) };
    let mut third = Attic { disk: dark.disk, ..Attic::new(1 << 20, again) };
    // A day later; its machine was just started.
    third.turn();
    let wall = now(86_400).wall;
    let answer = Answer {
        store: HUB,
        received: wall,
        answered: wall,
        settled: SequenceSet::new(),
        refused: Vec::new(),
    };
    let number = third.sent.remove(0).number;
    third.relay.handle_reply(number, Reply::Taken(answer), now(third.mono));
    third.turn();
    let uploads = [third.answer(), third.answer()];
    let dates = uploads.map(|it| (it.header.boot, it.header.uncertain, it.rows[0].fact.noticed()));
    assert_eq!(dates[0], (BootId(1), None, now(100).wall));
    let (boot, uncertain, date) = dates[1];
    assert_eq!(boot, BootId(2));
    assert!(uncertain.is_some_and(|it| it > Duration::from_hours(23)));
    assert!(date > now(30_000).wall && date < now(60_000).wall, "{date}");
}

#[test]
fn a_fact_that_no_hub_could_read_holds_up_no_other() {
    let mut it = Attic::met(1 << 20);
    let name = |value: &str| {
        let identity = Identity::Ble(Mac([0x7c, 0, 0, 0, 0, 1]));
        let (at, kind) = (now(100).wall, DetailKind::Hostname);
        FactBody::Detail(Detail { identity, at, kind, value: value.into() })
    };
    it.hear([name("bell\u{7}"), name(&"x".repeat(256)), name("phone")]);
    assert_eq!(it.answer().rows.len(), 1);
    assert_eq!(it.relay.spooled().dropped, 2);
    let large = it.relay.next..it.relay.next + 16_000;
    it.hear(large.map(|_| name(&"x".repeat(255))).collect::<Vec<_>>());
    let sizes = [it.answer().rows.len(), it.answer().rows.len()];
    assert!(sizes[0] < 16_000 && sizes[0] + sizes[1] == 16_000, "{sizes:?}");
}

#[test]
fn damaged_facts_are_dropped_and_hold_up_no_others() {
    for damaged in [BTreeSet::from([0, 5, 19]), (0..20).collect()] {
        let mut it = Attic::met(1 << 20);
        it.hear((0..20).map(|who| it.seen(who)).collect::<Vec<_>>());
        it.damaged = damaged;
        it.pass(60);
        let uploads = it.recover();
        let lost = it.damaged.len();
        let whole: Vec<u64> = (0..20).filter(|number| !it.damaged.contains(number)).collect();
        assert_eq!(uploads.iter().flat_map(numbers).collect::<Vec<_>>(), whole);
        assert_eq!(it.relay.spooled().dropped, lost as u64);
        assert!(it.disk.is_empty() && it.relay.spooled().boots.is_empty());
    }
}

#[test]
fn closing_keeps_everything() {
    let mut it = Attic::met(1 << 20);
    it.hear([it.seen(1)]);
    assert!(!it.relay.is_kept());
    it.relay.close();
    it.turn();
    assert!(it.relay.is_kept());
    assert_eq!(it.disk.len(), 1);
}

/// Whatever a library said, every upload carries it.
#[test]
fn what_went_wrong_is_said_in_one_line() {
    assert_eq!(&*Health::line("lost\nhci0\u{1b}", 255), "lost hci0 ");
    assert_eq!(&*Health::line("\u{e4}\u{e4}\u{e4}", 5), "\u{e4}\u{e4}");
}
