//! Connections under TLS, whose handshake is made by whoever reads from them.
//!
//! So one that never finishes holds up nobody but its own seat, and ends as any other connection that
//! says nothing. **Invariant:** not a byte passes before the handshake is done.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// A door behind which everything is under TLS.
pub(super) struct Sealed {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Sealed {
    pub(super) fn new(listener: TcpListener, tls: Arc<ServerConfig>) -> Self {
        Self { listener, acceptor: TlsAcceptor::from(tls) }
    }
}

impl Listener for Sealed {
    type Io = SealedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // A reply is small and waited for.
        drop(stream.set_nodelay(true));
        (SealedStream::Greeting(Box::new(self.acceptor.accept(stream))), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub(super) enum SealedStream {
    /// The handshake is under way.
    Greeting(Box<Accept<TcpStream>>),
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
        if let Self::Greeting(accept) = self {
            let greeted = ready!(Pin::new(accept.as_mut()).poll(context));
            *self = match greeted {
                Ok(stream) => Self::Open(Box::new(stream)),
                Err(cause) => {
                    *self = Self::Closed;
                    return Poll::Ready(Err(cause));
                }
            };
        }
        Poll::Ready(match self {
            Self::Open(stream) => Ok(Pin::new(stream.as_mut())),
            Self::Greeting(_) | Self::Closed => Err(io::ErrorKind::NotConnected.into()),
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
        match &mut *self {
            Self::Open(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            // There is nobody to say goodbye to.
            Self::Greeting(_) | Self::Closed => Poll::Ready(Ok(())),
        }
    }
}
