//! What a monitor says to its hub over HTTP: uploads, and once that it wants to be let in.
//!
//! Each lane has a connection of its own, so that what is just noticed never waits behind what was kept.

use std::fmt;
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, StatusCode};
use muster_core::ports::BoxError;
use muster_core::relay::Relay;
use muster_core::uplink::{Health, Lane, Reply, StoreId, Upload};
use muster_wire::batch;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::address::HubAddress;
use crate::line::Line;
use crate::trust::{self, Pin};

#[cfg(test)]
pub(crate) mod tests;

/// The way to one hub.
#[derive(Debug)]
pub struct Hub {
    token: Token,
    live: Mutex<Line>,
    backlog: Mutex<Line>,
}

impl Hub {
    /// With what a monitor was given when it was let in; connects to nobody yet.
    pub fn new(address: &HubAddress, pin: Option<Pin>, token: Token) -> Result<Self, Unreached> {
        let tls = secrecy(address, pin)?;
        let line = || Mutex::new(Line::new(address.clone(), tls.clone()));
        Ok(Self { token, live: line(), backlog: line() })
    }

    /// Uploads, and waits for the reply for [`Relay::ANSWER_WITHIN`].
    pub async fn upload(&self, upload: Upload) -> Result<Reply, Unreached> {
        let line = match upload.header.lane {
            Lane::Live => &self.live,
            Lane::Backlog => &self.backlog,
        };
        let asking = async {
            let bytes =
                tokio::task::spawn_blocking(move || batch::compress(&batch::write(&upload)));
            let bytes = bytes.await.map_err(|it| Unreached::Broken { cause: it.into() })?;
            let mut request = post("/monitor/v1/upload", BATCH, bytes.into());
            let token = HeaderValue::from_str(&format!("Bearer {}", self.token.0));
            let mut token = token.map_err(|it| Unreached::Broken { cause: it.into() })?;
            token.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, token);
            let (status, body) = line.lock().await.ask(request).await?;
            replied(status, &body)
        };
        tokio::time::timeout(Relay::ANSWER_WITHIN, asking).await.unwrap_or(Err(Unreached::Late))
    }
}

/// Asks a hub to let this monitor in, with the one-time code that it showed.
pub async fn enrol(
    address: &HubAddress,
    pin: Option<Pin>,
    code: &str,
    version: &str,
) -> Result<Welcome, Unreached> {
    let mut line = Line::new(address.clone(), secrecy(address, pin)?);
    let body = serde_json::to_vec(&Asking { code, version });
    let body = body.map_err(|it| Unreached::Broken { cause: it.into() })?;
    let asking = line.ask(post("/monitor/v1/enrol", JSON, body.into()));
    let asked = tokio::time::timeout(Relay::ANSWER_WITHIN, asking).await;
    let (status, body) = asked.unwrap_or(Err(Unreached::Late))?;
    if status == StatusCode::OK {
        let given: Given = serde_json::from_slice(&body).map_err(|_| Unreached::foreign(status))?;
        return given.welcome().ok_or(Unreached::foreign(status));
    }
    let problem: Problem = serde_json::from_slice(&body).map_err(|_| Unreached::foreign(status))?;
    let line = |it: &str| Health::line(it, Health::MAX_ERROR);
    Err(Unreached::Refused { why: line(&problem.error), hint: problem.hint.map(|it| line(&it)) })
}

/// A monitor that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// What the hub calls it.
    pub monitor: Box<str>,
    /// By what the hub knows it from then on.
    pub token: Token,
    /// The hub's store.
    pub store: StoreId,
}

/// By what a hub knows a monitor; shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

