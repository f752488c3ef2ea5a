//! Parsing of what a request carries; what cannot be parsed becomes a [`Problem`].

use std::error::Error;

use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::{Form, Json};
use serde::de::DeserializeOwned;

use crate::pages;
use crate::problem::Problem;

/// A JSON body.
pub(crate) struct Sent<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = Json::<T>::from_request(request, state).await;
        read.map(|Json(it)| Self(it)).map_err(|rejection: JsonRejection| {
            let problem = Problem::new(rejection.status(), said(&rejection));
            match rejection.status() {
                StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                    problem.hint("send JSON with the header Content-Type: application/json")
                }
                _ => problem,
            }
        })
    }
}

/// A query string.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Query::<T>::from_request_parts(parts, state).await;
        read.map(|Query(it)| Self(it))
            .map_err(|it: QueryRejection| Problem::new(it.status(), said(&it)))
    }
}

/// The variable parts of a path.
pub(crate) struct Named<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(it)| Self(it))
            .map_err(|it: PathRejection| Problem::new(it.status(), said(&it)))
    }
}

/// The directory version that a write expects, from `If-Match`.
pub(crate) struct Expected(pub(crate) Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for Expected {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(given) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = given.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let number = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        let version = number.and_then(|it| it.parse().ok()).ok_or_else(|| {
            Problem::wrong(format!("If-Match is not a directory version: {text}"))
                .hint("send the ETag of an earlier answer, as in If-Match: \"17\"")
        })?;
        Ok(Self(Some(version)))
    }
}

/// A page's form.
pub(crate) struct Filled<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Filled<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let read = Form::<T>::from_request(request, state).await;
        read.map(|Form(it)| Self(it)).map_err(|it: FormRejection| {
            pages::refuse(&Problem::new(it.status(), said(&it)).hint("go back and try again"))
        })
    }
}

/// What is wrong, without what the layer above calls that.
fn said(rejection: &dyn Error) -> String {
    rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string)
}
