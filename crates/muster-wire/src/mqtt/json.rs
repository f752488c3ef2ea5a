//! Values out of objects that anybody may have written.

use muster_core::time::Time;
use serde_json::{Map, Value};

use super::Malformed;
use crate::text::clean;

/// An object, or why not.
pub(super) fn object(payload: &[u8]) -> Result<Map<String, Value>, Malformed> {
    match serde_json::from_slice(payload) {
        Ok(Value::Object(it)) => Ok(it),
        Ok(_) | Err(_) => Err(Malformed::Json),
    }
}

/// A text that is not empty.
pub(super) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|it| !it.is_empty())
}

/// What something calls itself, fit to be shown.
pub(super) fn name(object: &Map<String, Value>) -> Option<Box<str>> {
    clean(text(object, "name")?.as_bytes()).map(Into::into)
}

/// A signal in dBm, rounded; none if no receiver has such a one.
pub(super) fn signal(value: &Value) -> Option<i8> {
    let dbm = number(value)?.round();
    // Core Specification, Vol 4, Part E, 7.7.65.2: -127 to 20 dBm.
    #[expect(clippy::cast_possible_truncation, reason = "it is in range by then")]
    (-127.0..=20.0).contains(&dbm).then_some(dbm as i8)
}

/// A time: RFC 3339, or seconds or milliseconds since 1970.
pub(super) fn time(value: &Value) -> Option<Time> {
    if let Some(text) = value.as_str() {
        return text.parse().ok();
    }
    let given = number(value).filter(|it| (0.0..1e14).contains(it))?;
    // Seconds reach 1e11 in the year 5138, milliseconds reached it in 1973.
    let micros = if given < 1e11 { given * 1e6 } else { given * 1e3 };
    #[expect(clippy::cast_possible_truncation, reason = "it is in range by then")]
    Some(Time::from_micros(micros as i64))
}

/// A number, perhaps written as a text.
fn number(value: &Value) -> Option<f64> {
    let given = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    given.filter(|it| it.is_finite())
}
