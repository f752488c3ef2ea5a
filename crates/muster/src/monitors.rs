//! Far monitors at the hub: who is let in by a code, known by a token, and heard.
//!
//! The desk hands out codes and takes them for tokens; of a token the directory keeps the hash. The door
//! is opened when the first monitor may come, and not before. **Invariant:** nothing of a token or a code
//! is kept or said but to whom it is given.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster_config::Config;
use muster_core::directory::{Edit, EditError, Enrol, Enrolment, TokenHash};
use muster_core::ports::Clock;
use muster_core::snapshot::Snapshot;
use muster_core::uplink::StoreId;
use muster_web::{EditRefused, Host, Invitation, InviteWish, Invitee};
use rustls::crypto::ring;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tracing::info;
use zeroize::Zeroizing;

use crate::doors::{self, Doors, Manners};
use crate::failure::{Exit, Failure};
use crate::pairing::Shared;
use crate::runtime::Input;
use codes::{Codes, Refused, Waiting};
use key::HubKey;
use sealed::Sealed;

mod codes;
mod crowd;
mod key;
mod rooms;
mod sealed;

/// Why the door does not open, and what helps.
struct Shut {
    what: String,
    exit: Exit,
    hint: &'static str,
}

/// Where monitors are let in.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

struct Inner {
    /// What this machine calls its own monitor.
    own: Box<str>,
    codes: Mutex<Codes>,
    door: mpsc::Sender<oneshot::Sender<Result<Open, Shut>>>,
    inputs: mpsc::Sender<Input>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    clock: Arc<dyn Clock>,
}

/// The door that monitors come in by, open or not.
struct Door {
    listen: SocketAddr,
    data: PathBuf,
    asked: mpsc::Receiver<oneshot::Sender<Result<Open, Shut>>>,
}

/// That the door is open.
#[derive(Clone, Debug)]
struct Open {
    /// Where.
    address: SocketAddr,
    /// By what a monitor knows that it is this hub.
    pin: String,
}

/// A monitor that was let in.
struct Admitted {
    monitor: String,
    token: Zeroizing<String>,
    store: StoreId,
}

/// Why it was not.
#[derive(Debug, thiserror::Error)]
enum NotAdmitted {
    #[error(transparent)]
    Code(#[from] Refused),
    #[error("nobody can be let in at the moment: {0}")]
    Unavailable(EditRefused),
}

/// A desk, and its door among the others, which is closed. A demonstration has none: nothing in it is
/// kept. `about`: the data folder, and whether it is one.
pub(crate) fn start(
    config: &Config,
    about: (&Path, bool),
    shared: &Shared<'_>,
    doors: &mut Doors,
) -> Option<Desk> {
    let (data, is_demo) = about;
    if is_demo {
        return None;
    }
    let (door, asked) = mpsc::channel(1);
    let desk = Desk(Arc::new(Inner {
        own: config.monitor.as_str().into(),
        codes: Mutex::default(),
        door,
        inputs: shared.inputs.clone(),
        snapshots: shared.picture.snapshots(),
        clock: Arc::clone(shared.clock),
    }));
    let door = Door { listen: config.ingest.listen.get(), data: data.to_owned(), asked };
    doors.add(door.keep(desk.clone(), doors.open()));
    Some(desk)
}

/// Opens the door if somebody was let in before.
pub(crate) async fn resume(desk: Option<&Desk>) -> Result<(), Failure> {
    let lets_in = |it: &&Desk| it.0.snapshots.borrow().directory.lets_monitors_in();
    let Some(desk) = desk.filter(lets_in) else { return Ok(()) };
    let opened = Box::pin(desk.open()).await;
    opened.map(drop).map_err(|it| Failure::new(it.exit, it.what).hint(it.hint))
}

impl Desk {
    /// Hands out a code.
    pub(crate) async fn invite(&self, wish: InviteWish) -> Result<Invitation, EditRefused> {
        let directory = self.0.snapshots.borrow().directory.clone();
        directory.may_enrol(&wish.monitor, wish.kinds.as_deref(), wish.place)?;
        if wish.monitor == *self.0.own {
            let (what, given) = ("monitor of this machine itself", wish.monitor);
            return Err(EditError::Taken { what, given }.into());
        }
        let door = self.open().await.map_err(|it| EditRefused::Unavailable(it.what))?;
        let told = wish.address.clone();
        let host = told.or_else(|| own_address(door.address.ip()).map(Host::from));
        let Some(host) = host else {
            let what = "it is not known by which address others reach this machine, which is on no \
                        network: say it with --address";
            return Err(EditRefused::Unavailable(what.to_owned()));
        };
        let (random, now) = (u64::from_le_bytes(random()?), self.0.clock.now());
        let code = self.codes().invite(wish, random, now);
        let line = typed(&host, door.address.port(), &code, &door.pin);
        Ok(Invitation { line, until: now.wall + Codes::GOOD_FOR })
    }

