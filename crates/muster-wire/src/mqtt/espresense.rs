//! `ESPresense`: `espresense/devices/ID/RECEIVER`, `espresense/rooms/RECEIVER/status` and `telemetry`.
//!
//! The signal is an average of the last 15 s (`AdaptivePercentileRSSI.h`), told at most every
//! 5 s unless the device moved.

use std::time::Duration;

use serde_json::Value;

use super::who::Kind;
use super::{Heard, Malformed, Saying, What, json, online};

/// What to subscribe to.
pub(super) const FILTERS: [&str; 3] =
    ["espresense/devices/+/+", "espresense/rooms/+/status", "espresense/rooms/+/telemetry"];

/// What a message says.
pub(super) fn read(topic: &str, payload: &[u8]) -> Result<Vec<Saying>, Malformed> {
    let mut levels = topic.split('/');
    let mut next = || levels.next().unwrap_or_default();
    match (next(), next(), next(), next(), levels.next()) {
        ("espresense", "devices", id, monitor, None) => device(id, monitor, payload),
        ("espresense", "rooms", monitor, "status", None) => Saying::one(monitor, online(payload)?),
        ("espresense", "rooms", monitor, "telemetry", None) => {
            let adverts = json::object(payload)?.get("adverts").and_then(Value::as_u64);
            Saying::one(monitor, What::Works { adverts })
        }
        _ => Ok(Vec::new()),
    }
}

fn device(topic: &str, monitor: &str, payload: &[u8]) -> Result<Vec<Saying>, Malformed> {
    let object = json::object(payload)?;
    let id = json::text(&object, "id").unwrap_or(topic);
    if id.is_empty() {
        return Err(Malformed::Nobody);
    }
    let heard = Heard::of_id(&object, id, Kind::Steady, Duration::from_secs(5));
    Saying::one(monitor, What::Heard(heard))
}
