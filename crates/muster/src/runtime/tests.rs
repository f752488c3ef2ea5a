//! The loop and a clock that is set.

use std::sync::Mutex;

use muster_core::batch::Restored;
use muster_core::change::ChangeKind;
use muster_core::fact::{Fact, FactBody, Listener, Sighting, SourceKind};
use muster_core::identity::PersonId;
use muster_core::snapshot::{Presence, Snapshot};
use muster_core::span::Span;
use muster_core::stay::{Ended, Subject};
use muster_core::time::Time;
use muster_sim::store::{Fault, ModelStore};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::*;

mod strangers;

/// Clocks that go only when told to.
#[derive(Debug)]
struct Hands(Mutex<Now>);

impl Clock for Hands {
    fn now(&self) -> Now {
        *self.0.lock().unwrap()
    }
}

/// A running loop with everything that it is connected to.
struct House {
    hands: Arc<Hands>,
    store: Arc<ModelStore>,
    inputs: mpsc::Sender<Input>,
    picture: watch::Receiver<Arc<Snapshot>>,
    committed: watch::Receiver<u64>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), StoreError>>,
}

impl House {
    fn start(up: Duration, synchronised: fn() -> bool) -> Self {
        Self::with(
            Now { mono: up, wall: START },
            synchronised,
            Restored::default(),
            &Arc::default(),
        )
    }

    /// On what a store gives back.
    fn with(
        now: Now,
        synchronised: fn() -> bool,
        restored: Restored,
        store: &Arc<ModelStore>,
    ) -> Self {
        let (mut house, runtime, stopped) =
            Self::open_on(now, synchronised, restored, Arc::clone(store));
        house.task = tokio::spawn(runtime.run(async {
            stopped.await.ok();
        }));
        house
    }

    /// The loop does not run yet.
    fn open(
        up: Duration,
        synchronised: fn() -> bool,
        restored: Restored,
    ) -> (Self, Runtime, oneshot::Receiver<()>) {
        Self::open_on(Now { mono: up, wall: START }, synchronised, restored, Arc::default())
    }

    fn open_on(
        now: Now,
        synchronised: fn() -> bool,
        restored: Restored,
        store: Arc<ModelStore>,
    ) -> (Self, Runtime, oneshot::Receiver<()>) {
        let hands = Arc::new(Hands(Mutex::new(now)));
        let clock: Arc<dyn Clock> = Arc::clone(&hands) as _;
        let picture = Picture::new(Arc::clone(&clock), false);
        let (snapshots, committed) = (picture.snapshots(), picture.committed());
        let (inputs, taken) = mpsc::channel(8);
        let (stop, stopped) = oneshot::channel();
        let (policy, recogniser) = (Policy::default(), Recogniser::default());
        let (broadcasts, pulses) = Default::default();
        let (found, _) = mpsc::unbounded_channel();
        let start = Start { policy, restored, synchronised, recogniser, broadcasts, pulses, found };
        let runtime = Runtime::new(start, Arc::clone(&store) as _, clock, taken, picture);
        let task = tokio::spawn(async { Ok(()) });
        let house = Self { hands, store, inputs, picture: snapshots, committed, stop, task };
        (house, runtime, stopped)
    }

    /// On a machine that has been up for a day.
    fn settled() -> Self {
        Self::start(Duration::from_hours(24), || true)
    }

    fn wall(&self) -> Time {
        self.hands.now().wall
    }

    fn pass(&self, by: Duration) {
        let mut now = self.hands.0.lock().unwrap();
        *now = Now { mono: now.mono + by, wall: now.wall + by };
    }

    fn set_clock(&self, wall: Time) {
        self.hands.0.lock().unwrap().wall = wall;
    }

    async fn tell(&self, body: FactBody) {
        let listener = Arc::new(Listener::new("hub", SourceKind::Lan, "eth0"));
        self.inputs.send(Input::Facts(vec![Fact { listener, body }])).await.unwrap();
    }

