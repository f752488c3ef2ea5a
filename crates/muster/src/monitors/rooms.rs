//! What far monitors may ask for over HTTP: a token for a code, and to take an upload.
//!
//! Who asks is looked at before anything that was sent is; what was sent is read by `muster-wire`.
//! `docs/protocol.md` describes both. **Invariant:** a body is read only as far as it may be long, uploads
//! by [`AT_ONCE`] at a time, and each lane of a monitor has one under way.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use muster_core::directory::TokenHash;
use muster_core::uplink::{Lane, Reply, Upload};
use muster_web::EditRefused;
use muster_wire::batch::{self, BatchError};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::codes::Refused;
use super::{Admitted, Desk, NotAdmitted, hash};
use crate::runtime::Input;

/// All of them.
pub(super) fn rooms(desk: Desk) -> Router {
    let readers = Arc::new(Semaphore::new(AT_ONCE));
    let state = Rooms { desk, readers, reading: Lanes::default(), lanes: Lanes::default() };
    Router::new()
        .route("/monitor/v1/enrol", post(enrol))
        .route("/monitor/v1/upload", post(upload))
        .with_state(state)
}

#[derive(Clone)]
struct Rooms {
    desk: Desk,
    /// Who may read an upload.
    readers: Arc<Semaphore>,
    /// Whose uploads are being read: two of a token.
    reading: Lanes,
    /// On which lanes an upload is under way.
    lanes: Lanes,
}

/// What a monitor shows that has no token.
#[derive(Deserialize)]
struct Shown {
    code: String,
}

async fn enrol(State(rooms): State<Rooms>, body: Body) -> Response {
    // Waits for nobody's turn: whoever has no token must not keep those waiting who have one.
    let body = timeout(CODE_WITHIN, read(body, LONGEST_CODE)).await;
    let body = match body.unwrap_or(Err(NotRead::Slow)) {
        Ok(body) => body,
        Err(it) => return wrong(it.status(), &it.to_string(), "send the code as JSON"),
    };
    let Ok(Shown { code }) = serde_json::from_slice(&body) else {
        let what = "not understood: {\"code\": ...} is sent to enrol";
        return wrong(StatusCode::BAD_REQUEST, what, "use the same version on both sides");
    };
    match rooms.desk.admit(&code).await {
        Ok(Admitted { monitor, token, store }) => {
            let store = store.to_string();
            let body = json!({ "monitor": monitor, "token": *token, "store": store });
            (StatusCode::OK, axum::Json(body)).into_response()
        }
        Err(it) => {
            let (status, hint) = match it {
                NotAdmitted::Code(Refused::Wrong)
                | NotAdmitted::Unavailable(EditRefused::Wrong(_)) => {
                    (StatusCode::FORBIDDEN, "on the hub: muster monitor enrol NAME")
                }
                NotAdmitted::Code(Refused::TooMany) => {
                    (StatusCode::TOO_MANY_REQUESTS, "try again in a minute")
                }
                NotAdmitted::Unavailable(_) => {
                    (StatusCode::SERVICE_UNAVAILABLE, "try again in a moment")
                }
            };
            wrong(status, &it.to_string(), hint)
        }
    }
}

fn wrong(status: StatusCode, error: &str, hint: &str) -> Response {
    (status, axum::Json(json!({ "error": error, "hint": hint }))).into_response()
}

async fn upload(State(rooms): State<Rooms>, headers: HeaderMap, body: Body) -> Response {
    let Some(token) = bearer(&headers).filter(|it| rooms.desk.knows(it)) else {
        return said(&Reply::Unauthorised);
    };
    if headers.get(header::CONTENT_TYPE).is_none_or(|it| it != BATCH) {
        return said(&malformed(&format!("an upload is of the type {BATCH}")));
    }
    // One token does not keep all others waiting, however slowly it sends.
    let reading = [Lane::Live, Lane::Backlog];
    let Some(_reading) = reading.into_iter().find_map(|it| rooms.reading.take(token, it)) else {
        return said(&BUSY);
    };
    let upload = match taken_in(&rooms, body).await {
        Ok(it) => it,
        Err(NotRead::Slow) => return said(&BUSY),
        Err(it) => return with(it.status(), &malformed(&it.to_string())),
    };
    let Some(_lane) = rooms.lanes.take(token, upload.header.lane) else { return said(&BUSY) };
    let (answer, answered) = oneshot::channel();
    let asked = rooms.desk.0.inputs.send(Input::Upload { token, upload, answer }).await;
    let reply = match asked {
        Ok(()) => answered.await.unwrap_or(BUSY),
        Err(_) => BUSY,
    };
    said(&reply)
}

