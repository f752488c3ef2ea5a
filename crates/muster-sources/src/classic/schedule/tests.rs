//! Stories of the schedule, its promises under whatever happens, and hours with the real engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use muster_core::batch::Restored;
use muster_core::change::ChangeKind;
use muster_core::directory::Edit;
use muster_core::engine::Engine;
use muster_core::fact::{Fact, FactBody, Listener, Probe, SourceKind};
use muster_core::identity::Identity;
use muster_core::policy::Policy;
use muster_core::span::Span;
use muster_core::time::{Now, Time};
use muster_sim::rng::Rng;

use super::*;

const RULES: Rules = Rules { every: Duration::from_mins(1), air_time: 50 };
const PAGE: Duration = Duration::from_secs(10);
const REPLY: Duration = Duration::from_secs(2);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn phone(number: usize) -> Mac {
    let [.., high, low] = number.to_be_bytes();
    Mac([0, 0x1a, 0x7d, 0, high, low])
}

fn now(mono: Duration) -> Now {
    Now { mono, wall: Time::from_secs(1_800_000_000) + mono }
}

/// The formula of docs/classic.md: the longest time from the end of a question to somebody to the end
/// of the next one, where a question takes `page` at the longest and the classes have so many members,
/// this one included.
///
/// Every turn may take a page and the rest that its share demands, *c*. In any stretch of questions
/// that is a multiple of the turns of all classes that have members, a class has its turns; so *m*
/// members are through after at most ⌈*m* / turns⌉ such stretches. One more question may have been
/// under way, and none of this begins before the pause is over.
fn longest(rules: Rules, page: Duration, members: [usize; 3], class: Class) -> Duration {
    let c = page * 100 / rules.air_time;
    let turns = |it: Class| TURNS.iter().filter(|turn| **turn == it).count();
    let all = [Class::Here, Class::Gone, Class::LongGone];
    let round: usize = all.iter().zip(members).filter(|it| it.1 > 0).map(|it| turns(*it.0)).sum();
    let questions = round * members[class as usize].div_ceil(turns(class)) + 1;
    rules.every + c * u32::try_from(questions).unwrap()
}

/// A hub with a real engine, one adapter and many phones that people described.
struct Hub {
    engine: Engine,
    schedule: Schedule,
    listener: Arc<Listener>,
    known: usize,
    /// Who is there; the others let every page run out.
    there: BTreeSet<Mac>,
    time: Duration,
    /// For each phone: the class in which it waits, how many there were in each at the most, and
    /// since when.
    waits: BTreeMap<Mac, (Class, [usize; 3], Duration)>,
    /// The longest wait of each class, and by how much the longest allowed one was missed.
    longest: BTreeMap<Class, Duration>,
    air: Duration,
    changes: Vec<(u64, String, ChangeKind)>,
}

impl Hub {
    fn new(known: usize, there: &[usize]) -> Self {
        let restored = Restored {
            since: Engine::since(&Policy::default(), now(Duration::ZERO).wall),
            frontier: now(Duration::ZERO).wall,
            ..Restored::default()
        };
        let mut engine = Engine::new(Policy::default(), restored, now(Duration::ZERO));
        for number in 0..known {
            let (identity, name) = (Identity::Bt(phone(number)), format!("phone {number}"));
            engine.handle_edit(Edit::AddDevice { identity, name }, None, now(at(0))).unwrap();
        }
        drop(engine.drain());
        Self {
            engine,
            schedule: Schedule::new(RULES),
            listener: Arc::new(Listener::new("hub", SourceKind::Classic, "hci0")),
            known,
            there: there.iter().map(|it| phone(*it)).collect(),
            time: Duration::ZERO,
            waits: BTreeMap::new(),
            longest: BTreeMap::new(),
            air: Duration::ZERO,
            changes: Vec::new(),
        }
    }

    /// Runs until then: questions as the schedule wants them, coverage every 5 s, the engine's
    /// interest after each.
    fn run(&mut self, until: Duration) -> &mut Self {
        while self.time < until {
            self.interest();
            if let Some(mac) = self.schedule.open(self.time) {
                let took = if self.there.contains(&mac) { REPLY } else { PAGE };
                self.air += took;
                self.pass(self.time + took);
                let verdict =
                    if self.there.contains(&mac) { Verdict::Answered } else { Verdict::Silent };
                self.met(mac);
                self.schedule.ended(verdict, self.time);
                let probe = Probe {
                    identity: Identity::Bt(mac),
                    at: now(self.time).wall,
                    outcome: verdict.outcome(),
                };
                self.tell(FactBody::Probe(probe));
            } else {
                let next = self.schedule.next().unwrap_or(until).max(self.time + at(1));
                self.pass(next.min(self.time + at(5)).min(until));
            }
        }
        self
    }

