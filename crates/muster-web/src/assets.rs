//! Style sheets, scripts and pictures, embedded in the binary.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::app::App;

pub(crate) fn router() -> Router<App> {
    Router::new().route("/assets/{*path}", get(read)).route("/favicon.ico", get(icon))
}

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

async fn read(Path(path): Path<String>) -> Response {
    serve(&path)
}

async fn icon() -> Response {
    serve("icon.svg")
}

fn serve(path: &str) -> Response {
    let Some(file) = Files::get(path) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = HeaderValue::from_str(file.metadata.mimetype())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    // Scripts load one another by plain names, so a browser asks again whether they are current.
    let cache = HeaderValue::from_static("no-cache");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)], file.data).into_response()
}
