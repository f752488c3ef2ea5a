//! The way to a hub that is there, is another, is no hub, or says strange things; over real TLS.

use std::convert::Infallible;
use std::sync::Mutex as Held;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use muster_core::time::Time;
use muster_core::uplink::{Answer, BootId, Header, SequenceSet};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A request as a hub sees it: path, who asks, body.
pub(crate) type Asked = (String, Option<String>, Bytes);

/// Something that listens like a hub, and answers as a test wants.
pub(crate) struct Peer {
    pub(crate) address: HubAddress,
    pub(crate) pin: Pin,
    pub(crate) asked: Arc<Held<Vec<Asked>>>,
    pub(crate) connections: Arc<AtomicUsize>,
}

/// Whose certificate is shown, and who signs with it.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl Peer {
    /// Answers with a status and a body; `last`: and closes the connection then.
    pub(crate) async fn start(
        answer: impl Fn(&str, &[u8]) -> (u16, String) + Send + Sync + 'static,
        last: bool,
    ) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::with(answer, last, &key, &key).await
    }

    async fn with(
        answer: impl Fn(&str, &[u8]) -> (u16, String) + Send + Sync + 'static,
        last: bool,
        of: &KeyPair,
        signs: &KeyPair,
    ) -> Self {
        let (config, pin) = secret(of, signs);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
        let asked: Arc<Held<Vec<Asked>>> = Arc::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let keep = (Arc::clone(&asked), Arc::clone(&connections), Arc::new(answer));
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, keep) = (acceptor.clone(), keep.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    keep.1.fetch_add(1, Ordering::SeqCst);
                    let service = service_fn(async |request: Request<Incoming>| {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let path = head.uri.path().to_owned();
                        let who = head.headers.get(AUTHORIZATION);
                        let who = who.map(|it| it.to_str().unwrap().to_owned());
                        let (status, text) = (keep.2)(&path, &body);
                        keep.0.lock().unwrap().push((path, who, body));
                        let mut response = Response::new(Full::new(Bytes::from(text)));
                        *response.status_mut() = StatusCode::from_u16(status).unwrap();
                        Ok::<_, Infallible>(response)
                    });
                    let mut http = http1::Builder::new();
                    let http = http.keep_alive(!last);
                    http.serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
        Self { address, pin, asked, connections }
    }

    pub(crate) fn hub(&self) -> Hub {
        Hub::new(&self.address, Some(self.pin), token()).unwrap()
    }
}

/// A certificate of one key that expired long ago, shown by whoever signs with another.
fn secret(of: &KeyPair, signs: &KeyPair) -> (ServerConfig, Pin) {
    let mut params = CertificateParams::new(vec!["nobody-asks-for-it".into()]).unwrap();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2001, 1, 1);
    let certificate = params.self_signed(of).unwrap().der().clone();
    let pin = Pin::of(&certificate).unwrap();
    let provider = ring::default_provider();
    let signs = PrivateKeyDer::try_from(signs.serialize_der()).unwrap();
    let signs = provider.key_provider.load_private_key(signs).unwrap();
    let shown = Shown(Arc::new(CertifiedKey::new(vec![certificate], signs)));
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    (config, pin)
}

pub(crate) fn token() -> Token {
    Token::read(&"A".repeat(43)).unwrap()
}

pub(crate) fn taken(settled: SequenceSet, at: Time) -> String {
    let (store, refused) = (StoreId(7), Vec::new());
    let answer = Answer { store, received: at, answered: at, settled, refused };
    batch::write_reply(&Reply::Taken(answer))
}

fn upload(lane: Lane) -> Upload {
    let header = Header {
        monitor: "attic".into(),
        boot: BootId(1),
        lane,
        store: None,
        sent: None,
        uncertain: None,
        settles: SequenceSet::new(),
        oldest_unsent: None,
        health: Health::default(),
    };
    Upload { header, rows: Vec::new() }
}

fn plain() -> impl Fn(&str, &[u8]) -> (u16, String) {
    |_, _| (200, taken(SequenceSet::new(), Time::from_secs(0)))
}