    /// Somebody was asked: nobody waits longer than is promised.
    fn met(&mut self, mac: Mac) {
        let class = self.schedule.known[&mac].class;
        let members = self.schedule.counts();
        let (began, most, since) =
            self.waits.insert(mac, (class, [0; 3], self.time)).unwrap_or((class, [0; 3], at(0)));
        let waited = self.time.saturating_sub(since);
        let members = [0, 1, 2].map(|it: usize| members[it].max(most[it]));
        let longest = |class| longest(RULES, PAGE, members, class);
        // Who turns out to be gone waits once more, among the others who are.
        let limit = longest(class) + if began == class { at(0) } else { longest(began) };
        assert!(waited <= limit, "{mac} {class:?} {members:?}: {waited:?} > {limit:?}");
        for (_, most, _) in self.waits.values_mut() {
            *most = [0, 1, 2].map(|it: usize| members[it].max(most[it]));
        }
        let longest = self.longest.entry(class).or_default();
        *longest = waited.max(*longest);
    }

    fn pass(&mut self, to: Duration) {
        self.tell(FactBody::Coverage(Span::new(now(self.time).wall, now(to).wall)));
        self.time = to;
        self.engine.handle_timeout(now(to));
    }

    fn tell(&mut self, body: FactBody) {
        let fact = Fact { listener: Arc::clone(&self.listener), body };
        assert_eq!(self.engine.handle_facts(vec![fact], now(self.time)).refused, []);
        for it in self.engine.drain().changes {
            let who = it.subject.map(|it| it.to_string()).unwrap_or_default();
            self.changes.push((self.time.as_secs(), who, it.kind));
        }
    }

    /// What the engine wants, as the source hands it on.
    fn interest(&mut self) {
        let here = now(self.time);
        let interest = self.engine.interest("hub", SourceKind::Classic, here);
        assert_eq!(interest.len(), self.known);
        let wanted = interest.iter().filter_map(|it| {
            let Identity::Bt(mac) = it.identity else { return None };
            let due = self.time + it.due.since(here.wall);
            Some(Wanted { mac, here: it.present, due })
        });
        self.schedule.set(wanted.collect(), self.time);
    }

    fn count(&self, who: &str, kind: ChangeKind) -> usize {
        self.changes.iter().filter(|it| it.1 == who && it.2 == kind).count()
    }

    fn when(&self, who: &str, kind: ChangeKind) -> Option<u64> {
        self.changes.iter().rfind(|it| it.1 == who && it.2 == kind).map(|it| it.0)
    }
}

/// Many known phones that are not there, each of which holds the adapter for a whole page: the one
/// that is there never leaves, over hours of the real engine's judgement.
#[test]
fn the_one_who_is_here_never_leaves_however_many_are_not() {
    for (known, hours, gap) in [(1, 2, 100), (60, 2, 160), (250, 6, 160)] {
        let mut hub = Hub::new(known, &[known / 2]);
        hub.run(at(hours * 3600));
        let who = format!("device:{}", known / 2 + 1);
        assert_eq!(hub.count(&who, ChangeKind::Arrived), 1, "{known}: {:?}", hub.changes);
        assert!(hub.changes.iter().all(|it| it.2 != ChangeKind::Left), "{known}");
        assert!(hub.changes.iter().all(|it| it.2 != ChangeKind::Unknown), "{known}");
        assert!(hub.longest[&Class::Here] <= at(gap), "{known}: {:?}", hub.longest);
        assert!(hub.air * 2 <= hub.time + PAGE, "{known}: half of the air is left");
    }
}

/// The formula itself, as docs/classic.md prints it.
#[test]
fn the_longest_wait_is_known_beforehand() {
    let wait = |page, here, gone, class| longest(RULES, at(page), [here, gone, 0], class).as_secs();
    // One phone that is here, among N - 1 that are not: 60 s + (3 + 1) pages and rests.
    assert_eq!([1, 60, 250].map(|n| wait(10, 1, n - 1, Class::Here)), [120, 140, 140]);
    assert_eq!([1, 60, 250].map(|n| wait(5, 1, n - 1, Class::Here)), [90, 100, 100]);
    // Somebody who comes back, where nobody else or one other is here.
    assert_eq!(wait(10, 0, 1, Class::Gone), 100);
    assert_eq!([60, 250].map(|n| wait(10, 1, n - 1, Class::Gone)), [3620, 15_020]);
    assert_eq!([60, 250].map(|n| wait(5, 1, n - 1, Class::Gone)), [1840, 7540]);
    assert_eq!(longest(RULES, at(10), [1, 1, 58], Class::LongGone).as_secs(), 4720);
    let all = Rules { air_time: 100, ..RULES };
    assert_eq!(longest(all, at(10), [1, 59, 0], Class::Here).as_secs(), 100);
}

