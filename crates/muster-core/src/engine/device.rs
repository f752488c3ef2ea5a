//! One device in the engine: what is known of it, and judging it again.

use std::borrow::Cow;
use std::time::Duration;

use crate::change::{Change, ChangeKind};
use crate::directory::{DeviceKind, Mark};
use crate::fact::{SIGHTING, SourceKind};
use crate::identity::{DeviceId, ListenerId, PlaceId};
use crate::judge::{Carry, Judged, Line, Tail, judge};
use crate::policy::Policy;
use crate::snapshot::Presence;
use crate::span::Span;
use crate::stay::{Ended, Stay, Subject};
use crate::time::Time;

use super::Engine;

/// What the engine keeps of a device between judgements.
#[derive(Debug, Default)]
pub(super) struct DeviceState {
    /// Stays at hand, by start.
    pub(super) stays: Vec<Recorded>,
    /// The stays that were going on where judgement begins, or had been assumed to have ended: one
    /// a site at most.
    pub(super) carries: Vec<Carry>,
    /// Its open stay is older than the facts at hand: it is not judged until they are.
    pub(super) waits: bool,
    /// Facts from this time on could change the judgement.
    rejudge: Option<Time>,
    pub(super) tail: Option<Tail>,
    /// Whose sighting last went on with the tail: it is one of those that decide.
    continued_by: Option<ListenerId>,
    pub(super) arriving: Option<(Time, Time)>,
    /// The shortest gap that could end a stay.
    pub(super) shortest: Duration,
    /// How long after its begin a span may still become a stay.
    confirms_within: Duration,
    /// The slowest rhythm of its sources.
    cycle: Duration,
    /// The medium that heard it last.
    pub(super) source: Option<SourceKind>,
    /// Since when it has been told to be unknown.
    pub(super) unknown: Option<Time>,
    unsettled: Vec<Time>,
    due: Option<Time>,
    timer: Option<Time>,
    /// Heard at more than one site: always judged from the beginning.
    travels: bool,
    /// The open stay went on since it was written down.
    extended: bool,
    /// An evidence time in the open stay up to which only older facts can change the judgement.
    pub(super) settled: Option<Time>,
}

/// A stay as written down, and as judged.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) stay: Stay,
    pub(super) judged: Judged,
}

impl DeviceState {
    /// Notes that facts from `at` on could change the judgement.
    pub(super) fn rejudge_from(&mut self, at: Time) {
        self.rejudge = Some(self.rejudge.map_or(at, |it| it.min(at)));
    }

    /// Takes a sighting that only continues what is known, and says whether that is the first one
    /// since the stay was written down; none: it must be judged.
    pub(super) fn goes_on(&mut self, listener: ListenerId, at: Time) -> Option<bool> {
        let tail = self.tail.as_mut()?;
        let goes_on = !self.travels
            && self.rejudge.is_none()
            && at >= tail.last
            && at.since(tail.last) <= SIGHTING
            && (self.continued_by == Some(listener)
                || tail.decisive.iter().any(|it| it.listener == listener));
        goes_on.then(|| {
            tail.last = at;
            self.continued_by = Some(listener);
            !std::mem::replace(&mut self.extended, true)
        })
    }

    /// The open stay as it was at its last settled evidence, if it is the last one and nothing
    /// from before that time has changed.
    fn resume(&self, kept: usize, from: Time) -> Option<Carry> {
        let at = self.settled.filter(|at| from >= *at && !self.travels)?;
        let open = self.stays.get(kept).filter(|it| it.stay.ended == Ended::Open)?;
        if kept + 1 != self.stays.len() || open.judged.from > at {
            return None;
        }
        let mut stay = open.judged.clone();
        stay.last = at;
        stay.uncovered = stay.uncovered.clip(Span::new(stay.from, at));
        Some(Carry { at, stay })
    }

