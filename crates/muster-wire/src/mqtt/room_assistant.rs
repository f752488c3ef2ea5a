//! room-assistant's MQTT integration: `BASE/INSTANCE/bluetooth-low-energy-presence-sensor/ID`.
//!
//! Every instance tells what all of them know, so a message is evidence only for the rooms that its
//! `diff` says were measured anew; one without a `diff` repeats what was said before.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::who::{self, Kind};
use super::{Heard, Malformed, Saying, What, json};

/// The kind of entity that is read.
pub(super) const KIND: &str = "bluetooth-low-energy-presence-sensor";

/// What a message says.
pub(super) fn read(base: &str, topic: &str, payload: &[u8]) -> Result<Vec<Saying>, Malformed> {
    let Some(rest) = topic.strip_prefix(base).and_then(|it| it.strip_prefix('/')) else {
        return Ok(Vec::new());
    };
    let levels: Vec<&str> = rest.split('/').collect();
    let [_, KIND, id] = levels.as_slice() else { return Ok(Vec::new()) };
    let message = json::object(payload)?;
    let entity = message.get("entity").and_then(Value::as_object).ok_or(Malformed::Nobody)?;
    let id = json::text(entity, "id").unwrap_or(id);
    let who = who::of_id(id.strip_prefix("ble-").unwrap_or(id), None, Kind::Untold);
    let mut out = Vec::new();
    for room in measured(&message) {
        let distance = entry(entity, "distances", &room);
        if distance.and_then(|it| it.get("outOfRange")).and_then(Value::as_bool) == Some(true) {
            continue;
        }
        let measure = entry(entity, "measuredValues", &room);
        let heard = Heard {
            identities: who.identities.clone(),
            label: who.label.clone(),
            name: None,
            rssi: measure.and_then(|it| it.get("rssi")).and_then(json::signal),
            at: distance.and_then(|it| it.get("lastUpdatedAt")).and_then(json::time),
            // A Kalman filter without an end; it updates every second.
            every: Duration::from_secs(5),
        };
        out.push(Saying::new(&room, What::Heard(heard))?);
    }
    Ok(out)
}

/// The rooms that measured anew.
fn measured(message: &Map<String, Value>) -> BTreeSet<String> {
    let changes = message.get("diff").and_then(Value::as_array).into_iter().flatten();
    let paths = changes.filter_map(|it| it.get("path")?.as_str());
    let rooms = paths.filter_map(|it| it.strip_prefix("/distances/")?.split('/').next());
    // RFC 6901, 4.
    let rooms =
        rooms.filter(|it| !it.is_empty()).map(|it| it.replace("~1", "/").replace("~0", "~"));
    rooms.take(MOST_ROOMS).collect()
}

fn entry<'a>(entity: &'a Map<String, Value>, table: &str, room: &str) -> Option<&'a Value> {
    entity.get(table)?.get(room)
}

/// More rooms do not fit into a message.
const MOST_ROOMS: usize = 64;
