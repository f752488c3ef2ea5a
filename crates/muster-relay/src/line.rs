//! One connection to a hub, kept for the next request as long as both want.
//!
//! **Invariant:** a request that ended in the middle takes its connection along: what comes next on it
//! would be the answer to something else.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::{CertificateError, ClientConfig, Error as TlsError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::address::HubAddress;
use crate::hub::Unreached;

/// A connection, or the way to one.
#[derive(Debug)]
pub(crate) struct Line {
    address: HubAddress,
    /// None: without TLS.
    tls: Option<Arc<ClientConfig>>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    /// What moves the bytes; ends when this is dropped.
    _mover: JoinSet<()>,
}

impl Line {
    /// Connects to nobody yet.
    pub(crate) const fn new(address: HubAddress, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { address, tls, open: None }
    }

    /// Asks, on the connection that is there if it still stands. What is asked must be safe to be asked
    /// twice: a connection that the hub has just closed is noticed only when it is used.
    pub(crate) async fn ask(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Unreached> {
        let host = HeaderValue::from_str(&self.address.authority());
        let host = host.map_err(|it| Unreached::Broken { cause: it.into() })?;
        request.headers_mut().insert(HOST, host);
        if let Some(open) = self.open.take().filter(|it| it.sender.is_ready()) {
            match self.ask_on(open, request.clone()).await {
                Err(Unreached::Broken { .. }) => {}
                other => return other,
            }
        }
        let open = self.open().await?;
        self.ask_on(open, request).await
    }

    async fn ask_on(
        &mut self,
        mut open: Open,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Unreached> {
        let broken = |cause: hyper::Error| Unreached::Broken { cause: cause.into() };
        open.sender.ready().await.map_err(broken)?;
        let (head, body) = open.sender.send_request(request).await.map_err(broken)?.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body.map_err(|cause| Unreached::Broken { cause })?.to_bytes();
        self.open = Some(open);
        Ok((head.status, body))
    }

    async fn open(&self) -> Result<Open, Unreached> {
        let connecting = async {
            let stream = TcpStream::connect(self.address.target()).await;
            let stream = stream.map_err(|cause| Unreached::Nobody { cause })?;
            // An upload is one piece that is waited for.
            stream.set_nodelay(true).map_err(|cause| Unreached::Nobody { cause })?;
            let Some(tls) = &self.tls else { return converse(stream).await };
            let name = self.address.server_name().ok_or(Unreached::NotAHub { status: None })?;
            let tls = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
            converse(tls.map_err(untrusted)?).await
        };
        tokio::time::timeout(CONNECT_WITHIN, connecting).await.unwrap_or(Err(Unreached::Late))
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Open, Unreached> {
    let handshake = Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(|it| Unreached::Broken { cause: it.into() })?;
    let mut mover = JoinSet::new();
    // What ends the connection is told to whoever asks on it.
    mover.spawn(async { drop(connection.await) });
    Ok(Open { sender, _mover: mover })
}

/// What an error of the handshake means.
fn untrusted(cause: io::Error) -> Unreached {
    let tls = cause.get_ref().and_then(|it| it.downcast_ref::<TlsError>());
    match tls {
        Some(TlsError::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
            Unreached::OtherKey
        }
        Some(TlsError::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Unreached::Expired,
        Some(TlsError::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => Unreached::NotYetValid,
        Some(TlsError::InvalidCertificate(_)) => Unreached::Untrusted { cause: cause.into() },
        Some(TlsError::InvalidMessage(_)) => Unreached::NotAHub { status: None },
        Some(_) | None => Unreached::Broken { cause: cause.into() },
    }
}

/// A reply to an upload whose every other fact waits (`docs/protocol.md`).
const MAX_BODY: usize = 1 << 20;
/// What comes before it.
const MAX_HEAD: usize = 64 << 10;
/// Names, connection and handshake; over a slow radio link a handshake takes seconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
