//! What one listener knows about one device, and how its silence and its misses are counted.

use std::borrow::Cow;
use std::time::Duration;

use crate::fact::{Outcome, SIGHTING, SourceKind};
use crate::identity::{ListenerId, PlaceId};
use crate::policy::{Patience, Policy};
use crate::span::{Span, SpanSet};
use crate::time::Time;

/// What one listener knows about one device.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Which listener.
    pub listener: ListenerId,
    /// Its medium.
    pub source: SourceKind,
    /// Where its monitor stands.
    pub site: PlaceId,
    /// The patience with this device on this medium.
    pub patience: Patience,
    /// When it heard the device.
    pub heard: Cow<'a, SpanSet>,
    /// When it asked and got no answer, and what that means; sorted.
    pub probes: Cow<'a, [(Time, Outcome)]>,
    /// When it could hear.
    pub coverage: &'a SpanSet,
    /// The same with the source's own rhythm filled in.
    pub bridged: &'a SpanSet,
}

impl Line<'_> {
    /// Its silence in a window of time in which it heard nothing: how much of it was covered.
    #[must_use]
    pub fn silence(&self, window: Span) -> Duration {
        self.bridged.measure_in(window)
    }

    /// Its misses in such a window.
    #[must_use]
    pub fn misses(&self, window: Span, policy: &Policy) -> u32 {
        let count = if self.asks(policy) {
            self.asked(window, Outcome::Silent).count() as u64
        } else {
            self.coverage.measure_in(window).as_secs() / Patience::WINDOW.as_secs()
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// How much silence and how many misses of it a departure needs: what its patience says, or
    /// longer silence alone where it had nothing to ask by.
    #[must_use]
    pub fn needs(&self, window: Span, policy: &Policy) -> (Duration, u32) {
        let Patience { away_after, misses, .. } = self.patience;
        match self.unaskable(window, policy) {
            Some(_) => (away_after.max(policy.unknown_hold), 0),
            None => (away_after, misses),
        }
    }

    /// Whether it misses by questions, not by listening.
    #[must_use]
    pub fn asks(&self, policy: &Policy) -> bool {
        self.patience.asking && !policy.windows_for_all
    }

    /// When its questions came out so, in (from, to].
    pub(super) fn asked(&self, window: Span, outcome: Outcome) -> impl Iterator<Item = Time> {
        let first = self.probes.partition_point(|it| it.0 <= window.from);
        let rest = self.probes.get(first..).unwrap_or(&[]).iter();
        let so = rest.filter(move |it| it.1 == outcome).map(|it| it.0);
        so.take_while(move |it| *it <= window.to)
    }

    /// When it first had nothing to ask by.
    pub(super) fn unaskable(&self, window: Span, policy: &Policy) -> Option<Time> {
        self.asked(window, Outcome::Unaskable).next().filter(|_| self.asks(policy))
    }

    /// The last evidence that it has at or before a time.
    pub(super) fn last_evidence(&self, at: Time) -> Option<Time> {
        let spans = self.heard.spans();
        let count = spans.partition_point(|it| it.from <= at);
        let last = count.checked_sub(1).and_then(|it| spans.get(it))?;
        Some(at.min(last.to - SIGHTING))
    }
}
