//! One look around: an inquiry, and a question to everybody who is known.

use std::sync::Arc;
use std::time::Duration;

use muster_config::classic::ClassicSettings;
use muster_core::fact::{Fact, FactBody, Listener, Sighting};
use muster_core::identity::Identity;
use muster_core::ports::{ChannelStatus, Clock, SourceError};

use super::channel::Found;
use super::source::Classic;
use crate::adapters;
use crate::look::look;

/// What one look around brought.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Everything noticed, in order.
    pub facts: Vec<Fact>,
    /// What inquiries found, and by which adapter, in order.
    pub found: Vec<(Arc<Listener>, Found)>,
    /// What could be heard and what not: the last word on each adapter.
    pub channels: Vec<ChannelStatus>,
    /// Whether everybody was asked and looked for; if not, it ended before.
    pub closed: bool,
}

/// Looks around once, for `limit` at the longest, or until `stop`; with `until_closed` only until everybody
/// was asked and an inquiry has ended. Not at all where there is no adapter and none is named.
pub async fn scan(
    settings: ClassicSettings,
    monitor: &str,
    clock: Arc<dyn Clock>,
    limit: Duration,
    until_closed: bool,
    stop: impl Future<Output = ()>,
) -> Result<Scan, SourceError> {
    if settings.adapters.is_empty() && adapters::present().is_empty() {
        return Ok(Scan::default());
    }
    let mut classic = Classic::open(settings, monitor, Arc::clone(&clock));
    let mut scan = Scan::default();
    scan.channels = look(&mut classic, &*clock, (limit, TICK), stop, |classic, _, facts| {
        scan.facts.extend(facts);
        for (listener, it) in classic.take_found() {
            let (identity, at, rssi) = (Identity::Bt(it.mac), it.at, it.rssi);
            let body = FactBody::Sighting(Sighting { identity, at, rssi });
            scan.facts.push(Fact { listener: Arc::clone(&listener), body });
            scan.found.push((listener, it));
        }
        scan.closed = classic.is_through();
        scan.closed && until_closed
    })
    .await?;
    Ok(scan)
}

/// How late the end of a scan may be noticed: what is found wakes nobody.
const TICK: Duration = Duration::from_millis(100);
