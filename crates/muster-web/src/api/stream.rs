//! Changes as they are stored, as server-sent events.
//!
//! Nothing is queued for a client: each reads the journal behind its own cursor when it is woken,
//! so a slow one holds up nobody and loses nothing. A client that comes back names the last change
//! that it got and receives the rest. When the picture changed without a change, a `snapshot`
//! event says so, at most once a second.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Routes;
use super::changes::Change;
use crate::app::App;
use crate::problem::Problem;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/api/v1/stream", follow)
}

/// Changes as they are stored: events `change` (the id is the change's, the data its JSON) and
/// `snapshot` (the picture changed without a change). `Last-Event-ID` resumes after that change.
#[utoipa::path(get, path = "/api/v1/stream", tag = "history",
    params(("Last-Event-ID" = Option<u64>, Header, description = "the last change received")),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(crate) async fn follow(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many streams are open")
            .hint("close other pages and try again")
    })?;
    let reader = Reader::new(app, last(&headers)?, permit);
    let events = unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn last(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(given) = headers.get("last-event-id") else { return Ok(None) };
    let number = given.to_str().ok().and_then(|it| it.parse().ok());
    number.map(Some).ok_or_else(|| Problem::wrong("Last-Event-ID is not the number of a change"))
}

/// One client's place in the journal.
struct Reader {
    app: App,
    committed: watch::Receiver<u64>,
    /// The last change that the hub spoke of.
    newest: u64,
    /// The last change handed out.
    after: u64,
    /// Read and not yet handed out; at most one page.
    pending: VecDeque<Event>,
    /// Running while a `snapshot` event went out less than [`COALESCE`] ago.
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
    /// Whether another one has become due meanwhile.
    owed: bool,
    /// Whether the client has been greeted.
    greeted: bool,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    fn new(app: App, last: Option<u64>, permit: OwnedSemaphorePermit) -> Self {
        let mut committed = app.hub.committed();
        let newest = *committed.borrow_and_update();
        // A number beyond the journal's end comes from another store: begin here and say so.
        let resumed = last.filter(|it| *it <= newest);
        let pending = if last.is_some() && resumed.is_none() {
            VecDeque::from([snapshot()])
        } else {
            VecDeque::new()
        };
        let after = resumed.unwrap_or(newest);
        Self {
            app,
            committed,
            newest,
            after,
            pending,
            pause: None,
            owed: false,
            greeted: false,
            _permit: permit,
        }
    }

    /// The next event; none when the hub is shutting down.
    async fn next(&mut self) -> Option<Event> {
        if !self.greeted {
            self.greeted = true;
            return Some(Event::default().retry(RETRY).comment("muster"));
        }
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            if self.newest > self.after {
                self.read().await;
                continue;
            }
            if self.quiet_over().await? {
                self.pause = Some(Box::pin(tokio::time::sleep(COALESCE)));
                return Some(snapshot());
            }
        }
    }

    /// Waits for news. True: the picture changed without a change, and it is time to say so.
    async fn quiet_over(&mut self) -> Option<bool> {
        let Some(pause) = &mut self.pause else {
            self.committed.changed().await.ok()?;
            return Some(self.is_picture());
        };
        tokio::select! {
            woken = self.committed.changed() => {
                woken.ok()?;
                self.owed |= self.is_picture();
                Some(false)
            }
            () = pause => {
                self.pause = None;
                Some(std::mem::take(&mut self.owed))
            }
        }
    }

    /// Takes note of what the hub said; whether it was a new picture without a new change.
    fn is_picture(&mut self) -> bool {
        let newest = *self.committed.borrow_and_update();
        let same = newest == self.newest;
        self.newest = newest;
        same
    }

    /// Reads the next page of the journal. A store that does not answer is asked again later.
    async fn read(&mut self) {
        match self.app.hub.store().changes_after(self.after, PAGE).await {
            Ok(changes) if changes.is_empty() => self.after = self.newest,
            Ok(changes) => {
                let snapshot = self.app.snapshot();
                for change in changes {
                    self.after = change.id;
                    self.pending.extend(event(&Change::of(&snapshot, &change), change.id));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a stream cannot read the journal, it will try again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

fn event(change: &Change, id: u64) -> Option<Event> {
    Event::default().event("change").id(id.to_string()).json_data(change).ok()
}

fn snapshot() -> Event {
    Event::default().event("snapshot").data("{}")
}

/// How many changes are read at once, and so held for one client at most.
const PAGE: u32 = 100;

/// The shortest time between two `snapshot` events to one client.
const COALESCE: Duration = Duration::from_secs(1);

/// How long to wait for a store that did not answer.
const AGAIN: Duration = Duration::from_secs(2);

/// How soon a browser comes back after a broken connection.
const RETRY: Duration = Duration::from_secs(1);

/// Comments that keep proxies and dead connections honest.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
