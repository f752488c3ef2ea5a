//! Style sheets, scripts and pictures, embedded in the binary.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::app::App;
use crate::pages;
use crate::problem::Problem;

pub(crate) fn router() -> Router<App> {
    Router::new().route("/assets/{*path}", get(read)).route("/favicon.ico", get(icon))
}

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

async fn read(Path(path): Path<String>, headers: HeaderMap) -> Response {
    serve(&path, &headers)
}

async fn icon(headers: HeaderMap) -> Response {
    serve("icon.svg", &headers)
}

fn serve(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else {
        return pages::refuse(&Problem::missing("file", path));
    };
    let hash = file.metadata.sha256_hash().into_iter().take(8).map(|it| format!("{it:02x}"));
    let tag = format!("\"{}\"", hash.collect::<String>());
    let known =
        headers.get(header::IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == tag.as_bytes());
    let kind = HeaderValue::from_str(file.metadata.mimetype())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    // Scripts load one another by plain names, so a browser asks again whether they are current.
    let cache = HeaderValue::from_static("no-cache");
    let headers = [(header::CACHE_CONTROL, cache), (header::CONTENT_TYPE, kind)];
    if known {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)], headers).into_response();
    }
    ([(header::ETAG, tag)], headers, file.data).into_response()
}
