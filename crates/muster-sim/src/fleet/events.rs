//! What happens to a fleet, and when.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use muster_core::directory::Edit;

use super::Way;
use super::monitor::End;
use crate::generator::World;
use crate::rng::Rng;
use crate::store::Fault;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// Sources of a monitor tell these facts of the world.
    Told { by: usize, facts: Vec<usize> },
    /// A monitor's program ends.
    Ends { who: usize, how: End },
    /// A monitor's program is started.
    Begins { who: usize },
    /// An upload arrives.
    Upload { way: Way, bytes: Vec<u8> },
    /// A reply arrives.
    Reply { way: Way, text: String },
    /// Somebody edits the directory.
    Edit(Edit),
    /// The hub is killed; it is not there for a while.
    HubKilled,
    /// The hub is there again.
    HubBack,
    /// The next commits fail.
    Fails(Vec<Fault>),
    /// The store works again.
    Heals,
    /// A backup is taken.
    BackedUp,
    /// The hub goes on with the backup.
    GoesBack,
    /// A monitor's disk is full.
    DiskFills { who: usize },
    /// There is room again.
    DiskDrains { who: usize },
}

/// All that is to happen, in order.
#[derive(Debug, Default)]
pub(super) struct Events {
    all: BTreeMap<(Duration, u64), Event>,
    count: u64,
    /// When nothing passes between a monitor and the hub.
    cuts: Vec<Vec<Range<Duration>>>,
}

impl Events {
    /// What happens to the monitors of a world, by their names.
    pub(super) fn of(world: &World, names: &[&str], luck: &mut Rng) -> Self {
        let mut it = Self::default();
        let since = |at: muster_core::time::Time| at.since(world.start);
        let mut told: BTreeMap<(Duration, usize), Vec<usize>> = BTreeMap::new();
        for (index, (at, fact)) in world.noticed.iter().enumerate() {
            let by = names.iter().position(|it| **it == *fact.listener.monitor).unwrap_or(0);
            told.entry((since(*at), by)).or_default().push(index);
        }
        for ((at, by), facts) in told {
            it.push(at, Event::Told { by, facts });
        }
        for (at, edit) in &world.edits {
            it.push(since(*at), Event::Edit(edit.clone()));
        }
        let end = since(world.end);
        for who in 0..names.len() {
            it.cuts.push(cuts(end, luck));
            for _ in 0..luck.below(4) {
                let at = some(end, luck);
                let how = match luck.below(7) {
                    0 => End::Wiped,
                    1..3 => End::PowerCut,
                    _ => End::Killed,
                };
                it.push(at, Event::Ends { who, how });
                it.push(at + some(Duration::from_mins(10), luck), Event::Begins { who });
            }
            it.push(end + MINUTE, Event::Begins { who });
        }
        it.hub(end, luck);
        it.disks(names.len(), end, luck);
        it
    }

    /// Adds one.
    pub(super) fn push(&mut self, at: Duration, event: Event) {
        self.count += 1;
        self.all.insert((at, self.count), event);
    }

    /// The next one, if it happens by then.
    pub(super) fn pop(&mut self, by: Duration) -> Option<Event> {
        let first = self.all.first_entry().filter(|it| it.key().0 <= by)?;
        Some(first.remove())
    }

    /// When the next one happens.
    pub(super) fn next(&self) -> Option<Duration> {
        self.all.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether nothing passes.
    pub(super) fn is_cut(&self, who: usize, at: Duration) -> bool {
        self.cuts.get(who).is_some_and(|it| it.iter().any(|it| it.contains(&at)))
    }

    fn hub(&mut self, end: Duration, luck: &mut Rng) {
        for _ in 0..luck.below(4) {
            let at = some(end, luck);
            self.push(at, Event::HubKilled);
            self.push(at + some(Duration::from_mins(20), luck), Event::HubBack);
        }
        self.push(end + MINUTE, Event::HubBack);
        for _ in 0..luck.below(3) {
            let at = some(end, luck);
            let kinds = [Fault::Full, Fault::Unheard];
            let faults = (0..=luck.below(6)).filter_map(|_| luck.pick(&kinds).copied()).collect();
            self.push(at, Event::Fails(faults));
            self.push(at + some(Duration::from_mins(30), luck), Event::Heals);
        }
        self.push(end + MINUTE, Event::Heals);
    }

    /// Disks of monitors are full for a while, and the hub's breaks: it goes on with a backup.
    fn disks(&mut self, monitors: usize, end: Duration, luck: &mut Rng) {
        for who in 0..monitors {
            if luck.percent(70) {
                continue;
            }
            let at = some(end, luck);
            self.push(at, Event::DiskFills { who });
            let drained = (at + some(Duration::from_mins(90), luck)).min(end);
            self.push(drained, Event::DiskDrains { who });
        }
        if luck.percent(40) {
            let at = some(end, luck);
            self.push(at, Event::BackedUp);
            self.push(at + some(end.saturating_sub(at), luck), Event::GoesBack);
        }
    }
}

/// Cuts of minutes to hours; none after the end.
fn cuts(end: Duration, luck: &mut Rng) -> Vec<Range<Duration>> {
    (0..luck.below(4))
        .map(|_| {
            let from = some(end, luck);
            let length = if luck.percent(70) { 10 * MINUTE } else { 180 * MINUTE };
            from..(from + some(length, luck)).min(end)
        })
        .collect()
}

fn some(below: Duration, luck: &mut Rng) -> Duration {
    let millis = u64::try_from(below.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(luck.bits() % millis)
}

const MINUTE: Duration = Duration::from_mins(1);
