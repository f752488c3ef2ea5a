//! The pages: complete HTML from the server, live and in place where scripts run.
//!
//! Every form is a plain POST answered by a redirect; a refused one shows the page again with the
//! reason and everything that was typed. Names come from strangers' devices: templates escape
//! everything, and no script turns text into markup.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use muster_core::snapshot::Snapshot;
use serde::Deserialize;

use crate::app::App;
use crate::extract::Filled;
use crate::problem::Problem;

mod show;

mod now;

mod people;

mod devices;

mod device;

mod chart;

mod radio;

mod nearby;

mod monitors;

mod fleet;

mod pairing;

mod places;

mod why;

mod reports;

mod picture;

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(now::page))
        .route("/people", get(people::page).post(people::add))
        .route("/people/{name}", get(people::one).post(people::rename))
        .route("/people/{name}/remove", post(people::remove))
        .route("/people/{name}/devices", post(people::give))
        .route("/people/{name}/override", post(people::set))
        .route("/people/{name}/override/clear", post(people::clear))
        .route("/devices", get(devices::page))
        .route("/devices/{id}", get(device::page).post(device::save))
        .route("/devices/{id}/merge", post(device::merge))
        .route("/devices/{id}/ungroup", post(device::ungroup))
        .route("/nearby", get(nearby::page))
        .route("/devices/{id}/forget", post(pairing::forget_there))
        .route("/pairing", get(pairing::page))
        .route("/pairing/open", post(pairing::open))
        .route("/pairing/close", post(pairing::close))
        .route("/pairing/requests/{number}", post(pairing::answer))
        .route("/pairing/{id}", post(pairing::register))
        .route("/pairing/{id}/forget", post(pairing::forget))
        .route("/reports", get(reports::page))
        .route("/monitors", get(monitors::page).post(fleet::invite))
        .route("/fleet/revoke", post(fleet::revoke))
        .route("/monitors/place", post(places::stand))
        .route("/places", post(places::add))
        .route("/places/{id}", post(places::rename))
        .route("/places/{id}/remove", post(places::remove))
        .route("/why/{subject}", get(why::page))
        .route("/theme", post(theme))
}

/// What surrounds every page.
pub(crate) struct Frame {
    title: String,
    /// The path of the navigation's current entry.
    nav: &'static str,
    /// `light`, `dark`, or empty: as the system says.
    theme: &'static str,
    simulated: bool,
    degraded: Option<String>,
    damaged: Option<String>,
    version: &'static str,
}

impl Frame {
    fn new(
        app: &App,
        snapshot: &Snapshot,
        headers: &HeaderMap,
        nav: &'static str,
        title: impl Into<String>,
    ) -> Self {
        Self::themed(app, snapshot, chosen(headers), nav, title.into())
    }

    fn themed(
        app: &App,
        snapshot: &Snapshot,
        theme: &'static str,
        nav: &'static str,
        title: String,
    ) -> Self {
        Self {
            title,
            nav,
            theme,
            simulated: snapshot.simulated,
            degraded: snapshot.degraded.as_deref().map(str::to_owned),
            damaged: app.hub.damage(),
            version: app.hub.version(),
        }
    }

    fn current(&self, nav: &str) -> bool {
        self.nav == nav
    }
}

/// Why a form was refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal {
    detail: String,
    hint: Option<String>,
    /// The field that is wrong, where one is.
    field: Option<&'static str>,
}

impl From<&Problem> for Refusal {
    fn from(problem: &Problem) -> Self {
        let hint = problem.hint.as_deref().map(str::to_owned);
        Self { detail: problem.detail.clone(), hint, field: None }
    }
}

fn show(page: &impl Template) -> Response {
    show_as(StatusCode::OK, page)
}

fn show_as(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page that only says what is wrong; [`dress`] puts it into the layout.
pub(crate) fn refuse(problem: &Problem) -> Response {
    let mut answer = problem.status().into_response();
    answer.extensions_mut().insert(problem.clone());
    answer
}

/// Shows what was refused as a page like every other.
pub(crate) async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let theme = chosen(request.headers());
    let answer = next.run(request).await;
    match answer.extensions().get::<Problem>() {
        Some(problem) => {
            let frame = Frame::themed(&app, &app.snapshot(), theme, "", problem.title.to_owned());
            show_as(problem.status(), &Refused { frame, problem })
        }
        None => answer,
    }
}

/// The same to somebody who was not let in, and is shown nothing of the house.
pub(crate) fn bar(problem: &Problem) -> Response {
    show_as(problem.status(), &Barred { problem })
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    frame: Frame,
    problem: &'a Problem,
}

#[derive(Template)]
#[template(path = "barred.html")]
struct Barred<'a> {
    problem: &'a Problem,
}

/// The other side of a form that was accepted.
fn back(to: &str) -> Response {
    Redirect::to(to).into_response()
}

#[derive(Deserialize)]
struct Theme {
    theme: String,
    #[serde(default)]
    back: String,
}

async fn theme(Filled(form): Filled<Theme>) -> Response {
    let age = if THEMES.contains(&form.theme.as_str()) { 31_536_000 } else { 0 };
    let word = if age > 0 { form.theme.as_str() } else { "" };
    let cookie = format!("theme={word}; Path=/; Max-Age={age}; SameSite=Lax");
    let to = if is_inside(&form.back) { form.back.as_str() } else { "/" };
    ([(SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}

/// Whether it is a path of this house. Browsers read `//host` and `/\\host` as another host, and skip
/// what a path cannot hold before they look.
fn is_inside(path: &str) -> bool {
    let sound = |it: u8| it.is_ascii_alphanumeric() || b"/-_.~:%?=&+,".contains(&it);
    path.starts_with('/') && !path.starts_with("//") && path.bytes().all(sound)
}

fn chosen(headers: &HeaderMap) -> &'static str {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|it| it.split(';')).map(str::trim);
    let word = pairs.find_map(|it| it.strip_prefix("theme=")).unwrap_or_default();
    THEMES.iter().find(|it| **it == word).copied().unwrap_or_default()
}

const THEMES: [&str; 2] = ["light", "dark"];
