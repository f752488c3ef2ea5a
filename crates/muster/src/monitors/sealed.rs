//! Connections under TLS, whose handshake is made by whoever reads from them.
//!
//! So one that never finishes holds up nobody but its own seat, and not for long; nor does one machine
//! have all seats. **Invariant:** not a byte passes before the handshake is done.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Timeout, timeout};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};
use tracing::debug;

use super::crowd::{Crowd, Place};

/// A door behind which everything is under TLS.
pub(super) struct Sealed {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    crowd: Crowd,
}

impl Sealed {
    /// With so many seats behind it.
    pub(super) fn new(listener: TcpListener, tls: Arc<ServerConfig>, seats: usize) -> Self {
        let crowd = Crowd::new((seats / 2).max(2));
        Self { listener, acceptor: TlsAcceptor::from(tls), crowd }
    }
}

impl Listener for Sealed {
    type Io = SealedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            let Some(place) = self.crowd.enter(address.ip()) else {
                debug!("too many connections from one address: {}", address.ip());
                continue;
            };
            // A reply is small and waited for.
            drop(stream.set_nodelay(true));
            let greeting = timeout(TO_GREET, self.acceptor.accept(stream));
            return (
                SealedStream { state: State::Greeting(Box::pin(greeting)), _place: place },
                address,
            );
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub(super) struct SealedStream {
    state: State,
    _place: Place,
}

enum State {
    /// The handshake is under way.
    Greeting(Pin<Box<Timeout<Accept<TcpStream>>>>),
    /// It is done.
    Open(Box<TlsStream<TcpStream>>),
    /// It failed.
    Closed,
}

impl SealedStream {
    /// The stream once the handshake is done.
    fn open(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Pin<&mut TlsStream<TcpStream>>>> {
        if let State::Greeting(greeting) = &mut self.state {
            let greeted = ready!(greeting.as_mut().poll(context));
            self.state = match greeted.map_err(io::Error::from).flatten() {
                Ok(stream) => State::Open(Box::new(stream)),
                Err(cause) => {
                    self.state = State::Closed;
                    return Poll::Ready(Err(cause));
                }
            };
        }
        Poll::Ready(match &mut self.state {
            State::Open(stream) => Ok(Pin::new(stream.as_mut())),
            State::Greeting(_) | State::Closed => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl AsyncRead for SealedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.open(context))?.poll_read(context, buffer)
    }
}

impl AsyncWrite for SealedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.open(context))?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.open(context))?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Open(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            // There is nobody to say goodbye to.
            State::Greeting(_) | State::Closed => Poll::Ready(Ok(())),
        }
    }
}

/// A handshake takes two round trips; a monitor at the end of a bad link has this long.
const TO_GREET: Duration = Duration::from_secs(10);
