//! Asks the API: of the running hub through its socket, else of the store, within this process.
//!
//! Both ways end in the same routes, so a command does not know which one it took.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{io, mem};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use muster_store::Kept;
use muster_web::Guard;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tower::ServiceExt as _;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::folder::SOCKET;
use crate::offline::{OfflineHub, Wish};
use crate::shape::Now;
use crate::shelf::{self, Shelf};

/// The API, wherever it is.
pub(crate) struct Api {
    runtime: Runtime,
    way: Way,
}

enum Way {
    /// A hub runs.
    Socket(Box<Path>),
    /// None does: the routes over the store.
    Inside(Box<Router>, Arc<dyn Kept>),
}

impl Api {
    /// To read.
    pub(crate) fn to_read(context: &Context) -> Result<Self, Failure> {
        Self::open(context, Wish::Read)
    }

    /// To change something.
    pub(crate) fn to_edit(context: &Context) -> Result<Self, Failure> {
        Self::open(context, Wish::Edit)
    }

    fn open(context: &Context, wish: Wish) -> Result<Self, Failure> {
        let folder = context.data()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|it| Failure::new(Exit::Failed, "cannot start").because(it))?;
        let socket = folder.join(SOCKET);
        match runtime.block_on(UnixStream::connect(&socket)) {
            Ok(_) => {
                let api = Self { runtime, way: Way::Socket(socket.into()) };
                let now: Now = api.read("now")?;
                if now.simulated && !context.common.quiet {
                    crate::output::aside("simulated: nobody and nothing of this is real");
                }
                return Ok(api);
            }
            Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
                let what = format!("not allowed to ask the hub: {}", socket.display());
                return Err(Failure::new(Exit::NotAllowed, what)
                    .because(cause)
                    .hint("run it as the user who runs the hub, or as root"));
            }
            Err(_) => {}
        }
        let shelf = Shelf::of(&context.config()?.config.store, &folder);
        shelf.refuse_nothing()?;
        let (hub, kept) = runtime.block_on(OfflineHub::open(context, &folder, wish))?;
        if !context.common.quiet {
            let verb = if wish == Wish::Edit { "changing" } else { "reading" };
            crate::output::aside(&format!(
                "hub not running: {verb} the store of {}",
                shelf.whose()
            ));
        }
        let router = muster_web::router(Arc::new(hub), Guard::Socket);
        Ok(Self { runtime, way: Way::Inside(Box::new(router), kept) })
    }

    /// Whether a hub is asked, and not its store alone.
    pub(crate) fn asks_hub(&self) -> bool {
        matches!(self.way, Way::Socket(_))
    }

    /// Reads a resource.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(&Method::GET, path, None)
    }

    /// Reads a resource into a shape.
    pub(crate) fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        shaped(self.get(path)?)
    }

    /// Reads all pages of a list.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let and = if path.contains('?') { '&' } else { '?' };
            let part: Part = self.read(&format!("{path}{and}limit={PAGE}{after}"))?;
            all.extend(part.items);
            match part.next {
                Some(next) => {
                    after = format!("&after={}", encoded(&next.to_string().replace('"', "")));
                }
                None => return Ok(all),
            }
        }
    }

    /// Reads a list that has no pages.
    pub(crate) fn whole(&self, path: &str) -> Result<Vec<Value>, Failure> {
        self.read::<Part>(path).map(|it| it.items)
    }

    /// Changes something.
    pub(crate) fn send(&self, method: &Method, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(method, path, Some(body))
    }

    /// Removes something.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.call(&Method::DELETE, path, None)
    }

    /// Takes interrupts from here on: they no longer end the program.
    pub(crate) fn interrupts(&self) -> Result<Signal, Failure> {
        let _inside = self.runtime.enter();
        signal(SignalKind::interrupt())
            .map_err(|it| Failure::new(Exit::Failed, "cannot wait for Ctrl-C").because(it))
    }

    /// Waits for so long, or less if somebody interrupts: then it is true.
    pub(crate) fn pause(&self, interrupts: &mut Signal, length: Duration) -> bool {
        self.runtime
            .block_on(async { tokio::time::timeout(length, interrupts.recv()).await.is_ok() })
    }

    fn call(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let uri = format!("/api/v1/{path}");
        let bytes = body.map(|it| Bytes::from(it.to_string())).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(&uri).header("host", "localhost");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request
            .body(Full::new(bytes))
            .map_err(|it| Failure::new(Exit::Usage, "this cannot be asked").because(it))?;
        let (status, answer) = self.runtime.block_on(async {
            match tokio::time::timeout(PATIENCE, self.way.answer(request)).await {
                Ok(answer) => answer,
                Err(_) => Err(Failure::new(Exit::Unreachable, "the hub does not answer")
                    .hint("look at its log, or restart it")),
            }
        })?;
        if status.is_success() {
            return if answer.is_empty() { Ok(Value::Null) } else { understood(&answer) };
        }
        Err(refused(status, &answer))
    }
}