/// The hash of the token that a request shows.
fn bearer(headers: &HeaderMap) -> Option<TokenHash> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| hash(token.trim()))
}

/// Reads an upload, when it is its turn; the bytes that it came in are gone when this returns.
async fn taken_in(rooms: &Rooms, body: Body) -> Result<Upload, NotRead> {
    let whole = async {
        let _turn = rooms.readers.acquire().await;
        let bytes = read(body, batch::MAX_BYTES).await?;
        let read = spawn_blocking(move || batch::expand(&bytes).and_then(|it| batch::read(&it)));
        read.await.map_err(|_| NotRead::Slow)?.map_err(NotRead::Batch)
    };
    timeout(UPLOAD_WITHIN, whole).await.unwrap_or(Err(NotRead::Slow))
}

async fn read(body: Body, most: usize) -> Result<Bytes, NotRead> {
    match Limited::new(body, most).collect().await {
        Ok(it) => Ok(it.to_bytes()),
        Err(cause) if cause.is::<LengthLimitError>() => Err(NotRead::Large { most }),
        Err(_) => Err(NotRead::Broken),
    }
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
enum NotRead {
    #[error("it is longer than {most} bytes")]
    Large { most: usize },
    #[error("it ended too soon")]
    Broken,
    #[error("it took too long")]
    Slow,
    #[error(transparent)]
    Batch(BatchError),
}

impl NotRead {
    fn status(&self) -> StatusCode {
        match self {
            Self::Large { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken | Self::Batch(_) => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

fn malformed(why: &str) -> Reply {
    Reply::Malformed { why: why.into() }
}

/// A reply with the status that goes with it.
fn said(reply: &Reply) -> Response {
    let status = match reply {
        Reply::Taken(_) => StatusCode::OK,
        Reply::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Reply::OtherStore { .. } => StatusCode::CONFLICT,
        Reply::Unauthorised => StatusCode::UNAUTHORIZED,
        Reply::Malformed { .. } => StatusCode::BAD_REQUEST,
    };
    let mut answer = with(status, reply);
    if let Reply::Busy { after } = reply {
        let seconds = after.as_secs().max(1);
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn with(status: StatusCode, reply: &Reply) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, batch::write_reply(reply)).into_response()
}

/// Which lanes have an upload under way.
#[derive(Clone, Default)]
struct Lanes(Arc<Mutex<BTreeSet<(TokenHash, Lane)>>>);

impl Lanes {
    /// Takes a lane until what comes back is dropped; none: it is taken.
    fn take(&self, token: TokenHash, lane: Lane) -> Option<Taken> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.insert((token, lane)).then(|| Taken { lanes: self.clone(), token, lane })
    }
}

struct Taken {
    lanes: Lanes,
    token: TokenHash,
    lane: Lane,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut lanes = self.lanes.0.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.remove(&(self.token, self.lane));
    }
}

/// Uploads that are read at the same time: together with what they expand to, less than a hub on the
/// smallest machine has.
const AT_ONCE: usize = 8;
/// A code, a version, and room to spare.
const LONGEST_CODE: usize = 4 << 10;
/// Who shows a code has it at hand.
const CODE_WITHIN: Duration = Duration::from_secs(10);
/// Longer than a monitor waits for an answer.
const UPLOAD_WITHIN: Duration = Duration::from_mins(1);
/// Soon enough for a page that shows who is here.
const BUSY: Reply = Reply::Busy { after: Duration::from_secs(5) };
/// The type of an upload.
const BATCH: &str = "application/vnd.muster.batch";
