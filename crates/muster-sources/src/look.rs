//! One look around: a source is heard out for a while, by whatever asks it to end.

use std::pin::pin;
use std::time::Duration;

use muster_core::fact::Fact;
use muster_core::ports::{ChannelStatus, Clock, Report, Source, SourceError};

/// Hears a source out for `limit` at the longest, or until `stop`; the last word on each channel. `turn` takes what came,
/// which may be nothing, at the monotonic time, and says whether it is over. That may go by unnoticed for
/// `tick`, because what ends a look wakes nobody.
pub(crate) async fn look<S: Source>(
    source: &mut S,
    clock: &dyn Clock,
    (limit, tick): (Duration, Duration),
    stop: impl Future<Output = ()>,
    mut turn: impl FnMut(&mut S, Duration, Vec<Fact>) -> bool,
) -> Result<Vec<ChannelStatus>, SourceError> {
    let mut channels: Vec<ChannelStatus> = Vec::new();
    let mut came = Vec::new();
    let mut stop = pin!(stop);
    let end = clock.now().mono + limit;
    loop {
        let now = clock.now().mono;
        if turn(source, now, std::mem::take(&mut came)) || now >= end {
            return Ok(channels);
        }
        let wait = end.saturating_sub(now).min(tick);
        let report = tokio::select! {
            () = &mut stop => return Ok(channels),
            it = tokio::time::timeout(wait, source.next()) => it,
        };
        let Ok(report) = report else { continue };
        match report? {
            Report::Facts(facts) => came = facts,
            Report::Channel(status) => {
                channels.retain(|it| it.listener != status.listener);
                channels.push(status);
            }
            // Kept by whoever shows them for longer than a look.
            Report::Broadcasts(_) => {}
            Report::End => return Ok(channels),
        }
    }
}
