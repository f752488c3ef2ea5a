//! What every series sink over TCP promises, against a peer that misbehaves. A sink's own tests
//! hand in how it is opened and how it writes samples.

use std::net::SocketAddr;
use std::time::Duration;

use muster_core::ports::{Sample, SeriesSink, SinkError};
use muster_core::time::Time;

use crate::peer::{Peer, Script};

/// A sink under test: opens one to this address that gives up after a short while.
pub(crate) type Open = fn(SocketAddr) -> Box<dyn SeriesSink>;
/// What a peer must have taken when these samples were delivered.
pub(crate) type Written = fn(&[Sample]) -> String;

/// All deliveries go over one connection.
pub(crate) async fn one_connection(open: Open, written: Written) {
    let peer = Peer::start(&[Script::Take, Script::Take]);
    let mut sink = open(peer.address);
    let mut wanted = String::new();
    for second in 0..20 {
        let samples = samples(second * 5, 1);
        sink.deliver(&samples).await.unwrap();
        wanted += &written(&samples);
    }
    drop(sink);
    assert_eq!(peer.taken().await, [wanted]);
}

/// A slow peer is waited for as long as it takes anything.
pub(crate) async fn a_slow_peer(open: Open, written: Written) {
    let peer = Peer::start(&[Script::Sip]);
    let mut sink = open(peer.address);
    let samples = samples(0, 10_000);
    sink.deliver(&samples).await.unwrap();
    drop(sink);
    assert_eq!(peer.taken().await, [written(&samples)]);
}

/// After each of these the same samples are offered again and taken whole, on a new connection.
pub(crate) async fn offered_again(open: Open, written: Written) {
    for first in [
        &[Script::CloseAfter(1), Script::Take] as &'static [Script],
        &[Script::CloseAfter(100_000), Script::Take],
        &[Script::ResetAfter(1), Script::Take],
        &[Script::ResetAfter(100_000), Script::Take],
        &[Script::Ignore, Script::Take],
        &[Script::HalfClose, Script::Take],
        &[Script::Answer, Script::Take],
    ] {
        let peer = Peer::start(first);
        let mut sink = open(peer.address);
        let samples = many();
        let refused = sink.deliver(&samples).await;
        assert!(matches!(refused, Err(SinkError::Retry(_))), "{first:?}: {refused:?}");
        sink.deliver(&samples).await.unwrap_or_else(|it| panic!("{first:?}: {it:?}"));
        drop(sink);
        let taken = peer.taken().await;
        assert_eq!(taken.len(), 2, "{first:?}");
        assert!(taken[1] == written(&samples), "{first:?}: not whole");
    }
}

/// A connection that was closed between two deliveries is told, so that what the peer may have
/// lost is sent again, and not found out by losing a sample.
pub(crate) async fn closed_while_idle(open: Open, written: Written) {
    let mut peer = Peer::start(&[Script::CloseWhenTold, Script::Take]);
    let mut sink = open(peer.address);
    let (one, two) = (samples(0, 1), samples(5, 1));
    sink.deliver(&one).await.unwrap();
    peer.close().await;
    assert!(matches!(sink.deliver(&two).await, Err(SinkError::Retry(_))));
    sink.deliver(&two).await.unwrap();
    drop(sink);
    assert_eq!(peer.taken().await, [written(&one), written(&two)]);
    assert!(open(SocketAddr::from(([127, 0, 0, 1], 1))).unsure() > Duration::ZERO);
}

/// Nobody there is an error to retry, at once.
pub(crate) async fn nobody_there(open: Open) {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut sink = open(address);
    assert!(matches!(sink.deliver(&samples(0, 1)).await, Err(SinkError::Retry(_))));
}

/// A delivery that is dropped in the middle leaves nothing behind that could be mixed up.
pub(crate) async fn dropped_in_the_middle(open: Open, written: Written) {
    let peer = Peer::start(&[Script::Ignore, Script::Take]);
    let mut sink = open(peer.address);
    let samples = many();
    let soon = Duration::from_millis(20);
    assert!(tokio::time::timeout(soon, sink.deliver(&samples)).await.is_err());
    sink.deliver(&samples).await.unwrap();
    drop(sink);
    let taken = peer.taken().await;
    assert!(taken.last() == Some(&written(&samples)), "not whole");
}

/// Nothing to deliver needs no peer.
pub(crate) async fn nothing_to_deliver(open: Open) {
    let mut sink = open(SocketAddr::from(([127, 0, 0, 1], 1)));
    sink.deliver(&[]).await.unwrap();
}

/// More than the kernels take on the way, in few long lines.
pub(crate) fn many() -> Vec<Sample> {
    let name = format!("{}.is_home", "anna".repeat(120));
    let sample =
        |it: i64| Sample { at: Time::from_secs(it * 5), values: vec![(name.clone(), 1.0)] };
    (0..30_000).map(sample).collect()
}

pub(crate) fn samples(from: i64, count: i64) -> Vec<Sample> {
    (0..count)
        .map(|it| Sample {
            at: Time::from_secs(from + it * 5),
            values: vec![("anna.is_home".to_owned(), 1.0), ("count_home".to_owned(), 1.0)],
        })
        .collect()
}
