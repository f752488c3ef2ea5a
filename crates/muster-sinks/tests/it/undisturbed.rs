//! Feed, fold and sink together against a peer that goes away for ten minutes of virtual time: what
//! it holds in the end is what an undisturbed run leaves, and the count is the sum of the people.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_core::change::{Change, ChangeKind};
use muster_core::directory::{Directory, Person};
use muster_core::identity::PersonId;
use muster_core::ports::{Sample, SeriesSink};
use muster_core::series::Series;
use muster_core::series::feed::{Feed, Pace};
use muster_core::stay::Subject;
use muster_core::time::{Now, Time};
use muster_wire::graphite::parse_line;

use crate::graphite::open;
use crate::peer::{Peer, Script};

#[tokio::test]
async fn ten_minutes_without_a_peer_leave_no_gap() {
    let mut house = House::new(86_400);
    let mut peer = Peer::start(&[Script::CloseWhenTold]);
    let address = peer.address;
    let mut sink = open(address);
    house.live(&mut *sink, 600).await;
    peer.close().await;
    let mut taken = peer.taken().await;
    house.live(&mut *sink, 600).await;
    let back = Peer::start_at(address, &[Script::Take]);
    house.live(&mut *sink, 300).await;
    drop(sink);
    taken.extend(back.taken().await);
    house.check(&taken.concat(), START);
    assert_eq!(house.feed.dropped(), 0);
}

#[tokio::test]
async fn beyond_the_bound_the_oldest_are_dropped_and_counted() {
    let mut house = House::new(300);
    let address = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let mut sink = open(address);
    house.live(&mut *sink, 3_600).await;
    let peer = Peer::start_at(address, &[Script::Take]);
    house.live(&mut *sink, 120).await;
    drop(sink);
    let taken = peer.taken().await.concat();
    let first = taken.lines().map(|it| parse_line(it).unwrap().epoch).min().unwrap();
    house.check(&taken, first);
    let missing = u64::try_from((first - START) / 5).unwrap();
    assert!(missing > 0);
    assert_eq!(house.feed.dropped(), missing);
}

const START: i64 = 1_795_000_000;

/// Two people who come and go, second by second.
struct House {
    feed: Feed,
    second: i64,
    changes: Vec<Change>,
    directory: Directory,
}

impl House {
    fn new(backfill: u64) -> Self {
        let pace = Pace {
            every: Duration::from_secs(5),
            backfill: Duration::from_secs(backfill),
            unsure: Duration::from_mins(1),
        };
        let mut directory = Directory::default();
        for (id, name) in [(1, "anna"), (2, "ben")] {
            let person = Person { name: name.into(), display: name.into() };
            directory.people.insert(PersonId(id), person);
        }
        let second = START + 1;
        Self { feed: Feed::new(pace, None, now(second)), second, changes: Vec::new(), directory }
    }

    async fn live(&mut self, sink: &mut dyn SeriesSink, seconds: i64) {
        for _ in 0..seconds {
            self.second += 1;
            for (person, every) in [(1, 47), (2, 110)] {
                if self.second % every == 0 {
                    self.toggle(PersonId(person));
                }
            }
            let now = now(self.second);
            while let Some(piece) = self.feed.poll(now) {
                let samples: Vec<_> = self.feed.times(piece).map(|it| self.sample(it)).collect();
                match sink.deliver(&samples).await {
                    Ok(()) => self.feed.handle_delivered(piece, now),
                    Err(_) => self.feed.handle_failed(now),
                }
            }
        }
    }

    fn toggle(&mut self, person: PersonId) {
        let at = Time::from_secs(self.second);
        let home = self.second % 2 == 0;
        let kind = if home { ChangeKind::Arrived } else { ChangeKind::Left };
        let mut change = Change::new(kind, at, at);
        change.id = self.changes.len() as u64 + 1;
        change.subject = Some(Subject::Person(person));
        self.changes.push(change);
    }

    /// From scratch, so that nothing but the journal and the time can matter.
    fn sample(&self, at: Time) -> Sample {
        let mut series = Series::default();
        for change in self.changes.iter().filter(|it| it.decided <= at) {
            series.apply(change);
        }
        series.sample(at, &self.directory)
    }

    /// That every point from a time on is there, and the last word on it is the right one.
    #[track_caller]
    fn check(&self, lines: &str, from: i64) {
        let mut held: BTreeMap<(i64, String), f64> = BTreeMap::new();
        for line in lines.lines() {
            let point = parse_line(line).unwrap();
            held.insert((point.epoch, point.path), point.value);
        }
        let mut wanted = BTreeMap::new();
        let mut ticks = 0;
        for tick in (from..self.second).filter(|it| it % 5 == 0) {
            ticks += 1;
            let sample = self.sample(Time::from_secs(tick));
            let homes = sample.values.iter().filter(|it| it.0.ends_with(".is_home"));
            let sum: f64 = homes.map(|it| it.1).sum();
            for (name, value) in sample.values {
                if name == "count_home" {
                    assert!((value - sum).abs() < f64::EPSILON, "at {tick}");
                }
                wanted.insert((tick, format!("home.presence.{name}")), value);
            }
        }
        assert!(ticks > 20);
        assert_eq!(held, wanted);
    }
}

fn now(second: i64) -> Now {
    Now { mono: Duration::from_secs(second.unsigned_abs()), wall: Time::from_secs(second) }
}
