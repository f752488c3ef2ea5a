//! Turns what is not stored yet into rows.

use crate::batch::{Batch, CoverageHour, HOUR, HeardHour, ProbeHour};
use crate::span::Span;
use crate::time::Time;

use super::{Book, Seen};

impl Book {
    /// Whether there is anything to store.
    pub(crate) fn is_dirty(&self) -> bool {
        let it = &self.dirty;
        !(it.identities.is_empty()
            && it.listeners.is_empty()
            && it.seen.is_empty()
            && it.heard.is_empty()
            && it.coverage.is_empty()
            && it.probes.is_empty()
            && it.details.is_empty()
            && it.levels.is_empty()
            && it.readings.is_empty())
    }

    /// Moves everything that is not stored yet into a batch.
    pub(crate) fn drain(&mut self, batch: &mut Batch) {
        if let Some(directory) = &batch.directory {
            self.remind_all(directory, batch.frontier);
        }
        let dirty = std::mem::take(&mut self.dirty);
        for id in dirty.identities {
            batch.identities.extend(self.entry(id).map(|it| (id, it.identity.clone())));
        }
        for id in dirty.listeners {
            batch.listeners.extend(self.heard_by(id).map(|it| (id, it.listener.clone())));
        }
        for id in dirty.seen {
            let Some(entry) = self.entries.get_mut(id) else { continue };
            entry.marked = false;
            let seen = entry.seen.map(|(first, last)| Seen { identity: id, first, last });
            batch.seen.extend(seen);
        }
        for (hour, listener) in dirty.coverage {
            let Some(heard) = self.heard_by(listener) else { continue };
            let spans = heard.coverage.clip(hour_span(hour)).spans().to_vec();
            batch.coverage.push(CoverageHour { hour, listener, spans });
        }
        for id in dirty.details {
            batch.details.extend(self.entry(id).into_iter().flat_map(|it| it.details.clone()));
        }
        batch.levels.extend(dirty.levels);
        for (hour, id, listener) in dirty.heard {
            let Some(track) = self.track(id, listener) else { continue };
            track.marked = Time::MIN;
            let spans = track.heard.clip(hour_span(hour)).spans().to_vec();
            batch.heard.push(HeardHour { hour, identity: id, listener, spans });
        }
        for (hour, id, listener) in dirty.probes {
            let Some(track) = self.track(id, listener) else { continue };
            let first = track.probes.partition_point(|it| it.0 < hour);
            let end = track.probes.partition_point(|it| it.0 < hour + HOUR);
            let outcomes = track.probes.get(first..end).unwrap_or(&[]).to_vec();
            batch.probes.push(ProbeHour { hour, identity: id, listener, outcomes });
        }
        for (interval, id, listener) in dirty.readings {
            let Some(track) = self.track(id, listener) else { continue };
            let mut readings = track.reading.iter().chain(&track.earlier);
            batch.readings.extend(readings.find(|it| it.interval == interval));
            track.earlier.retain(|it| it.interval >= interval);
        }
    }
}

fn hour_span(hour: Time) -> Span {
    Span::new(hour, hour + HOUR)
}
