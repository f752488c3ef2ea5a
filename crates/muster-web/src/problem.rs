//! What went wrong, said so that a person or a script can act on it (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_core::directory::EditError;
use muster_core::pairing::Refused;
use muster_core::ports::StoreError;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::hub::{EditRefused, PairingRefused, WhyRefused};
use crate::short::short;

/// A refusal, as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong, in plain words.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub hint: Option<Box<str>>,
    /// What may have been meant, or what was meant equally well.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    pub near: Box<[String]>,
    /// The directory's current version, when the write expected another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What is current, when the write expected something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub current: Option<Box<Value>>,
}

impl Problem {
    /// A problem with nothing but its status and an explanation.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: detail.into(),
            hint: None,
            near: Box::default(),
            version: None,
            current: None,
        }
    }

    /// The request cannot be understood.
    pub fn wrong(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such thing.
    pub fn missing(what: &str, given: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("no such {what}: {given}"))
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into());
        self
    }

    /// The same with what may have been meant.
    #[must_use]
    pub fn near(mut self, near: Vec<String>) -> Self {
        self.near = near.into();
        self
    }

    /// The same with what is current.
    #[must_use]
    pub fn current(mut self, current: Option<Value>) -> Self {
        self.current = current.map(Box::new);
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut answer = (self.status(), Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        answer
    }
}

impl From<EditRefused> for Problem {
    fn from(refused: EditRefused) -> Self {
        let detail = refused.to_string();
        match refused {
            EditRefused::Stale { version } => {
                let mut it = Self::new(StatusCode::CONFLICT, detail)
                    .hint("read it again, then send the change with the current version");
                it.version = Some(version);
                it
            }
            EditRefused::Wrong(error) => {
                let problem = Self::new(status_of(&error), detail);
                match &error {
                    EditError::PersonName { given } => match short(given).as_str() {
                        "" => problem.hint("type one of a-z, 0-9, _ and -, as in li-lei"),
                        name => problem.hint(format!("as in {name}")),
                    },
                    EditError::MonitorName { .. } => problem.hint("as in kitchen or 1st-floor"),
                    EditError::Text { .. }
                    | EditError::Taken { .. }
                    | EditError::Missing { .. }
                    | EditError::InUse { .. }
                    | EditError::UnknownWord { .. }
                    | EditError::Expiry
                    | EditError::Ahead { .. }
                    | EditError::Private
                    | EditError::Pseudonym
                    | EditError::Itself
                    | EditError::Deep { .. }
                    | EditError::Full => problem,
                }
            }
            EditRefused::ReadOnly => Self::new(StatusCode::FORBIDDEN, detail)
                .hint("start the hub with `muster serve` and change it there"),
            EditRefused::Unavailable(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                .hint("nothing was changed; try again in a moment"),
            EditRefused::Kept(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).hint(
                "it is shown and stored as soon as that works; look before you ask for it again",
            ),
        }
    }
}

fn status_of(error: &EditError) -> StatusCode {
    match error {
        EditError::Missing { .. } => StatusCode::NOT_FOUND,
        EditError::Taken { .. } | EditError::InUse { .. } => StatusCode::CONFLICT,
        EditError::PersonName { .. }
        | EditError::MonitorName { .. }
        | EditError::Text { .. }
        | EditError::UnknownWord { .. }
        | EditError::Expiry
        | EditError::Ahead { .. }
        | EditError::Private
        | EditError::Pseudonym
        | EditError::Itself
        | EditError::Deep { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        EditError::Full => StatusCode::INSUFFICIENT_STORAGE,
    }
}

impl From<PairingRefused> for Problem {
    fn from(refused: PairingRefused) -> Self {
        let detail = refused.to_string();
        let of = |status| Self::new(status, detail);
        match refused {
            PairingRefused::Rules(Refused::Away(trouble)) => {
                let mut problem = of(StatusCode::SERVICE_UNAVAILABLE);
                problem.hint = trouble.hint;
                problem
            }
            PairingRefused::Rules(Refused::Busy) => {
                of(StatusCode::CONFLICT).hint("try again in a moment")
            }
            PairingRefused::Rules(Refused::Missing(_)) => of(StatusCode::NOT_FOUND)
                .hint("the phone gave up, or the window was closed: let it ask again"),
            PairingRefused::StillPaired(_) | PairingRefused::Half(_) => {
                of(StatusCode::BAD_GATEWAY).hint("what is left is shown; try again in a moment")
            }
            PairingRefused::Unavailable(_) => of(StatusCode::SERVICE_UNAVAILABLE)
                .hint("start the hub with `muster serve` and do it there"),
        }
    }
}

impl From<WhyRefused> for Problem {
    fn from(refused: WhyRefused) -> Self {
        match refused {
            WhyRefused::Store(error) => error.into(),
            WhyRefused::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, refused.to_string())
                .hint("try again in a moment"),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::Unavailable { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                .hint("what is known now is still shown; try again when the store is back"),
            StoreError::Refused { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
            StoreError::Newer { .. } | StoreError::Damaged { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}
