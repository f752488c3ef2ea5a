//! Backups while running: only over the hub's socket, because the file is written on its machine.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_core::ports::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Routes;
use crate::app::App;
use crate::extract::Sent;
use crate::guard::Guard;
use crate::problem::Problem;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.post("/api/v1/backup", write)
}

/// Where to write it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backup {
    /// A new file, by absolute path on the hub's machine.
    to: String,
}

/// A backup that was written and verified.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Written {
    /// The file.
    to: String,
}

/// Write a verified copy of the store. Over the hub's socket only.
#[utoipa::path(post, path = "/api/v1/backup", tag = "upkeep", request_body = Backup,
    responses((status = 201, body = Written)))]
pub(crate) async fn write(
    State(app): State<App>,
    Sent(Backup { to }): Sent<Backup>,
) -> Result<(StatusCode, Json<Written>), Problem> {
    if app.guard != Guard::Socket {
        return Err(Problem::new(StatusCode::FORBIDDEN, "backups are not made over the network")
            .hint("run `muster backup FILE` on the hub's machine"));
    }
    let path = PathBuf::from(&to);
    if !path.is_absolute() {
        return Err(Problem::wrong(format!("the file needs its absolute path: {to}")));
    }
    app.hub.store().backup(&path).await.map_err(unwritten)?;
    Ok((StatusCode::CREATED, Json(Written { to })))
}

/// The store is well: it is the other file that cannot be written.
fn unwritten(error: StoreError) -> Problem {
    match &error {
        StoreError::Unavailable { what, .. } => {
            let detail = format!("the backup cannot be written: {what}");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
                .hint("choose a file in a folder that exists and has room")
        }
        StoreError::Newer { .. } | StoreError::Damaged { .. } | StoreError::Refused { .. } => {
            error.into()
        }
    }
}
