//! When whom to ask next: the engine's interest, kept until it is answered.
//!
//! A want opens one question early enough for its outcome to be there when evidence is due. Heard,
//! it rests until the engine asks anew; unanswered, it is asked again after a pause for as long as
//! it stands; after hours in vain ever more seldom. Nobody is asked more than once in [`PAUSE`],
//! whatever the engine says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use muster_core::identity::Mac;

use super::reach::Doors;

/// Whom the engine wants evidence of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) mac: Mac,
    /// Nobody has described it: it waits until those are asked whom somebody did.
    pub(super) stranger: bool,
    /// By when, on the monotonic clock.
    pub(super) due: Duration,
    /// Where it may be asked on this link.
    pub(super) doors: Doors,
}

/// The IPv4 addresses of those who are wanted: they are asked one by one, and no walk meets them.
pub(super) fn ipv4_of(wants: &[Want]) -> BTreeSet<Ipv4Addr> {
    let all = wants.iter().flat_map(|it| &it.doors.ips);
    all.filter_map(|it| if let IpAddr::V4(ip) = it { Some(*ip) } else { None }).collect()
}

/// All wants of one link.
#[derive(Debug)]
pub(super) struct Wants {
    /// The longest time between two questions to one that never answers.
    longest: Duration,
    kept: BTreeMap<Mac, Kept>,
    /// When to open a question for whom: those whom somebody described, and strangers.
    starts: [BTreeSet<(Duration, Mac)>; 2],
    /// How many strangers are being asked.
    strangers: usize,
}

#[derive(Debug)]
struct Kept {
    want: Want,
    start: Option<Duration>,
    rest_until: Duration,
    /// When the first of all questions that were left unanswered since it was last heard ended.
    silent_since: Option<Duration>,
    /// A question is under way; a new want does not begin another.
    open: bool,
}

impl Wants {
    /// Nobody is wanted yet; who never answers is asked at least once in `longest`.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, kept: BTreeMap::new(), starts: Default::default(), strangers: 0 }
    }

    /// Replaces all wants.
    pub(super) fn set(&mut self, wants: Vec<Want>, now: Duration) {
        let mut before = std::mem::take(&mut self.kept);
        self.starts.iter_mut().for_each(BTreeSet::clear);
        self.strangers = 0;
        for want in wants.into_iter().take(MAX_WANTS) {
            let old = before.remove(&want.mac);
            let rest_until = old.as_ref().map_or(Duration::ZERO, |it| it.rest_until);
            let silent_since = old.as_ref().and_then(|it| it.silent_since);
            let open = old.as_ref().is_some_and(|it| it.open);
            let met = old.is_some_and(|it| it.start.is_none() && it.want.due == want.due);
            let start = want.due.saturating_sub(LEAD).max(rest_until);
            let start = (!open && (!met || want.due <= now)).then_some(start);
            self.strangers += usize::from(open && want.stranger);
            let mac = want.mac;
            self.starts[usize::from(want.stranger)].extend(start.map(|it| (it, mac)));
            self.kept.insert(mac, Kept { want, start, rest_until, silent_since, open });
        }
    }

    /// The next one to ask now, if any. Tell [`Self::ended`] or [`Self::heard`] what came of it.
    pub(super) fn open(&mut self, now: Duration) -> Option<Want> {
        let (start, mac) = self.firsts().find(|it| it.0 <= now)?;
        let kept = self.kept.get_mut(&mac)?;
        kept.start = None;
        kept.open = true;
        self.starts[usize::from(kept.want.stranger)].remove(&(start, mac));
        self.strangers += usize::from(kept.want.stranger);
        Some(kept.want.clone())
    }

    /// When [`Self::open`] has somebody.
    pub(super) fn next(&self) -> Option<Duration> {
        self.firsts().map(|it| it.0).min()
    }

    /// Who would be asked first of those whom somebody described, and of strangers if there is room
    /// for another.
    fn firsts(&self) -> impl Iterator<Item = (Duration, Mac)> + '_ {
        let open = if self.strangers < MOST_STRANGERS { 2 } else { 1 };
        self.starts.iter().take(open).filter_map(|it| it.first().copied())
    }

    /// Whether somebody is to be asked about this station.
    pub(super) fn wants(&self, mac: Mac) -> bool {
        self.kept.contains_key(&mac)
    }

    /// It was heard: the want is met.
    pub(super) fn heard(&mut self, mac: Mac, now: Duration) {
        if let Some(kept) = self.kept.get_mut(&mac) {
            if let Some(start) = kept.start.take() {
                self.starts[usize::from(kept.want.stranger)].remove(&(start, mac));
            }
            self.strangers -= usize::from(kept.open && kept.want.stranger);
            kept.open = false;
            kept.silent_since = None;
            kept.rest_until = now + PAUSE;
        }
    }

    /// Whether it has left all questions of the last [`LONG`] unanswered.
    pub(super) fn is_long_silent(&self, mac: Mac, now: Duration) -> bool {
        let since = self.kept.get(&mac).and_then(|it| it.silent_since);
        since.is_some_and(|it| it + LONG <= now)
    }

    /// A question ended without an answer.
    pub(super) fn ended(&mut self, mac: Mac, now: Duration) {
        if let Some(kept) = self.kept.get_mut(&mac) {
            self.strangers -= usize::from(kept.open && kept.want.stranger);
            kept.open = false;
            let silent = now.saturating_sub(*kept.silent_since.get_or_insert(now));
            // The longer it is gone, the less does another question tell.
            let slow = if silent < LONG { Duration::ZERO } else { silent / 8 }.min(self.longest);
            kept.rest_until = now + PAUSE.max(slow);
            let start = (now + AGAIN.max(slow)).max(kept.want.due.saturating_sub(LEAD));
            let starts = &mut self.starts[usize::from(kept.want.stranger)];
            if let Some(old) = kept.start.replace(start) {
                starts.remove(&(old, mac));
            }
            starts.insert((start, mac));
        }
    }
}

