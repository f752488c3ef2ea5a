//! A hub and its monitors over an awful network: the real relay and the real ingest, their bytes
//! between them, in virtual time.
//!
//! Uploads are delayed, doubled, overtaken and lost, ways are cut for minutes to hours, monitors are
//! killed around every write and lose power, disks are full and emptied, clocks are wrong by up to ten
//! minutes, the hub is killed, its store fails, and it goes on with a backup. After all is healed the whole store is compared with the naive
//! reference of the same facts: all that were told but those that no disk had kept when their monitor
//! was killed, which are counted and young, and those that a monitor had let go of when the hub went back to
//! a backup without them.
//!
//! **Invariant:** a seed determines a run. Both ways of an exchange take the same time, so that dates
//! come out exact and stores can be compared; what unequal ways do is bounded elsewhere
//! (`crates/muster-core/src/relay/dates/tests.rs`).

mod events;
mod monitor;
mod verdict;

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use muster_core::fact::{Fact, FactBody};
use muster_core::ingest::Ticket;
use muster_core::uplink::{BootId, Lane, SequenceSet, Upload};
use muster_wire::batch;

use crate::generator::World;
use crate::rng::Rng;
use crate::simulate::{Hub, Wrong};
use crate::store::Tables;
use events::{Event, Events};
use monitor::{End, Monitor};

/// What runs met, so that a test can insist on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Uploads that reached the hub.
    pub uploads: u64,
    /// Of them, such that told nothing new.
    pub repeats: u64,
    /// Uploads from spools.
    pub backlog: u64,
    /// Messages that did not arrive.
    pub cut: u64,
    /// Ends of a monitor's program.
    pub ends: u64,
    /// Facts that no disk had kept.
    pub lost: u64,
    /// Facts that could not be dated.
    pub undated: u64,
    /// Facts that arrived.
    pub arrived: u64,
    /// Kills of the hub.
    pub hub_kills: u64,
    /// Facts that the hub had, and a backup had not.
    pub forgotten: u64,
    /// Writes for which a monitor's disk had no room.
    pub unwritten: u64,
}

impl AddAssign for Met {
    fn add_assign(&mut self, other: Self) {
        self.uploads += other.uploads;
        self.repeats += other.repeats;
        self.backlog += other.backlog;
        self.cut += other.cut;
        self.ends += other.ends;
        self.lost += other.lost;
        self.undated += other.undated;
        self.arrived += other.arrived;
        self.hub_kills += other.hub_kills;
        self.forgotten += other.forgotten;
        self.unwritten += other.unwritten;
    }
}

/// Plays the world of a seed with a fleet, and compares what is stored in the end.
pub fn play(seed: u64) -> Result<Met, Wrong> {
    let world = World::new(seed);
    let mut fleet = Fleet::new(&world, seed)?;
    let end = world.healed().since(world.start) + HEALING;
    while let Some(at) = fleet.next_time().filter(|it| *it <= end) {
        let pass = at.saturating_sub(fleet.at);
        fleet.hub.advance(pass)?;
        fleet.at = at;
        while let Some(event) = fleet.events.pop(at) {
            fleet.happens(event)?;
        }
        fleet.turn()?;
    }
    verdict::compare(fleet)
}

/// A hub and its monitors.
struct Fleet<'a> {
    world: &'a World,
    hub: Hub,
    monitors: Vec<Monitor>,
    events: Events,
    at: Duration,
    luck: Rng,
    /// Who waits for the hub's reply, and how long that will be under way.
    waiting: BTreeMap<Ticket, Way>,
    /// What the hub took, by monitor and boot; after a kill, what is stored.
    taken: BTreeMap<(usize, BootId), SequenceSet>,
    /// What it took without a date to believe.
    undated: BTreeMap<(usize, BootId), SequenceSet>,
    /// What it had taken, and a backup does not hold: it comes again if the monitor has it still.
    forgotten: BTreeMap<(usize, BootId), SequenceSet>,
    backup: Option<Tables>,
    is_hub_up: bool,
    met: Met,
}

/// The way of a reply.
#[derive(Clone, Copy, Debug)]
struct Way {
    to: usize,
    boot: BootId,
    number: u64,
    /// How long it takes; none: it never arrives.
    takes: Option<Duration>,
}

impl<'a> Fleet<'a> {
    fn new(world: &'a World, seed: u64) -> Result<Self, Wrong> {
        let luck = Rng::new(seed).fork(77);
        let mut names: Vec<&str> = world.listeners.iter().map(|it| &*it.monitor).collect();
        names.sort_unstable();
        names.dedup();
        let frailty = if seed.is_multiple_of(2) { 2 } else { 0 };
        let monitors: Vec<Monitor> =
            names.iter().map(|it| Monitor::new(it, world.start, &luck, frailty)).collect();
        let mut hub = Hub::new(world.policy.clone(), world.start);
        // So that the reference and the hub number everybody alike.
        hub.deliver(world.introduction())?;
        hub.flush()?;
        let events = Events::of(world, &names, &mut luck.fork(78));
        Ok(Self {
            world,
            hub,
            monitors,
            events,
            at: Duration::ZERO,
            luck,
            waiting: BTreeMap::new(),
            taken: BTreeMap::new(),
            undated: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            backup: None,
            is_hub_up: true,
            met: Met::default(),
        })
    }

