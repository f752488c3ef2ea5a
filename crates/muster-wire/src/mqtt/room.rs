//! Home Assistant's `mqtt_room`: `BASE/ROOM` with `id`, perhaps `name`.
//!
//! Many programs speak it (`ESPresense`, room-assistant, happy-bubbles, `OpenMQTTGateway`), each with ids
//! of its own. The distance that it is made for is not read: each smooths it as it likes.

use std::time::Duration;

use super::who::Kind;
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
    // It sends again after 5 s at the latest (Home Assistant, `mqtt_room`, `timeout`).
    let heard = Heard::of_id(&object, id, Kind::Untold, Duration::from_secs(5));
    Saying::one(room, What::Heard(heard))
}
