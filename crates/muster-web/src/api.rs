//! The HTTP interface, version 1: JSON in and out, problems as RFC 9457.
//!
//! Reading never changes anything. Lists are `{"items": [...], "next": cursor or null}`; a cursor
//! is passed back as `after`. Every resource adds its routes by full path and describes each one.

use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use axum::{Json, Router};
use muster_core::directory::Edit;
use muster_core::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::problem::Problem;
use muster_core::snapshot::Snapshot;

pub use description::openapi;

pub(crate) mod now;

pub(crate) mod people;

pub(crate) mod devices;

pub(crate) mod radio;

pub(crate) mod keys;

pub(crate) mod pairing;

pub(crate) mod places;

pub(crate) mod monitors;

pub(crate) mod fleet;

pub(crate) mod sinks;

pub(crate) mod why;

pub(crate) mod changes;

pub(crate) mod stream;

pub(crate) mod stays;

pub(crate) mod reports;

pub(crate) mod backup;

pub(crate) mod health;

mod description;

/// All routes of the interface.
pub(crate) fn routes() -> Routes {
    let routes = Routes::default();
    let routes = now::add(routes);
    let routes = people::add(routes);
    let routes = devices::add(routes);
    let routes = radio::add(routes);
    let routes = keys::add(routes);
    let routes = pairing::add(routes);
    let routes = places::add(routes);
    let routes = monitors::add(routes);
    let routes = fleet::add(routes);
    let routes = sinks::add(routes);
    let routes = why::add(routes);
    let routes = changes::add(routes);
    let routes = stream::add(routes);
    let routes = stays::add(routes);
    let routes = reports::add(routes);
    let routes = backup::add(routes);
    let routes = health::add(routes);
    description::add(routes)
}

/// Routes, and a list of them to hold the description against.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<App>,
    pub(crate) listed: Vec<(&'static str, &'static str)>,
}

impl Routes {
    pub(crate) fn get<H: Handler<T, App>, T: 'static>(self, path: &'static str, to: H) -> Self {
        self.add("get", path, routing::get(to))
    }

    pub(crate) fn post<H: Handler<T, App>, T: 'static>(self, path: &'static str, to: H) -> Self {
        self.add("post", path, routing::post(to))
    }

    pub(crate) fn put<H: Handler<T, App>, T: 'static>(self, path: &'static str, to: H) -> Self {
        self.add("put", path, routing::put(to))
    }

    pub(crate) fn patch<H: Handler<T, App>, T: 'static>(self, path: &'static str, to: H) -> Self {
        self.add("patch", path, routing::patch(to))
    }

    pub(crate) fn delete<H: Handler<T, App>, T: 'static>(self, path: &'static str, to: H) -> Self {
        self.add("delete", path, routing::delete(to))
    }

    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }

    fn add(mut self, method: &'static str, path: &'static str, to: MethodRouter<App>) -> Self {
        self.listed.push((method, path));
        self.router = self.router.route(path, to);
        self
    }
}

/// An instant as JSON: RFC 3339, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T09:00:00Z")]
pub(crate) struct Stamp(pub(crate) Time);

impl Serialize for Stamp {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = |_| {
            serde::de::Error::custom(format!(
                "a time is written as in 2026-11-21T09:00:00Z: {text}"
            ))
        };
        text.parse().map(Self).map_err(wrong)
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The entries.
    pub(crate) items: Vec<T>,
    /// Pass it as `after` to get the next page; null: this was the last.
    pub(crate) next: Option<String>,
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// The cursor that the page before gave.
    pub(crate) after: Option<String>,
    /// At most so many, 1 to 1000; 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
}

impl Part {
    /// The number in the cursor; 0: from the start.
    pub(crate) fn after(&self) -> Result<u64, Problem> {
        let Some(text) = self.after.as_deref() else { return Ok(0) };
        text.parse().map_err(|_| {
            Problem::wrong(format!("not a cursor: {text}"))
                .hint("pass `next` of the page before as `after`")
        })
    }

    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let given = self.limit.unwrap_or(100);
        if (1..=MAX_PAGE).contains(&given) {
            return Ok(given);
        }
        Err(Problem::wrong(format!("limit is 1 to {MAX_PAGE}: {given}")))
    }

    /// Cuts a whole list, in order of `number`, to the part asked for.
    pub(crate) fn of<T, R>(
        &self,
        all: impl Iterator<Item = T>,
        number: impl Fn(&T) -> u64,
        show: impl Fn(&T) -> R,
    ) -> Result<List<R>, Problem> {
        let (after, limit) = (self.after()?, self.limit()?);
        let mut rest = all.filter(|it| number(it) > after);
        let here: Vec<T> = rest.by_ref().take(limit).collect();
        let next = here.last().map(|it| number(it).to_string()).filter(|_| rest.next().is_some());
        Ok(List { items: here.iter().map(show).collect(), next })
    }
}

/// Makes an edit; a refusal because of another version says what is current.
pub(crate) async fn edit(
    app: &App,
    edit: Edit,
    expect: Option<u64>,
    current: impl Fn(&Snapshot) -> Option<Value>,
) -> Result<Edited, Problem> {
    match app.hub.edit(edit, expect).await {
        Ok(version) => Ok(Edited { version }),
        Err(refused) => {
            let problem = Problem::from(refused);
            let stale = problem.version.is_some();
            Err(if stale { problem.current(current(&app.snapshot())) } else { problem })
        }
    }
}

/// An edit that was made.
pub(crate) struct Edited {
    /// The directory's new version.
    pub(crate) version: u64,
}

/// JSON with the directory's version as its `ETag`.
pub(crate) type Versioned<T> = ([(axum::http::HeaderName, String); 1], Json<T>);

pub(crate) fn versioned<T>(version: u64, body: T) -> Versioned<T> {
    ([(axum::http::header::ETAG, format!("\"{version}\""))], Json(body))
}

/// JSON of something that is known to be representable.
pub(crate) fn value(it: impl Serialize) -> Option<Value> {
    serde_json::to_value(it).ok()
}

/// A larger page would hold up others; ask again for the rest.
const MAX_PAGE: usize = 1000;