impl Drop for Api {
    /// Whoever comes next finds the store free.
    fn drop(&mut self) {
        if let Way::Inside(router, kept) = &mut self.way {
            drop(mem::take(router));
            self.runtime.block_on(shelf::let_go(kept));
        }
    }
}

impl Way {
    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        let lost = |cause: anyhow::Error| {
            Failure::new(Exit::Unreachable, "the hub went away while it was asked").because(cause)
        };
        match self {
            Self::Inside(router, _) => {
                let answer = router.as_ref().clone().oneshot(request.map(Body::new)).await;
                let answer = answer.unwrap_or_else(|it| match it {});
                let status = answer.status();
                let body = answer.into_body().collect().await.map_err(|it| lost(it.into()))?;
                Ok((status, body.to_bytes()))
            }
            Self::Socket(path) => {
                let stream = UnixStream::connect(path).await.map_err(|it| lost(it.into()))?;
                let (mut sender, connection) =
                    http1::handshake(TokioIo::new(stream)).await.map_err(|it| lost(it.into()))?;
                let connection = tokio::spawn(connection);
                let answer = sender.send_request(request).await.map_err(|it| lost(it.into()))?;
                let status = answer.status();
                let body = answer.into_body().collect().await.map_err(|it| lost(it.into()))?;
                connection.abort();
                Ok((status, body.to_bytes()))
            }
        }
    }
}

/// Text within one segment of a path or one value of a query.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.~".contains(&it);
    let one = |it: u8| if plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") };
    text.bytes().map(one).collect()
}

/// What a folder without a hub and without a store is called.
pub(crate) fn nothing_in(folder: &Path) -> Failure {
    let what = format!("no hub runs and there is no store in: {}", folder.display());
    Failure::new(Exit::Unreachable, what)
        .hint("start one with `muster serve`, or say where it is with --data DIR")
}

/// JSON in the shape that the API promises.
pub(crate) fn shaped<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(foreign)
}

fn understood(answer: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(answer).map_err(foreign)
}

/// What it means that an answer is not in the shape that the API promises.
pub(crate) fn foreign(cause: impl Into<anyhow::Error>) -> Failure {
    Failure::new(Exit::Failed, "the hub answers in another form: is it another version?")
        .because(cause)
        .hint("use the muster that the hub was started with")
}

/// What an answer that is no success means for whoever typed the command.
fn refused(status: StatusCode, answer: &[u8]) -> Failure {
    let problem: Problem = serde_json::from_slice(answer).unwrap_or_default();
    let exit = match status {
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Exit::NotAllowed,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Exit::Usage,
        StatusCode::SERVICE_UNAVAILABLE => Exit::Unreachable,
        _ => Exit::Failed,
    };
    let what = if problem.detail.is_empty() {
        format!("the hub refused: {status}")
    } else {
        problem.detail.clone()
    };
    let failure = Failure::new(exit, what);
    if !problem.near.is_empty() {
        let near = problem.near.join(", ");
        let these = if problem.near.len() > 1 { " one of these" } else { "" };
        return failure.hint(format!("did you mean{these}: {near}"));
    }
    match problem.hint {
        Some(hint) => failure.hint(hint),
        None if exit == Exit::NotFound => match list_of(&problem.detail) {
            Some(list) => failure.hint(list),
            None => failure,
        },
        None => failure,
    }
}

/// Where whatever is missing can be found.
fn list_of(detail: &str) -> Option<&'static str> {
    let (what, _) = detail.strip_prefix("no such ")?.split_once(": ")?;
    let lists = [
        ("person", "everybody: muster person list"),
        ("device", "everything that was heard: muster device list"),
        ("person or device", "everybody: muster person list; everything: muster device list"),
        ("monitor", "all of them: muster monitor list"),
        ("place", "all of them: muster place list"),
    ];
    lists.iter().find(|(it, _)| *it == what).map(|(_, list)| *list)
}

#[derive(Deserialize)]
struct Part {
    items: Vec<Value>,
    next: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    detail: String,
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    near: Vec<String>,
}

/// As many entries a page as the API gives.
const PAGE: usize = 1_000;
/// A hub that is well answers within milliseconds; a backup of a large store takes longer.
const PATIENCE: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_an_address() {
        assert_eq!(encoded("Anna's phone/2?"), "Anna%27s%20phone%2F2%3F");
        assert_eq!(encoded("Zoë"), "Zo%C3%AB");
        assert_eq!(encoded("mac:b8-x_y.z~"), "mac%3Ab8-x_y.z~");
    }

    #[test]
    fn refusals_keep_their_meaning() {
        let problem = br#"{"detail":"no such person: ana","near":["anna"]}"#;
        let failure = refused(StatusCode::NOT_FOUND, problem);
        assert_eq!(failure.exit(), Exit::NotFound);
        assert_eq!(failure.to_string(), "no such person: ana");
        assert_eq!(refused(StatusCode::CONFLICT, b"").exit(), Exit::Failed);
    }
}
