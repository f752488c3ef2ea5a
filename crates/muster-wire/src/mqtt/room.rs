//! Home Assistant's `mqtt_room`: `BASE/ROOM` with `id`, perhaps `name` and `distance`.
//!
//! Many programs speak it (`ESPresense`, room-assistant, happy-bubbles, `OpenMQTTGateway`), each with ids
//! of its own; the distance is theirs, smoothed as they like.

use std::time::Duration;

use super::who::{self, Kind};
use super::{Heard, Malformed, Saying, What, json};

/// What a message says.
pub(super) fn read(base: &str, topic: &str, payload: &[u8]) -> Result<Vec<Saying>, Malformed> {
    let room = topic.strip_prefix(base).and_then(|it| it.strip_prefix('/'));
    let Some(room) = room.filter(|it| !it.contains('/')) else { return Ok(Vec::new()) };
    let object = json::object(payload)?;
    if json::text(&object, "presence") == Some("absent") {
        return Ok(Vec::new());
    }
    let id = json::text(&object, "id").ok_or(Malformed::Nobody)?;
    let mac = json::text(&object, "mac").and_then(who::address);
    let who = who::of_id(id, mac, Kind::Untold);
    let heard = Heard {
        identities: who.identities,
        label: who.label,
        name: json::name(&object),
        rssi: object.get("rssi").and_then(json::signal),
        distance: object.get("distance").and_then(json::metres),
        at: None,
        // It sends again after 5 s at the latest (Home Assistant, `mqtt_room`, `timeout`).
        every: Duration::from_secs(5),
    };
    Saying::one(room, What::Heard(heard))
}