#[tokio::test]
async fn uploads_reach_whoever_has_the_key_whatever_its_certificate_says() {
    let peer = Peer::start(plain(), false).await;
    let hub = peer.hub();
    for lane in [Lane::Live, Lane::Backlog, Lane::Live, Lane::Backlog] {
        let reply = hub.upload(upload(lane)).await.unwrap();
        assert!(matches!(reply, Reply::Taken(_)), "{reply:?}");
    }
    // One for each lane, kept.
    assert_eq!(peer.connections.load(Ordering::SeqCst), 2);
    let asked = peer.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 4);
    for (path, who, body) in asked {
        assert_eq!(path, "/monitor/v1/upload");
        assert_eq!(who, Some(format!("Bearer {}", "A".repeat(43))));
        let read = batch::read(&batch::expand(&body).unwrap()).unwrap();
        assert_eq!(&*read.header.monitor, "attic");
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_is_made_again() {
    let peer = Peer::start(plain(), true).await;
    let hub = peer.hub();
    for _ in 0..3 {
        hub.upload(upload(Lane::Live)).await.unwrap();
    }
    assert_eq!(peer.connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nobody_else_is_told_anything() {
    let (own, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let impostor = Peer::with(plain(), false, &own, &other).await;
    let peer = Peer::with(plain(), false, &own, &own).await;
    // The key's owner alone can sign with it.
    let error = impostor.hub().upload(upload(Lane::Live)).await.unwrap_err();
    assert!(matches!(error, Unreached::Untrusted { .. }), "{error:?}");
    let pinned = Peer::start(plain(), false).await.pin;
    let hub = Hub::new(&peer.address, Some(pinned), token()).unwrap();
    let error = hub.upload(upload(Lane::Live)).await.unwrap_err();
    assert!(matches!(error, Unreached::OtherKey), "{error:?}");
    // Without a pin dates count as well.
    let hub = Hub::new(&peer.address, None, token()).unwrap();
    let error = hub.upload(upload(Lane::Live)).await.unwrap_err();
    assert!(matches!(error, Unreached::Expired), "{error:?}");
    assert!(peer.asked.lock().unwrap().is_empty());
    assert!(impostor.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_hub_is_said() {
    let error = |answer: (u16, String)| async move {
        let peer = Peer::start(move |_, _| answer.clone(), false).await;
        peer.hub().upload(upload(Lane::Live)).await.unwrap_err()
    };
    let page = error((502, "<html>bad gateway</html>".to_owned())).await;
    assert!(matches!(page, Unreached::NotAHub { status: Some(502) }), "{page:?}");
    let long = error((200, "x".repeat((1 << 20) + 1))).await;
    assert!(matches!(long, Unreached::Broken { .. }), "{long:?}");
    // Somebody who speaks no TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let said = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, said).await.ok();
        std::future::pending::<()>().await;
    });
    let hub = Hub::new(&address, None, token()).unwrap();
    let error = hub.upload(upload(Lane::Live)).await.unwrap_err();
    assert!(matches!(error, Unreached::NotAHub { status: None }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_never_answers_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let hub = Hub::new(&address, None, token()).unwrap();
    let error = hub.upload(upload(Lane::Live)).await.unwrap_err();
    assert!(matches!(error, Unreached::Late), "{error:?}");
    drop(listener);
    let error = hub.upload(upload(Lane::Live)).await.unwrap_err();
    assert!(matches!(error, Unreached::Nobody { .. }), "{error:?}");
}

#[tokio::test]
async fn a_code_lets_in_and_a_refusal_says_why() {
    let answers = |_: &str, body: &[u8]| {
        let asked: serde_json::Value = serde_json::from_slice(body).unwrap();
        match asked["code"].as_str() {
            Some("K7QMX-3XTPA") => {
                let (token, store) = ("A".repeat(43), StoreId(9));
                let given = serde_json::json!({
                    "monitor": "kitchen", "token": token, "store": store.to_string(),
                });
                (200, given.to_string())
            }
            Some("strange") => (200, r#"{"monitor":"","token":"AA","store":"x"}"#.to_owned()),
            _ => (403, r#"{"error":"this code was used\u001b","hint":"ask anew"}"#.to_owned()),
        }
    };
    let peer = Peer::start(answers, false).await;
    let ask = async |code: &str| enrol(&peer.address, Some(peer.pin), code, "1").await;
    let welcome = ask("K7QMX-3XTPA").await.unwrap();
    assert_eq!(welcome, Welcome { monitor: "kitchen".into(), token: token(), store: StoreId(9) });
    assert!(matches!(ask("strange").await, Err(Unreached::NotAHub { status: Some(200) })));
    match ask("another").await {
        Err(Unreached::Refused { why, hint }) => {
            assert_eq!(&*why, "this code was used ");
            assert_eq!(hint.as_deref(), Some("ask anew"));
        }
        other => panic!("{other:?}"),
    }
    assert!(peer.asked.lock().unwrap().iter().all(|it| it.0 == "/monitor/v1/enrol"));
}
