//! The dispatcher over the model store, turn by turn in virtual time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use muster_core::batch::Batch;
use muster_core::change::{Change, ChangeKind};
use muster_core::directory::{Device, DeviceKind, Directory, Person};
use muster_core::fact::SourceKind;
use muster_core::identity::{DeviceId, PersonId};
use muster_core::ports::BoxFuture;
use muster_core::series::Series;
use muster_core::stay::Subject;
use muster_sim::store::ModelStore;

use super::*;

const START: i64 = 1_795_000_000;
const DAY: u64 = 86_400;

#[tokio::test]
async fn every_five_seconds_what_is_stored() {
    let mut scene = Scene::new(DAY);
    scene.live(60, &["7 arrived person:1 0", "31 left person:1 0"]).await;
    let sent: Vec<(i64, f64)> = scene.sent("anna.is_home");
    assert_eq!(sent.len(), 12);
    let home: Vec<i64> = sent.iter().filter(|it| it.1 > 0.5).map(|it| it.0 - START).collect();
    assert_eq!(home, [10, 15, 20, 25, 30]);
    assert_eq!(scene.health().delivered_to, Some(Time::from_secs(START + 55)));
    scene.check(START);
}

#[tokio::test]
async fn an_outage_leaves_what_an_undisturbed_run_leaves() {
    let (log, _guard) = crate::logs::heard::Log::begin();
    let mut scene = Scene::new(DAY);
    scene.live(300, &["1 arrived person:1 0", "90 arrived device:1 1"]).await;
    scene.peer().down = true;
    let news = ["20 unknown person:1 0", "60 unknown device:1 1", "5000 arrived person:2 0"];
    scene.live(7_200, &news).await;
    let health = scene.health();
    assert!(health.backlog > 1_400, "{health:?}");
    assert_eq!(
        (health.state, health.since),
        (SinkState::Failing, Some(Time::from_secs(START + 301)))
    );
    assert_eq!(health.last_error.unwrap().what, "nobody there");
    assert!(log.text().contains("not delivered, kept for later: nobody there"), "{}", log.text());
    scene.peer().down = false;
    scene.live(600, &["33 left person:2 0", "71 known person:1 0"]).await;
    let health = scene.health();
    assert_eq!((health.backlog, health.dropped, health.lost), (0, 0, None));
    assert_eq!(health.state, SinkState::Delivering);
    assert!(log.text().trim_end().ends_with("delivers again sink=\"peer\""), "{}", log.text());
    let trouble = health.last_error.unwrap();
    assert_eq!(trouble.what, "nobody there", "what it was stays to be read");
    assert!(trouble.at < health.since.unwrap());
    scene.check(START);
}

