//! Stories of a feed, and a peer that forgets: whatever happens, every tick arrives in the end.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const EVERY: u64 = 5;

#[test]
fn a_new_feed_begins_now_and_keeps_its_cadence() {
    let mut feed = Feed::new(pace(86_400), None, at(1_002));
    assert_eq!(sent(&mut feed, at(1_002)), [1_000]);
    assert_eq!(feed.poll(at(1_003)), None);
    assert_eq!(feed.next_in(at(1_003)), Duration::from_secs(3));
    assert_eq!(sent(&mut feed, at(1_006)), [1_005]);
    assert_eq!(feed.delivered_to(), Time::from_secs(1_005));
    assert_eq!((feed.backlog(at(1_006)), feed.dropped()), (0, 0));
}

#[test]
fn a_feed_that_was_away_goes_on_after_its_cursor() {
    let cursor = Some(Time::from_secs(900));
    let mut feed = Feed::new(pace(86_400), cursor, at(1_001));
    let ticks: Vec<i64> = (905..=1_000).step_by(5).collect();
    assert_eq!(sent(&mut feed, at(1_001)), ticks);
}

#[test]
fn a_long_backlog_never_holds_up_what_is_due_now() {
    let mut feed = Feed::new(pace(86_400), Some(Time::from_secs(10_000)), at(40_001));
    assert_eq!(sent(&mut feed, at(40_001)), [40_000]);
    let first = sent(&mut feed, at(40_002));
    assert_eq!((first.first(), first.len()), (Some(&10_005), 240));
    assert_eq!(sent(&mut feed, at(40_006)), [40_005]);
    let mut rest = Vec::new();
    while feed.backlog(at(40_007)) > 0 {
        rest.extend(sent(&mut feed, at(40_007)));
    }
    let ticks: Vec<i64> = (11_205..40_000).step_by(5).collect();
    assert_eq!(rest, ticks);
    assert_eq!(feed.delivered_to(), Time::from_secs(40_005));
    assert_eq!(sent(&mut feed, at(40_011)), [40_010]);
    assert_eq!(feed.dropped(), 0);
}

#[test]
fn what_is_older_than_the_bound_is_given_up_and_counted() {
    let mut feed = Feed::new(pace(100), Some(Time::from_secs(500)), at(1_001));
    let ticks: Vec<i64> = (900..=1_000).step_by(5).collect();
    assert_eq!(sent(&mut feed, at(1_001)), ticks);
    assert_eq!(feed.dropped(), 79);
    assert_eq!(feed.lost(), Some(Span::new(Time::from_secs(505), Time::from_secs(900))));
}

#[test]
fn a_bound_of_nothing_sends_only_what_is_due() {
    let mut feed = Feed::new(pace(0), Some(Time::from_secs(500)), at(1_001));
    assert_eq!(sent(&mut feed, at(1_001)), [1_000]);
    assert_eq!(feed.dropped(), 99);
}

#[test]
fn after_a_failure_the_last_minute_is_sent_again() {
    let mut feed = Feed::new(pace(86_400), None, at(1_001));
    for second in (1_001..1_600).step_by(5) {
        assert_eq!(sent(&mut feed, at(second)), [second - 1]);
    }
    feed.handle_failed(at(1_600));
    assert_eq!(feed.poll(at(1_600)), None, "it rests");
    let rest = feed.next_in(at(1_600));
    assert!(rest >= FIRST_REST / 2 && rest <= FIRST_REST, "{rest:?}");
    let again = sent(&mut feed, at(1_601));
    assert_eq!((again.first(), again.last()), (Some(&1_540), Some(&1_600)));
    // Nothing was delivered before the next failure, so nothing more is in doubt.
    let mut feed = feed.clone();
    feed.handle_failed(at(1_602));
    let from = feed.delivered_to();
    feed.handle_failed(at(1_603));
    assert_eq!(feed.delivered_to(), from);
}

#[test]
fn pauses_grow_to_a_minute() {
    let mut feed = Feed::new(pace(86_400), None, at(1_001));
    let mut now = at(1_001);
    let mut pauses = Vec::new();
    for _ in 0..10 {
        feed.handle_failed(now);
        let pause = feed.rests_until.unwrap().saturating_sub(now.mono);
        now = Now { mono: now.mono + pause, wall: now.wall + pause };
        assert!(feed.poll(now).is_some(), "it tries again");
        pauses.push(pause);
    }
    assert!(pauses[0] <= FIRST_REST && pauses[9] >= LONGEST_REST / 2, "{pauses:?}");
    assert!(pauses.iter().all(|it| *it <= LONGEST_REST), "{pauses:?}");
}

#[test]
fn what_is_refused_is_counted_and_not_offered_again() {
    let mut feed = Feed::new(pace(86_400), Some(Time::from_secs(990)), at(1_001));
    let piece = feed.poll(at(1_001)).unwrap();
    feed.handle_refused(piece);
    assert_eq!((feed.poll(at(1_001)), feed.dropped()), (None, 2));
}