/// A question takes up to this long; it begins so much before evidence is due.
const LEAD: Duration = Duration::from_secs(12);
/// The least time between an answer or the end of a question and the next question to the same.
const PAUSE: Duration = Duration::from_secs(10);
/// An unanswered want that nobody renews is asked again after this.
const AGAIN: Duration = Duration::from_secs(30);
/// Longer than any phone sleeps; until then it is asked as often as the engine wants.
const LONG: Duration = Duration::from_hours(2);
/// So many strangers are asked at once: a crowd takes its turns, and the questions to those whom
/// somebody described find the line free.
const MOST_STRANGERS: usize = 256;
/// More known stations than any link in the design has; the rest is only listened for.
const MAX_WANTS: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: Mac = Mac([2, 0, 0, 0, 0, 1]);

    fn want(due: u64) -> Vec<Want> {
        let doors = Doors { ips: vec!["10.0.0.9".parse().unwrap()], sure: true };
        vec![Want { mac: ANNA, stranger: false, due: at(due), doors }]
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn asked_in_time_once_and_again_while_unanswered() {
        let mut wants = Wants::new(at(3600 * 6));
        wants.set(want(100), at(0));
        assert_eq!(wants.next(), Some(at(88)));
        assert!(wants.open(at(87)).is_none());
        assert!(wants.open(at(88)).is_some());
        assert!(wants.open(at(1000)).is_none(), "one question at a time");
        wants.ended(ANNA, at(99));
        assert_eq!(wants.next(), Some(at(129)));
        wants.heard(ANNA, at(110));
        assert_eq!(wants.next(), None);
    }

    #[test]
    fn a_crowd_of_strangers_keeps_nobody_waiting_whom_somebody_described() {
        let mut wants = Wants::new(at(3600 * 6));
        let crowd = (0..1000_u16).map(|number| {
            let [high, low] = number.to_be_bytes();
            Want { mac: Mac([0, 0, 0, 0, high, low]), stranger: true, ..want(0).remove(0) }
        });
        wants.set(want(112).into_iter().chain(crowd).collect(), at(50));
        let asked: Vec<Mac> = std::iter::from_fn(|| wants.open(at(50)).map(|it| it.mac)).collect();
        assert_eq!(asked.len(), MOST_STRANGERS);
        assert_eq!(wants.next(), Some(at(100)), "nobody else until one is free, but Anna");
        assert_eq!(wants.open(at(100)).map(|it| it.mac), Some(ANNA));
        wants.ended(asked[0], at(101));
        wants.heard(asked[1], at(101));
        let next: Vec<Mac> = std::iter::from_fn(|| wants.open(at(101)).map(|it| it.mac)).collect();
        assert_eq!(next.len(), 2, "the crowd goes on");
    }

    #[test]
    fn whatever_the_engine_says_nobody_is_pestered() {
        let mut wants = Wants::new(at(3600 * 6));
        wants.set(want(0), at(50));
        assert!(wants.open(at(50)).is_some());
        wants.ended(ANNA, at(61));
        wants.set(want(0), at(62));
        assert_eq!(wants.next(), Some(at(71)));
        wants.heard(ANNA, at(65));
        wants.set(want(0), at(66));
        assert_eq!(wants.next(), Some(at(75)));
    }

    #[test]
    fn the_long_absent_are_asked_ever_more_seldom() {
        let mut wants = Wants::new(at(3600 * 6));
        let mut asked = Vec::new();
        for second in (0..4 * 24 * 3600).step_by(10) {
            // The engine wants news of everybody, at once.
            wants.set(want(0), at(second));
            if wants.open(at(second)).is_some() {
                asked.push(second);
                wants.ended(ANNA, at(second));
            }
        }
        let on = |day: u64| asked.iter().filter(|it| **it / 86_400 == day).count();
        assert!(asked.iter().filter(|it| **it < 7200).count() >= 720, "as often as is wanted");
        assert!(on(0) > on(1) && on(1) > on(2) && on(2) >= on(3), "{:?}", [0, 1, 2, 3].map(on));
        assert!((4..=8).contains(&on(3)), "{}", on(3));
        assert!(wants.is_long_silent(ANNA, at(345_600)));
        wants.heard(ANNA, at(345_600));
        assert!(!wants.is_long_silent(ANNA, at(345_601)));
        assert!(wants.open(at(345_610)).is_none());
        wants.set(want(0), at(345_610));
        assert!(wants.open(at(345_610)).is_some(), "it was heard: all begins anew");
    }

    #[test]
    fn a_question_under_way_is_not_begun_again() {
        let mut wants = Wants::new(at(3600 * 6));
        wants.set(want(50), at(50));
        assert!(wants.open(at(50)).is_some());
        for second in 51..60 {
            wants.set(want(second), at(second));
            assert!(wants.open(at(second)).is_none(), "{second}");
        }
        wants.ended(ANNA, at(61));
        wants.set(want(61), at(62));
        assert_eq!(wants.next(), Some(at(71)));
    }

    #[test]
    fn a_want_that_was_met_rests_until_it_changes() {
        let mut wants = Wants::new(at(3600 * 6));
        wants.set(want(300), at(0));
        wants.heard(ANNA, at(10));
        wants.set(want(300), at(11));
        assert_eq!(wants.next(), None);
        wants.set(want(310), at(12));
        assert_eq!(wants.next(), Some(at(298)));
        wants.set(Vec::new(), at(13));
        assert_eq!(wants.next(), None);
        assert!(!wants.wants(ANNA));
    }
}
