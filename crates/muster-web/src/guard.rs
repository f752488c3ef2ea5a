//! Who may ask at all, before anything is parsed.
//!
//! The pages have no accounts yet, so they are served on loopback only, and other web pages must
//! not be able to reach them through the visitor's browser. A foreign page that rebinds its DNS
//! name to 127.0.0.1 sends its own name in `Host`; one that posts a form across sites is told
//! apart by `Sec-Fetch-Site` and `Origin`. No answer ever allows cross-origin reading.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::pages;
use crate::problem::Problem;

/// How requests arrive, and what therefore has to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Over TCP on the loopback interface: everybody on this machine, and their browsers.
    Loopback {
        /// The port listened on, to say where the pages are.
        port: u16,
    },
    /// Over a Unix socket whose peer was already found to be an administrator.
    Socket,
}

/// The largest request body: a form or an edit is far smaller.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// Lets a request through, or refuses it.
pub(crate) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match verdict(guard, request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) if wants_page(&request) => pages::bar(&problem),
        Err(problem) => problem.into_response(),
    }
}

/// Whether a person in front of a browser reads the answer.
pub(crate) fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|it| it.to_str().ok());
    !request.uri().path().starts_with("/api/") && accept.is_some_and(|it| it.contains("text/html"))
}

fn verdict(guard: Guard, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let Guard::Loopback { port } = guard else { return Ok(()) };
    let host = host(uri, headers).filter(|it| is_here(it)).ok_or_else(|| {
        Problem::new(StatusCode::MISDIRECTED_REQUEST, "this address does not lead here")
            .hint(format!("open http://localhost:{port}/ instead"))
    })?;
    let text = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or("unreadable"));
    let reads = method == Method::GET || method == Method::HEAD || method == Method::OPTIONS;
    let foreign = || {
        Problem::new(StatusCode::FORBIDDEN, "the request comes from another web page")
            .hint("open Muster's own page and do it there")
    };
    match (text("sec-fetch-site"), text("origin")) {
        (Some("same-origin" | "none"), _) => Ok(()),
        (Some(_), _) if reads && text("sec-fetch-mode") == Some("navigate") => Ok(()),
        (Some(_), _) => Err(foreign()),
        (None, Some(origin)) if !reads && !is_origin(origin, &host) => Err(foreign()),
        (None, _) => Ok(()),
    }
}

/// The one host that the request names; none if it names none or several.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let mut named = headers.get_all(header::HOST).iter();
    let first = named.next()?.to_str().ok()?.to_ascii_lowercase();
    let alone = named.next().is_none();
    let agrees = uri.authority().is_none_or(|it| it.as_str().eq_ignore_ascii_case(&first));
    (alone && agrees).then_some(first)
}

/// Whether a host is a name of this machine alone. The port does not matter: behind `ssh -L` it is
/// another one, and a foreign page can rebind its name, but cannot call itself `localhost`.
fn is_here(host: &str) -> bool {
    let (name, port) = split(host);
    let bare = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let local = match bare {
        Some(v6) => v6.parse::<Ipv6Addr>().map(IpAddr::V6),
        None => name.parse::<Ipv4Addr>().map(IpAddr::V4),
    };
    port.is_some() && (name == "localhost" || local.is_ok_and(|it| it.is_loopback()))
}

/// Whether a page of this origin is one of the host's own: the same name and the same port.
fn is_origin(origin: &str, host: &str) -> bool {
    let origin = origin.to_ascii_lowercase();
    origin.strip_prefix("http://").is_some_and(|it| split(it) == split(host))
}

/// The name and the port of a host; no port: it is none.
fn split(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((name, digits)) if !digits.ends_with(']') => (name, digits.parse().ok()),
        _ => (host, Some(80)),
    }
}

/// Puts on every answer what a browser must know to keep strangers out.
pub(crate) async fn harden(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in HARDENING {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

const HARDENING: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()"),
];

#[cfg(test)]
mod tests;
