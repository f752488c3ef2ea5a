//! Writes down what was judged: keeps a stay's number while it is the same stay, and tells the
//! difference to what had been told before.

use crate::change::{Change, ChangeKind};
use crate::fact::SourceKind;
use crate::identity::PersonId;
use crate::judge::Judged;
use crate::span::Span;
use crate::stay::{Ended, Stay, Subject};
use crate::time::Time;

use super::Engine;

/// Whose stays are written down.
pub(super) struct About {
    pub(super) subject: Subject,
    pub(super) source: Option<SourceKind>,
    pub(super) owner: Option<PersonId>,
    /// The last evidence of the stays that are not judged again.
    pub(super) settled: Option<Time>,
    /// Whether it has been told to be unknown.
    pub(super) unknown: bool,
}

impl Engine {
    /// The stays to keep, one for each judged; everything else of `old` is gone.
    pub(super) fn record(&mut self, about: &About, old: Vec<Stay>, new: &[Judged]) -> Vec<Stay> {
        let newest = old.iter().map(|it| it.last).chain(about.settled).max();
        let mut left: Vec<Option<Stay>> = old.into_iter().map(Some).collect();
        let mut told: Vec<Option<Stay>> = vec![None; new.len()];
        for (judged, slot) in new.iter().zip(&mut told) {
            let same = |it: &Stay| it.site == judged.site && it.from == judged.from;
            *slot = take(&mut left, same);
        }
        for (judged, slot) in new.iter().zip(&mut told) {
            let span = |from, last: Time| Span::new(from, last + crate::fact::SIGHTING);
            let overlaps = |it: &Stay| {
                let other = span(it.from, it.last);
                it.site == judged.site && span(judged.from, judged.last).intersect(other).is_some()
            };
            if slot.is_none() {
                *slot = take(&mut left, overlaps);
            }
        }
        for gone in left.into_iter().flatten() {
            self.drop_stay(about, &gone, new);
        }
        let mut stays = Vec::with_capacity(new.len());
        let before = self.outbox.changes.len();
        for (judged, was) in new.iter().zip(told) {
            let stay = self.write(about, judged, was.as_ref());
            match was {
                None => self.tell_new(about, &stay, judged, newest),
                Some(was) => self.tell_difference(about, &was, &stay, judged),
            }
            stays.push(stay);
        }
        let news = self.outbox.changes.get(before..).unwrap_or(&[]);
        let last = news.iter().rfind(|it| it.kind.bears_state()).map(|it| it.kind);
        if last == Some(ChangeKind::Left) {
            self.tell_still_here(about, &stays);
        }
        stays
    }

    /// Of several sites it left one: whoever follows the journal must not take it for gone.
    fn tell_still_here(&mut self, about: &About, stays: &[Stay]) {
        let open = stays.iter().filter(|it| it.ended == Ended::Open);
        let Some(stay) = open.max_by_key(|it| it.last) else { return };
        let kind = if about.unknown { ChangeKind::Unknown } else { ChangeKind::Known };
        let mut change = self.change(kind, about, stay, self.frontier);
        change.reason = "still here".into();
        change.quiet = true;
        self.tell(change);
    }

    fn write(&mut self, about: &About, judged: &Judged, was: Option<&Stay>) -> Stay {
        let mut stay = Stay {
            id: was.map_or_else(|| self.next_stay(), |it| it.id),
            subject: about.subject,
            site: judged.site,
            from: judged.from,
            last: judged.last,
            ended: judged.ended,
            to_latest: judged.to_latest,
            uncovered: judged.uncovered_time(),
            after_gap: judged.after_gap,
            revision: was.map_or(0, |it| it.revision),
        };
        if was.is_some_and(|it| *it == stay) {
            return stay;
        }
        if was.is_some_and(|was| is_rewritten(was, &stay)) {
            stay.revision += 1;
        }
        self.outbox.gone.remove(&stay.id);
        self.outbox.stays.insert(stay.id, stay.clone());
        stay
    }

    /// Takes back a stay that is not one any more.
    pub(super) fn drop_stay(&mut self, about: &About, gone: &Stay, new: &[Judged]) {
        self.outbox.stays.remove(&gone.id);
        self.outbox.gone.insert(gone.id);
        let joined = new.iter().any(|it| it.site == gone.site && it.ended == Ended::Open);
        let mut change = self.change(ChangeKind::Corrected, about, gone, gone.from);
        change.reason = "joined with another stay or unmade".into();
        change.quiet = true;
        self.tell(change);
        if gone.ended == Ended::Open && !joined {
            let mut change = self.change(ChangeKind::Left, about, gone, gone.last);
            change.reason = "corrected".into();
            change.quiet = true;
            self.tell(change);
        }
    }

    fn tell_new(&mut self, about: &About, stay: &Stay, judged: &Judged, newest: Option<Time>) {
        let appended = newest.is_none_or(|it| it < stay.from);
        if appended || stay.ended == Ended::Open {
            let mut change = self.change(ChangeKind::Arrived, about, stay, stay.from);
            change.quiet = stay.after_gap || !appended;
            self.tell(change);
        }
        if appended {
            self.tell_end(about, stay, judged);
        } else {
            let change = self.change(ChangeKind::Corrected, about, stay, stay.from);
            self.tell(change);
        }
    }

    fn tell_difference(&mut self, about: &About, was: &Stay, stay: &Stay, judged: &Judged) {
        if is_rewritten(was, stay) {
            let change = self.change(ChangeKind::Corrected, about, stay, stay.from);
            self.tell(change);
        }
        match (was.ended == Ended::Open, stay.ended == Ended::Open) {
            (true, false) => self.tell_end(about, stay, judged),
            (false, true) => {
                let mut change = self.change(ChangeKind::Arrived, about, stay, stay.from);
                change.quiet = true;
                change.reason = "corrected".into();
                self.tell(change);
            }
            (true, true) | (false, false) => {}
        }
    }

    fn tell_end(&mut self, about: &About, stay: &Stay, judged: &Judged) {
        let names: Vec<String> = judged
            .without
            .iter()
            .filter_map(|it| self.book.heard_by(*it))
            .map(|it| it.listener.to_string())
            .collect();
        let (kind, reason) = match stay.ended {
            Ended::Open => return,
            Ended::Left if names.is_empty() => (ChangeKind::Left, String::new()),
            Ended::Left => (ChangeKind::Left, format!("without {}", names.join(", "))),
            Ended::Moved => (ChangeKind::Moved, "arrived at another site".to_owned()),
            Ended::Assumed => (ChangeKind::Left, "assumed".to_owned()),
        };
        let mut change = self.change(kind, about, stay, stay.last);
        change.until = stay.to_latest;
        change.reason = reason.into();
        self.tell(change);
    }

    fn change(&self, kind: ChangeKind, about: &About, stay: &Stay, at: Time) -> Change {
        let mut change = Change::new(kind, at, self.frontier);
        change.subject = Some(about.subject);
        change.owner = about.owner;
        change.source = about.source;
        change.site = Some(stay.site);
        change.stay = Some(stay.id);
        change
    }
}

/// Whether something that had been told is different now.
fn is_rewritten(was: &Stay, stay: &Stay) -> bool {
    let ended = |it: &Stay| (it.last, it.ended, it.to_latest);
    was.from != stay.from || (was.ended != Ended::Open && ended(was) != ended(stay))
}

fn take(stays: &mut [Option<Stay>], which: impl Fn(&Stay) -> bool) -> Option<Stay> {
    stays.iter_mut().find(|it| it.as_ref().is_some_and(&which)).and_then(Option::take)
}