    /// When something happens next.
    fn next_time(&self) -> Option<Duration> {
        let monitors = self.monitors.iter().filter_map(Monitor::due);
        let hub = self.hub.idle_for().map(|it| self.at + it);
        let next = monitors.chain(hub).chain(self.events.next()).min();
        // The hub's civil clock counts microseconds, and is to stay in step with the true time.
        let whole = next.map(|it| it.as_nanos().div_ceil(1_000_000));
        let whole = whole.map(|it| Duration::from_millis(u64::try_from(it).unwrap_or(u64::MAX)));
        whole.map(|it| it.max(self.at))
    }

    fn happens(&mut self, event: Event) -> Result<(), Wrong> {
        match event {
            Event::Told { by, facts } => {
                let of = |it: usize| Some((it, self.world.noticed.get(it)?.1.clone()));
                let facts = facts.into_iter().filter_map(of).collect();
                if let Some(it) = self.monitors.get_mut(by) {
                    it.tell(facts, self.at);
                }
            }
            Event::Ends { who, how } => self.end(who, how)?,
            Event::Begins { who } => {
                if let Some(it) = self.monitors.get_mut(who) {
                    it.begin(self.at);
                }
            }
            Event::Upload { way, bytes } => self.arrives(way, &bytes)?,
            Event::Reply { way, text } => {
                if let (Some(it), Ok(reply)) =
                    (self.monitors.get_mut(way.to), batch::read_reply(&text))
                {
                    it.reply(way.boot, way.number, reply, self.at);
                }
            }
            Event::Edit(edit) => self.hub.edit(edit)?,
            Event::HubKilled => {
                self.met.hub_kills += 1;
                self.hub.crash()?;
                self.waiting.clear();
                self.is_hub_up = false;
                self.remember();
            }
            Event::HubBack => self.is_hub_up = true,
            Event::Fails(faults) => self.hub.fail(&faults),
            Event::Heals => self.hub.heal(),
            Event::BackedUp => self.backup = Some(self.hub.tables()),
            Event::GoesBack => {
                if let Some(it) = self.backup.take() {
                    self.go_back(it)?;
                }
            }
            Event::DiskFills { who } | Event::DiskDrains { who } => {
                if let Some(it) = self.monitors.get_mut(who) {
                    it.fill(matches!(event, Event::DiskFills { .. }), self.at);
                }
            }
        }
        Ok(())
    }

    /// The hub goes on with a backup, and nobody gets a reply to what came after it.
    fn go_back(&mut self, backup: Tables) -> Result<(), Wrong> {
        self.hub.go_back(backup)?;
        self.waiting.clear();
        let before = std::mem::take(&mut self.taken);
        self.remember();
        for (start, had) in before {
            let has = self.taken.get(&start);
            let told = self.monitors.get(start.0).and_then(|it| it.told.get(&start.1));
            for sequence in 0..told.map_or(0, |it| it.len() as u64) {
                if had.contains(sequence) && !has.is_some_and(|it| it.contains(sequence)) {
                    self.forgotten.entry(start).or_default().insert(sequence);
                }
            }
        }
        Ok(())
    }

    /// Lets everybody do what is due now.
    fn turn(&mut self) -> Result<(), Wrong> {
        for who in 0..self.monitors.len() {
            let Some(it) = self.monitors.get_mut(who) else { continue };
            let (turn, boot) = (it.turn(self.at), it.boot);
            self.met.unwritten += turn.unwritten;
            for sending in turn.sent {
                let bytes = batch::compress(&batch::write(&sending.upload));
                self.send(Way { to: who, boot, number: sending.number, takes: None }, &bytes);
            }
            if turn.died {
                self.end(who, End::Killed)?;
                let back = self.at + Duration::from_millis(self.luck.bits() % 90_000);
                self.events.push(back, Event::Begins { who });
            }
        }
        while let Some((ticket, reply)) = self.hub.reply() {
            let Some(way) = self.waiting.remove(&ticket) else { continue };
            let arrives = way.takes.map(|it| self.at + it);
            match arrives.filter(|it| !self.events.is_cut(way.to, *it) && self.is_hub_up) {
                Some(at) => {
                    let text = batch::write_reply(&reply);
                    self.events.push(at, Event::Reply { way, text });
                }
                None => self.met.cut += 1,
            }
        }
        Ok(())
    }

