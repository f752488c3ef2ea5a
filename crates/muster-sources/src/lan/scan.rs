//! One look around: the same source, for a while or until everybody was asked.

use std::sync::Arc;
use std::time::Duration;

use muster_config::lan::LanSettings;
use muster_core::fact::Fact;
use muster_core::ports::{ChannelStatus, Clock, SourceError};

use super::source::Lan;
use crate::look::look;

/// What one look around brought.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Everything noticed, in order.
    pub facts: Vec<Fact>,
    /// What could be heard and what not: the last word on each channel.
    pub channels: Vec<ChannelStatus>,
    /// Whether every range was asked to the end; if not, it ended before.
    pub closed: bool,
}

/// How long to look around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// For the whole of this time, to hear who sends something by itself too.
    For(Duration),
    /// Until everybody has been asked and had time to answer, but no longer than this.
    UntilAsked {
        /// The longest it may take.
        limit: Duration,
    },
}

/// Looks around once, or until `stop`.
pub async fn scan(
    settings: LanSettings,
    monitor: &str,
    clock: Arc<dyn Clock>,
    length: Length,
    stop: impl Future<Output = ()>,
) -> Result<Scan, SourceError> {
    let (limit, until_closed) = match length {
        Length::For(limit) => (limit, false),
        Length::UntilAsked { limit } => (limit, true),
    };
    let mut lan = Lan::open(settings, monitor, Arc::clone(&clock))?;
    // While nobody answers nothing is reported, and the end of the last round goes by unseen.
    let tick = if until_closed { TICK } else { limit };
    let mut scan = Scan::default();
    scan.channels = look(&mut lan, &*clock, (limit, tick), stop, |lan, now, facts| {
        scan.facts.extend(facts);
        scan.closed = lan.is_closed(now);
        scan.closed && until_closed
    })
    .await?;
    Ok(scan)
}

/// How late the end of a scan may be noticed.
const TICK: Duration = Duration::from_millis(20);
