//! One look around: the same source, for a while or for one turn of every adapter.

use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::Fact;
use muster_core::ports::{ChannelStatus, Clock, SourceError};

use super::seen::Neighbour;
use super::source::Ble;
use crate::adapters;
use crate::look::look;

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

/// Looks around once, or until `stop`; not at all where there is no adapter and none is named. `each` takes everything
/// noticed, in order: whoever wants none keeps none, however long it lasts.
pub async fn scan(
    mut ble: Ble,
    clock: &Arc<dyn Clock>,
    length: Length,
    stop: impl Future<Output = ()>,
    mut each: impl FnMut(Vec<Fact>),
) -> Result<Scan, SourceError> {
    let (limit, one_turn) = match length {
        Length::For(limit) => (limit, false),
        Length::OneTurn { limit } => (limit, true),
    };
    if ble.names_none() && adapters::present().is_empty() {
        return Ok(Scan::default());
    }
    ble.keep_seen();
    let tick = if one_turn { TICK } else { limit };
    let channels = look(&mut ble, &**clock, (limit, tick), stop, |ble, _, facts| {
        each(facts);
        one_turn && ble.has_listened()
    })
    .await?;
    Ok(Scan { channels, neighbours: ble.seen() })
}

/// How late the end of a turn may be noticed.
const TICK: Duration = Duration::from_millis(200);