    /// Who has a code that is good, by name.
    pub(crate) fn invitations(&self) -> BTreeMap<String, Invitee> {
        let now = self.0.clock.now();
        let mut codes = self.codes();
        let all = codes.waiting(now).map(|(wish, left)| {
            (wish.monitor.clone(), Invitee { place: wish.place, until: now.wall + left })
        });
        all.collect()
    }

    /// Takes a code for a token; it is stored when this returns.
    async fn admit(&self, shown: &str) -> Result<Admitted, NotAdmitted> {
        let now = self.0.clock.now();
        let waiting = self.codes().take(shown, now)?;
        let wish = waiting.wish.clone();
        let mut taken = Taken { desk: self, waiting: Some(waiting) };
        let admitted = self.enrol(wish).await.map_err(NotAdmitted::Unavailable)?;
        taken.waiting = None;
        Ok(admitted)
    }

    async fn enrol(&self, wish: InviteWish) -> Result<Admitted, EditRefused> {
        let InviteWish { monitor, place, sources, kinds, address: _ } = wish;
        let token = Zeroizing::new(URL_SAFE_NO_PAD.encode(random::<32>()?));
        let at = self.0.clock.now().wall;
        let enrolment = Enrolment { token: hash(&token), sources, kinds, at, revoked: None };
        let store = StoreId(u128::from_le_bytes(random()?));
        let edit = Edit::Enrol(Enrol { monitor: monitor.clone(), enrolment, place, store });
        let (answer, answered) = oneshot::channel();
        let gone = || EditRefused::Unavailable("the hub is shutting down".to_owned());
        let asked = self.0.inputs.send(Input::Edit { edit, expect: None, answer }).await;
        asked.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())??;
        // The picture is published before an edit is answered.
        let store = self.0.snapshots.borrow().directory.store.ok_or_else(gone)?;
        info!("a far monitor was let in: {monitor}");
        Ok(Admitted { monitor, token, store })
    }

    /// Whether somebody is let in who shows this.
    fn knows(&self, token: &TokenHash) -> bool {
        self.0.snapshots.borrow().directory.rights_of(token).is_some()
    }

    async fn open(&self) -> Result<Open, Shut> {
        let (answer, answered) = oneshot::channel();
        let closed = || Shut {
            what: "the hub is shutting down".to_owned(),
            exit: Exit::Unreachable,
            hint: "try again when it runs",
        };
        self.0.door.send(answer).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    fn codes(&self) -> std::sync::MutexGuard<'_, Codes> {
        self.0.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A code that was taken, and is good again unless it let somebody in: also when whoever showed it went
/// away before there was an answer, and nobody goes on with this.
struct Taken<'a> {
    desk: &'a Desk,
    waiting: Option<Waiting>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.desk.codes().put_back(waiting);
        }
    }
}

impl Door {
    /// Opens when the desk asks for it, and lets monitors in until the other end of `open` is dropped.
    async fn keep(mut self, desk: Desk, mut open: watch::Receiver<()>) {
        let mut inside = JoinSet::new();
        let mut is_open: Option<Open> = None;
        loop {
            let answer = tokio::select! {
                Some(answer) = self.asked.recv() => answer,
                _ = open.changed() => break,
            };
            let opened = match &is_open {
                Some(it) => Ok(it.clone()),
                None => self.open().await.map(|(door, it)| {
                    let rooms = rooms::rooms(desk.clone());
                    inside.spawn(doors::keep(door, rooms, Manners::monitors(), open.clone()));
                    is_open.insert(it).clone()
                }),
            };
            drop(answer.send(opened));
        }
        while inside.join_next().await.is_some() {}
    }

