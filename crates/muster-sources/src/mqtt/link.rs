//! The connection to a broker: what it brings, and in plain words why it ended.
//!
//! MQTT 5, because there a client may say how long a message it takes, and the broker keeps the longer
//! ones back (5.0, 3.1.2.11.4); in 3.1.1 one such message, retained, would end every connection.
//! Nothing outside this file knows the library.

use std::fs::File;
use std::io::{self, Read as _};

use muster_config::mqtt::MqttSettings;
use muster_core::ports::{BoxError, BoxFuture, SourceError};
use muster_wire::mqtt::MAX_PAYLOAD;
use rumqttc::tokio_rustls::rustls;
use rumqttc::{
    AsyncClient, Broker, ConnectReturnCode, ConnectionError, DisconnectReasonCode, Event,
    EventLoop, Incoming, MqttOptions, QoS, StateError, SubscribeFilter, SubscribeReasonCode,
    TlsConfiguration, TlsError, Transport,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What a connection brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The broker takes the subscriptions; what it retains comes now.
    Connected,
    /// A message.
    Message(Message),
}

/// A message under one of the topics that were subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    /// Whether the broker had kept it: it may be of any age.
    pub(super) retained: bool,
}

/// A connection.
pub(super) trait MqttLink: Send + std::fmt::Debug {
    /// Waits for what comes next. Cancel-safe. After an error there is nothing more.
    fn next(&mut self) -> BoxFuture<'_, Result<Arrival, SourceError>>;
}

/// A connection over the network.
#[derive(Debug)]
pub(super) struct Network {
    arrivals: mpsc::Receiver<Result<Arrival, SourceError>>,
    running: JoinHandle<()>,
}

impl Network {
    /// Begins to connect, as `client`, and to subscribe. Call it inside a tokio runtime.
    pub(super) fn open(
        settings: &MqttSettings,
        client: &str,
        filters: Vec<String>,
    ) -> Result<Self, SourceError> {
        let options = options(settings, client)?;
        let words = Words::of(settings);
        let (sender, arrivals) = mpsc::channel(QUEUE);
        // In a task, because a connection that is just being made must not be dropped with a future.
        let running = tokio::spawn(async move {
            if let Err(error) = run(options, filters, &words, &sender).await {
                drop(sender.send(Err(error)).await);
            }
        });
        Ok(Self { arrivals, running })
    }
}

impl MqttLink for Network {
    fn next(&mut self) -> BoxFuture<'_, Result<Arrival, SourceError>> {
        Box::pin(async move {
            let ended = || SourceError::Lost {
                what: "the connection to the MQTT broker".to_owned(),
                cause: "it ended".into(),
            };
            self.arrivals.recv().await.unwrap_or_else(|| Err(ended()))
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Runs the connection until it ends. A reader that is slower than the broker makes it wait.
async fn run(
    options: MqttOptions,
    filters: Vec<String>,
    words: &Words,
    to: &mpsc::Sender<Result<Arrival, SourceError>>,
) -> Result<(), SourceError> {
    let (client, mut events) = AsyncClient::builder(options).capacity(REQUESTS).build();
    loop {
        let arrival = match poll(&mut events).await.map_err(|it| words.lost(&it))? {
            Event::Incoming(Incoming::ConnAck(_)) => {
                // At most once: what is lost with a connection is told again within seconds.
                let wanted =
                    filters.iter().map(|it| SubscribeFilter::new(it.as_str(), QoS::AtMostOnce));
                client.subscribe_many(wanted).await.map_err(|it| words.cannot(&it.to_string()))?;
                continue;
            }
            Event::Incoming(Incoming::SubAck(answer)) => {
                let taken =
                    |it: &SubscribeReasonCode| matches!(it, SubscribeReasonCode::Success(_));
                if let Some(at) = answer.return_codes.iter().position(|it| !taken(it)) {
                    let refused = filters.get(at).map_or("", String::as_str);
                    return Err(
                        words.cannot(&format!("it does not let {} read {refused}", words.user))
                    );
                }
                Arrival::Connected
            }
            Event::Incoming(Incoming::Publish(it)) => Arrival::Message(Message {
                topic: String::from_utf8_lossy(&it.topic).into_owned(),
                payload: it.payload.to_vec(),
                retained: it.retain,
            }),
            Event::Incoming(_) | Event::Outgoing(_) | Event::Auth(_) => continue,
        };
        if to.send(Ok(arrival)).await.is_err() {
            return Ok(());
        }
    }
}

async fn poll(events: &mut EventLoop) -> Result<Event, ConnectionError> {
    events.poll().await
}

fn options(settings: &MqttSettings, client: &str) -> Result<MqttOptions, SourceError> {
    let (host, port) = host_and_port(settings.broker.as_str());
    let mut options = MqttOptions::new(client, Broker::tcp(host, port));
    let seconds = u16::try_from(settings.keep_alive.get().as_secs()).unwrap_or(u16::MAX);
    options.set_keep_alive(seconds);
    options.set_clean_start(true);
    options.set_max_packet_size(Some(MAX_PACKET));
    if let Some(user) = &settings.user {
        options.set_username(user.as_str());
        if let Some(file) = &settings.password_file {
            options.set_credentials(user.as_str(), password(file.as_str())?);
        }
    }
    if settings.is_encrypted() {
        options.set_transport(Transport::tls_with_config(encryption(settings)?));
    }
    Ok(options)
}

/// Without the brackets of an IPv6 address.
fn host_and_port(text: &str) -> (&str, u16) {
    // The setting has a port; that of MQTT without one.
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "1883"));
    (host.trim_start_matches('[').trim_end_matches(']'), port.parse().unwrap_or(1883))
}

fn encryption(settings: &MqttSettings) -> Result<TlsConfiguration, SourceError> {
    let Some(file) = &settings.ca_file else {
        return TlsConfiguration::try_default_rustls().map_err(|cause| SourceError::Unusable {
            what: "this machine's list of trusted certificates (or set sources.mqtt.ca_file)"
                .to_owned(),
            cause: cause.into(),
        });
    };
    let what = || format!("the certificates in {} (sources.mqtt.ca_file)", file.as_str());
    let ca =
        read(file.as_str()).map_err(|it| SourceError::Lost { what: what(), cause: it.into() })?;
    if !ca.windows(PEM.len()).any(|it| it == PEM) {
        let cause = BoxError::from("there is no certificate in it (PEM)");
        return Err(SourceError::Lost { what: what(), cause });
    }
    Ok(TlsConfiguration::Simple { ca, alpn: None, client_auth: None })
}

/// The first line of a file.
fn password(file: &str) -> Result<Vec<u8>, SourceError> {
    let text = read(file).map_err(|cause| SourceError::Lost {
        what: format!("the password in {file} (sources.mqtt.password_file)"),
        cause: cause.into(),
    })?;
    let line = text.split(|it| *it == b'\n').next().unwrap_or_default();
    Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
}

fn read(file: &str) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    File::open(file)?.take(LONGEST_FILE).read_to_end(&mut out)?;
    Ok(out)
}