impl Token {
    /// As it is written: 32 bytes in base64url.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == TOKEN).then(|| Self(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Why a hub was not reached, in the words of whoever set the monitor up. Nothing was taken, as far as
/// is known.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    /// There is no connection.
    #[error("nobody answers there")]
    Nobody {
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It takes too long.
    #[error("it does not answer in time")]
    Late,
    /// The connection ended before the answer.
    #[error("the connection broke")]
    Broken {
        /// What the library said.
        #[source]
        cause: BoxError,
    },
    /// Whoever answers has another key than the pinned one.
    #[error("it is not the hub that let this monitor in: its key is another than the pinned one")]
    OtherKey,
    /// Its certificate was good once.
    #[error("its certificate has expired, by the clock of this machine")]
    Expired,
    /// Its certificate will be good.
    #[error("its certificate is not valid yet, by the clock of this machine")]
    NotYetValid,
    /// Nobody vouches for it.
    #[error("nobody whom this machine trusts vouches for its certificate")]
    Untrusted {
        /// What the library said.
        #[source]
        cause: BoxError,
    },
    /// Somebody else is there, or something in between answers.
    #[error("what answers there is no hub{}", shown(*.status))]
    NotAHub {
        /// The status of its answer, if it was one.
        status: Option<u16>,
    },
    /// The hub does not let it in.
    #[error("the hub refuses: {why}")]
    Refused {
        /// Why, as the hub says it.
        why: Box<str>,
        /// What to do about it, as the hub says it.
        hint: Option<Box<str>>,
    },
}

impl Unreached {
    /// What to do about it, where something helps.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Nobody { .. } => Some(
                "look whether the hub runs, and has this address still: muster monitor --hub URL",
            ),
            Self::OtherKey => {
                Some("if the hub was set up anew, type there: muster monitor enrol NAME")
            }
            Self::Expired | Self::NotYetValid => {
                Some("set this machine's clock, or renew the certificate")
            }
            Self::Untrusted { .. } => {
                Some("give the hub's key, as the hub shows it, with --pin PIN")
            }
            Self::NotAHub { .. } => {
                Some("give the address on which the hub waits for monitors, as in https://hub:8129")
            }
            Self::Late | Self::Broken { .. } | Self::Refused { .. } => None,
        }
    }

    fn foreign(status: StatusCode) -> Self {
        Self::NotAHub { status: Some(status.as_u16()) }
    }
}

fn shown(status: Option<u16>) -> String {
    status.map_or_else(String::new, |it| format!(" (status {it})"))
}

fn secrecy(
    address: &HubAddress,
    pin: Option<Pin>,
) -> Result<Option<Arc<rustls::ClientConfig>>, Unreached> {
    let config = || trust::configuration(pin).map_err(|it| Unreached::Broken { cause: it.into() });
    address.is_secret().then(|| config().map(Arc::new)).transpose()
}

fn post(path: &'static str, kind: &'static str, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = hyper::Uri::from_static(path);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    request
}

/// The hub's reply: what its body says. Statuses alone may come from anything in between.
fn replied(status: StatusCode, body: &[u8]) -> Result<Reply, Unreached> {
    let text = std::str::from_utf8(body).map_err(|_| Unreached::foreign(status))?;
    batch::read_reply(text).map_err(|_| Unreached::foreign(status))
}

#[derive(Serialize)]
struct Asking<'a> {
    code: &'a str,
    version: &'a str,
}

#[derive(Deserialize)]
struct Given {
    monitor: String,
    token: String,
    store: String,
}

impl Given {
    fn welcome(self) -> Option<Welcome> {
        let monitor = Some(self.monitor.into_boxed_str()).filter(|it| is_name(it))?;
        Some(Welcome { monitor, token: Token::read(&self.token)?, store: store_id(&self.store)? })
    }
}

/// Whether a header may carry it.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// A store's number, of 32 hexadecimal digits.
pub(crate) fn store_id(text: &str) -> Option<StoreId> {
    let is_hex = text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit());
    u128::from_str_radix(text, 16).ok().filter(|_| is_hex).map(StoreId)
}

#[derive(Deserialize)]
struct Problem {
    error: String,
    hint: Option<String>,
}

const BATCH: &str = "application/vnd.muster.batch";
const JSON: &str = "application/json";
/// The bytes of a token.
const TOKEN: usize = 32;
/// The longest name, in bytes (`docs/protocol.md`).
const MAX_NAME: usize = 255;
