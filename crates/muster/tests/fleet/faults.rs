//! The way to a hub fails in every manner, and so does the monitor: nothing is lost, nothing becomes
//! something else.

use std::collections::BTreeMap;

use muster_core::uplink::{Lane, Upload};
use muster_relay::spool::Spool;
use nix::sys::signal::Signal;

use super::common::Home;
use super::fault_proxy::{Fault, FaultProxy};
use super::monitor::{EVERYTHING_IS_WRITTEN, Heard, enrol_at, following, seen};
use super::peer::Peer;
use super::process::Monitor;

/// What was sent under each number; whatever was sent again must be the same.
#[track_caller]
fn once_each(uploads: &[Upload]) -> (usize, usize) {
    let mut told = BTreeMap::new();
    let mut again = 0;
    for upload in uploads {
        for row in &upload.rows {
            let key = (upload.header.boot, row.sequence);
            if let Some(before) = told.insert(key, row.fact.body.identity().cloned()) {
                assert_eq!(before, row.fact.body.identity().cloned(), "{key:?}");
                again += 1;
            }
        }
    }
    (told.len(), again)
}

#[test]
fn whatever_the_way_does_everything_arrives() {
    let (home, peer) = (Home::new(), Peer::start());
    std::fs::write(home.path().join("muster.toml"), EVERYTHING_IS_WRITTEN).unwrap();
    let way = FaultProxy::to(peer.address);
    let heard = Heard::new(&home);
    let path = heard.path();
    let url = format!("https://{}", way.address);
    let mut monitor = Monitor::start(enrol_at(&home, &url, &peer, &["--facts", &path]));
    monitor.says("the hub answers");
    let until = |last: u8| {
        let want: Vec<u8> = (1..=last).collect();
        peer.until("all that was heard", |it| (seen(it) == want).then_some(()));
    };
    heard.add(0, &[1]);
    until(1);
    // What was asked arrives, and its answer does not: it is told again.
    way.set(Fault::Unanswered);
    heard.add(0, &[2]);
    way.until_hit();
    way.set(Fault::None);
    heard.add(0, &[3]);
    until(3);
    way.set(Fault::Stalled);
    heard.add(0, &[4]);
    way.until_hit();
    way.set(Fault::None);
    until(4);
    way.set(Fault::Cut);
    heard.add(0, &[5]);
    monitor.says("the hub is not reached, facts are kept: ");
    way.until_hit();
    way.set(Fault::None);
    until(5);
    // Stopped while a fact comes in.
    monitor.signal(Signal::SIGSTOP);
    heard.add(0, &[6]);
    monitor.signal(Signal::SIGCONT);
    until(6);
    let (told, again) = once_each(&peer.uploads());
    assert!(told >= 6 && again >= 1, "{told} told, {again} again");
}

/// How many facts a copy of the spool holds: while it runs, the monitor lets nobody else look.
pub(crate) fn written(home: &Home) -> u64 {
    let copy = tempfile::tempdir().unwrap();
    for name in ["spool.db", "spool.db-wal", "spool.key"] {
        // One that is missing holds nothing.
        drop(std::fs::copy(home.data().join(name), copy.path().join(name)));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let opened = runtime.block_on(Spool::open(&copy.path().join("spool.db"), "kitchen"));
    opened.map_or(0, |(_, spooled)| spooled.rows())
}

#[test]
fn what_a_killed_monitor_had_written_down_is_told_by_the_next() {
    let (home, peer) = (Home::new(), Peer::start());
    std::fs::write(home.path().join("muster.toml"), EVERYTHING_IS_WRITTEN).unwrap();
    let way = FaultProxy::to(peer.address);
    let heard = Heard::new(&home);
    let url = format!("https://{}", way.address);
    let enrolled = enrol_at(&home, &url, &peer, &["--once", "--simulate"]).output().unwrap();
    assert!(enrolled.status.success(), "{enrolled:?}");
    let mut monitor = Monitor::start(following(&home, &heard));
    monitor.says("the hub answers");
    way.set(Fault::Cut);
    heard.add(0, &[1, 2, 3]);
    assert!((0..TRIES).any(|_| written(&home) == 3), "they were never written down");
    monitor.kill();
    let before = peer.uploads().len();
    let mut monitor = Monitor::start(home.muster(&["monitor"]));
    monitor.says("facts wait, ");
    way.set(Fault::None);
    monitor.says("the hub has all that waited");
    let again = peer.uploads().split_off(before);
    assert_eq!(seen(&again), [1, 2, 3]);
    assert!(again.iter().all(|it| it.rows.is_empty() || it.header.lane == Lane::Backlog));
}

/// Looking takes some milliseconds each time: far longer than a tired disk needs.
const TRIES: usize = 20_000;
