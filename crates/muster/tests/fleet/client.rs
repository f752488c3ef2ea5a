//! A monitor as small as it can be: TLS with the hub's pin, HTTP/1.1, and the bytes of the wire.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster_core::fact::{Fact, FactBody, Listener, Sighting, SourceKind};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_core::uplink::{BootId, Header, Health, Lane, Reply, Row, SequenceSet, Upload};
use muster_wire::batch;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::common::{Answer, Home};

/// Where a hub is and by what it is known.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) port: u16,
    pub(crate) pin: String,
    pub(crate) code: String,
}

/// Types `muster monitor enrol` with these arguments, and reads the line.
pub(crate) fn invited(home: &Home, args: &[&str]) -> Way {
    let mut all = vec!["monitor", "enrol", "--address", "127.0.0.1"];
    all.extend_from_slice(args);
    let said = home.run(&all);
    assert!(said.status.success(), "{said:?}");
    let line = String::from_utf8(said.stdout).unwrap();
    let rest = line.strip_prefix("muster monitor --hub https://127.0.0.1:").unwrap();
    let (port, shown) = rest.trim_end().split_once(" --enrol ").unwrap();
    let (code, pin) = shown.split_once('.').unwrap();
    Way { port: port.parse().unwrap(), pin: pin.to_owned(), code: code.to_owned() }
}

/// A monitor that was let in.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    pub(crate) way: Way,
    pub(crate) token: String,
    pub(crate) boot: BootId,
}

impl Monitor {
    /// Shows its code.
    pub(crate) fn enrolled(way: &Way, boot: u128) -> Self {
        let answer = enrol(way, &way.code);
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        Self { way: way.clone(), token, boot: BootId(boot) }
    }

    /// What it sends, as bytes.
    pub(crate) fn bytes(&self, first: u64, facts: Vec<Fact>, health: Health) -> Vec<u8> {
        let rows: Vec<Row> =
            (first..).zip(facts).map(|(sequence, fact)| Row { sequence, fact }).collect();
        let settles: SequenceSet = rows.iter().map(|it| it.sequence).collect();
        let header = Header {
            monitor: "whoever".into(),
            boot: self.boot,
            lane: Lane::Live,
            store: None,
            sent: Some(now()),
            uncertain: None,
            settles,
            oldest_unsent: None,
            health,
        };
        batch::compress(&batch::write(&Upload { header, rows }))
    }

    /// Sends facts from this sequence on; the status and the reply.
    pub(crate) fn send(&self, first: u64, facts: Vec<Fact>) -> (u16, Reply) {
        self.put(&self.bytes(first, facts, Health::default()))
    }

    pub(crate) fn put(&self, body: &[u8]) -> (u16, Reply) {
        let answer = self.post(body).expect("an answer");
        (answer.status, batch::read_reply(&answer.body).unwrap())
    }

    /// Sends bytes; none when the hub is gone.
    pub(crate) fn post(&self, body: &[u8]) -> Option<Answer> {
        let bearer = format!("Bearer {}", self.token);
        ask(&self.way, "/monitor/v1/upload", Some(&bearer), BATCH, body)
    }
}

/// Asks to be let in.
pub(crate) fn enrol(way: &Way, code: &str) -> Answer {
    let body = serde_json::json!({ "code": code, "version": "test" }).to_string();
    ask(way, "/monitor/v1/enrol", None, "application/json", body.as_bytes()).expect("an answer")
}

/// One request on a connection of its own.
pub(crate) fn ask(
    way: &Way,
    path: &str,
    bearer: Option<&str>,
    kind: &str,
    body: &[u8],
) -> Option<Answer> {
    let mut stream = connected(way);
    let authorised = bearer.map_or_else(String::new, |it| format!("Authorization: {it}\r\n"));
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nContent-Type: {kind}\r\n\
         {authorised}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    // Whoever is refused early need not read it all.
    drop(stream.write_all(body));
    drop(stream.flush());
    answered(stream)
}

/// The answer on a connection that ends with it.
pub(crate) fn answered(mut stream: Stream) -> Option<Answer> {
    let mut text = Vec::new();
    // What ends without a goodbye has said what it had to.
    drop(stream.read_to_end(&mut text));
    let text = String::from_utf8(text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A connection to who has the pin, and to nobody else.
pub(crate) fn connected(way: &Way) -> Stream {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(way.pin.clone())))
        .with_no_client_auth();
    let name = ServerName::try_from("hub").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", way.port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(connection, socket)
}

/// Trusts one key, whatever is written around it.
#[derive(Debug)]
struct Pinned(String);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let key = key_of(end);
        let pin = URL_SAFE_NO_PAD.encode(Sha256::digest(key));
        let known = pin == self.0;
        known.then(ServerCertVerified::assertion).ok_or(Error::General("another key".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 and nothing older".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// The `SubjectPublicKeyInfo` of a certificate with a key on the curve P-256: it begins with these bytes
/// (RFC 5480) and is 91 long.
fn key_of(certificate: &[u8]) -> &[u8] {
    let begins = [0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let at = certificate.windows(begins.len()).position(|it| it == begins).unwrap();
    &certificate[at..at + 91]
}

/// The civil time, as the hub has it: it is the same machine.
pub(crate) fn now() -> Time {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_REALTIME).unwrap();
    Time::from_secs(now.tv_sec())
}

pub(crate) fn seen(channel: &str, identity: &str, at: Time, rssi: i8) -> Fact {
    let listener = Arc::new(Listener::new("whoever", SourceKind::Ble, channel));
    let identity = identity.parse().unwrap();
    Fact { listener, body: FactBody::Sighting(Sighting { identity, at, rssi: Some(rssi) }) }
}

pub(crate) fn covered(channel: &str, from: Time, to: Time) -> Fact {
    let listener = Arc::new(Listener::new("whoever", SourceKind::Ble, channel));
    Fact { listener, body: FactBody::Coverage(Span::new(from, to)) }
}

/// What a list answers.
pub(crate) fn items(answer: &Answer) -> Vec<Value> {
    answer.json()["items"].as_array().cloned().unwrap_or_default()
}

pub(crate) const BATCH: &str = "application/vnd.muster.batch";
/// Longer than any answer here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
