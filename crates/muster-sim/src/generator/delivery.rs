//! How facts travel: late, twice, in heaps and out of order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use muster_core::fact::Fact;
use muster_core::time::Time;

use super::{World, seconds};
use crate::rng::Rng;

/// Facts that reach the hub together.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// When.
    pub at: Time,
    /// What; in the order in which it is handed over.
    pub facts: Vec<Fact>,
}

/// How bad the way to the hub is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uplink {
    /// Everything arrives when it is noticed, in order, once.
    Prompt,
    /// Delays of seconds, heaps, repeats.
    Loose,
    /// Also outages of a monitor's uplink from minutes to hours, and single facts that arrive at
    /// the very end.
    Awful,
}

impl World {
    /// A way in which this world's facts reach the hub; the last of them at most an hour after
    /// the end. The introduction always comes first and alone.
    #[must_use]
    pub fn deliver(&self, seed: u64, uplink: Uplink) -> Vec<Delivery> {
        let mut rng = Rng::new(seed).fork(self.seed);
        let outages = self.uplink_outages(&mut rng, uplink);
        let mut arrivals: BTreeMap<Time, Vec<Fact>> = BTreeMap::new();
        for (noticed, fact) in &self.noticed {
            let mut copies = 1;
            if uplink != Uplink::Prompt && rng.percent(10) {
                copies += 1 + rng.below(2);
            }
            for _ in 0..copies {
                let at = self.arrival(&mut rng, uplink, *noticed, fact, &outages);
                arrivals.entry(at).or_default().push(fact.clone());
            }
        }
        let first = Delivery { at: self.start, facts: self.introduction() };
        let rest = arrivals.into_iter().map(|(at, mut facts)| {
            if uplink != Uplink::Prompt && rng.percent(50) {
                rng.shuffle(&mut facts);
            }
            Delivery { at, facts }
        });
        std::iter::once(first).chain(rest).collect()
    }

    /// The time by which every delivery has come.
    #[must_use]
    pub fn healed(&self) -> Time {
        self.end + LATEST
    }

    fn arrival(
        &self,
        rng: &mut Rng,
        uplink: Uplink,
        noticed: Time,
        fact: &Fact,
        outages: &BTreeMap<Box<str>, Vec<Range<Time>>>,
    ) -> Time {
        if uplink == Uplink::Prompt {
            return noticed;
        }
        let mut at = noticed + seconds(rng.within(0, 12));
        if rng.percent(50) {
            at = Time::from_secs((at.secs() + 29) / 30 * 30);
        }
        if uplink == Uplink::Awful {
            let down = outages.get(&fact.listener.monitor).map_or(&[][..], Vec::as_slice);
            if let Some(down) = down.iter().find(|it| it.contains(&at)) {
                at = down.end + seconds(rng.within(0, 5));
            }
            if rng.percent(1) {
                at = at.max(self.end + seconds(rng.within(0, 3000)));
            }
        }
        at.min(self.end + LATEST)
    }

    fn uplink_outages(
        &self,
        rng: &mut Rng,
        uplink: Uplink,
    ) -> BTreeMap<Box<str>, Vec<Range<Time>>> {
        let mut all: BTreeMap<Box<str>, Vec<Range<Time>>> = BTreeMap::new();
        if uplink != Uplink::Awful {
            return all;
        }
        for listener in &self.listeners {
            let outages = all.entry(listener.monitor.clone()).or_default();
            let mut at = self.start + seconds(rng.within(0, 7200));
            while at < self.end {
                let to = at + seconds(rng.within(60, 5400));
                outages.push(at..to);
                at = to + seconds(rng.within(600, 9000));
            }
        }
        all
    }
}

/// No fact is later than this after the end of its world.
const LATEST: Duration = Duration::from_hours(3);
