//! What is said of an MQTT broker and of the messages there.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use muster_core::legible::is_legible;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Wrong, word};

text! {
    /// The path of a file.
    FilePath(Box<str>), |text| {
        let sound = !text.is_empty() && !text.contains('\0') && !text.starts_with('~');
        if sound { Ok(text.into()) } else { Err(Wrong::new(text, "the whole path of a file")) }
    }
}

text! {
    /// What somebody is called at another program: 1 to 128 characters that can be seen.
    Login(Box<str>), |text| word(text, 128, |_| true)
        .filter(|it| is_legible(it))
        .ok_or_else(|| Wrong::new(text, "a name of 1 to 128 characters that can be seen"))
}

text! {
    /// The beginning of MQTT topics, without a slash at its end.
    Topic(Box<str>), |text| word(text, 128, |it| !"#+{}".contains(it) && !it.is_control())
        .filter(|it| it.split('/').all(|level| !level.is_empty()))
        .ok_or_else(|| Wrong::new(text, "the beginning of topics, as in home or room-assistant/entity"))
}

text! {
    /// An MQTT topic in which a level is `{monitor}`.
    TopicPattern(Box<str>), |text| {
        let named = |name: &str| text.split('/').filter(|it| *it == name).count();
        let sound = |level: &str| {
            ["{monitor}", "{id}", "+"].contains(&level) || !level.contains(['#', '+', '{', '}'])
        };
        word(text, 256, |it| !it.is_control())
            .filter(|it| it.len() <= 256 && it.split('/').all(sound))
            .filter(|_| named("{monitor}") == 1 && named("{id}") <= 1)
            .ok_or_else(|| Wrong::new(text, "a topic with {monitor} as a level, as in ble/{monitor}/{id}"))
    }
}

text! {
    /// A place in JSON (RFC 6901).
    Pointer(Box<str>), |text| word(text, 256, |it| !it.is_control())
        .filter(|it| it.starts_with('/') && it.split('~').skip(1).all(|it| it.starts_with(['0', '1'])))
        .ok_or_else(|| Wrong::new(text, "a place in JSON, as in /mac or /device/rssi"))
}

as_str! { FilePath Login Topic TopicPattern Pointer }
