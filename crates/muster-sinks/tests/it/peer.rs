//! A peer that does what a test tells it to: one script a connection, in order.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What the peer does with a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Script {
    /// Takes everything until the other end closes.
    Take,
    /// Takes everything, a few bytes at a time.
    Sip,
    /// Takes so many bytes at least, then closes.
    CloseAfter(usize),
    /// Takes so many bytes at least, then resets the connection.
    ResetAfter(usize),
    /// Takes everything, and closes its own half first.
    HalfClose,
    /// Never takes anything.
    Ignore,
    /// Says something, as a web server does.
    Answer,
    /// Closes when it is told to, after taking what came.
    CloseWhenTold,
}

/// A running peer.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    tell: mpsc::Sender<()>,
    closed: mpsc::Receiver<()>,
    task: JoinHandle<Vec<Vec<u8>>>,
    stop: mpsc::Sender<()>,
}

impl Peer {
    pub(crate) fn start(scripts: &'static [Script]) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), scripts)
    }

    pub(crate) fn start_at(address: SocketAddr, scripts: &'static [Script]) -> Self {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::channel(1);
        let (closing, closed) = mpsc::channel(8);
        let (stop, stopped) = mpsc::channel(1);
        let task = tokio::spawn(serve(listener, scripts, told, closing, stopped));
        Self { address, tell, closed, task, stop }
    }

    /// Has the connection closed, and waits until it is.
    pub(crate) async fn close(&mut self) {
        self.tell.send(()).await.unwrap();
        self.closed.recv().await.unwrap();
    }

    /// What came in on each connection that was made. The sink must be gone by now.
    pub(crate) async fn taken(self) -> Vec<String> {
        drop(self.stop);
        let taken = self.task.await.unwrap();
        taken.into_iter().map(|it| String::from_utf8(it).unwrap()).collect()
    }
}

async fn serve(
    listener: std::net::TcpListener,
    scripts: &'static [Script],
    mut told: mpsc::Receiver<()>,
    closing: mpsc::Sender<()>,
    mut stopped: mpsc::Receiver<()>,
) -> Vec<Vec<u8>> {
    let waiting = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
    let mut taken = Vec::new();
    let mut ignored = Vec::new();
    for script in scripts {
        let stream = tokio::select! {
            accepted = waiting.accept() => accepted.unwrap().0,
            // One that nobody has looked at yet may be waiting still.
            _ = stopped.recv() => match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(true).unwrap();
                    TcpStream::from_std(stream).unwrap()
                }
                Err(_) => break,
            },
        };
        let mut heard = Vec::new();
        act(stream, *script, &mut heard, &mut told, &mut ignored).await;
        taken.push(heard);
        closing.try_send(()).ok();
    }
    // Whoever is ignored is not closed before the test is over.
    let _ = stopped.recv().await;
    taken
}

async fn act(
    mut stream: TcpStream,
    script: Script,
    heard: &mut Vec<u8>,
    told: &mut mpsc::Receiver<()>,
    ignored: &mut Vec<TcpStream>,
) {
    match script {
        Script::Take => drop(stream.read_to_end(heard).await),
        Script::Sip => {
            let mut sip = [0; 512];
            while let Ok(count @ 1..) = stream.read(&mut sip).await {
                heard.extend_from_slice(&sip[..count]);
                tokio::task::yield_now().await;
            }
        }
        Script::CloseAfter(least) => take(&mut stream, heard, least).await,
        Script::ResetAfter(least) => {
            take(&mut stream, heard, least).await;
            stream.set_zero_linger().unwrap();
        }
        Script::HalfClose => {
            stream.shutdown().await.unwrap();
            drop(stream.read_to_end(heard).await);
        }
        Script::Ignore => ignored.push(stream),
        Script::Answer => {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            drop(stream.read_to_end(heard).await);
        }
        Script::CloseWhenTold => {
            let _ = told.recv().await;
            // What was acknowledged is here already.
            let mut stream = stream.into_std().unwrap();
            let mut some = [0; 4_096];
            while let Ok(count @ 1..) = std::io::Read::read(&mut stream, &mut some) {
                heard.extend_from_slice(&some[..count]);
            }
        }
    }
}

async fn take(stream: &mut TcpStream, heard: &mut Vec<u8>, least: usize) {
    let mut some = [0; 4_096];
    while heard.len() < least {
        match stream.read(&mut some).await {
            Ok(count @ 1..) => heard.extend_from_slice(&some[..count]),
            Ok(0) | Err(_) => break,
        }
    }
}
