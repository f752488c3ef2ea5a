//! A format that somebody described: topics with named parts, and where in the JSON each value is.

use std::time::Duration;

use muster_core::identity::Identity;
use serde_json::Value;

use super::pattern::Pattern;
use super::who::{self, Kind, Who};
use super::{Heard, Malformed, Saying, What, json, online};

/// Where everything is. Pointers are those of RFC 6901; empty: nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Where receivers tell whom they hear.
    pub topic: Pattern,
    /// Where they tell whether they are online, as `online` and `offline`.
    pub status: Option<Pattern>,
    /// Where the id is, unless the topic names it.
    pub id: String,
    /// What it is.
    pub kind: IdKind,
    /// Where the signal is, dBm.
    pub rssi: String,
    /// Where the time is: RFC 3339, or seconds or milliseconds since 1970.
    pub time: String,
    /// Where the name is.
    pub name: String,
    /// How often their values are new.
    pub every: Duration,
}

/// What an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// Whatever it looks like: an address, a beacon, an id of `ESPresense`, a text.
    Any,
    /// An address that stays with its device.
    Address,
    /// A random address, of which the kind shows in its top bits.
    RandomAddress,
    /// A text that somebody gave it.
    Text,
}

impl Mapping {
    /// What to subscribe to.
    pub(super) fn filters(&self) -> Vec<String> {
        std::iter::once(&self.topic).chain(&self.status).map(Pattern::filter).collect()
    }

    /// What a message says.
    pub(super) fn read(&self, topic: &str, payload: &[u8]) -> Result<Vec<Saying>, Malformed> {
        if let Some(parts) = self.status.as_ref().and_then(|it| it.parts(topic)) {
            return Saying::one(parts.monitor, online(payload)?);
        }
        let Some(parts) = self.topic.parts(topic) else { return Ok(Vec::new()) };
        let message = Value::Object(json::object(payload)?);
        let at = |pointer: &str| {
            if pointer.is_empty() { None } else { message.pointer(pointer) }
        };
        let id = parts.id.or_else(|| at(&self.id)?.as_str()).ok_or(Malformed::Nobody)?;
        let Who { identities, label } = self.who(id);
        if identities.is_empty() && label.is_none() && self.kind != IdKind::Any {
            return Err(Malformed::Nobody);
        }
        let name = at(&self.name).and_then(Value::as_str);
        let heard = Heard {
            identities,
            label,
            name: name.and_then(|it| crate::text::clean(it.as_bytes())).map(Into::into),
            rssi: at(&self.rssi).and_then(json::signal),
            at: at(&self.time).and_then(json::time),
            every: self.every,
        };
        Saying::one(parts.monitor, What::Heard(heard))
    }

    fn who(&self, id: &str) -> Who {
        let address = |kind| {
            let found: Option<Identity> = who::address(id).and_then(|it| who::of_address(it, kind));
            Who { identities: found.into_iter().collect(), label: None }
        };
        match self.kind {
            IdKind::Any => who::of_id(id, None, Kind::Untold),
            IdKind::Address => address(Kind::Steady),
            IdKind::RandomAddress => address(Kind::Random),
            IdKind::Text => Who { identities: Vec::new(), label: who::label(id) },
        }
    }
}
