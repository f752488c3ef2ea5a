//! `OpenMQTTGateway` and Theengs Gateway: `BASE/GATEWAY/BTtoMQTT/ADDRESS`, `LWT` and `SYStoMQTT`.
//!
//! What they pass on undecoded (`manufacturerdata`, `servicedata`) is read as the advertisement that it
//! was, so that a beacon or a tag in it has the same identity as at an adapter of this machine.

use std::time::Duration;

use muster_core::identity::{Identity, TextKind};
use serde_json::{Map, Value};

use super::who::{self, Kind};
use super::{Heard, Malformed, Saying, What, json, online};
use crate::bluetooth::advertisement::Advertisement;
use crate::bluetooth::identify::identify;
use crate::bluetooth::tag::TagRules;

/// What to subscribe to below the base and any gateway.
pub(super) const TAILS: [&str; 3] = ["BTtoMQTT/#", "LWT", "SYStoMQTT"];

/// What a message says.
pub(super) fn read(base: &str, topic: &str, payload: &[u8]) -> Result<Vec<Saying>, Malformed> {
    let Some(rest) = topic.strip_prefix(base).and_then(|it| it.strip_prefix('/')) else {
        return Ok(Vec::new());
    };
    let Some((monitor, tail)) = rest.split_once('/') else { return Ok(Vec::new()) };
    match tail {
        "LWT" => Saying::one(monitor, online(payload)?),
        // It tells of the gateway, and nothing of its radio.
        "SYStoMQTT" => Saying::one(monitor, What::Works { adverts: None }),
        "BTtoMQTT" => device("", monitor, payload),
        _ => match tail.strip_prefix("BTtoMQTT/") {
            Some(id) => device(id, monitor, payload),
            None => Ok(Vec::new()),
        },
    }
}

fn device(topic: &str, monitor: &str, payload: &[u8]) -> Result<Vec<Saying>, Malformed> {
    let object = json::object(payload)?;
    if json::text(&object, "presence") == Some("absent") {
        return Ok(Vec::new());
    }
    let told = ["mac", "id"].into_iter().filter_map(|it| json::text(&object, it));
    let mac = told.chain([topic]).find_map(who::address);
    let kind = match object.get("mac_type").and_then(Value::as_u64) {
        Some(0) => Kind::Steady,
        Some(_) => Kind::Random,
        // An address in place of a private one, by a key that the gateway has.
        None if object.contains_key("prmac") => Kind::Steady,
        None => Kind::Untold,
    };
    let mut identities: Vec<Identity> =
        mac.and_then(|it| who::of_address(it, kind)).into_iter().collect();
    identities.extend(beacon(&object));
    let data = advertised(&object);
    identify(&Advertisement::bare(&data), &TagRules::default(), &mut |id| {
        let found = id.to_identity().filter(|it| !is_name(it) && !identities.contains(it));
        identities.extend(found);
    });
    if identities.is_empty() {
        return Err(Malformed::Nobody);
    }
    let heard = Heard {
        identities,
        label: None,
        name: json::name(&object),
        rssi: object.get("rssi").and_then(json::signal),
        at: None,
        every: Duration::ZERO,
    };
    Saying::one(monitor, What::Heard(heard))
}

/// An iBeacon that the gateway decoded.
fn beacon(object: &Map<String, Value>) -> Option<Identity> {
    let number = |key: &str| {
        let value = object.get(key)?;
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        u16::try_from(number).ok()
    };
    let text = who::numbered(json::text(object, "uuid")?, number("major")?, number("minor")?)?;
    Some(Identity::Text(TextKind::Ibeacon, text))
}

/// The structures that were advertised, as far as they are told.
fn advertised(object: &Map<String, Value>) -> Vec<u8> {
    let mut data = Vec::new();
    let mut push = |kind: u8, parts: [&[u8]; 2]| {
        let length = 1 + parts.iter().map(|it| it.len()).sum::<usize>();
        if let Ok(length) = u8::try_from(length) {
            data.extend([length, kind]);
            data.extend(parts.concat());
        }
    };
    // Assigned Numbers, 2.3: manufacturer data, complete name, service data behind a UUID of 16 bits.
    if let Some(it) = json::text(object, "manufacturerdata").and_then(who::octets) {
        push(0xff, [&it, &[]]);
    }
    if let Some(it) = json::text(object, "name") {
        push(0x09, [it.as_bytes(), &[]]);
    }
    let service = json::text(object, "servicedatauuid").map(|it| it.trim_start_matches("0x"));
    let service = service.filter(|it| it.len() == 4).and_then(who::octets);
    let of_service = json::text(object, "servicedata").and_then(who::octets);
    if let (Some(mut service), Some(it)) = (service, of_service) {
        service.reverse();
        push(0x16, [&service, &it]);
    }
    data
}

const fn is_name(it: &Identity) -> bool {
    matches!(it, Identity::Text(TextKind::Name, _))
}
