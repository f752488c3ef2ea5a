//! A monitor in virtual time: a relay, a disk that keeps what was written, a clock that is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muster_core::fact::Fact;
use muster_core::relay::dates::MachineId;
use muster_core::relay::spool::{Entry, SpoolRead, SpoolWork, Spooled};
use muster_core::relay::{Do, Relay, Sending, Settings, Start};
use muster_core::time::{Now, Time};
use muster_core::uplink::{BootId, Reply, Rights, SequenceSet};

use crate::rng::Rng;

/// What becomes of a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its program is killed.
    Killed,
    /// Its machine loses power.
    PowerCut,
    /// Its program is killed, and its disk is empty afterwards.
    Wiped,
}

/// A monitor.
#[derive(Debug)]
pub(super) struct Monitor {
    pub(super) rights: Rights,
    start: Time,
    relay: Option<Relay>,
    pub(super) boot: BootId,
    machine: MachineId,
    /// When its machine was started, counted from the start of the world; then its clock shows this.
    on: Duration,
    /// Its civil clock less the true time, in microseconds.
    skew: i64,
    disk: BTreeMap<(BootId, u64), Entry>,
    state: Spooled,
    /// The facts that its sources told, by sequence, with when.
    pub(super) told: BTreeMap<BootId, Vec<(usize, Duration)>>,
    /// What no disk kept.
    pub(super) lost: BTreeMap<BootId, SequenceSet>,
    luck: Rng,
    /// Since when there is room on its disk; none: it is full.
    room_since: Option<Duration>,
    /// How likely it is killed around each write, in percent.
    frailty: u32,
}

/// What a turn came to.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) sent: Vec<Sending>,
    /// It was killed in the middle of a write.
    pub(super) died: bool,
    /// Writes for which there was no room.
    pub(super) unwritten: u64,
}

impl Monitor {
    pub(super) fn new(name: &str, start: Time, luck: &Rng, frailty: u32) -> Self {
        let mut luck = luck.fork(name.len() as u64);
        let rights = Rights { monitor: name.into(), sources: None, kinds: None };
        let minutes = luck.within(-10, 11);
        let mut it = Self {
            rights,
            start,
            relay: None,
            boot: BootId(0),
            machine: MachineId(luck.bits().into()),
            on: Duration::ZERO,
            skew: minutes * 60_000_000,
            disk: BTreeMap::new(),
            state: Spooled::default(),
            told: BTreeMap::new(),
            lost: BTreeMap::new(),
            luck,
            room_since: Some(Duration::ZERO),
            frailty,
        };
        it.begin(Duration::ZERO);
        it
    }

    /// Starts its program, if it does not run.
    pub(super) fn begin(&mut self, at: Duration) {
        if self.relay.is_some() {
            return;
        }
        self.boot = BootId(self.luck.bits().into());
        let settings = Settings {
            monitor: self.rights.monitor.clone(),
            patience: Settings::PATIENCE,
            capacity: u64::MAX,
            interval: Duration::from_mins(5),
            version: "sim".into(),
            simulated: false,
        };
        let (boot, machine, spooled) = (self.boot, self.machine, self.state.clone());
        let start = Start { boot, machine, spooled, seed: self.luck.bits() };
        self.relay = Some(Relay::new(settings, start, self.now(at)));
        self.told.insert(boot, Vec::new());
    }

    /// Ends its program; `received`: what the hub has, or had, of this start.
    pub(super) fn end(
        &mut self,
        how: End,
        at: Duration,
        received: [&SequenceSet; 2],
    ) -> Option<String> {
        let is_received = |at| received.iter().any(|it| it.contains(at));
        self.relay.take()?;
        if how == End::PowerCut {
            self.machine = MachineId(self.luck.bits().into());
            self.on = at;
        }
        if how == End::Wiped {
            self.state = Spooled::default();
            self.disk.clear();
        }
        // What no disk took is kept in memory alone.
        let had_room = self.room_since.is_some_and(|it| it.is_zero() || at > it + RETRIES);
        let mut why = None;
        for (boot, told) in &self.told {
            let lost = self.lost.entry(*boot).or_default();
            for (sequence, (_, since)) in (0..).zip(told) {
                let is_kept = self.disk.contains_key(&(*boot, sequence)) || lost.contains(sequence);
                if *boot != self.boot && how != End::Wiped {
                    continue;
                }
                if is_kept || (*boot == self.boot && is_received(sequence)) {
                    continue;
                }
                lost.insert(sequence);
                let age = at.saturating_sub(*since);
                if how != End::Wiped && had_room && age > Settings::PATIENCE {
                    why = Some(format!("fact {sequence} was lost after {} s", age.as_secs_f64()));
                }
            }
        }
        why
    }