    /// The phone is heard, by somebody who listened for the last ten seconds.
    async fn seen(&self) {
        let (identity, at) = ("mac:b8:27:eb:01:02:03".parse().unwrap(), self.wall());
        self.tell(FactBody::Sighting(Sighting { identity, at, rssi: None })).await;
        self.pass(Duration::from_secs(10));
        self.tell(FactBody::Coverage(Span::new(at, self.wall()))).await;
    }

    async fn add(&self, name: &str) -> Result<u64, EditRefused> {
        let edit = Edit::AddPerson { name: name.to_owned(), display: String::new() };
        let (answer, answered) = oneshot::channel();
        self.inputs.send(Input::Edit { edit, expect: None, answer }).await.unwrap();
        answered.await.unwrap()
    }

    /// A second passes, and the loop notices.
    async fn beat(&self) {
        let (answer, answered) = oneshot::channel();
        let subject = Subject::Person(PersonId(0));
        self.inputs.send(Input::Why { subject, answer }).await.unwrap();
        answered.await.unwrap();
        self.pass(Duration::from_secs(1));
    }

    /// Waits until the picture is so.
    async fn shows(&mut self, what: impl FnMut(&Arc<Snapshot>) -> bool) -> Arc<Snapshot> {
        Arc::clone(&*self.picture.wait_for(what).await.unwrap())
    }

    async fn end(self) -> Result<(), StoreError> {
        self.stop.send(()).unwrap();
        self.task.await.unwrap()
    }
}

fn presence(picture: &Snapshot) -> Option<Presence> {
    picture.devices.first().map(|it| it.standing.presence)
}

#[tokio::test]
async fn what_is_heard_is_shown_and_stored_and_the_rest_at_the_end() {
    let mut house = House::settled();
    house.seen().await;
    house.shows(|it| presence(it) == Some(Presence::Present)).await;
    house.committed.wait_for(|it| *it > 0).await.unwrap();
    assert!(house.picture.borrow().last_change > 0, "the picture comes before its number");
    house.pass(Duration::from_secs(20));
    house.seen().await;
    let (store, last) = (Arc::clone(&house.store), house.wall() - Duration::from_secs(10));
    house.end().await.unwrap();
    let seen: Vec<Time> = store.tables().seen.values().map(|it| it.last).collect();
    assert_eq!(seen, [last], "what no commit was due for is stored at the end");
}

#[tokio::test]
async fn an_edit_is_answered_when_it_is_stored() {
    let mut house = House::settled();
    house.add("anna").await.unwrap();
    assert!(house.store.look(|it| it.directory.person_named("anna").is_some()));
    house.store.fail([Fault::Full]);
    assert!(matches!(house.add("ben").await, Err(EditRefused::Kept(_))));
    assert!(house.picture.borrow().degraded.is_some());
    assert!(matches!(house.add("clara").await, Err(EditRefused::Unavailable(_))), "not now");

    house.pass(Step::LONGEST_RETRY);
    house.seen().await;
    house.shows(|it| it.degraded.is_none()).await;
    house.add("clara").await.unwrap();
    assert!(house.store.look(|it| it.directory.person_named("clara").is_some()));
    assert!(house.store.look(|it| it.directory.person_named("ben").is_some()), "it was kept");
}

#[tokio::test]
async fn what_can_never_be_stored_is_not_tried_again() {
    let mut house = House::settled();
    house.store.fail([Fault::Damaged]);
    assert!(matches!(house.add("anna").await, Err(EditRefused::Kept(_))));
    let picture = house.shows(|it| it.degraded.is_some()).await;
    let why = picture.degraded.as_deref().unwrap().to_owned();
    assert!(why.contains("a page is torn") && why.contains("stop this hub"), "{why}");
    // The next try would succeed; there is none, and live answers go on.
    for _ in 0..3 {
        house.pass(Step::LONGEST_RETRY);
        house.seen().await;
        house.beat().await;
    }
    assert_eq!(house.store.look(|it| it.last_change), 0);
    let picture = house.shows(|it| presence(it) == Some(Presence::Present)).await;
    assert_eq!(picture.degraded.as_deref(), Some(&*why));
    assert!(matches!(house.add("ben").await, Err(EditRefused::Unavailable(_))));
}

