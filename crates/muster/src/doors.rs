//! The way in: how many may be inside at once, and how long one may stand there without a word.
//!
//! Knows HTTP and no page. **Invariant:** a connection that asks nothing ends, and one that takes
//! nothing of its answer; each door has seats of its own, so that whoever fills one leaves the other
//! free.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower_http::timeout::RequestBodyTimeoutLayer;
use tracing::debug;

use patient::Patient;

mod patient;

/// All doors of the house, open until they are shut together.
pub(crate) struct Doors {
    open: watch::Sender<()>,
    keepers: JoinSet<()>,
}

impl Doors {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { open: watch::Sender::new(()), keepers: JoinSet::new() }
    }

    /// What a keeper looks at: it ends when the other end is dropped.
    pub(crate) fn open(&self) -> watch::Receiver<()> {
        self.open.subscribe()
    }

    /// One more, with its keeper.
    pub(crate) fn add(&mut self, keeper: impl Future<Output = ()> + Send + 'static) {
        self.keepers.spawn(keeper);
    }

    /// Lets nobody in any more, and those who are in read to the end.
    pub(crate) async fn shut(self) {
        drop(self.open);
        if tokio::time::timeout(LAST_ANSWERS, self.keepers.join_all()).await.is_err() {
            debug!("somebody was still reading the last answer");
        }
    }
}

/// What a door allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// Connections at once; the next ones wait outside.
    pub(crate) seats: usize,
    /// How long the head of a request may take, the waiting for it included, and each part of its
    /// body; and how long the other end may take nothing of what it is sent.
    pub(crate) silence: Duration,
}

impl Manners {
    /// For browsers on this machine: pages open a stream each, and some connections more.
    pub(crate) fn browsers() -> Self {
        Self { seats: 256.min(files() / 2), silence: SILENCE }
    }

    /// For far monitors: two connections each, which stay open between two signs of life.
    pub(crate) fn monitors() -> Self {
        Self { seats: 256.min(files() / 4).max(1), silence: BETWEEN_SIGNS }
    }

    /// For administrators' commands.
    pub(crate) fn commands() -> Self {
        Self { seats: 64.min(files() / 8).max(1), silence: SILENCE }
    }
}

/// Lets people in until the other end of `open` is dropped; then lets them finish.
pub(crate) async fn keep<L: Listener>(
    mut listener: L,
    rooms: Router,
    manners: Manners,
    mut open: watch::Receiver<()>,
) {
    let rooms = rooms.layer(RequestBodyTimeoutLayer::new(manners.silence));
    let seats = Arc::new(Semaphore::new(manners.seats));
    let mut guests = JoinSet::new();
    loop {
        let next = async {
            let seat = Arc::clone(&seats).acquire_owned().await.ok()?;
            Some((seat, listener.accept().await.0))
        };
        let (seat, stream) = tokio::select! {
            Some(it) = next => it,
            _ = open.changed() => break,
        };
        while guests.try_join_next().is_some() {}
        guests.spawn(attend(stream, rooms.clone(), manners, open.clone(), seat));
    }
    drop(listener);
    while guests.join_next().await.is_some() {}
}

async fn attend<S>(
    stream: S,
    rooms: Router,
    manners: Manners,
    mut open: watch::Receiver<()>,
    _seat: OwnedSemaphorePermit,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let stream = Patient::new(stream, manners.silence);
    let mut guest = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(manners.silence)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(rooms))
    );
    let ended = tokio::select! {
        ended = guest.as_mut() => ended,
        _ = open.changed() => {
            guest.as_mut().graceful_shutdown();
            guest.await
        }
    };
    if let Err(cause) = ended {
        debug!("a connection ended early: {cause}");
    }
}

/// How many files the system lets this process have open (`proc_pid_limits(5)`).
fn files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|it| it.strip_prefix("Max open files"));
    let soft = line.and_then(|it| it.split_whitespace().next());
    soft.map_or(FEW_FILES, |it| it.parse().unwrap_or(usize::MAX))
}

