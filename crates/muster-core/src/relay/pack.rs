//! What is sent: which facts, in what order, with which dates.

use std::time::Duration;

use crate::fact::FactBody;
use crate::time::{Now, Time};
use crate::uplink::{BootId, Header, Health, Lane, Row, SequenceSet, Upload};

use super::dates::{Dates, MachineId, between_neighbours};
use super::spool::{Entry, Machine};
use super::stock::held;
use super::{AtSpool, Held, Relay, Sending, UnderWay};

/// By what the facts of a start of the machine are dated.
enum Dating<'a> {
    /// Its clock was compared.
    Known(&'a Dates),
    /// Its clock was zero at about this time, and by how much that may be wrong.
    Between(Time, Duration),
}

impl Dating<'_> {
    fn date(&self, mono: Duration) -> Option<Time> {
        match self {
            Self::Known(dates) => dates.date(mono),
            Self::Between(start, _) => Some(*start + mono),
        }
    }

    fn rows(&self, entries: impl Iterator<Item = Entry>) -> Vec<Row> {
        let row = |it: Entry| {
            let when = |at: Time| self.date(mono_of(at)).unwrap_or(at);
            Row { sequence: it.sequence, fact: it.fact.dated(when) }
        };
        entries.map(row).collect()
    }
}

impl Relay {
    /// Facts from memory, or a sign of life when one is due.
    pub(super) fn live_upload(&mut self, now: Now) -> Option<Sending> {
        let is_alone = self.backlog.is_none() || !self.link.is_down();
        if self.live.is_some() || !is_alone {
            return None;
        }
        let rows = if self.knows_hub() {
            let behind = self.is_behind();
            let may_go = |it: &&Entry| !(behind && matches!(it.fact.body, FactBody::Coverage(_)));
            let entries = self.queue.iter().map(|it| &it.entry).filter(may_go);
            let entries = bounded(entries.cloned());
            self.dating(self.machine)?.rows(entries.into_iter())
        } else {
            Vec::new()
        };
        let is_due = self.last_sent.is_none_or(|it| it + Self::HEARTBEAT <= now.mono);
        if rows.is_empty() && !is_due && self.knows_hub() {
            return None;
        }
        let settles = rows.iter().map(|it| it.sequence).collect();
        let sending = self.sending(Lane::Live, self.boot, (rows, settles), None, now);
        self.live = Some(under_way(&sending, Held::default(), now));
        Some(sending)
    }

    /// Facts from the spool that were read.
    pub(super) fn backlog_upload(&mut self, now: Now) -> Option<Sending> {
        let is_alone = self.live.is_none() || !self.link.is_down();
        if self.backlog.is_some() || !is_alone {
            return None;
        }
        let (boot, entries) = self.ready.take()?;
        let machine = self.spooled.boots.iter().find(|it| it.id == boot)?.machine;
        let entries = bounded(entries.into_iter());
        let held = held(&entries);
        let dating = self.dating(machine)?;
        let uncertain = match &dating {
            Dating::Known(_) => None,
            Dating::Between(_, by) => Some(*by),
        };
        let rows = dating.rows(entries.into_iter());
        let mut settles = SequenceSet::new();
        settles.insert_run(0, held.last);
        let sending = self.sending(Lane::Backlog, boot, (rows, settles), uncertain, now);
        self.backlog = Some(under_way(&sending, held, now));
        Some(sending)
    }

    /// Whether the hub's time is known: before that nothing can be dated.
    pub(super) fn knows_hub(&self) -> bool {
        self.spooled.machines.last().is_some_and(|it| it.dates.knows_hub())
    }

    fn sending(
        &mut self,
        lane: Lane,
        boot: BootId,
        (rows, settles): (Vec<Row>, SequenceSet),
        uncertain: Option<Duration>,
        now: Now,
    ) -> Sending {
        self.uploads += 1;
        let sent = self.dating(self.machine).filter(|_| self.knows_hub());
        let sent = sent.and_then(|it| it.date(now.mono));
        let ahead = sent.map(|it| now.wall.micros().saturating_sub(it.micros()));
        let header = Header {
            monitor: self.settings.monitor.clone(),
            boot,
            lane,
            store: self.spooled.store,
            sent,
            uncertain,
            settles,
            oldest_unsent: sent.and_then(|_| self.oldest_unsent()),
            health: Health {
                uptime: now.mono.saturating_sub(self.started),
                clock_ahead: ahead,
                spooled: self.spooled.rows(),
                thinned: self.spooled.thinned,
                dropped: self.spooled.dropped,
                ..self.health.clone()
            },
        };
        Sending { number: self.uploads, upload: Upload { header, rows } }
    }

    /// When the oldest fact was noticed that is, or is about to be, in the spool.
    fn oldest_unsent(&self) -> Option<Time> {
        let writing = match &self.at_spool {
            Some(AtSpool::Writing { entries, .. }) => entries.first().map(|it| it.entry.mono()),
            Some(AtSpool::Reading(_) | AtSpool::Thinning(_) | AtSpool::Dropping(_)) | None => None,
        };
        let writing = writing.and_then(|it| self.dating(self.machine)?.date(it));
        let boots = self.spooled.boots.iter();
        boots.filter_map(|it| self.dating(it.machine)?.date(it.oldest)).chain(writing).min()
    }

    /// How a start of the machine is dated; none before one after it knows the time.
    fn dating(&self, machine: MachineId) -> Option<Dating<'_>> {
        let all = &self.spooled.machines;
        let at = all.iter().position(|it| it.id == machine)?;
        let it = all.get(at)?;
        if it.dates.is_anchored() {
            return Some(Dating::Known(&it.dates));
        }
        let lost = |it: &Machine| !it.dates.is_anchored();
        let first = all.get(..at)?.iter().rposition(|it| !lost(it)).map_or(0, |it| it + 1);
        let end = at + all.get(at..)?.iter().position(|it| !lost(it))?;
        let known = first.checked_sub(1).and_then(|it| all.get(it));
        let after = known.and_then(|it| it.dates.date(it.up));
        let before = all.get(end)?.dates.date(Duration::ZERO)?;
        let ups: Vec<_> = all.get(first..end)?.iter().map(|it| it.up).collect();
        let (start, error) = *between_neighbours(after, &ups, before).get(at - first)?;
        Some(Dating::Between(start, error))
    }
}

impl Entry {
    /// When it was noticed, on the boot-time clock.
    pub(super) fn mono(&self) -> Duration {
        mono_of(self.fact.noticed())
    }
}

fn under_way(sending: &Sending, rows: Held, now: Now) -> UnderWay {
    let boot = sending.upload.header.boot;
    UnderWay { number: sending.number, sent: now.mono, boot, rows }
}

/// As many as fit into one upload, and at least one.
fn bounded(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut weight = 0;
    let fits = |it: &Entry| {
        let is_first = weight == 0;
        weight += it.weight();
        is_first || weight <= Upload::MAX_WEIGHT
    };
    entries.take(Upload::MAX_ROWS).take_while(fits).collect()
}

fn mono_of(at: Time) -> Duration {
    Duration::from_micros(u64::try_from(at.micros()).unwrap_or(0))
}