#[tokio::test]
async fn beyond_the_bound_the_oldest_are_dropped_and_counted() {
    let mut scene = Scene::new(600);
    scene.live(60, &["1 arrived person:1 0"]).await;
    scene.peer().down = true;
    scene.live(3_600, &[]).await;
    assert!(scene.health().dropped > 0, "it shows while it happens");
    assert!(scene.health().lost.is_some(), "and of which time it was");
    scene.peer().down = false;
    scene.live(120, &[]).await;
    let ticks = scene.sent("anna.is_home").len() as u64;
    let all = u64::try_from((scene.second - 1 - START) / 5 + 1).unwrap();
    // The minute before the outage was delivered, was in doubt, and was given up in the end.
    let health = scene.health();
    assert_eq!(ticks - 12 + health.dropped, all);
    let lost = health.lost.unwrap();
    assert_eq!(lost.length() / 5, Duration::from_secs(health.dropped));
    let first = scene.sent("anna.is_home")[12].0;
    assert_eq!(lost.to, Time::from_secs(first), "it ends where samples arrive again");
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_one_ended() {
    let mut scene = Scene::new(DAY);
    let news = ["1 arrived device:1 1", "2 arrived person:1 0", "100 assigned device:1 2"];
    scene.live(400, &news).await;
    scene.dispatch.save().await;
    let cursor = scene.cursor().await.unwrap();
    assert!(cursor <= START + 400 - 60, "what the peer may lose is sent again");
    scene.second += 1_000;
    scene.restart();
    scene.live(60, &["9 left person:1 0"]).await;
    // Ben has the phone that Anna arrived with.
    assert!(scene.sent("ben.from_wifi").last().unwrap().1 > 0.5);
    scene.check(START);
}

#[tokio::test]
async fn the_cursor_is_stored_rarely_and_at_the_end() {
    let mut scene = Scene::new(DAY);
    scene.live(2, &[]).await;
    let first = scene.cursor().await;
    assert!(first.is_some(), "a crash within the first minutes has to be made up for, too");
    scene.live(290, &[]).await;
    assert_eq!(scene.cursor().await, first);
    scene.live(60, &[]).await;
    assert!(scene.cursor().await > first);
}

#[tokio::test]
async fn nothing_is_sent_that_is_not_stored() {
    let mut scene = Scene::new(DAY);
    scene.live(60, &["1 arrived person:1 0"]).await;
    scene.degraded = Some("disk full".into());
    scene.live(600, &[]).await;
    assert!(scene.sent("anna.is_home").len() <= 12);
    assert_eq!(scene.health().state, SinkState::Failing);
    let error = scene.health().last_error.unwrap();
    assert_eq!(error.what, "nothing is being stored: disk full");
    scene.degraded = None;
    // Decided in the middle of it, stored now.
    scene.store_late(&["-300 left person:1 0"]).await;
    scene.live(60, &[]).await;
    assert_eq!(scene.health().state, SinkState::Delivering);
    scene.check(START);
}

#[tokio::test]
async fn what_was_stored_too_late_is_sent_again() {
    let mut scene = Scene::new(DAY);
    scene.live(600, &["1 arrived person:1 0"]).await;
    scene.store_late(&["-200 left person:1 0", "-100 arrived person:1 0"]).await;
    scene.live(60, &[]).await;
    let sent = scene.sent("anna.is_home");
    let away = sent.iter().skip(1).filter(|it| it.1 < 0.5).count();
    assert_eq!(away, 20);
    scene.check(START);
}

#[tokio::test]
async fn it_ends_when_it_is_told_to_and_keeps_its_cursor() {
    let scene = Scene::new(DAY);
    let Scene { store, clock, snapshots, committed, peer, .. } = scene;
    snapshots.send_replace(Arc::new(picture(START, None)));
    let (health, mut shown) = watch::channel(SinkHealth::default());
    let wires = Wires {
        store: Arc::clone(&store) as Arc<dyn Store>,
        snapshots: snapshots.subscribe(),
        committed: committed.subscribe(),
        clock,
        health,
    };
    let every = Duration::from_secs(5);
    let delivered = async move {
        shown.wait_for(|it| it.delivered_to.is_some() && it.backlog == 0).await.unwrap();
    };
    let sink = Box::new(Memory(peer));
    let target = "memory".to_owned();
    let sending = Sending { name: "peer", target, sink, every, backfill: every };
    series(sending, wires, delivered).await;
    assert!(store.cursor("peer").await.unwrap().is_some());
}

/// A hub that stores what a story says, a peer with a memory, and the dispatcher between them.
struct Scene {
    store: Arc<ModelStore>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    committed: watch::Sender<u64>,
    clock: Arc<Hands>,
    peer: Arc<Mutex<Held>>,
    health: watch::Receiver<SinkHealth>,
    dispatch: Dispatch,
    backfill: Duration,
    second: i64,
    degraded: Option<Box<str>>,
}

impl Scene {
    fn new(backfill: u64) -> Self {
        let (store, clock) = (Arc::new(ModelStore::default()), Arc::new(Hands::default()));
        let (snapshots, committed) = (watch::Sender::default(), watch::Sender::default());
        let peer = Arc::default();
        let backfill = Duration::from_secs(backfill);
        clock.set(START);
        let wires = |health| Wires {
            store: Arc::clone(&store) as Arc<dyn Store>,
            snapshots: snapshots.subscribe(),
            committed: committed.subscribe(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            health,
        };
        let (to, health) = watch::channel(SinkHealth::default());
        let dispatch = dispatch(&peer, backfill, wires(to));
        Self {
            store,
            snapshots,
            committed,
            clock,
            peer,
            health,
            dispatch,
            backfill,
            second: START,
            degraded: None,
        }
    }

    fn restart(&mut self) {
        let (health, shown) = watch::channel(SinkHealth::default());
        let wires = Wires {
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            snapshots: self.snapshots.subscribe(),
            committed: self.committed.subscribe(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            health,
        };
        self.health = shown;
        self.dispatch = dispatch(&self.peer, self.backfill, wires);
    }

    /// Second by second; news are `second kind subject owner`, the second counted from here.
    async fn live(&mut self, seconds: i64, news: &[&str]) {
        let from = self.second;
        let mut news: Vec<Change> = news.iter().map(|it| change(it, from)).collect();
        let mut wake = self.second;
        for _ in 0..seconds {
            self.second += 1;
            self.clock.set(self.second);
            let at = Time::from_secs(self.second);
            let due: Vec<Change> = news.extract_if(.., |it| it.decided <= at).collect();
            self.commit(due).await;
            self.snapshots.send_replace(Arc::new(picture(self.second, self.degraded.clone())));
            while wake <= self.second {
                let nap = self.dispatch.turn().await;
                wake = self.second + i64::try_from(nap.as_millis().div_ceil(1_000)).unwrap();
            }
        }
    }

    /// Stores changes that were decided a while ago.
    async fn store_late(&mut self, news: &[&str]) {
        let changes = news.iter().map(|it| change(it, self.second)).collect();
        self.commit(changes).await;
    }

    async fn commit(&mut self, changes: Vec<Change>) {
        if !changes.is_empty() {
            let batch = Batch { changes, ..Batch::default() };
            let last = self.store.commit(&batch).await.unwrap();
            self.committed.send_replace(last);
        }
    }

    fn peer(&self) -> MutexGuard<'_, Held> {
        self.peer.lock().unwrap()
    }

    fn health(&self) -> SinkHealth {
        self.health.borrow().clone()
    }

    async fn cursor(&self) -> Option<i64> {
        self.store.cursor("peer").await.unwrap().map(|it| Time::from_micros(it).secs())
    }

    fn sent(&self, name: &str) -> Vec<(i64, f64)> {
        let held = self.peer();
        let mine = held.points.iter().filter(|((_, it), _)| it == name);
        mine.map(|((at, _), value)| (*at, *value)).collect()
    }

    /// That the peer holds, of every tick since a time, what the whole journal says of it.
    #[track_caller]
    fn check(&self, from: i64) {
        let journal: Vec<Change> = self.store.look(|it| it.changes.values().cloned().collect());
        let mut wanted = BTreeMap::new();
        for tick in (from..self.second).filter(|it| it % 5 == 0) {
            let at = Time::from_secs(tick);
            let mut decided: Vec<&Change> = journal.iter().filter(|it| it.decided <= at).collect();
            decided.sort_by_key(|it| (it.decided, it.id));
            let mut series = Series::default();
            for change in decided {
                series.apply(change);
            }
            for (name, value) in series.sample(at, &house()).values {
                wanted.insert((tick, name), value);
            }
        }
        assert_eq!(self.peer().points, wanted);
    }
}

#[derive(Debug, Default)]
struct Held {
    down: bool,
    points: BTreeMap<(i64, String), f64>,
}

struct Memory(Arc<Mutex<Held>>);

impl SeriesSink for Memory {
    fn deliver<'a>(&'a mut self, samples: &'a [Sample]) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            let mut held = self.0.lock().unwrap();
            if held.down {
                return Err(SinkError::Retry("nobody there".into()));
            }
            for sample in samples {
                for (name, value) in &sample.values {
                    held.points.insert((sample.at.secs(), name.clone()), *value);
                }
            }
            Ok(())
        })
    }

    fn unsure(&self) -> Duration {
        Duration::from_mins(1)
    }
}

