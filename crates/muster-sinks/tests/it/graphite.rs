//! The Graphite sink keeps every promise of a series sink, and says plainly what is wrong.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use muster_config::graphite::GraphiteSettings;
use muster_core::ports::{Sample, SeriesSink, SinkError};
use muster_sinks::graphite::Graphite;

use crate::conformance;
use crate::peer::{Peer, Script};

#[tokio::test]
async fn one_connection() {
    conformance::one_connection(open, written).await;
}

#[tokio::test]
async fn a_slow_peer() {
    conformance::a_slow_peer(open, written).await;
}

#[tokio::test]
async fn offered_again() {
    conformance::offered_again(open, written).await;
}

#[tokio::test]
async fn closed_while_idle() {
    conformance::closed_while_idle(open, written).await;
}

#[tokio::test]
async fn nobody_there() {
    conformance::nobody_there(open).await;
}

#[tokio::test]
async fn dropped_in_the_middle() {
    conformance::dropped_in_the_middle(open, written).await;
}

#[tokio::test]
async fn nothing_to_deliver() {
    conformance::nothing_to_deliver(open).await;
}

#[tokio::test]
async fn what_is_wrong_is_said_plainly() {
    for (script, said) in [
        (&[Script::Answer] as &'static [Script], "the peer answers, so this is not where"),
        (&[Script::Ignore], "the peer took nothing for 0.3 s"),
        (&[Script::HalfClose], "the peer closed the connection"),
    ] {
        let peer = Peer::start(script);
        let found = refusal(open(peer.address)).await;
        assert!(found.starts_with(said), "{script:?}: {found}");
    }
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let found = refusal(open(address)).await;
    assert!(found.starts_with(&format!("cannot connect to {address}: ")), "{found}");
}

async fn refusal(mut sink: Box<dyn SeriesSink>) -> String {
    match sink.deliver(&conformance::many()).await {
        Err(SinkError::Retry(cause)) => {
            let rest = cause.source().map(|it| format!(": {it}"));
            format!("{cause}{}", rest.unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn open(address: SocketAddr) -> Box<dyn SeriesSink> {
    let settings =
        GraphiteSettings { address: address.to_string().parse().unwrap(), ..Default::default() };
    Box::new(Graphite::new(&settings).with_patience(Duration::from_millis(300)))
}

fn written(samples: &[Sample]) -> String {
    let mut text = String::new();
    for sample in samples {
        for (name, value) in &sample.values {
            writeln!(text, "home.presence.{name} {value} {}", sample.at.secs()).unwrap();
        }
    }
    text
}