#[test]
fn a_change_that_was_stored_late_is_made_good() {
    let mut feed = Feed::new(pace(86_400), None, at(1_001));
    for second in (1_001..1_031).step_by(5) {
        sent(&mut feed, at(second));
    }
    feed.handle_late(Time::from_secs(1_010));
    assert_eq!(sent(&mut feed, at(1_031)), [1_010, 1_015, 1_020, 1_025, 1_030]);
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_the_feed() {
    let mut feed = Feed::new(pace(86_400), Some(Time::from_secs(9_000_000)), at(1_001));
    assert_eq!(feed.poll(at(1_001)), None);
    assert_eq!(sent(&mut feed, at(1_006)), [1_005]);
    assert_eq!(feed.dropped(), 0);
}

#[test]
fn the_cursor_is_where_the_peer_has_it_for_good() {
    let mut feed = Feed::new(pace(86_400), None, at(1_001));
    for second in (1_001..1_200).step_by(5) {
        sent(&mut feed, at(second));
    }
    let cursor = feed.cursor(at(1_200));
    assert!(cursor <= Time::from_secs(1_140) && cursor >= Time::from_secs(1_125), "{cursor}");
    assert_eq!(feed.cursor(at(1_300)), feed.delivered_to());
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Passes(u64),
    /// The peer is gone for so long, and forgets what it took in its last minute.
    PeerDies,
    PeerReturns,
    Restart,
    /// What was decided so long ago is stored only now.
    Late(u64),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_outage_leaves_what_an_undisturbed_run_leaves(events in events()) {
        let mut world = World::new();
        for event in &events {
            world.live(*event);
        }
        world.live(Event::PeerReturns);
        world.live(Event::Passes(400));
        let wanted: BTreeMap<i64, u64> = (START..world.second)
            .filter(|it| it % 5 == 0)
            .map(|it| (it, world.value(it)))
            .collect();
        prop_assert_eq!(world.feed.dropped(), 0);
        prop_assert_eq!(&world.peer, &wanted);
    }

    #[test]
    fn every_tick_is_delivered_or_counted(outage in 0_u64..4_000, bound in 0_u64..2_000) {
        let before = Time::from_secs(START - 5);
        let mut feed = Feed::new(pace(bound), Some(before), at(START + 1));
        let mut all = Vec::new();
        let end = START + 1 + i64::try_from(outage).unwrap();
        feed.handle_failed(at(START + 2));
        while feed.backlog(at(end + 2)) > 0 {
            all.extend(sent(&mut feed, at(end + 2)));
        }
        all.sort_unstable();
        all.dedup();
        let ticks = (START..=end + 1).filter(|it| it % 5 == 0).count() as u64;
        prop_assert_eq!(all.len() as u64 + feed.dropped(), ticks);
        let kept = i64::try_from(bound).unwrap();
        prop_assert!(all.iter().all(|it| *it >= end - 4 - kept));
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = prop_oneof![
        4 => (1_u64..300).prop_map(Event::Passes),
        1 => (300_u64..9_000).prop_map(Event::Passes),
        2 => Just(Event::PeerDies),
        2 => Just(Event::PeerReturns),
        1 => Just(Event::Restart),
        1 => (0_u64..200).prop_map(Event::Late),
    ];
    prop::collection::vec(one, 0..25)
}

const START: i64 = 1_000_000;

/// A feed, a store with one number that changes now and then, and a peer with a memory.
struct World {
    feed: Feed,
    second: i64,
    /// Stored changes: decided when, and the value from then on.
    journal: BTreeMap<i64, u64>,
    /// What the peer will still know after it died, and what it took lately.
    peer: BTreeMap<i64, u64>,
    lately: Vec<(i64, i64)>,
    alive: bool,
    saved: Time,
}

impl World {
    fn new() -> Self {
        let feed = Feed::new(pace(1_000_000), None, at(START + 1));
        Self {
            saved: feed.delivered_to(),
            feed,
            second: START + 1,
            journal: BTreeMap::new(),
            peer: BTreeMap::new(),
            lately: Vec::new(),
            alive: true,
        }
    }

    fn value(&self, second: i64) -> u64 {
        self.journal.range(..=second).next_back().map_or(0, |it| *it.1)
    }

    fn live(&mut self, event: Event) {
        match event {
            Event::Passes(seconds) => {
                for _ in 0..seconds {
                    self.second += 1;
                    if self.second % 37 == 0 {
                        self.journal.insert(self.second, self.second.unsigned_abs());
                    }
                    self.turn();
                }
            }
            Event::PeerDies => {
                self.alive = false;
                let since = self.second - 60;
                for (tick, _) in self.lately.drain(..).filter(|it| it.1 >= since) {
                    self.peer.remove(&tick);
                }
                // The connection ended before anything else was sent on it.
                self.feed.handle_failed(at(self.second));
            }
            Event::PeerReturns => self.alive = true,
            Event::Restart => {
                let pace = self.feed.pace;
                self.feed = Feed::new(pace, Some(self.saved), at(self.second));
            }
            Event::Late(ago) => {
                let decided = (self.second - i64::try_from(ago).unwrap()).max(START);
                self.journal.insert(decided, self.second.unsigned_abs() + 1);
                self.feed.handle_late(Time::from_secs(decided));
                self.saved = self.saved.min(self.feed.cursor(at(self.second)));
            }
        }
    }

    fn turn(&mut self) {
        let now = at(self.second);
        for _ in 0..4 {
            let Some(piece) = self.feed.poll(now) else { break };
            if !self.alive {
                self.feed.handle_failed(now);
                break;
            }
            for tick in self.feed.times(piece) {
                let value = self.value(tick.secs());
                self.peer.insert(tick.secs(), value);
                self.lately.push((tick.secs(), self.second));
            }
            self.feed.handle_delivered(piece, now);
        }
        if self.second % 60 == 0 {
            self.saved = self.feed.cursor(now);
        }
    }
}

fn sent(feed: &mut Feed, now: Now) -> Vec<i64> {
    let Some(piece) = feed.poll(now) else { return Vec::new() };
    feed.handle_delivered(piece, now);
    feed.times(piece).map(Time::secs).collect()
}

fn pace(backfill: u64) -> Pace {
    Pace {
        every: Duration::from_secs(EVERY),
        backfill: Duration::from_secs(backfill),
        unsure: Duration::from_mins(1),
    }
}

fn at(second: i64) -> Now {
    Now { mono: Duration::from_secs(second.unsigned_abs()), wall: Time::from_secs(second) }
}