    /// The stays that remain and where judgement begins, when nothing was going on just before facts that
    /// are new from a time on: it was heard, and never for long enough, or it had left. `kept` is the last
    /// stay that had begun by then.
    fn after_absence(&self, kept: usize, from: Time) -> Option<(usize, Time)> {
        if self.travels || self.carries.iter().any(|it| it.stay.ended == Ended::Assumed) {
            return None;
        }
        let begin = from - self.confirms_within - SIGHTING;
        match self.stays.get(kept) {
            Some(it) if it.stay.from <= from => {
                let had_left = it.stay.ended == Ended::Left && self.unsettled.is_empty();
                let over = it.judged.decided.is_some_and(|at| at + self.cycle < begin);
                (had_left && over).then_some((kept + 1, begin))
            }
            Some(_) | None => self.carries.is_empty().then_some((kept, begin)),
        }
    }

    /// What its lines say about how it is to be judged.
    fn characterise(&mut self, lines: &[Line<'_>], policy: &Policy) {
        let first = lines.first().map(|it| it.site);
        let elsewhere = |it: PlaceId| first.is_some_and(|first| first != it);
        let carried = self.carries.iter().map(|it| it.stay.site);
        self.travels = lines.iter().map(|it| it.site).chain(carried).any(elsewhere);
        let last = lines.iter().filter_map(|it| Some((it.heard.last()?.to, it.source))).max();
        self.source = last.map(|(_, source)| source);
        let patience = lines.iter().map(|it| it.patience.away_after).min().unwrap_or_default();
        self.shortest = patience.min(policy.unknown_hold).min(policy.unknown_max);
        let within = lines.iter().map(|it| it.patience.confirm_within).max();
        self.confirms_within = within.unwrap_or_default();
        self.cycle = lines.iter().map(|it| it.patience.cycle).max().unwrap_or_default();
    }

    /// The open stay, if any; the one heard last, if there are several.
    pub(super) fn open(&self) -> Option<&Recorded> {
        let open = self.stays.iter().filter(|it| it.stay.ended == Ended::Open);
        open.max_by_key(|it| it.judged.last)
    }
}

impl Engine {
    /// Judges a device again because time or coverage went on.
    pub(super) fn retry(&mut self, id: DeviceId) {
        let Some(state) = self.devices.get_mut(id) else { return };
        let from = match (&state.tail, state.arriving) {
            (Some(tail), _) => tail.last,
            (None, Some((from, _))) => from,
            (None, None) => return,
        };
        state.rejudge_from(from);
        self.urgent.insert(id);
    }

    pub(super) fn judge_device(&mut self, id: DeviceId) {
        let Some(mut state) = self.devices.take(id) else { return };
        if state.waits {
            self.devices.put(id, state);
            return;
        }
        match state.rejudge.take() {
            Some(from) => self.rejudge(id, &mut state, from),
            None => self.extend(&mut state),
        }
        self.devices.put(id, state);
        self.restand(id);
    }

    /// Writes down that the open stay went on.
    fn extend(&mut self, state: &mut DeviceState) {
        let Some(tail) = state.tail.as_ref().filter(|_| std::mem::take(&mut state.extended)) else {
            return;
        };
        let open = state.stays.iter_mut().filter(|it| it.stay.ended == Ended::Open);
        for it in open.filter(|it| it.stay.site == tail.site) {
            let before = it.judged.last;
            it.judged.last = before.max(tail.last);
            it.stay.last = it.judged.last;
            self.outbox.stays.insert(it.stay.id, it.stay.clone());
            if let Subject::Device(id) = it.stay.subject {
                // Also whoever it belonged to until after that.
                let entry = self.directory.device(id);
                let then = entry.owners.partition_point(|it| it.from <= before).saturating_sub(1);
                self.voters.extend(entry.owners.iter().skip(then).filter_map(|it| it.person));
            }
        }
    }