#[test]
fn who_leaves_is_missed_and_who_comes_is_found() {
    let mut hub = Hub::new(60, &[7]);
    hub.run(at(3600));
    hub.there.clear();
    hub.run(at(2 * 3600));
    let left = hub.when("device:8", ChangeKind::Left).unwrap();
    // Five minutes of silence and three misses, each within what a question to the present takes.
    assert!((3600 + 300 - 160..=3600 + 300 + 160).contains(&left), "{left}");
    hub.there.insert(phone(7));
    hub.run(at(4 * 3600));
    let back = hub.when("device:8", ChangeKind::Arrived).unwrap();
    let limit = longest(RULES, PAGE, [1, 59, 0], Class::Gone).as_secs();
    assert!(back > 7200 && back <= 7200 + limit, "{back}");
}

#[test]
fn an_adapter_that_cannot_ask_sends_nobody_away() {
    let mut schedule = Schedule::new(RULES);
    let wanted = |mac| Wanted { mac, here: true, due: at(0) };
    schedule.set(vec![wanted(phone(1)), wanted(phone(2))], at(100));
    assert_eq!(schedule.open(at(100)), Some(phone(1)));
    assert_eq!(schedule.open(at(100)), None, "one at a time");
    schedule.ended(Verdict::Fault, at(100));
    assert_eq!(schedule.next(), Some(at(105)), "nobody else is asked at once either");
    assert_eq!(schedule.open(at(105)), Some(phone(2)));
    schedule.ended(Verdict::Nothing, at(106));
    assert_eq!(schedule.open(at(110)), Some(phone(1)), "again as soon as that may help");
}

#[test]
fn a_link_that_ends_is_asked_about_at_once() {
    let mut schedule = Schedule::new(RULES);
    let wanted = |number| Wanted { mac: phone(number), here: false, due: at(0) };
    schedule.set((0..20).map(wanted).collect(), at(1));
    schedule.heard(phone(13), at(30));
    schedule.hint(phone(13), at(40));
    assert_eq!(schedule.open(at(40)), Some(phone(13)), "before all who wait, who are not here");
    schedule.ended(Verdict::Answered, at(41));
    schedule.hint(phone(13), at(42));
    assert_ne!(schedule.open(at(43)), Some(phone(13)), "nobody is pestered");
    assert!(!schedule.is_through());
    schedule.ended(Verdict::Silent, at(44));
    schedule.set(vec![wanted(13), wanted(50)], at(44));
    assert!(!schedule.is_through());
    schedule.heard(phone(50), at(45));
    assert!(schedule.is_through(), "who was heard need not be asked");
}

/// Whatever happens: one at a time, nobody too often, the air shared, nobody forgotten.
#[test]
fn whatever_happens_the_promises_hold() {
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let (mut mono, mut used) = (at(1), Duration::ZERO);
        let air_time = [20, 50, 100][rng.below(3)];
        let mut schedule = Schedule::new(Rules { air_time, ..RULES });
        let known = 1 + rng.below(20);
        let mut last: BTreeMap<Mac, Duration> = BTreeMap::new();
        for _ in 0..2000 {
            let somebody = phone(rng.below(20));
            match rng.below(8) {
                0 => {
                    let all = (0..known).map(phone);
                    let wanted = all.map(|mac| Wanted {
                        mac,
                        here: rng.below(3) == 0,
                        due: mono.saturating_sub(at(rng.number(100).into()))
                            + at(rng.number(50).into()),
                    });
                    schedule.set(wanted.collect(), mono);
                }
                1 => schedule.heard(somebody, mono),
                2 => schedule.hint(somebody, mono),
                _ => {}
            }
            let promised = schedule.next();
            if let Some(mac) = schedule.open(mono) {
                assert!(promised.is_some_and(|it| it <= mono), "{seed}");
                assert!(last.get(&mac).is_none_or(|it| *it + LEAST <= mono), "{seed} {mac}");
                let took = at(rng.number(10).into());
                mono += took;
                used += took;
                let verdicts =
                    [Verdict::Answered, Verdict::Silent, Verdict::Nothing, Verdict::Fault];
                let verdict = verdicts[rng.below(4)];
                assert_eq!(schedule.open(mono), None, "{seed}: one at a time");
                schedule.ended(verdict, mono);
                last.insert(mac, mono);
                let rest = used * 100 / air_time;
                assert!(rest <= mono + at(10) * 100 / air_time, "{seed}: {used:?} {mono:?}");
            } else {
                assert!(promised.is_none_or(|it| it > mono), "{seed}: it was time");
                mono = promised.unwrap_or(mono + at(5));
            }
        }
        assert!(last.len() == known, "{seed}: {} of {known} were asked", last.len());
    }
}
