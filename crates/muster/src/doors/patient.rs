//! A connection whose other end has to take what it is sent.
//!
//! Refuses to know what is sent. **Invariant:** writing that waits ends with an error once nothing
//! was taken for the time given; any byte taken begins it anew.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream whose writing waits for so long and no longer.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Running while the other end takes nothing.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncWrite + Unpin> Patient<S> {
    pub(super) const fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, waiting: None }
    }

    fn writes<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = write(Pin::new(&mut self.stream), context) {
            self.waiting = None;
            return Poll::Ready(done);
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes(context, |stream, context| stream.poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writes(context, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writes(context, AsyncWrite::poll_shutdown)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::SocketAddr;
    use std::sync::Arc;

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::sync::{Semaphore, watch};

    use super::super::{Manners, keep};
    use super::*;

    /// Connects with little room for what comes.
    async fn guest(address: SocketAddr, path: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(1024).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        let asked = format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
        stream.write_all(asked.as_bytes()).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn who_takes_nothing_loses_the_seat_and_the_permit_and_a_reader_keeps_them() {
        let permits = Arc::new(Semaphore::new(2));
        let streams = Arc::clone(&permits);
        let endless = async move || {
            let permit = streams.acquire_owned().await.unwrap();
            let flood = stream::repeat_with(move || {
                let _held = &permit;
                Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 8192]))
            });
            Body::from_stream(flood)
        };
        let large = get(async || vec![b'x'; 16 << 20]);
        let small = get(async || "here");
        let rooms = Router::new()
            .route("/endless", get(endless))
            .route("/large", large)
            .route("/small", small);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_open, opened) = watch::channel(());
        let manners = Manners { seats: 3, silence: Duration::from_secs(1) };
        tokio::spawn(keep(listener, rooms, manners, opened));

        // Whoever reads, however much there is, stays.
        let mut reader = guest(address, "/endless").await;
        reader.read_u8().await.unwrap();
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; 65536];
            while reader.read(&mut buffer).await.is_ok_and(|it| it > 0) {}
        });
        // All other seats are taken by who never reads: only if they end, one gets in.
        let mut silent = Vec::new();
        for path in ["/endless", "/large", "/endless", "/large"] {
            silent.push(guest(address, path).await);
        }
        let mut late = guest(address, "/small").await;
        let mut text = String::new();
        late.read_to_string(&mut text).await.unwrap();
        assert!(text.ends_with("here"), "{text}");
        drop(permits.acquire().await.unwrap());
        assert!(!reading.is_finished(), "the one who reads was let go");
        reading.abort();
    }
}