    async fn open(&self) -> Result<(Sealed, Open), Shut> {
        let listen = self.listen;
        let failed = |cause| Shut {
            what: format!("cannot listen for monitors on {listen}: {cause}"),
            exit: Exit::Unreachable,
            hint: "choose another address with `listen` in [ingest] of the configuration",
        };
        let listener = bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let data = self.data.clone();
        let key = spawn_blocking(move || HubKey::of(&data)).await;
        let key = key.unwrap_or_else(|it| Err(it.into()));
        let HubKey { pin, tls } = key.map_err(|it| Shut {
            what: format!("no key for monitors: {it}"),
            exit: Exit::Failed,
            hint: "put the file back from a copy; without one remove it, and let every monitor in again",
        })?;
        info!("far monitors come in on: https://{address}");
        Ok((Sealed::new(listener, tls, Manners::monitors().seats), Open { address, pin }))
    }
}

/// Listens; where the machine has no IPv6, every address means every one of IPv4.
async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(cause)
            if address.is_ipv6()
                && address.ip().is_unspecified()
                && cause.raw_os_error() == Some(libc::EAFNOSUPPORT) =>
        {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        other => other,
    }
}

/// The address of this machine that others reach: where the door is, or where the default route leaves
/// from; none: it is on no network. Nothing is sent to find out.
fn own_address(door: IpAddr) -> Option<IpAddr> {
    if !door.is_unspecified() {
        return Some(door);
    }
    let from = |own: &str, far: &str| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect(far).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    // Addresses of documentation (RFC 5737, RFC 3849): no machine has them.
    from("0.0.0.0:0", "192.0.2.1:9").or_else(|| from("[::]:0", "[2001:db8::1]:9"))
}

/// The line to type on the new monitor. Shells look for files by what is in brackets, as an address of IPv6 is.
fn typed(host: &Host, port: u16, code: &str, pin: &str) -> String {
    let mut hub = format!("https://{host}:{port}");
    if hub.contains('[') {
        hub = format!("'{hub}'");
    }
    format!("muster monitor --hub {hub} --enrol {code}.{pin}")
}

fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token).into())
}

/// Bits from the system.
fn random<const N: usize>() -> Result<[u8; N], EditRefused> {
    let mut bits = [0; N];
    let filled = ring::default_provider().secure_random.fill(&mut bits);
    let none = |_| EditRefused::Unavailable("the system gives no random bits".to_owned());
    filled.map(|()| bits).map_err(none)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use muster_core::time::{Now, Time};

    use super::*;

    #[test]
    fn others_reach_this_machine_where_the_door_is() {
        let door = "192.168.1.2".parse().unwrap();
        assert_eq!(own_address(door), Some(door));
        let found = own_address(Ipv4Addr::UNSPECIFIED.into());
        assert!(found.is_none_or(|it| !it.is_unspecified()));
    }

    #[test]
    fn shells_take_the_line_as_it_is() {
        let line = |host: &str| typed(&host.parse().unwrap(), 8129, "ABCDE-FGHIJ", "pin");
        assert_eq!(
            line("hub.lan"),
            "muster monitor --hub https://hub.lan:8129 --enrol ABCDE-FGHIJ.pin"
        );
        assert_eq!(
            line("2001:db8::1"),
            "muster monitor --hub 'https://[2001:db8::1]:8129' --enrol ABCDE-FGHIJ.pin"
        );
    }

    #[tokio::test]
    async fn a_code_is_good_again_when_whoever_showed_it_is_gone_before_the_answer() {
        let (inputs, mut taken) = mpsc::channel(1);
        let (door, _asked) = mpsc::channel(1);
        let (_picture, snapshots) = watch::channel(Arc::new(Snapshot::default()));
        let clock: Arc<dyn Clock> = Arc::new(Stopped);
        let (own, codes) = ("hub".into(), Mutex::default());
        let desk = Desk(Arc::new(Inner { own, codes, door, inputs, snapshots, clock }));
        let wish = InviteWish {
            monitor: "attic".to_owned(),
            place: None,
            sources: None,
            kinds: None,
            address: None,
        };
        let code = desk.codes().invite(wish, 7, Stopped.now());
        {
            let admitted = desk.admit(&code);
            tokio::select! {
                biased;
                _ = admitted => panic!("nobody answered"),
                asked = taken.recv() => assert!(asked.is_some()),
            }
        }
        desk.codes().take(&code, Stopped.now()).unwrap();
    }

    /// Time stands still.
    #[derive(Debug)]
    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Now {
            Now { mono: Duration::ZERO, wall: Time::default() }
        }
    }
}
