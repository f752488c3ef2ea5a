//! One look around: the same source, for a while or for one turn of every adapter.

use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::Fact;
use muster_core::ports::{ChannelStatus, Clock, Report, Source as _, SourceError};

use super::seen::Neighbour;
use super::source::Ble;

/// What one look around brought.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// What could be heard and what not: the last word on each adapter.
    pub channels: Vec<ChannelStatus>,
    /// Everybody who was heard.
    pub neighbours: Vec<Neighbour>,
}

/// How long to look around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// For the whole of this time.
    For(Duration),
    /// Until every adapter has listened through one turn, about 10 s, but no longer than this.
    OneTurn {
        /// The longest it may take.
        limit: Duration,
    },
}

/// Looks around once. `each` takes everything noticed, in order: whoever wants none keeps none, however
/// long it lasts.
pub async fn scan(
    mut ble: Ble,
    clock: &Arc<dyn Clock>,
    length: Length,
    mut each: impl FnMut(Vec<Fact>),
) -> Result<Scan, SourceError> {
    let (limit, one_turn) = match length {
        Length::For(limit) => (limit, false),
        Length::OneTurn { limit } => (limit, true),
    };
    ble.keep_seen();
    let mut scan = Scan::default();
    let end = clock.now().mono + limit;
    loop {
        let now = clock.now().mono;
        if now >= end || one_turn && ble.has_listened() {
            scan.neighbours = ble.seen();
            return Ok(scan);
        }
        let wait = end.saturating_sub(now).min(if one_turn { TICK } else { limit });
        let Ok(report) = tokio::time::timeout(wait, ble.next()).await else { continue };
        match report? {
            Report::Facts(facts) => each(facts),
            Report::Channel(status) => {
                scan.channels.retain(|it| it.listener != status.listener);
                scan.channels.push(status);
            }
            Report::Broadcasts(_) | Report::End => {}
        }
    }
}

/// How late the end of a turn may be noticed.
const TICK: Duration = Duration::from_millis(200);
