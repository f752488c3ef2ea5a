//! A relay on a real disk with a real hub at the other end of real TLS.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use muster_core::fact::{FactBody, Listener, Sighting, SourceKind};
use muster_core::identity::{Identity, Mac};
use muster_core::relay::dates::MachineId;
use muster_core::relay::{Settings, Start};
use muster_core::time::Time;
use muster_core::uplink::BootId;
use muster_wire::batch;
use nix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::hub::tests::{Peer, taken, token};

/// The machine's clocks.
#[derive(Debug)]
struct Clocks;

impl Clock for Clocks {
    fn now(&self) -> Now {
        let read = |id| Duration::from(clock_gettime(id).unwrap());
        let wall = Time::from_secs(0) + read(ClockId::CLOCK_REALTIME);
        Now { mono: read(ClockId::CLOCK_BOOTTIME), wall }
    }
}

/// A hub that takes everything while its status is 200, and what it took.
struct House {
    peer: Peer,
    status: Arc<AtomicU16>,
    took: Arc<Mutex<Vec<Fact>>>,
    folder: TempDir,
}

impl House {
    async fn new() -> Self {
        let status = Arc::new(AtomicU16::new(200));
        let took: Arc<Mutex<Vec<Fact>>> = Arc::default();
        let (says, keeps) = (Arc::clone(&status), Arc::clone(&took));
        let answer = move |_: &str, body: &[u8]| {
            let status = says.load(Ordering::SeqCst);
            if status != 200 {
                return (status, batch::write_reply(&Reply::Unauthorised));
            }
            let upload = batch::read(&batch::expand(body).unwrap()).unwrap();
            keeps.lock().unwrap().extend(upload.rows.into_iter().map(|it| it.fact));
            (200, taken(upload.header.settles, Clocks.now().wall))
        };
        let peer = Peer::start(answer, false).await;
        Self { peer, status, took, folder: tempfile::tempdir().unwrap() }
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("spool.db")
    }

    async fn driver(&self, boot: u128, hub: Hub) -> Driver {
        let (spool, spooled) = Spool::open(&self.spool(), "attic").await.unwrap();
        let settings = Settings {
            monitor: "attic".into(),
            patience: Settings::PATIENCE,
            capacity: 1 << 20,
            interval: Duration::from_mins(5),
            version: "1".into(),
            simulated: false,
        };
        let start = Start { boot: BootId(boot), machine: MachineId(1), spooled, seed: 1 };
        let relay = Relay::new(settings, start, Clocks.now());
        Driver::new(relay, hub, spool, Arc::new(Clocks), || false)
    }

    /// The way to a port that nobody listens on.
    fn nobody(&self) -> Hub {
        Hub::new(&"https://127.0.0.1:9".parse().unwrap(), Some(self.peer.pin), token()).unwrap()
    }
}

fn facts(count: u8) -> Vec<Fact> {
    let at = Clocks.now().wall;
    let sighting = |last| {
        let identity = Identity::Ble(Mac([0x7c, 0, 0, 0, 0, last]));
        let listener = Arc::new(Listener::new("attic", SourceKind::Ble, "hci0"));
        Fact { listener, body: FactBody::Sighting(Sighting { identity, at, rssi: Some(-60) }) }
    };
    (0..count).map(sighting).collect()
}

async fn rows(path: &Path) -> u64 {
    let (spool, spooled) = Spool::open(path, "attic").await.unwrap();
    spool.close().await.unwrap();
    spooled.rows()
}

#[tokio::test]
async fn what_the_hub_takes_touches_no_disk() {
    let house = House::new().await;
    let driver = house.driver(1, house.peer.hub()).await;
    let (tell, told) = mpsc::channel(4);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(driver.run(told, async { drop(stopped.await) }));
    tell.send(Told::Error(Some("ble cannot listen".into()))).await.unwrap();
    tell.send(Told::Facts(facts(3))).await.unwrap();
    let all_there = async {
        while house.took.lock().unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all_there).await.unwrap();
    stop.send(()).unwrap();
    let standing = running.await.unwrap().unwrap();
    assert_eq!((standing.reached, standing.trouble), (Some(true), None));
    let (_, _, body) = house.peer.asked.lock().unwrap().last().unwrap().clone();
    let last = batch::read(&batch::expand(&body).unwrap()).unwrap();
    assert_eq!(last.header.health.last_error.as_deref(), Some("ble cannot listen"));
}

#[tokio::test]
async fn what_the_hub_does_not_take_waits_on_the_disk_and_is_told_later() {
    let house = House::new().await;
    let gone = house.driver(1, house.nobody()).await.deliver(facts(3), pending()).await.unwrap();
    assert_eq!((gone.reached, gone.waiting), (Some(false), 3));
    assert!(gone.why.unwrap().starts_with("nobody answers there: "));
    assert!(gone.hint.is_some());
    assert_eq!(rows(&house.spool()).await, 3);
    // Another start of the program, a hub that lets nobody in.
    house.status.store(401, Ordering::SeqCst);
    let refused =
        house.driver(2, house.peer.hub()).await.deliver(facts(2), pending()).await.unwrap();
    assert_eq!((refused.trouble, refused.waiting), (Some(Trouble::Unauthorised), 5));
    assert!(house.took.lock().unwrap().is_empty());
    house.status.store(200, Ordering::SeqCst);
    let told = house.driver(3, house.peer.hub()).await.deliver(facts(1), pending()).await.unwrap();
    assert_eq!((told.waiting, told.trouble, told.refused), (0, None, 0));
    assert_eq!(house.took.lock().unwrap().len(), 6);
    assert_eq!(rows(&house.spool()).await, 0);
}

#[tokio::test]
async fn whoever_stops_a_delivery_keeps_what_the_hub_did_not_answer() {
    let house = House::new().await;
    // It takes the connection, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", silent.local_addr().unwrap()).parse().unwrap();
    let hub = Hub::new(&address, Some(house.peer.pin), token()).unwrap();
    let driver = house.driver(1, hub).await;
    let waiting = async {
        tokio::task::spawn_blocking(move || silent.accept().unwrap()).await.unwrap();
    };
    let stopped = driver.deliver(facts(3), waiting).await.unwrap();
    assert_eq!((stopped.reached, stopped.waiting), (None, 3));
    assert!(stopped.why.unwrap().starts_with("it was stopped"));
    assert_eq!(rows(&house.spool()).await, 3);
}

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