/// A loop that has begun a commit and wants older facts than it has at hand.
async fn in_need_of_history() -> (House, Runtime) {
    let since = START - Duration::from_hours(100);
    let restored = Restored { since, frontier: START, ..Restored::default() };
    let (house, mut runtime, _) = House::open(Duration::from_hours(24), || true, restored);
    house.seen().await;
    let late = Span::new(since - Duration::from_hours(2), since - Duration::from_hours(1));
    house.tell(FactBody::Coverage(late)).await;
    while let Ok(input) = runtime.inputs.try_recv() {
        runtime.take(input);
    }
    runtime.settle().await;
    assert!(runtime.step.engine().poll_history().is_some(), "it wants older facts");
    assert!(runtime.in_flight.is_some(), "and what is new is stored first");
    (house, runtime)
}

#[tokio::test]
async fn older_facts_are_looked_up_before_more_comes_in() {
    let (_house, mut runtime) = in_need_of_history().await;
    // Whatever was taken now would have to be stored first, and so on.
    let pause = runtime.waits_for_history();
    assert!(!pause.is_zero() && runtime.nap() <= pause);
    let taken = landed(&mut runtime.in_flight).await;
    runtime.committed(taken);
    runtime.settle().await;
    assert_eq!(runtime.step.engine().poll_history(), None, "looked up");
    assert!(runtime.waits_for_history().is_zero());
}

#[tokio::test]
async fn a_slow_or_failing_store_does_not_keep_live_answers_waiting() {
    let (house, runtime) = in_need_of_history().await;
    assert!(!runtime.waits_for_history().is_zero());
    house.pass(LONGEST_STANDSTILL);
    assert!(runtime.waits_for_history().is_zero());

    let (_house, mut runtime) = in_need_of_history().await;
    let (what, cause) = ("disk full".to_owned(), "no space".into());
    runtime.committed(Err(StoreError::Unavailable { what, cause }));
    runtime.settle().await;
    assert!(runtime.waits_for_history().is_zero());
}