    /// An upload sets out; it may arrive late, twice or never.
    fn send(&mut self, way: Way, bytes: &[u8]) {
        let takes = self.travel();
        let again = self.luck.percent(10).then(|| takes + self.travel());
        // The reply to the second has nobody who waits for it.
        let copies =
            [Some((takes, self.luck.percent(95).then_some(takes))), again.map(|it| (it, None))];
        for (takes, back) in copies.into_iter().flatten() {
            let at = self.at + takes;
            if self.events.is_cut(way.to, self.at)
                || self.events.is_cut(way.to, at)
                || self.luck.percent(3)
            {
                self.met.cut += 1;
                continue;
            }
            let way = Way { takes: back, ..way };
            self.events.push(at, Event::Upload { way, bytes: bytes.to_vec() });
        }
    }

    fn travel(&mut self) -> Duration {
        let most = match self.luck.below(20) {
            0 => 60_000,
            1..5 => 5_000,
            _ => 300,
        };
        Duration::from_millis(self.luck.bits() % most)
    }

    fn arrives(&mut self, way: Way, bytes: &[u8]) -> Result<(), Wrong> {
        if !self.is_hub_up {
            return Ok(());
        }
        let read = batch::expand(bytes).and_then(|it| batch::read(&it));
        let upload = match read {
            Ok(it) => it,
            Err(why) => return self.hub.wrong(format!("a monitor's batch was not read: {why}")),
        };
        let Some(monitor) = self.monitors.get(way.to) else { return Ok(()) };
        self.met.uploads += 1;
        self.met.backlog += u64::from(upload.header.lane == Lane::Backlog);
        let came = upload.clone();
        let rights = monitor.rights.clone();
        let Some((ticket, facts)) = self.hub.upload(upload, &rights)? else {
            return self.hub.wrong("no monitors are let in".to_owned());
        };
        self.waiting.insert(ticket, way);
        self.note(way.to, &came, &facts)
    }

    /// What the hub took of an upload, and whether it may have.
    fn note(&mut self, from: usize, upload: &Upload, facts: &[Fact]) -> Result<(), Wrong> {
        let boot = upload.header.boot;
        let is_undated = upload.header.uncertain.is_some();
        let before = self.taken.entry((from, boot)).or_default().clone();
        if facts.is_empty() && !is_undated {
            self.met.repeats += u64::from(!upload.rows.is_empty());
            return Ok(());
        }
        let new = upload.rows.iter().filter(|it| !before.contains(it.sequence));
        let new: Vec<_> = new.filter(|it| is_undated || facts.contains(&it.fact)).collect();
        for row in &new {
            if is_undated {
                self.undated.entry((from, boot)).or_default().insert(row.sequence);
            }
            self.taken.entry((from, boot)).or_default().insert(row.sequence);
            if let Some(it) = self.forgotten.get_mut(&(from, boot)) {
                it.remove(row.sequence);
            }
        }
        for row in new {
            if matches!(row.fact.body, FactBody::Coverage(_))
                && let Some(missing) = self.overtaken(from, boot, row.sequence)
            {
                let what = format!("coverage {} came before fact {missing}", row.sequence);
                return self.hub.wrong(what);
            }
        }
        Ok(())
    }

    /// A fact that was told before this one, was not lost, and is not with the hub.
    fn overtaken(&self, from: usize, boot: BootId, before: u64) -> Option<String> {
        let monitor = self.monitors.get(from)?;
        let since = |boot: &BootId| monitor.told.get(boot)?.first().map(|it| it.1);
        let began = since(&boot)?;
        let earlier = monitor
            .told
            .iter()
            .filter(|(it, _)| **it == boot || since(it).is_some_and(|it| it < began));
        earlier.into_iter().find_map(|(it, told)| {
            let upto = if *it == boot { before } else { told.len() as u64 };
            let start = (from, *it);
            let known = [self.taken.get(&start), monitor.lost.get(it), self.forgotten.get(&start)];
            let missing = (0..upto).find(|at| !known.iter().flatten().any(|it| it.contains(*at)));
            missing.map(|at| format!("{at} of {it}"))
        })
    }

    /// After a kill the hub has what is stored.
    fn remember(&mut self) {
        let stored = self.hub.tables().received;
        self.taken.clear();
        for ((name, boot), it) in stored {
            let who = self.monitors.iter().position(|it| it.rights.monitor == name);
            if let Some(who) = who {
                self.taken.insert((who, boot), it.runs);
            }
        }
    }

    fn end(&mut self, who: usize, how: End) -> Result<(), Wrong> {
        let Some(it) = self.monitors.get_mut(who) else { return Ok(()) };
        self.met.ends += 1;
        let none = SequenceSet::new();
        let start = (who, it.boot);
        let received = [self.taken.get(&start), self.forgotten.get(&start)];
        match it.end(how, self.at, received.map(|it| it.unwrap_or(&none))) {
            Some(why) => self.hub.wrong(why),
            None => Ok(()),
        }
    }
}

/// After the last fact: the longest pause of a relay, a few times, and what a slow network takes.
const HEALING: Duration = Duration::from_mins(30);
