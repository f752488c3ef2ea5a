//! The source itself: waits for the broker and for time, and reports what came of it.
//!
//! All state is in [`Mqtt`] and its memory, so the future of `next` can be dropped at any time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use muster_config::mqtt::MqttSettings;
use muster_core::fact::Fact;
use muster_core::ports::{BoxError, BoxFuture, Clock, Report, Source, SourceError};
use muster_core::snapshot::Interest;

use super::link::{Arrival, MqttLink, Network};
use super::receivers::{Memory, Rules};

/// Receivers at an MQTT broker as a source: one channel each, and one for the connection.
#[derive(Debug)]
pub struct Mqtt {
    link: Box<dyn MqttLink>,
    rules: Rules,
    memory: Memory,
    clock: Arc<dyn Clock>,
    /// When time is looked at next.
    tick: Duration,
    facts: Vec<Fact>,
    ready: VecDeque<Report>,
    /// Why the connection ended, to be told behind what came before.
    ended: Option<SourceError>,
}

impl Mqtt {
    /// Begins to connect. Call it inside a tokio runtime.
    pub fn open(
        settings: &MqttSettings,
        monitor: &str,
        memory: Memory,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let unusable = |cause| SourceError::Unusable {
            what: "sources.mqtt.mappings".to_owned(),
            cause: BoxError::from(cause),
        };
        let rules = Rules::of(settings, monitor).map_err(unusable)?;
        let client = settings.client_id.as_ref().map(ToString::to_string);
        let client = client.unwrap_or_else(|| format!("muster-{monitor}"));
        let link = Network::open(settings, &client, rules.filters())?;
        let (facts, ready) = (Vec::new(), VecDeque::new());
        let link = Box::new(link);
        Ok(Self { link, rules, memory, clock, tick: Duration::ZERO, facts, ready, ended: None })
    }

    async fn next_report(&mut self) -> Result<Report, SourceError> {
        loop {
            if let Some(report) = self.ready.pop_front() {
                return Ok(report);
            }
            if let Some(error) = self.ended.take() {
                return Err(error);
            }
            let wait = self.tick.saturating_sub(self.clock.now().mono).min(TICK);
            tokio::select! {
                arrival = self.link.next() => self.take(arrival),
                () = tokio::time::sleep(wait) => {}
            }
            self.act();
        }
    }

    /// Takes what came, and what else is there.
    fn take(&mut self, first: Result<Arrival, SourceError>) {
        let mut next = Some(first);
        for more in (0..AT_ONCE).rev() {
            match next.take() {
                Some(Ok(Arrival::Connected)) => {
                    self.memory.lock().connected();
                    self.tick = Duration::ZERO;
                }
                Some(Ok(Arrival::Message(it))) => {
                    let now = self.clock.now();
                    self.memory.lock().take(&it, &self.rules, now, &mut self.facts);
                }
                Some(Err(error)) => {
                    self.memory.lock().disconnected(&mut self.facts);
                    self.ended = Some(error);
                    return;
                }
                None => return,
            }
            if more > 0 {
                next = self.link.next().now_or_never();
            }
        }
    }

    fn act(&mut self) {
        let now = self.clock.now();
        let mut receivers = self.memory.lock();
        let is_due = self.tick <= now.mono;
        if is_due {
            self.tick = now.mono + TICK;
            receivers.tick(now, &mut self.facts);
        }
        if !self.facts.is_empty() {
            self.ready.push_back(Report::Facts(std::mem::take(&mut self.facts)));
        }
        if is_due {
            self.ready.extend(receivers.news(&self.rules).into_iter().map(Report::Channel));
        }
    }
}

impl Source for Mqtt {
    fn next(&mut self) -> BoxFuture<'_, Result<Report, SourceError>> {
        Box::pin(self.next_report())
    }

    /// Receivers cannot be asked to look for anybody.
    fn set_interest(&mut self, _: &[Interest]) {}
}

/// How often coverage is told and what can be heard is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Messages that become one report.
const AT_ONCE: usize = 256;
