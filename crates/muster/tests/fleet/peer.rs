//! A hub that says what a test wants: TLS and HTTP as a hub speaks them, and no judgement.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use muster_core::time::Time;
use muster_core::uplink::{Answer, Reply, StoreId, Upload};
use muster_relay::trust::Pin;
use muster_wire::batch;
use nix::time::{ClockId, clock_gettime};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The code by which it lets a monitor in.
pub(crate) const CODE: &str = "K7QMX-3XTPA";
/// Its store.
pub(crate) const STORE: StoreId = StoreId(7);

/// How it answers uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    Refuses,
    HasOtherStore,
}

/// What came in, and how it answers.
#[derive(Debug)]
struct Desk {
    mood: Mood,
    uploads: Vec<Upload>,
}

/// The hub; it ends with the test.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) pin: Pin,
    desk: Arc<(Mutex<Desk>, Condvar)>,
    _threads: tokio::runtime::Runtime,
}

impl Peer {
    pub(crate) fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["muster".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap().der().clone();
        let pin = Pin::of(&certificate).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let desk = Desk { mood: Mood::Takes, uploads: Vec::new() };
        let desk = Arc::new((Mutex::new(desk), Condvar::new()));
        let threads = tokio::runtime::Builder::new_multi_thread();
        let threads = { threads }.worker_threads(1).enable_all().build().unwrap();
        let listener = threads.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        threads.spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), Arc::clone(&desk)));
        Self { address, pin, desk, _threads: threads }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.desk.0.lock().unwrap().mood = mood;
    }

    /// Everything that came in so far.
    pub(crate) fn uploads(&self) -> Vec<Upload> {
        self.desk.0.lock().unwrap().uploads.clone()
    }

    /// Waits for what `look` finds in the uploads.
    #[track_caller]
    pub(crate) fn until<T>(&self, what: &str, look: impl Fn(&[Upload]) -> Option<T>) -> T {
        let desk = self.desk.0.lock().unwrap();
        let missing = |it: &mut Desk| look(&it.uploads).is_none();
        let (desk, _) = self.desk.1.wait_timeout_while(desk, PATIENCE, missing).unwrap();
        look(&desk.uploads).unwrap_or_else(|| panic!("no {what}: {:?}", desk.uploads))
    }
}

/// Civil time.
pub(crate) fn now() -> Time {
    Time::default() + Duration::from(clock_gettime(ClockId::CLOCK_REALTIME).unwrap())
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, desk: Arc<(Mutex<Desk>, Condvar)>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, desk) = (tls.clone(), Arc::clone(&desk));
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(|request: Request<Incoming>| {
                let desk = Arc::clone(&desk);
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    let (status, text) = match head.uri.path() {
                        "/monitor/v1/enrol" => enrol(&body),
                        "/monitor/v1/upload" => take(&body, &desk),
                        other => panic!("{other}"),
                    };
                    let mut response = Response::new(Full::new(Bytes::from(text)));
                    *response.status_mut() = StatusCode::from_u16(status).unwrap();
                    Ok::<_, Infallible>(response)
                }
            });
            let http = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            http.await.ok();
        });
    }
}

fn enrol(body: &[u8]) -> (u16, String) {
    let asked: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert!(asked["version"].is_string());
    if asked["code"] != CODE {
        return (
            403,
            r#"{"error":"this code was used","hint":"muster monitor enrol NAME"}"#.into(),
        );
    }
    let token = URL_SAFE_NO_PAD.encode([7; 32]);
    let given = serde_json::json!({
        "monitor": "kitchen", "token": token, "store": STORE.to_string(),
    });
    (200, given.to_string())
}

fn take(body: &[u8], desk: &(Mutex<Desk>, Condvar)) -> (u16, String) {
    let upload = batch::read(&batch::expand(body).unwrap()).unwrap();
    let at = now();
    let mut it = desk.0.lock().unwrap();
    let (status, reply) = match it.mood {
        Mood::Takes => {
            let settled = upload.header.settles.clone();
            it.uploads.push(upload);
            let (received, answered, refused) = (at, at, Vec::new());
            (200, Reply::Taken(Answer { store: STORE, received, answered, settled, refused }))
        }
        Mood::Refuses => (401, Reply::Unauthorised),
        Mood::HasOtherStore => (409, Reply::OtherStore { store: StoreId(8) }),
    };
    desk.1.notify_all();
    (status, batch::write_reply(&reply))
}

/// Longer than anything that is waited for takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
