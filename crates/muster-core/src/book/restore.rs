//! Takes the facts back from a store, without what a wrong clock dated ahead.

use crate::batch::{DetailRow, History, ProbeHour, Restored};
use crate::policy::Policy;
use crate::span::Span;
use crate::time::Time;

use super::{Book, Dirty};

impl Book {
    /// The facts that a store gives back, up to a time.
    pub(crate) fn restore(restored: &Restored, until: Time, policy: &Policy) -> Self {
        let known = Span::new(Time::MIN, until);
        let mut book = Self { since: restored.since, ..Self::default() };
        for (_, listener) in &restored.listeners {
            book.add_listener(listener.clone());
        }
        for (id, identity) in &restored.identities {
            book.add_identity(*id, identity.clone());
        }
        for it in &restored.seen {
            if let Some(entry) = book.entry_mut(it.identity) {
                entry.seen = Some((it.first.min(until), it.last.min(until)));
            }
        }
        for it in &restored.details {
            if let Some(entry) = book.entry_mut(it.identity) {
                entry.details.push(DetailRow { at: it.at.min(until), ..it.clone() });
            }
        }
        for it in &restored.facts.heard {
            if let Some(track) = book.track(it.identity, it.listener) {
                for span in it.spans.iter().filter_map(|it| it.intersect(known)) {
                    track.heard.insert(span);
                }
            }
        }
        for it in &restored.facts.probes {
            if let Some(track) = book.track(it.identity, it.listener) {
                track.probes.extend(it.outcomes.iter().filter(|it| it.0 < until));
                track.probes.sort_unstable();
            }
        }
        for it in &restored.facts.levels {
            if let Some(entry) = book.entry_mut(it.identity) {
                entry.levels.extend((it.at < until).then_some(*it));
            }
        }
        for it in &restored.facts.coverage {
            for span in it.spans.iter().filter_map(|it| it.intersect(known)) {
                book.cover(it.listener, span, policy);
            }
        }
        book.dirty = Dirty::default();
        book.rewrite_from(&restored.facts, until);
        book
    }

    /// What lies after a time was dated by a wrong clock: the rows that hold it are written again
    /// without it.
    fn rewrite_from(&mut self, facts: &History, until: Time) {
        let ahead = |spans: &[Span]| spans.last().is_some_and(|it| it.to > until);
        let heard = facts.heard.iter().filter(|it| ahead(&it.spans));
        self.dirty.heard.extend(heard.map(|it| (it.hour, it.identity, it.listener)));
        let covered = facts.coverage.iter().filter(|it| ahead(&it.spans));
        self.dirty.coverage.extend(covered.map(|it| (it.hour, it.listener)));
        let late = |it: &&ProbeHour| it.outcomes.last().is_some_and(|it| it.0 >= until);
        let probes = facts.probes.iter().filter(late);
        self.dirty.probes.extend(probes.map(|it| (it.hour, it.identity, it.listener)));
    }
}
