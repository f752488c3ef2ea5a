//! Orders a recording, and covers what it heard where it says nothing of coverage.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::{Fact, FactBody, Listener, SourceKind};
use muster_core::span::Span;
use muster_core::time::Time;

use super::time_of;

/// More coverage than [`MOST_PIECES`] would have to be made up, for the listeners of this span.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooLong(pub(super) Span);

/// Sorts facts by time and adds coverage over the whole input to every monitor's source that has
/// none; the span of the input comes back.
pub(super) fn complete(facts: &mut Vec<Fact>) -> Result<Option<Span>, TooLong> {
    let from = facts.iter().map(begin_of).min();
    let to = facts.iter().map(time_of).max();
    let Some((from, to)) = from.zip(to) else { return Ok(None) };
    let whole = Span::new(from, to);
    let listeners = uncovered(facts);
    fits(whole, listeners.len(), 0)?;
    for listener in listeners {
        facts.extend(pieces(&listener, whole));
    }
    // The sort is stable: what was recorded at one instant stays in order, coverage behind it.
    facts.sort_by_key(|it| (time_of(it), matches!(it.body, FactBody::Coverage(_))));
    Ok(Some(whole))
}

/// Whether so many listeners can be covered over a span, besides the pieces that there are already: one
/// clock that was wrong for a moment makes decades of a minute.
pub(super) fn fits(whole: Span, listeners: usize, already: usize) -> Result<(), TooLong> {
    let pieces = whole.length().as_nanos() / PIECE.as_nanos() * listeners as u128;
    if pieces + already as u128 > MOST_PIECES { Err(TooLong(whole)) } else { Ok(()) }
}

/// The listeners of every monitor's source without any coverage line.
fn uncovered(facts: &[Fact]) -> BTreeSet<Arc<Listener>> {
    let mut listeners = BTreeSet::new();
    let mut covered: BTreeMap<(&str, SourceKind), bool> = BTreeMap::new();
    for fact in facts {
        let it = &fact.listener;
        *covered.entry((&it.monitor, it.source)).or_default() |=
            matches!(fact.body, FactBody::Coverage(_));
        if !listeners.contains(it) {
            listeners.insert(Arc::clone(it));
        }
    }
    listeners.retain(|it| covered.get(&(&*it.monitor, it.source)) == Some(&false));
    listeners
}

/// Coverage in pieces, so that silence advances with the recording.
pub(super) fn pieces(listener: &Arc<Listener>, whole: Span) -> impl Iterator<Item = Fact> {
    let mut at = whole.from;
    std::iter::from_fn(move || {
        if at >= whole.to {
            return None;
        }
        let end = (at.floor(PIECE) + PIECE).min(whole.to);
        let span = Span::new(at, end);
        at = end;
        Some(Fact { listener: Arc::clone(listener), body: FactBody::Coverage(span) })
    })
}

fn begin_of(fact: &Fact) -> Time {
    match &fact.body {
        FactBody::Coverage(span) => span.from,
        FactBody::Sighting(_) | FactBody::Probe(_) | FactBody::Level(_) | FactBody::Detail(_) => {
            time_of(fact)
        }
    }
}

/// A listener's for more than a year, or twelve listeners' for a month: half a gigabyte.
const MOST_PIECES: u128 = 3_300_000;
/// As often as a live source reports it.
const PIECE: Duration = Duration::from_secs(10);