#[tokio::test]
async fn a_store_that_takes_nothing_at_the_end_is_said() {
    let house = House::settled();
    house.seen().await;
    house.store.fail([Fault::Full, Fault::Full, Fault::Full]);
    house.pass(Duration::from_secs(20));
    house.seen().await;
    assert!(matches!(house.end().await, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn a_wall_clock_set_by_years_and_back_moves_nobody() {
    let mut house = House::settled();
    house.seen().await;
    house.shows(|it| presence(it) == Some(Presence::Present)).await;
    let right = house.wall();
    house.set_clock(right + 5 * 365 * Duration::from_hours(24));
    house.seen().await;
    house.shows(|it| it.at > right + Duration::from_hours(24)).await;
    house.set_clock(right + Duration::from_secs(20));
    for _ in 0..6 {
        house.seen().await;
    }
    house.beat().await;
    house.beat().await;
    let last = house.wall() - Duration::from_secs(12);
    let picture = house.shows(|it| it.at >= last).await;
    assert_eq!(presence(&picture), Some(Presence::Present));
    let store = Arc::clone(&house.store);
    house.end().await.unwrap();
    let tables = store.tables();
    let open: Vec<Time> =
        tables.stays.values().filter(|it| it.ended == Ended::Open).map(|it| it.from).collect();
    assert_eq!(open, [START], "one stay, since it began: {:?}", tables.stays);
}

#[tokio::test]
async fn before_the_clock_is_set_nothing_is_stored_and_then_it_is_dated_right() {
    let mut house = House::start(Duration::from_secs(20), || false);
    house.seen().await;
    house.beat().await;
    house.beat().await;
    let picture = house.shows(|it| presence(it) == Some(Presence::Present)).await;
    assert_eq!(picture.degraded.as_deref(), Some(CLOCK_NOT_SET));
    assert!(matches!(house.add("anna").await, Err(EditRefused::Unavailable(_))));
    assert_eq!(house.store.look(|it| it.last_change), 0);

    // Two minutes after the machine's start the clock is taken at its word.
    let right = START + Duration::from_hours(24 * 365);
    house.pass(Duration::from_secs(95));
    house.set_clock(right);
    house.seen().await;
    house.beat().await;
    house.beat().await;
    house.shows(|it| it.degraded.is_none()).await;
    house.add("anna").await.unwrap();
    let arrived: Vec<Time> = house.store.look(|it| {
        let arrived = it.changes.values().filter(|it| it.kind == ChangeKind::Arrived);
        arrived.map(|it| it.at).collect()
    });
    assert_eq!(arrived, [right - Duration::from_secs(107)], "as long before it was set as it was");
}

#[tokio::test]
async fn a_clock_behind_the_store_unmakes_nothing_and_is_waited_for() {
    let store = Arc::new(ModelStore::default());
    let day = Now { mono: Duration::from_hours(24), wall: START };
    let mut before = House::with(day, || true, Restored::default(), &store);
    before.seen().await;
    before.shows(|it| presence(it) == Some(Presence::Present)).await;
    before.end().await.unwrap();
    let (stays, ended) = store.look(|it| (it.stays.clone(), it.frontier));
    assert_eq!(stays.len(), 1);

    // It starts an hour in the past, and stays there for longer than anybody waits for a clock.
    let restored = store.restore(Time::MIN).await.unwrap();
    let wrong = Now { mono: Duration::from_mins(5), wall: ended - Duration::from_hours(1) };
    let mut house = House::with(wrong, || false, restored, &store);
    house.seen().await;
    house.beat().await;
    let picture = house.shows(|it| it.degraded.is_some()).await;
    assert_eq!(picture.degraded.as_deref(), Some(CLOCK_NOT_SET));
    assert_eq!(presence(&picture), Some(Presence::Present), "live answers go on");
    assert_eq!(store.look(|it| it.stays.clone()), stays);

    // Somebody sets it, and what was heard meanwhile gets its true date.
    let right = ended + Duration::from_hours(2);
    house.set_clock(right);
    house.seen().await;
    house.beat().await;
    house.beat().await;
    house.shows(|it| it.degraded.is_none()).await;
    house.end().await.unwrap();
    let after = store.look(|it| it.stays.clone());
    let (was, is) = (stays.values().next().unwrap(), after.values().next().unwrap());
    assert_eq!((was.id, was.from, after.len()), (is.id, is.from, 1), "it is the same stay");
    assert_eq!(is.last, right, "and its last evidence has the right date");
}

#[tokio::test]
async fn stopped_before_a_wrong_clock_is_set_it_stores_nothing() {
    let store = Arc::new(ModelStore::default());
    let day = Now { mono: Duration::from_hours(24), wall: START };
    let before = House::with(day, || true, Restored::default(), &store);
    before.seen().await;
    before.end().await.unwrap();
    let rows = store.tables();
    let restored = store.restore(Time::MIN).await.unwrap();
    let wall = START - Duration::from_hours(24 * 365);
    let wrong = Now { mono: Duration::from_mins(5), wall };
    let house = House::with(wrong, || false, restored, &store);
    house.pass(Duration::from_mins(1));
    house.seen().await;
    house.beat().await;
    house.end().await.unwrap();
    assert_eq!(format!("{:?}", store.tables()), format!("{rows:?}"));
}

#[tokio::test]
async fn while_nothing_is_stored_the_loop_rests() {
    let (house, mut runtime, _stopped) =
        House::open(Duration::from_secs(20), || false, Restored::default());
    house.seen().await;
    house.pass(Step::COMMIT_EVERY);
    house.seen().await;
    while let Ok(input) = runtime.inputs.try_recv() {
        runtime.take(input);
    }
    runtime.settle().await;
    assert!(runtime.step.engine().wants_commit().0, "there is something to store");
    house.pass(Duration::from_secs(1));
    runtime.step.handle_timeout(house.hands.now());
    runtime.settle().await;
    let nap = runtime.nap();
    assert!(nap >= Duration::from_millis(100), "it wakes again after {nap:?}");
}

const START: Time = Time::from_secs(1_790_000_000);