/// How long answers that are under way at the end may take.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// A browser keeps a connection for its next click; longer ago, a new one is cheap.
const SILENCE: Duration = Duration::from_secs(30);
/// A far monitor says something every 30 s.
const BETWEEN_SIGNS: Duration = Duration::from_secs(40);
/// What a connection may hold unread or unsent; browsers send some kilobytes of head.
const BUFFER: usize = 32 << 10;
/// Where the system does not say.
const FEW_FILES: usize = 256;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const ASK: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

    async fn door(rooms: Router, manners: Manners) -> (SocketAddr, watch::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, opened) = watch::channel(());
        tokio::spawn(keep(listener, rooms, manners, opened));
        (address, open)
    }

    async fn said(stream: &mut TcpStream, words: &[u8]) {
        stream.write_all(words).await.unwrap();
    }

    async fn heard(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn who_says_nothing_is_let_go_and_who_waits_for_an_answer_is_not() {
        let answer = Arc::new(Semaphore::new(0));
        let waiting = Arc::clone(&answer);
        let rooms = Router::new()
            .route("/", get(|| async move { drop(waiting.acquire().await) }))
            .route("/body", post(|body: String| async move { body }));
        let manners = Manners { seats: 8, silence: Duration::from_millis(50) };
        let (address, _open) = door(rooms, manners).await;
        let mut patient = TcpStream::connect(address).await.unwrap();
        said(&mut patient, ASK).await;
        for words in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: here\r\nX-Half"] {
            let mut silent = TcpStream::connect(address).await.unwrap();
            said(&mut silent, words).await;
            heard(&mut silent).await;
        }
        let mut half = TcpStream::connect(address).await.unwrap();
        said(&mut half, b"POST /body HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nhalf")
            .await;
        assert!(heard(&mut half).await.starts_with("HTTP/1.1 400"));
        answer.add_permits(1);
        assert!(heard(&mut patient).await.starts_with("HTTP/1.0 200"));
        // Nor may one stay after an answer.
        answer.add_permits(1);
        let mut idle = TcpStream::connect(address).await.unwrap();
        said(&mut idle, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").await;
        assert!(heard(&mut idle).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn no_more_are_inside_than_there_are_seats() {
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let answer = Arc::new(Semaphore::new(0));
        let (now, peak, waiting) = (Arc::clone(&inside), Arc::clone(&most), Arc::clone(&answer));
        let handler = async move || {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            waiting.acquire().await.map(drop).map_err(drop).unwrap();
            now.fetch_sub(1, Ordering::SeqCst);
        };
        let rooms = Router::new().route("/", get(handler));
        let manners = Manners { seats: 2, silence: Duration::from_secs(30) };
        let (address, open) = door(rooms, manners).await;
        let mut guests = Vec::new();
        for _ in 0..6 {
            let mut guest = TcpStream::connect(address).await.unwrap();
            said(&mut guest, ASK).await;
            guests.push(guest);
        }
        while most.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        answer.add_permits(1);
        for guest in &mut guests {
            assert!(heard(guest).await.starts_with("HTTP/1.0 200"));
        }
        assert_eq!(most.load(Ordering::SeqCst), 2);
        drop(open);
    }

    #[tokio::test]
    async fn whoever_is_inside_at_the_end_gets_an_answer() {
        let answer = Arc::new(Semaphore::new(0));
        let inside = Arc::new(Semaphore::new(0));
        let (waiting, told) = (Arc::clone(&answer), Arc::clone(&inside));
        let handler = async move || {
            told.add_permits(1);
            drop(waiting.acquire().await);
        };
        let manners = Manners { seats: 8, silence: Duration::from_secs(30) };
        let (address, open) = door(Router::new().route("/", get(handler)), manners).await;
        let mut guest = TcpStream::connect(address).await.unwrap();
        said(&mut guest, ASK).await;
        drop(inside.acquire().await);
        drop(open);
        answer.add_permits(1);
        assert!(heard(&mut guest).await.starts_with("HTTP/1.0 200"));
    }
}