    fn rejudge(&mut self, id: DeviceId, state: &mut DeviceState, from: Time) {
        self.unschedule(id, state);
        state.extended = false;
        let entry = self.directory.device(id);
        let ignored = entry.mark == Mark::Ignored;
        let lines = self.lines(id);
        state.characterise(&lines, &self.policy);
        let policy = &self.policy;
        let kept = if state.travels {
            0
        } else {
            state.stays.partition_point(|it| it.stay.from <= from).saturating_sub(1)
        };
        let resumed = state.resume(kept, from);
        let absent = state.after_absence(kept, from).filter(|(_, begin)| *begin > self.floor);
        let kept = absent.map_or(kept, |(kept, _)| kept);
        let (carries, begin) = match (&resumed, absent, state.stays.get(kept)) {
            (Some(it), _, _) => (std::slice::from_ref(it), it.at),
            (None, Some((_, begin)), _) => ([].as_slice(), begin),
            (None, None, Some(it)) if kept > 0 => ([].as_slice(), it.stay.from),
            (None, None, _) => (state.carries.as_slice(), self.floor),
        };
        let mut verdict = judge(&lines, carries, begin, policy, self.frontier);
        let assumed = state.carries.iter().filter(|it| it.stay.ended == Ended::Assumed);
        let followed = |it: &Carry| {
            let elsewhere = verdict.stays.iter().filter(|stay| stay.site != it.stay.site);
            let arrived = elsewhere.map(|it| it.from).filter(|from| *from >= it.at).min();
            let again = first_after(&lines, it.stay.site, it.at);
            self.doubted(it, again.into_iter().chain(arrived).min()?)
        };
        let doubt = assumed.filter_map(followed).min();
        drop(lines);
        self.deepen(doubt);
        state.settled = verdict.settled;
        let old: Vec<Recorded> = state.stays.drain(kept..).collect();
        if let (Some(first), Some(was)) = (verdict.stays.first_mut(), old.first())
            && first.from == was.stay.from
        {
            first.after_gap = was.judged.after_gap;
        }
        if ignored {
            verdict.stays = old.iter().map(|it| silenced(&it.judged, self.frontier)).collect();
            verdict.tail = None;
        }
        for it in &old {
            self.doubt_ended(&it.judged, &verdict.stays);
        }
        for (from, to, at) in &verdict.conflicts {
            self.tell_conflict(id, *from, *to, *at);
        }
        let subject = Subject::Device(id);
        let source = state.source;
        let owner = entry.owner();
        let settled = state.stays.last().map(|it| it.stay.last);
        let unknown = state.unknown.is_some();
        let old_stays = old.into_iter().map(|it| it.stay).collect();
        let about = super::record::About { subject, source, owner, settled, unknown };
        let stays = self.record(&about, old_stays, &verdict.stays);
        state.stays.reserve_exact(stays.len());
        state.stays.extend(
            stays.into_iter().zip(verdict.stays).map(|(stay, judged)| Recorded { stay, judged }),
        );
        state.tail = verdict.tail;
        state.continued_by = None;
        state.arriving = verdict.arriving;
        state.unsettled = verdict.unsettled;
        self.schedule(id, state);
        let owners = entry.owners.iter().filter_map(|it| it.person);
        self.voters.extend(owners);
    }

    /// What each listener knows about a device.
    pub(super) fn lines(&self, id: DeviceId) -> Vec<Line<'_>> {
        let phone = self.directory.device(id).kind == DeviceKind::Phone;
        let mut lines: Vec<Line<'_>> = Vec::new();
        for identity in self.directory.identities_of(id) {
            let Some(entry) = self.book.entry(identity) else { continue };
            for track in &entry.tracks {
                if let Some(line) = lines.iter_mut().find(|it| it.listener == track.listener) {
                    line.heard.to_mut().union(track.heard.spans());
                    if !track.probes.is_empty() {
                        let probes = line.probes.to_mut();
                        probes.extend_from_slice(&track.probes);
                        probes.sort_unstable();
                    }
                    continue;
                }
                let Some(heard) = self.book.heard_by(track.listener) else { continue };
                let source = heard.listener.source;
                let patience = if entry.identity.is_pseudonym() {
                    self.policy.patience_unasked(source)
                } else {
                    *self.policy.patience(source, phone)
                };
                lines.push(Line {
                    listener: track.listener,
                    source,
                    site: self.directory.site_of_monitor(&heard.listener.monitor),
                    patience,
                    heard: Cow::Borrowed(&track.heard),
                    probes: Cow::Borrowed(track.probes.as_slice()),
                    coverage: &heard.coverage,
                    bridged: &heard.bridged,
                });
            }
        }
        lines
    }

