//! What open stays wait for, and when that can end them.

use crate::identity::{ListenerId, PlaceId};
use crate::time::Time;

/// What an open stay waits for; the one heard last, if there are several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where.
    pub site: PlaceId,
    /// The last evidence.
    pub last: Time,
    /// Who must be heard out.
    pub decisive: Vec<Waiting>,
    /// Before coverage reaches this time, it cannot have left anywhere.
    pub due: Time,
    /// When another medium may decide for the next decisive listener, or it is dropped, if its
    /// coverage does not come back.
    pub turns: Option<Time>,
}

/// A decisive listener's part in a silence that is still going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub listener: ListenerId,
    /// Whether it is out for longer than `unknown_max`.
    pub dropped: bool,
}

impl Tail {
    /// The one heard last, and the times when the first of both can end.
    pub(super) fn and(self, other: Self) -> Self {
        let due = self.due.min(other.due);
        let turns = self.turns.into_iter().chain(other.turns).min();
        let later = if self.last < other.last { other } else { self };
        Self { due, turns, ..later }
    }
}