/// How the connection is spoken of to people.
#[derive(Debug)]
struct Words {
    broker: String,
    user: String,
    /// What to look at when the user is refused.
    look_at: String,
}

impl Words {
    fn of(settings: &MqttSettings) -> Self {
        let user = match &settings.user {
            Some(user) => format!("user {}", user.as_str()),
            None => "somebody without a name".to_owned(),
        };
        let look_at = match (&settings.user, &settings.password_file) {
            (Some(_), Some(file)) => format!(
                "look at sources.mqtt.user, and at the password in {} (sources.mqtt.password_file)",
                file.as_str()
            ),
            (Some(_), None) => {
                "look at sources.mqtt.user; sources.mqtt.password_file is not set".to_owned()
            }
            (None, _) => "set sources.mqtt.user and sources.mqtt.password_file".to_owned(),
        };
        Self { broker: settings.broker.to_string(), user, look_at }
    }

    fn what(&self) -> String {
        format!("the MQTT broker at {}", self.broker)
    }

    fn cannot(&self, why: &str) -> SourceError {
        SourceError::Lost { what: self.what(), cause: why.into() }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all other reasons are told alike")]
    fn lost(&self, error: &ConnectionError) -> SourceError {
        use ConnectReturnCode as Code;
        let refused = match error {
            ConnectionError::ConnectionRefused(code)
            | ConnectionError::MqttState(StateError::ConnFail { reason: code }) => Some(code),
            _ => None,
        };
        let why = match refused {
            Some(Code::BadUserNamePassword | Code::NotAuthorized) => {
                format!("it refuses {}: {}", self.user, self.look_at)
            }
            Some(Code::UnsupportedProtocolVersion | Code::RefusedProtocolVersion) => {
                "it does not speak MQTT 5".to_owned()
            }
            Some(Code::ClientIdentifierNotValid | Code::BadClientId) => {
                "it does not take the name of the connection: set sources.mqtt.client_id".to_owned()
            }
            Some(code) => format!("it refuses the connection: {code:?}"),
            None => plain(error),
        };
        self.cannot(&why)
    }
}

/// What the library says, without its own words in front.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other reasons are told in its words")]
fn plain(error: &ConnectionError) -> String {
    match error {
        ConnectionError::Io(cause) | ConnectionError::Tls(TlsError::Io(cause)) => {
            certificate(cause).unwrap_or_else(|| cause.to_string())
        }
        ConnectionError::Timeout(_) | ConnectionError::MqttState(StateError::AwaitPingResp) => {
            "it does not answer".to_owned()
        }
        ConnectionError::MqttState(StateError::ConnectionAborted) => CLOSED.to_owned(),
        ConnectionError::MqttState(StateError::Io(cause)) => cause.to_string(),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            match reason_code {
                DisconnectReasonCode::SessionTakenOver => CLOSED.to_owned(),
                other => format!("it closed the connection: {other:?}"),
            }
        }
        other => other.to_string(),
    }
}

/// Why a certificate was not taken, and what would help.
fn certificate(error: &io::Error) -> Option<String> {
    let found = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    matches!(found, rustls::Error::InvalidCertificate(_))
        .then(|| format!("its certificate is not taken ({found}): look at sources.mqtt.ca_file"))
}

/// Not every broker says why.
const CLOSED: &str = "it closed the connection: it ended, or somebody else connected under the same \
                      name (sources.mqtt.client_id)";
/// The longest payload, and room for its topic.
const MAX_PACKET: u32 = 17_408;
const _: () = assert!(MAX_PACKET as usize == MAX_PAYLOAD + 1_024);
/// Messages that wait for their reader: some megabytes of the longest.
const QUEUE: usize = 256;
/// One subscription is all that is ever asked.
const REQUESTS: usize = 4;
/// Certificates of a whole system are some 200 KiB.
const LONGEST_FILE: u64 = 1 << 20;
const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";
