//! Devices that people add: by an identity, or by a key, which only the hub's socket takes, because it is
//! not shown to a network.

use axum::extract::State;
use axum::http::StatusCode;
use muster_core::directory::Edit;
use muster_core::identity::{Identity, InvalidIdentity, TextKind};
use muster_wire::bluetooth::key::Irk;
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::devices::Device;
use super::{Routes, Versioned, edit, versioned};
use crate::app::App;
use crate::extract::{Expected, Sent};
use crate::guard::Guard;
use crate::problem::Problem;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.post("/api/v1/devices", write)
}

/// A device to be known by an identity, or by its key: one of both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDevice {
    /// Its identity, as in `mac:b8:27:eb:01:02:03`, whether it was ever heard or not.
    #[serde(default)]
    identity: Option<String>,
    /// Its identity resolving key: 32 hexadecimal digits, in either order of octets. No answer ever
    /// holds it.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    irk: Option<Key>,
    /// What to call it; empty: the name that it has, if it has one.
    #[serde(default)]
    name: String,
}

#[derive(Debug)]
struct Key(Irk);

impl<'de> Deserialize<'de> for Key {
    /// Repeats nothing of what was sent.
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("a key has 32 hexadecimal digits");
        let digits = Zeroizing::new(String::deserialize(from).map_err(|_: D::Error| wrong())?);
        Irk::read(digits.as_bytes()).map(Self).ok_or_else(wrong)
    }
}

/// Know a device by an identity; or by its identity resolving key, whatever address it has. A key is
/// taken over the hub's socket only.
#[utoipa::path(post, path = "/api/v1/devices", tag = "devices", request_body = NewDevice,
    responses((status = 201, body = Device)))]
pub(crate) async fn write(
    State(app): State<App>,
    Expected(expect): Expected,
    Sent(NewDevice { identity, irk, name }): Sent<NewDevice>,
) -> Result<(StatusCode, Versioned<Device>), Problem> {
    let (identity, irk): (Identity, _) = match (identity, irk) {
        (Some(text), None) => {
            let wrong = |it: InvalidIdentity| Problem::wrong(it.to_string());
            let identity: Identity = text.parse().map_err(wrong)?;
            if matches!(identity, Identity::Text(TextKind::Irk, _)) {
                let detail = "who has a key is known by that alone, not by what is shown of it";
                return Err(Problem::wrong(detail.to_owned()).hint(BY_KEY));
            }
            (identity, None)
        }
        (None, Some(Key(irk))) => {
            check(&app, &irk)?;
            (irk.id().identity(), Some(irk))
        }
        (None, None) | (Some(_), Some(_)) => {
            let detail = "a device is added by one of `identity` and `irk`";
            return Err(Problem::wrong(detail.to_owned())
                .hint("as in {\"identity\": \"mac:b8:27:eb:01:02:03\"}"));
        }
    };
    let added = Edit::AddDevice { identity: identity.clone(), name };
    let version = edit(&app, added, expect, |_| None).await?.version;
    if let Some(irk) = irk {
        app.hub.keep_key(irk).await?;
    }
    let snapshot = app.snapshot();
    let is_it = |it: &&muster_core::snapshot::DeviceView| {
        it.identities.iter().any(|(_, mine)| *mine == identity)
    };
    let found = snapshot.devices.iter().find(is_it);
    let view = found.ok_or_else(|| Problem::missing("device", &identity.to_string()))?;
    Ok((StatusCode::CREATED, versioned(version, Device::of(&snapshot, view))))
}

/// Refuses a key that came over a network, and that of nobody.
fn check(app: &App, irk: &Irk) -> Result<(), Problem> {
    if app.guard != Guard::Socket {
        return Err(
            Problem::new(StatusCode::FORBIDDEN, "keys are not taken over the network").hint(BY_KEY)
        );
    }
    if irk.is_null() {
        let detail = "this key is all zeros: the device does not hide its address";
        return Err(
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).hint("add it by its address")
        );
    }
    Ok(())
}

const BY_KEY: &str = "run `muster device add --irk-file FILE` on the hub's machine";