    /// Finds out whether a present device is unknown, and tells it if that is new.
    pub(super) fn restand(&mut self, id: DeviceId) {
        let Some(state) = self.devices.get(id) else { return };
        let open = state.open().map(|it| it.stay.clone());
        let dark = open.as_ref().and(state.tail.as_ref()).and_then(|tail| {
            let is_out = |it: ListenerId| self.is_dark(it) || self.is_doubted(it, tail.last);
            let out = tail.decisive.iter().filter(|it| !it.dropped && is_out(it.listener));
            let since = |it: &crate::judge::Waiting| {
                self.covered_to(it.listener).unwrap_or(tail.last).max(tail.last)
            };
            out.map(|it| (since(it), it.listener)).min()
        });
        let was = state.unknown;
        if was.is_some() == dark.is_some() {
            return;
        }
        let source = state.source;
        let reason =
            dark.and_then(|(_, it)| self.book.heard_by(it)).map(|it| it.listener.to_string());
        if let Some(state) = self.devices.get_mut(id) {
            state.unknown = dark.map(|(at, _)| at);
        }
        let owner = self.directory.device(id).owner();
        self.voters.extend(owner);
        let Some(open) = open else { return };
        let (kind, at) = match dark {
            Some((at, _)) => (ChangeKind::Unknown, at),
            None => (ChangeKind::Known, self.frontier),
        };
        let mut change = Change::new(kind, at, self.frontier);
        change.subject = Some(Subject::Device(id));
        change.owner = owner;
        change.site = Some(open.site);
        change.stay = Some(open.id);
        change.source = source;
        change.reason = reason.map(|it| format!("{it} does not hear")).unwrap_or_default().into();
        self.tell(change);
    }

    /// What is believed of a device.
    pub(super) fn presence_of(state: &DeviceState) -> Presence {
        match (state.open(), state.unknown, state.arriving) {
            (Some(_), Some(_), _) => Presence::Unknown,
            (Some(_), None, _) => Presence::Present,
            (None, _, Some(_)) => Presence::Arriving,
            (None, _, None) => Presence::Away,
        }
    }

    fn tell_conflict(&mut self, id: DeviceId, from: PlaceId, to: PlaceId, at: Time) {
        let subject = Some(Subject::Device(id));
        let reason = self.directory.places.get(&from).map(|it| it.name.clone());
        let state = self.told_conflicts.insert((id, to, at));
        if !state {
            return;
        }
        let mut change = Change::new(ChangeKind::Conflict, at, self.frontier);
        change.subject = subject;
        change.site = Some(to);
        change.owner = self.directory.device(id).owner();
        change.reason = format!("also heard at {}", reason.unwrap_or_default()).into();
        self.tell(change);
    }

    fn schedule(&mut self, id: DeviceId, state: &mut DeviceState) {
        state.due = state.tail.as_ref().map(|it| it.due);
        self.due.extend(state.due.map(|it| (it, id)));
        let turns = state.tail.as_ref().and_then(|it| it.turns);
        let fails = state.arriving.map(|it| it.1);
        state.timer = turns.into_iter().chain(fails).filter(|it| *it > self.frontier).min();
        self.timers.extend(state.timer.map(|it| (it, id)));
        self.unsettled.extend(state.unsettled.iter().map(|it| (*it, id)));
    }

    fn unschedule(&mut self, id: DeviceId, state: &DeviceState) {
        if let Some(at) = state.due {
            self.due.remove(&(at, id));
        }
        if let Some(at) = state.timer {
            self.timers.remove(&(at, id));
        }
        for at in &state.unsettled {
            self.unsettled.remove(&(*at, id));
        }
    }
}

/// The first evidence at a site after a time.
pub(super) fn first_after(lines: &[Line<'_>], site: PlaceId, at: Time) -> Option<Time> {
    let here = lines.iter().filter(|it| it.site == site);
    here.filter_map(|it| it.heard.overlapping(Span::new(at, Time::MAX)).first())
        .map(|it| it.from.max(at))
        .min()
}

/// A stay of a device that nobody wants to hear of any more.
fn silenced(judged: &Judged, frontier: Time) -> Judged {
    let mut judged = judged.clone();
    if judged.ended == Ended::Open {
        judged.ended = Ended::Left;
        judged.decided = Some(frontier);
    }
    judged
}