    /// Its sources tell facts; whether anybody ran to hear it.
    pub(super) fn tell(&mut self, facts: Vec<(usize, Fact)>, at: Duration) -> bool {
        let now = self.now(at);
        let Some(relay) = &mut self.relay else { return false };
        let skew = self.skew;
        let shifted = |it: Time| Time::from_micros(it.micros().saturating_add(skew));
        let told = self.told.entry(self.boot).or_default();
        told.extend(facts.iter().map(|(index, _)| (*index, at)));
        relay.handle_facts(facts.into_iter().map(|(_, it)| it.dated(shifted)).collect(), now);
        true
    }

    /// Its disk is full from now on, or there is room again.
    pub(super) fn fill(&mut self, is_full: bool, at: Duration) {
        self.room_since = Some(at).filter(|_| !is_full);
    }

    pub(super) fn reply(&mut self, boot: BootId, number: u64, reply: Reply, at: Duration) {
        let now = self.now(at);
        if let Some(relay) = self.relay.as_mut().filter(|_| self.boot == boot) {
            relay.handle_reply(number, reply, now);
        }
    }

    /// Does what its relay asks for; time has passed.
    pub(super) fn turn(&mut self, at: Duration) -> Turn {
        let now = self.now(at);
        let mut turn = Turn::default();
        if let Some(relay) = &mut self.relay {
            relay.handle_timeout(now);
        }
        while let Some(what) = self.relay.as_mut().and_then(|it| it.poll(now)) {
            match what {
                Do::Send(it) => turn.sent.push(it),
                Do::Write(_) if self.room_since.is_none() => {
                    if let Some(relay) = &mut self.relay {
                        relay.handle_written(Err("no space left".into()), now);
                    }
                    turn.unwritten += 1;
                }
                Do::Write(it) => {
                    let fate = self.luck.number(200);
                    if fate >= self.frailty {
                        self.write(it);
                    }
                    if fate < self.frailty * 2 {
                        turn.died = true;
                        return turn;
                    }
                    if let Some(relay) = &mut self.relay {
                        relay.handle_written(Ok(()), now);
                    }
                }
                Do::Read(it) => {
                    let rows = self.disk.range((it.boot, it.from)..=(it.boot, u64::MAX));
                    let rows = rows.take(it.limit.min(500)).map(|(_, it)| it.clone());
                    if let Some(relay) = &mut self.relay {
                        let read = SpoolRead { entries: rows.collect(), damaged: Vec::new() };
                        relay.handle_read(Ok(read), now);
                    }
                }
            }
        }
        turn
    }

    /// When its relay wants to be asked again, counted from the start of the world.
    pub(super) fn due(&self) -> Option<Duration> {
        let due = self.relay.as_ref()?.poll_timeout()?;
        Some((due + self.on).saturating_sub(UP))
    }

    /// Whether everything that it was told is with the hub.
    pub(super) fn is_done(&self) -> bool {
        let kept = self.relay.as_ref().is_some_and(Relay::is_kept);
        kept && self.disk.is_empty() && self.state.rows() == 0
    }

    fn write(&mut self, work: SpoolWork) {
        for (boot, run) in work.removed {
            self.disk.retain(|(it, at), _| *it != boot || *at < run.first || *at > run.last);
        }
        self.disk.extend(work.added.into_iter().map(|(boot, it)| ((boot, it.sequence), it)));
        let boots: BTreeSet<BootId> = work.state.boots.iter().map(|it| it.id).collect();
        self.disk.retain(|(it, _), _| boots.contains(it));
        self.state = work.state;
    }

    fn now(&self, at: Duration) -> Now {
        let wall = (self.start + at).micros().saturating_add(self.skew);
        Now { mono: at.saturating_sub(self.on) + UP, wall: Time::from_micros(wall) }
    }
}

/// Within this time after there is room again a relay has tried again.
const RETRIES: Duration = Duration::from_mins(2);

/// What the boot-time clock shows when a machine comes up: more than any fact reaches back.
const UP: Duration = Duration::from_hours(2);