/// A clock that is set by hand.
#[derive(Debug, Default)]
struct Hands(Mutex<i64>);

impl Hands {
    fn set(&self, second: i64) {
        *self.0.lock().unwrap() = second;
    }
}

impl Clock for Hands {
    fn now(&self) -> Now {
        let second = *self.0.lock().unwrap();
        Now { mono: Duration::from_secs(second.unsigned_abs()), wall: Time::from_secs(second) }
    }
}

fn dispatch(peer: &Arc<Mutex<Held>>, backfill: Duration, wires: Wires) -> Dispatch {
    let sink = Box::new(Memory(Arc::clone(peer)));
    let (target, every) = ("memory".to_owned(), Duration::from_secs(5));
    Dispatch::new(Sending { name: "peer", target, sink, every, backfill }, wires)
}

fn picture(second: i64, degraded: Option<Box<str>>) -> Snapshot {
    let at = Time::from_secs(second);
    Snapshot { at, degraded, directory: house(), ..Snapshot::default() }
}

/// Anna (1), Ben (2), and a phone.
fn house() -> Directory {
    let mut house = Directory::default();
    for (id, name) in [(1, "anna"), (2, "ben")] {
        house.people.insert(PersonId(id), Person { name: name.into(), display: name.into() });
    }
    let phone = Device { kind: DeviceKind::Phone, ..Device::default() };
    house.devices.insert(DeviceId(1), phone);
    house
}

fn change(line: &str, from: i64) -> Change {
    let parts: Vec<&str> = line.split(' ').collect();
    let at = Time::from_secs(from + parts[0].parse::<i64>().unwrap());
    let mut change = Change::new(ChangeKind::from_word(parts[1]).unwrap(), at, at);
    let (kind, number) = parts[2].split_once(':').unwrap();
    let number = number.parse().unwrap();
    change.subject = Some(match kind {
        "person" => Subject::Person(PersonId(number)),
        _ => Subject::Device(DeviceId(number)),
    });
    change.owner = parts[3].parse().ok().filter(|it| *it > 0).map(PersonId);
    change.source = Some(SourceKind::Lan);
    change
}
